"""The copy is laid out as the source: partition columns, comments, lengths of text."""

from __future__ import annotations

import datetime
import os
import uuid
import warnings
from collections.abc import Iterator

import pytest
from pyspark.sql import functions as F

from synthohive_spark import Metadata, Synthesizer
from synthohive_spark.errors import GenerationError
from synthohive_spark.spec.form import ColumnNote, TableForm, TableRules
from synthohive_spark.storage import commit
from synthohive_spark.storage.forms import form_of
from synthohive_spark.storage.found import detail, sql_name
from synthohive_spark.storage.tables import RunInfo, RunWriter, Target, read_run, read_table

UTC = datetime.timezone.utc
HOUR = datetime.datetime(2020, 10, 24, 23, 30, tzinfo=UTC)  # before a night in which Berlin has an hour twice
TYPES = "id long, when timestamp, at timestamp_ntz, day date, `a b/c` string, x double, n int, flag boolean, v string"
ROWS = [
    (
        i,
        None if i == 7 else HOUR + datetime.timedelta(minutes=30 * (i % 6), microseconds=i % 2),
        datetime.datetime(2020, 1, 1, i % 3, 0, 0, 5 * (i % 2)),
        datetime.date(1969 - i % 2, 12, 31),
        (None, "ü", "50%/=: '", "é "[: 1 + i % 2])[i % 4],
        (float("inf"), 0.5, None)[i % 3],
        i,
        i % 2 == 0,
        "v",
    )
    for i in range(12)
]
PARTITIONS = ("when", "at", "day", "a b/c", "x", "flag")
FORM = TableForm(
    partitions=PARTITIONS,
    comment="it's a `table` of ${spark.app.name}\\",
    columns=(ColumnNote(path=("id",), comment="the 'id'"), ColumnNote(path=("v",), length="varchar(3)"), ColumnNote(path=("day",), comment="d")),
)


_REST = [pytest.param(name, marks=pytest.mark.exhaustive) for name in ("catalog", "far folder")]


@pytest.fixture(params=["folder", "far catalog", *_REST])
def output(request, spark, tmp_path) -> Iterator[str]:
    """Outputs that Python reaches, and that only Spark does."""
    schema = f"s{uuid.uuid4().hex[:8]}"
    with pytest.MonkeyPatch.context() as patch:
        if request.param.startswith("far"):
            patch.setattr("synthohive_spark.storage.ground.reach", lambda _: None)
        yield str(tmp_path / "out put") if request.param.endswith("folder") else schema
    spark.sql(f"DROP SCHEMA IF EXISTS {schema} CASCADE")


def _write(spark, output: str, work: str, rows, form: TableForm | None) -> None:
    with RunWriter(spark, Target.parse(output), info=RunInfo.fresh(), work_dir=work) as writer:
        writer.prepare(["t"])
        staged = writer.stage("t", rows, form)
        assert staged.columns == rows.columns and sorted(staged.collect(), key=str) == sorted(rows.collect(), key=str)
        writer.publish()


def _check(spark, output: str, rows, form: TableForm) -> None:
    table = read_run(spark, output)["t"]
    assert table.schema.simpleString() == rows.schema.simpleString()
    assert sorted(table.collect(), key=str) == sorted(rows.collect(), key=str)
    assert form_of(spark, Target.parse(output).address("t"), table) == form


def test_forms_come_and_go_with_the_rows(spark, output, tmp_path, request):
    rows, work = spark.createDataFrame(ROWS, TYPES), str(tmp_path / "work")
    few = rows.where("id < 3")
    parted = "far catalog" not in request.node.name
    spark.conf.set("spark.sql.session.timeZone", "Europe/Berlin")
    spark.conf.set("spark.sql.sources.partitionOverwriteMode", "dynamic")
    try:
        _write(spark, output, work, rows, None)
        _check(spark, output, rows, TableForm())
        form = FORM.model_copy(update={"columns": tuple(sorted(FORM.columns, key=lambda note: rows.columns.index(note.path[0])))})
        form = form if parted else form.model_copy(update={"partitions": ()})
        for again in (few, few.where("id < 0")):
            _write(spark, output, work, again, FORM)
            _check(spark, output, again, form)
        _write(spark, output, work, rows, FORM)
        _check(spark, output, rows, form)
        table = read_run(spark, output)["t"]
        assert table.where("when < timestamp'2020-10-25 00:00:00Z'").count() == sum(
            r[1] is not None and r[1] < HOUR + datetime.timedelta(minutes=30) for r in ROWS
        )
        _write(spark, output, work, few, FORM.model_copy(update={"partitions": ("flag",)}))
        assert detail(spark, sql_name(Target.parse(output), "t"))["partitionColumns"] == (["flag"] if parted else [])
        assert read_run(spark, output)["t"].count() == 3
    finally:
        spark.conf.unset("spark.sql.session.timeZone")
        spark.conf.unset("spark.sql.sources.partitionOverwriteMode")


def test_another_reader_and_a_publication_that_is_undone(spark, tmp_path, monkeypatch):
    deltalake = pytest.importorskip("deltalake")
    rows, output, form = spark.createDataFrame(ROWS, TYPES).drop("a b/c"), str(tmp_path / "out"), TableForm(partitions=("when", "day"))
    _write(spark, output, "", rows, form)
    found = deltalake.DeltaTable(f"{output}/t").to_pyarrow_table().to_pylist()
    assert sorted((r["id"], str(r["when"]), r["day"]) for r in found) == sorted((r[0], str(r[1]), r[3]) for r in ROWS)
    with RunWriter(spark, Target.parse(output), info=RunInfo.fresh()) as writer:
        writer.prepare(["t"])
        writer.stage("t", rows.where("id < 3"), TableForm(partitions=("n",)))
        with monkeypatch.context() as patch:
            patch.setattr("synthohive_spark.storage.journal.FileBooks.put_whole", lambda *_: (_ for _ in ()).throw(OSError("full")))
            with pytest.raises(GenerationError, match="as they were before"):
                writer.publish()
    _check(spark, output, rows, form)
    assert commit.read_state(commit.Folder.open(f"{output}/t"), files=False).version == 2


@pytest.mark.exhaustive
def test_files_of_a_value_are_as_few_as_its_rows_need(spark, tmp_path):
    rows = spark.range(6000, numPartitions=12).withColumn("p", F.col("id") % 500)
    _write(spark, str(tmp_path), "", rows, TableForm(partitions=("p",)))
    assert len(read_run(spark, str(tmp_path))["t"].inputFiles()) == 500


def test_columns_that_cannot_part_a_table(spark, tmp_path):
    rows = spark.createDataFrame([(1, "a", [1])], "id long, p string, l array<int>")
    for partitions in (("l",), ("p", "gone"), ("id", "p", "l")):
        _write(spark, str(tmp_path), "", rows, TableForm(partitions=partitions))
        assert detail(spark, sql_name(Target.parse(str(tmp_path)), "t"))["partitionColumns"] == []
    empty = spark.createDataFrame([(1, "")], "id long, p string").select("id", F.coalesce("p", F.lit("")).alias("p"))
    with (
        pytest.raises(GenerationError, match="must not be null, and some rows have empty text"),
        RunWriter(spark, Target.parse(str(tmp_path)), info=RunInfo.fresh()) as w,
    ):
        w.prepare(["t"])
        w.stage("t", empty, TableForm(partitions=("p",)))


def _source(spark, where: str) -> None:
    spark.sql(
        f"CREATE TABLE {where} (id BIGINT NOT NULL COMMENT 'key', `my v` VARCHAR(6), c CHAR(4), code VARCHAR(3), mail VARCHAR(8), ts TIMESTAMP, "
        "day DATE GENERATED ALWAYS AS (CAST(ts AS DATE)), s STRUCT<a: INT COMMENT 'inner'>) USING delta PARTITIONED BY (day, c) COMMENT 'all of it' "
        "TBLPROPERTIES ('delta.columnMapping.mode' = 'name', 'delta.minReaderVersion' = '2', 'delta.minWriterVersion' = '5')"
    )
    spark.sql(f"ALTER TABLE {where} ADD CONSTRAINT known CHECK (id >= 0)")
    rows = spark.range(300).selectExpr(
        "id",
        "concat('v', id % 5) AS `my v`",
        "element_at(array('x', 'yy'), int(id % 2 + 1)) AS c",
        "string(id % 90) AS code",
        "concat('m', id) AS mail",
        "timestamp'2020-01-01 10:00:00' + make_dt_interval(int(id % 4)) AS ts",
        "named_struct('a', int(id % 3)) AS s",
    )
    rows.createOrReplaceTempView("rows_of_a_source")
    spark.sql(f"INSERT INTO {where} (id, `my v`, c, code, mail, ts, s) SELECT id, `my v`, c, code, mail, ts, s FROM rows_of_a_source")


@pytest.mark.parametrize("kind", ["folder", pytest.param("catalog", marks=pytest.mark.exhaustive)])
def test_a_whole_copy(spark, tmp_path, kind):
    schema = f"s{uuid.uuid4().hex[:8]}"
    spark.sql(f"CREATE SCHEMA {schema}")
    try:
        source = f"{tmp_path}/real" if kind == "folder" else f"{schema}.real"
        _source(spark, f"delta.`{source}`" if kind == "folder" else source)
        metadata = Metadata().add_table("t", pk="id", pii_cols={"mail": "email"})
        synthesizer = Synthesizer(metadata, spark=spark, model="independent").fit({"t": source}, seed=1)
        loaded = Synthesizer.load(synthesizer.save(str(tmp_path / "model")), spark=spark)
        output = f"{tmp_path}/out" if kind == "folder" else f"{schema}_out"
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            copy = loaded.sample(seed=2, output=output)["t"]
        real = read_table(spark, source)
        assert [(f.name, f.dataType, f.metadata, f.nullable) for f in copy.schema] == [(f.name, f.dataType, f.metadata, f.nullable) for f in real.schema]
        form = form_of(spark, Target.parse(output).address("t"), copy)
        assert (form.partitions, form.comment, form.left) == (("day", "c"), "all of it", ())
        assert form.rules == TableRules(generated={"day": "CAST(ts AS DATE)"}, checks={"known": "id >= 0"})
        assert ColumnNote(path=("s", "a"), comment="inner") in form.columns
        found = copy.selectExpr("count(*) n", "max(char_length(mail)) mail", "max(char_length(c)) c", "count(distinct c) cs", "count(mail) mails").first()
        assert tuple(found) == (300, 8, 4, 2, 300)
        assert copy.where("c = 'x'").count() + copy.where("c = 'yy'").count() == 300
        assert sorted(copy.collect()) == sorted(synthesizer.sample(seed=2)["t"].collect())
    finally:
        for name in (schema, f"{schema}_out"):
            spark.sql(f"DROP SCHEMA IF EXISTS {name} CASCADE")


def test_what_sources_say(spark, tmp_path):
    hive = f"{tmp_path}/env=dev/hive"
    rows = spark.range(20).selectExpr("id", "id % 2 AS `p q`", "concat('x:', id % 3) AS `r%s`")
    rows.write.partitionBy("p q", "r%s").parquet(hive)
    found = form_of(spark, hive, read_table(spark, hive))
    assert found == TableForm(partitions=("p q", "r%s"))
    one = f"{hive}/p q=1"
    assert form_of(spark, one, read_table(spark, one)) == TableForm(partitions=("r%s",))
    spark.sql(
        f"CREATE TABLE form_parquet (id BIGINT COMMENT 'k', v VARCHAR(5), `a b` INT) USING parquet PARTITIONED BY (`a b`) COMMENT 'tc' LOCATION '{tmp_path}/p'"
    )
    spark.sql("CREATE VIEW form_view (k COMMENT 'of a view') AS SELECT id FROM form_parquet")
    try:
        notes = (ColumnNote(path=("id",), comment="k"), ColumnNote(path=("v",), length="varchar(5)"))
        assert form_of(spark, "form_parquet", spark.table("form_parquet")) == TableForm(partitions=("a b",), comment="tc", columns=notes)
        assert form_of(spark, "FORM_VIEW", spark.table("form_view")) == TableForm(columns=(ColumnNote(path=("k",), comment="of a view"),))
    finally:
        spark.sql("DROP VIEW form_view")
        spark.sql("DROP TABLE form_parquet")
    frame = spark.range(3).select(F.col("id").alias("id", metadata={"comment": "c", "other": 1}))
    assert form_of(spark, frame, frame) == TableForm(columns=(ColumnNote(path=("id",), comment="c"),))
    assert os.path.isdir(hive)


def test_keys_keep_their_length(spark):
    parents = (
        spark.range(60)
        .selectExpr("concat('K', id) AS k", "id % 4 AS x")
        .select(F.col("k").alias("k", metadata={"__CHAR_VARCHAR_TYPE_STRING": "varchar(4)"}), "x")
    )
    children = (
        spark.range(200)
        .selectExpr("id", "concat('K', id % 60) AS k")
        .select("id", F.col("k").alias("k", metadata={"__CHAR_VARCHAR_TYPE_STRING": "varchar(3)"}))
    )
    metadata = Metadata().add_table("p", pk="k").add_table("c", pk="id", fk={"k": "p.k"})
    synthesizer = Synthesizer(metadata, spark=spark, model="independent").fit({"p": parents, "c": children}, seed=1)
    with pytest.warns(UserWarning, match="120 rows are asked for and 99 are possible"):
        tables = synthesizer.sample(seed=1, scale=2)
    found = tables["p"].selectExpr("count(distinct k) n", "max(char_length(k)) longest").first()
    assert tuple(found) == (99, 3) and tables["c"].join(tables["p"], "k").count() == tables["c"].count()
