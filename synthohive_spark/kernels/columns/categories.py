"""Categories: a code per value, or, past `max_codes` values, per group of values that are drawn by their frequency."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ...spec.config import EncodingConfig
from ...spec.encoding import CategoryEncoding, Scalar, TextEncoding
from .cache import once_per_encoding
from .number_forms import is_number_text
from .rows import Rows
from .texts import decode_text
from .types import from_scalars


def fit_categories(
    name: str,
    spark_type: str,
    values: list[Scalar],
    counts: np.ndarray,
    null_share: float,
    config: EncodingConfig,
    rare: TextEncoding | None = None,
    rare_rows: int = 0,
) -> CategoryEncoding:
    """Group the values that may be reproduced.

    Args:
        values: distinct values as JSON scalars, at least one, in any order.
        counts: real rows per value, int64 (V,).
        null_share: share of all rows that are null, in [0, 1]. Values that are left out spread over those kept: the rest of the weights adds up to 1 with it.
        rare: makes values up for `rare_rows` further rows, above 0; None for none.
    """
    has_null = null_share > 0
    order = np.array(sorted(range(len(values)), key=lambda i: (-int(counts[i]), values[i])), dtype=np.int64)
    groups, budget = len(values), config.max_codes - has_null - (rare is not None)
    starts = np.arange(groups)
    if groups > budget:
        order, starts = _two_levels(order, values, counts, budget)
    sorted_counts = counts[order]
    rows = np.add.reduceat(sorted_counts, starts).astype(np.float64)
    if rare is not None:
        rows = np.append(rows, rare_rows)
    weights = rows / rows.sum() * (1 - null_share)
    return CategoryEncoding(
        name=name,
        spark_type=spark_type,
        has_null=has_null,
        weights=tuple(([null_share] if has_null else []) + weights.tolist()),
        values=tuple(values[i] for i in order),
        counts=tuple(sorted_counts.tolist()),
        starts=tuple(starts.tolist()),
        rare=rare,
    )


def _two_levels(order: np.ndarray, values: list[Scalar], counts: np.ndarray, budget: int) -> tuple[np.ndarray, np.ndarray]:
    """A group for each value with the mass of a group, then neighbours in sort order together: neighbouring codes (postal codes, part numbers) mean alike.

    Returns:
        The new order of the values, int64 (V,), and where the groups start in it, int64 (G,), G <= budget.
    """
    mass = counts[order].astype(np.float64)
    remaining = mass.sum() - np.concatenate([[0.0], np.cumsum(mass)[:-1]])
    left = budget - np.arange(len(order))
    own = (left > 1) & (mass * np.maximum(left, 1) >= remaining)
    head = len(own) if own.all() else int(np.argmin(own))
    tail = np.array(sorted(order[head:], key=lambda i: values[i]), dtype=np.int64)
    tail_mass = counts[tail].astype(np.float64)
    middle = (np.cumsum(tail_mass) - tail_mass / 2) / tail_mass.sum()
    group = np.floor(middle * (budget - head)).astype(np.int64)
    first = np.flatnonzero(np.concatenate([[True], np.diff(group) > 0]))
    return np.concatenate([order[:head], tail]), np.concatenate([np.arange(head), head + first])


class _Tables(NamedTuple):
    values: pa.Array
    group_of: np.ndarray  # (V,)
    starts: np.ndarray  # (G,)
    sizes: np.ndarray  # (G,)
    before: np.ndarray  # (V,) rows up to and with each value
    shares: np.ndarray  # (G,) cumulative weights of the groups, the last is 1
    commonest: int
    has_rare: bool
    numbers: bool


@once_per_encoding
def _tables(encoding: CategoryEncoding) -> _Tables:
    starts = np.asarray(encoding.starts, dtype=np.int64)
    sizes = np.diff(np.append(starts, len(encoding.values)))
    first = int(encoding.has_null)
    weights = np.asarray(encoding.weights[first : first + len(starts)], dtype=np.float64)
    cumulative = np.cumsum(weights)
    return _Tables(
        values=from_scalars(encoding.values, encoding.spark_type),
        group_of=np.repeat(np.arange(len(starts)), sizes),
        starts=starts,
        sizes=sizes,
        before=np.cumsum(np.asarray(encoding.counts, dtype=np.int64)),
        shares=cumulative / cumulative[-1],
        commonest=first + int(np.argmax(weights)),
        has_rare=encoding.rare is not None,
        numbers=encoding.numbers,
    )


def encode_categories(array: pa.Array, encoding: CategoryEncoding) -> np.ndarray:
    """Codes int64 (N,) of an array in the column's exact type. Unseen and rare values that are not made up go to groups by their weights, by a stable hash."""
    tables, first = _tables(encoding), int(encoding.has_null)
    coded = array.dictionary_encode()
    known = _lookup(coded.dictionary, tables) + first
    index = np.asarray(coded.indices.fill_null(len(known)).to_numpy(zero_copy_only=False), dtype=np.int64)
    return np.append(known, 0 if encoding.has_null else tables.commonest)[index]


def places_of(array: pa.Array, encoding: CategoryEncoding) -> np.ndarray:
    """The number of each value among `encoding.values`, int64 (N,); -1 where it is none of them."""
    return _places(array, _tables(encoding))


def _places(array: pa.Array, tables: _Tables) -> np.ndarray:
    return pc.index_in(array, value_set=tables.values).fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)


def _lookup(distinct: pa.Array, tables: _Tables) -> np.ndarray:
    """The group, int64 (U,), of each distinct value."""
    place = _places(distinct, tables)
    group = tables.group_of[place]
    missing = np.flatnonzero(place < 0)
    if tables.has_rare:
        made_up = missing[~is_number_text(distinct.take(pa.array(missing)))] if tables.numbers else missing
        group[made_up] = len(tables.starts)
        missing = np.setdiff1d(missing, made_up)
    if len(missing):
        text = np.array([str(v) for v in distinct.take(pa.array(missing)).to_pylist()], dtype=object)
        u = pd.util.hash_array(text, categorize=False).astype(np.float64) / 2.0**64
        group[missing] = np.minimum(np.searchsorted(tables.shares, u, side="right"), len(tables.starts) - 1)
    return group


def decode_categories(codes: np.ndarray, encoding: CategoryEncoding, rng: np.random.Generator, rows: Rows | None = None) -> pa.Array:
    """Values of codes int64 (N,) in the column's exact type; inside a group by their frequency.

    Args:
        rows: which rows of the table they are, so that what is made up is the same in all blocks.
    """
    if encoding.rare is None:
        return _common(codes, encoding, rng)
    rare = codes == encoding.cardinality - 1
    made = decode_text(np.zeros(int(rare.sum()), dtype=np.int64), encoding.rare, rng, rows.only(rare) if rows is not None else None)
    common = _common(codes[~rare], encoding, rng)
    place = np.empty(len(codes), dtype=np.int64)
    place[~rare], place[rare] = np.arange(len(common)), len(common) + np.arange(len(made))
    return pa.concat_arrays([common, made]).take(pa.array(place))


def _common(codes: np.ndarray, encoding: CategoryEncoding, rng: np.random.Generator) -> pa.Array:
    tables = _tables(encoding)
    null = codes < int(encoding.has_null)
    group = np.where(null, 0, codes - int(encoding.has_null))
    place = tables.starts[group]
    shared = np.flatnonzero(~null & (tables.sizes[group] > 1))
    if len(shared):
        starts = place[shared]
        low = np.where(starts > 0, tables.before[starts - 1], 0)
        high = tables.before[starts + tables.sizes[group[shared]] - 1]
        drawn = low + (rng.random(len(shared)) * (high - low)).astype(np.int64)
        place[shared] = np.searchsorted(tables.before, drawn, side="right")
    return tables.values.take(pa.array(place, mask=null))
