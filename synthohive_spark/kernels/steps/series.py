"""Natural key columns whose values never repeat, as functions of a row's rank in its table or group."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import pandas as pd
import pyarrow as pa

from ...spec.encoding import CategoryEncoding, NumberEncoding, TextEncoding
from ...spec.hidden import FIRST, SIZE
from ...spec.planning.room import room_of
from ...spec.steps import KeyPattern, Series
from ..block import Block
from ..columns.grid import decimals_of, typed_numbers
from ..columns.types import from_scalars
from ..keys import key_values
from ..parts import Columns, Encoding, Labels, Part, parts_of
from ..seeds import derive_seed, generator
from ..shares import dealt
from ..spread import grid_step, labels_at, numbers_at, shuffled

Values = Callable[[np.ndarray], pa.Array]  # of ranks, int64 (m,)


def apply(step: Series, block: Block) -> None:
    """Give the columns, group by group."""
    if step.within and block.parents is None:
        _without_group(step, block)
        return
    parts: list[Columns] = []
    places: list[np.ndarray] = []
    for group, rows, ranks, size in _groups(step, block):
        parts.append(_columns(step, block, ranks, size, group))
        places.append(rows)
    order = pa.array(np.argsort(np.concatenate(places), kind="stable")) if places else None
    for name in step.columns:
        whole = pa.concat_arrays([part[name] for part in parts]) if parts else pa.nulls(0, block.arrow_type(name))
        block.columns[name] = whole if order is None else whole.take(order)


def _without_group(step: Series, block: Block) -> None:
    """Rows without a driving parent have a null in the key: nothing has to differ."""
    ranks = np.arange(len(block))
    for part in parts_of(step.columns, step.references, block):
        block.columns |= (
            _free(part, ranks, len(block), block, f"alone {block.number}") if len(block) else {c: pa.nulls(0, block.arrow_type(c)) for c in part.columns}
        )


def _groups(step: Series, block: Block) -> list[tuple[str, np.ndarray, np.ndarray, int]]:
    """(name, places of its rows in the block, their ranks, rows of the group) of each group."""
    everything = np.arange(len(block))
    if not step.within or block.parents is None:
        # Rows of a child come family by family: in order, a family's values would lie side by side.
        driven = block.plan.fitted.program.driving is not None
        ranks = shuffled(block.rows, block.plan.total, block.salt("order", *step.columns)) if driven else block.rows
        return [("", everything, ranks, block.plan.total)] if len(block) else []
    parents = block.parents
    first, size_of = (parents.frame[c].to_numpy(dtype="int64")[parents.of_child] for c in (FIRST, SIZE))
    ranks = first + parents.position
    labels = np.array(["\x1f".join(map(str, values)) for values in zip(*(block.columns[c].to_pylist() for c in step.within), strict=True)], dtype=object)
    found = []
    codes, names = pd.factorize(labels)
    for label, rows in zip(names, np.split(np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes))[:-1]), strict=True):
        size = int(size_of[rows[0]])
        found.append((str(label), rows, shuffled(ranks[rows], size, block.salt("order", *step.columns, str(label))), size))
    return found


def _columns(step: Series, block: Block, ranks: np.ndarray, size: int, group: str) -> Columns:
    """The columns of `ranks`, int64 (m,), among `size` rows."""
    if step.entities:
        return _entities(step, block, {name: block.plan.fitted.encoding.column(name) for name in step.columns}, ranks, size)
    parts = parts_of(step.columns, step.references, block)
    alone = max(parts, key=lambda part: float("inf") if part.room is None else part.room)
    if len(parts) == 1 or alone.room is None or alone.room >= size:
        # One part tells all rows apart; the others are free.
        out = _alone(alone, ranks, size, block, group)
        for part in parts:
            out |= {} if part is alone else _free(part, ranks, size, block, group)
        return out
    return _nested(parts, block, ranks, size, group)


def _alone(part: Part, ranks: np.ndarray, size: int, block: Block, group: str) -> Columns:
    """A part of which no two of `size` rows have the same."""
    if part.encoding is not None:
        name = part.columns[0]
        return {name: different(part.encoding, size, block.plan.seed, block.table, name, group)(ranks)}
    labels = part.labels
    return {} if labels is None else labels.take(shuffled(ranks, len(labels), block.salt("combinations", *part.columns, group)))


def different(encoding: Encoding, n: int, seed: int, *identity: str) -> Values:
    """The values of ranks 0 ... n - 1 of a column, no two alike; the same in every task that asks."""
    if isinstance(encoding, TextEncoding):
        return lambda ranks: key_values(KeyPattern(form="text"), ranks, pa.string(), seed)
    if isinstance(encoding, CategoryEncoding):
        chosen = _chosen(encoding, n, seed, *identity)
        return lambda ranks: from_scalars(encoding.values, encoding.spark_type).take(pa.array(chosen[ranks]))
    return lambda ranks: as_numbers(numbers_at(encoding, ranks, n, derive_seed(seed, "series", *identity)), encoding)


@lru_cache(maxsize=64)
def _chosen(encoding: CategoryEncoding, n: int, seed: int, *identity: str) -> np.ndarray:
    return labels_at(encoding, np.arange(n), n, generator(seed, "series", *identity))


def as_numbers(values: np.ndarray, encoding: NumberEncoding) -> pa.Array:
    """Numbers on their grid as the column's type."""
    step = grid_step(encoding)
    rounded = np.round(values, decimals_of(step, encoding.origin))
    return typed_numbers(rounded, np.zeros(len(values), dtype=bool), encoding)


def _entities(step: Series, block: Block, encodings: dict[str, Encoding], ranks: np.ndarray, size: int) -> Columns:
    """Entities with their real shares of the rows, and for each a series of its own."""
    *columns, runs = step.columns
    room = room_of(encodings[runs])
    offsets = np.concatenate([[0], np.cumsum(dealt(np.array(step.counts), size, np.inf if room is None else room))])
    entity = np.searchsorted(offsets, ranks, side="right") - 1  # (m,)
    out = {}
    for i, name in enumerate(columns):
        labels = pa.array([e[i] for e in step.entities], pa.string())
        target = block.arrow_type(name)
        labels = labels.cast(pa.int64()) if pa.types.is_timestamp(target) else labels  # as microseconds
        out[name] = labels.take(pa.array(entity)).cast(target)

    def values(e: int, inside: np.ndarray) -> pa.Array:
        return different(encodings[runs], int(offsets[e + 1] - offsets[e]), block.plan.seed, block.table, *step.entities[e])(inside)

    return out | {runs: _by_part(entity, ranks - offsets[entity], values, block.arrow_type(runs))}


def _by_part(part: np.ndarray, inside: np.ndarray, values: Callable[[int, np.ndarray], pa.Array], kind: pa.DataType) -> pa.Array:
    """Values of ranks that lie in several parts, in the order of the ranks."""
    found, places = [], []
    for p in np.unique(part):
        rows = np.flatnonzero(part == p)
        found.append(values(int(p), inside[rows]).cast(kind))
        places.append(rows)
    if not found:
        return pa.nulls(0, kind)
    return pa.concat_arrays(found).take(pa.array(np.argsort(np.concatenate(places), kind="stable")))


def _nested(parts: list[Part], block: Block, ranks: np.ndarray, size: int, identity: str) -> Columns:
    """No part alone has room for all rows: the rows are dealt out over what the first can be, and for each over what the rest can."""
    first, *rest = parts
    if not rest:
        return _alone(first, ranks, size, block, identity)
    labels = _domain(first, size)
    room = float(np.prod([float(part.room or np.inf) for part in rest]))
    offsets = np.concatenate([[0], np.cumsum(dealt(labels.weights, size, room))])
    part = np.searchsorted(offsets, ranks, side="right") - 1
    inside = ranks - offsets[part]
    out = labels.take(part)
    pieces = {int(p): np.flatnonzero(part == p) for p in np.unique(part)}
    below = [_nested(rest, block, inside[rows], int(offsets[p + 1] - offsets[p]), f"{identity}/{p}") for p, rows in pieces.items()]
    order = pa.array(np.argsort(np.concatenate(list(pieces.values())), kind="stable")) if pieces else None
    for name in (c for other in rest for c in other.columns):
        joined = pa.concat_arrays([piece[name] for piece in below]) if below else pa.nulls(0, block.arrow_type(name))
        out[name] = joined if order is None else joined.take(order)
    return out


def _domain(part: Part, size: int) -> Labels:
    """What a part can be, at most `size` values of numbers and text."""
    if part.labels is not None:
        return part.labels
    encoding = part.encoding
    if isinstance(encoding, NumberEncoding):
        n = min(size, room_of(encoding) or size)
        values = as_numbers(numbers_at(encoding, np.arange(n), n, 0), encoding)
    else:
        n, values = size, key_values(KeyPattern(form="text"), np.arange(size), pa.string(), 0)
    return Labels(part.columns, (values,), np.ones(n))


def _free(part: Part, ranks: np.ndarray, size: int, block: Block, group: str) -> Columns:
    """Values in the part's own distribution, which may repeat: those of a shuffled rank."""
    labels = _domain(part, min(size, 1000))
    offsets = np.cumsum(dealt(labels.weights, size))
    mixed = shuffled(ranks, size, block.salt("free", *part.columns, group))
    return labels.take(np.minimum(np.searchsorted(offsets, mixed, side="right"), len(labels) - 1))
