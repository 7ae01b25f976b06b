"""Distances of two sets of counts, and what two random halves of one set would give: the ceiling.

The halves are drawn from the counts, not from the rows: how many rows of a cell fall into a random half is hypergeometric, so no second pass is needed.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from .seeds import generator

SPLITS = 20  # the mean over fewer halves changes in the second digit from seed to seed
_SAFE_TOTAL = 500_000_000  # numpy's hypergeometric refuses a thousand million


def ks(real: np.ndarray, synthetic: np.ndarray) -> float:
    """Kolmogorov-Smirnov distance of counts (K,) on one ascending grid; 1 where just one side is empty, 0 where both are."""
    n, m = real.sum(), synthetic.sum()
    if n == 0 or m == 0:
        return float(n != m)
    return float(np.abs(np.cumsum(real) / n - np.cumsum(synthetic) / m).max())


def ks_with_nulls(real: np.ndarray, synthetic: np.ndarray) -> float:
    """The larger of the KS distance and the gap of the null rates; entry 0 counts the nulls."""
    gap = abs(null_rate(real) - null_rate(synthetic))
    if real.sum() == 0 or synthetic.sum() == 0:
        return float(real.sum() != synthetic.sum())
    return max(ks(real[1:], synthetic[1:]), gap)


def null_rate(counts: np.ndarray) -> float:
    """Share of the nulls, entry 0; 0 where there are no rows."""
    total = counts.sum()
    return float(counts[0] / total) if total else 0.0


def half_distance(counts: np.ndarray, distance: Callable[[np.ndarray, np.ndarray], float], *, seed: int, name: str) -> float:
    """Mean distance between two random halves of the rows that `counts` (K,) count; 0 where there are fewer than two rows."""
    total = int(counts.sum())
    if total < 2:
        return 0.0
    shrink = -(-total // _SAFE_TOTAL)
    counts = counts.astype("int64") // shrink
    rng = generator(seed, "halves", name)
    halves = rng.multivariate_hypergeometric(counts, int(counts.sum()) // 2, size=SPLITS, method="marginals")
    # Chance differences fall with the root of the number of rows.
    return float(np.mean([distance(half, counts - half) for half in halves])) / math.sqrt(shrink)


def half_gap(counts: np.ndarray, total: int) -> np.ndarray:
    """Expected |A - B| where `n` of `total` rows lie in a cell and fall as `A + B` into two random halves, for each `n` of `counts`.

    The mean absolute deviation of a binomial is `2m C(2m, m) / 4^m` with `m = ceil(n / 2)`; the binomial coefficient by Stirling's series (within 0.4 %),
    then the correction for drawing without replacement.
    """
    m = np.maximum(np.ceil(counts / 2), 1.0)
    binomial = 2 * np.sqrt(m / math.pi) * (1 - 1 / (8 * m) + 1 / (128 * m * m))
    return np.where(counts > 0, binomial, 0.0) * np.sqrt(np.maximum(total - counts, 0) / max(total - 1, 1))


def pearson(count: int, sums: tuple[int, int], squares: tuple[int, int], product: int) -> float | None:
    """Pearson's r from integer sums; None where a side has no variance. Python integers: the differences below lose digits in floats."""
    x, y = count * squares[0] - sums[0] ** 2, count * squares[1] - sums[1] ** 2
    if x <= 0 or y <= 0:
        return None
    return max(-1.0, min(1.0, (count * product - sums[0] * sums[1]) / (math.sqrt(x) * math.sqrt(y))))


def weighted_quantile(values: np.ndarray, weights: np.ndarray, q: float) -> float:
    """The smallest value that at least a share `q` of the weight does not exceed; `values` (K,) ascending, K at least 1."""
    reached = np.cumsum(weights) >= q * weights.sum() - 1e-9
    return float(values[int(np.argmax(reached))])
