"""Natural key parts that were drawn, moved where they repeat within the driving parent."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pyarrow as pa

from ...errors import GenerationError
from ...spec.encoding import CategoryEncoding, NumberEncoding
from ...spec.program import Distinct
from ..apart import labels_apart, numbers_apart, together_apart
from ..block import Block, as_series
from ..columns.types import from_scalars, to_float64
from ..spread import grid_cells, grid_values
from .series import as_numbers

Columns = dict[str, pa.Array]


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
    """The columns of rows without a null that had to change."""
    if step.reference is not None:
        return _combinations(step, block, columns, family, times)
    first, *others = step.columns
    group = _groups(family, [columns[c] for c in others])
    encoding = block.plan.fitted.encoding.column(first)
    if isinstance(encoding, NumberEncoding):
        cells = grid_cells(to_float64(as_series(columns[first]), first, block.types[first]), encoding)
        return {first: as_numbers(grid_values(numbers_apart(group, cells, encoding, times), encoding), encoding)}
    if not isinstance(encoding, CategoryEncoding):
        return {first: _numbered(columns[first], group, times)}
    labels = from_scalars(encoding.values, encoding.spark_type)
    place = labels_apart(group, _places(labels, columns[first]), np.asarray(encoding.counts, dtype=np.float64), times, block.rng("repair"))
    return _all_parts(step, block, columns, family, times) if (place < 0).any() else {first: labels.take(pa.array(place))}


def _groups(family: np.ndarray, others: list[pa.Array]) -> np.ndarray:
    if not others:
        return family
    frame = pd.DataFrame({"family": family} | {str(i): values.cast(pa.string()).to_pandas() for i, values in enumerate(others)})
    return frame.groupby(list(frame.columns), sort=False, dropna=False).ngroup().to_numpy()


def _places(labels: pa.Array, values: pa.Array) -> np.ndarray:
    found = pa.compute.index_in(values, value_set=labels).fill_null(0)
    return found.to_numpy(zero_copy_only=False).astype(np.int64)


def _all_parts(step: Distinct, block: Block, columns: Columns, family: np.ndarray, times: int) -> Columns:
    """The first column is full in some family: combinations of all columns, which are categories then."""
    encodings = [block.plan.fitted.encoding.column(c) for c in step.columns]
    if not all(isinstance(e, CategoryEncoding) for e in encodings):
        raise GenerationError(f"a parent has more rows than its key columns {list(step.columns)} can tell apart")
    labels = [from_scalars(e.values, e.spark_type) for e in encodings if isinstance(e, CategoryEncoding)]
    places = np.stack([_places(known, columns[c]) for known, c in zip(labels, step.columns, strict=True)], axis=1)
    moved = together_apart(family, places, tuple(len(known) for known in labels), times, block.rng("repair"))
    return {name: known.take(pa.array(moved[:, i])) for i, (known, name) in enumerate(zip(labels, step.columns, strict=True))}


def _combinations(step: Distinct, block: Block, columns: Columns, family: np.ndarray, times: int) -> Columns:
    """Parts that are a key to a reference table: only its combinations exist."""
    key = block.plan.fitted.program.foreign_keys[step.reference or 0]
    arrays = block.plan.combinations[step.reference or 0]
    known = pa.table({c: arrays[key.columns.index(c)].cast(block.arrow_type(c)) for c in step.columns})
    known = known.group_by(list(step.columns), use_threads=False).aggregate([])
    labels = pd.MultiIndex.from_arrays([known.column(c).combine_chunks().cast(pa.string()).to_pandas() for c in step.columns])
    place = labels.get_indexer(pd.MultiIndex.from_arrays([columns[c].cast(pa.string()).to_pandas() for c in step.columns]))
    place = labels_apart(family, np.maximum(place, 0), np.ones(len(labels)), times, block.rng("repair"))
    if (place < 0).any():
        raise GenerationError(f"a parent has more rows than the reference table {key.parent_table!r} has combinations")
    return {name: known.column(name).combine_chunks().take(pa.array(place)) for name in step.columns}


def _numbered(values: pa.Array, group: np.ndarray, times: int) -> pa.Array:
    """Text that repeats in its group gets its number there appended."""
    text = values.to_pandas()
    number = pd.DataFrame({"g": group, "t": text}).groupby(["g", "t"], sort=False).cumcount() // times
    return pa.Array.from_pandas(text.where(number == 0, text + "-" + (number + 1).astype(str)), type=pa.string())
