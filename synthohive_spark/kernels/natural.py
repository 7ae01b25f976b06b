"""Natural key parts: series of the entities of a root, and parts that must not repeat within a parent."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import pandas as pd
import pyarrow as pa

from ..errors import GenerationError
from ..spec.encoding import CategoryEncoding, NumberEncoding, TextEncoding
from ..spec.fitted import FittedTable
from ..spec.program import KeyPattern, SeriesPlan
from .columns.grid import decimals_of
from .columns.types import from_float64, from_scalars, to_float64
from .keys import key_values, series_offsets, series_values, without_repeats

Encoding = NumberEncoding | CategoryEncoding | TextEncoding


def series_columns(fitted: FittedTable, plan: SeriesPlan, rows: np.ndarray, total: int, seed: int, types: Mapping[str, pa.DataType]) -> dict[str, pa.Array]:
    """The primary key of root rows.

    Args:
        rows: int64 (n,), ascending, within `total` rows of the table.
    """
    offsets = series_offsets(plan, total)
    entity = np.searchsorted(offsets, rows, side="right") - 1  # (n,)
    encoding = fitted.encoding.column(plan.series_column)
    out = {plan.series_column: _series(encoding, plan, offsets, entity, rows, seed, fitted.program.table)}
    for i, name in enumerate(plan.entity_columns):
        labels = pa.array([e[i] for e in plan.entities], pa.string())
        if pa.types.is_timestamp(types[name]):
            labels = labels.cast(pa.int64())  # as microseconds
        out[name] = labels.take(pa.array(entity)).cast(types[name])
    return out


def _series(encoding: Encoding, plan: SeriesPlan, offsets: np.ndarray, entity: np.ndarray, rows: np.ndarray, seed: int, table: str) -> pa.Array:
    if isinstance(encoding, TextEncoding):
        return key_values(KeyPattern(form="text"), rows, pa.string(), seed)
    parts = []
    for e in np.unique(entity):
        whole = _entity_series(encoding, int(offsets[e + 1] - offsets[e]), seed, table, *plan.entities[e])
        parts.append(whole[rows[entity == e] - offsets[e]])
    values = np.concatenate(parts) if parts else np.zeros(0)
    if isinstance(encoding, NumberEncoding):
        return _numbers(values, encoding)
    return from_scalars(encoding.values, encoding.spark_type).take(pa.array(values.astype("int64")))


@lru_cache(maxsize=8)
def _entity_series(encoding: NumberEncoding | CategoryEncoding, n: int, seed: int, *identity: str) -> np.ndarray:
    return series_values(encoding, n, seed, *identity)


def distinct_within_parent(columns: Mapping[str, pa.Array], fitted: FittedTable, parent: np.ndarray, rng: np.random.Generator) -> dict[str, pa.Array]:
    """The first distinct key part, moved where the whole part repeats within a parent.

    Args:
        parent: int64 (n,), the parent of each row.

    Raises:
        GenerationError: a parent has more children than a category has values.
    """
    name, *others = fitted.program.distinct
    group = _groups(parent, [columns[c] for c in others])
    encoding = fitted.encoding.column(name)
    if isinstance(encoding, NumberEncoding):
        values = to_float64(pd.Series(pd.arrays.ArrowExtensionArray(pa.chunked_array([columns[name]]))), name, encoding.spark_type)
        high = max([*encoding.tokens, *encoding.knots], default=0.0)
        return {name: _numbers(without_repeats(group, values, encoding.step, high), encoding)}
    if isinstance(encoding, CategoryEncoding):
        return {name: _distinct_labels(columns[name], group, encoding, rng)}
    return {name: _numbered(columns[name], group)}


def _numbers(values: np.ndarray, encoding: NumberEncoding) -> pa.Array:
    rounded = np.round(values, decimals_of(encoding.step, encoding.origin))
    return from_float64(rounded, np.zeros(len(values), dtype=bool), encoding.spark_type)


def _groups(parent: np.ndarray, others: list[pa.Array]) -> np.ndarray:
    frame = pd.DataFrame({"parent": parent} | {str(i): values.cast(pa.string()).to_pandas() for i, values in enumerate(others)})
    return frame.groupby(list(frame.columns), sort=False, dropna=False).ngroup().to_numpy()


def _distinct_labels(values: pa.Array, group: np.ndarray, encoding: CategoryEncoding, rng: np.random.Generator) -> pa.Array:
    """Labels that repeat in their group give way to unused ones, commoner ones first."""
    labels = from_scalars(encoding.values, encoding.spark_type)
    place = pd.Index(labels.to_pandas()).get_indexer(values.to_pandas())
    again = np.flatnonzero(pd.DataFrame({"g": group, "p": place}).duplicated().to_numpy())
    if not len(again):
        return values
    used: dict[int, set[int]] = {}
    for g, p in zip(group, place, strict=True):
        used.setdefault(int(g), set()).add(int(p))
    for row in again:  # few: only the rows that met
        taken = used[int(group[row])]
        free = np.array([p for p in range(len(labels)) if p not in taken])
        if not len(free):
            raise GenerationError(f"a parent has more rows than the key column {encoding.name} has values ({len(labels)})")
        weight = np.asarray(encoding.counts, dtype="float64")[free]
        place[row] = rng.choice(free, p=weight / weight.sum())
        taken.add(int(place[row]))
    return labels.take(pa.array(place))


def _numbered(values: pa.Array, group: np.ndarray) -> pa.Array:
    """Text that repeats in its group gets its number there appended."""
    text = values.to_pandas()
    number = pd.DataFrame({"g": group, "t": text}).groupby(["g", "t"], sort=False).cumcount()
    return pa.Array.from_pandas(text.where(number == 0, text + "-" + (number + 1).astype(str)), type=pa.string())
