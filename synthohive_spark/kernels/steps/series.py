"""Natural key columns whose values never repeat, as functions of a row's rank in its table or group."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import pyarrow as pa

from ...spec.encoding import CategoryEncoding, NumberEncoding, TextEncoding
from ...spec.planning.room import room_of
from ...spec.program import FIRST, SIZE, KeyPattern, Series
from ..block import Block
from ..columns.grid import decimals_of
from ..columns.types import from_float64, from_scalars
from ..keys import key_values
from ..seeds import derive_seed, generator
from ..shares import dealt
from ..spread import grid_step, labels_at, numbers_at, shuffled

Encoding = NumberEncoding | CategoryEncoding | TextEncoding
Values = Callable[[np.ndarray], pa.Array]  # of ranks, int64 (m,)


def apply(step: Series, block: Block) -> None:
    """Give the columns, group by group."""
    parts: list[dict[str, pa.Array]] = []
    places: list[np.ndarray] = []
    for group, rows, ranks, size in _groups(step, block):
        parts.append(_columns(step, block, ranks, size, group))
        places.append(rows)
    order = pa.array(np.argsort(np.concatenate(places), kind="stable")) if places else None
    for name in step.columns:
        whole = pa.concat_arrays([part[name] for part in parts]) if parts else pa.nulls(0, block.arrow_type(name))
        block.columns[name] = whole if order is None else whole.take(order)


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
    for label in dict.fromkeys(labels):
        rows = np.flatnonzero(labels == label)
        size = int(size_of[rows[0]])
        found.append((str(label), rows, shuffled(ranks[rows], size, block.salt("order", *step.columns, str(label))), size))
    return found


def _columns(step: Series, block: Block, ranks: np.ndarray, size: int, group: str) -> dict[str, pa.Array]:
    """The columns of `ranks`, int64 (m,), among `size` rows."""
    encodings = {name: block.plan.fitted.encoding.column(name) for name in step.columns}
    if step.reference is not None and not step.entities:
        return _combinations(step, block, ranks, group)
    if step.entities:
        return _entities(step, block, encodings, ranks, size)
    alone = max(step.columns, key=lambda c: float("inf") if (room := room_of(encodings[c])) is None else room)
    room = room_of(encodings[alone])
    if len(step.columns) == 1 or room is None or room >= size:
        # One column tells all rows apart; the others are free.
        out = {alone: different(encodings[alone], size, block.plan.seed, block.table, alone, group)(ranks)}
        return out | {c: _free(encodings[c], ranks, size, block, group) for c in step.columns if c != alone}
    return _nested(list(step.columns), encodings, block, ranks, size, group)


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
    return from_float64(rounded, np.zeros(len(values), dtype=bool), encoding.spark_type)


def _entities(step: Series, block: Block, encodings: dict[str, Encoding], ranks: np.ndarray, size: int) -> dict[str, pa.Array]:
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


def _nested(columns: list[str], encodings: dict[str, Encoding], block: Block, ranks: np.ndarray, size: int, identity: str) -> dict[str, pa.Array]:
    """No column alone has room for all rows: the rows are dealt out over the values of the first, and for each over those of the rest."""
    first, *rest = columns
    encoding = encodings[first]
    if not rest:
        return {first: different(encoding, size, block.plan.seed, block.table, first, identity)(ranks)}
    values, weights = _domain(encoding, size)
    room = float(np.prod([float(room_of(encodings[c]) or np.inf) for c in rest]))
    offsets = np.concatenate([[0], np.cumsum(dealt(weights, size, room))])
    part = np.searchsorted(offsets, ranks, side="right") - 1
    inside = ranks - offsets[part]
    out: dict[str, pa.Array] = {first: values.take(pa.array(part))}
    pieces = {int(p): np.flatnonzero(part == p) for p in np.unique(part)}
    below = {p: _nested(rest, encodings, block, inside[rows], int(offsets[p + 1] - offsets[p]), f"{identity}/{p}") for p, rows in pieces.items()}
    order = pa.array(np.argsort(np.concatenate(list(pieces.values())), kind="stable")) if pieces else None
    for name in rest:
        joined = pa.concat_arrays([columns_[name] for columns_ in below.values()]) if below else pa.nulls(0, block.arrow_type(name))
        out[name] = joined if order is None else joined.take(order)
    return out


def _domain(encoding: Encoding, size: int) -> tuple[pa.Array, np.ndarray]:
    """Values of a column and their weights, at most `size` of them."""
    if isinstance(encoding, CategoryEncoding):
        return from_scalars(encoding.values, encoding.spark_type), np.asarray(encoding.counts, dtype=np.float64)
    if isinstance(encoding, TextEncoding):
        return key_values(KeyPattern(form="text"), np.arange(size), pa.string(), 0), np.ones(size)
    n = min(size, room_of(encoding) or size)
    return as_numbers(numbers_at(encoding, np.arange(n), n, 0), encoding), np.ones(n)


def _free(encoding: Encoding, ranks: np.ndarray, size: int, block: Block, group: str) -> pa.Array:
    """Values in the column's own distribution, which may repeat: those of a shuffled rank."""
    values, weights = _domain(encoding, min(size, 1000))
    offsets = np.cumsum(dealt(weights, size))
    mixed = shuffled(ranks, size, block.salt("free", encoding.name, group))
    return values.take(pa.array(np.minimum(np.searchsorted(offsets, mixed, side="right"), len(values) - 1)))


def _combinations(step: Series, block: Block, ranks: np.ndarray, group: str) -> dict[str, pa.Array]:
    """Combinations that a reference table has, each once."""
    key = block.plan.fitted.program.foreign_keys[step.reference or 0]
    arrays = block.plan.combinations[step.reference or 0]
    table = pa.table({name: arrays[key.columns.index(name)] for name in step.columns}).group_by(list(step.columns), use_threads=False).aggregate([])
    place = pa.array(shuffled(ranks, table.num_rows, block.salt("combinations", group)))
    return {name: table.column(name).combine_chunks().take(place).cast(block.arrow_type(name)) for name in step.columns}
