"""Composite keys to reference tables: their combinations must be among the table's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyarrow as pa


@dataclass(frozen=True)
class ReferenceKey:
    """A key of two or more columns to a reference table.

    Attributes:
        columns: the child's columns.
        fixed: those of them that are known before the row starts and must stay.
        combinations: the reference table's keys, one Arrow array per column.
    """

    columns: tuple[str, ...]
    fixed: tuple[str, ...]
    combinations: tuple[pa.Array, ...] = field(repr=False)


def repair_reference(columns: Mapping[str, pa.Array], key: ReferenceKey, rng: np.random.Generator) -> dict[str, pa.Array]:
    """The key's columns, where rows whose combination does not exist take one that agrees in as many leading columns as possible.

    Rows with a null in the key have no parent and stay. A row for which nothing agrees with its fixed columns gets nulls in the others.
    """
    ordered = [*key.fixed, *(c for c in key.columns if c not in key.fixed)]
    known = pd.DataFrame({c: _text(key.combinations[key.columns.index(c)]) for c in ordered})
    rows = pd.DataFrame({c: _text(columns[c]) for c in ordered})
    complete = rows.notna().all(axis=1).to_numpy()
    choice = _choose(known, rows, ordered, rng)
    for depth in range(len(ordered) - 1, len(key.fixed) - 1, -1):
        missing = complete & (choice < 0)
        if not missing.any():
            break
        choice[missing] = _choose(known, rows[missing], ordered[:depth], rng)
    take = pa.array(np.where(complete & (choice >= 0), choice, 0))
    keep = pa.array(~complete)
    out = {}
    for c in ordered[len(key.fixed) :]:
        found = key.combinations[key.columns.index(c)].take(take).cast(columns[c].type)
        chosen = pa.compute.if_else(pa.array(choice >= 0), found, pa.nulls(len(rows), columns[c].type))
        out[c] = pa.compute.if_else(keep, columns[c], chosen)
    return out


def _choose(known: pd.DataFrame, rows: pd.DataFrame, on: list[str], rng: np.random.Generator) -> np.ndarray:
    """For each row the place of a random known combination that agrees in `on`, or -1; int64 (len(rows),)."""
    if not len(known):
        return np.full(len(rows), -1)
    if not on:
        return rng.integers(len(known), size=len(rows))
    both = pd.concat([known[on], rows[on]], ignore_index=True)
    group = both.groupby(on, sort=False, dropna=False).ngroup().to_numpy()
    known_group, row_group = group[: len(known)], group[len(known) :]
    order = np.argsort(known_group, kind="stable")
    first = np.searchsorted(known_group[order], row_group, side="left")
    count = np.searchsorted(known_group[order], row_group, side="right") - first
    place = first + (rng.random(len(rows)) * count).astype("int64")
    return np.where(count > 0, order[np.minimum(place, len(order) - 1)], -1)


def _text(values: pa.Array) -> pd.Series:
    return values.cast(pa.string()).to_pandas()
