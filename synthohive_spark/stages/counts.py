"""How many children each synthetic parent gets along one key: settled before the children are made, so that totals and histogram hold and no key runs
out of room.

Up to `FEW_PARENTS` parents come to the driver as two numbers each, in one job; of more, their drawn numbers are counted (one job) and the rest is a
function of the row number.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ..kernels.cardinality import CLOSE, CountRule, settled
from ..kernels.generate import BLOCK_ROWS, Families
from ..kernels.seeds import derive_seed
from ..kernels.shares import proportional, rounded
from ..kernels.spread import hashed
from ..spec.hidden import ROW, hidden
from ..spec.identifiers import quoted
from ..spec.planning.room import rows_alone, rows_driven
from ..spec.program import Linkage, TableProgram

FEW_PARENTS = 1_000_000  # 16 to 24 MB on the driver, and 8 MB in the closure
LIMIT = hidden("limit")


@dataclass(frozen=True)
class Wanted:
    """What is asked of the numbers of children.

    Attributes:
        linkage: their real histogram.
        drawn: the parents' hidden column with the number that was drawn; None where none was.
        total: of all parents; None takes the drawn numbers as they are, since parents with given values are not like the real ones.
        at_most: for each parent; None for no limit.
        salt: for parents that are alike.
        room: that all parents may have at most; None for no limit.
    """

    linkage: Linkage
    drawn: str | None
    total: int | None
    at_most: int | None
    salt: int
    room: int | None = None


def wanted_of(program: TableProgram, parents: int, *, drawn: str | None, possible: int | None, at_most: int | None, seed: int, shaped: bool = False) -> Wanted:
    """What is asked of the children that the driving key of a table brings.

    Args:
        parents: rows of the driving parent.
        drawn: as in `Wanted`.
        possible: rows of the table that its keys have room for; None for no limit.
        at_most: as in `Wanted`.
        seed: of the run.
        shaped: the parents have given values.
    """
    linkage = program.linkages[program.driving or 0]
    natural = rows_driven(program, parents)
    room = None if possible is None else math.floor(possible * (1 - linkage.null_rate))  # rows without a driving parent take their share of it
    total = None if shaped else natural if room is None else min(natural, room)
    return Wanted(linkage, drawn, total, at_most, derive_seed(seed, program.table, program.driving or 0, "children"), room)


def without_parent(program: TableProgram, wanted: Wanted, made: int, possible: int | None, scale: float) -> int:
    """Rows without a driving parent, beside `made` ones that have one."""
    alone = rows_alone(program, made if wanted.total is None else wanted.total, scale)
    return alone if possible is None else min(alone, possible - made)


def per_block(linkage: Linkage) -> int:
    """Parents of a block, whose children are about as many as a block of rows."""
    return max(1, min(BLOCK_ROWS, int(BLOCK_ROWS / max(linkage.mean, 1e-9))))


def with_offsets(families: Families, sums: Sequence[tuple[int, int]]) -> tuple[Families, int]:
    """Number of the first child of each block of parents that has some, and of all children.

    Args:
        sums: children of the blocks of parents, ascending.
    """
    ends = np.cumsum([n for _, n in sums]).tolist()
    offsets = {block: end - n for (block, n), end in zip(sums, ends, strict=True) if n and (families.room is None or end - n < families.room)}
    every = ends[-1] if ends else 0
    return replace(families, offsets=offsets), every if families.room is None else min(every, families.room)


def children_per_block(by_row: np.ndarray, parents: int) -> list[tuple[int, int]]:
    """Children of each block of `parents` parents, from those of each, int64 (p,)."""
    starts = np.arange(0, len(by_row), parents)
    return list(enumerate(np.add.reduceat(by_row, starts).tolist())) if len(by_row) else []


def settle(parents: DataFrame, count: int, whole: bool, wanted: Wanted) -> CountRule:
    """The rule.

    Args:
        parents: those that may have children, with `ROW`, the drawn column, and `LIMIT` where the limit differs from parent to parent.
        count: one more than their greatest row number.
        whole: all row numbers below are there, and nothing but them is needed.
    """
    return _one_by_one(parents, count, whole, wanted) if count <= FEW_PARENTS else _by_level(parents, count, wanted)


def _one_by_one(parents: DataFrame, count: int, whole: bool, wanted: Wanted) -> CountRule:
    limited = LIMIT in parents.columns
    if whole and wanted.drawn is None and not limited:
        rows, drawn, limits = np.arange(count), np.zeros(count, dtype=np.int64), None
    else:
        names = [ROW, *([wanted.drawn] if wanted.drawn else []), *([LIMIT] if limited else [])]
        table = parents.select(*(F.col(quoted(c)).cast("bigint") for c in names)).toArrow()
        arrays = [column.to_numpy() for column in table.columns]
        rows, drawn = arrays[0], arrays[1] if wanted.drawn else np.zeros(len(arrays[0]), dtype=np.int64)
        limits = arrays[-1] if limited else None
    return by_parent(rows, drawn, limits, count, wanted)


def by_parent(rows: np.ndarray, drawn: np.ndarray, limits: np.ndarray | None, count: int, wanted: Wanted) -> CountRule:
    """The rule that tells each parent's children by its row number.

    Args:
        rows: numbers of the parents that may have children, int64 (p,).
        drawn: the number that was drawn for each, int64 (p,); zeros where none was.
        limits: children that each may have at most, int64 (p,).
        count: one more than their greatest row number.
    """
    order = np.lexsort((rows, hashed(rows, wanted.salt), drawn))
    most = _limits(limits, wanted.at_most, len(rows))
    by_row = np.zeros(count, dtype=np.int64)
    if wanted.total is None and wanted.drawn is not None:
        counts = drawn if most is None else np.minimum(drawn, most)
        fits = wanted.room is None or int(counts.sum()) <= wanted.room
        by_row[rows] = counts if fits else rounded(proportional(counts.astype(np.float64), counts.astype(np.float64), float(wanted.room or 0)))
    else:
        by_row[rows[order]] = settled(wanted.linkage, len(rows), wanted.total, None if most is None else most[order], wanted.room)
    return CountRule(by_row=by_row)


def _limits(limits: np.ndarray | None, at_most: int | None, n: int) -> np.ndarray | None:
    if at_most is None:
        return limits
    return np.full(n, at_most) if limits is None else np.minimum(limits, at_most)


def _by_level(parents: DataFrame, count: int, wanted: Wanted) -> CountRule:
    if wanted.total is None and wanted.drawn is not None:
        return CountRule(at_most=wanted.at_most)
    levels: dict[int, tuple[float, float]] = {}
    present = count
    if wanted.drawn is not None:
        histogram = sorted((row[0], row[1]) for row in parents.groupBy(F.col(quoted(wanted.drawn)).cast("bigint")).count().collect())
        present = sum(n for _, n in histogram)
        before = 0
        for value, n in histogram:
            levels[value] = (before / present, n / present)
            before += n
    natural = present * wanted.linkage.mean
    factor = 1.0 if wanted.total is None or not natural or abs(natural - wanted.total) <= CLOSE * wanted.total else wanted.total / natural
    return CountRule(linkage=wanted.linkage, factor=factor, at_most=wanted.at_most, levels=levels, salt=wanted.salt)
