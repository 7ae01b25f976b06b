"""Partners that a unique key forbids are swapped between rows, or moved. Legend: `n` seekers, `p` parents."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from ..spec.hidden import ROW
from .match_rule import DEPTH, NOBODY, TAKEN, MatchRule, numbers

SWAPS = 16  # random rows that are asked to swap
TRIES = 32  # random partners that are tried before all are listed


class Separation:
    """Swaps and moves partners until no unique key repeats, and nobody has a partner that it must not have."""

    def __init__(self, seekers: pd.DataFrame, parents: pd.DataFrame, taken: np.ndarray, rule: MatchRule) -> None:
        self.rule, self.taken, self.parents = rule, taken, parents
        self.rng = np.random.Generator(np.random.Philox(key=rule.salt("swaps") + int(seekers[ROW].min())))
        # Rows that found nobody who agrees with them stay among those whose columns are fixed.
        self.groups = [numbers(seekers, parents, column) for column in (dict.fromkeys((rule.agree, rule.fixed)) if rule.agree else (rule.fixed,))]
        self.before = [numbers(seekers, seekers, apart.before)[0] for apart in rule.apart]
        self.known = parents[TAKEN].to_numpy(dtype="int64")
        self._domains: dict[tuple[int, int], np.ndarray] = {}
        self.cell_of = [None if a.cell is None else dict(zip(self.known.tolist(), parents[a.cell].tolist(), strict=True)) for a in rule.apart]
        self.used: list[dict[tuple[int, int], int]] = []
        self.rows = seekers[ROW].to_numpy(dtype="int64")
        self.never = seekers[list(rule.never)].to_numpy(dtype="int64")  # (n, keys)
        self.depth = seekers[DEPTH].to_numpy(dtype="int64") if rule.forest else None
        self.depth_of = dict(zip(self.known.tolist(), parents[DEPTH].tolist(), strict=True)) if rule.forest else {}

    def separated(self) -> np.ndarray:
        """The partners, int64 (n,); -1 for a row that may have none."""
        again = self._repeats()
        if not len(again):
            return self.taken
        for i in range(len(self.rule.apart)):
            pairs = zip(self.before[i].tolist(), self._cells(i, self.taken).tolist(), strict=True)
            counted: dict[tuple[int, int], int] = {}
            for pair in pairs:
                counted[pair] = counted.get(pair, 0) + 1
            self.used.append(counted)
        for row in again.tolist():
            if self._crowded(row) and not self._swap(row):  # a swap of another row may have mended it
                self._move(row)
        for row in again[self.taken[again] == NOBODY].tolist():  # rows that moved later may have left them a place
            self._move(row)
        return self.taken

    def _repeats(self) -> np.ndarray:
        """All but the first of each combination that is there too often, and those with a partner that they must not have."""
        again = (self.never == self.taken[:, None]).any(1)
        for i, apart in enumerate(self.rule.apart):
            pairs = pd.DataFrame({"b": self.before[i], "c": self._cells(i, self.taken)})
            again |= (pairs.groupby(["b", "c"], sort=False).cumcount() >= apart.times).to_numpy()
        return np.flatnonzero(again & (self.taken != NOBODY))

    def _cells(self, i: int, taken: np.ndarray) -> np.ndarray:
        """The cell of each partner, int64; -1 for nobody."""
        known = self.cell_of[i]
        return taken if known is None else np.array([known.get(t, NOBODY) for t in taken.tolist()], dtype=np.int64)

    def _cell(self, i: int, partner: int) -> int:
        known = self.cell_of[i]
        return partner if known is None else known.get(partner, NOBODY)

    def _number(self, i: int, row: int, partner: int) -> int:
        return self.used[i].get((int(self.before[i][row]), self._cell(i, partner)), 0)

    def _crowded(self, row: int) -> bool:
        """Whether the row's partner is there more often than allowed, or not allowed at all."""
        return int(self.taken[row]) in self.never[row] or any(
            self._number(i, row, int(self.taken[row])) > apart.times for i, apart in enumerate(self.rule.apart)
        )

    def _fits(self, row: int, partner: int, *, strict: bool = True) -> bool:
        """Whether the row may have this partner beside those that are there; `strict`: it is none that it must not have."""
        if strict and partner in self.never[row]:
            return False
        if self.depth is not None and (self.depth_of[partner], partner) >= (self.depth[row], self.rows[row]):
            return False
        return all(self._number(i, row, partner) < apart.times for i, apart in enumerate(self.rule.apart))

    def _count(self, row: int, partner: int, by: int) -> None:
        for i in range(len(self.rule.apart)):
            pair = (int(self.before[i][row]), self._cell(i, partner))
            self.used[i][pair] = self.used[i].get(pair, 0) + by

    def _give(self, row: int, partner: int) -> None:
        self._count(row, int(self.taken[row]), -1)
        self.taken[row] = partner
        self._count(row, partner, 1)

    def _swap(self, row: int) -> bool:
        for other in self.rng.integers(len(self.taken), size=SWAPS).tolist():
            mine, theirs = int(self.taken[row]), int(self.taken[other])
            group = self.groups[0][0]
            if theirs in (NOBODY, mine) or group[other] != group[row]:
                continue
            if self._fits(row, theirs) and self._fits(other, mine):
                self._give(row, theirs)
                self._give(other, mine)
                return True
        return False

    def _domain(self, row: int, among: int) -> np.ndarray:
        """The partners of a row's group, int64 (k,); found once, since thousands of rows can ask."""
        own, other = self.groups[among]
        group = (among, int(own[row]))
        if group not in self._domains:
            self._domains[group] = self.known[other == group[1]]
        return self._domains[group]

    def _possible(self, row: int) -> list[np.ndarray | range]:
        """The partners that a row may have, where it has some: those that agree with it first."""
        if self.rule.fixed is None and not self.rule.closed:
            return [range(self.rule.partners)]
        return [self._domain(row, among) for among in range(len(self.groups))]

    def _move(self, row: int) -> None:
        domains = [domain for domain in self._possible(row) if len(domain)]
        if not domains:
            return
        for strict in (True, False) if self.rule.never else (True,):  # a partner that it should not have is better than none
            for domain in domains:
                for place in self._places(len(domain)):
                    if self._fits(row, int(domain[place]), strict=strict):
                        self._give(row, int(domain[place]))
                        return
        self._give(row, NOBODY)

    def _places(self, size: int) -> Iterator[int]:
        """Some random places, then all of them."""
        yield from self.rng.integers(size, size=TRIES).tolist()
        start = int(self.rng.integers(size))
        yield from ((start + step) % size for step in range(size))
