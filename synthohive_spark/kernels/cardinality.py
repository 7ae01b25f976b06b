"""Children per parent of synthetic parents: in the real histogram, ordered as they were drawn, with the total that is asked for.

A parent's drawn number of children says how it compares with other parents; how many children the parent of that rank has is said by the real histogram. So
totals and histogram hold even where the row model leans. Legend: `N` parents.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ..spec.program import Linkage
from .shares import proportional, rounded
from .spread import hashed

CLOSE = 0.01  # a total that is nearer than that to the one asked for is left alone: moving it would bend the histogram
ALIKE = 1e-4  # of the mean; where the variance is no further below it, a binomial of so many trials is a Poisson
SAME_SCALE = 1.05  # up to there no parent gets more children than any real one has
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2**64 over the golden ratio: its multiples fill the circle evenly (Weyl's sequence)


def quantiles(linkage: Linkage, u: np.ndarray) -> np.ndarray:
    """Numbers of children, int64, at the levels `u` in [0, 1) of their distribution.

    The negative binomial has number of successes r = m^2 / (v - m) and p = m / v for mean m and variance v. Where v = m it is a Poisson, and where
    v < m a binomial of n = m^2 / (m - v) trials.
    """
    if linkage.method != "negbinom":
        edges = np.cumsum(linkage.weights)
        place = np.searchsorted(edges, u * edges[-1], side="right")
        return np.asarray(linkage.values, dtype=np.int64)[np.minimum(place, len(edges) - 1)]
    if linkage.mean <= 0:
        return np.zeros(len(u), dtype=np.int64)
    from scipy import stats  # here, as importing it takes every worker half a second

    if linkage.mean - linkage.variance > ALIKE * linkage.mean:
        trials = max(math.ceil(linkage.mean), round(linkage.mean**2 / (linkage.mean - linkage.variance)))
        return stats.binom.ppf(u, trials, linkage.mean / trials).astype(np.int64)
    if linkage.variance <= linkage.mean:
        return stats.poisson.ppf(u, linkage.mean).astype(np.int64)
    r = linkage.mean**2 / (linkage.variance - linkage.mean)
    return stats.nbinom.ppf(u, r, linkage.mean / linkage.variance).astype(np.int64)


def settled(linkage: Linkage, parents: int, total: int | None, limits: np.ndarray | int | None = None, room: int | None = None) -> np.ndarray:
    """Children of the parent of each rank, int64 (N,), ranks ascending.

    Args:
        parents: N.
        total: of all parents; None takes what the histogram gives.
        limits: that a parent may have at most, one for all or (N,).
        room: that all parents may have at most, whatever `total` says.
    """
    natural = quantiles(linkage, (np.arange(parents) + 0.5) / max(1, parents))
    most = np.full(parents, np.inf) if limits is None else np.broadcast_to(np.asarray(limits, dtype=np.float64), parents)
    counts = np.minimum(natural, most).astype(np.int64)
    there = int(counts.sum())
    total = there if total is None else total
    total = total if room is None else min(total, room)
    if not parents or (abs(there - total) <= CLOSE * total and (room is None or there <= room)):
        return counts
    if total <= SAME_SCALE * natural.sum():
        real = np.minimum(most, max(linkage.values))
        if real[natural > 0].sum() >= total:
            most = real
    return rounded(_filled(natural.astype(np.float64), most, float(total)))


def _filled(weights: np.ndarray, most: np.ndarray, total: float) -> np.ndarray:
    """Shares of `total` in proportion to `weights`, none above `most`, float64 (N,); those without weight get something once the others are full."""
    shares = proportional(weights, most, total)
    left = total - shares.sum()
    return shares if left < 0.5 else shares + proportional((weights == 0).astype(np.float64), most, left)


def within_groups(counts: np.ndarray, groups: np.ndarray, most: int, limit: int | None = None) -> np.ndarray:
    """Children of parents, int64 (N,), of which a group of parents has `most` together: what some groups have no room for goes to the others.

    Args:
        counts: wanted, int64 (N,).
        groups: of each parent, int64 (N,).
        limit: that a parent may have at most.
    """
    _, group, parents = np.unique(groups, return_inverse=True, return_counts=True)
    wanted = np.bincount(group, weights=counts, minlength=len(parents))
    room = np.minimum(float(most), np.inf if limit is None else parents * float(limit))  # (G,)
    kept = np.minimum(wanted, room)
    more = proportional(np.where(wanted < room, np.maximum(wanted, 0.5), 0.0), room - kept, float(wanted.sum() - kept.sum()))
    target = rounded(kept + more).astype(np.float64)
    # Children of a group without any go to its parents evenly.
    weights = np.where(wanted[group] > 0, counts, 1.0)
    share = weights * (target / np.maximum(np.bincount(group, weights=weights, minlength=len(parents)), 1.0))[group]
    order = np.argsort(group, kind="stable")
    out = np.zeros(len(counts), dtype=np.int64)
    out[order] = rounded(share[order])
    return out if limit is None else np.minimum(out, limit)


def evenly(rows: np.ndarray, salt: int) -> np.ndarray:
    """A level in [0, 1) for each row number, float64: a function of the number alone, and even over any run of rows."""
    mixed = (rows.astype(np.uint64) + np.uint64(1)) * _GOLDEN + np.uint64(salt % 2**63)
    return (mixed >> np.uint64(11)).astype(np.float64) / 2.0**53


@dataclass(frozen=True)
class CountRule:
    """How many children each parent has, as a function of its row number and of the number that was drawn for it.

    Attributes:
        by_row: the number itself, int64, by row number; None where there are too many parents to tell one by one. Then the level of a parent is
            `below` plus a part of `share`, both by drawn number, and its number of children is `factor` times the histogram's at that level.
        linkage: the histogram.
        factor: of the scale.
        at_most: for each parent.
        levels: drawn number -> (share of the parents with a smaller one, share of those with this one).
        salt: of the levels.
    """

    by_row: np.ndarray | None = field(default=None, repr=False)
    linkage: Linkage | None = None
    factor: float = 1.0
    at_most: int | None = None
    levels: Mapping[int, tuple[float, float]] = field(default_factory=dict, repr=False)
    salt: int = 0

    def of(self, rows: np.ndarray, drawn: np.ndarray | None, limits: np.ndarray | None = None) -> np.ndarray:
        """Children of parents, int64 (N,).

        Args:
            rows: their row numbers, int64 (N,).
            drawn: the numbers that were drawn for them, int64 (N,); None where none were.
            limits: that each may have at most, int64 (N,).
        """
        if self.by_row is not None:
            return self.by_row[rows]
        level = evenly(rows, self.salt)
        if drawn is not None and self.levels:
            known = np.array(sorted(self.levels), dtype=np.int64)
            place = np.minimum(np.searchsorted(known, drawn), len(known) - 1)
            spans = np.array([self.levels[int(v)] for v in known])
            level = spans[place, 0] + level * spans[place, 1]
        if self.linkage is None:
            whole = np.zeros(len(rows), dtype=np.int64) if drawn is None else drawn
        else:
            counts = quantiles(self.linkage, np.minimum(level, np.nextafter(1.0, 0.0))).astype(np.float64) * self.factor
            whole = np.floor(counts + hashed(rows, self.salt)).astype(np.int64) if self.factor != 1.0 else counts.astype(np.int64)
        for most in (self.at_most, limits):
            whole = whole if most is None else np.minimum(whole, most)
        return whole
