"""Natural key parts that were drawn, moved where they repeat within the driving parent."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pyarrow as pa

from ...errors import GenerationError
from ...spec.encoding import NumberEncoding, TextEncoding
from ...spec.steps import Distinct
from ..apart import labels_apart, numbers_apart, together_apart
from ..block import Block, as_series
from ..columns.types import to_float64
from ..parts import Columns, Part, parts_of
from ..spread import grid_cells, grid_values
from .series import as_numbers


def apply(step: Distinct, block: Block) -> None:
    """Move the first column; where it has no room left, all of them. Rows with a null in the key repeat nothing."""
    if block.parents is None or not len(block):
        return
    times = math.prod(block.plan.partners.get(key, 1) for key in step.later)
    if times >= int(block.parents.siblings.max()):
        return  # matches will tell them apart
    columns = {c: block.columns[c] for c in step.columns}
    whole = np.logical_and.reduce([values.is_valid().to_numpy(zero_copy_only=False) for values in columns.values()])
    rows = np.flatnonzero(whole)
    part = pa.array(rows)
    moved = _moved(step, block, {c: values.take(part) for c, values in columns.items()}, block.parents.of_child[rows], times)
    place = np.arange(len(block))
    place[rows] = len(block) + np.arange(len(rows))
    for name, values in moved.items():
        block.columns[name] = pa.concat_arrays([columns[name], values]).take(pa.array(place))


def _moved(step: Distinct, block: Block, columns: Columns, family: np.ndarray, times: int) -> Columns:
    """The columns of rows without a null that had to change: those of the part that has most room; where it is full in some family, of all parts."""
    parts = sorted(parts_of(step.columns, step.references, block), key=_fullness)
    first = parts[0]
    group = _groups(family, [columns[c] for part in parts[1:] for c in part.columns])
    rng = block.rng("repair")
    if first.labels is not None:
        place = labels_apart(group, first.labels.places(columns, rng), first.labels.weights, times, rng)
        return first.labels.take(place) if (place >= 0).all() else _all_parts(parts, block, columns, family, times)
    name, encoding = first.columns[0], first.encoding
    if isinstance(encoding, NumberEncoding):
        cells = grid_cells(to_float64(as_series(columns[name]), name, block.types[name], encoding.form, encoding.labels), encoding)
        return {name: as_numbers(grid_values(numbers_apart(group, cells, encoding, times), encoding), encoding)}
    return {name: _numbered(columns[name], group, times)}


def _fullness(part: Part) -> tuple[bool, bool, float]:
    """Numbers and times have room past what was seen and come first, then text that is made up, then labels."""
    return part.labels is not None, isinstance(part.encoding, TextEncoding), -float(part.room or 0)


def _groups(family: np.ndarray, others: list[pa.Array]) -> np.ndarray:
    if not others:
        return family
    frame = pd.DataFrame({"family": family} | {str(i): values.cast(pa.string()).to_pandas() for i, values in enumerate(others)})
    return frame.groupby(list(frame.columns), sort=False, dropna=False).ngroup().to_numpy()


def _all_parts(parts: list[Part], block: Block, columns: Columns, family: np.ndarray, times: int) -> Columns:
    labels = [part.labels for part in parts if part.labels is not None]
    rng = block.rng("repair")
    places = np.stack([known.places(columns, rng) for known in labels], axis=1)
    sizes = tuple(len(known) for known in labels)
    if times * math.prod(sizes) < int(np.bincount(family).max()):
        raise GenerationError(f"a parent has more rows than its key columns {[c for part in parts for c in part.columns]} can tell apart")
    moved = together_apart(family, places, sizes, times, rng)
    out: Columns = {}
    for i, known in enumerate(labels):
        out |= known.take(moved[:, i])
    return out


def _numbered(values: pa.Array, group: np.ndarray, times: int) -> pa.Array:
    """Text that repeats in its group gets its number there appended."""
    text = values.to_pandas()
    number = pd.DataFrame({"g": group, "t": text}).groupby(["g", "t"], sort=False).cumcount() // times
    return pa.Array.from_pandas(text.where(number == 0, text + "-" + (number + 1).astype(str)), type=pa.string())
