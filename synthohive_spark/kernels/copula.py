"""A Gaussian copula of integer codes: partial sums for Spark, and from their totals the order of the codes and the correlations.

Every column has a latent standard normal variable `z`, and each of its codes an interval of it, as wide as its share, in the order of the column's values.
Categories, which have no such order, are put in the one along which they differ most in the other columns. The latent correlation of two columns is
the one at which their codes' scores (the mean of `z` in the interval) have the observed covariance; taking the scores' own correlation instead would
understate it, the more so the fewer codes there are. Legend: `K` codes of a column, `n` columns, context first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from scipy.special import ndtri

SCALE = 1024  # scores are summed as integers: exact, hence the same in any order
ANCHORS = 32  # columns that a category is told apart by; with more the cost would grow with the square of the columns
SWEEPS = 3  # over the categories; on real tables a fourth changes the pair scores by less than 0.001
DOUBTFUL_ROWS = 20  # a category of so few rows is placed half way to the middle
TERMS = 25  # of the Hermite series; the rest is below 0.001 at the limit
LIMIT = 0.999  # of a correlation: at 1 the series does not end
HALVINGS = 40
LEAST_EIGENVALUE = 1e-3

ORDERS_DDL = "item int, codes array<int>, shares array<double>"
SUMS_DDL = "item int, other int, total long"


@dataclass(frozen=True)
class ScoredColumn:
    """One column of the copula.

    Attributes:
        name: in the staged frames.
        order: its codes from the lowest to the highest, int64 (K,).
        shares: of the rows per code, float64 (K,).
        has_order: the order is that of values; otherwise it is learnt.
    """

    name: str
    order: np.ndarray = field(repr=False)
    shares: np.ndarray = field(repr=False)
    has_order: bool = True

    @property
    def cuts(self) -> np.ndarray:
        """Where the intervals of the codes, in their order, begin and end: (K + 1,) from -inf to inf."""
        return interval_cuts(self.order, self.shares)

    @property
    def scores(self) -> np.ndarray:
        """Mean of the latent variable given each code, (K,); 0 for a code without rows."""
        cuts = self.cuts
        sorted_shares = np.diff(_distribution(self.order, self.shares))
        density = np.exp(-cuts * cuts / 2) / np.sqrt(2 * np.pi)
        scores = np.zeros(len(self.order))
        scores[self.order] = np.where(sorted_shares > 0, (density[:-1] - density[1:]) / np.maximum(sorted_shares, 1e-300), 0.0)
        return scores


def interval_cuts(order: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Normal quantiles of the cumulated shares of `order`, (K + 1,)."""
    cuts: np.ndarray = ndtri(_distribution(order, shares))
    return cuts


def _distribution(order: np.ndarray, shares: np.ndarray) -> np.ndarray:
    cumulated = np.concatenate([[0.0], np.cumsum(shares[order])])
    return np.minimum(cumulated / cumulated[-1], 1.0) if cumulated[-1] > 0 else np.linspace(0, 1, len(cumulated))


def order_frames(frames: Iterator[pd.DataFrame], *, columns: tuple[ScoredColumn, ...]) -> Iterator[pd.DataFrame]:
    """Put the categories in order and count the codes, on a bounded sample of staged rows, all in one partition.

    Yields:
        One row per column, as in `ORDERS_DDL`; nothing where there are no rows.
    """
    parts = [np.stack([frame[c.name].to_numpy(dtype=np.int64) for c in columns], axis=1) for frame in frames if len(frame)]
    if parts:
        codes = np.concatenate(parts)
        orders = ordered(codes, columns)
        shares = [np.bincount(codes[:, i], minlength=len(c.order)) / len(codes) for i, c in enumerate(columns)]
        yield pd.DataFrame({"item": range(len(columns)), "codes": [o.tolist() for o in orders], "shares": [s.tolist() for s in shares]})


def ordered(codes: np.ndarray, columns: Sequence[ScoredColumn]) -> list[np.ndarray]:
    """The order of each column's codes, from int64 (N, n): that of values, or the direction in which the other columns' mean scores differ most.

    That is the first principal axis of the means, each weighted with its rows; a category of few rows moves to the middle. One column after another: two
    that were placed at once, each along the old order of the other, would only swap their orders.
    """
    orders = [c.order for c in columns]
    z = np.stack([_whole_scores(c)[codes[:, i]] for i, c in enumerate(columns)], axis=1)  # (N, n)
    placed = [i for i, c in enumerate(columns) if not c.has_order and len(c.order) > 2]  # of two codes any order will do
    near = _anchors(columns)
    for _ in range(SWEEPS):
        for i in placed:
            others = [j for j in near if j != i and z[:, j].any()]
            if others:
                orders[i] = _principal_order(codes[:, i], z[:, others], len(orders[i]))
                z[:, i] = _whole_scores(replace(columns[i], order=orders[i]))[codes[:, i]]
    return orders


def _anchors(columns: Sequence[ScoredColumn]) -> list[int]:
    """The columns that categories are told apart by: those with an order first, then those of many codes."""
    ranked = sorted(range(len(columns)), key=lambda i: (not columns[i].has_order, -len(columns[i].order), i))
    return sorted(ranked[:ANCHORS])


def _principal_order(codes: np.ndarray, z: np.ndarray, size: int) -> np.ndarray:
    counts = np.bincount(codes, minlength=size)
    totals = np.stack([np.bincount(codes, weights=column, minlength=size) for column in z.T], axis=1)  # (K, anchors)
    scaled = totals / (counts + DOUBTFUL_ROWS)[:, None] / np.sqrt((z * z).mean(axis=0))
    _, _, axes = np.linalg.svd(scaled * np.sqrt(counts)[:, None], full_matrices=False)
    axis = axes[0] * np.sign(axes[0][np.argmax(np.abs(axes[0]))])  # an axis has no sign of its own
    return np.argsort(scaled @ axis, kind="stable")


def _whole_scores(column: ScoredColumn) -> np.ndarray:
    """Scores in units of 1 / `SCALE`, whole numbers."""
    return np.rint(column.scores * SCALE)


def partial_products(frames: Iterator[pd.DataFrame], *, columns: tuple[ScoredColumn, ...]) -> Iterator[pd.DataFrame]:
    """Products of the scores of two columns over one partition of staged rows; the sums of partitions add up.

    Yields:
        A frame as in `SUMS_DDL`: `item` is not after `other`; totals in units of `SCALE` ** -2.
    """
    scores = [_whole_scores(c) for c in columns]
    products = np.zeros((len(columns), len(columns)), dtype=np.int64)
    for frame in frames:
        z = np.stack([s[frame[c.name].to_numpy(dtype=np.int64)] for s, c in zip(scores, columns, strict=True)], axis=1)  # (N, n)
        products += np.rint(z.T @ z).astype(np.int64)
    item, other = np.triu_indices(len(columns))
    yield pd.DataFrame({"item": item, "other": other, "total": products[item, other]})


def covariance(totals: pd.DataFrame, rows: int, columns: int) -> np.ndarray:
    """Mean products of the scores, symmetric (n, n), from added up rows of `partial_products`; their means are 0 by construction."""
    upper = np.zeros((columns, columns))
    upper[totals["item"], totals["other"]] = totals["total"] / SCALE**2 / max(rows, 1)
    return upper + np.triu(upper, 1).T


def latent_correlation(columns: Sequence[ScoredColumn], observed: np.ndarray) -> np.ndarray:
    """The correlation matrix of the latent variables, positive definite, (n, n), from the covariance of the scores.

    By Mehler's formula the covariance of two functions of normal variables with correlation `r` is the sum over k of `r ** k` times the product of their
    k-th Hermite coefficients; it rises with `r` here, since scores rise with `z`: `r` is found by halving.
    """
    series = np.stack([_hermite(c) for c in columns])  # (n, TERMS)
    low, high = np.full(observed.shape, -LIMIT), np.full(observed.shape, LIMIT)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        expected = np.zeros_like(middle)
        for k in range(TERMS, 0, -1):
            expected = middle * (expected + np.outer(series[:, k - 1], series[:, k - 1]))
        low, high = np.where(expected < observed, middle, low), np.where(expected < observed, high, middle)
    found = (low + high) / 2
    varied = (series * series).sum(axis=1) > 1e-9
    found = np.where(np.outer(varied, varied), found, 0.0)  # a column of one code goes with nothing
    np.fill_diagonal(found, 1.0)
    return positive_definite(found)


def _hermite(column: ScoredColumn) -> np.ndarray:
    """Coefficients of the scores, a step function of `z`, for the normalised Hermite polynomials 1 to `TERMS`.

    The integral of `He_k` times the normal density over an interval is what `He_(k-1)` times the density falls by.
    """
    cuts = column.cuts
    finite = np.isfinite(cuts)
    z = np.where(finite, cuts, 0.0)
    density = np.where(finite, np.exp(-z * z / 2) / np.sqrt(2 * np.pi), 0.0)
    polynomials = [np.ones_like(z), z]
    for k in range(1, TERMS):
        polynomials.append((z * polynomials[k] - np.sqrt(k) * polynomials[k - 1]) / np.sqrt(k + 1))
    scores = column.scores[column.order]
    return np.array([-(scores * np.diff(polynomials[k - 1] * density)).sum() / np.sqrt(k) for k in range(1, TERMS + 1)])


def positive_definite(matrix: np.ndarray) -> np.ndarray:
    """The symmetric matrix (n, n) with its eigenvalues lifted to `LEAST_EIGENVALUE` and its diagonal back at 1."""
    values, vectors = np.linalg.eigh(matrix)
    lifted = (vectors * np.maximum(values, LEAST_EIGENVALUE)) @ vectors.T
    spread = np.sqrt(np.diag(lifted))
    result: np.ndarray = lifted / np.outer(spread, spread)
    return (result + result.T) / 2
