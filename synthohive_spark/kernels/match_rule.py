"""How the rows of a bucket find partners, and the columns that both sides of it have. Legend: `n` seekers, `p` parents."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..spec.hidden import hidden
from .seeds import derive_seed

TAKEN, COPIES, BUCKET = hidden("taken"), hidden("copies"), hidden("bucket")  # the parent's row number, its free places in the bucket
SINCE = hidden("since")  # a time of the seekers, and one of the parents that it should not be before
DEPTH = hidden("depth")  # rows above a row of the table itself
NOBODY = -1


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


def numbers(seekers: pd.DataFrame, parents: pd.DataFrame, column: str | None) -> tuple[np.ndarray, np.ndarray]:
    """The group of each row, int64 (n,) and (p,); one group where there is no column."""
    if column is None:
        return np.zeros(len(seekers), dtype=np.int64), np.zeros(len(parents), dtype=np.int64)
    return seekers[column].to_numpy(dtype="int64"), parents[column].to_numpy(dtype="int64")
