"""Deal a number of rows out in proportion to weights, none getting more than it has room for. Legend: `K` receivers."""

from __future__ import annotations

import numpy as np

_WHOLE = 1e-6  # a share this near to a whole number is one: sums of floats are no nearer


def proportional(weights: np.ndarray, most: np.ndarray, total: float) -> np.ndarray:
    """Shares of `total` in proportion to `weights`, float64 (K,), none above `most`; less in all where there is no room for more."""
    shares = np.zeros(len(weights))
    left, rest = float(total), np.flatnonzero(weights > 0)
    while len(rest) and left > 0:  # each round fills at least one receiver
        factor = left / weights[rest].sum()
        full = rest[weights[rest] * factor >= most[rest]]
        if not len(full):
            shares[rest] = weights[rest] * factor
            break
        shares[full] = most[full]
        left -= float(most[full].sum())
        rest = rest[weights[rest] * factor < most[rest]]
    return shares


def rounded(shares: np.ndarray) -> np.ndarray:
    """Each share rounded up or down, int64 (K,), so that every run of them sums to what it should, give or take one; whole shares stay as they are.

    Whole parts are set aside first: in a running sum that stands at a half, a whole share's error in the last bit would lift it above what it has room for.
    """
    whole = np.floor(shares + _WHOLE)
    parts = np.clip(shares - whole, 0.0, 1.0)
    parts[parts < _WHOLE] = 0.0
    ends = np.floor(np.cumsum(parts) + 0.5)
    return (whole + np.diff(ends, prepend=0.0)).astype(np.int64)


def dealt(weights: np.ndarray, total: int, most: np.ndarray | float = np.inf) -> np.ndarray:
    """`total` rows over receivers, int64 (K,)."""
    return rounded(proportional(np.asarray(weights, dtype=np.float64), np.broadcast_to(np.asarray(most, dtype=np.float64), len(weights)), total))
