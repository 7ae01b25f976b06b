"""Pair rows of a table with rows of another parent, inside one bucket of both: the kernel that a match runs.

Each parent comes with its free places. Seekers and places are put in an order that depends on their identity only, and the k-th of one meets the k-th
of the other in each group that has to agree. Where a unique key forbids a pair, two seekers swap partners, which keeps every parent's number of
children; where no swap is found, the seeker takes any partner that it may have. So no row is thrown away, and nothing is tried again and again.

Legend: `n` seekers, `p` parents, `m` places.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd

from ..spec.hidden import PARENT_ROW, POSITION, ROW, SIBLINGS, hidden
from .seeds import derive_seed
from .spread import hashed

TAKEN, COPIES, BUCKET = hidden("taken"), hidden("copies"), hidden("bucket")  # the parent's row number, its free places in the bucket
SINCE = hidden("since")  # a time of the seekers, and one of the parents that it should not be before
DEPTH = hidden("depth")  # rows above a row of the table itself
NOBODY = -1
SWAPS = 16  # random rows that are asked to swap
TRIES = 32  # random partners that are tried before all are listed


@dataclass(frozen=True)
class ApartRule:
    """Rows that agree in `before` must not share a cell of partners more than `times` times.

    Attributes:
        before: column of the seekers; None for all rows.
        cell: column of the parents that numbers the cells; None where each parent is one.
        times: how often.
    """

    before: str | None
    cell: str | None
    times: int


@dataclass(frozen=True)
class MatchRule:
    """How the seekers of one key find partners.

    Attributes:
        identity: table and key, for what is random.
        seed: of the run.
        fixed: the column, of the same name on both sides, in which both must agree; None where any partner will do.
        wished: columns in which they should agree if a partner does, the closest first.
        apart: unique keys.
        never: columns of the seekers with the number of a partner that they must not have.
        agree: the column in which they agree if there is any such partner; rows of the table itself have no parent then where there is none.
        within: the column in which they agree if there is any such partner, with a free place or without.
        forest: the parent is the table itself, and both sides have `DEPTH`: a row's parent is nearer to the top, or as near and before it.
        in_time: both sides have `SINCE`: seekers of a group get its places in order, so that hardly one is before its parent.
        required: every row needs a partner, if only itself.
        partners: rows of the parent; any of them can be taken by its number, unless a column is fixed or the bucket is closed.
        closed: only the parents that come in can be taken.
    """

    identity: tuple[str, int]
    seed: int
    fixed: str | None = None
    wished: tuple[str, ...] = ()
    apart: tuple[ApartRule, ...] = ()
    never: tuple[str, ...] = ()
    agree: str | None = None
    within: str | None = None
    forest: bool = False
    in_time: bool = False
    required: bool = False
    partners: int = 0
    closed: bool = False

    def salt(self, name: str) -> int:
        return derive_seed(self.seed, *self.identity, name)


def match_bucket(seekers: pd.DataFrame, parents: pd.DataFrame, *, rule: MatchRule) -> pd.DataFrame:
    """(`ROW`, `TAKEN`) of each seeker; `TAKEN` is -1 where there is no partner.

    Args:
        seekers: `ROW`, `PARENT_ROW`, `POSITION`, `SIBLINGS`, and the columns that the rule names.
        parents: `TAKEN`, `COPIES`, and the columns that the rule names.
    """
    seekers = seekers.sort_values(ROW, kind="stable").reset_index(drop=True)
    parents = parents.sort_values(TAKEN, kind="stable").reset_index(drop=True)
    taken = np.full(len(seekers), NOBODY, dtype=np.int64)
    copies = parents[COPIES].to_numpy(dtype="int64").copy()
    if rule.forest and rule.required:
        taken = np.where(seekers[DEPTH] == 0, seekers[ROW], NOBODY).astype(np.int64)  # who is at the top points at itself
    paired = partial(_paired, parents=parents, copies=copies)
    for column in rule.wished:
        _fill(taken, seekers, partial(paired, column=column, rule=rule, wrap=False))
    if rule.within is not None:
        _fill(taken, seekers, partial(paired, column=rule.within, rule=replace(rule, closed=True), wrap=True))
    for group in dict.fromkeys((rule.agree, rule.fixed)) if rule.agree else (rule.fixed,):
        if rule.forest:
            _fill(taken, seekers, partial(_elders, parents=parents, copies=copies, column=group, rule=rule))
            break  # who finds nobody that agrees is at the top
        _fill(taken, seekers, partial(paired, column=group, rule=rule, wrap=True))
    if (rule.apart or rule.never) and len(seekers):
        taken = _Separation(seekers, parents, taken, rule).separated()
    return pd.DataFrame({ROW: seekers[ROW].to_numpy(dtype="int64"), TAKEN: taken})


def _fill(taken: np.ndarray, seekers: pd.DataFrame, partners: Callable[[pd.DataFrame], np.ndarray]) -> None:
    """Give the seekers that have nobody yet the partners of a function of them."""
    rest = np.flatnonzero(taken == NOBODY)
    if len(rest):
        taken[rest] = partners(seekers.iloc[rest].reset_index(drop=True))


def _paired(seekers: pd.DataFrame, parents: pd.DataFrame, copies: np.ndarray, column: str | None, rule: MatchRule, *, wrap: bool) -> np.ndarray:
    """The partner of each seeker, int64 (n,). `copies`, int64 (p,), loses the places that are taken.

    Args:
        wrap: seekers that find no free place share those of their group, or take any parent of it.
    """
    own, other = _numbers(seekers, parents, column)
    line = np.lexsort((*_seeker_order(seekers, rule), own))
    rank = np.arange(len(line)) - np.searchsorted(own[line], own[line], side="left")  # (n,) within the group
    parent = np.repeat(np.arange(len(parents)), np.maximum(copies, 0))  # (m,)
    parent = parent[np.lexsort((*_place_order(parents, parent, copies, rule), other[parent]))]
    found = np.full(len(seekers), NOBODY, dtype=np.int64)
    first, size = _spans(other[parent], own[line])
    if rule.in_time:
        many = _spans(own[line], own[line])[1]
        rank = np.where(size > many, rank * size // many, rank)  # of too many places the last ones would stay free
    if not wrap:
        hit = rank < size
        place = parent[(first + rank)[hit]]
        np.subtract.at(copies, place, 1)
        found[line[hit]] = parents[TAKEN].to_numpy(dtype="int64")[place]
        return found
    hit = size > 0
    found[line[hit]] = parents[TAKEN].to_numpy(dtype="int64")[parent[(first + rank % np.maximum(size, 1))[hit]]]
    return _any_parent(found, line[~hit], own, other, parents, rule, seekers)


def _any_parent(
    found: np.ndarray, rows: np.ndarray, own: np.ndarray, other: np.ndarray, parents: pd.DataFrame, rule: MatchRule, seekers: pd.DataFrame
) -> np.ndarray:
    """Seekers of groups without any free place take any parent of their group."""
    if not len(rows):
        return found
    luck = hashed(seekers[ROW].to_numpy(dtype="int64")[rows], rule.salt("any"))
    if rule.fixed is None and not rule.closed:
        found[rows] = (luck * rule.partners).astype(np.int64) if rule.partners else NOBODY
        return found
    order = np.argsort(other, kind="stable")
    first, size = _spans(other[order], own[rows])
    there = size > 0
    place = order[(first + (luck * size).astype(np.int64))[there]]
    found[rows[there]] = parents[TAKEN].to_numpy(dtype="int64")[place]
    return found


def _elders(seekers: pd.DataFrame, parents: pd.DataFrame, copies: np.ndarray, column: str | None, rule: MatchRule) -> np.ndarray:
    """Partners in the table itself that are before a row, int64 (n,): nearer to the top, or as near and with a smaller number.

    Rows take the places of their group in order. One that finds none before itself takes any row before it, and leaves the next place to the row that follows:
    as the k-th row would have the k-th place, half of them would be too early for theirs.
    """
    own, other = _numbers(seekers, parents, column)
    rows, known = seekers[ROW].to_numpy(dtype="int64"), parents[TAKEN].to_numpy(dtype="int64")
    depths = np.concatenate([seekers[DEPTH].to_numpy(dtype="int64"), parents[DEPTH].to_numpy(dtype="int64")])
    # One number for group, depth and row, by rank: a row is the same on both sides.
    whole = np.rec.fromarrays([np.concatenate([own, other]), depths, np.concatenate([rows, known])])
    rank = np.unique(whole, return_inverse=True)[1].reshape(-1).astype(np.int64)
    seeker, elder = rank[: len(own)], rank[len(own) :]
    line, order = np.argsort(seeker, kind="stable"), np.argsort(elder, kind="stable")
    group = np.unique(np.concatenate([own, other]), return_inverse=True)[1].reshape(-1)
    lowest = np.full(group.max(initial=-1) + 1, len(rank))
    np.minimum.at(lowest, group, rank)
    begin = lowest[group[: len(own)]][line]  # of the seeker's group
    place = np.repeat(order, np.maximum(copies[order], 0))  # (m,)
    number = np.arange(len(line)) - np.searchsorted(seeker[line], begin)
    first = np.searchsorted(elder[place], begin)
    missing = np.maximum(number + 1 - (np.searchsorted(elder[place], seeker[line]) - first), 0)
    shift = group[: len(own)][line] * (len(line) + 1)  # so that a running maximum starts anew in each group
    missing = np.maximum.accumulate(missing + shift) - shift if len(line) else missing
    without = missing > np.where(number > 0, np.concatenate([[0], missing[:-1]]), 0)
    found = np.full(len(seekers), NOBODY, dtype=np.int64)
    hit = ~without
    found[line[hit]] = known[place[(first + number - missing)[hit]]]
    late = line[without]
    luck = hashed(rows[late], rule.salt("any"))
    start = np.searchsorted(elder[order], begin[without])
    size = np.searchsorted(elder[order], seeker[late]) - start
    there = size > 0
    found[late[there]] = known[order[(start + (luck * size).astype(np.int64))[there]]]
    return np.where((found == NOBODY) & rule.required, rows, found)


def _numbers(seekers: pd.DataFrame, parents: pd.DataFrame, column: str | None) -> tuple[np.ndarray, np.ndarray]:
    """The group of each row, int64 (n,) and (p,); one group where there is no column."""
    if column is None:
        return np.zeros(len(seekers), dtype=np.int64), np.zeros(len(parents), dtype=np.int64)
    return seekers[column].to_numpy(dtype="int64"), parents[column].to_numpy(dtype="int64")


def _spans(sorted_ids: np.ndarray, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each id begins in `sorted_ids`, and how often it is there."""
    first = np.searchsorted(sorted_ids, ids, side="left")
    return first, np.searchsorted(sorted_ids, ids, side="right") - first


def _seeker_order(seekers: pd.DataFrame, rule: MatchRule) -> tuple[np.ndarray, ...]:
    """Keys for `lexsort`, the last one counts most.

    For a unique key by position in the family, large families first: with places of one parent in a run, a run meets each family once
    (Gale and Ryser's construction). Else at random.
    """
    rows = seekers[ROW].to_numpy(dtype="int64")
    if rule.apart:
        family = hashed(seekers[PARENT_ROW].to_numpy(dtype="int64"), rule.salt("family"))
        return rows, family, -seekers[SIBLINGS].to_numpy(dtype="int64"), seekers[POSITION].to_numpy(dtype="int64")
    if rule.in_time:
        return rows, seekers[SINCE].to_numpy(dtype="int64")
    return rows, hashed(rows, rule.salt("seekers"))


def _place_order(parents: pd.DataFrame, parent: np.ndarray, copies: np.ndarray, rule: MatchRule) -> tuple[np.ndarray, ...]:
    """Keys for `lexsort` of the places, (m,) each."""
    taken = parents[TAKEN].to_numpy(dtype="int64")[parent]
    if rule.apart:
        return taken, hashed(taken, rule.salt("parents")), -copies[parent]
    if rule.in_time:
        return taken, parents[SINCE].to_numpy(dtype="int64")[parent]
    number = np.arange(len(parent)) - np.searchsorted(parent, parent, side="left")
    return taken, hashed(taken * np.int64(1_000_003) + number, rule.salt("places"))


class _Separation:
    """Swaps and moves partners until no unique key repeats, and nobody has a partner that it must not have."""

    def __init__(self, seekers: pd.DataFrame, parents: pd.DataFrame, taken: np.ndarray, rule: MatchRule) -> None:
        self.rule, self.taken, self.parents = rule, taken, parents
        self.rng = np.random.Generator(np.random.Philox(key=rule.salt("swaps") + int(seekers[ROW].min())))
        # Rows that found nobody who agrees with them stay among those whose columns are fixed.
        self.groups = [_numbers(seekers, parents, column) for column in (dict.fromkeys((rule.agree, rule.fixed)) if rule.agree else (rule.fixed,))]
        self.before = [_numbers(seekers, seekers, apart.before)[0] for apart in rule.apart]
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
