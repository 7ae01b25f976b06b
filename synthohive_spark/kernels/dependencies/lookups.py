"""Lookups: the target by the combination of its determinants. A combination that the real table never shows gives way to one that it does.

Legend: `K` combinations, `D` determinants, one or two, `n` rows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ...spec.dependencies import Lookup
from ...spec.encoding import CategoryEncoding, ColumnEncoding, Scalar
from ..columns.cache import once_per_encoding
from ..columns.categories import places_of
from ..columns.types import from_scalars
from .units import plain, to_floats


class _Tables(NamedTuple):
    codes: np.ndarray  # (K, D), the value's place in `distinct`
    order: np.ndarray  # (K,) by packed code
    packed: np.ndarray  # (K,) ascending
    sizes: tuple[int, ...]  # (D,) values of each determinant, null included
    counts: np.ndarray  # (K,)
    typed: dict[int, pa.Array]  # (K,) values of each determinant by its place, and of the target by -1, in their types once they were asked for


@once_per_encoding
def _tables(lookup: Lookup) -> _Tables:
    """Keys are compared as Python scalars here; rows are turned into the same codes by `_row_codes`."""
    columns = [pd.factorize(np.array([_hashable(v) for v in keys] + [None], dtype=object)[:-1], use_na_sentinel=False)[0] for keys in lookup.keys]
    codes = np.stack(columns, axis=1).astype(np.int64) if lookup.counts else np.zeros((0, len(lookup.keys)), dtype=np.int64)
    sizes = tuple(int(c.max(initial=-1)) + 1 for c in codes.T)
    packed = _pack(codes, sizes)
    order = np.argsort(packed, kind="stable")
    return _Tables(codes, order, packed[order], sizes, np.asarray(lookup.counts, dtype=np.int64), {})


def _typed(lookup: Lookup, which: int, types: Mapping[str, str]) -> pa.Array:
    """Values (K,) of the determinant at `which`, of the target at -1."""
    kept = _tables(lookup).typed
    if which not in kept:
        values, name = (lookup.values, lookup.target) if which < 0 else (lookup.keys[which], lookup.determinants[which])
        kept[which] = stored(values, types[name])
    return kept[which]


def _hashable(value: Scalar | None) -> str | None:
    return None if value is None else f"{type(value).__name__}:{value}"


def _pack(codes: np.ndarray, sizes: Sequence[int]) -> np.ndarray:
    packed = np.zeros(len(codes), dtype=np.int64)
    for column, size in zip(codes.T, sizes, strict=True):
        packed = packed * (size + 1) + column
    return np.where((codes < 0).any(axis=1), -1, packed)


def stored(values: Sequence[Scalar | None], spark_type: str) -> pa.Array:
    """Stored scalars in the exact type."""
    some = pa.array([v is None for v in values])
    known = from_scalars([v for v in values if v is not None], spark_type)
    place = np.cumsum(~some.to_numpy(zero_copy_only=False)) - 1
    return known.take(pa.array(place, mask=some.to_numpy(zero_copy_only=False)))


def _row_codes(columns: Mapping[str, pa.Array], lookup: Lookup, tables: _Tables, types: Mapping[str, str]) -> np.ndarray:
    """Codes int64 (n, D) as in the tables; -1 for a value that is in no combination."""
    out = []
    for i, name in enumerate(lookup.determinants):
        array, known = plain(columns[name]), plain(_typed(lookup, i, types))
        first = pc.index_in(array, value_set=known.cast(array.type)).fill_null(-1).to_numpy(zero_copy_only=False)
        out.append(np.where(first < 0, -1, tables.codes[np.maximum(first, 0), i] if len(known) else -1))
    return np.stack(out, axis=1).astype(np.int64)


def expected(lookup: Lookup, columns: Mapping[str, pa.Array], types: Mapping[str, str]) -> tuple[pa.Array, np.ndarray]:
    """The target by the stored combinations, (n,), and in which rows there is one, bool (n,)."""
    tables = _tables(lookup)
    place = _find(_row_codes(columns, lookup, tables, types), tables)
    values = _typed(lookup, -1, types) if len(lookup.values) else pa.nulls(1, columns[lookup.target].type)
    return values.take(pa.array(np.maximum(place, 0))), place >= 0


def look_up(
    lookup: Lookup,
    columns: Mapping[str, pa.Array],
    types: Mapping[str, str],
    fixed: Collection[str],
    held: Mapping[str, np.ndarray],
    rng: np.random.Generator,
    encodings: Mapping[str, ColumnEncoding] = MappingProxyType({}),
) -> tuple[dict[str, pa.Array], np.ndarray]:
    """The target for every row, and the determinants that had to change; and in which rows the lookup says anything, bool (n,).

    It says nothing of nulls that no combination has, if it is loose: there the target is null here.

    Args:
        columns: has the determinants, (n,) each.
        fixed: columns that may not be redrawn. Where no determinant may, a combination that was never seen takes the value of one that was, always the same.
        held: for columns that may not be redrawn in some rows, which rows those are, bool (n,).
        encodings: of the determinants, as far as they are known: made-up values are not redrawn either.
    """
    tables = _tables(lookup)
    codes = _row_codes(columns, lookup, tables, types)
    place = _find(codes, tables)
    nulls = np.stack([plain(columns[n]).is_null().to_numpy(zero_copy_only=False) for n in lookup.determinants], axis=1)
    silent = (place < 0) & nulls.any(axis=1) & (lookup.loose or not len(tables.counts))
    unseen = np.flatnonzero((place < 0) & ~silent)
    changed = np.zeros(codes.shape, dtype=bool)
    if len(unseen) and len(tables.counts):
        free = np.stack([_may_change(n, unseen, columns, fixed, held, encodings) for n in lookup.determinants], axis=1) & ~nulls[unseen]
        if len(lookup.determinants) == 1 and types[lookup.determinants[0]] not in ("string", "boolean"):
            place[unseen], changed[unseen] = _nearest(columns[lookup.determinants[0]], unseen, _typed(lookup, 0, types)), free
        else:
            for pattern in np.unique(free, axis=0):
                rows = unseen[(free == pattern).all(axis=1)]
                place[rows], changed[rows] = _replace(codes[rows], rows, lookup, columns, tables, pattern.tolist(), rng)
    out = {}
    for i, name in enumerate(lookup.determinants):
        if changed[:, i].any():
            values = _typed(lookup, i, types).take(pa.array(np.where(changed[:, i], place, 0)))
            out[name] = pc.if_else(pa.array(changed[:, i]), values, columns[name])
    out[lookup.target] = _typed(lookup, -1, types).take(pa.array(np.maximum(place, 0), mask=place < 0))
    return out, ~silent


def _may_change(
    name: str,
    rows: np.ndarray,
    columns: Mapping[str, pa.Array],
    fixed: Collection[str],
    held: Mapping[str, np.ndarray],
    encodings: Mapping[str, ColumnEncoding],
) -> np.ndarray:
    """In which of `rows` the column may take another value, bool (len(rows),)."""
    if name in fixed:
        return np.zeros(len(rows), dtype=bool)
    free = ~held[name][rows] if name in held else np.ones(len(rows), dtype=bool)
    encoding = encodings.get(name)
    if isinstance(encoding, CategoryEncoding) and encoding.rare is not None:
        free &= places_of(columns[name].take(pa.array(rows)), encoding) >= 0
    return free


def _nearest(array: pa.Array, rows: np.ndarray, known: pa.Array) -> np.ndarray:
    """For numbers and dates the combination whose determinant is nearest, the lower one of two that are as near; int64 (len(rows),)."""
    values, wanted = to_floats(plain(known)), to_floats(plain(array.take(pa.array(rows))))
    order = np.argsort(values, kind="stable")[: int((~np.isnan(values)).sum())]  # nan, which is null, comes last
    above = np.clip(np.searchsorted(values[order], wanted), 1, max(1, len(order) - 1))
    low, high = order[above - 1], order[np.minimum(above, len(order) - 1)]
    return np.where(wanted - values[low] <= values[high] - wanted, low, high)


def _find(codes: np.ndarray, tables: _Tables) -> np.ndarray:
    """The combination of each row, int64 (n,); -1 for none."""
    packed = _pack(codes, tables.sizes)
    at = np.minimum(np.searchsorted(tables.packed, packed), max(0, len(tables.packed) - 1))
    return np.where(tables.packed[at] == packed, tables.order[at], -1) if len(tables.packed) else np.full(len(packed), -1)


def _replace(
    codes: np.ndarray, rows: np.ndarray, lookup: Lookup, columns: Mapping[str, pa.Array], tables: _Tables, free: Sequence[bool], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """For rows without a combination: one, int64 (n,), and which of their determinants take its values, bool (n, D)."""
    place = np.full(len(codes), -1)
    changed = np.zeros(codes.shape, dtype=bool)
    if any(free):
        keep = 0 if len(free) == 1 or not free[0] or free[1] else 1
        u = rng.random((2, len(codes)))
        if len(free) == 2 and free[1 - keep]:
            place = _draw(codes[:, keep], u[0], tables, keep)
            changed[:, 1 - keep] = place >= 0
        if free[keep]:
            again = place < 0
            place[again] = _draw(np.zeros(int(again.sum()), dtype=np.int64), u[1][again], tables, None)
            changed[again] = True
    left = np.flatnonzero(place < 0)
    if len(left):
        place[left] = _settle(rows[left], codes[left], lookup, columns, tables)
    return place, changed


def _draw(kept: np.ndarray, u: np.ndarray, tables: _Tables, axis: int | None) -> np.ndarray:
    """A combination by its count among those with the code `kept` on `axis` (of all, where None), int64 (n,); -1 where there is none."""
    group = tables.codes[:, axis] if axis is not None else np.zeros(len(tables.counts), dtype=np.int64)
    order = np.argsort(group, kind="stable")
    upto = np.concatenate([[0], np.cumsum(tables.counts[order])])
    low, high = (upto[np.searchsorted(group[order], kept, side=side)] for side in ("left", "right"))
    at = np.searchsorted(upto, low + np.floor(u * (high - low)), side="right") - 1
    return np.where(high > low, order[np.minimum(at, len(order) - 1)], -1)


def _settle(rows: np.ndarray, codes: np.ndarray, lookup: Lookup, columns: Mapping[str, pa.Array], tables: _Tables) -> np.ndarray:
    """A combination that depends on the determinants' values alone, so that rows that share them share the target; int64 (n,)."""
    text = [columns[name].take(pa.array(rows)).cast(pa.string()).to_pandas().astype(object).where(lambda s: s.notna(), "") for name in lookup.determinants]
    u = pd.util.hash_array(np.array(["\x1f".join(t) for t in zip(*text, strict=True)], dtype=object), categorize=False) / 2.0**64
    place = _draw(codes[:, 0], u, tables, 0)
    return np.where(place < 0, _draw(np.zeros(len(rows), dtype=np.int64), u, tables, None), place)
