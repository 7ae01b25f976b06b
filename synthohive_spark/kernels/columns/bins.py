"""The bins of numbers: about equal mass each, more of them in long tails, and the quantiles inside. Legend: `R` distinct values, ascending."""

from __future__ import annotations

import numpy as np

from ...spec.config import EncodingConfig
from .quantiles import blurred_quantiles, roundest_between

MIN_BIN_ROWS = 10  # a bin of fewer rows tells noise
MIN_BIN_SHARE = 0.001  # of the rows that are not null, for the same reason in large tables
TAIL_SHARE = 0.0002  # the same in a long tail, where a few rows weigh much
MAX_SPLITS = 14  # more bins for long tails
WORTH_SPLITTING = 0.04  # of the squares inside all bins: a bin with less loses little of any correlation
INNER = 15  # quantiles inside a bin: 50 bins place a value to 0.15 % of the mass
MAX_PICKS = 64  # quantiles inside a bin of discrete values
DISCRETE_SHARE = 0.98  # of the rest in values that are no accident: then no value in between is made up


def rough_bins(counts: np.ndarray, total: int, budget: int, config: EncodingConfig) -> np.ndarray:
    """The bin of each of the remaining values, int64 (R,), ascending without gaps; equal values are never split."""
    if not len(counts):
        return np.empty(0, dtype=np.int64)
    bins = min(config.bins, budget, max(1, int(counts.sum() / max(MIN_BIN_ROWS, MIN_BIN_SHARE * total))))
    middle = (np.cumsum(counts) - counts / 2) / counts.sum()
    return np.unique(np.floor(middle * bins), return_inverse=True)[1].astype(np.int64)


def split_tails(values: np.ndarray, counts: np.ndarray, bin_of: np.ndarray, budget: int, config: EncodingConfig) -> np.ndarray:
    """Halve, again and again, the bin with the largest sum of squared deviations: in a long tail bins of equal mass would lose what is far out.

    Returns:
        The bin of each value, int64 (R,), as `rough_bins` gives it.
    """
    if not len(bin_of):
        return bin_of
    # Fewer rows between two quantiles would give real values back, one by one.
    least = max(TAIL_SHARE * int(counts.sum()), INNER * max(2, config.min_category_rows))
    starts = [0, *(np.flatnonzero(np.diff(bin_of)) + 1).tolist()]
    squares = [_squares(values[a:b], counts[a:b]) for a, b in zip(starts, [*starts[1:], len(values)], strict=True)]
    floor, most = WORTH_SPLITTING * sum(squares), len(starts) + MAX_SPLITS
    while len(starts) < min(most, budget) and max(squares) > floor:
        worst = int(np.argmax(squares))
        first, last = starts[worst], [*starts[1:], len(values)][worst]
        rows = np.cumsum(counts[first:last])
        cut = int(np.argmin(np.abs(rows[:-1] - rows[-1] / 2))) + 1 if last - first > 1 else 0
        if not cut or min(rows[cut - 1], rows[-1] - rows[cut - 1]) < least:
            squares[worst] = 0.0  # it stays whole
            continue
        starts.insert(worst + 1, first + cut)
        squares[worst : worst + 1] = [_squares(values[a:b], counts[a:b]) for a, b in ((first, first + cut), (first + cut, last))]
    return np.searchsorted(np.array(starts), np.arange(len(values)), side="right") - 1


def _squares(values: np.ndarray, counts: np.ndarray) -> float:
    return float(np.average((values - np.average(values, weights=counts)) ** 2, weights=counts) * counts.sum())


def is_discrete(values: np.ndarray, counts: np.ndarray, bin_of: np.ndarray, config: EncodingConfig) -> bool:
    if not len(values) or len(values) > (bin_of[-1] + 1) * MAX_PICKS // 2:
        return False
    return bool(counts[counts >= config.min_category_rows].sum() >= DISCRETE_SHARE * counts.sum())


def merged(counts: np.ndarray, bin_of: np.ndarray, least: int) -> np.ndarray:
    """The bin of each value, int64 (R,), with bins of fewer than `least` rows joined to the one before, the first to the one after."""
    if not len(bin_of):
        return bin_of
    rows = np.bincount(bin_of, weights=counts)
    starts, held = [0], rows[0]
    for number in range(1, len(rows)):
        if held >= least and rows[number:].sum() >= least:
            starts.append(number)
            held = 0.0
        held += rows[number]
    return np.searchsorted(np.array(starts), bin_of, side="right") - 1


def knots_of(values: np.ndarray, counts: np.ndarray, bin_of: np.ndarray, step: float, discrete: bool, exact: bool, least: int) -> tuple[np.ndarray, int]:
    """Edges and quantiles inside the bins, in the layout that `NumberEncoding.knots` documents, and how many there are per bin.

    Args:
        discrete: the values of a bin are its quantiles; of the values only those that `least` rows have.
        exact: the least and the greatest value are told, however few rows have them.
        least: rows that a quantile stands for.
    """
    bins = int(bin_of[-1]) + 1
    # Fewer rows between two quantiles would give real values back, one by one.
    apart = int(np.clip(counts.sum() // (bins * max(2, least)), 1, INNER - 1))
    inner = min(MAX_PICKS, max(INNER, 3 * -(-len(values) // bins))) if discrete else 1 + apart
    starts = np.searchsorted(bin_of, np.arange(bins + 1))
    half = 0.0 if discrete else step / 2
    quantiles = np.empty((bins, inner))
    for b in range(bins):
        part, outer = slice(starts[b], starts[b + 1]), (b == 0 and not exact, b == bins - 1 and not exact)
        quantiles[b] = _picks(values[part], counts[part], inner) if discrete else blurred_quantiles(values[part], counts[part], half, inner, least, outer)
    if exact and not discrete:
        quantiles[0, 0], quantiles[-1, -1] = values[0] - half, values[-1] + half
    between = [roundest_between(values[at - 1], values[at]) for at in starts[1:-1]]
    edges = np.concatenate([[quantiles[0, 0]], between, [quantiles[-1, -1]]])
    knots = np.concatenate([np.column_stack([edges[:-1], quantiles]).ravel(), edges[-1:]])
    return knots, inner + 1


def _picks(values: np.ndarray, counts: np.ndarray, inner: int) -> np.ndarray:
    """Real values, as often as they are frequent, (inner,)."""
    at = (np.arange(inner) + 0.5) / inner * counts.sum()
    return values[np.searchsorted(np.cumsum(counts), at)]
