"""What rows share with the rows that their keys lead to: how often columns of both are equal, and what those of one say about the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..spec.date_forms import MICROS_PER_DAY
from ..spec.planning.inherited import HOLDS
from .traits import Side, telling_columns

PAIRING, LINK, WEIGHT = "pairing", "link", "weight"
MINE, THEIRS = ("mine", "my_numbers"), ("theirs", "their_numbers")  # hashes, and the values of numbers
KINSHIP_DDL = "pairing int, candidate int, rows double, equal double, chance double, trait int, gain double, edges array<double>, since int"
NULL = 0  # in place of a hash
LEAST_ROWS = 50  # fewer tell nothing
FEWER_BREAKS, LEAST_BREAKS = 0.1, 20  # a time that is later by chance: rows and parents in any pairs would break it ten times as often, and in so many rows
LEAST_TO_CARRY = 200  # rows, from which on it is told what says most


@dataclass(frozen=True)
class Candidate:
    """Columns that may be equal, as places in the arrays of both sides.

    Attributes:
        mine: of the row.
        theirs: their counterparts in the parent's row.
        key: they are a key.
    """

    mine: tuple[int, ...]
    theirs: tuple[int, ...]
    key: bool = False


@dataclass(frozen=True)
class Asked:
    """What one pairing of rows with their parents is asked.

    Attributes:
        candidates: what may be equal.
        telling: places of the row's columns that the parent's may say something about.
        traits: places of those of the parent.
        numeric: of each side, which columns have numbers.
        times: places of a time of the row and one of the parent, and the microseconds of a step of each.
    """

    candidates: tuple[Candidate, ...]
    telling: tuple[int, ...]
    traits: tuple[int, ...]
    numeric: tuple[tuple[bool, ...], tuple[bool, ...]]
    times: tuple[tuple[int, int, int, int], ...] = ()


def kinship(frame: pd.DataFrame, *, asked: Mapping[int, Asked]) -> pd.DataFrame:
    """The rows of one pairing in, one line per candidate and per telling column out (`KINSHIP_DDL`); nulls are equal to each other.

    Args:
        frame: `PAIRING` (the same in all rows), `LINK` (the parent), `MINE` and `THEIRS` (arrays, with `NULL` and NaN for null), `WEIGHT` (rows that it
            stands for).
        asked: by pairing.
    """
    pairing = int(frame[PAIRING].iloc[0])
    mine, link = np.stack(frame[MINE[0]].to_list()), frame[LINK].to_numpy()
    # The order of rows in a group is not fixed, and labels that are as frequent are told apart by it.
    order = np.lexsort((*mine.T, link))
    frame, mine, link = frame.iloc[order], mine[order], link[order]
    question, weight, theirs = asked[pairing], frame[WEIGHT].to_numpy(dtype="float64"), np.stack(frame[THEIRS[0]].to_list())
    lines: list[tuple[int, int, float, float, float, int, float, list[float] | None, int]] = []
    if weight.sum() >= LEAST_ROWS:
        lines = [(pairing, *line, -1, 0.0, None, -1) for line in _copies(mine, theirs, weight, question.candidates)]
        if question.times:
            numbers = (np.stack(frame[MINE[1]].to_list()), np.stack(frame[THEIRS[1]].to_list()))
            lines += [(pairing, -1, *line[1:], line[0]) for line in _since(*numbers, weight, question.times)]
    if weight.sum() >= LEAST_TO_CARRY and question.telling and question.traits:
        copied = {question.candidates[line[1]].mine[0] for line in lines if line[1] >= 0 and line[3] >= HOLDS * line[2]}  # they say nothing else
        telling = [place for place in question.telling if place not in copied]
        sides = (_side(frame, MINE[1], mine, telling, question.numeric[0]), _side(frame, THEIRS[1], theirs, question.traits, question.numeric[1]))
        for place, gain, edges in telling_columns(*sides, link, weight):
            lines.append((pairing, -1, weight.sum(), 0.0, 0.0, question.traits[place], gain, edges, -1))
    return pd.DataFrame(lines, columns=["pairing", "candidate", "rows", "equal", "chance", "trait", "gain", "edges", "since"])


def _since(
    mine: np.ndarray, theirs: np.ndarray, weight: np.ndarray, times: Sequence[tuple[int, int, int, int]]
) -> Iterator[tuple[int, float, float, float, int, float, list[float]]]:
    """(number, rows with both times, those in order, share that chance would have in order, -1, mean distance, grain) of each pair that is in order."""
    for number, (own, other, unit, their_unit) in enumerate(times):
        there = ~(np.isnan(mine[:, own]) | np.isnan(theirs[:, other]))
        if not there.any():
            continue
        later, sooner, rows = mine[there, own] * unit, theirs[there, other] * their_unit, weight[there]
        days = MICROS_PER_DAY in (unit, their_unit) or not (later % MICROS_PER_DAY).any()
        grain = MICROS_PER_DAY if days else 1  # what begins on a day is not before a time of it
        later, sooner = (np.floor(x / grain) * grain for x in (later, sooner))
        total, broken = rows.sum(), rows[later < sooner].sum()
        line = np.argsort(sooner, kind="stable")
        before = np.concatenate([[0.0], np.cumsum(rows[line])])[np.searchsorted(sooner[line], later, side="right")]
        by_chance = total - float(before @ rows) / total  # rows that would break it
        if by_chance >= LEAST_BREAKS and broken <= min(FEWER_BREAKS * by_chance, (1 - HOLDS) * total):
            yield number, total, total - broken, 1 - by_chance / total, -1, float((later - sooner) @ rows / total), [float(grain)]


def _copies(mine: np.ndarray, theirs: np.ndarray, weight: np.ndarray, candidates: Sequence[Candidate]) -> Iterator[tuple[int, float, float, float]]:
    """(number, rows, equal ones, share of equal ones by chance) of each candidate.

    Two tables of some hundred columns have ten thousands of candidates, of which hardly any share a value: chance is only told of the others, and of keys.
    """
    seen: dict[tuple[int, int], tuple[np.ndarray, np.ndarray]] = {}

    def counted(side: int, places: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        """Different values of one column, ascending, and their shares; counted once."""
        if (side, places[0]) not in seen:
            values, which = np.unique((mine, theirs)[side][:, places[0]], return_inverse=True)
            seen[side, places[0]] = values, np.bincount(which, weights=weight) / weight.sum()
        return seen[side, places[0]]

    for number, candidate in enumerate(candidates):
        own, other = mine[:, candidate.mine], theirs[:, candidate.theirs]
        same = (own == other).all(1)
        if not same.any() and not candidate.key:
            continue
        if len(candidate.mine) == 1:
            sides = counted(0, candidate.mine), counted(1, candidate.theirs)
            _, here, there = np.intersect1d(sides[0][0], sides[1][0], assume_unique=True, return_indices=True)
            chance = float(sides[0][1][here] @ sides[1][1][there])
        else:
            value = np.unique(np.concatenate([own, other]), axis=0, return_inverse=True)[1].reshape(2, -1)
            shares = [np.bincount(side, weights=weight, minlength=value.max() + 1) / weight.sum() for side in value]
            chance = float(shares[0] @ shares[1])
        yield number, weight.sum(), weight[same].sum(), chance


def _side(frame: pd.DataFrame, name: str, hashes: np.ndarray, places: Sequence[int], numeric: Sequence[bool]) -> Side:
    values = np.stack(frame[name].to_list())
    return Side([hashes[:, place] for place in places], [values[:, place] if numeric[place] else None for place in places])
