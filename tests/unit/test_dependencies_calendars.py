"""Years, months and days in columns of their own: every row is a day of the calendar."""

from __future__ import annotations

import calendar
import datetime

import numpy as np
import pyarrow as pa
import pytest

from synthohive_spark.kernels.dependencies.calendars import keep_on_calendar, lengths_of, on_calendar
from synthohive_spark.kernels.dependencies.count import confirmed
from synthohive_spark.kernels.dependencies.find import find_candidates
from synthohive_spark.kernels.dependencies.find_calendars import with_calendars
from synthohive_spark.kernels.dependencies.held import count_held
from synthohive_spark.kernels.dependencies.sample import Sample, Search
from synthohive_spark.spec.dependencies import AnyDependency, Calendar, Copy, described

ROWS = 3_000
TYPES = {"year": "int", "month": "int", "day": "int"}
RULE = Calendar(target="day", determinants=("month", "year"))


def dates(seed: int = 0) -> dict[str, np.ndarray]:
    days = [datetime.date(1950, 1, 1) + datetime.timedelta(days=int(d)) for d in np.random.default_rng(seed).integers(0, 20_000, ROWS)]
    return {part: np.array([getattr(d, part) for d in days]) for part in TYPES}


def found(columns: dict[str, np.ndarray]) -> set[str]:
    types = dict.fromkeys(columns, "int")
    search = Search(types=types, targets=tuple(types), inputs=tuple(types), discrete=(), watched=tuple(types), movable=tuple(types))
    arrays = {n: pa.array(v, pa.int32(), from_pandas=True) for n, v in columns.items()}
    return {described(f, types) for f in find_candidates(Sample(arrays, types, ROWS), search) if f.kind == "calendar"}


def test_days_are_found_with_their_own_month_and_year() -> None:
    born = {f"birth_{part}": values for part, values in dates(1).items()}
    assert found({**dates(), **born}) == {"day is a day of month, year", "birth_day is a day of birth_month, birth_year"}
    assert found({n: v for n, v in dates().items() if n != "year"}) == {"day is a day of month"}


def test_numbers_that_are_no_days_are_none() -> None:
    mixed = dates()
    mixed["day"] = np.random.default_rng(2).permutation(mixed["day"])
    assert found(mixed) == set()
    small = dates()
    small["day"] = np.minimum(small["day"], 12)
    assert found(small) == set()


@pytest.mark.parametrize("year", [1900, 2000, 2023, 2024, None])
def test_lengths_of_months(year: int | None) -> None:
    months = np.arange(0, 14)
    expected = [calendar.monthrange(2024 if year is None else year, m)[1] if 1 <= m <= 12 else 0 for m in months.tolist()]
    assert lengths_of(months, None if year is None else np.full(14, year)).tolist() == expected


def test_only_rows_that_are_no_day_change_and_what_is_asked_for_stays() -> None:
    columns = {
        "year": pa.array([2023, 2024, 2023, None, 2023], pa.int32()),
        "month": pa.array([2, 2, 4, 2, 2], pa.int32()),
        "day": pa.array([29, 29, 31, 29, 30], pa.int32()),
    }
    held = {"day": np.array([False, False, False, False, True])}
    assert on_calendar(RULE, columns).tolist() == [False, True, False, True, False]
    made = {**columns, **keep_on_calendar(RULE, columns, TYPES, (), held, np.random.default_rng(0))}
    assert on_calendar(RULE, made).all()
    assert [made["day"].to_pylist()[i] for i in (1, 3, 4)] == [29, 29, 30]
    assert made["month"].to_pylist()[:4] == [2, 2, 4, 2] and made["month"].type == pa.int32()
    fixed = keep_on_calendar(RULE, columns, TYPES, ("month",), held, np.random.default_rng(0))
    assert set(fixed) == {"day"}
    many = {"year": pa.array([2023] * 900), "month": pa.array([2] * 900), "day": pa.array([31] * 900)}
    days = keep_on_calendar(RULE, many, dict.fromkeys(TYPES, "bigint"), (), {}, np.random.default_rng(0))["day"].to_numpy()
    assert set(days.tolist()) == set(range(1, 29))


def test_it_is_counted_and_gives_way_to_what_tells_the_day() -> None:
    types = dict(TYPES)
    batch = pa.record_batch([pa.array([2023, 2023, None]), pa.array([2, 3, 2]), pa.array([30, 30, 1])], names=["0", "1", "2"])
    (lines,) = count_held(iter([batch]), names=("year", "month", "day"), rules=[RULE], types=types)
    assert (lines.column("rows").to_pylist(), lines.column("broken").to_pylist()) == ([2], [1])
    kept = confirmed(RULE, {"rows": 1_000, "broken": 2})
    assert kept is not None and kept.share == 0.998 and confirmed(RULE, {"rows": 1_000, "broken": 20}) is None
    copied: list[AnyDependency] = [Copy(target="day", determinants=("other",))]
    assert with_calendars(copied, [RULE]) == copied
    circle: list[AnyDependency] = [Copy(target="month", determinants=("day",))]
    assert with_calendars(circle, [RULE]) == circle
    assert with_calendars([], [RULE]) == [RULE]
