"""Data against metadata on Spark: keys, orphans, policies, and the real datasets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from judge_metadata import frames_from_judge, metadata_from_judge
from pyspark.sql import DataFrame, SparkSession

from synthohive_spark import Synthesizer
from synthohive_spark.errors import SchemaValidationError
from synthohive_spark.spec.metadata import Metadata
from synthohive_spark.stages.check import Examined, examine
from synthohive_spark.stages.orphans import apply_orphan_policies

FLIGHTS_KEYS = {"flights.dest": "null", "flights.tailnum": "null", "flights.origin,time_hour": "null"}


def examine_(metadata: Metadata, data: dict[str, DataFrame]) -> Examined:
    return examine(metadata, data, min_rows=3, aside=lambda table: pytest.fail(f"nothing repeats in {table}"))


def faults_of(metadata: Metadata, data: dict[str, DataFrame]) -> tuple[str, ...]:
    with pytest.raises(SchemaValidationError) as error:
        examine_(metadata, data)
    return error.value.faults


def rows(frame: DataFrame) -> list[tuple[Any, ...]]:
    return sorted((tuple(row) for row in frame.collect()), key=str)


def test_key_faults_are_counted_without_values(spark: SparkSession) -> None:
    people = [("ann-secret", 1), ("ann-secret", 2), ("ann-secret", 3), (None, 4), ("bob-secret", 4)]
    pets = [(1, "ann-secret", 9), (2, "zed-secret", 1), (3, None, 9), (4, "zed-secret", None), (5, "yan-secret", 2)]
    metadata = Metadata().add_table("people", pk="name").add_table("pets", pk="id", fk={"owner": "people.name"}).add_table("none", pk="id")
    metadata.add_table("chips", fk={"number": "people.number"})
    data = {
        "people": spark.createDataFrame(people, "name string, number int"),
        "pets": spark.createDataFrame(pets, "id int, owner string, age int"),
        "none": spark.createDataFrame([], "id int"),
        "chips": spark.createDataFrame([(1,), (9,)], "number bigint"),
    }
    faults = faults_of(metadata, data)
    assert len(faults) == 5  # a table without rows is none
    assert "'people': 2 of 5 rows (40.0%) repeat the primary key (name)" in faults[0]
    assert "'people': 1 of 5 rows (20.0%) have a null in the primary key (name)" in faults[1]
    assert "'people': foreign keys point at (number), which is not unique: 1 of 5 rows (20.0%)" in faults[2]
    assert "'pets': 3 of 5 rows (60.0%) are orphans" in faults[3] and "drop" in faults[3]
    assert "'chips': 1 of 2 rows (50.0%) are orphans" in faults[4]
    assert "secret" not in " ".join(faults)


def test_a_null_in_a_natural_key_of_several_columns_is_told(spark: SparkSession) -> None:
    prices = [(region, day, 1.5) for region in (1, 2, None) for day in range(5)]
    (fault,) = faults_of(Metadata().add_table("prices", pk=["region", "day"]), {"prices": spark.createDataFrame(prices, "region int, day int, price double")})
    assert "5 of 15 rows (33.3%) have a null in the primary key (region, day)" in fault


def test_one_broken_table_does_not_hide_the_faults_of_others(spark: SparkSession) -> None:
    metadata = Metadata().add_table("a", pk="id").add_table("b", pk="id", fk={"a_id": "a.id", "x": "a.nothing"}).add_table("c", pk="id", fk={"up": "a.id"})
    twice = spark.createDataFrame([(1, 1, 7)], "id int, `a b` int, A_ID int").selectExpr("*", "A_ID as a_id", "binary('x') as blob")
    data = {
        "a": spark.createDataFrame([(1,), (1,)], "id int"),
        "b": twice,
        "c": spark.createDataFrame([(1, 1), (2, 5)], "id int, up bigint"),
    }
    text = "\n".join(faults_of(metadata, data))
    for words in (
        "differ in case only",
        "unsupported type binary",
        "'x' does not exist",
        "no column 'nothing'",
        "repeat the primary key",
        "1 of 2 rows (50.0%) are orphans",
    ):
        assert words in text
    assert text.count("\n") == 5


def test_keys_of_every_shape_pass(spark: SparkSession) -> None:
    metadata = Metadata().add_table(
        "t", pk=["tenant", "id"], foreign_keys=[{"columns": ["tenant", "up"], "parent_table": "t", "parent_columns": ["tenant", "id"]}]
    )
    metadata.add_table("u", fk={"first": "v.id", "second": "v.id"}).add_table("v", pk="id", fk={"back": "w.id"}).add_table("w", pk="id", fk={"there": "v.id"})
    data = {
        "t": spark.createDataFrame([(1, 1, None), (1, 2, 1), (2, 1, None), (None, 3, 8)][:3], "tenant int, id int, up bigint"),
        "u": spark.createDataFrame([(1, 2), (2, None), (1, 2)], "first int, second smallint"),
        "v": spark.createDataFrame([(1, 1), (2, None)], "id bigint, back bigint"),
        "w": spark.createDataFrame([(1, 2)], "id bigint, there bigint"),
    }
    examine_(metadata, data)
    assert {name: rows(frame) for name, frame in apply_orphan_policies(metadata, data).items()} == {name: rows(frame) for name, frame in data.items()}


def chain(spark: SparkSession, middle: str, last: str) -> tuple[Metadata, dict[str, DataFrame]]:
    """`a` has 1 and 2; `b` points at 1, at 9, at nothing; `c` points at each row of `b`, and at none."""
    metadata = Metadata().add_table("c", pk="id", fk={"b_id": "b.id"}, orphans=last).add_table("b", pk="id", fk={"a_id": "a.id"}, orphans=middle)  # type: ignore[arg-type]
    metadata.add_table("a", pk="id")
    return metadata, {
        "a": spark.createDataFrame([(1,), (2,)], "id int"),
        "b": spark.createDataFrame([(10, 1), (11, 9), (12, None)], "id int, a_id int"),
        "c": spark.createDataFrame([(20, 10), (21, 11), (22, 12), (23, None)], "id int, b_id int"),
    }


def test_rows_whose_parent_was_dropped_follow_their_own_policy(spark: SparkSession) -> None:
    metadata, data = chain(spark, "drop", "drop")
    examine_(metadata, data)
    assert rows(apply_orphan_policies(metadata, data)["b"]) == [(10, 1), (12, None)]
    assert rows(apply_orphan_policies(metadata, data)["c"]) == [(20, 10), (22, 12), (23, None)]
    metadata, data = chain(spark, "drop", "null")
    assert rows(apply_orphan_policies(metadata, data)["c"]) == [(20, 10), (21, None), (22, 12), (23, None)]
    metadata, data = chain(spark, "null", "error")
    assert rows(apply_orphan_policies(metadata, data)["b"]) == [(10, 1), (11, None), (12, None)]
    examine_(metadata, data)
    metadata, data = chain(spark, "drop", "error")
    (fault,) = faults_of(metadata, data)
    assert "'c': 1 of 4 rows (25.0%) are orphans" in fault and "once the policy drop has left rows out of 'b'" in fault


def test_dropping_all_rows_is_a_fault(spark: SparkSession) -> None:
    metadata, data = chain(spark, "drop", "drop")
    data["a"] = spark.createDataFrame([(7,)], "id int")
    data["b"] = data["b"].where("a_id is not null")
    assert any("'b': the orphan policy drop leaves none of its 2 rows" in f for f in faults_of(metadata, data))


def test_null_empties_only_what_no_other_key_uses(spark: SparkSession) -> None:
    key = {"columns": ["origin", "hour"], "parent_table": "weather", "orphans": "null"}
    metadata = (
        Metadata()
        .add_table("airports", pk="faa")
        .add_table("weather", pk=["origin", "hour"])
        .add_table("flights", fk={"origin": "airports.faa"}, foreign_keys=[key])
    )
    data = {
        "airports": spark.createDataFrame([("JFK",), ("LGA",)], "faa string"),
        "weather": spark.createDataFrame([("JFK", 1), ("LGA", 2)], "origin string, hour int"),
        "flights": spark.createDataFrame([("JFK", 1, 0), ("JFK", 2, 1), ("LGA", None, 2), (None, 2, 3)], "origin string, hour int, n int"),
    }
    examine_(metadata, data)
    out = apply_orphan_policies(metadata, data)["flights"]
    assert rows(out) == sorted([("JFK", 1, 0), ("JFK", None, 1), ("LGA", None, 2), (None, 2, 3)], key=str)
    assert out.schema == data["flights"].schema


def test_policies_of_a_self_reference_and_of_dotted_names(spark: SparkSession) -> None:
    metadata = Metadata().add_table("t", pk="t.id", foreign_keys=[{"columns": "boss.id", "parent_table": "t", "parent_columns": "t.id", "orphans": "null"}])
    data = {"t": spark.createDataFrame([(1, None), (2, 1), (3, 9)], "`t.id` int, `boss.id` int")}
    examine_(metadata, data)
    assert rows(apply_orphan_policies(metadata, data)["t"]) == [(1, None), (2, 1), (3, None)]


def test_flights_orphans_come_in_one_error(spark: SparkSession, shared_data: Path) -> None:
    folder = shared_data / "nycflights13_100k"
    data = frames_from_judge(spark, folder)
    faults = faults_of(metadata_from_judge(folder, reference=("airlines", "airports")), data)
    assert len(faults) == 3
    for fault, count, key in zip(faults, ("2264", "14903", "460"), ("(dest)", "(tailnum)", "(origin, time_hour)"), strict=True):
        assert f"{count} of 100000 rows" in fault and key in fault


@pytest.mark.exhaustive
def test_flights_pass_with_the_policy_null(spark: SparkSession, shared_data: Path) -> None:
    folder = shared_data / "nycflights13_100k"
    data = frames_from_judge(spark, folder)
    metadata = metadata_from_judge(folder, reference=("airlines", "airports"), orphans=FLIGHTS_KEYS)
    examine_(metadata, data)
    mended = apply_orphan_policies(metadata, data)
    strict = metadata_from_judge(folder, reference=("airlines", "airports"))
    examine_(strict, mended)  # nothing is left to mend
    counts = mended["flights"].selectExpr(
        "count(*)", "count_if(dest is null)", "count_if(tailnum is null)", "count_if(time_hour is null)", "count_if(origin is null)"
    )
    nulls_before = data["flights"].where("tailnum is null").count()
    assert tuple(counts.collect()[0]) == (100_000, 2264, 14903 + nulls_before, 460, 0)


LOOKUPS = {
    "chinook": ["Genre", "MediaType"],
    "sakila": ["language", "country", "city", "category"],
    "northwind": ["categories", "region", "shippers", "territories"],
}


@pytest.mark.parametrize("dataset", ["chinook", pytest.param("sakila", marks=pytest.mark.exhaustive), "northwind"])
def test_real_schemas_pass(spark: SparkSession, shared_data: Path, dataset: str) -> None:
    examined = examine_(metadata_from_judge(shared_data / dataset), frames_from_judge(spark, shared_data / dataset))
    assert [name for name in examined.graph.order if f"{name!r} (" in str(examined.hint)] == [name for name in examined.graph.order if name in LOOKUPS[dataset]]


def test_validating_hints_at_lookups_in_one_warning(spark: SparkSession) -> None:
    data = {
        "shades": spark.createDataFrame([(i, f"shade {chr(97 + i)}") for i in range(5)], "id int, shade string"),
        "sizes": spark.createDataFrame([("S", "small"), ("L", "large")], "size string, label string"),
        "shirts": spark.createDataFrame([(i, i % 5, "SL"[i % 2]) for i in range(60)], "id int, shade int, size string"),
    }
    metadata = Metadata().add_table("shades", pk="id").add_table("sizes", pk="size")
    metadata.add_table("shirts", pk="id", fk={"shade": "shades.id", "size": "sizes.size"})
    with pytest.warns(UserWarning, match=r"'shades' \(5 rows, which 60 rows point at\), 'sizes' \(2 rows.*role: reference") as told:
        Synthesizer(metadata, spark=spark).validate_schema(data)
    assert len(told) == 1 and told[0].filename == __file__ and "shade a" not in str(told[0].message)


def test_a_policy_for_all_keys_speaks_where_there_are_orphans(spark: SparkSession) -> None:
    for policy, way_out in (("null", "to drop"), ("drop", "to null")):
        metadata = Metadata(orphans=policy).add_table("a", pk="id", fk={"up": "a.id"}).add_table("b", pk="id", fk={"id": "a.id"})  # type: ignore[arg-type]
        whole = spark.createDataFrame([(1, 1), (2, 1)], "id int not null, up int not null")
        examine_(metadata, {"a": whole, "b": whole.select("id")})
        (fault,) = faults_of(metadata, {"a": spark.createDataFrame([(1, 1), (2, 9)], whole.schema), "b": whole.select("id")})
        assert fault.startswith("table 'a': 1 of 2 rows (50.0%) are orphans") and fault.endswith(way_out)
