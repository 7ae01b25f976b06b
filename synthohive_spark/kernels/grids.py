"""Round edges for plots: a reader sees 0, 50, 100, and no edge is a cell of real data."""

from __future__ import annotations

import math

import numpy as np

INTERVALS = 40  # more look like noise at the width of a small plot
_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0
_TIME_STEPS = (
    *(1.0, 2.0, 5.0, 10.0, 15.0, 30.0),
    *(m * _MINUTE for m in (1, 2, 5, 10, 15, 30)),
    *(h * _HOUR for h in (1, 2, 3, 6, 12)),
    *(d * _DAY for d in (1, 2, 7, 14, 28, 91, 182, 365.25, 2 * 365.25, 5 * 365.25, 10 * 365.25)),
)


def round_step(span: float, intervals: int, *, whole: bool, time: bool) -> float:
    """The smallest of 1, 2, 5 times a power of ten (or whole parts of hours, days, weeks for times) that covers `span` in at most `intervals` steps.

    Args:
        span: not negative.
        whole: steps are whole numbers (of days for times that are all whole days).
    """
    least = max(span / intervals, 1e-300)
    if time:
        for step in _TIME_STEPS:
            if step >= least:
                return step
    power = 10.0 ** math.floor(math.log10(least))
    step = next(f * power for f in (1.0, 2.0, 5.0, 10.0) if f * power >= least * (1 - 1e-12))
    return max(1.0, step) if whole else step


def plot_edges(low: float, high: float, *, whole: bool, time: bool) -> np.ndarray:
    """Edges of at most about 40 equal intervals `[a, b)` that cover `low` to `high`, all multiples of a round step.

    Args:
        low, high: finite, `low <= high`.
        whole: all values are whole numbers; intervals then hold equally many of them.
    """
    span = high - low
    if not math.isfinite(span) or span < 1e-12 * max(abs(low), abs(high)):
        span = 0.0
        high = low
    if span == 0.0 and (not whole or abs(low) > 1e12):
        span = abs(low) / 10 or 1.0
    step = round_step(span, INTERVALS, whole=whole, time=time)
    first, last = math.floor(low / step), math.floor(high / step) + 1
    edges = np.arange(first, last + 1, dtype="float64") * step
    if step < 1:  # 3 * 0.1 is not 0.3, and a value of 0.3 would fall below its interval
        edges = np.round(edges, 1 - math.floor(math.log10(step)))
    return np.unique(edges)
