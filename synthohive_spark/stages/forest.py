"""Rows of a table that points at itself: how many rows are above each, in the real table and among drawn rows."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from ..spec.identifiers import HIDDEN_PREFIX, quoted
from ..spec.metadata import ForeignKey
from ..spec.program import ROW, Match, depth_column, status_column
from .frames import all_there

ROUNDS = 6  # each doubles how far a row has looked up
MAX_DEPTH = 2**ROUNDS - 1  # rows that are deeper are taken to be as deep
ENDLESS = 0.01  # share of the rows that may be deeper, or in a circle, before the table is no forest
ID, UP, DEPTH = HIDDEN_PREFIX + "id", HIDDEN_PREFIX + "up", HIDDEN_PREFIX + "depth"


def real_depths(rows: DataFrame, key: ForeignKey, stage: Callable[[DataFrame, int], DataFrame]) -> DataFrame | None:
    """(`ID`, `DEPTH`) of the rows: the hash of what the key points at, and how many rows are above. None where rows run in circles: that is no forest.

    Every row looks up twice as far in each round; a round is one join of two narrow tables, and staged.

    Args:
        stage: writes narrow rows under a number and reads them back.
    """
    own, above = (F.xxhash64(*(F.col(quoted(c)) for c in columns)) for columns in (key.parent_columns, key.columns))
    up = F.when(all_there(key.columns) & (own != above), above)
    found = stage(rows.where(all_there(key.parent_columns)).select(own.alias(ID), up.alias(UP), up.isNotNull().cast("bigint").alias(DEPTH)), 0)
    for number in range(1, ROUNDS + 1):
        left = found.agg(F.count(UP).alias("open"), F.count(F.lit(1)).alias("rows")).collect()[0]
        if not left["open"]:
            return found.select(ID, DEPTH)
        further = found.select(F.col(ID).alias("__at"), F.col(UP).alias("__further"), F.col(DEPTH).alias("__more"))
        joined = found.join(further, F.col(UP) == F.col("__at"), "left")
        depth = F.least(F.col(DEPTH) + F.coalesce("__more", F.lit(0)), F.lit(MAX_DEPTH))
        found = stage(joined.select(ID, F.col("__further").alias(UP), depth.cast("bigint").alias(DEPTH)), number)
    left = found.agg(F.count(UP).alias("open"), F.count(F.lit(1)).alias("rows")).collect()[0]
    return None if left["open"] > ENDLESS * left["rows"] else found.select(ID, DEPTH)


def with_depths(rows: DataFrame, key: ForeignKey, name: str, depths: DataFrame) -> DataFrame:
    """`rows` with how many rows are above each, as the column `name`."""
    own = F.xxhash64(*(F.col(quoted(c)) for c in key.parent_columns))
    joined = rows.join(depths.withColumnRenamed(DEPTH, name), own == F.col(ID), "left").drop(ID)
    return joined.withColumn(name, F.coalesce(name, F.lit(0)))


@dataclass(frozen=True)
class Forest:
    """Where drawn rows stand: depths without gaps from 0, at which some row is.

    Attributes:
        levels: of each depth that can be drawn.
        top: number of the row that goes to the top, where none was drawn there.
        seekers: rows at each depth.
    """

    match: Match
    levels: tuple[int, ...]
    top: int | None
    seekers: tuple[int, ...]

    @classmethod
    def of(cls, rows: DataFrame, match: Match) -> Forest:
        """One aggregate over the rows of the table."""
        found = rows.groupBy(_drawn(match).alias(DEPTH)).agg(F.count(F.lit(1)).alias("rows"), F.min(ROW).alias("first")).collect()
        there = {row[DEPTH]: row for row in found}
        begin = 0 if 0 in there else 1
        number = {depth: begin + i for i, depth in enumerate(sorted(there))}
        levels = tuple(number.get(depth, 0) for depth in range(MAX_DEPTH + 1))
        seekers = (*([1] * begin), *(there[depth]["rows"] for depth in sorted(there)))
        return cls(match, levels, there[min(there)]["first"] if begin and there else None, seekers)

    def depth(self) -> Column:
        """Of a row."""
        level = F.element_at(F.array(*(F.lit(n) for n in self.levels)), (_drawn(self.match) + 1).cast("int")).cast("bigint")
        return level if self.top is None else F.when(F.col(ROW) == self.top, F.lit(0).cast("bigint")).otherwise(level)

    def buckets(self, size: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """For the seekers of each depth the first bucket, and how many there are; a bucket has about `size` seekers."""
        many = tuple(max(1, math.ceil(n / size)) for n in self.seekers)
        return tuple(sum(many[:i]) for i in range(len(many))), many


def _drawn(match: Match) -> Column:
    """The depth as it was drawn, in line with the status."""
    depth = F.least(F.greatest(F.coalesce(F.col(depth_column(match.key)), F.lit(0)), F.lit(0)), F.lit(MAX_DEPTH))
    return F.when(F.col(status_column(match.key)), F.greatest(depth, F.lit(1))).otherwise(F.lit(0)) if match.status else depth
