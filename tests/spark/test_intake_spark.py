"""What users name as their data: frames of pandas, folders, schemas, odd names, structs, types that are not learnt, rows that repeat keys."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from synthohive_spark import Metadata, Synthesizer
from synthohive_spark.errors import SchemaError, SchemaValidationError
from synthohive_spark.stages.intake import flattened, laid_out, take_in

ODD = [
    "id",
    "Order Date",
    "unit.price",
    "größe (cm)",
    "% done",
    "select",
    "a`b",
    "日付",
    "semi;colon",
    "equals=sign",
    "two\nlines",
    "__row",
    "__has_0",
    "{x},y",
]


def _copied(spark, metadata, data, **options):
    """Fit, save, load and sample; the copy of the loaded model is the same."""
    synthesizer = Synthesizer(metadata, spark=spark, model="independent").fit(data, seed=1)
    return synthesizer, synthesizer.sample(seed=2, **options)


def test_columns_with_odd_names_come_back_and_replace_each_other(spark, tmp_path):
    names = ", ".join(f"`{c.replace('`', '``')}` long" for c in ODD)
    frame = spark.createDataFrame([(i, *[(i * k) % 9 for k in range(1, len(ODD))]) for i in range(90)], names)
    parts = spark.createDataFrame([(i, i % 90) for i in range(200)], "`part no` long, `of (id)` long")
    metadata = Metadata().add_table("Order Details", pk="id").add_table("parts", pk="part no", fk={"of (id)": "Order Details.id"})
    output = str(tmp_path / "out")
    synthesizer, tables = _copied(spark, metadata, {"Order Details": frame, "parts": parts}, output=output)
    assert tables["Order Details"].schema == frame.schema and tables["parts"].columns == ["part no", "of (id)"]
    assert tables["parts"].join(tables["Order Details"], F.col("`of (id)`") == F.col("id")).count() == 200
    folders = {path.name for path in (tmp_path / "out").iterdir() if not path.name.startswith(("_", "."))}
    assert folders == {"Order_Details_fe3ac0d4", "parts"}
    path = f"{output}/Order_Details_fe3ac0d4"
    assert spark.read.format("delta").load(path).where("`two\nlines` >= 0").count() == 90  # by Delta's own reader
    again = synthesizer.sample(seed=3, output=output)["Order Details"]
    assert again.count() == 90 and spark.read.format("delta").load(path).schema == frame.schema
    loaded = Synthesizer.load(synthesizer.save(str(tmp_path / "model")), spark=spark)
    assert loaded.sample(seed=3)["Order Details"].orderBy("id").collect() == again.orderBy("id").collect()


@pytest.mark.usefixtures("compiled")
def test_odd_names_in_a_catalog(spark):
    spark.sql("CREATE SCHEMA odd_names")
    try:
        frame = spark.createDataFrame([(i, i % 3) for i in range(50)], "`the id` long, `a;b` long")
        _, tables = _copied(spark, Metadata().add_table("A-b c", pk="the id"), {"A-b c": frame}, output="odd_names")
        (name,) = [t.name for t in spark.catalog.listTables("odd_names") if not t.isTemporary]
        assert name.startswith("a_b_c_") and spark.table(f"odd_names.{name}").schema == frame.schema and tables["A-b c"].count() == 50
    finally:
        spark.sql("DROP SCHEMA odd_names CASCADE")


def test_structs_are_learnt_field_by_field_and_types_that_are_not_learnt_stay_empty(spark):
    rows = [(i, (f"s{i % 4}", (i % 7, None if i % 3 else 2.5)) if i % 5 else None, [i], {"a": i}, b"x") for i in range(400)]
    types = "id long, place struct<street string, geo struct<x int, `y z` double>>, list array<int>, map map<string,int>, blob binary"
    frame = spark.createDataFrame(rows, types)
    synthesizer, tables = _copied(spark, Metadata(unsupported="null").add_table("t", pk="id"), {"t": frame})
    copy = tables["t"]
    assert copy.schema.simpleString() == frame.schema.simpleString()
    found = copy.selectExpr(
        "avg(int(place is null)) none", "count(distinct place.street) streets", "max(place.geo.x) x", "count(list) + count(map) + count(blob) rest"
    ).first()
    assert (found["streets"], found["x"], found["rest"]) == (4, 6, 0) and 0.12 < found["none"] < 0.28
    report = synthesizer.generate_validation_report({"t": frame}, tables)
    assert {"place.street", "place.geo.y z"} <= {c.column for c in report.findings.tables[0].columns}
    _, tables = _copied(spark, Metadata().add_table("t", pk="id", unsupported="drop"), {"t": frame})
    assert tables["t"].columns == ["id", "place"]
    with pytest.raises(SchemaValidationError, match="set `unsupported`") as caught:
        Synthesizer(Metadata().add_table("t", pk="id"), spark=spark).validate_schema({"t": frame})
    assert len(caught.value.faults) == 3


def test_flattening_comes_back(spark):
    inner = StructType.fromDDL("a struct<b int, c struct<d string, e array<int>>> not null, f interval day to second, g string")
    frame = spark.createDataFrame([(((1, ("x", [1])), None, "y")), (((None, None)), None, None)], inner)
    flat, layout = flattened(frame, "null")
    assert flat.columns == ["a.b", "a.c", "a.c.d", "f", "g"]  # Delta does not store intervals, not even empty ones
    again, _ = flattened(laid_out(flat, layout), "null")
    assert [tuple(row) for row in again.collect()] == [tuple(row) for row in flat.collect()]


def test_pandas_frames(spark):
    parents = pd.DataFrame(
        {
            "Id": np.arange(60, dtype="uint32"),
            "when": pd.date_range("2020", periods=60, freq="h"),
            "kind": pd.Categorical([None, "a", "b"] * 20),
            "nothing": [None] * 60,
            "day": [date(2020, 1, 1)] * 60,
            "price": [Decimal("1.50")] * 60,
            "whole": pd.array([1, None] * 30, dtype="Int16"),
        }
    )
    children = pd.DataFrame({"cid": range(200), "parent": [None if i % 9 == 0 else float(i % 60) for i in range(200)]})
    metadata = Metadata().add_table("P", pk="id").add_table("c", pk="CID", fk={"Parent": "p.ID"})
    _, tables = _copied(spark, metadata, {"p": parents, "C": children}, num_rows={"p": 30})
    kinds = dict(tables["P"].dtypes)
    assert list(kinds.values()) == ["bigint", "timestamp", "string", "string", "date", "decimal(3,2)", "smallint"]
    assert tables["P"].count() == 30 and dict(tables["c"].dtypes)["parent"] == "bigint"
    assert tables["P"].first()["day"] == date(2020, 1, 1) and isinstance(tables["P"].first()["when"], datetime)


def test_faults_of_pandas_frames_are_told_together_and_without_values(spark):
    frame = pd.DataFrame({"id": [1, "secret"], "other": [object(), 2], "fine": [1, 2]})
    with pytest.raises(SchemaError) as caught:
        take_in(spark, Metadata().add_table("t", pk="id"), {"t": frame})
    assert all(word in str(caught.value) for word in ("'id'", "'other'")) and "secret" not in str(caught.value) and "fine" not in str(caught.value)
    with pytest.raises(SchemaError, match="table 't': the data names it twice, as 'T' and 't'; leave one of them out"):
        take_in(spark, Metadata().add_table("t", pk="id"), {"T": frame[["fine"]], "t": frame[["fine"]]})


@pytest.mark.usefixtures("compiled")
def test_all_tables_in_one_folder_or_schema(spark, tmp_path):
    metadata = Metadata().add_table("Owners", pk="id").add_table("Order Details", pk="id", fk={"owner": "Owners.id"})
    owners, details = spark.range(40), spark.range(100).withColumn("owner", F.col("id") % 40)
    owners.toPandas().to_parquet(tmp_path / "owners.parquet")
    details.write.format("delta").save(f"{tmp_path}/Order Details")
    (tmp_path / "_SUCCESS").write_text("not a table")
    _, tables = _copied(spark, metadata, str(tmp_path))
    assert {name: frame.count() for name, frame in tables.items()} == {"Owners": 40, "Order Details": 100}
    with pytest.raises(SchemaError, match=r"has no tables \['x', 'y'\]; it has \['Order Details', 'owners'\]"):
        take_in(spark, Metadata().add_table("x").add_table("y"), tmp_path)
    spark.sql("CREATE SCHEMA one_place")
    try:
        owners.write.format("delta").saveAsTable("one_place.owners")
        assert take_in(spark, Metadata().add_table("OWNERS", pk="ID"), "one_place").frames["OWNERS"].count() == 40
        with pytest.raises(SchemaError, match="no schema 'elsewhere'"):
            take_in(spark, metadata, "elsewhere")
    finally:
        spark.sql("DROP SCHEMA one_place CASCADE")


def test_few_rows_that_repeat_a_key_are_left_out_with_a_warning_and_many_by_policy(spark):
    rows = [(i, i % 7) for i in range(995)] + [(5, 3), (None, 1)]
    frame = spark.createDataFrame(rows, "id long, x long")
    with pytest.warns(UserWarning, match="left out 2 rows whose primary key"):
        _, tables = _copied(spark, Metadata().add_table("t", pk="id"), {"t": frame})
    assert tables["t"].count() == 995
    many = spark.createDataFrame(rows + rows, "id long, x long")
    for metadata in (Metadata(duplicates="error"), Metadata()):
        with pytest.raises(SchemaValidationError, match="set `duplicates`"):
            Synthesizer(metadata.add_table("t", pk="id"), spark=spark).validate_schema({"t": many if metadata.duplicates is None else frame})
    _, tables = _copied(spark, Metadata(duplicates="drop").add_table("t", pk="id"), {"t": many.repartition(7)})
    assert tables["t"].count() == 995
