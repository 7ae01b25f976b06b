"""Numbers, dates and times at the ends of what their types hold, nulls everywhere, and numbers that stand in text."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from trap_frames import plain

from synthohive_spark import Metadata

pytestmark = pytest.mark.spark

N = 1_200


def values() -> dict[str, tuple[str, list[Any]]]:
    rng = random.Random(9)

    def some(share: float, value: Any, *, other: Any = None) -> list[Any]:
        return [value() if rng.random() < share else other for _ in range(N)]

    day = date(2020, 1, 1)
    sold = [day + timedelta(days=rng.randrange(900)) for _ in range(N)]
    return {
        "small": ("double", [rng.uniform(1, 9) * 10 ** -rng.randrange(290, 300) for _ in range(N)]),
        "huge": ("double", [rng.uniform(1, 9) * 10.0 ** rng.randrange(290, 308) for _ in range(N)]),
        "any": ("double", [rng.choice([-1, 1]) * 10.0 ** rng.uniform(-300, 300) for _ in range(N)]),
        "zero": ("double", [rng.choice([0.0, -0.0, 1.5]) for _ in range(N)]),
        "single": ("float", [float(np.float32(rng.gauss(0, 1))) for _ in range(N)]),
        "byte": ("tinyint", [rng.choice([-128, 127, 0]) for _ in range(N)]),
        "short": ("smallint", [rng.randrange(-(2**15), 2**15) for _ in range(N)]),
        "long": ("bigint", [rng.choice([-(2**63), 2**63 - 1, rng.randrange(-(2**63), 2**63)]) for _ in range(N)]),
        "level": ("int", [rng.choice([1, 2, 3, 4]) for _ in range(N)]),
        "bit": ("int", [int(rng.random() < 0.04) for _ in range(N)]),
        "fixed": ("decimal(5,2)", [Decimal("999.99")] * N),
        "lat": ("double", [round(rng.choice([52.5, 48.1]) + rng.gauss(0, 0.05), 6) for _ in range(N)]),
        "none_double": ("double", [None] * N),
        "none_date": ("date", [None] * N),
        "none_bool": ("boolean", [None] * N),
        "none_decimal": ("decimal(10,2)", [None] * N),
        "rare": ("int", [5 if i == 7 else None for i in range(N)]),
        "mostly_null": ("double", some(0.02, rng.random)),
        "maybe": ("boolean", [rng.choice([True, False, None]) for _ in range(N)]),
        "amount": ("string", [f"${rng.lognormvariate(5, 1.2):,.2f}" for _ in range(N)]),
        "share": ("string", [f"{rng.betavariate(2, 5) * 100:.1f}%" for _ in range(N)]),
        "valid_to": ("timestamp_ntz", some(0.3, lambda: datetime(2024, 1, 1) + timedelta(hours=rng.randrange(9000)), other=datetime(9999, 12, 31, 23, 59, 59))),
        "valid_day": ("date", some(0.5, lambda: day + timedelta(days=rng.randrange(900)), other=date(9999, 12, 31))),
        "born": ("date", [date(1850, 1, 1) + timedelta(days=rng.randrange(15_000)) for _ in range(N)]),
        "first": ("date", [date(1, 1, 1) + timedelta(days=rng.randrange(300_000)) for _ in range(N)]),
        "early": ("timestamp", [datetime(1700, 1, 1, tzinfo=timezone.utc) + timedelta(minutes=rng.randrange(10**8)) for _ in range(N)]),
        "gap": ("timestamp_ntz", [datetime(2024, 3, 10, 2) + timedelta(seconds=rng.randrange(3600)) for _ in range(N)]),
        "moment": ("timestamp", [datetime(2024, 3, 10, 6, tzinfo=timezone.utc) + timedelta(seconds=rng.randrange(7200)) for _ in range(N)]),
        "midnight": ("timestamp_ntz", [datetime(d.year, d.month, d.day) for d in sold]),
        "fraction": ("string", [f"{datetime(2022, 9, 2) + timedelta(milliseconds=rng.randrange(10**10))!s:.23}" for _ in range(N)]),
        "offset": ("string", [f"{datetime(2025, 2, 4) + timedelta(seconds=rng.randrange(10**6))!s}{rng.choice(['+00:00', '+02:00'])}" for _ in range(N)]),
    }


@pytest.fixture(scope="module")
def both(frame: Any, copied: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    real = values()
    made = copied(Metadata().add_table("t", pk="id"), {"t": frame({"id": ("long", list(range(N))), **real})})["t"]
    # Times as Spark writes them: pandas and Python know no year 9999 with a zone, and no clock that skips an hour.
    shown = made.select("id", *(made[c].cast("string") if kind.startswith("timestamp") else made[c] for c, (kind, _) in real.items()))
    return pd.DataFrame({c: v for c, (_, v) in real.items()}, dtype=object), plain(shown)


def shares(values: pd.Series) -> dict[Any, float]:
    return values.value_counts(normalize=True, dropna=False).to_dict()


def numbers(values: pd.Series) -> pd.Series:
    return values.astype(float)


@pytest.mark.parametrize("name", ["small", "huge", "any"])
def test_sizes_of_floats(both: Any, name: str) -> None:
    """sdv-dev/RDT#170: very large numbers broke rounding. Sizes from 1e-300 to 1e308, each as likely as it was."""
    real, made = (np.log10(np.abs(numbers(side[name]))) for side in both)
    assert np.isfinite(made).all() and abs(real.median() - made.median()) < 0.15 * (real.max() - real.min())
    assert real.min() - 1 <= made.min() and made.max() <= real.max() + 1


def test_zeros_of_both_signs(both: Any) -> None:
    """sdv-dev/SDV#502: values that are no data appeared; zero and its negative are one value."""
    assert set(both[1].zero) == {0.0, 1.5} and 0.6 < (both[1].zero == 0).mean() < 0.73


def test_single_precision(both: Any) -> None:
    """sdv-dev/SDV#2683: numbers of other widths than 64 bits."""
    made = numbers(both[1].single)
    assert (made == made.astype("float32").astype(float)).all() and abs(made.std() - 1) < 0.1


def test_the_ends_of_whole_numbers(both: Any) -> None:
    """sdv-dev/SDV#1136: numbers past what the tool counts with overflowed."""
    real, made = both
    assert set(made.byte) == {-128, 127, 0} and made.short.between(-(2**15), 2**15 - 1).all() and made.long.between(-(2**63), 2**63 - 1).all()
    assert abs((made.long < -(2**63) + 2048).mean() - (real.long == -(2**63)).mean()) < 0.06


def test_whole_numbers_that_are_labels(both: Any) -> None:
    """sdv-dev/SDV#502: of a column of 1 to 4 zeros came out; sdv-dev/SDV#665: 0 and 1 stand for no and yes."""
    real, made = both
    assert set(made.level) == {1, 2, 3, 4} and set(made.bit) == {0, 1} and abs(numbers(made.bit).mean() - numbers(real.bit).mean()) < 0.02


def test_constants_and_nothing(both: Any) -> None:
    """sdv-dev/SDV#284: columns without anything to learn broke the fit; sdv-dev/CTGAN#21: so did null."""
    real, made = both
    assert set(made.fixed) == {Decimal("999.99")}
    assert all(made[name].isna().all() for name in made.columns if name.startswith("none_"))
    assert made.rare.isna().mean() > 0.99 and 0.96 < made.mostly_null.isna().mean() < 0.995


def test_booleans_with_null(both: Any) -> None:
    """sdv-dev/SDV#580: the rarer value was lost; here of three."""
    assert all(abs(share - 1 / 3) < 0.06 for share in shares(both[1].maybe).values()) and set(shares(both[1].maybe)) >= {True, False}


def test_coordinates(both: Any) -> None:
    """sdv-dev/SDV#1617: places lie in the real regions, and not between them."""
    made = numbers(both[1].lat)
    assert (made.between(47.8, 48.4) | made.between(52.2, 52.8)).mean() > 0.99 and (made.round(6) == made).all()


def test_amounts_and_percentages_in_text(both: Any) -> None:
    """jtablesaw/tablesaw#204: amounts of money and percentages are numbers that look like text."""
    real, made = both
    assert made.amount.str.fullmatch(r"\$\d{1,3}(,\d{3})*\.\d\d").all() and made.share.str.fullmatch(r"\d{1,2}\.\d%").all()
    for name, sign in (("amount", "[$,]"), ("share", "%")):
        was, now = (numbers(side[name].str.replace(sign, "", regex=True)) for side in both)
        assert all(abs(was.quantile(q) - now.quantile(q)) < 0.12 * was.quantile(q) + 1 for q in (0.1, 0.5, 0.9))


def test_the_end_of_time(both: Any) -> None:
    """GoogleCloudPlatform/professional-services-data-validator#1053: rows that are still valid end in the year 9999."""
    real, made = both
    assert abs((made.valid_to == "9999-12-31 23:59:59").mean() - 0.7) < 0.05 and made.valid_to[made.valid_to < "9999"].between("2024-01-01", "2025-01-12").all()
    assert abs((made.valid_day == date(9999, 12, 31)).mean() - 0.5) < 0.06 and made.valid_day[made.valid_day < date(9999, 1, 1)].max() < date(2022, 7, 1)


def test_dates_of_old_records(both: Any) -> None:
    """transferwise/pipelinewise-tap-postgres#62: years that other tools do not have."""
    real, made = both
    assert made.born.between(date(1850, 1, 1), date(1891, 1, 31)).all() and made["first"].between(date(1, 1, 1), date(823, 1, 1)).all()
    assert made.early.between("1699-12-31", "1891").all()


def test_hours_that_clocks_skip(both: Any, spark: Any) -> None:
    """sdv-dev/SDV#1570: times with a zone. In New York the clock goes from 2 to 3; a time without zone may lie between, one with a zone does not."""
    made = both[1]
    assert spark.conf.get("spark.sql.session.timeZone") == "America/New_York" and made.gap.str.startswith("2024-03-10 02:").all()
    assert made.moment.str.fullmatch(r"2024-03-10 0[13]:\d\d:\d\d").all() and 0.4 < made.moment.str.startswith("2024-03-10 03").mean() < 0.6


def test_days_stay_days(both: Any) -> None:
    """databrickslabs/dbldatagen#448: times should keep to the step of the real ones."""
    assert made_at(both[1].midnight, " 00:00:00")


def made_at(values: pd.Series, end: str) -> bool:
    return bool(values.str.endswith(end).all())


def test_times_in_text(both: Any) -> None:
    """sdv-dev/SDV#1136: parts of a second in text; sdv-dev/RDT#988: offsets of several zones in one column became null."""
    made = both[1]
    assert made.fraction.str.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}").all() and made.fraction.map(datetime.fromisoformat).dt.year.eq(2022).all()
    moments = made.offset.map(datetime.fromisoformat)
    assert all(m.tzinfo is not None and datetime(2025, 2, 3, tzinfo=timezone.utc) < m < datetime(2025, 2, 17, tzinfo=timezone.utc) for m in moments)
