"""How many rows are above each row of a table that points at itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from synthohive_spark import Metadata, Synthesizer
from synthohive_spark.spec.hidden import ROW, depth_column, status_column
from synthohive_spark.spec.metadata import ForeignKey
from synthohive_spark.spec.program import Match
from synthohive_spark.stages.forest import MAX_DEPTH, Forest, real_depths, with_depths

KEY = ForeignKey(columns=("up",), parent_table="t", parent_columns=("id",))


@pytest.fixture
def stage(spark: SparkSession, tmp_path: Path) -> Callable[[DataFrame, int], DataFrame]:
    def staged(rows: DataFrame, number: int) -> DataFrame:
        rows.write.parquet(str(tmp_path / str(number)))
        return spark.read.parquet(str(tmp_path / str(number)))

    return staged


def depths(spark: SparkSession, pairs: list[tuple[int, int | None]], stage: Callable[[DataFrame, int], DataFrame]) -> dict[int, int] | None:
    rows = spark.createDataFrame(pairs, "id bigint, up int")
    found = real_depths(rows, KEY, stage)
    return None if found is None else {row["id"]: row["d"] for row in with_depths(rows, KEY, "d", found).collect()}


def test_depth_is_the_number_of_rows_above(spark: SparkSession, stage: Callable[[DataFrame, int], DataFrame]) -> None:
    chain = [(i, i - 1 if i else None) for i in range(40)]
    assert depths(spark, [*chain, (100, 100), (101, 100), (102, 17)], stage) == {**{i: i for i in range(40)}, 100: 0, 101: 1, 102: 18}


def test_what_is_deeper_than_can_be_told_is_as_deep_as_can_be(spark: SparkSession, stage: Callable[[DataFrame, int], DataFrame]) -> None:
    found = depths(spark, [(i, i - 1 if i else None) for i in range(300)], stage)
    assert found is not None and found[MAX_DEPTH - 1] == MAX_DEPTH - 1 and found[299] == MAX_DEPTH


@pytest.mark.exhaustive
def test_long_chains_stay_chains(spark: SparkSession) -> None:
    versions = spark.createDataFrame([(i, i - 1 if i % 300 else None) for i in range(3000)], "id int, before int")
    synthesizer = Synthesizer(Metadata().add_table("versions", pk="id", fk={"before": "versions.id"}), spark=spark, model="independent")
    rows = synthesizer.fit({"versions": versions}, seed=1).sample(seed=2)["versions"].toPandas().set_index("id")["before"]
    assert 8 <= rows.isna().sum() <= 12 and rows.value_counts().max() <= 6
    at, steps = rows, 0
    while at.notna().any():  # a circle would never end
        at, steps = at.map(rows), steps + 1
        assert steps < 3000
    assert steps > MAX_DEPTH


def test_rows_in_circles_are_no_forest(spark: SparkSession, stage: Callable[[DataFrame, int], DataFrame]) -> None:
    assert depths(spark, [(i, (i + 1) % 50) for i in range(50)], stage) is None


def levels(rows: DataFrame, forest: Forest) -> list[int]:
    return [row[0] for row in rows.select(forest.level().alias("level"), ROW).orderBy(ROW).select("level").collect()]


def test_levels_have_no_gaps_and_somebody_is_at_the_top(spark: SparkSession) -> None:
    match = Match(key=0, status=True, forest=True)
    drawn = [(0, True, 2), (1, True, 5), (2, True, 0), (3, True, 2), (4, True, 5), (5, True, None)]
    rows = spark.createDataFrame(drawn, f"`{ROW}` bigint, `{status_column(0)}` boolean, `{depth_column(0)}` bigint")
    forest = Forest.of(rows, match)
    assert forest.top == 2 and forest.sizes == (1, 1, 2, 2)
    found = levels(rows, forest)
    assert found[:5] == [2, 3, 0, 2, 3] and found[5] in (0, 1)
    assert forest.buckets(1) == ((0, 1, 2, 4), (1, 1, 2, 2))
    above = rows.union(spark.createDataFrame([(6, False, 3)], rows.schema))
    assert levels(above, Forest.of(above, match)) == [2, 3, 1, 2, 3, 1, 0]
    assert Forest.of(rows.where(F.lit(False)), match).sizes == ()


def test_levels_have_their_real_shares_in_the_order_of_what_was_drawn(spark: SparkSession) -> None:
    match = Match(key=0, status=True, forest=True, levels=(1, 10, 100, 889))
    rows = spark.range(10_000).selectExpr(f"id AS `{ROW}`", f"true AS `{status_column(0)}`", f"IF(id % 10 = 0, 1, 3) AS `{depth_column(0)}`")
    forest = Forest.of(rows, match)
    assert forest.sizes == (10, 100, 1000, 8890)
    found = np.array(levels(rows, forest))
    assert np.abs(np.bincount(found) - forest.sizes).max() < 100 and found[0] == 0
    assert found[::10].max() == 2 and found[1::10].min() == 2 and found[1::10].mean() > 2.9
    assert Forest.of(rows, match, real=False).sizes == (1, 999, 9000)
