"""The quantiles inside bins, of which none is the value of a single row. Legend: `R` distinct values of a bin, ascending; `I` quantiles.

A quantile is the mean of `least` rows around its place (microaggregation, as statistical offices publish numbers), unless so many rows have the same
value. The ends of a column are round numbers that `least` rows reach (top and bottom coding), or values that so many have.
"""

from __future__ import annotations

import math

import numpy as np

_SAFE = 1e300  # sums of larger numbers overflow
_POWERS = (-300, 307)  # of ten, which a float holds with all digits


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
    total = float(counts.sum())
    width = min(float(least), total)
    cut = [float(least - 1) if out else 0.0 for out in outer]
    if sum(cut) > total - width:
        cut = [part * (total - width) / sum(cut) for part in cut]
    centres = np.clip(np.linspace(0, total, inner), cut[0] + width / 2, total - cut[1] - width / 2)
    quantiles = _means(values, counts, half, centres - width / 2, centres + width / 2)
    means = [on_grid(float(quantile), values[0], half) for quantile in (quantiles[0], quantiles[-1])]
    low = -_end(-values[::-1], counts[::-1], half, least) if outer[0] else values[0] if counts[0] >= least else means[0]
    high = _end(values, counts, half, least) if outer[1] else values[-1] if counts[-1] >= least else means[1]
    if low > high:  # few rows: those that reach one end are those that reach the other
        low = high = on_grid(float(np.average(values, weights=counts)), values[0], half)
    return np.maximum.accumulate(_between(np.concatenate([[low - half], quantiles[1:-1], [high + half]])))


def _between(quantiles: np.ndarray) -> np.ndarray:
    """The quantiles, (I,), of which those beyond the ends lie evenly between an end and the first that is not: on the end, many rows would be equal."""
    places = np.arange(len(quantiles))
    inside = (quantiles >= quantiles[0]) & (quantiles <= quantiles[-1])
    return np.interp(places, places[inside], quantiles[inside])


def _end(values: np.ndarray, counts: np.ndarray, half: float, least: int) -> float:
    """The greatest number that `least` rows reach: a value where so many have it, else a round number below the last of these rows."""
    reached = np.cumsum(counts[::-1])[::-1] >= least
    last = int(np.flatnonzero(reached)[-1]) if reached.any() else 0
    if counts[last] >= least:
        return float(values[last])
    if not last:
        return on_grid(float(np.average(values, weights=counts)), values[0], half)
    if not half:
        return roundest_between(values[last - 1], values[last])
    base = np.rint(values[0] / (2 * half))
    cells = [base + np.rint((values[i] - values[0]) / (2 * half)) for i in (last - 1, last)]
    found = cells[1] if cells[1] - cells[0] < 2 else np.floor(roundest_between(*cells))
    return float(values[0] + (found - base) * 2 * half)


def on_grid(value: float, known: float, half: float) -> float:
    """The value on the grid of `known` that is next to it."""
    return known + float(np.rint((value - known) / (2 * half))) * 2 * half if half else value


def _means(values: np.ndarray, counts: np.ndarray, half: float, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Means of the quantile function between the rows `low` and `high`, float64 (I,); each row of a value has its own part of the value's cell."""
    middle = values[len(values) // 2]
    size = float(np.abs(values).max())
    scale = 1.0 if size < _SAFE / counts.sum() else 2.0 ** (math.frexp(size)[1] - 1)
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
        most = math.ceil(math.log10(gap))
        for power in range(min(most + 1, _POWERS[1]), max(most - 3, _POWERS[0]), -1):
            unit = 10.0**power
            found = math.floor(low / unit) * unit + unit
            if low < found < high:
                return found
    return low / 2 + high / 2
