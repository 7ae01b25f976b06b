"""No value of a single row in the encoding of numbers, nor more often than by chance in what it makes."""

from __future__ import annotations

import numpy as np
import pytest

from synthohive_spark.kernels.columns import decode_codes
from synthohive_spark.kernels.columns.decimals import find_form
from synthohive_spark.kernels.columns.measured import measured, shared
from synthohive_spark.kernels.columns.numbers import fit_numbers
from synthohive_spark.kernels.columns.quantiles import blurred_quantiles, roundest_between
from synthohive_spark.spec.config import EncodingConfig
from synthohive_spark.spec.encoding import NumberEncoding, TableEncoding

CONFIG = EncodingConfig()
LEAST = CONFIG.min_category_rows


def fitted(values: np.ndarray, spark_type: str = "bigint", null_share: float = 0.0) -> NumberEncoding:
    distinct, counts = np.unique(values, return_counts=True)
    return fit_numbers("x", spark_type, measured(distinct.astype(float), counts, null_share), CONFIG)


def made(encoding: NumberEncoding, rows: int = 60_000) -> np.ndarray:
    rng = np.random.default_rng(1)
    codes = rng.choice(encoding.cardinality, size=rows, p=np.array(encoding.weights) / sum(encoding.weights))
    values = decode_codes(codes[:, None], TableEncoding(table="t", rows=1, columns=(encoding,)), rng)["x"]
    return np.asarray(values.drop_null()).astype(np.float64)


def near(numbers: np.ndarray, planted: np.ndarray, half: float) -> int:
    """How many planted values one of `numbers` tells."""
    return int((np.abs(np.asarray(numbers)[:, None] - planted[None, :]).min(axis=0) <= half).sum()) if len(numbers) else 0


@pytest.mark.parametrize("kind", ["wide", "few", "discrete", "none"])
def test_planted_values_stand_nowhere(kind: str) -> None:
    """Outliers on both sides, and inner values, beside numbers, few values, prices, and nothing."""
    rng = np.random.default_rng(0)
    usual = {"wide": rng.normal(0, 10_000, 30_000).round(), "few": rng.integers(0, 40, 30_000), "discrete": rng.integers(0, 300, 30_000) * 500, "none": []}[
        kind
    ]
    planted = np.concatenate([rng.integers(2 * 10**6, 10**9, 15), -rng.integers(2 * 10**6, 10**9, 15)]).astype(float)
    encoding = fitted(np.concatenate([usual, planted]))
    told = np.array([*encoding.tokens, *encoding.knots])
    assert not near(told, planted, 0.5) and not near(made(encoding), planted, 0.5)
    assert planted.min() < told.min() and told.max() < planted.max()


def test_the_ends_are_values_that_enough_rows_reach() -> None:
    values = np.concatenate([np.random.default_rng(0).normal(size=5_000), [1e6, 2e6, 3e6]])
    encoding = fitted(values, "double")
    assert (values >= encoding.knots[-1]).sum() >= LEAST and encoding.knots[-1] < 1e6 and made(encoding).max() < 1e6


def test_frequent_ends_stay_exact() -> None:
    values = np.concatenate([np.random.default_rng(0).integers(1, 5_000, 20_000), np.repeat([0, 5_000], LEAST)])
    drawn = made(fitted(values))
    assert (drawn.min(), drawn.max()) == (0, 5_000)


def test_values_that_too_few_rows_have_leave_no_code() -> None:
    """Beside nulls or frequent values; a whole table of so few rows keeps its range."""
    assert fitted(np.array([17.0, 23.0]), null_share=0.9).weights == (1.0,)
    assert fitted(np.append(np.repeat([1, 2], 50), [77, 80])) == fitted(np.repeat([1, 2], 50))
    assert made(fitted(np.array([17.0, 17.0]))).max() == 17


def test_days_without_gaps_keep_their_ends() -> None:
    days = np.arange(15_000, 16_000)
    encoding = fitted(days, "date")
    assert encoding.distinct and (made(encoding).min(), made(encoding).max()) == (15_000, 15_999)


def test_quantiles_of_evenly_spread_rows_are_where_they_were() -> None:
    values, counts = np.arange(1_000.0), np.full(1_000, 10)
    found = blurred_quantiles(values, counts, 0.5, 11, LEAST, (True, True))
    np.testing.assert_allclose(found, np.linspace(-0.5, 999.5, 11), atol=0.2)
    huge = blurred_quantiles(values * 1e305, counts, 0.0, 11, LEAST, (True, True))
    np.testing.assert_allclose(huge / 1e305, np.linspace(0, 999, 11), atol=0.5)


@pytest.mark.parametrize(("low", "high", "expected"), [(17.3, 1203.0, 1000.0), (-31.0, -2.0, -30.0), (4.0, 5.0, 4.1), (-7.0, 9.0, 0.0)])
def test_the_roundest_number_between_two(low: float, high: float, expected: float) -> None:
    assert roundest_between(low, high) == pytest.approx(expected)


def test_what_too_few_persons_have_is_shared_by_neighbours() -> None:
    values = np.array([10.0, 20, 30, 40, 1_000, 1_010, 1_030, 9_000])
    owned = np.array([False] * 4 + [True] * 4)
    seen = shared(measured(values, np.full(8, 100), 0.0, owned), 10.0, 0.0, LEAST)
    assert seen.values.tolist() == [10, 20, 30, 40, 3010] and seen.counts.tolist() == [100] * 4 + [400]
    one = shared(measured(values, np.full(8, 100), 0.0, values == 9_000), 10.0, 0.0, LEAST)
    assert one.values.tolist() == values[:-1].tolist() and one.counts[-1] == 200


def test_long_decimals_begin_and_end_at_round_numbers() -> None:
    units = np.array([123_456_789_012_345_678_901 + 7 * i * i for i in range(500)], dtype=object)
    form = find_form(units, np.ones(500, dtype=np.int64), 10**38 - 1, LEAST)
    assert form.starts[0] < units[0] and form.ends[-1] > units[-1] and (units[0] - form.starts[0]) % form.unit == 0
    assert form.ends[-1] - form.starts[0] < 1.05 * (units[-1] - units[0])
    assert find_form(units, np.full(500, LEAST), 10**38 - 1, LEAST)[3:] == ((units[0],), (units[-1],))


@pytest.mark.parametrize("far", [np.finfo(np.float64).max, -np.finfo(np.float64).max, 5e-324])
def test_the_greatest_and_the_least_numbers_there_are_can_be_fitted(far: float) -> None:
    values = np.concatenate([np.random.default_rng(0).normal(size=500), [far]])
    found = made(fitted(values, "double"))
    assert np.isfinite(found).all()


def test_round_numbers_are_found_between_any_two() -> None:
    for low, high in ((1e300, 1.5e308), (-1e307, 9e307), (0.0, 5e-324), (-1e308, 1e308)):
        assert low <= roundest_between(low, high) <= high


def test_the_rows_beyond_the_ends_do_not_meet_on_them() -> None:
    found = made(fitted(np.random.default_rng(0).normal(size=1200), "double"))
    assert np.unique(found, return_counts=True)[1].max() < 5
