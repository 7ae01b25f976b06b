"""Delta writes: what is written comes back with its types, and a failed run leaves no trace."""

from __future__ import annotations

import datetime
import os
import uuid
from collections.abc import Iterator
from decimal import Decimal

import pandas as pd
import pytest
from delta.tables import DeltaTable
from pyspark.sql import functions as F
from pyspark.sql import types as T

from synthohive_spark.errors import ConstraintViolationError, GenerationError, SchemaError
from synthohive_spark.storage.tables import TableWriter, Target, read_table, save_tables

SCHEMA = T.StructType(
    [
        T.StructField("id", T.LongType(), False),
        T.StructField("amount", T.DecimalType(12, 3), True),
        T.StructField("at", T.TimestampNTZType(), False),
        T.StructField("seen", T.TimestampType(), True),
        T.StructField("day", T.DateType(), True),
        T.StructField("flag", T.BooleanType(), False),
        T.StructField("small", T.ShortType(), True),
        T.StructField("na-ïve", T.StringType(), True),
    ]
)
ROWS = [
    (1, Decimal("0.001"), datetime.datetime(2020, 1, 1, 1, 2, 3, 456789), datetime.datetime(2021, 6, 1), datetime.date(1969, 1, 1), True, 3, "ü"),
    (2, None, datetime.datetime(1900, 1, 1), None, None, False, None, None),
]


@pytest.fixture(params=["folder", "catalog"])
def output(request, spark, tmp_path) -> Iterator[str]:
    if request.param == "folder":
        yield str(tmp_path / "out put")
        return
    schema = f"s{uuid.uuid4().hex[:8]}"
    yield f"spark_catalog.{schema}"
    spark.sql(f"DROP SCHEMA IF EXISTS {schema} CASCADE")


def _address(output: str, table: str) -> str:
    return Target.parse(output).address(table)


def _ids(spark, output: str, table: str) -> list[int]:
    return sorted(r[0] for r in read_table(spark, _address(output, table)).select("id").collect())


def _commits(spark, output: str, table: str) -> int:
    address = _address(output, table)
    handle = DeltaTable.forPath(spark, address) if "/" in address else DeltaTable.forName(spark, address)
    return handle.history().count()


def _exists(spark, output: str, table: str) -> bool:
    address = _address(output, table)
    return os.path.exists(address) if "/" in address else spark.catalog.tableExists(address)


def _ids_frame(spark, *ids: int):
    return spark.createDataFrame([(i,) for i in ids], "id long")


def _flaky(spark, folder, failures: int):
    """Three rows whose first `failures` evaluations fail; each leaves a file. Nested, since the workers cannot import a test module."""
    folder.mkdir()
    marker = str(folder)

    def fail(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for frame in frames:
            seen = len(os.listdir(marker))
            if seen < failures:
                open(os.path.join(marker, str(seen)), "w").close()
                raise RuntimeError("lost")
            yield frame

    return spark.range(3).coalesce(1).mapInPandas(fail, "id long")


def test_types_and_nullability_come_back(spark, output):
    frame = spark.createDataFrame(ROWS, SCHEMA)
    written = TableWriter(spark, Target.parse(output)).write("t", frame)
    assert written.schema == SCHEMA
    assert sorted(written.collect()) == sorted(frame.collect())
    assert read_table(spark, _address(output, "t")).schema == SCHEMA


def test_overwrite_in_one_commit_and_with_another_schema(spark, output):
    writer = TableWriter(spark, Target.parse(output))
    writer.write("t", spark.createDataFrame(ROWS, SCHEMA))
    before = _commits(spark, output, "t")
    again = writer.write("t", spark.createDataFrame(ROWS[:1], SCHEMA))
    assert _commits(spark, output, "t") == before + 1
    assert (again.schema, again.collect()) == (SCHEMA, spark.createDataFrame(ROWS[:1], SCHEMA).collect())
    other = spark.createDataFrame([("a", 1)], "id string, x int")
    written = writer.write("t", other)
    assert _commits(spark, output, "t") == before + 2
    assert (written.schema, written.collect()) == (other.schema, other.collect())
    written = writer.write("t", spark.createDataFrame(ROWS, SCHEMA))
    assert written.schema == SCHEMA and sorted(written.select("id").collect()) == [(1,), (2,)]


def test_a_table_that_is_read_while_it_is_overwritten(spark, output):
    writer = TableWriter(spark, Target.parse(output))
    first = writer.write("t", _ids_frame(spark, 1, 2, 3))
    second = writer.write("t", first.where("id > 1"))
    assert sorted(second.collect()) == [(2,), (3,)]
    third = writer.write("t", second.select("id", F.lit(7).alias("x"), F.lit("a").alias("y")))
    assert [f.nullable for f in third.schema] == [True, False, False]
    assert sorted(third.collect()) == [(2, 7, "a"), (3, 7, "a")]


def test_ntz_into_a_table_that_had_none(spark, output):
    writer = TableWriter(spark, Target.parse(output))
    writer.write("t", _ids_frame(spark, 1))
    frame = spark.createDataFrame(ROWS, SCHEMA).select("id", F.col("at").alias("when"))
    assert writer.write("t", frame).schema == frame.schema


def test_rollback(spark, output):
    old = TableWriter(spark, Target.parse(output))
    old.write("kept", _ids_frame(spark, 1, 2))
    old.write("other", spark.createDataFrame(ROWS, SCHEMA))
    writer = TableWriter(spark, Target.parse(output))
    writer.write("kept", _ids_frame(spark, 8))
    writer.write("kept", _ids_frame(spark, 9))
    writer.write("other", _ids_frame(spark, 9))
    writer.write("new", spark.createDataFrame(ROWS, SCHEMA))
    done = writer.rollback()
    assert [d.split()[-1] for d in done] == ["removed", "1", "1"]
    assert _ids(spark, output, "kept") == [1, 2]
    other = read_table(spark, _address(output, "other"))
    assert other.schema == SCHEMA and sorted(other.collect()) == sorted(spark.createDataFrame(ROWS, SCHEMA).collect())
    assert not _exists(spark, output, "new")
    assert writer.rollback() == []


@pytest.mark.parametrize("policy", ["raise", "cleanup"])
def test_what_an_error_in_the_block_does(spark, output, policy):
    TableWriter(spark, Target.parse(output)).write("a", _ids_frame(spark, 1))
    with pytest.raises(ConstraintViolationError, match="too few") as caught, TableWriter(spark, Target.parse(output), policy) as writer:
        writer.write("a", _ids_frame(spark, 2))
        writer.write("b", _ids_frame(spark, 3))
        raise ConstraintViolationError("too few")
    assert _address(output, "a") in str(caught.value) and _address(output, "b") in str(caught.value)
    assert _ids(spark, output, "a") == ([2] if policy == "raise" else [1])
    assert _exists(spark, output, "b") is (policy == "raise")


def test_foreign_errors_are_wrapped_without_their_text(spark, tmp_path):
    with pytest.raises(GenerationError) as caught, TableWriter(spark, Target.parse(str(tmp_path / "o"))):
        raise KeyError("a cell")
    assert isinstance(caught.value.__cause__, KeyError)
    assert "KeyError" in str(caught.value) and "a cell" not in str(caught.value) and "nothing" in str(caught.value)


def test_a_failed_write_leaves_its_table_as_it_was(spark, output, tmp_path):
    TableWriter(spark, Target.parse(output)).write("a", _ids_frame(spark, 1))
    bad = _flaky(spark, tmp_path / "marks", 10**6)
    writer = TableWriter(spark, Target.parse(output))
    for table, frame in (("a", bad), ("new", bad), ("a", bad.select(F.col("id").cast("string"), F.lit(1).alias("x")))):
        with pytest.raises(GenerationError, match=_address(output, table)) as caught:
            writer.write(table, frame)
        assert "lost" not in str(caught.value)
    assert _ids(spark, output, "a") == [1]
    assert not _exists(spark, output, "new")
    assert sorted(writer.write("new", _ids_frame(spark, 4)).collect()) == [(4,)]


def test_retry(spark, output, tmp_path, monkeypatch):
    monkeypatch.setattr(TableWriter, "PAUSE_SECONDS", 0.01)
    with TableWriter(spark, Target.parse(output), "retry") as writer:
        writer.write("a", _ids_frame(spark, 1))
        assert sorted(writer.write("new", _flaky(spark, tmp_path / "one", 1)).collect()) == [(0,), (1,), (2,)]
        assert sorted(writer.write("a", _flaky(spark, tmp_path / "two", 2)).collect()) == [(0,), (1,), (2,)]
    assert (len(os.listdir(tmp_path / "one")), len(os.listdir(tmp_path / "two"))) == (1, 2)
    with pytest.raises(GenerationError, match="rolled back"), TableWriter(spark, Target.parse(output), "retry") as writer:
        writer.write("a", _ids_frame(spark, 9))
        writer.write("b", _flaky(spark, tmp_path / "three", 10**6))
    assert len(os.listdir(tmp_path / "three")) == TableWriter.ATTEMPTS
    assert _ids(spark, output, "a") == [0, 1, 2]
    assert not _exists(spark, output, "b")


def test_a_created_schema_goes_with_the_roll_back(spark):
    schema = f"s{uuid.uuid4().hex[:8]}"
    writer = TableWriter(spark, Target.parse(schema))
    writer.write("t", _ids_frame(spark, 1))
    assert spark.catalog.databaseExists(schema)
    writer.rollback()
    assert not spark.catalog.databaseExists(schema)


def test_foreign_folders_and_tables_are_refused(spark, tmp_path):
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "mine.txt").write_text("x")
    with pytest.raises(GenerationError, match="no Delta table"):
        TableWriter(spark, Target.parse(str(tmp_path)), "retry").write("t", _ids_frame(spark, 1))
    assert os.listdir(tmp_path / "t") == ["mine.txt"]
    schema = f"s{uuid.uuid4().hex[:8]}"
    spark.sql(f"CREATE SCHEMA {schema}")
    spark.range(1).write.format("parquet").saveAsTable(f"{schema}.t")
    try:
        with pytest.raises(SchemaError, match="not a Delta table"):
            TableWriter(spark, Target.parse(schema), "cleanup").write("t", _ids_frame(spark, 1))
        assert spark.table(f"{schema}.t").count() == 1
    finally:
        spark.sql(f"DROP SCHEMA {schema} CASCADE")


def test_dynamic_partition_overwrite_replaces_everything(spark, tmp_path):
    frame = spark.createDataFrame([(1, "a"), (2, "b")], "id long, p string")
    frame.write.format("delta").partitionBy("p").save(str(tmp_path / "t"))
    spark.conf.set("spark.sql.sources.partitionOverwriteMode", "dynamic")
    try:
        written = TableWriter(spark, Target.parse(str(tmp_path))).write("t", frame.where("id = 1"))
        assert written.collect() == [(1, "a")]
    finally:
        spark.conf.unset("spark.sql.sources.partitionOverwriteMode")


@pytest.mark.parametrize("name", ["t; DROP TABLE x", "../t", "a.b", "", "t`", "t\n", "a b", "tаble"])
def test_hostile_names_are_refused_before_any_spark_call(name):
    class Untouchable:
        def __getattr__(self, attribute):
            raise AttributeError(f"Spark was asked for {attribute}")

    class Frame:
        columns = ("id",)

    session, frame = Untouchable(), Frame()
    for output in ("lake", "/tmp/x"):
        with pytest.raises(SchemaError):
            TableWriter(session, Target.parse(output)).write(name, frame)
        with pytest.raises(SchemaError):
            save_tables(session, {"good": frame, name: frame}, output)
    if "/" not in name:
        with pytest.raises(SchemaError):
            save_tables(session, {"good": frame}, f"lake.{name}")


def test_hostile_columns_and_policies(spark, tmp_path):
    with pytest.raises(SchemaError, match="a b"):
        TableWriter(spark, Target.parse(str(tmp_path))).write("t", spark.range(1).select(F.col("id").alias("a b")))
    assert not (tmp_path / "t").exists()
    with pytest.raises(SchemaError, match="on_write_failure"):
        TableWriter(spark, Target.parse("lake"), "ignore")


def test_save_tables(spark, output):
    places = save_tables(spark, {"a": _ids_frame(spark, 1), "b": _ids_frame(spark, 2, 3)}, output)
    assert places == {"a": _address(output, "a"), "b": _address(output, "b")}
    assert (_ids(spark, output, "a"), _ids(spark, output, "b")) == ([1], [2, 3])
    with pytest.raises(SchemaError, match="upper and lower"):
        save_tables(spark, {"a": _ids_frame(spark, 1), "A": _ids_frame(spark, 2)}, output)


def test_read_table(spark, tmp_path):
    frame = spark.createDataFrame([(1, "x"), (2, None)], "id int, s string")
    assert read_table(spark, frame) is frame
    frame.write.parquet(str(tmp_path / "pq"))
    frame.coalesce(1).write.option("header", True).csv(str(tmp_path / "csv folder"))
    pd.DataFrame({"id": [1, 2], "s": ["x", None]}).to_csv(tmp_path / "one.csv", index=False)
    pd.DataFrame({"id": [1, 2], "s": ["x", None]}).to_parquet(tmp_path / "one.parquet")
    frame.write.format("delta").save(str(tmp_path / "delta.csv"))
    for source in ("pq", "csv folder", "one.csv", "one.parquet", "delta.csv"):
        assert sorted(map(tuple, read_table(spark, tmp_path / source).collect())) == [(1, "x"), (2, None)], source
    frame.createOrReplaceTempView("my_view")
    assert read_table(spark, "my_view").count() == 2
    (tmp_path / "empty").mkdir()
    for source in (tmp_path / "nowhere", tmp_path / "nowhere.csv", tmp_path / "empty", "no_such_table", "no.such.table", "", "a\nb", 3, None, pd.DataFrame()):
        with pytest.raises(SchemaError):
            read_table(spark, source)
