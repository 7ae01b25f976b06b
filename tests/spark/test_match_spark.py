"""Pairing rows with free places of another parent."""

from __future__ import annotations

import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from synthohive_spark.errors import GenerationError
from synthohive_spark.spec.metadata import ForeignKey
from synthohive_spark.spec.program import PARENT_ROW, POSITION, ROW, SIBLINGS, ColumnStep, TableProgram, count_column, status_column
from synthohive_spark.stages.match import match_key


def program(
    key: ForeignKey, *, primary_key: tuple[str, ...] = (), driving: int | None = None, nullable: bool = True, statuses: tuple[int, ...] = ()
) -> TableProgram:
    columns = tuple((c, "bigint", nullable) for c in dict.fromkeys(("id", *primary_key, *key.columns)))
    return TableProgram(
        table="child",
        rows=10,
        columns=columns,
        primary_key=primary_key,
        foreign_keys=(key,),
        steps=(ColumnStep(column="id", kind="known", source="row_number"),),
        matches=(0,),
        driving=driving,
        statuses=statuses,
    )


def junction() -> TableProgram:
    driving = ForeignKey(columns=("driver",), parent_table="driver", parent_columns=("pk",))
    return program(KEY, primary_key=("driver", "parent")).model_copy(update={"foreign_keys": (KEY, driving), "driving": 1})


def children(spark: SparkSession, rows: int, **more: list) -> DataFrame:
    frame = pd.DataFrame({"id": range(rows), ROW: range(rows), PARENT_ROW: -1, POSITION: 0, SIBLINGS: 1} | more)
    return spark.createDataFrame(frame)


def parents(spark: SparkSession, places: list[int], table: str = "child", **more: list) -> DataFrame:
    n = len(places)
    return spark.createDataFrame(pd.DataFrame({"pk": [100 + i for i in range(n)], ROW: range(n), count_column(table, 0): places} | more))


def kept(data: DataFrame, step: str) -> DataFrame:
    """Stands for staging: rows that are computed once."""
    return data.localCheckpoint()


KEY = ForeignKey(columns=("parent",), parent_table="parent", parent_columns=("pk",))


def test_every_place_is_taken_once(spark: SparkSession) -> None:
    matched = match_key(children(spark, 60), parents(spark, [10, 0, 20, 30]), program=program(KEY), index=0, seed=1, stage=kept)
    assert {r["parent"]: r["count"] for r in matched.groupBy("parent").count().collect()} == {100: 10, 102: 20, 103: 30}


def test_pairing_is_the_same_under_any_partitioning_and_differs_by_seed(spark: SparkSession) -> None:
    def pairs(partitions: int, seed: int) -> list:
        matched = match_key(children(spark, 50).repartition(partitions), parents(spark, [5] * 10), program=program(KEY), index=0, seed=seed, stage=kept)
        return sorted((r["id"], r["parent"]) for r in matched.collect())

    assert pairs(1, 1) == pairs(13, 1)
    assert pairs(1, 1) != pairs(1, 2)


def test_rows_without_the_key_stay_null(spark: SparkSession) -> None:
    there = [i % 3 > 0 for i in range(30)]
    rows = children(spark, 30, **{status_column(0): there})
    matched = match_key(rows, parents(spark, [10, 10]), program=program(KEY, statuses=(0,)), index=0, seed=1, stage=kept).collect()
    assert [r["parent"] is not None for r in sorted(matched, key=lambda r: r["id"])] == there


def test_columns_that_another_key_fixes_are_respected(spark: SparkSession) -> None:
    key = ForeignKey(columns=("region", "parent"), parent_table="parent", parent_columns=("region", "pk"))
    rows = children(spark, 40, region=[i % 2 for i in range(40)])
    matched = match_key(rows, parents(spark, [3, 4, 5, 6], region=[0, 1, 0, 1]), program=program(key), index=0, seed=1, stage=kept)
    assert {(r["region"], r["parent"]) for r in matched.collect()} <= {(0, 100), (1, 101), (0, 102), (1, 103)}
    assert matched.where("parent is null").count() == 0


def test_pairs_of_a_junction_never_repeat(spark: SparkSession) -> None:
    drivers = [(d, position, size) for d, size in enumerate([4, 3, 3, 2, 2, 1] * 5) for position in range(size)]
    more = {
        PARENT_ROW: [d for d, _, _ in drivers],
        POSITION: [p for _, p, _ in drivers],
        SIBLINGS: [s for _, _, s in drivers],
        "driver": [d for d, _, _ in drivers],
    }
    plan = junction()
    places = [30, 20, 15, 10]
    matched = match_key(children(spark, len(drivers), **more), parents(spark, places), program=plan, index=0, seed=1, stage=kept)
    assert matched.select("driver", "parent").distinct().count() == len(drivers)
    assert sorted(r["count"] for r in matched.groupBy("parent").count().collect()) == sorted(places)


def test_a_junction_with_too_few_parents_says_so(spark: SparkSession) -> None:
    more = {PARENT_ROW: [0, 0, 0], POSITION: [0, 1, 2], SIBLINGS: [3, 3, 3], "driver": [0, 0, 0]}
    plan = junction()
    with pytest.raises(GenerationError, match="too few"):
        match_key(children(spark, 3, **more), parents(spark, [2, 1]), program=plan, index=0, seed=1, stage=kept)


def test_a_self_reference_points_at_earlier_rows_only(spark: SparkSession) -> None:
    key = ForeignKey(columns=("boss",), parent_table="child", parent_columns=("id",))
    rows = children(spark, 100, **{count_column("child", 0): [3 if i < 30 else 0 for i in range(100)]})
    matched = match_key(rows, rows, program=program(key), index=0, seed=1, stage=kept)
    assert matched.where(F.col("boss") >= F.col("id")).count() == 0
    assert matched.where("boss is null").count() <= 10


def test_a_key_that_must_not_be_null_needs_places(spark: SparkSession) -> None:
    with pytest.raises(GenerationError, match="must not be null"):
        match_key(children(spark, 3), parents(spark, [0, 0]), program=program(KEY, nullable=False), index=0, seed=1, stage=kept)


def test_a_key_that_other_keys_fill_is_emptied_where_its_parent_is_not_there(spark: SparkSession) -> None:
    rows = children(spark, 6, parent=[100, 101, 102, 103, 104, 105])
    plan = program(KEY)
    matched = match_key(rows, parents(spark, [1, 1, 1, 1]), program=plan, index=0, seed=1, stage=kept)
    assert sorted((r["parent"] or 0) for r in matched.collect()) == [0, 0, 100, 101, 102, 103]
    with pytest.raises(GenerationError, match="belong to other keys"):
        match_key(rows, parents(spark, [1, 1, 1, 1]), program=program(KEY, nullable=False), index=0, seed=1, stage=kept)


def test_pairs_may_repeat_where_another_column_tells_the_rows_apart(spark: SparkSession) -> None:
    more = {PARENT_ROW: [0] * 4, POSITION: [0, 1, 2, 3], SIBLINGS: [4] * 4, "driver": [0] * 4, "line": [1, 2, 3, 4]}
    key = ForeignKey(columns=("driver",), parent_table="driver", parent_columns=("pk",))
    plan = program(KEY, primary_key=("driver", "line", "parent")).model_copy(update={"foreign_keys": (KEY, key), "driving": 1})
    matched = match_key(children(spark, 4, **more), parents(spark, [3, 1]), program=plan, index=0, seed=1, stage=kept)
    assert sorted(r["count"] for r in matched.groupBy("parent").count().collect()) == [1, 3]
