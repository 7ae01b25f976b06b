"""Different values of a column by rank, shuffled ranks, and values that are moved apart: whatever the column."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from synthohive_spark.kernels.apart import labels_apart, numbers_apart, together_apart
from synthohive_spark.kernels.columns.date_forms import numbers_of
from synthohive_spark.kernels.columns.measured import measured
from synthohive_spark.kernels.columns.numbers import fit_numbers
from synthohive_spark.kernels.columns.types import type_range
from synthohive_spark.kernels.spread import grid_bounds, grid_cells, grid_values, hashed, labels_at, numbers_at, shuffled
from synthohive_spark.kernels.steps.series import as_numbers
from synthohive_spark.spec.config import EncodingConfig
from synthohive_spark.spec.encoding import CategoryEncoding, NumberEncoding
from synthohive_spark.spec.planning.room import room_of

TYPES = st.sampled_from(["tinyint", "smallint", "int", "bigint", "double", "float", "decimal(6,2)", "date", "timestamp", "timestamp_ntz"])
HOUR = 3_600_000_000


@st.composite
def encodings(draw: st.DrawFn) -> NumberEncoding:
    """Columns of any numeric type: dense or sparse, with frequent values, at the ends of the type, of one value, or empty."""
    spark_type = draw(TYPES)
    values = np.array(draw(st.lists(st.integers(-120, 120), max_size=60)), dtype=np.float64)
    if spark_type in ("timestamp", "timestamp_ntz"):
        values = values * HOUR
    if spark_type == "double" and draw(st.booleans()):
        values = values / 7
    if spark_type == "decimal(6,2)":
        values = values / 100
    if spark_type == "bigint" and draw(st.booleans()):
        values = values + float(2**60)
    if spark_type == "tinyint" and draw(st.booleans()) and len(values):
        values[0] = 127.0
    config = EncodingConfig(bins=draw(st.integers(2, 30)), max_codes=draw(st.integers(8, 60)))
    return fit_numbers("x", spark_type, measured(values, np.ones(len(values), dtype=np.int64), 0.0), config)


@settings(max_examples=300, deadline=None)
@given(encodings(), st.integers(1, 400), st.integers(0, 2**62), st.randoms(use_true_random=False))
def test_ranks_give_different_values_of_the_type(encoding: NumberEncoding, n: int, salt: int, luck: object) -> None:
    room = room_of(encoding)
    assume(room is None or n <= room)
    whole = numbers_at(encoding, np.arange(n), n, salt)
    assert (np.diff(whole) > 0).all()
    least, most = type_range(encoding.spark_type)
    assert least <= whole[0] and whole[-1] <= most
    assert np.array_equal(grid_values(grid_cells(whole, encoding), encoding), whole)
    first, last, _, _ = grid_bounds(encoding)
    if n <= last - first + 1:
        cells = grid_cells(whole, encoding)
        assert first <= cells[0] and cells[-1] <= last
    part = np.array(luck.sample(range(n), min(n, 7)))  # type: ignore[attr-defined]
    assert np.array_equal(numbers_at(encoding, part, n, salt), whole[part])


@pytest.mark.parametrize(("form", "room"), [("%H:%M", 1_440), ("%H:%M:%S", 86_400), ("%d/%m/%Y", 3_652_059), ("%Y%m%d", 3_652_059), ("%Y-%m-%d %H:%M", None)])
def test_dates_and_times_in_text_have_the_room_of_their_form(form: str, room: int | None) -> None:
    moments = [dt.datetime(2021, 1, 1) + dt.timedelta(days=17 * i, minutes=7 * i) for i in range(90)]
    texts = pa.array(sorted({m.strftime(form) for m in moments}))
    values = numbers_of(texts, form)
    encoding = fit_numbers("x", "string", measured(values, np.ones(len(values), dtype=np.int64), 0.0), EncodingConfig(), form)
    encoding = encoding.model_copy(update={"step": 1.0 if encoding.step < 1e6 else 60e6 if form.endswith("M") else 1e6, "origin": 0.0})
    assert room_of(encoding) == (room or 3_652_059 * 1_440)
    n = min(room_of(encoding) or 0, 86_400)
    made = as_numbers(numbers_at(encoding, np.arange(n), n, 3), encoding)
    assert len(set(made.to_pylist())) == n
    if room is not None and room <= n:
        assert made[0].as_py().startswith("00:00") and made[-1].as_py().startswith("23:59")


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 3000), st.integers(0, 2**62), st.integers(0, 3000))
def test_shuffled_ranks_are_a_permutation_under_any_slicing(n: int, salt: int, cut: int) -> None:
    whole = shuffled(np.arange(n), n, salt)
    assert sorted(whole.tolist()) == list(range(n))
    parts = [shuffled(ranks, n, salt) for ranks in (np.arange(min(cut, n)), np.arange(min(cut, n), n))]
    assert np.array_equal(np.concatenate(parts), whole)


def test_a_rank_past_the_end_is_refused() -> None:
    with pytest.raises(ValueError, match="past the 5"):
        shuffled(np.array([5]), 5, 1)


def test_shuffled_and_hashed_ranks_have_no_order() -> None:
    whole = shuffled(np.arange(10_000), 10_000, 5)
    assert abs(np.corrcoef(np.arange(10_000), whole)[0, 1]) < 0.05
    assert abs(np.corrcoef(hashed(np.arange(9_999), 3), hashed(np.arange(1, 10_000), 3))[0, 1]) < 0.05
    assert hashed(np.arange(10_000), 3).min() >= 0 and hashed(np.arange(10_000), 3).max() < 1


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(1, 50), min_size=1, max_size=40), st.data())
def test_labels_are_drawn_without_replacement(counts: list[int], data: st.DataObject) -> None:
    n = data.draw(st.integers(1, len(counts)))
    labels = tuple(f"l{i}" for i in range(len(counts)))
    weights = tuple(c / sum(counts) for c in counts)
    encoding = CategoryEncoding(name="x", spark_type="string", has_null=False, weights=weights, values=labels, counts=tuple(counts), starts=(0,))
    chosen = labels_at(encoding, np.arange(n), n, np.random.default_rng(1))
    assert len(set(chosen.tolist())) == n and chosen.min() >= 0 and chosen.max() < len(counts)


def repeats(*columns: np.ndarray) -> int:
    """How often the commonest combination is there."""
    return int(pd.DataFrame(dict(enumerate(columns))).value_counts().max())


@settings(max_examples=200, deadline=None)
@given(encodings(), st.lists(st.tuples(st.integers(0, 4), st.integers(-5, 5)), min_size=1, max_size=80), st.integers(1, 3))
def test_numbers_are_moved_apart_and_no_further_than_they_must(encoding: NumberEncoding, rows: list[tuple[int, int]], times: int) -> None:
    first, last, start, end = grid_bounds(encoding)
    group = np.array([g for g, _ in rows])
    cells = np.clip(first + np.array([c for _, c in rows], dtype=np.float64), first, last)
    assume(np.bincount(group).max() <= times * (end - start + 1))
    moved = numbers_apart(group, cells, encoding, times)
    assert repeats(group, moved) <= times
    assert start <= moved.min() and moved.max() <= end
    for g in np.unique(group):
        own = cells[group == g]
        if np.ceil(len(own) / times) <= last - first + 1:
            assert first <= moved[group == g].min() and moved[group == g].max() <= last
        if times == 1 and len(set(own.tolist())) == len(own):
            assert np.array_equal(moved[group == g], own)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 5)), min_size=1, max_size=80), st.integers(1, 3))
def test_labels_are_moved_apart_where_there_is_room(rows: list[tuple[int, int]], times: int) -> None:
    group, place = np.array([g for g, _ in rows]), np.array([p for _, p in rows])
    weights = np.array([8.0, 4.0, 2.0, 1.0, 1.0, 1.0])
    moved = labels_apart(group, place, weights, times, np.random.default_rng(3))
    there = moved >= 0
    assert not there.any() or repeats(group[there], moved[there]) <= times
    for g in np.unique(group):
        mine = group == g
        assert (moved[mine] < 0).sum() == max(0, mine.sum() - times * len(weights))
    kept = (pd.DataFrame({"g": group, "p": place}).groupby(["g", "p"]).cumcount() < times).to_numpy()
    assert np.array_equal(moved[kept], place[kept])


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 1)), min_size=1, max_size=60), st.integers(1, 4))
def test_combinations_are_moved_apart(rows: list[tuple[int, int, int]], times: int) -> None:
    group = np.array([g for g, _, _ in rows])
    places = np.array([[a, b] for _, a, b in rows])
    assume(np.bincount(group).max() <= 6 * times)
    moved = together_apart(group, places, (3, 2), times, np.random.default_rng(4))
    assert repeats(group, moved[:, 0], moved[:, 1]) <= times
    assert (moved >= 0).all() and (moved < np.array([3, 2])).all()
