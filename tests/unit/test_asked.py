"""A value that was asked for becomes the code of its group or bin, and its exact self."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from synthohive_spark.kernels.asked import asked_code
from synthohive_spark.kernels.columns.categories import fit_categories
from synthohive_spark.kernels.columns.marks import INFINITE, NAN
from synthohive_spark.kernels.columns.measured import measured
from synthohive_spark.kernels.columns.numbers import fit_numbers
from synthohive_spark.kernels.columns.types import to_float64
from synthohive_spark.spec.config import EncodingConfig

CONFIG = EncodingConfig(max_codes=16, bins=6)

LEAST = EncodingConfig().min_category_rows


def numbers(values, spark_type, null_share=0.0, form=""):
    import pandas as pd

    seen, counts = np.unique(to_float64(pd.Series(values), "x", spark_type, form), return_counts=True)
    return fit_numbers("x", spark_type, measured(seen, counts.astype(np.int64), null_share), CONFIG, form)


def categories(values, spark_type="string", null_share=0.0):
    return fit_categories("x", spark_type, list(values), np.arange(len(values), 0, -1, dtype=np.int64) * 3, null_share, CONFIG)


def test_a_value_of_a_shared_group_has_the_group_s_code_and_comes_back_itself() -> None:
    names = [f"n{i:03d}" for i in range(200)]
    encoding = categories(names, null_share=0.1)
    codes = {name: asked_code(name, encoding, "UTC") for name in names}
    assert len({code for code, _ in codes.values()}) == encoding.cardinality - 1 < 200
    assert all(typed.to_pylist() == [name] for name, (_, typed) in codes.items())
    place = dict(zip(encoding.values, range(200), strict=True))
    for name, (code, _) in codes.items():
        group = code - 1
        end = (*encoding.starts, 200)[group + 1]
        assert encoding.starts[group] <= place[name] < end
    assert asked_code(None, encoding, "UTC")[0] == 0


@pytest.mark.parametrize("value", ["n999", "N000", " n000", ""])
def test_categories_that_were_never_seen_are_refused_by_name(value: str) -> None:
    with pytest.raises(ValueError, match=f"^{value!r} was never seen"):
        asked_code(value, categories([f"n{i:03d}" for i in range(200)]), "UTC")


def test_tokens_and_bins_of_a_long_tailed_integer() -> None:
    rng = np.random.default_rng(0)
    values = np.concatenate([np.zeros(500), rng.integers(10, 5000, 2000)]).astype(int)
    encoding = numbers(values, "bigint")
    assert encoding.tokens and encoding.bins
    assert asked_code(0, encoding, "UTC")[0] == 0
    for value in (int(np.sort(values[500:])[LEAST]), 777, int(np.sort(values)[-LEAST - 1])):
        code, typed = asked_code(value, encoding, "UTC")
        b = code - len(encoding.tokens)
        assert encoding.knots[b * encoding.knots_per_bin] - 1 <= value <= encoding.knots[(b + 1) * encoding.knots_per_bin] + 1
        assert typed == pa.array([value], pa.int64())
    for value in (-1, int(values.max()) + 1):
        with pytest.raises(ValueError, match="outside the range"):
            asked_code(value, encoding, "UTC")


def test_only_tokens_means_only_these() -> None:
    encoding = numbers(np.repeat([1, 2, 4], 50), "int")
    assert [asked_code(v, encoding, "UTC")[0] for v in (1, 2, 4)] == [0, 1, 2]
    with pytest.raises(ValueError, match="3 was never seen"):
        asked_code(3, encoding, "UTC")
    with pytest.raises(ValueError, match="no nulls"):
        asked_code(None, encoding, "UTC")


def test_the_grid_holds_for_cents_floats_and_fives() -> None:
    rng = np.random.default_rng(1)
    cents = numbers(np.round(rng.gamma(2, 30, 3000), 2), "double")
    for value in (12.34, 0.29 + 10, 57.1):
        assert asked_code(value, cents, "UTC")[1].to_pylist() == [value]
    with pytest.raises(ValueError, match="coarser grid"):
        asked_code(12.345, cents, "UTC")
    single = numbers(np.round(rng.gamma(2, 30, 3000), 1).astype(np.float32), "float")
    assert asked_code(12.3, single, "UTC")[1].to_pylist() == [float(np.float32(12.3))]
    fives = numbers(rng.integers(2, 900, 3000) * 5, "int")
    with pytest.raises(ValueError, match="coarser grid"):
        asked_code(1002, fives, "UTC")
    assert asked_code(1000, fives, "UTC")[1].to_pylist() == [1000]


def test_every_number_can_be_asked_for_but_those_that_too_few_rows_reach() -> None:
    rng = np.random.default_rng(2)
    for values, spark_type in (
        (np.round(rng.lognormal(3, 2, 2000), 2), "double"),
        (rng.lognormal(3, 2, 2000), "double"),
        (rng.normal(0, 50, 2000).astype(np.float32), "float"),
        (rng.integers(-(10**6), 10**6, 2000), "int"),
        (np.round(rng.normal(0, 9, 2000), 1), "float"),
    ):
        encoding = numbers(values, spark_type)
        for value in np.sort(values)[LEAST:-LEAST].tolist():
            asked_code(value, encoding, "UTC")
        with pytest.raises(ValueError, match="outside the range"):
            asked_code(values.max().item(), encoding, "UTC")


DAYS = [dt.date(2024, 1, 1) + dt.timedelta(days=i) for i in range(400)]
TIMES = [dt.datetime(2024, 1, 1) + dt.timedelta(hours=i) for i in range(4000)]


def test_dates_and_times_as_values_or_text() -> None:
    days = numbers(DAYS, "date")
    for value in ("2024-03-05", dt.date(2024, 3, 5), dt.datetime(2024, 3, 5)):
        assert asked_code(value, days, "UTC")[1].to_pylist() == [dt.date(2024, 3, 5)]
    plain = numbers(TIMES, "timestamp_ntz")
    for value in ("2024-03-05 00:00:00", dt.date(2024, 3, 5), dt.datetime(2024, 3, 5)):
        assert asked_code(value, plain, "UTC")[1].to_pylist() == [dt.datetime(2024, 3, 5)]
    zoned = numbers(TIMES, "timestamp")
    moment = dt.datetime(2024, 3, 5, 11, tzinfo=dt.timezone.utc)
    for value, zone in (
        ("2024-03-05T11:00:00Z", "Europe/Berlin"),
        ("2024-03-05 12:00:00", "Europe/Berlin"),
        (moment, "Europe/Berlin"),
        ("2024-03-05 11:00", "UTC"),
    ):
        assert asked_code(value, zoned, zone)[1].cast(pa.int64()).to_pylist() == [int(moment.timestamp()) * 10**6]
    text = numbers([str(d) for d in DAYS], "string", form="%Y-%m-%d")
    assert asked_code("2024-03-05", text, "UTC")[1].to_pylist() == ["2024-03-05"]
    assert asked_code(dt.date(2024, 3, 5), text, "UTC")[0] == asked_code("2024-03-05", text, "UTC")[0]
    for value, encoding, match in (
        ("2023-12-31", days, "outside the range"),
        ("soon", text, "not of the form %Y-%m-%d"),
        ("2024-03-05 00:30:00", plain, "coarser grid"),
        ("2024-03-31 02:30:00", zoned, "not one moment in Europe/Berlin"),
        (moment, plain, "without a zone"),
        ("31.1.2024", days, "an ISO date"),
    ):
        with pytest.raises(ValueError, match=match):
            asked_code(value, encoding, "Europe/Berlin")


def test_decimals_booleans_and_integer_categories() -> None:
    money = numbers([Decimal(i) / 4 for i in range(2000)], "decimal(10,2)")
    for value in (Decimal("12.25"), 12.25, "12.25"):
        assert asked_code(value, money, "UTC")[1].to_pylist() == [Decimal("12.25")]
    keys = categories([3, 1, 7], "int")
    assert asked_code(1, keys, "UTC")[0] == 1 and asked_code(1, keys, "UTC")[1].type == pa.int32()
    flags = categories([True, False], "boolean")
    assert [asked_code(v, flags, "UTC")[0] for v in (True, False)] == [0, 1]
    prices = categories(["1.50", "2.00"], "decimal(10,2)")
    assert asked_code(Decimal("2"), prices, "UTC")[0] == 1


@pytest.mark.parametrize(
    ("value", "spark_type"),
    [
        (1.0, "int"),
        ("1", "int"),
        (True, "int"),
        (300, "tinyint"),
        (2**70, "bigint"),
        (True, "double"),
        ("1", "double"),
        (1, "string"),
        (1, "boolean"),
        ("true", "boolean"),
        (Decimal("1.005"), "decimal(10,2)"),
        ("x", "decimal(10,2)"),
        (Decimal(10**9), "decimal(10,2)"),
        (5, "date"),
        (dt.datetime(2024, 1, 1, 3), "date"),
        (5, "timestamp"),
        (5, "timestamp_ntz"),
    ],
)
def test_wrong_types_are_told(value: object, spark_type: str) -> None:
    encoding = categories([True], "boolean").model_copy(update={"spark_type": spark_type})
    with pytest.raises(ValueError, match=f"does not fit the column's type {spark_type.split('(')[0]}"):
        asked_code(value, encoding, "UTC")


def test_a_column_of_nulls_takes_null_alone() -> None:
    encoding = fit_numbers("x", "int", measured(np.empty(0), np.empty(0, dtype=np.int64), 1.0), CONFIG)
    assert asked_code(None, encoding, "UTC")[0] == 0
    with pytest.raises(ValueError, match="never seen"):
        asked_code(5, encoding, "UTC")


def test_nan_and_infinities_can_be_asked_for_where_they_were_seen() -> None:
    values = np.concatenate([np.arange(60) / 7, np.repeat([NAN, -INFINITE], 20)])
    encoding = numbers(values, "double")
    for value, mark in ((np.nan, NAN), (-np.inf, -INFINITE)):
        code, typed = asked_code(value, encoding, "UTC")
        assert encoding.tokens[code] == mark and str(typed[0].as_py()) == str(value)
    for value in (np.inf, np.nan):
        with pytest.raises(ValueError, match=f"^{value} was never seen"):
            asked_code(value, encoding if value == np.inf else numbers(np.arange(60) / 7, "double"), "UTC")
