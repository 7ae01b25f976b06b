"""Years, months and days in columns of their own: which rows are a day of the calendar, and other days for those that are none. Legend: `n` rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...spec.dependencies import Calendar
from .units import from_units, plain, to_units

LENGTHS = np.array([31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])  # of the months; February has fewer in most years


def lengths_of(month: np.ndarray, year: np.ndarray | None) -> np.ndarray:
    """Days of each month, int64 (n,); 0 where there is none. Without a year February has 29."""
    known = (month >= 1) & (month <= 12)
    days = np.where(known, LENGTHS[np.where(known, month, 1) - 1], 0)
    if year is None:
        return days
    is_leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    return np.where((month == 2) & ~is_leap, 28, days)


def on_calendar(rule: Calendar, columns: Mapping[str, pa.Array]) -> np.ndarray:
    """On which rows there is such a day, bool (n,): a null breaks nothing."""
    day, most, null = _days(rule, columns)
    return null | ((day >= 1) & (day <= most))


def keep_on_calendar(
    rule: Calendar,
    columns: Mapping[str, pa.Array],
    types: Mapping[str, str],
    fixed: Collection[str],
    held: Mapping[str, np.ndarray],
    rng: np.random.Generator,
) -> dict[str, pa.Array]:
    """The day, (n,): where the month has none such, any other of it, as the last one would come too often. And the month, where the day must stay.

    Args:
        fixed: columns that must stay as they are in all rows.
        held: for columns that must stay in some rows, which rows those are, bool (n,).
    """
    day, most, null = _days(rule, columns)
    broken, month, nowhere = ~null & ((day < 1) | (day > most)), rule.determinants[0], np.zeros(len(day), dtype=bool)
    stays = held.get(rule.target, nowhere)
    moved = broken & ~stays & (most > 0)
    days = 1 + np.floor(rng.random(len(day)) * np.maximum(most, 1)).astype(np.int64)
    found = {rule.target: _with(columns[rule.target], days, moved, types[rule.target])}
    other = broken & stays & ~held.get(month, nowhere)
    if month not in fixed and other.any():
        found[month] = _with(columns[month], rng.choice(1 + np.flatnonzero(LENGTHS.max() == LENGTHS), size=len(day)), other, types[month])
    return found


def _with(array: pa.Array, values: np.ndarray, rows: np.ndarray, spark_type: str) -> pa.Array:
    return pc.if_else(pa.array(rows), from_units(values, ~rows, spark_type, 0), array) if rows.any() else array


def _days(rule: Calendar, columns: Mapping[str, pa.Array]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The day and the days of its month, int64 (n,) each, and where something of it is null, bool (n,)."""
    (day, null), (month, other), *years = (to_units(plain(columns[name]), 0) for name in (rule.target, *rule.determinants))
    missing = null | other
    year = None
    if years:
        year = np.where(years[0][1], 4, years[0][0])  # of a year that is not known February may have 29
    return day, lengths_of(month, year), missing
