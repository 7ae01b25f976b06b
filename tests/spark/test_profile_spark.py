"""Encodings learnt through Spark."""

from __future__ import annotations

import datetime
import decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from synthohive_spark.errors import SchemaError
from synthohive_spark.kernels.columns import arrow_type, decode_codes, encode_frame
from synthohive_spark.spec.config import EncodingConfig
from synthohive_spark.spec.encoding import CategoryEncoding, ColumnHint, NumberEncoding, TextEncoding
from synthohive_spark.stages.profile import Profiled, profile_table, profile_tables, with_plain_times

ROWS = 3_000
SMALL = EncodingConfig(sample_rows=500)
SCHEMA = (
    'id bigint, `a.b` double, `naïve-"col"` string, flag boolean, day date, at timestamp, local timestamp_ntz, '
    "price decimal(8,2), name string, key string, nothing int"
)


def rows() -> list[tuple[object, ...]]:
    rng = np.random.default_rng(0)
    start, utc = datetime.datetime(2024, 3, 1), datetime.timezone.utc
    out = []
    for i in range(ROWS):
        when = start + datetime.timedelta(hours=int(rng.integers(5_000)))
        out.append(
            (
                i,
                None if i % 10 == 0 else float(rng.normal()),
                None if i % 4 == 0 else f"group {rng.integers(5)}" if i % 1000 else f"rare {i}",
                bool(rng.random() < 0.3),
                datetime.date(2020, 1, 1) + datetime.timedelta(days=int(rng.integers(900))),
                when.replace(tzinfo=utc),
                when + datetime.timedelta(microseconds=1),
                decimal.Decimal(int(rng.integers(1, 500))) / 100,
                f"Anna{i} Berg",
                f"k{rng.integers(400):03d}",
                None,
            )
        )
    return out


@pytest.fixture(scope="module")
def data(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame(rows(), SCHEMA)


@pytest.fixture(scope="module")
def hints(data: DataFrame) -> list[ColumnHint]:
    return [ColumnHint(name=n, spark_type=t, kind="category" if n == "key" else "auto") for n, t in data.dtypes]


def test_every_kind_of_column(data: DataFrame, hints: list[ColumnHint]) -> None:
    encoding = profile_table(data, table="t", rows=ROWS, hints=hints, config=EncodingConfig(), seed=1)
    assert encoding.rows == ROWS and encoding.names == tuple(data.columns)
    label, double, at, local = encoding.column('naïve-"col"'), encoding.column("a.b"), encoding.column("at"), encoding.column("local")
    assert isinstance(label, CategoryEncoding) and set(label.values) == {f"group {i}" for i in range(5)}
    assert label.has_null and label.weights[0] == pytest.approx(0.25)
    assert isinstance(double, NumberEncoding) and double.has_null and double.weights[0] == pytest.approx(0.1)
    assert isinstance(at, NumberEncoding) and at.step == 3_600e6 and at.knots[0] >= 1709251200e6 - 1_800e6
    assert isinstance(local, NumberEncoding) and local.step == 3_600e6 and local.origin == 1.0
    assert isinstance(encoding.column("name"), TextEncoding) and not encoding.column("name").has_null
    assert isinstance(encoding.column("flag"), CategoryEncoding) and isinstance(encoding.column("price"), NumberEncoding)
    assert len(encoding.column("key").values) > 350 and encoding.column("key").cardinality == 128  # type: ignore[union-attr]
    assert encoding.column("nothing").weights == (1.0,)


def test_partitions_and_order_change_nothing(data: DataFrame, hints: list[ColumnHint]) -> None:
    shuffled = data.orderBy(F.xxhash64("id"))
    found = [profile_table(shuffled.repartition(n), table="t", rows=ROWS, hints=hints, config=SMALL, seed=5) for n in (1, 4, 13)]
    assert found[0] == found[1] == found[2]
    number = found[0].column("a.b")
    assert number.weights[0] == pytest.approx(0.1, abs=1e-12)  # nulls are counted in all rows, the sample is a sixth of them
    other = profile_table(data, table="t", rows=ROWS, hints=[hints[1]], config=SMALL, seed=6)
    assert other.columns[0] != number


def test_codes_of_spark_frames_come_back_in_their_type(data: DataFrame, hints: list[ColumnHint]) -> None:
    encoding = profile_table(data, table="t", rows=ROWS, hints=hints, config=EncodingConfig(), seed=1)
    frame = with_plain_times(data).toPandas()
    codes = encode_frame(frame, encoding)
    for i, column in enumerate(encoding.columns):
        shares = np.bincount(codes[:, i], minlength=column.cardinality) / ROWS
        assert np.abs(shares - column.weights).max() < 0.003, column.name
    decoded = decode_codes(codes, encoding, np.random.default_rng(0))
    assert {n: a.type for n, a in decoded.items()} == {h.name: arrow_type(h.spark_type) for h in hints}
    again = pd.DataFrame({n: pd.Series(pd.arrays.ArrowExtensionArray(a)) for n, a in decoded.items()})
    assert (encode_frame(again, encoding) == codes).mean() > 0.99


def test_times_do_not_depend_on_the_sessions_zone(spark: SparkSession) -> None:
    before = spark.conf.get("spark.sql.session.timeZone")
    stamps = [(datetime.datetime(2024, 3, 31, 1, 30) + datetime.timedelta(minutes=30 * (i % 4)),) for i in range(40)]
    found = []
    try:
        for zone in ("UTC", "Europe/Berlin"):  # 02:30 does not exist in Berlin on that day
            spark.conf.set("spark.sql.session.timeZone", zone)
            local = spark.createDataFrame(pd.DataFrame({"x": [s[0] for s in stamps]}), "x timestamp_ntz")
            hints = [ColumnHint(name="x", spark_type="timestamp_ntz")]
            found.append(profile_table(local, table="t", rows=40, hints=hints, config=EncodingConfig(), seed=1))
            micros = with_plain_times(local).agg(F.min("x"), F.max("x")).collect()[0]
            assert tuple(micros) == (1711848600000000, 1711854000000000)
    finally:
        spark.conf.set("spark.sql.session.timeZone", before)
    assert found[0] == found[1] and len(found[0].columns[0].tokens) == 4  # type: ignore[union-attr]


def test_few_different_rows_are_not_sampled_by_their_hash(spark: SparkSession) -> None:
    data = spark.range(20_000).select((F.col("id") % 7).alias("x"))
    encoding = profile_table(data, table="t", rows=20_000, hints=[ColumnHint(name="x", spark_type="bigint")], config=EncodingConfig(sample_rows=100), seed=1)
    assert encoding.columns[0].tokens == tuple(range(7))  # type: ignore[union-attr]
    np.testing.assert_allclose(encoding.columns[0].weights, 1 / 7, atol=1e-3)


def test_tables_without_rows_or_hints(spark: SparkSession, data: DataFrame, hints: list[ColumnHint]) -> None:
    empty = profile_table(data.limit(0), table="t", rows=0, hints=hints, config=EncodingConfig(), seed=1)
    assert empty.rows == 0 and all(c.weights == (1.0,) for c in empty.columns)
    assert profile_table(data, table="t", rows=ROWS, hints=[], config=EncodingConfig(), seed=1).columns == ()
    one = profile_table(data.limit(1), table="t", rows=1, hints=hints, config=EncodingConfig(), seed=1)
    values = decode_codes(np.zeros((1, len(hints)), dtype=np.int64), one, np.random.default_rng(0))
    assert values["id"].to_pylist() == data.limit(1).toPandas()["id"].tolist() and isinstance(values["at"], pa.Array)


def test_faults_are_named_together(data: DataFrame) -> None:
    bad = [
        ColumnHint(name="gone", spark_type="int"),
        ColumnHint(name="id", spark_type="binary"),
        ColumnHint(name="name", spark_type="string", kind="text", provider="no_such_thing"),
        ColumnHint(name="price", spark_type="decimal(8,2)", kind="text"),
    ]
    with pytest.raises(SchemaError) as caught:
        profile_table(data, table="t", rows=ROWS, hints=bad, config=EncodingConfig(), seed=1)
    for part in ("'gone'", "binary", "no_such_thing", "'price'"):
        assert part in str(caught.value)


def test_tables_that_share_a_job_have_the_encodings_they_have_alone(spark: SparkSession) -> None:
    first = spark.createDataFrame([(i % 7, f"k{i % 3}") for i in range(200)], "a bigint, b string")
    second = spark.createDataFrame([(f"once {i}", None) for i in range(40)], "a string, c double")
    asked = [
        Profiled("first", first, 200, (ColumnHint(name="a", spark_type="bigint"), ColumnHint(name="b", spark_type="string")), 3),
        Profiled("nothing", first.limit(0), 0, (ColumnHint(name="a", spark_type="bigint"),), 3),
        Profiled("second", second, 40, (ColumnHint(name="a", spark_type="string", keep_rare=True), ColumnHint(name="c", spark_type="double")), 4),
    ]
    alone = [profile_table(t.data, table=t.table, rows=t.rows, hints=t.hints, config=EncodingConfig(), seed=t.seed) for t in asked]
    assert profile_tables(asked, EncodingConfig()) == alone
    assert isinstance(alone[2].columns[0], CategoryEncoding)  # kept, however rare: of this table alone
