"""Numbers, dates and times as codes."""

from __future__ import annotations

import datetime
import decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from synthohive_spark.kernels.columns import arrow_type, decode_codes, encode_frame, is_supported
from synthohive_spark.kernels.columns.grid import find_coarse, find_grid, typed_numbers
from synthohive_spark.kernels.columns.marks import INFINITE, MARKS, NAN, is_mark, marked, unmarked
from synthohive_spark.kernels.columns.measured import measured
from synthohive_spark.kernels.columns.numbers import decode_numbers, encode_numbers, fit_numbers
from synthohive_spark.kernels.columns.rows import Rows
from synthohive_spark.kernels.columns.types import from_float64, to_float64
from synthohive_spark.kernels.spread import grid_step, numbers_at
from synthohive_spark.kernels.steps.series import as_numbers
from synthohive_spark.spec.config import EncodingConfig
from synthohive_spark.spec.encoding import NumberEncoding, TableEncoding

CONFIG = EncodingConfig()


def fitted(values: np.ndarray, spark_type: str = "double", config: EncodingConfig = CONFIG) -> NumberEncoding:
    null = np.isnan(values)
    distinct, counts = np.unique(values[~null], return_counts=True)
    return fit_numbers("x", spark_type, measured(distinct, counts, float(null.mean()) if len(values) else 1.0), config)


def table(*columns: NumberEncoding) -> TableEncoding:
    return TableEncoding(table="t", rows=1, columns=columns)


def codes_of(values: object, encoding: NumberEncoding) -> np.ndarray:
    return encode_frame(pd.DataFrame({"x": values}), table(encoding))[:, 0]


def drawn(encoding: NumberEncoding, size: int = 20_000, seed: int = 0) -> pa.Array:
    rng = np.random.default_rng(seed)
    codes = rng.choice(encoding.cardinality, size=size, p=np.array(encoding.weights) / sum(encoding.weights))
    return decode_codes(codes[:, None], table(encoding), rng)["x"]


def ks(a: np.ndarray, b: np.ndarray) -> float:
    grid = np.unique(np.concatenate([a, b]))
    return float(np.abs(np.searchsorted(np.sort(a), grid, side="right") / len(a) - np.searchsorted(np.sort(b), grid, side="right") / len(b)).max())


@pytest.mark.parametrize(
    "values",
    [
        np.random.default_rng(1).normal(50, 10, 20_000),
        np.random.default_rng(2).lognormal(3, 2, 20_000),
        np.where(np.random.default_rng(3).random(20_000) < 0.7, 0.0, np.random.default_rng(4).exponential(100, 20_000)),
        np.concatenate([np.random.default_rng(5).normal(-1e6, 1, 10_000), np.random.default_rng(6).normal(1e6, 1, 10_000)]),
        np.random.default_rng(7).standard_cauchy(20_000),
    ],
    ids=["normal", "heavy_tail", "zero_inflated", "far_apart", "cauchy"],
)
def test_distributions_come_back(values: np.ndarray) -> None:
    encoding = fitted(values)
    again = drawn(encoding).to_numpy()
    # Two samples of 20,000 from one distribution differ by 0.0136 at the 5 % level.
    assert ks(values, again) < 0.02
    assert values.min() <= again.min() <= again.max() <= values.max()
    assert encoding.cardinality <= CONFIG.max_codes


def test_nothing_falls_between_two_far_bins() -> None:
    values = np.concatenate([np.random.default_rng(5).normal(-1e6, 1, 10_000), np.random.default_rng(6).normal(1e6, 1, 10_000)])
    inside = np.abs(drawn(fitted(values)).to_numpy()) < 0.9e6
    assert inside.mean() < 0.002  # one quantile of one bin may lie across


def test_weights_are_the_shares_of_the_real_codes() -> None:
    values = np.where(np.random.default_rng(0).random(5_000) < 0.25, np.nan, np.random.default_rng(1).poisson(40, 5_000) * 1.0)
    encoding = fitted(values)
    shares = np.bincount(codes_of(values, encoding), minlength=encoding.cardinality) / len(values)
    assert encoding.has_null and encoding.weights[0] == pytest.approx(np.isnan(values).mean())
    np.testing.assert_allclose(shares, encoding.weights, atol=1e-12)


def test_a_small_range_is_all_tokens_but_rare_values() -> None:
    months = np.repeat(np.arange(1.0, 13.0), 50)
    assert fitted(months, "int").tokens == tuple(range(1, 13)) and fitted(months, "int").bins == 0
    assert fitted(np.append(months, [77.0, 80.0]), "int") == fitted(months, "int")  # what too few rows have has no code
    with_rare = fitted(np.append(months, [77.0, 80.0, 91.0]), "int")
    assert with_rare.tokens == tuple(range(1, 13)) and with_rare.bins == 1


def test_frequent_values_of_a_wide_column_are_tokens() -> None:
    rng = np.random.default_rng(0)
    values = np.where(rng.random(30_000) < 0.1, 999.0, rng.uniform(0, 5_000, 30_000).round(2))
    encoding = fitted(values)
    assert encoding.tokens == (999.0,) and encoding.bins == CONFIG.bins
    assert encoding.weights[0] == pytest.approx(0.1, abs=0.01)


def test_discrete_values_are_never_invented() -> None:
    rng = np.random.default_rng(0)
    prices = rng.choice(np.arange(300) * 5 + 4.99, size=20_000)
    encoding = fitted(prices)
    assert encoding.discrete
    assert set(drawn(encoding).to_pylist()) <= set(prices.tolist())
    assert ks(prices, drawn(encoding).to_numpy()) < 0.02


@pytest.mark.parametrize("rows", [0, 1, 8])
def test_tables_of_few_rows(rows: int) -> None:
    values = np.arange(rows) * 1.5 + 3
    encoding = fitted(values)
    again = drawn(encoding, 100)
    if rows == 0:
        assert encoding.weights == (1.0,) and again.null_count == 100
    else:
        assert again.null_count == 0 and 3 <= min(again.to_pylist()) <= max(again.to_pylist()) <= values.max()


def test_a_column_of_nulls_has_one_code() -> None:
    encoding = fitted(np.full(10, np.nan), "int")
    assert encoding.cardinality == 1 and drawn(encoding, 5).to_pylist() == [None] * 5
    assert codes_of([1, 2], encoding).tolist() == [0, 0]


def test_unseen_values_go_to_the_ends_and_nulls_to_the_commonest() -> None:
    encoding = fitted(np.random.default_rng(0).uniform(0, 1, 5_000))
    assert codes_of([-5.0, 7.0, np.inf, -np.inf], encoding).tolist() == [0, encoding.cardinality - 1, encoding.cardinality - 1, 0]
    tokens = fitted(np.array([1.0] * 5 + [2.0] * 9 + [10.0] * 4), "int")
    assert codes_of([None, 0, 5, 7, 99], tokens).tolist() == [1, 0, 1, 2, 2]


@pytest.mark.parametrize(
    ("spark_type", "values", "step", "origin"),
    [
        ("bigint", np.arange(20) * 5.0, 5.0, 0.0),
        ("bigint", np.arange(20) * 100.0 + 7, 100.0, 7.0),
        ("int", np.array([10.0, 20.0, 30.0]), 1.0, 0.0),
        ("double", np.arange(30) * 0.25, 0.25, 0.0),
        ("double", np.arange(1, 40) / 10, 0.1, 0.0),
        ("double", np.arange(20) / 7, 0.0, 0.0),
        ("float", (np.arange(1, 40) / 10).astype(np.float32).astype(np.float64), 0.1, 0.0),
        ("decimal(10,2)", np.arange(1, 40) / 100, 0.01, 0.0),
        ("timestamp", np.arange(48) * 3.6e9 + 1.8e9, 3.6e9, 1.8e9),
        ("timestamp_ntz", np.array([86_400e6, 3 * 86_400e6]), 86_400e6, 0.0),
        ("timestamp_ntz", np.array([3_600e6, 3 * 86_400e6]), 3_600e6, 0.0),
        ("date", np.arange(15) * 7.0 + 3, 7.0, 3.0),
    ],
)
def test_grids(spark_type: str, values: np.ndarray, step: float, origin: float) -> None:
    assert find_grid(values, spark_type) == (step, origin)


def test_rounded_floats_come_back_rounded() -> None:
    values = np.random.default_rng(0).normal(10, 3, 20_000).round(1)
    again = drawn(fitted(values)).to_pylist()
    assert all(v == round(v, 1) for v in again)


@pytest.mark.parametrize(
    ("spark_type", "value", "number"),
    [
        ("tinyint", -128, -128.0),
        ("bigint", 2**53, 2.0**53),
        ("double", 0.1, 0.1),
        ("decimal(12,2)", decimal.Decimal("-1234567890.12"), -1234567890.12),
        ("decimal(38,0)", decimal.Decimal(2**100), 2.0**100),
        ("decimal(38,0)", decimal.Decimal(-(2**100) - 2**60), -(2.0**100) - 2.0**60),
        ("decimal(38,0)", decimal.Decimal(-(2**64)), -(2.0**64)),
        ("date", datetime.date(1900, 2, 28), -25509.0),
        ("timestamp_ntz", datetime.datetime(1969, 12, 31, 23, 59, 59), -1e6),
        ("timestamp", datetime.datetime(2024, 2, 29, 12, tzinfo=datetime.timezone.utc), 1709208000e6),
    ],
)
def test_values_survive_the_float_domain(spark_type: str, value: object, number: float) -> None:
    series = pd.Series([value, None], dtype=object)
    x = to_float64(series, "x", spark_type)
    assert x[0] == number and np.isnan(x[1])
    array = from_float64(x, np.isnan(x), spark_type)
    assert array.type == arrow_type(spark_type) and array.to_pylist() == [value, None]


def test_values_outside_a_type_are_clipped() -> None:
    none = np.array([False, False])
    assert from_float64(np.array([1e30, -1e30]), none, "smallint").to_pylist() == [32767, -32768]
    assert from_float64(np.array([1e30, -1e30]), none, "decimal(4,2)").to_pylist() == [decimal.Decimal("99.99"), decimal.Decimal("-99.99")]
    assert from_float64(np.array([1e30, -1e30]), none, "bigint").to_pylist() == [2**63 - 1024, -(2**63)]


def test_spark_frames_of_all_kinds_are_understood() -> None:
    stamps = pd.Series(pd.to_datetime(["2020-01-01 01:00", None]))
    expected = 1577840400e6
    for series in (
        stamps,
        stamps.dt.tz_localize("UTC"),
        stamps.dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo"),
        pd.Series([int(expected), None], dtype="Int64"),
    ):
        x = to_float64(series, "x", "timestamp")
        assert x[0] == expected and np.isnan(x[1])
    assert to_float64(pd.Series([1, None], dtype="Int64"), "x", "int").tolist()[0] == 1.0
    assert np.isnan(to_float64(pd.Series([None, None], dtype=object), "x", "int")).all()


def test_a_wrong_type_is_named_without_its_value() -> None:
    encoding = fitted(np.arange(10.0))
    for bad in (["secret-1"], [1.0, "secret-1"], [True]):
        with pytest.raises(ValueError, match="'x'") as caught:
            codes_of(bad, encoding)
        assert "secret" not in str(caught.value)
    with pytest.raises(ValueError, match="'y'"):
        encode_frame(pd.DataFrame({"x": [1]}), table(encoding.model_copy(update={"name": "y"})))


def test_codes_out_of_range_are_refused() -> None:
    encoding = fitted(np.arange(10.0))
    with pytest.raises(ValueError, match="codes must be in"):
        decode_codes(np.array([[encoding.cardinality]]), table(encoding), np.random.default_rng(0))
    with pytest.raises(ValueError, match="shape"):
        decode_codes(np.zeros((3, 2), dtype=np.int64), table(encoding), np.random.default_rng(0))


def test_no_more_codes_than_allowed() -> None:
    config = EncodingConfig(max_codes=8)
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.uniform(0, 1, 5_000), np.repeat(np.arange(20.0), 100), [np.nan] * 50])
    assert fitted(values, config=config).cardinality <= 8
    assert fitted(np.repeat(np.arange(9.0), 10), config=config).cardinality <= 8


@pytest.mark.parametrize(
    ("spark_type", "supported"), [("decimal(38,18)", True), ("timestamp_ntz", True), ("binary", False), ("array<int>", False), ("interval day", False)]
)
def test_supported_types(spark_type: str, supported: bool) -> None:
    assert is_supported(spark_type) is supported
    if not supported:
        with pytest.raises(ValueError, match="not supported"):
            arrow_type(spark_type)


def test_a_long_tail_has_bins_of_its_own() -> None:
    rng = np.random.default_rng(0)
    values = np.exp(rng.normal(0, 2, 50_000))
    encoding = fitted(values)
    assert encoding.bins > CONFIG.bins
    codes = encode_numbers(values, encoding)
    back = decode_numbers(codes, encoding, rng).to_numpy()
    assert np.corrcoef(values, back)[0, 1] > 0.25  # 0.1 with bins of equal mass alone
    assert fitted(rng.uniform(0, 1, 50_000)).bins == CONFIG.bins


def test_a_tail_gives_no_real_values_back_one_by_one() -> None:
    values = np.round(np.exp(np.random.default_rng(0).normal(5, 2, 50_000)) * 100)
    encoding = fitted(values, "bigint")
    rows = np.array(encoding.weights[-encoding.bins :]) * len(values)
    assert rows.min() >= 3 * (encoding.knots_per_bin - 1)


@pytest.mark.parametrize("spark_type", ["double", "float"])
def test_nan_and_infinities_are_values_beside_null(spark_type):
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(size=6_000), np.repeat(MARKS, 1_000), np.full(1_000, np.nan)])
    encoding = fitted(values, spark_type)
    assert set(MARKS) <= set(encoding.tokens) and encoding.bins > 20
    made = drawn(encoding)
    x = made.to_numpy(zero_copy_only=False)
    assert made.null_count / len(made) == pytest.approx(0.1, abs=0.02)
    known = np.array(made.drop_null())
    for found in (np.isnan(known), known == np.inf, known == -np.inf):
        assert found.mean() == pytest.approx(1 / 9, abs=0.02)
    assert np.abs(x[np.isfinite(x)]).max() < 10
    codes = codes_of([None, NAN, np.inf, -np.inf], encoding)  # Spark hands NaN over by its mark
    assert [encoding.tokens[c - 1] for c in codes[1:]] == [NAN, INFINITE, -INFINITE] and codes[0] == 0


def test_rare_nan_and_infinities_are_left_out():
    encoding = fitted(np.array([*np.arange(500) / 7, NAN, INFINITE, -INFINITE]))
    assert not set(MARKS) & set(encoding.tokens) and max(encoding.knots) < 100
    assert fitted(np.repeat(NAN, 10)).tokens == (NAN,)


@pytest.mark.parametrize(("times", "share"), [(10, 0.99), (15, 0.6), (100, 0.9)])
def test_a_share_of_the_values_keeps_to_a_coarser_grid(times, share):
    rng = np.random.default_rng(1)
    whole = rng.integers(0, 90_000, 20_000)
    values = np.where(rng.random(20_000) < share, whole // times * times + 7 % times, whole).astype(float)
    real = (values % times == 7 % times).mean()
    made = drawn(fitted(values, "int")).to_numpy()
    assert (made % times == 7 % times).mean() == pytest.approx(real, abs=0.03)
    assert ks(made.astype(float), values) < 0.02


def test_no_coarser_grid_where_chance_explains_it():
    rng = np.random.default_rng(2)
    for values in (rng.integers(0, 10_000, 5_000), np.round(rng.lognormal(6, 1, 5_000)), np.arange(0, 700, 7)):
        distinct, counts = np.unique(values.astype(float), return_counts=True)
        assert find_coarse(distinct, counts, *find_grid(distinct, "int")).step == 0


def test_last_digits_of_numbers_past_2_53_are_drawn():
    base = 1_400_000_000_000_000_000
    ids = base + np.random.default_rng(3).integers(0, 10**15, 3_000)
    made = drawn(fitted(ids.astype(float), "bigint")).to_numpy()
    assert len(np.unique(made % 128)) == 128 and made.min() >= ids.min() - 512 and made.max() <= ids.max() + 512


def test_numbers_that_differ_stay_different_over_blocks_and_keep_their_order():
    encoding = fitted(1_000_000 + 7.0 * np.arange(1_000), "int")
    assert encoding.distinct and not fitted(np.random.default_rng(0).integers(0, 10**9, 1_000).astype(float), "int").distinct
    rng, made = np.random.default_rng(4), []
    for start in (0, 500):
        codes = rng.choice(encoding.cardinality, size=500)
        values = decode_codes(codes[:, None], table(encoding), rng, Rows(np.arange(start, start + 500), 1_000, 9))["x"].to_numpy()
        assert np.corrcoef(codes, values)[0, 1] > 0.95
        made.append(values)
    whole = np.concatenate(made)
    assert len(set(whole)) == 1_000 and (whole.min(), whole.max()) == (1_000_000, 1_006_993)


def test_marks_and_back():
    array = pa.array([1.5, None, np.nan, np.inf, -np.inf], pa.float32())
    assert marked(array).to_pylist() == [1.5, None, *MARKS] and marked(pa.array([1, None])).to_pylist() == [1, None]
    back = unmarked(marked(array)).to_pylist()
    assert back[:2] == [1.5, None] and np.isnan(back[2]) and back[3:] == [np.inf, -np.inf]


def test_marks_are_no_values_of_a_grid():
    values = np.concatenate([np.arange(400) / 4, np.repeat(MARKS, 40)])
    encoding = fitted(values)
    assert set(MARKS) <= set(encoding.tokens) and grid_step(encoding) == 0.25
    made = numbers_at(encoding, np.arange(300), 300, 1)
    assert len(np.unique(made)) == 300 and made.min() >= 0 and made.max() <= 100 and not is_mark(made).any()
    assert fitted(np.repeat(MARKS, 40)).bins == 0 and np.isfinite(numbers_at(fitted(np.repeat(MARKS, 40)), np.arange(5), 5, 1)).all()


@pytest.mark.parametrize("step", [10**9, 60 * 10**9, 10**6, 1_000])
def test_numbers_past_2_53_keep_to_their_grid(step):
    """Nanoseconds of whole minutes, seconds, milliseconds, microseconds: a float holds every 256th whole number there."""
    base = 1_700_000_000 * 10**9
    ids = base // step * step + step * np.random.default_rng(3).integers(0, 10**15 // step, 3_000)
    encoding = fitted(ids.astype(float), "bigint")
    made = drawn(encoding).to_numpy()
    assert (encoding.step, encoding.origin) == (step, 0) and (made % step == 0).all() and len(np.unique(made)) > 1_000
    assert ids.min() - step <= made.min() and made.max() <= ids.max() + step
    series = as_numbers(numbers_at(encoding, np.arange(5_000), 5_000, 1), encoding).to_numpy()
    assert (series % step == 0).all() and len(np.unique(series)) == 5_000


def test_the_grid_of_times_holds_with_the_year_9999():
    days = 86_400e6 * np.arange(18_000, 18_400)
    assert find_grid(np.append(days, 253_402_214_400e6), "timestamp") == (86_400e6, 0.0)
    assert find_grid(np.append(days + 17.0, 253_402_300_799_999_999.0), "timestamp")[0] == 1.0
    assert find_grid(np.array([253_402_214_400e6]), "timestamp_ntz")[0] == 86_400e6


def test_the_ends_of_whole_numbers_stay_in_their_type():
    encoding = fitted(np.array([-(2.0**63), *(1e18 * np.arange(-9, 10)), 2.0**63]), "bigint")
    made = typed_numbers(np.array([-(2.0**63), 2.0**63, 3.4e18]), np.zeros(3, dtype=bool), encoding.model_copy(update={"step": 1e18, "origin": 0.0}))
    assert made.to_pylist() == [-9 * 10**18, 9 * 10**18, 3 * 10**18]
