"""What was seen of a column of numbers, and how values of too few persons share their rows. Legend: `D` distinct values."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .marks import is_mark


class Measured(NamedTuple):
    """What was seen of a column.

    Attributes:
        values: distinct values in the float64 domain, (D,), ascending; marks among them.
        counts: sampled rows per value, int64 (D,), each at least 1.
        null_share: share of all rows that are null, in [0, 1].
        owned: values that many rows have, but too few persons, bool (D,).
    """

    values: np.ndarray
    counts: np.ndarray
    null_share: float
    owned: np.ndarray

    def only(self, which: np.ndarray) -> Measured:
        """Those of the values, bool (D,)."""
        return self._replace(values=self.values[which], counts=self.counts[which], owned=self.owned[which])


def measured(values: np.ndarray, counts: np.ndarray, null_share: float, owned: np.ndarray | None = None) -> Measured:
    """Sort and merge raw (value, count) pairs, float64 and int64 (M,), in any order.

    Args:
        owned: those that too few persons have, bool (M,); None for none.
    """
    if not len(values):
        return Measured(np.empty(0), np.empty(0, dtype=np.int64), 1.0, np.empty(0, dtype=bool))
    distinct, inverse = np.unique(values + 0.0, return_inverse=True)  # -0.0 becomes 0.0
    rows = np.bincount(inverse, weights=counts).astype(np.int64)
    free = np.zeros(len(distinct)) if owned is None else np.bincount(inverse, weights=~owned)
    return Measured(distinct, rows, null_share, (free == 0) & (owned is not None))


def shared(seen: Measured, step: float, origin: float, least: int) -> Measured:
    """The values with the rows of those that are owned shared: `least` neighbours take their mean on the grid (microaggregation).

    Where fewer of them are in all, each takes the nearest of the others; where there are none, they are left out.
    """
    owned = seen.owned & ~is_mark(seen.values)
    if not owned.any():
        return seen
    mine, others = seen.values[owned], seen.values[~owned & ~is_mark(seen.values)]
    if len(mine) >= least:
        group = np.minimum(np.arange(len(mine)) // least, len(mine) // least - 1)
        means = mine[group * least] + np.bincount(group, weights=mine - mine[group * least])[group] / np.bincount(group)[group]
        new = origin + np.rint((means - origin) / step) * step if step else means
    elif len(others):
        right = np.clip(np.searchsorted(others, mine), 1, max(1, len(others) - 1))
        near = others[np.minimum(right, len(others) - 1)], others[right - 1]
        new = np.where(np.abs(near[0] - mine) < np.abs(near[1] - mine), *near)
    else:
        return seen.only(~owned)
    values = seen.values.copy()
    values[owned] = new
    return measured(values, seen.counts, seen.null_share)
