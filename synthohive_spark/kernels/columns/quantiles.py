"""The quantiles inside bins, of which none is the value of a single row. Legend: `R` distinct values of a bin, ascending; `I` quantiles.

A quantile is the mean of `least` rows around its place (microaggregation, as statistical offices publish numbers), unless so many rows have the same
value. Of the outermost bins the `least` - 1 rows furthest out count for none (top and bottom coding): `least` rows or more reach the ends, which are no
row's own value.
"""

from __future__ import annotations

import math

import numpy as np

_SAFE = 1e300  # sums of larger numbers overflow


def blurred_quantiles(values: np.ndarray, counts: np.ndarray, half: float, inner: int, least: int, outer: tuple[bool, bool]) -> np.ndarray:
    """Quantiles at equal distances, ascending, float64 (I,). On a grid a value stands for its cell, so that rounding gives its share back.

    Args:
        values: finite, float64 (R,).
        counts: rows per value, int64 (R,).
        half: of the grid's step; 0 without a grid.
        inner: how many.
        least: rows that a quantile stands for; a value that so many rows have may be one.
        outer: whether nothing lies below the bin, and whether nothing lies above it.
    """
    ends = values[0] - half, values[-1] + half
    told = counts[0] >= least, counts[-1] >= least
    total = float(counts.sum())
    width = min(float(least), total)
    cut = [float(least - 1) if out and not known else 0.0 for out, known in zip(outer, told, strict=True)]
    spare = total - width
    if sum(cut) > spare:
        cut = [part * spare / sum(cut) for part in cut]
    centres = np.clip(np.linspace(0, total, inner), cut[0] + width / 2, total - cut[1] - width / 2)
    quantiles = _means(values, counts, half, centres - width / 2, centres + width / 2)
    low = ends[0] if told[0] else max(ends[0], quantiles[0] - half)
    high = ends[1] if told[1] else min(ends[1], quantiles[-1] + half)
    quantiles[0], quantiles[-1] = low, high
    return np.maximum.accumulate(np.clip(quantiles, low, high))


def _means(values: np.ndarray, counts: np.ndarray, half: float, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Means of the quantile function between the rows `low` and `high`, float64 (I,); each row of a value has its own part of the value's cell."""
    middle = values[len(values) // 2]
    size = float(np.abs(values).max())
    scale = 1.0 if size < _SAFE / counts.sum() else 2.0 ** math.floor(math.log2(size))
    away = values / scale - middle / scale  # sums of what is far from 0 would lose digits
    after = np.concatenate([[0.0], np.cumsum(counts)])
    sums = np.concatenate([[0.0], np.cumsum(away * counts)])

    def upto(rows: np.ndarray) -> np.ndarray:
        at = np.clip(np.searchsorted(after, rows, side="right") - 1, 0, len(values) - 1)
        part = rows - after[at]
        return np.asarray(sums[at] + part * (away[at] + half / scale * (part / counts[at] - 1)))

    return np.asarray(((upto(high) - upto(low)) / (high - low) + middle / scale) * scale)


def roundest_between(low: float, high: float) -> float:
    """The number with the fewest digits above `low` and below `high`; their middle where there is none."""
    gap = high - low
    if 0 < gap < math.inf:
        for power in range(math.ceil(math.log10(gap)) + 1, math.ceil(math.log10(gap)) - 3, -1):
            unit = 10.0**power
            found = math.floor(low / unit) * unit + unit
            if low < found < high:
                return found
    return low / 2 + high / 2
