"""What rows share with the rows that their keys lead to: how often columns of both are equal, and what those of one say about the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from .traits import Side, telling_columns

PAIRING, LINK, WEIGHT = "pairing", "link", "weight"
MINE, THEIRS = ("mine", "my_numbers"), ("theirs", "their_numbers")  # hashes, and the values of numbers
KINSHIP_DDL = "pairing int, candidate int, rows double, equal double, chance double, trait int, gain double, edges array<double>"
LEAST_ROWS = 50  # fewer tell nothing
LEAST_TO_CARRY = 200  # rows, from which on it is told what says most
COPIED = 0.995  # share of the rows from which on a column follows from the parent's, and says nothing else about it


@dataclass(frozen=True)
class Candidate:
    """Columns that may be equal, as places in the arrays of both sides.

    Attributes:
        mine: of the row.
        theirs: their counterparts in the parent's row.
    """

    mine: tuple[int, ...]
    theirs: tuple[int, ...]


@dataclass(frozen=True)
class Asked:
    """What one pairing of rows with their parents is asked.

    Attributes:
        candidates: what may be equal.
        telling: places of the row's columns that the parent's may say something about.
        traits: places of those of the parent.
        numeric: of each side, which columns have numbers.
    """

    candidates: tuple[Candidate, ...]
    telling: tuple[int, ...]
    traits: tuple[int, ...]
    numeric: tuple[tuple[bool, ...], tuple[bool, ...]]


def kinship(frame: pd.DataFrame, *, asked: Mapping[int, Asked]) -> pd.DataFrame:
    """The rows of one pairing in, one line per candidate and per telling column out (`KINSHIP_DDL`); nulls are equal to each other.

    Args:
        frame: `PAIRING` (the same in all rows), `LINK` (the parent), `MINE` and `THEIRS` (arrays), `WEIGHT` (how many rows it stands for).
        asked: by pairing.
    """
    pairing = int(frame[PAIRING].iloc[0])
    question, weight = asked[pairing], frame[WEIGHT].to_numpy(dtype="float64")
    mine, theirs = _columns(frame[MINE[0]]), _columns(frame[THEIRS[0]])
    lines: list[tuple[int, int, float, float, float, int, float, list[float] | None]] = []
    if weight.sum() >= LEAST_ROWS:
        lines = [(pairing, *line, -1, 0.0, None) for line in _copies(mine, theirs, weight, question.candidates)]
    if weight.sum() >= LEAST_TO_CARRY and question.telling and question.traits:
        copied = {question.candidates[line[1]].mine[0] for line in lines if line[3] >= COPIED * line[2]}
        telling = [place for place in question.telling if place not in copied]
        sides = (_side(frame, MINE, mine, telling, question.numeric[0]), _side(frame, THEIRS, theirs, question.traits, question.numeric[1]))
        for place, gain, edges in telling_columns(*sides, frame[LINK].to_numpy(), weight):
            lines.append((pairing, -1, weight.sum(), 0.0, 0.0, question.traits[place], gain, edges))
    return pd.DataFrame(lines, columns=["pairing", "candidate", "rows", "equal", "chance", "trait", "gain", "edges"])


def _copies(mine: np.ndarray, theirs: np.ndarray, weight: np.ndarray, candidates: Sequence[Candidate]) -> Iterator[tuple[int, float, float, float]]:
    """(number, rows, equal ones, share of equal ones by chance) of each candidate."""
    for number, candidate in enumerate(candidates):
        both = np.concatenate([mine[:, list(candidate.mine)], theirs[:, list(candidate.theirs)]])
        value = pd.DataFrame(both).groupby(list(range(both.shape[1])), sort=False, dropna=False).ngroup().to_numpy()
        own, other = value[: len(weight)], value[len(weight) :]
        shares = [np.bincount(side, weights=weight, minlength=value.max() + 1) / weight.sum() for side in (own, other)]
        yield number, weight.sum(), weight[own == other].sum(), float(shares[0] @ shares[1])


def _columns(arrays: pd.Series) -> np.ndarray:
    """(N, columns) objects: hashes, and None for null."""
    return np.array([list(array) for array in arrays], dtype=object)


def _side(frame: pd.DataFrame, names: tuple[str, str], hashes: np.ndarray, places: Sequence[int], numeric: Sequence[bool]) -> Side:
    values = np.array([list(array) for array in frame[names[1]]], dtype="float64") if any(numeric) else np.zeros((len(frame), len(numeric)))
    return Side([hashes[:, place] for place in places], [values[:, place] if numeric[place] else None for place in places])
