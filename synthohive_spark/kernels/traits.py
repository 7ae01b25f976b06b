"""Which columns of the row that a key leads to say most about the row itself: by them rows find partners that suit them.

Legend: `N` rows of a sample, each with its parent's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

BINS = 16  # of a number, at most
ROWS_PER_CELL = 25  # of two columns' joint groups: with fewer, chance would look like kinship
GROUPS = 32  # of a label, the rare ones taken together
MOST_VALUES = 200  # of a label that rows can carry; one with more is nearly a name
SHARED_BY, SHARED = 3, 0.9  # different parents that have a value, and the share of the rows whose value so many have: other labels are names
SIGMAS = 4.0  # above what unrelated columns share: hundreds of pairs are looked at
LEAST_GAIN = 0.05  # nats about the row that a column must give beyond the columns before it
MOST = 2  # columns of one parent that rows carry


@dataclass(frozen=True)
class Side:
    """Columns of one side, (N,) each.

    Attributes:
        hashes: int64.
        numbers: the values of numbers and times as float64, NaN for null; None for labels.
    """

    hashes: Sequence[np.ndarray]
    numbers: Sequence[np.ndarray | None]


def telling_columns(row: Side, parent: Side, of: np.ndarray, weight: np.ndarray) -> Iterator[tuple[int, float, list[float] | None]]:
    """The parent's columns that say most about the row, best first: (place, nats that it gives beyond those before, edges of its groups; None for a label).

    The mutual information of its groups with each of the row's columns, summed, after Miller and Madow's correction (Miller 1955) and only where a test by
    chi square leaves no doubt.

    Args:
        of: which parent each row has, (N,).
        weight: rows that each stands for, (N,).
    """
    bins = int(np.clip((weight.sum() / ROWS_PER_CELL) ** 0.5, 2, BINS))
    own = [code for hashes, numbers in zip(row.hashes, row.numbers, strict=True) if len(np.unique(code := _groups(hashes, numbers, weight, bins)[0])) > 1]
    there = {place: found for place, found in enumerate(_carried(parent, of, weight, bins)) if found is not None}
    before, known = np.zeros(len(weight), dtype=np.int64), np.zeros(len(own))
    for _ in range(MOST):
        told = {place: np.array([_information(_joined(before, code), mine, weight) for mine in own]) for place, (code, _) in there.items()}
        gains = {place: float(np.maximum(nats - known, 0).sum()) for place, nats in told.items()}
        best = max(gains, key=lambda place: gains[place], default=None)
        if best is None or gains[best] < LEAST_GAIN:
            return
        code, edges = there.pop(best)
        before, known = _joined(before, code), told[best]
        yield best, gains[best], edges


def _carried(side: Side, of: np.ndarray, weight: np.ndarray, bins: int) -> Iterator[tuple[np.ndarray, list[float] | None] | None]:
    """Groups and edges of the columns that rows could carry; None for the others."""
    for hashes, numbers in zip(side.hashes, side.numbers, strict=True):
        code, edges = _groups(hashes, numbers, weight, bins)
        several = len(np.unique(code)) > 1
        yield (code, edges) if several and (edges is not None or _is_shared(hashes, of, weight)) else None


def _is_shared(hashes: np.ndarray, of: np.ndarray, weight: np.ndarray) -> bool:
    """Whether a label is one of groups, and not a name."""
    values = pd.factorize(hashes)[0]
    parents = pd.DataFrame({"value": values, "parent": of}).groupby("value")["parent"].nunique()
    has_many = parents.reindex(values).to_numpy() >= SHARED_BY
    return values.max(initial=-1) < MOST_VALUES and weight[has_many].sum() >= SHARED * weight.sum()


def _groups(hashes: np.ndarray, numbers: np.ndarray | None, weight: np.ndarray, bins: int) -> tuple[np.ndarray, list[float] | None]:
    """The group of each row, int64 (N,), and the edges of a number's."""
    if numbers is None:
        values = pd.factorize(hashes)[0]
        heavy = np.argsort(-np.bincount(values, weights=weight), kind="stable")[: GROUPS - 1]
        place = np.full(values.max(initial=0) + 1, GROUPS - 1)
        place[heavy] = np.arange(len(heavy))
        return place[values], None
    edges = quantile_edges(numbers, weight, bins)
    return np.where(np.isnan(numbers), 0, np.searchsorted(edges, numbers, side="right") + 1), edges.tolist()


def quantile_edges(numbers: np.ndarray, weight: np.ndarray, bins: int) -> np.ndarray:
    """Values from which on a new group begins, ascending, so that groups hold about the same weight; fewer than `bins - 1` where values repeat."""
    there = np.isfinite(numbers)
    order = np.argsort(numbers[there], kind="stable")
    values, ends = numbers[there][order], np.cumsum(weight[there][order])
    if not len(values):
        return np.zeros(0)
    places = np.searchsorted(ends, np.arange(1, bins) / bins * ends[-1], side="left")
    edges = np.unique(values[np.minimum(places, len(values) - 1)])
    return edges[edges > values[0]]


def _joined(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """One number per combination of both."""
    return np.unique(first * (int(second.max(initial=0)) + 1) + second, return_inverse=True)[1]


def _information(first: np.ndarray, second: np.ndarray, weight: np.ndarray) -> float:
    """Nats that two columns of groups share; 0 where chance could give as much."""
    n, wide = weight.sum(), int(second.max()) + 1
    joint = np.bincount(first * wide + second, weights=weight, minlength=(int(first.max()) + 1) * wide).reshape(-1, wide) / n
    sides = joint.sum(1, keepdims=True) * joint.sum(0, keepdims=True)
    cells = joint > 0
    nats = float((joint[cells] * np.log(joint[cells] / sides[cells])).sum())
    free = max(int(cells.sum() - cells.any(1).sum() - cells.any(0).sum() + 1), 0)  # 2 * n times the nats of unrelated columns has about this mean
    return nats - free / (2 * n) if nats > (free + SIGMAS * (2 * free) ** 0.5) / (2 * n) else 0.0
