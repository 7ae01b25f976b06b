"""Rows of a table that points at itself: how many rows are above each, in the real table and among drawn rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from ..kernels.match_rule import DEPTH
from ..kernels.shares import dealt
from ..spec.hidden import ROW, depth_column, hidden, status_column
from ..spec.metadata import ForeignKey
from ..spec.program import Match
from .frames import all_there, plain_value

ROUNDS = 40  # each doubles how far a row has looked up: no chain is longer
MAX_DEPTH = 63  # rows that are deeper are taken to be as deep
ENDLESS = 0.01  # share of the rows that may be in a circle, or below one, before the table is no forest
FINE = 2**31  # steps between 0 and 1 of what is random
ID, UP = hidden("id"), hidden("up")


def real_depths(rows: DataFrame, key: ForeignKey, stage: Callable[[DataFrame, int], DataFrame]) -> DataFrame | None:
    """(`ID`, `DEPTH`) of the rows: the hash of what the key points at, and how many rows are above. None where rows run in circles: that is no forest.

    Every row looks up twice as far in each round; a round is one join of two narrow tables, and staged. There are about as many rounds as the longest chain
    has binary digits.

    Args:
        stage: writes narrow rows under a number and reads them back.
    """
    own, above = (_hash(rows, columns) for columns in (key.parent_columns, key.columns))
    up = F.when(all_there(key.columns) & (own != above), above)
    found = stage(rows.where(all_there(key.parent_columns)).select(own.alias(ID), up.alias(UP), up.isNotNull().cast("bigint").alias(DEPTH)), 0)
    before = None
    for number in range(1, ROUNDS + 1):
        left = found.agg(F.count(UP).alias("open"), F.count(F.lit(1)).alias("rows")).collect()[0]
        if left["open"] in (0, before):  # of a chain some row comes to its end in each round, of a circle none
            return None if left["open"] > ENDLESS * left["rows"] else found.select(ID, DEPTH)
        before = left["open"]
        further = found.select(F.col(ID).alias(hidden("at")), F.col(UP).alias(hidden("further")), F.col(DEPTH).alias(hidden("more")))
        joined = found.join(further, F.col(UP) == F.col(hidden("at")), "left")
        depth = F.least(F.col(DEPTH) + F.coalesce(hidden("more"), F.lit(0)), F.lit(MAX_DEPTH))
        found = stage(joined.select(ID, F.col(hidden("further")).alias(UP), depth.cast("bigint").alias(DEPTH)), number)
    return found.select(ID, DEPTH)


def _hash(rows: DataFrame, columns: Sequence[str]) -> Column:
    """Of a key: a number has the same one in any type of its kind."""
    types = dict(rows.dtypes)
    return F.xxhash64(*(plain_value(c, types[c]) for c in columns))


def with_depths(rows: DataFrame, key: ForeignKey, name: str, depths: DataFrame) -> DataFrame:
    """`rows` with how many rows are above each, as the column `name`."""
    joined = rows.join(depths.withColumnRenamed(DEPTH, name), _hash(rows, key.parent_columns) == F.col(ID), "left").drop(ID)
    return joined.withColumn(name, F.coalesce(name, F.lit(0)))


def level_sizes(depths: DataFrame) -> tuple[int, ...]:
    """Rows at each depth, from 0 on."""
    found = {row[DEPTH]: row["rows"] for row in depths.groupBy(DEPTH).agg(F.count(F.lit(1)).alias("rows")).collect()}
    return tuple(found.get(depth, 0) for depth in range(max(found, default=-1) + 1))


@dataclass(frozen=True)
class Forest:
    """Where drawn rows stand: on levels without gaps from 0 on, in the order of their drawn depths.

    A level has its real share of the rows, since few are at the top and a model draws too many there, or nobody: rows move to the level next to theirs.

    Attributes:
        begins: rows of smaller drawn depth, by depth.
        rows: of each drawn depth.
        ends: rows of each level and of those above it.
        top: number of a row that is at the top in any case.
    """

    match: Match
    begins: tuple[int, ...]
    rows: tuple[int, ...]
    ends: tuple[int, ...]
    top: int | None

    @classmethod
    def of(cls, rows: DataFrame, match: Match, *, real: bool = True) -> Forest:
        """One aggregate over the rows of the table.

        Args:
            real: levels have their real shares; else those that were drawn, as rows do that were asked for.
        """
        found = rows.groupBy(_drawn(match).alias(DEPTH)).agg(F.count(F.lit(1)).alias("rows"), F.min(ROW).alias("first")).collect()
        there = {row[DEPTH]: row for row in found}
        counts = np.array([there[d]["rows"] if d in there else 0 for d in range(MAX_DEPTH + 1)])
        wanted = dealt(np.array(match.levels), int(counts.sum())) if real and any(match.levels) else counts
        levels = wanted[wanted > 0]
        if len(levels) and not wanted[0] and levels[0] > 1:
            levels = np.array([1, levels[0] - 1, *levels[1:]])  # somebody is at the top
        begins = np.cumsum(counts) - counts
        return cls(match, tuple(begins.tolist()), tuple(counts.tolist()), tuple(np.cumsum(levels).tolist()), there[min(there)]["first"] if there else None)

    def level(self) -> Column:
        """Of a row."""
        place = (_drawn(self.match) + 1).cast("int")
        begin, rows = (F.element_at(F.array(*(F.lit(n) for n in numbers)), place) for numbers in (self.begins, self.rows))
        luck = F.pmod(F.xxhash64(F.lit(self.match.key), F.col(ROW)), F.lit(FINE)) / F.lit(FINE)
        number = begin + F.floor(rows * luck)
        # One array and one function: a comparison for each of 64 levels, wherever the level is used, is more than Spark compiles.
        passed = F.size(F.filter(F.array(*(F.lit(end) for end in self.ends[:-1])), lambda end: number >= end)).cast("bigint") if self.ends[1:] else F.lit(0)
        if self.ends[:1] == (1,) and len(self.ends) > 1:
            passed = F.greatest(passed, F.lit(1))  # the only place at the top is taken
        return F.when(F.col(ROW) == F.lit(self.top), F.lit(0)).otherwise(passed).cast("bigint")

    @property
    def is_endless(self) -> bool:
        """Whether rows of the last level can be above others of it."""
        return len(self.ends) > MAX_DEPTH

    @property
    def sizes(self) -> tuple[int, ...]:
        """Rows of each level, about."""
        return tuple(end - begin for begin, end in zip((0, *self.ends), self.ends, strict=False))

    def buckets(self, size: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """For the seekers of each level the first bucket, and how many there are; a bucket has about `size` seekers."""
        many = tuple(max(1, math.ceil(n / size)) for n in self.sizes)
        return tuple(sum(many[:i]) for i in range(len(many))), many


def _drawn(match: Match) -> Column:
    """The depth as it was drawn, in line with the status."""
    depth = F.least(F.greatest(F.coalesce(F.col(depth_column(match.key)), F.lit(0)), F.lit(0)), F.lit(MAX_DEPTH))
    return F.when(F.col(status_column(match.key)), F.greatest(depth, F.lit(1))).otherwise(F.lit(0)) if match.status else depth
