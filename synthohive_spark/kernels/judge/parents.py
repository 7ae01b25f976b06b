"""Rows joined with the rows of their parents."""

from __future__ import annotations

import numpy as np

from .families import found
from .rows import Rows, Values

EDGES = 20  # quantile bins of a parent's number
LEAST_PARENTS = 3  # that share a label


def places(rows: Rows, key: int, parents: Rows) -> np.ndarray:
    """The place of each row's parent; -1 where it has none."""
    return np.where(rows.link(key) == 0, -1, found(parents.ids, rows.link(key)))


def first_of_each(parents: Rows) -> Rows:
    """Of parents that share a key, the one with the least values: not the one that came first, which depends on partitions."""
    place = np.unique(parents.ids, return_index=True)[1]
    if len(place) < len(parents):
        values = [*(v.data for v in parents.columns.values()), *parents.links.T]
        order = np.lexsort([*values, parents.ids])
        place = order[np.unique(parents.ids[order], return_index=True)[1]]
    return parents.take(place)


def coarse(parents: Values, joined: Values) -> Values:
    """A parent's column, joined to rows, whose values do not tell one parent from another: a busy one's own would tell who it is, not what its rows are like.

    Numbers fall in quantile bins of the real `parents`; labels that few of them have are one.
    """
    if not parents.labels:
        known = parents.data[np.isfinite(parents.data)]
        edges = np.unique(np.quantile(known, np.linspace(0, 1, EDGES + 1)[1:-1])) if len(known) else np.empty(0)
        return Values(np.where(np.isfinite(joined.data), np.searchsorted(edges, joined.data, side="right"), np.nan))
    shared = np.bincount(parents.data + 1, minlength=parents.labels + 1) >= LEAST_PARENTS
    code = np.where(shared, np.arange(len(shared)), len(shared))
    return Values(code[joined.data + 1], len(shared) + 1, "label")
