"""Pair rows of a table with rows of another parent, inside one bucket of both: the kernel that a match runs.

Each parent comes with its free places. Seekers and places are put in an order that depends on their identity only, and the k-th of one meets the k-th
of the other in each group that has to agree. Where a unique key forbids a pair, two seekers swap partners, which keeps every parent's number of
children; where no swap is found, the seeker takes any partner that it may have. So no row is thrown away, and nothing is tried again and again.

Legend: `n` seekers, `p` parents, `m` places.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

from ..spec.hidden import PARENT_ROW, POSITION, ROW, SIBLINGS
from .match_rule import COPIES, DEPTH, NOBODY, SINCE, TAKEN, MatchRule, numbers
from .separation import Separation
from .spread import hashed


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
        taken = Separation(seekers, parents, taken, rule).separated()
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
    own, other = numbers(seekers, parents, column)
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
    own, other = numbers(seekers, parents, column)
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
