"""Runs as Delta tables: what is staged comes back with its types, all tables at once, and nothing that is not ours is changed."""

from __future__ import annotations

import datetime
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pandas as pd
import pytest
from pyspark.sql import functions as F
from pyspark.sql import types as T

from synthohive_spark.errors import ConstraintViolationError, GenerationError, SchemaError
from synthohive_spark.spec.sources import Sources
from synthohive_spark.storage import journal, publish, runs
from synthohive_spark.storage.found import detail, history, sql_name
from synthohive_spark.storage.small_delta import read_small_delta
from synthohive_spark.storage.tables import RunInfo, RunWriter, Target, read_run, read_table, save_tables, sources_of

SCHEMA = T.StructType(
    [
        T.StructField("id", T.LongType(), False),
        T.StructField("amount", T.DecimalType(12, 3), True),
        T.StructField("at", T.TimestampNTZType(), False),
        T.StructField("seen", T.TimestampType(), True),
        T.StructField("day", T.DateType(), False),
        T.StructField("flag", T.BooleanType(), False),
        T.StructField("small", T.ShortType(), True),
        T.StructField("na-ïve", T.StringType(), True),
        T.StructField("a.b/c%20'\"", T.DecimalType(38, 18), False),
        T.StructField("raw", T.BinaryType(), False),
        T.StructField("x", T.DoubleType(), True),
    ]
)
UTC = datetime.timezone.utc
ROWS = [
    (
        1,
        Decimal("0.001"),
        datetime.datetime(2020, 1, 1, 1, 2, 3, 456789),
        datetime.datetime(2021, 6, 1, 12, 0, 0, 1, tzinfo=UTC),
        datetime.date(1969, 1, 1),
        True,
        3,
        "ü",
        Decimal("12345678901234567890.000000000000000001"),
        b"\x00\xff",
        float("inf"),
    ),
    (2, None, datetime.datetime(1900, 1, 1), None, datetime.date(1492, 10, 12), False, None, None, Decimal(-1), b"", None),
]


@pytest.fixture(params=["folder", "catalog"])
def output(request, spark, tmp_path) -> Iterator[str]:
    if request.param == "folder":
        yield str(tmp_path / "out put")
        return
    schema = f"s{uuid.uuid4().hex[:8]}"
    yield f"spark_catalog.{schema}"
    spark.sql(f"DROP SCHEMA IF EXISTS {schema} CASCADE")


@pytest.fixture
def view_fs(spark, tmp_path) -> Iterator[str]:
    """A folder under a scheme that Spark knows and Python does not."""
    (tmp_path / "mounted").mkdir()
    name = f"m{uuid.uuid4().hex[:8]}"  # Hadoop keeps each file system by its name
    spark.conf.set(f"fs.viewfs.mounttable.{name}.link./o", f"file://{tmp_path}/mounted")
    yield f"viewfs://{name}/o"
    spark.conf.unset(f"fs.viewfs.mounttable.{name}.link./o")


def _address(output: str, table: str) -> str:
    return Target.parse(output).address(table)


def _location(spark, output: str, table: str) -> str:
    return str(detail(spark, sql_name(Target.parse(output), table))["location"]).removeprefix("file:")


def _ids(spark, output: str, table: str) -> list[int]:
    return sorted(r[0] for r in read_table(spark, _address(output, table)).select("id").collect())


def _versions(spark, output: str, table: str) -> int:
    return 1 + history(spark, sql_name(Target.parse(output), table), 1)[0]["version"]


def _exists(spark, output: str, table: str) -> bool:
    address = _address(output, table)
    return os.path.exists(address) if "/" in address else spark.catalog.tableExists(address)


def _ids_frame(spark, *ids: int):
    return spark.createDataFrame([(i,) for i in ids], "id long")


def _writer(spark, output: str, **options) -> RunWriter:
    return RunWriter(spark, Target.parse(output), info=RunInfo.fresh(), **options)


def _write(spark, output: str, **tables) -> None:
    save_tables(spark, tables, output)


def _last_commit(location: str) -> list[dict]:
    names = sorted(name for name in os.listdir(f"{location}/_delta_log") if name.endswith(".json"))
    with open(f"{location}/_delta_log/{names[-1]}", encoding="utf-8") as log:
        return [json.loads(line) for line in log]


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


def _by_another_reader(location: str, version: int | None = None) -> list[dict]:
    deltalake = pytest.importorskip("deltalake")
    return deltalake.DeltaTable(location, version=version).to_pyarrow_table().to_pylist()


def _plain(rows) -> list[dict]:
    """Rows of Spark or of another reader in one form."""
    result = []
    for row in rows:
        values = row if isinstance(row, dict) else row.asDict()
        values = {k: bytes(v) if isinstance(v, (bytes, bytearray)) else v for k, v in values.items()}
        values = {k: v.astimezone(UTC).replace(tzinfo=None) if isinstance(v, datetime.datetime) and v.tzinfo else v for k, v in values.items()}
        result.append(values)
    return sorted(result, key=lambda r: r["id"])


class Killed(BaseException):
    """The process is gone."""


def _die(writer: RunWriter, monkeypatch, step: str, dies) -> None:
    """Publish until `dies` raises in the place of a step, without any clearing up."""

    def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(publish, step, dies)
        patch.setattr(runs, "back", killed)
        with pytest.raises(Killed):
            writer.publish()
    journal.end(writer._info.run)


# ---- what is written comes back


def test_types_and_nullability_come_back(spark, output):
    frame = spark.createDataFrame(ROWS, SCHEMA)
    with _writer(spark, output) as writer:
        writer.prepare(["t"])
        staged = writer.stage("t", frame.repartition(3))
        assert staged.schema == SCHEMA and sorted(staged.collect()) == sorted(frame.collect())
        assert writer.rows("t") == 2
        with pytest.raises(GenerationError):
            read_run(spark, output)
        written = writer.publish()["t"]
    for rows in (written, read_table(spark, _address(output, "t")), read_run(spark, output)["t"]):
        assert rows.schema == SCHEMA
        assert sorted(rows.collect()) == sorted(frame.collect())
    assert written.where("day < '1969-06-01' and id > 1").count() == 1
    expected = [dict(zip(SCHEMA.names, row, strict=True)) for row in ROWS]
    assert _plain(_by_another_reader(_location(spark, output, "t"))) == _plain(expected)


def test_nested_and_limited_types(spark, output):
    frame = spark.sql("select id, struct(cast(id as int) as xy, array(date'1960-01-01') as d) as s, map('k', id) as m, localtimestamp() as n from range(3)")
    frame = frame.select("*", F.lit("abc").alias("v", metadata={"__CHAR_VARCHAR_TYPE_STRING": "varchar(5)", "comment": "short"}))
    _write(spark, output, t=frame)
    table = read_table(spark, _address(output, "t"))
    assert table.schema.simpleString() == frame.schema.simpleString()
    assert [f.nullable for f in table.schema] == [f.nullable for f in frame.schema]
    assert table.schema["v"].metadata == {"__CHAR_VARCHAR_TYPE_STRING": "varchar(5)", "comment": "short"}
    assert sorted(r["id"] for r in table.where("s.xy >= 1").collect()) == [1, 2]
    assert len(_by_another_reader(_location(spark, output, "t"))) == 3


def test_tables_without_rows(spark, output):
    empty = spark.createDataFrame([], SCHEMA)
    _write(spark, output, none=empty, filtered=spark.createDataFrame(ROWS, SCHEMA).repartition(4).where("id > 5"))
    for table in ("none", "filtered"):
        assert read_table(spark, _address(output, table)).schema == SCHEMA
        assert read_table(spark, _address(output, table)).count() == 0
        assert _by_another_reader(_location(spark, output, table)) == []
        assert not any("add" in action for action in _last_commit(_location(spark, output, table)))
    _write(spark, output, none=spark.createDataFrame(ROWS, SCHEMA), filtered=empty)
    assert (_ids(spark, output, "none"), _ids(spark, output, "filtered")) == ([1, 2], [])


def test_replacing_with_the_same_and_with_another_schema(spark, output):
    frame = spark.createDataFrame(ROWS, SCHEMA)
    _write(spark, output, t=frame)
    first = _versions(spark, output, "t") - 1
    location = _location(spark, output, "t")
    _write(spark, output, t=frame.where("id = 1"))
    assert _versions(spark, output, "t") == first + 2
    assert not any("metaData" in action for action in _last_commit(location))
    assert _ids(spark, output, "t") == [1]
    other = spark.createDataFrame([("a", 1)], "id string, x int").select("id", F.coalesce("x", F.lit(0)).alias("x"))
    _write(spark, output, t=other)
    table = read_table(spark, _address(output, "t"))
    assert (table.schema, table.collect()) == (other.schema, other.collect())
    assert [f.nullable for f in table.schema] == [True, False]
    _write(spark, output, t=frame)
    assert read_table(spark, _address(output, "t")).schema == SCHEMA and _ids(spark, output, "t") == [1, 2]

    def at(version: int):
        return spark.read.format("delta").option("versionAsOf", version).load(location)

    assert (at(first).schema, sorted(at(first).select("id").collect())) == (SCHEMA, [(1,), (2,)])
    assert at(first + 1).select("id").collect() == [(1,)]
    assert (at(first + 2).schema, at(first + 2).collect()) == (other.schema, other.collect())
    assert [row["id"] for row in _by_another_reader(location, first + 1)] == [1]
    notes = [json.loads(c["userMetadata"]) for c in history(spark, sql_name(Target.parse(output), "t"), 4)]
    assert [n["rows"] for n in notes] == [2, 1, 1, 2] and len({n["run"] for n in notes}) == 4


def test_a_table_that_is_read_while_it_is_replaced(spark, output):
    _write(spark, output, t=_ids_frame(spark, 1, 2, 3))
    second = read_table(spark, _address(output, "t")).where("id > 1")
    _write(spark, output, t=second)
    assert _ids(spark, output, "t") == [2, 3]
    _write(spark, output, t=read_table(spark, _address(output, "t")).select("id", F.lit(7).alias("x")))
    assert sorted(read_table(spark, _address(output, "t")).collect()) == [(2, 7), (3, 7)]


def test_zone_free_times_into_a_table_that_had_none(spark, output):
    _write(spark, output, t=_ids_frame(spark, 1))
    frame = spark.createDataFrame(ROWS, SCHEMA).select("id", F.col("at").alias("when"))
    _write(spark, output, t=frame)
    assert read_table(spark, _address(output, "t")).schema == frame.schema
    assert {row["when"] for row in _by_another_reader(_location(spark, output, "t"))} == {row[2] for row in ROWS}
    spark.createDataFrame([(3, datetime.datetime(2000, 1, 1))], frame.schema).write.format("delta").mode("append").save(_location(spark, output, "t"))
    assert _ids(spark, output, "t") == [1, 2, 3]


@pytest.mark.exhaustive
def test_delta_writes_between_two_runs(spark, tmp_path):
    """Appended, updated, compacted by Delta with checkpoints in between: the next run replaces all of it, and the past stays."""
    output = str(tmp_path / "out put")
    _write(spark, output, t=_ids_frame(spark, 1, 2))
    name, location = sql_name(Target.parse(output), "t"), _location(spark, output, "t")
    spark.sql(f"ALTER TABLE {name} SET TBLPROPERTIES ('delta.checkpointInterval' = '2', 'team' = 'me')")
    for n in (10, 11, 12):
        _ids_frame(spark, n).write.format("delta").mode("append").save(location)
    spark.sql(f"UPDATE {name} SET id = 99 WHERE id = 1")
    spark.sql(f"OPTIMIZE {name}")
    assert any(".checkpoint" in name for name in os.listdir(f"{location}/_delta_log"))
    appended = _versions(spark, output, "t") - 1
    _write(spark, output, t=_ids_frame(spark, 5, 6))
    assert _ids(spark, output, "t") == [5, 6] == sorted(row["id"] for row in _by_another_reader(location))
    assert sorted(row["id"] for row in _by_another_reader(location, appended)) == [2, 10, 11, 12, 99]
    properties = detail(spark, name)["properties"]
    assert properties["team"] == "me" and properties["delta.checkpointInterval"] == "2"
    _ids_frame(spark, 7).write.format("delta").mode("append").save(location)
    spark.sql(f"RESTORE TABLE {name} TO VERSION AS OF {appended}").collect()
    assert _ids(spark, output, "t") == [2, 10, 11, 12, 99]
    _write(spark, output, t=_ids_frame(spark, 8))
    spark.sql(f"VACUUM {name}")
    assert _ids(spark, output, "t") == [8]


@pytest.mark.exhaustive
def test_tables_that_our_commits_cannot_carry_are_written_by_delta(spark, output):
    _write(spark, output, t=spark.createDataFrame(ROWS, SCHEMA), u=_ids_frame(spark, 1))
    name = sql_name(Target.parse(output), "t")
    spark.sql(f"ALTER TABLE {name} SET TBLPROPERTIES ('delta.enableDeletionVectors' = 'true', 'team' = 'me')")
    spark.sql(f"DELETE FROM {name} WHERE id = 1")
    other = spark.createDataFrame(ROWS, SCHEMA).select("id", "at", F.lit("x").alias("s"))
    for frame in (spark.createDataFrame(ROWS, SCHEMA), other, other.where("id = 1")):
        _write(spark, output, t=frame, u=_ids_frame(spark, 2))
        table = read_run(spark, output)["t"]
        assert table.schema == frame.schema and sorted(table.collect()) == sorted(frame.collect())
    properties = detail(spark, name)["properties"]
    assert properties["team"] == "me" and properties["delta.enableDeletionVectors"] == "true"
    assert [name for name in os.listdir(_location(spark, output, "t")) if name.startswith("run-")] == [
        name for name in os.listdir(_location(spark, output, "t")) if name.startswith("run-") and os.listdir(f"{_location(spark, output, 't')}/{name}")
    ]
    assert json.loads(history(spark, name, 1)[0]["userMetadata"])["rows"] == 1


def test_partitioned_by_somebody(spark, tmp_path):
    """Replaced whole, also in a session that overwrites partitions one by one."""
    frame = spark.createDataFrame([(1, "a"), (2, "b")], "id long, p string")
    _write(spark, str(tmp_path), t=frame)
    spark.read.format("delta").load(f"{tmp_path}/t").write.format("delta").mode("overwrite").partitionBy("p").option("overwriteSchema", "true").save(
        f"{tmp_path}/t"
    )
    spark.conf.set("spark.sql.sources.partitionOverwriteMode", "dynamic")
    try:
        _write(spark, str(tmp_path), t=frame.where("id = 1"))
    finally:
        spark.conf.unset("spark.sql.sources.partitionOverwriteMode")
    assert _ids(spark, str(tmp_path), "t") == [1]
    assert [row["id"] for row in _by_another_reader(f"{tmp_path}/t")] == [1]


@pytest.mark.exhaustive
def test_another_spark_reads_and_goes_on(spark, tmp_path):
    output = str(tmp_path / "out")
    _write(spark, output, t=spark.createDataFrame(ROWS, SCHEMA))
    _write(spark, output, t=spark.createDataFrame(ROWS, SCHEMA).where("id = 2"))
    script = f"""
from synthohive_spark import read_run, spark_session
from synthohive_spark.storage.tables import save_tables
spark = spark_session("other", config={{"spark.master": "local[1]", "spark.sql.warehouse.dir": {str(tmp_path / "w")!r}}})
table = read_run(spark, {output!r})["t"]
old = spark.read.format("delta").option("versionAsOf", 0).load({output!r} + "/t")
print([r[0] for r in table.select("id").collect()], [f.nullable for f in table.schema], old.count())
table.write.format("delta").mode("append").save({output!r} + "/t")
save_tables(spark, {{"t": table.select("id")}}, {output!r})
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, timeout=300)
    assert answer.returncode == 0, answer.stderr[-2000:]
    assert answer.stdout.splitlines()[-1] == f"[2] {[f.nullable for f in SCHEMA]} 2"
    assert (_ids(spark, output, "t"), _versions(spark, output, "t")) == ([2], 4)


# ---- all or none


@pytest.mark.parametrize("policy", ["raise", "cleanup", "retry"])
def test_an_error_in_the_block_publishes_nothing(spark, output, policy):
    _write(spark, output, a=_ids_frame(spark, 1))
    with pytest.raises(ConstraintViolationError, match="^too few$"), _writer(spark, output, on_failure=policy) as writer:
        writer.prepare(["a", "b"])
        writer.stage("a", _ids_frame(spark, 2))
        writer.stage("b", _ids_frame(spark, 3))
        raise ConstraintViolationError("too few")
    assert _ids(spark, output, "a") == [1] and not _exists(spark, output, "b")
    assert len([name for name in os.listdir(_location(spark, output, "a")) if name.startswith("run-")]) == 1
    assert [f.count() for f in read_run(spark, output).values()] == [1]


def test_a_staging_that_fails(spark, output, tmp_path):
    _write(spark, output, a=_ids_frame(spark, 1))
    bad = _flaky(spark, tmp_path / "marks", 10**6)
    with pytest.raises(GenerationError, match="new failed") as caught, _writer(spark, output) as writer:
        writer.prepare(["a", "new"])
        writer.stage("a", _ids_frame(spark, 2))
        writer.stage("new", bad)
    assert "lost" not in str(caught.value) and caught.value.__cause__ is not None
    assert _ids(spark, output, "a") == [1] and not _exists(spark, output, "new")
    _write(spark, output, a=_ids_frame(spark, 3), new=_ids_frame(spark, 4))
    assert (_ids(spark, output, "a"), _ids(spark, output, "new")) == ([3], [4])


def test_retry(spark, output, tmp_path, monkeypatch):
    monkeypatch.setattr(RunWriter, "PAUSE_SECONDS", 0.01)
    with _writer(spark, output, on_failure="retry") as writer:
        writer.prepare(["a", "new"])
        writer.stage("a", _flaky(spark, tmp_path / "one", 1))
        writer.stage("new", _flaky(spark, tmp_path / "two", 2))
        writer.publish()
    assert (_ids(spark, output, "a"), _ids(spark, output, "new")) == ([0, 1, 2], [0, 1, 2])
    assert (len(os.listdir(tmp_path / "one")), len(os.listdir(tmp_path / "two"))) == (1, 2)
    with pytest.raises(GenerationError), _writer(spark, output, on_failure="retry") as writer:
        writer.prepare(["b"])
        writer.stage("b", _flaky(spark, tmp_path / "three", 10**6))
    assert len(os.listdir(tmp_path / "three")) == RunWriter.ATTEMPTS
    assert not _exists(spark, output, "b")


def test_a_created_schema_goes_with_a_failed_run(spark):
    schema = f"s{uuid.uuid4().hex[:8]}"
    with pytest.raises(ValueError, match="own"), _writer(spark, schema) as writer:
        writer.prepare(["t"])
        writer.stage("t", _ids_frame(spark, 1))
        assert spark.catalog.databaseExists(schema)
        raise ValueError("own")
    assert not spark.catalog.databaseExists(schema)


def test_catalog_tables_that_are_made_but_not_filled_when_a_run_dies(spark, monkeypatch):
    """Dead between two tables: the next run finishes it."""
    schema = f"s{uuid.uuid4().hex[:8]}"
    _write(spark, schema, old=_ids_frame(spark, 1))
    writer = _writer(spark, schema)
    writer.prepare(["old", "a", "b"])
    for n, table in enumerate(("old", "a", "b")):
        writer.stage(table, _ids_frame(spark, 10 + n))
    make, calls = publish.make_marked, []

    def dies(session, name, run):
        calls.append(name)
        if len(calls) > 1:
            raise Killed
        make(session, name, run)

    _die(writer, monkeypatch, "make_marked", dies)
    try:
        assert _ids(spark, schema, "old") == [1] and read_table(spark, f"{schema}.a").columns == []
        assert list(read_run(spark, schema)) == ["old"]
        _write(spark, schema, old=_ids_frame(spark, 20))
        assert [_ids(spark, schema, table) for table in ("old", "a", "b")] == [[20], [11], [12]]
    finally:
        spark.sql(f"DROP SCHEMA {schema} CASCADE")


# ---- ours or not ours


def test_what_is_not_ours_is_refused_all_at_once(spark, output):
    target = Target.parse(output)
    _write(spark, output, ours=_ids_frame(spark, 1))
    if target.folder is None:
        _ids_frame(spark, 7).write.format("delta").saveAsTable(_address(output, "foreign"))
        _ids_frame(spark, 7).write.format("parquet").saveAsTable(_address(output, "other"))
        spark.sql(f"CREATE VIEW {_address(output, 'view')} AS SELECT 1 AS id")
        faults = ["foreign: there is a Delta table that", "other: there is a table of the format parquet", "view: there is a view"]
    else:
        _ids_frame(spark, 7).write.format("delta").save(_address(output, "foreign"))
        _ids_frame(spark, 7).write.parquet(_address(output, "other"))
        os.mkdir(_address(output, "empty"))
        open(_address(output, "view"), "w").close()
        faults = ["foreign: there is a Delta table that", "other: there is a folder that holds other files", "view: there is a file"]
    before = {table: read_table(spark, _address(output, table)).count() for table in ("foreign", "other")}
    tables = ["ours", "foreign", "other", "view", "empty"]
    with pytest.raises(GenerationError) as caught, _writer(spark, output) as writer:
        writer.prepare(tables)
    assert all(fault in str(caught.value) for fault in faults) and "\n  4. " not in str(caught.value)
    assert {table: read_table(spark, _address(output, table)).count() for table in ("foreign", "other")} == before
    assert _ids(spark, output, "ours") == [1]
    _write(spark, output, ours=_ids_frame(spark, 2), empty=_ids_frame(spark, 3))
    assert (_ids(spark, output, "ours"), _ids(spark, output, "empty")) == ([2], [3])


def test_folders_that_are_no_output(spark, tmp_path):
    _ids_frame(spark, 1).write.format("delta").save(str(tmp_path / "table"))
    _ids_frame(spark, 1).write.parquet(str(tmp_path / "files"))
    before = {path for path in tmp_path.rglob("*")}
    for output, fault in ((tmp_path / "table", "Delta table"), (tmp_path / "table" / "in" / "side", "Delta table"), (tmp_path / "files", "data files")):
        with pytest.raises(GenerationError, match=fault):
            _write(spark, str(output), t=_ids_frame(spark, 2))
    assert {path for path in tmp_path.rglob("*")} == before


def test_real_tables_are_never_replaced_even_if_they_are_ours(spark, output):
    _write(spark, output, t=_ids_frame(spark, 1), u=_ids_frame(spark, 2))
    never = Sources(tables={"t": sources_of(read_table(spark, _address(output, "t")).where("id > 0"))})
    assert len(never.tables["t"].ids) == 1 and len(never.tables["t"].roots) == 1
    with pytest.raises(GenerationError, match=r"fitted on \(t\)") as caught, _writer(spark, output, never=never) as writer:
        writer.prepare(["u", "t"])
    assert "table " + _address(output, "u") not in str(caught.value)
    for unknown in ("roots", "ids"):
        partly = Sources(tables={"t": never.tables["t"].model_copy(update={unknown: ()})})
        with pytest.raises(GenerationError, match="fitted on"), _writer(spark, output, never=partly) as writer:
            writer.prepare(["t"])
    assert _ids(spark, output, "t") == [1]
    _write(spark, output, u=_ids_frame(spark, 3))


def test_a_table_that_loses_its_mark_while_rows_are_staged(spark, output):
    _write(spark, output, a=_ids_frame(spark, 1), b=_ids_frame(spark, 2))
    name = sql_name(Target.parse(output), "b")
    with pytest.raises(GenerationError, match="did not write"), _writer(spark, output) as writer:
        writer.prepare(["a", "b"])
        writer.stage("a", _ids_frame(spark, 3))
        writer.stage("b", _ids_frame(spark, 4))
        spark.sql(f"ALTER TABLE {name} UNSET TBLPROPERTIES ('synthohive_spark.run')")
        writer.publish()
    assert (_ids(spark, output, "a"), _ids(spark, output, "b")) == ([1], [2])


# ---- through Spark alone


@pytest.mark.exhaustive
def test_a_place_that_python_does_not_reach(spark, view_fs, tmp_path):
    output, work = f"{view_fs}/out", str(tmp_path / "work")
    with pytest.raises(GenerationError, match="work_dir"):
        _write(spark, output, t=_ids_frame(spark, 1))
    with pytest.raises(GenerationError, match="no run"):
        read_run(spark, output)
    frame = spark.createDataFrame(ROWS, SCHEMA)
    for t, u in ((frame, _ids_frame(spark, 1)), (frame.select("id", "at"), _ids_frame(spark, 2)), (frame, _ids_frame(spark))):
        save_tables(spark, {"t": t, "u": u}, output, work_dir=work)
        found = read_run(spark, output)
        assert found["t"].schema == t.schema and sorted(found["t"].collect()) == sorted(t.collect())
        assert sorted(found["u"].collect()) == sorted(u.collect())
        assert not any(files for _, _, files in os.walk(work))
    _ids_frame(spark, 1).write.format("delta").save(f"{output}/foreign")
    _ids_frame(spark, 1).write.parquet(f"{output}/files")
    with pytest.raises(GenerationError) as caught:
        save_tables(spark, {"t": frame, "foreign": frame, "files": frame, "new": frame}, output, work_dir=work)
    assert "foreign: there is a Delta table that" in str(caught.value) and "files: there is a folder that" in str(caught.value)
    for inside, fault in ((f"{output}/foreign/x", "Delta table"), (f"{output}/files", "data files")):
        with pytest.raises(GenerationError, match=fault):
            save_tables(spark, {"t": frame}, inside, work_dir=work)
    assert sorted(read_run(spark, output)) == ["t", "u"]


@pytest.fixture(params=["folder", "catalog"])
def far(request, spark, monkeypatch) -> Iterator[str]:
    """An output that only Spark reaches."""
    if request.param == "folder":
        yield f"{request.getfixturevalue('view_fs')}/out"
        return
    schema = f"s{uuid.uuid4().hex[:8]}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("synthohive_spark.storage.ground.reach", lambda _: None)
        yield schema
    spark.sql(f"DROP SCHEMA {schema} CASCADE")


@pytest.mark.exhaustive
def test_a_run_that_dies_in_such_a_place_is_undone_by_the_next(spark, far, tmp_path, monkeypatch):
    work = str(tmp_path / "work")
    save_tables(spark, {"a": _ids_frame(spark, 1), "b": _ids_frame(spark, 2)}, far, work_dir=work)
    write_through, calls = publish.write_through, []

    def dies(session, target, entry, run):
        calls.append(entry.table)
        if len(calls) > 2:
            raise Killed
        return write_through(session, target, entry, run)

    writer = _writer(spark, far, work_dir=work)
    writer.prepare(["a", "new", "b"])
    for table in ("a", "new", "b"):
        writer.stage(table, _ids_frame(spark, 9).select("id", F.lit(1).alias("x")))
    _die(writer, monkeypatch, "write_through", dies)
    assert _ids(spark, far, "a") == [9] and _ids(spark, far, "b") == [2]
    assert sorted(r[0] for frame in read_run(spark, far).values() for r in frame.collect()) == [1, 2]
    with _writer(spark, far, work_dir=work) as other:
        other.prepare(["b"])
        assert (_ids(spark, far, "a"), _ids(spark, far, "b")) == ([1], [2])
        assert read_table(spark, _address(far, "a")).columns == ["id"]
        if "/" in far:
            assert read_table(spark, f"{far}/new").count() == 0
        else:
            assert not spark.catalog.tableExists(f"{far}.new")
    save_tables(spark, {"new": _ids_frame(spark, 3)}, far, work_dir=work)
    assert read_run(spark, far)["new"].collect() == [(3,)]


# ---- names, policies, reading


@pytest.mark.parametrize("name", ["", " ", "t\n", "t\x00"])
def test_hostile_names_are_refused_before_any_spark_call(name):
    class Untouchable:
        def __getattr__(self, attribute):
            raise AttributeError(f"Spark was asked for {attribute}")

    class Frame:
        columns = ("id",)

    session, frame = Untouchable(), Frame()
    for output in ("lake", "/tmp/x"):
        with pytest.raises(SchemaError):
            save_tables(session, {"good": frame, name: frame}, output)
    if "/" not in name:
        with pytest.raises(SchemaError):
            save_tables(session, {"good": frame}, f"lake.{name}")


def test_hostile_columns_and_policies(spark, tmp_path):
    with pytest.raises(SchemaError, match="control character"):
        _write(spark, str(tmp_path / "o"), t=spark.range(1).select(F.col("id").alias("a\x1fb")))
    assert not (tmp_path / "o").exists()
    with pytest.raises(SchemaError, match="on_write_failure"):
        _writer(spark, "lake", on_failure="ignore")
    with pytest.raises(GenerationError, match="not prepared"), _writer(spark, str(tmp_path / "o")) as writer:
        writer.stage("t", _ids_frame(spark, 1))
    with pytest.raises(GenerationError, match="'u' was not prepared"), _writer(spark, str(tmp_path / "o")) as writer:
        writer.prepare(["t"])
        writer.stage("u", _ids_frame(spark, 1))
    assert not (tmp_path / "o").exists()


def test_save_tables(spark, output):
    places = save_tables(spark, {"a": _ids_frame(spark, 1), "b": _ids_frame(spark, 2, 3)}, output)
    assert places == {"a": _address(output, "a"), "b": _address(output, "b")}
    assert (_ids(spark, output, "a"), _ids(spark, output, "b")) == ([1], [2, 3])
    with pytest.raises(SchemaError, match="upper and lower"):
        save_tables(spark, {"a": _ids_frame(spark, 1), "A": _ids_frame(spark, 2)}, output)


def test_read_run_sees_one_run(spark, output):
    with pytest.raises(GenerationError):
        read_run(spark, output)
    _write(spark, output, a=_ids_frame(spark, 1), b=_ids_frame(spark, 2))
    _ids_frame(spark, 7).write.format("delta").mode("append").save(_location(spark, output, "a"))
    assert _ids(spark, output, "a") == [1, 7]
    assert {name: frame.collect() for name, frame in read_run(spark, output).items()} == {"a": [(1,)], "b": [(2,)]}


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
    for source in (tmp_path / "nowhere", tmp_path / "nowhere.csv", tmp_path / "empty", "no_such_table", "no.such.table", "", "a\nb", 3, None, [1]):
        with pytest.raises(SchemaError):
            read_table(spark, source)


def test_a_small_delta_table_is_read_by_its_log_where_that_is_the_same(spark, tmp_path):
    plain = spark.createDataFrame([(i, i % 2) for i in range(6)], "id int, p int")
    writes = {"plain": plain.write, "parts": plain.write.partitionBy("p"), "grown": plain.select("id").write}
    for name, writer in writes.items():
        writer.format("delta").save(f"{tmp_path}/{name}")
    for name, properties in {"deleted": "'delta.enableDeletionVectors' = 'true'", "mapped": "'delta.columnMapping.mode' = 'name'"}.items():
        spark.sql(f"CREATE TABLE delta.`{tmp_path}/{name}` (id int, p int) USING delta TBLPROPERTIES ({properties})")
        plain.write.format("delta").mode("append").save(f"{tmp_path}/{name}")
    spark.sql(f"DELETE FROM delta.`{tmp_path}/deleted` WHERE id = 3")
    plain.selectExpr("id + 10 as id", "p").write.format("delta").mode("append").option("mergeSchema", True).save(f"{tmp_path}/grown")
    plain.limit(0).write.format("delta").save(f"{tmp_path}/none")
    save_tables(spark, {"ours": plain.select(F.coalesce("id", F.lit(0)).alias("id"), "p")}, str(tmp_path))
    for name in (*writes, "deleted", "mapped", "none", "ours"):
        path = f"{tmp_path}/{name}"
        by_delta, mine = spark.read.format("delta").load(path), read_table(spark, path)
        assert mine.schema == by_delta.schema and sorted(mine.collect(), key=str) == sorted(by_delta.collect(), key=str), name
        assert (read_small_delta(spark, path) is not None) == (name in ("plain", "grown", "ours")), name
    before = read_table(spark, f"{tmp_path}/plain")
    plain.limit(1).write.format("delta").mode("overwrite").save(f"{tmp_path}/plain")
    assert before.count() == 6 and read_table(spark, f"{tmp_path}/plain").count() == 1


def test_where_rows_come_from(spark, tmp_path):
    root = os.path.realpath(tmp_path)
    frame = spark.createDataFrame([(i, i % 2) for i in range(4)], "id int, p int")
    frame.write.partitionBy("p").parquet(f"{root}/a b%20/pq")
    frame.write.format("delta").partitionBy("p").save(f"{root}/a b%20/delta")
    for name in ("one", "two"):
        pd.DataFrame({"id": [1]}).to_csv(tmp_path / f"{name}.csv", index=False)
    save_tables(spark, {"t": frame}, f"{root}/ours")
    (tmp_path / "link").symlink_to(tmp_path / "ours")

    def roots(source) -> tuple[str, ...]:
        return tuple(path for path in sources_of(source).roots if os.path.exists(path))

    def read(path: str):
        return read_table(spark, f"{root}/{path}")

    table = detail(spark, sql_name(Target.parse(f"{root}/a b%20"), "delta"))["id"]
    assert roots(read("a b%20/pq")) == (f"{root}/a b%20/pq",)
    assert roots(read("a b%20/delta")) == (f"{root}/a b%20/delta",) and sources_of(read("a b%20/delta")).ids == (table,)
    assert roots(read("link/t")) == (f"{root}/ours/t",)
    assert roots(read("one.csv")) == (f"{root}/one.csv",)
    assert roots(read("one.csv").union(read("two.csv"))) == (root,)
    both = read("ours/t").where("id > 1").join(read("a b%20/pq"), "id")
    assert roots(both) == (f"{root}/a b%20/pq", f"{root}/ours/t")
    for source in (spark.range(3), frame, spark.sql("select 1 as id")):
        assert sources_of(source).roots == sources_of(source).ids == ()


@pytest.mark.exhaustive
def test_properties_of_a_place_that_python_does_not_reach_tell_the_last_run(spark, far, tmp_path):
    def told(seed, real=()):
        info = replace(RunInfo.fresh("m", seed), fingerprint="f", real=frozenset(real))
        save_tables(spark, {"t": _ids_frame(spark, 1)}, far, info=info, work_dir=str(tmp_path / "work"))
        found = dict(detail(spark, sql_name(Target.parse(far), "t"))["properties"])
        return [found[f"synthohive.{name}"] for name in ("synthetic", "model", "seed")]

    assert told(1) == ["true", "f", "1"]
    assert told(None, real=["t"]) == ["false", "f", "unknown"]
    assert _ids(spark, far, "t") == [1]
