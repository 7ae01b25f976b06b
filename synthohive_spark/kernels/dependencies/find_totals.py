"""Which columns of parents are totals of their children, on a sample of whole families. Legend: `n` parents, `T` columns, `A` aggregates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from .measures import HOLDS
from .sample import FEWER_ERRORS, MIN_SURPRISES
from .units import MAX_DIGITS

Empty = Literal["zero", "null", "drawn"]


@dataclass(frozen=True)
class Found:
    """Column number `column` of the parents is aggregate number `aggregate`; the other fields are those of `Total`."""

    column: int
    aggregate: int
    digits: int | None
    empty: Empty
    share: float


def find_totals(
    values: np.ndarray,
    aggregates: np.ndarray,
    rows: np.ndarray,
    sums: Sequence[bool],
    digits: Sequence[int | None],
    counts: Sequence[bool] = (),
    means: Sequence[bool] = (),
    *,
    labels: bool = False,
) -> list[Found]:
    """For each column the first of the aggregates that it follows on all parents but a few.

    Args:
        values: float64 (n, T), nulls are nan.
        aggregates: float64 (n, A), in the order in which to prefer them.
        rows: children of each parent, int64 (n,).
        sums: which aggregates are sums, which may be rounded.
        digits: after the point of each column; None where they are not known.
        counts: which aggregates are numbers of rows: like sums, they are 0 where there are none.
        means: which are means, which may be rounded too.
        labels: the columns are texts, by numbers that stand for them: what parents without children have need not be the same.
    """
    rounded = np.asarray(sums, dtype=bool) | (np.asarray(means, dtype=bool) if means else False)
    found = []
    for t in range(values.shape[1]):
        column = values[:, t]
        own = digits[t] if digits[t] is not None else _digits_of(column)
        empty = _empty(column[rows == 0]) or ("drawn" if labels else None)
        candidates = [(a, _share(column[rows > 0], aggregates[rows > 0, a], own if rounded[a] else None)) for a in range(aggregates.shape[1])]
        held = [(a, share) for a, share in candidates if share is not None]
        if empty is None or not held:
            continue
        best, share = max(held, key=lambda h: (round(h[1], 4), -h[0]))
        kept: Empty = ("zero" if sums[best] or (counts and counts[best]) else "drawn") if not (rows == 0).any() else empty
        found.append(Found(t, best, own if rounded[best] else None, kept, share))
    return found


def _share(column: np.ndarray, aggregate: np.ndarray, digits: int | None) -> float | None:
    """Share of the parents on which both are equal; None where that is too few, or no more than chance."""
    null = np.isnan(column), np.isnan(aggregate)
    x, y = np.nan_to_num(column), np.nan_to_num(aggregate)
    near = 1e-9 * np.abs(y) + (0.0 if digits is None else 0.5 * 10.0**-digits * (1 + 1e-6))
    same = np.where(null[0] | null[1], null[0] & null[1], np.abs(x - y) <= near)
    errors = int((~same).sum())
    if not len(x) or errors > (1 - HOLDS) * len(x):
        return None
    seen, counts = np.unique(np.where(null[0], np.inf, x), return_counts=True)
    surprises = len(x) - int(counts.max()) if len(seen) else 0
    return None if surprises < MIN_SURPRISES or errors > FEWER_ERRORS * surprises else 1 - errors / len(x)


def _empty(column: np.ndarray) -> Empty | None:
    """What parents without children have; None where that differs."""
    if not len(column):
        return "drawn"
    zero, null = (column == 0).mean(), np.isnan(column).mean()
    return "zero" if zero >= HOLDS else "null" if null >= HOLDS else None


def _digits_of(column: np.ndarray) -> int | None:
    known = column[~np.isnan(column)]
    return next((d for d in range(MAX_DIGITS + 1) if (np.abs(np.round(known, d) - known) <= 1e-9 * np.abs(known)).all()), None)
