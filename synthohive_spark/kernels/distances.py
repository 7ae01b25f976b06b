"""How far drawn codes are from held-out codes: what decides which state of a training run is kept.

Legend: `N`, `M` rows, `D` columns.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

MAX_PAIRS = 100  # more hardly move the mean, and scoring must stay far cheaper than training
PAIR_CODES = 12  # codes of one column in a pair: finer tables would compare the noise of a few thousand rows


def coarse_codes(cardinality: int, weights: np.ndarray) -> np.ndarray:
    """A map, int64 (cardinality,), from codes to at most `PAIR_CODES` groups of neighbours of about equal mass.

    Neighbouring codes of a number are neighbouring bins, so its groups are ranges; categories that share a group are not told apart.
    """
    if cardinality <= PAIR_CODES:
        return np.arange(cardinality)
    mass = np.asarray(weights, dtype=np.float64)
    middle = (np.cumsum(mass) - mass / 2) / max(mass.sum(), 1e-300)
    return np.minimum((middle * PAIR_CODES).astype(np.int64), PAIR_CODES - 1)


def choose_pairs(columns: int, seed: int) -> list[tuple[int, int]]:
    """All pairs of columns, or `MAX_PAIRS` of them chosen by `seed`."""
    pairs = list(itertools.combinations(range(columns), 2))
    if len(pairs) <= MAX_PAIRS:
        return pairs
    chosen = np.random.default_rng(seed).choice(len(pairs), MAX_PAIRS, replace=False)
    return [pairs[i] for i in np.sort(chosen)]


def total_variation(first: np.ndarray, second: np.ndarray, cardinality: int) -> float:
    """Total variation distance, in [0, 1], of two samples of codes `0 <= code < cardinality`."""
    p = np.bincount(first, minlength=cardinality) / max(len(first), 1)
    q = np.bincount(second, minlength=cardinality) / max(len(second), 1)
    return float(np.abs(p - q).sum() / 2)


def marginal_distance(real: np.ndarray, drawn: np.ndarray, cardinalities: Sequence[int]) -> float:
    """Mean over columns of the total variation distance of int (N, D) and (M, D)."""
    return float(np.mean([total_variation(real[:, d], drawn[:, d], k) for d, k in enumerate(cardinalities)]))


def pair_distance(real: np.ndarray, drawn: np.ndarray, cardinalities: Sequence[int], pairs: Sequence[tuple[int, int]]) -> float:
    """Mean over `pairs` of columns of the total variation distance of their contingency tables; 0 where there are no pairs."""
    if not pairs:
        return 0.0
    distances = []
    for a, b in pairs:
        width = cardinalities[b]
        joined = [side[:, a] * width + side[:, b] for side in (real, drawn)]
        distances.append(total_variation(joined[0], joined[1], cardinalities[a] * width))
    return float(np.mean(distances))


class HeldOutDistance:
    """Compares drawn rows with held-out rows that have the same contexts.

    Args:
        rows: held-out rows, int64 (N, D).
        context: their contexts, int64 (N, C).
        row_cardinalities: codes per drawn column.
        context_cardinalities: codes per context column.
        seed: chooses the pairs where there are many.
    """

    def __init__(self, rows: np.ndarray, context: np.ndarray, row_cardinalities: Sequence[int], context_cardinalities: Sequence[int], seed: int) -> None:
        self._rows, self._cardinalities = rows, tuple(row_cardinalities)
        self._context = context
        both = np.concatenate([rows, context], axis=1)
        self._maps = [coarse_codes(k, np.bincount(both[:, d], minlength=k)) for d, k in enumerate((*row_cardinalities, *context_cardinalities))]
        self._coarse = self._coarsen(both)
        self._widths = [int(m.max()) + 1 for m in self._maps]
        drawn = rows.shape[1]
        # Pairs inside the context are the same on both sides.
        self._pairs = [(a, b) for a, b in choose_pairs(both.shape[1], seed) if a < drawn]

    def _coarsen(self, codes: np.ndarray) -> np.ndarray:
        return np.stack([m[codes[:, d]] for d, m in enumerate(self._maps)], axis=1)

    def __call__(self, drawn: np.ndarray, context: np.ndarray) -> float:
        """Mean marginal plus mean pair distance, in [0, 2], of drawn rows int64 (M, D) made for `context` int64 (M, C)."""
        coarse = self._coarsen(np.concatenate([drawn, context], axis=1))
        return marginal_distance(self._rows, drawn, self._cardinalities) + pair_distance(self._coarse, coarse, self._widths, self._pairs)
