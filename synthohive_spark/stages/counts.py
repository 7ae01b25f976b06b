"""How many children each synthetic parent gets along one key: settled before the children are made, so that totals and histogram hold and no key runs
out of room.

Up to `FEW_PARENTS` parents come to the driver as two numbers each, in one job; of more, their drawn numbers are counted (one job) and the rest is a
function of the row number.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ..kernels.cardinality import CLOSE, CountRule, settled
from ..kernels.shares import proportional, rounded
from ..kernels.spread import hashed
from ..spec.hidden import ROW, hidden
from ..spec.identifiers import quoted
from ..spec.program import Linkage

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
