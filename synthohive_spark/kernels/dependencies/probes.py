"""A first look at a column beside all others at once, on a few rows: pairs that cannot follow a rule there are not looked at one by one.

A wide table has millions of pairs. Everything here only rules out: what is left is judged on all rows, so that the same rules are found. Rules have few
exceptions (`measures.HOLDS`), and a pair is ruled out where at least half of the rows that say something speak against it.

Legend: `m` rows of a first look, `W` columns, `T` probes.
"""

from __future__ import annotations

import numpy as np

PROBES = 16  # rows, or triples of rows
LEAST = 4  # of them must say something
SPOILT = 2  # probes that may be exceptions
CLOSE = 1e-6  # of two products that should be equal
GCDS = 8  # groups of rows whose differences have a divisor of their own


def spaced(rows: int, count: int) -> np.ndarray:
    """`count` of the numbers below `rows`, far apart; int64 (T,)."""
    return np.unique(np.linspace(0, max(rows - 1, 0), count).astype(np.int64)) if rows else np.zeros(0, dtype=np.int64)


def may_be_equal(hashes: np.ndarray, nulls: np.ndarray, column: int) -> np.ndarray:
    """Which columns can be copies of one, bool (W,). `hashes` of values and `nulls` are (T, W)."""
    told = ~(nulls | nulls[:, [column]])
    return ((hashes != hashes[:, [column]]) & told).sum(axis=0) <= told.sum(axis=0) / 2


class Numbers:
    """Columns of numbers on a few rows.

    Args:
        values: float64 (m, W); nulls are nan.
    """

    def __init__(self, values: np.ndarray) -> None:
        rows = len(values)
        first = spaced(rows, PROBES)
        triples = [values[(first + step) % max(rows, 1)] for step in (0, rows // 3, 2 * rows // 3)]
        self._apart = triples[1] - triples[0], triples[2] - triples[0]  # (T, W) each
        self._few = values[first]
        self._many = values[spaced(rows, GCDS * GCDS)]

    def lines(self, column: int) -> np.ndarray:
        """Which columns can be `k * other + c` of one, bool (W,): three rows lie on a line."""
        (one, two), (mine, my) = self._apart, (part[:, [column]] for part in self._apart)
        with np.errstate(invalid="ignore", over="ignore"):
            a, b = one * my, two * mine
            straight = np.abs(a - b) <= CLOSE * (np.abs(a) + np.abs(b))
            known = np.isfinite(a) & np.isfinite(b) & ((one != 0) | (two != 0) | (mine != 0) | (my != 0))
        same = straight & ((one == 0) == (mine == 0)) & ((two == 0) == (my == 0))
        return _left(known, same)

    def sums(self, column: int) -> np.ndarray:
        """Which columns can be the sum of one and a later one, bool (W - column - 1, W): the later one by place 0, the sum by place 1."""
        values = self._few[::2]  # half of them: this is a look at triples
        total = (values[:, column + 1 :] + values[:, [column]])[:, :, None]  # (T, W - column - 1, 1)
        with np.errstate(invalid="ignore"):
            size = np.abs(total)
            same = np.abs(values[:, None, :] - total) <= 1e-9 * (2 * size + 1e-300)
        known = np.isfinite(total) & np.isfinite(values)[:, None, :]
        return _left(known, same)

    def quotients(self, column: int) -> np.ndarray:
        """Which columns can be `other // k` of one, bool (W,): some k fits all rows but a few."""
        y, x = self._few, self._few[:, [column]]
        told = np.isfinite(y) & np.isfinite(x)
        with np.errstate(divide="ignore", invalid="ignore"):
            low, high = np.where(told & (y >= 0), x / (y + 1), -np.inf), np.where(told & (y > 0), x / y, np.inf)
        if len(y) <= SPOILT:
            return np.ones(y.shape[1], dtype=bool)
        low, high = np.sort(low, axis=0)[-1 - SPOILT], np.sort(high, axis=0)[SPOILT]
        return np.floor(high) >= np.maximum(2, np.floor(low))

    def remainders(self, column: int) -> np.ndarray:
        """Which columns can be `other % k` of one, bool (W,): differences have a divisor in common."""
        y, x = self._many, self._many[:, [column]]
        different = np.nan_to_num(np.where(np.abs(x - y) < 2.0**62, x - y, 0.0)).astype(np.int64)
        found = (np.isfinite(y) & np.isfinite(x)).sum(axis=0) < LEAST
        for group in range(GCDS):
            found |= np.gcd.reduce(different[group::GCDS], axis=0) > 1 if len(different) > group else True
        return found


def _left(known: np.ndarray, same: np.ndarray) -> np.ndarray:
    told = known.sum(axis=0)
    return (told < LEAST) | ((same & known).sum(axis=0) >= told / 2)


def may_be_told(groups: np.ndarray, targets: np.ndarray, most: float) -> np.ndarray:
    """Which targets a column can determine with at most `most` errors, bool (W,).

    Of rows with one value of the column that stand side by side, those whose targets differ are at most twice the errors.

    Args:
        groups: codes of the column, int64 (m,); -1 for null, which may say nothing.
        targets: the same of the targets, int64 (m, W).
    """
    order = np.argsort(groups, kind="stable")
    order = order[groups[order] >= 0]
    by_group, sorted_targets = groups[order], targets[order]
    alike = (by_group[1:] == by_group[:-1])[:, None]
    differ = alike & (sorted_targets[1:] != sorted_targets[:-1]) & (sorted_targets[1:] >= 0) & (sorted_targets[:-1] >= 0)
    broken: np.ndarray = differ.sum(axis=0) <= 2 * most
    return broken
