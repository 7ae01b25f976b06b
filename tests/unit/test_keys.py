"""Primary keys."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from synthohive_spark.errors import GenerationError
from synthohive_spark.kernels.keys import find_key_pattern, key_values, label_series, number_series, series_offsets, without_repeats
from synthohive_spark.spec.encoding import CategoryEncoding, NumberEncoding
from synthohive_spark.spec.program import KeyPattern, SeriesPlan

ROWS = np.array([0, 1, 41, 999_999])


def test_integer_keys_count_from_one_in_the_columns_type() -> None:
    keys = key_values(KeyPattern(form="integer"), ROWS, pa.int32(), seed=1)
    assert keys.type == pa.int32()
    assert keys.to_pylist() == [1, 2, 42, 1_000_000]


def test_text_keys_keep_prefix_and_length_and_grow_when_full() -> None:
    pattern = find_key_pattern(["N14228", "N24211", "N619AA"])
    assert key_values(pattern, ROWS, pa.string(), seed=1).to_pylist() == ["N00001", "N00002", "N00042", "N1000000"]


def test_text_keys_hold_no_digits_of_real_ones() -> None:
    assert find_key_pattern(["cust-770011", "cust-770012"]).prefix == "cust-"


def test_uuid_keys_are_valid_unique_and_depend_on_the_seed() -> None:
    import uuid

    pattern = find_key_pattern([str(uuid.UUID(int=i)) for i in range(3)])
    keys = key_values(pattern, np.arange(500), pa.string(), seed=1).to_pylist()
    assert len({uuid.UUID(k) for k in keys}) == 500
    assert keys[0] != key_values(pattern, np.arange(1), pa.string(), seed=2).to_pylist()[0]


def hours(n: int) -> NumberEncoding:
    """Two bins of `n` hours in all, each with its lower edge and 16 quantiles."""
    halves = [np.linspace(0, n // 2 - 1, 16), np.linspace(n // 2, n - 1, 16)]
    knots = tuple(float(h) * 3600 for half in halves for h in (half[0], *half)) + ((n - 1) * 3600.0,)
    return NumberEncoding(name="t", spark_type="bigint", has_null=False, weights=(0.5, 0.5), knots=knots, knots_per_bin=17, step=3600.0)


@pytest.mark.parametrize("n", [0, 1, 10, 990, 1000])
def test_a_series_never_repeats_and_stays_in_its_range(n: int) -> None:
    series = number_series(hours(1000), n, np.random.default_rng(3))
    assert len(np.unique(series)) == n
    assert (np.diff(series) > 0).all()
    assert (series % 3600 == 0).all()
    if n:
        assert series.min() >= 0 and series.max() <= 999 * 3600


def test_a_series_longer_than_its_range_goes_on() -> None:
    series = number_series(hours(100), 250, np.random.default_rng(3))
    assert len(np.unique(series)) == 250
    assert series.max() >= 249 * 3600


def test_a_short_series_keeps_the_distribution() -> None:
    series = number_series(hours(1000), 100, np.random.default_rng(3))
    assert np.quantile(series, 0.5) == pytest.approx(500 * 3600, rel=0.05)


def test_labels_are_drawn_without_repeats_and_too_many_are_refused() -> None:
    encoding = CategoryEncoding(
        name="c", spark_type="string", has_null=False, weights=(0.8, 0.1, 0.1), values=("a", "b", "c"), counts=(8, 1, 1), starts=(0, 1, 2)
    )
    assert sorted(label_series(encoding, 3, np.random.default_rng(0))) == [0, 1, 2]
    with pytest.raises(GenerationError, match="4 different values of the column c"):
        label_series(encoding, 4, np.random.default_rng(0))


def test_entities_share_the_rows_in_the_real_proportions() -> None:
    plan = SeriesPlan(entity_columns=("e",), series_column="t", entities=(("a",), ("b",)), counts=(30, 10))
    assert np.diff(series_offsets(plan, 400)).tolist() == [300, 100]
    assert series_offsets(plan, 7)[-1] == 7


def test_repeats_within_a_group_move_to_free_places() -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(50), 20)
    values = rng.integers(0, 30, size=1000).astype(float)
    out = without_repeats(groups, values, 1.0, 29.0)
    assert len({(g, v) for g, v in zip(groups, out, strict=True)}) == 1000
    assert (out == values).mean() > 0.5


def test_a_group_that_is_full_goes_past_the_end() -> None:
    out = without_repeats(np.zeros(100, dtype="int64"), np.ones(100), 1.0, 5.0)
    assert len(set(out)) == 100


def test_a_series_leaves_the_gap_between_two_seasons_empty() -> None:
    seasons = [np.linspace(0, 99, 16), np.linspace(900, 999, 16)]
    knots = tuple(float(v) for season in seasons for v in (season[0], *season)) + (999.0,)
    encoding = NumberEncoding(name="day", spark_type="int", has_null=False, weights=(0.5, 0.5), knots=knots, knots_per_bin=17, step=1.0)
    series = number_series(encoding, 150, np.random.default_rng(0))
    assert not ((series > 99) & (series < 900)).any()


def test_keys_past_their_type_are_refused() -> None:
    assert key_values(KeyPattern(), np.arange(3), pa.decimal128(10, 0), seed=1).type == pa.decimal128(10, 0)
    with pytest.raises(GenerationError, match="ends at 127"):
        key_values(KeyPattern(), np.arange(128), pa.int8(), seed=1)
