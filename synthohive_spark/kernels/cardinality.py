"""Children per parent: fit to the counts of the real parents, and drawn for synthetic ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats

from ..spec.metadata import LinkageMethod
from ..spec.program import Linkage

MAX_VALUES = 1000  # distinct numbers of children that are kept; past that neighbouring ones are pooled, and the KS stays below 1/1000


def fit_linkage(children: Sequence[int], parents: Sequence[int], *, method: LinkageMethod, at_most: int | None = None, null_rate: float = 0.0) -> Linkage:
    """Learn how many children a parent has.

    Args:
        children: numbers of children that occur, each once.
        parents: how many real parents have that number.
        method: `conditional` (which draws nothing here), `empirical` or `negbinom`.
        at_most: no parent may have more.
        null_rate: share of the child rows whose key is null.
    """
    order = np.argsort(children)
    values, n = np.asarray(children, dtype="int64")[order], np.asarray(parents, dtype="float64")[order]
    if not n.sum():
        return Linkage(method=method, values=(0,), weights=(1.0,), mean=0.0, variance=0.0, at_most=at_most, null_rate=null_rate)
    weights = n / n.sum()
    mean = float(weights @ values)
    variance = float(weights @ (values - mean) ** 2)
    values, weights = _pooled(values, weights)
    return Linkage(
        method=method, values=tuple(values.tolist()), weights=tuple(weights.tolist()), mean=mean, variance=variance, at_most=at_most, null_rate=null_rate
    )


def _pooled(values: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """At most MAX_VALUES numbers: runs of about equal weight become their weighted mean."""
    if len(values) <= MAX_VALUES:
        return values, weights
    run = np.minimum((np.cumsum(weights) * MAX_VALUES).astype("int64"), MAX_VALUES - 1)
    _, run = np.unique(run, return_inverse=True)
    mass = np.bincount(run, weights)
    means = np.rint(np.bincount(run, weights * values) / mass).astype("int64")
    pooled, where = np.unique(means, return_inverse=True)
    return pooled, np.bincount(where, mass)


def draw_counts(linkage: Linkage, parents: int, rng: np.random.Generator) -> np.ndarray:
    """Numbers of children for `parents` parents, int64 (parents,).

    The uniforms are stratified (one in each of `parents` equal intervals, in random order), so that a block's histogram is the learnt one up to
    rounding, where independent draws would add their own noise. The negative binomial has number of successes r = m^2 / (v - m) and p = m / v for
    mean m and variance v; where v <= m it is a Poisson.
    """
    u = (rng.permutation(parents) + rng.random(parents)) / max(1, parents)
    if linkage.method == "empirical":
        edges = np.cumsum(linkage.weights)
        counts = np.asarray(linkage.values, dtype="int64")[np.minimum(np.searchsorted(edges, u * edges[-1], side="right"), len(edges) - 1)]
    elif linkage.mean <= 0:
        counts = np.zeros(parents, dtype="int64")
    elif linkage.variance <= linkage.mean:
        counts = stats.poisson.ppf(u, linkage.mean).astype("int64")
    else:
        r = linkage.mean**2 / (linkage.variance - linkage.mean)
        counts = stats.nbinom.ppf(u, r, linkage.mean / linkage.variance).astype("int64")
    return counts if linkage.at_most is None else np.minimum(counts, linkage.at_most)
