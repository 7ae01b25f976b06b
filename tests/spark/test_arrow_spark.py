"""Types of pandas and of Parquet that Spark does not have itself."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synthohive_spark.errors import SchemaError
from synthohive_spark.storage.pandas_frames import from_pandas
from synthohive_spark.storage.sources import read_table

MONTHS = pd.period_range("2020-01", periods=3, freq="M")
CONVERTED = {
    "dictionary": (pd.Series(["a", "b", None], dtype=pd.ArrowDtype(pa.dictionary(pa.int32(), pa.string()))), ["a", "b", None]),
    "period": (pd.Series([*MONTHS[:2], pd.NaT], dtype="period[M]"), ["2020-01", "2020-02", None]),
    "category of periods": (pd.Series(MONTHS).astype("category"), ["2020-01", "2020-02", "2020-03"]),
    "cut": (pd.cut(pd.Series([1.0, 9.0, None]), [0, 5, 10]), ["(0, 5]", "(5, 10]", None]),
    "wide": (pd.Series([Decimal("1.50"), None, Decimal("2.00")], dtype=pd.ArrowDtype(pa.decimal256(40, 2))), [Decimal("1.50"), None, Decimal("2.00")]),
    "view": (pd.Series(["a", None, "b"], dtype=pd.ArrowDtype(pa.string_view())), ["a", None, "b"]),
    "whole": (pd.Series([1, 2, 1]).astype("category"), [1, 2, 1]),
}
REFUSED = {
    "too wide": pd.Series([Decimal(10) ** 39], dtype=pd.ArrowDtype(pa.decimal256(45, 2))),
    "complex": pd.Series([1j]),
    "mixed": pd.Series([1, "secret"]),
}


def test_types_of_pandas_that_spark_does_not_have(spark):
    rows = from_pandas(spark, pd.DataFrame({name: values for name, (values, _) in CONVERTED.items()})).toArrow()
    assert {name: rows[name].to_pylist() for name in CONVERTED} == {name: expected for name, (_, expected) in CONVERTED.items()}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_converted_is_told_without_values(spark, name):
    with pytest.raises(SchemaError, match=f"pandas column '{name}'.*make it one type or text, or leave it out") as caught:
        from_pandas(spark, pd.DataFrame({name: REFUSED[name]}))
    assert "secret" not in str(caught.value)


def test_parquet_with_nanoseconds_is_read_without_settings(spark, tmp_path):
    moments = [np.datetime64("2021-03-28T02:30:00.123456789"), np.datetime64("1960-01-01T00:00:00.000000999"), None]  # an hour that Berlin does not have
    times = pa.array(moments, pa.timestamp("ns"))
    table = pa.table(
        {
            "local": times,
            "moment": times.cast(pa.timestamp("ns", "UTC")),
            "n": pa.array([1, 2, 3], pa.uint32()),
            "kind": pa.array(["a", "b", "a"]).dictionary_encode(),
            "inside": pa.StructArray.from_arrays([times, pa.array([1, 1, 1], pa.int8())], ["t", "x"], mask=pa.array([False, False, True])),
            "listed": pa.ListArray.from_arrays(pa.array([0, None, 1, 1], pa.int32()), times[:1]),
        }
    )
    (tmp_path / "part=7").mkdir()
    pq.write_table(table, tmp_path / "part=7" / "f.parquet")
    zone = spark.conf.get("spark.sql.session.timeZone")
    spark.conf.set("spark.sql.session.timeZone", "Europe/Berlin")
    try:
        rows = read_table(spark, str(tmp_path))
        types = "local timestamp_ntz, moment timestamp, n bigint, kind string, inside struct<t:timestamp_ntz,x:tinyint>, listed array<timestamp_ntz>, part int"
        assert ", ".join(f"{f.name} {f.dataType.simpleString()}" for f in rows.schema) == types
        found = rows.orderBy("n").toArrow()
    finally:
        spark.conf.set("spark.sql.session.timeZone", zone)
    first, second = dt.datetime(2021, 3, 28, 2, 30, 0, 123456), dt.datetime(1960, 1, 1)
    assert found["local"].to_pylist() == [first, second, None] and found["inside"].to_pylist() == [{"t": first, "x": 1}, {"t": second, "x": 1}, None]
    assert found["moment"].cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("us")).to_pylist() == [first, second, None]
    assert found["listed"].to_pylist() == [[first], None, []] and found["kind"].to_pylist() == ["a", "b", "a"]


def test_a_frame_that_pandas_has_written(spark, tmp_path):
    frame = pd.DataFrame({"when": pd.date_range("2020", periods=40, freq="h"), "x": range(40)})
    frame.to_parquet(tmp_path / "t.parquet", coerce_timestamps=None)
    rows = read_table(spark, str(tmp_path / "t.parquet"))
    assert dict(rows.dtypes)["when"] == "timestamp_ntz" and rows.where("when >= timestamp_ntz'2020-01-01 12:00:00'").count() == 28
