"""Rows that repeat a primary key: which stay, and what reading costs."""

from __future__ import annotations

import warnings

import pytest
from pyspark.sql import functions as F

from synthohive_spark.spec.metadata import Metadata
from synthohive_spark.stages.duplicates import apply_duplicate_policies, without_duplicates


def _frame(spark, repeats: int):
    rows = spark.range(1000).selectExpr("id AS `the.id`", "id % 3 AS kind", "0L AS n", "map('k', id) AS m")
    again = spark.range(repeats).selectExpr("id AS `the.id`", "7L AS kind", "id AS n", "map('k', id) AS m")
    none = spark.range(2).selectExpr("CAST(NULL AS BIGINT) AS `the.id`", "1L AS kind", "0L AS n", "map('k', id) AS m")
    return rows.union(again).union(again).union(none).withColumn("kind", F.coalesce("kind", F.lit(0)))


def test_one_row_of_each_key_stays_and_reading_shuffles_nothing(spark, tmp_path):
    metadata = Metadata(duplicates="drop").add_table("t", pk="the.id")
    found = []
    for number, parts in enumerate((1, 7)):
        frame = _frame(spark, 3).repartition(parts)
        (clean,) = without_duplicates(metadata, {"t": frame}, {"t": 8}, lambda table, n=number: f"{tmp_path}/{n}/{table}").values()
        assert [(f.name, f.dataType.simpleString(), f.nullable) for f in clean.schema] == [
            (f.name, f.dataType.simpleString(), f.nullable) for f in frame.schema
        ]
        found.append(sorted((tuple(row) for row in clean.select("`the.id`", "kind", "n").collect()), key=str))
        whole = without_duplicates(metadata, {"t": spark.range(1000)}, {}, lambda table: pytest.fail(table))["t"]
        assert whole.count() == 1000
    assert found[0] == found[1] and [row[0] for row in sorted(found[0])] == list(range(1000))
    path = f"{tmp_path}/data"
    _frame(spark, 3).write.parquet(path)
    (clean,) = without_duplicates(metadata, {"t": spark.read.parquet(path)}, {"t": 8}, lambda table: f"{tmp_path}/c/{table}").values()
    plan = clean._jdf.queryExecution().executedPlan().toString()
    assert "BroadcastHashJoin" in plan and "hashpartitioning" not in plan


def test_policies_of_tables_that_are_only_looked_at(spark, tmp_path):
    metadata = Metadata()
    for name, policy in (("few", None), ("many", None), ("refused", "error"), ("dropped", "drop"), ("clean", None)):
        metadata.add_table(name, pk="the.id", duplicates=policy)
    frames = {
        "few": _frame(spark, 4),
        "many": _frame(spark, 20),
        "refused": _frame(spark, 1),
        "dropped": _frame(spark, 20),
        "clean": _frame(spark, 0).where("`the.id` >= 0"),
    }
    with pytest.warns(UserWarning) as told:
        found = apply_duplicate_policies(metadata, frames, lambda table: f"{tmp_path}/{table}")
    assert [str(w.message).partition(" whose")[0] for w in told if w.category is UserWarning] == ["table 'few': left out 10 rows"]
    assert {name: frame.count() for name, frame in found.items()} == {"few": 1000, "many": 1042, "refused": 1004, "dropped": 1000, "clean": 1000}
    assert all(found[name] is frames[name] for name in ("many", "refused", "clean"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert apply_duplicate_policies(metadata, {}, lambda table: pytest.fail(table)) == {}
