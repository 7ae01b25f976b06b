"""Parts of dates and times, on the clock of a time zone."""

from __future__ import annotations

from datetime import datetime, timezone
from functools import lru_cache
from typing import get_args
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
import pyarrow as pa

from ...spec.date_forms import form_range, grain_of, has_time
from ...spec.dependencies import Part
from ..columns.date_forms import numbers_of, texts_of

PARTS: tuple[Part, ...] = get_args(Part)
SECOND, MINUTE, HOUR, DAY = 1_000_000, 60_000_000, 3_600_000_000, 86_400_000_000
MINUTES_OF_DAY = DAY // MINUTE
# Zones that share a clock are told by the name that most people know, so these come first; the rest by the alphabet.
_WELL_KNOWN = (
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "America/Sao_Paulo",
    "America/Mexico_City",
    "Europe/London",
    "Europe/Berlin",
    "Europe/Athens",
    "Europe/Moscow",
    "Europe/Istanbul",
    "Africa/Lagos",
    "Africa/Johannesburg",
    "Africa/Nairobi",
    "Asia/Dubai",
    "Asia/Karachi",
    "Asia/Kolkata",
    "Asia/Dhaka",
    "Asia/Bangkok",
    "Asia/Shanghai",
    "Asia/Tokyo",
    "Australia/Sydney",
    "Pacific/Auckland",
)


@lru_cache(maxsize=1)
def all_zones() -> tuple[str, ...]:
    """Every zone that there is, the well-known ones first and names without a place (`EST5EDT`) last."""
    known = available_timezones() - {"localtime", "Factory"}
    first = [z for z in _WELL_KNOWN if z in known]
    return (*first, *sorted(known - set(first), key=lambda z: ("/" not in z or z.startswith(("Etc/", "US/", "SystemV/")), z)))


def local_micros(micros: np.ndarray, zone: str | None) -> np.ndarray:
    """What a clock in `zone` shows at `micros` since 1970-01-01 UTC, as microseconds; int64 (N,). None leaves them as they are."""
    if zone is None or zone == "UTC" or not len(micros):
        return micros
    days, inverse = np.unique(micros // DAY, return_inverse=True)
    starts, ends = (np.array([_offset_of_minute(int(d) * MINUTES_OF_DAY, zone) for d in some], dtype=np.int64) for some in (days, days + 1))
    offsets = starts[inverse]
    changing = (starts != ends)[inverse]  # no zone changes its offset and back within a day
    minutes, of_minute = np.unique(micros[changing] // MINUTE, return_inverse=True)  # offsets change on whole minutes
    offsets[changing] = np.array([_offset_of_minute(int(m), zone) for m in minutes], dtype=np.int64)[of_minute]
    return micros + offsets


def moments_of(local: np.ndarray, zone: str | None) -> np.ndarray:
    """The inverse of `local_micros`, int64 (N,); of an hour that the clock skips or has twice, a moment next to it."""
    moment = local - (local_micros(local, zone) - local)
    return local - (local_micros(moment, zone) - moment)


@lru_cache(maxsize=1 << 16)
def _offset_of_minute(minute: int, zone: str) -> int:
    """Microseconds from UTC to the zone's clock, at a minute since 1970."""
    try:
        shift = datetime.fromtimestamp(minute * 60, timezone.utc).astimezone(ZoneInfo(zone)).utcoffset()
    except (OverflowError, ValueError, OSError):  # outside of the years 1 to 9999
        return 0
    return round(shift.total_seconds()) * SECOND if shift is not None else 0


def micros_of(array: pa.Array, form: str) -> np.ndarray:
    """Dates or times in text or whole numbers as microseconds, float64 (N,); nan for null and for what has another form."""
    return numbers_of(array.cast(pa.string()), form) * (1 if has_time(form) else DAY)


def in_form(micros: np.ndarray, null: np.ndarray, form: str, up: np.ndarray) -> pa.Array:
    """The inverse of `micros_of`, as text (N,); what is finer than the form goes up where that is wanted, bool (N,), and down elsewhere."""
    grain = grain_of(form)
    whole = np.where(up, -(-micros // grain), micros // grain) * (grain if has_time(form) else 1)
    return texts_of(np.clip(whole.astype(np.float64), *form_range(form)), null, form)


def part_of(micros: np.ndarray, part: Part) -> np.ndarray:
    """The part of local times, int64 (N,); `date` in days."""
    days = micros // DAY
    if part in ("hour", "minute", "second"):
        unit, cycle = {"hour": (HOUR, 24), "minute": (MINUTE, 60), "second": (SECOND, 60)}[part]
        return micros // unit % cycle
    if part.startswith("weekday"):
        monday = (days + 3) % 7  # 1970-01-01 was a Thursday
        return monday + int(part[-1]) if "Monday" in part else (monday + 1) % 7 + int(part[-1])
    if part == "ISO week":
        thursday = days - (days + 3) % 7 + 3
        return (_day_of_year(thursday) - 1) // 7 + 1
    return _calendar_part(days, part)


def _calendar_part(days: np.ndarray, part: Part) -> np.ndarray:
    date = days.astype("datetime64[D]")
    months = date.astype("datetime64[M]")
    year, month = months.astype(np.int64) // 12 + 1970, months.astype(np.int64) % 12 + 1
    day = (date - months.astype("datetime64[D]")).astype(np.int64) + 1
    found = {
        "year": year,
        "quarter": (month + 2) // 3,
        "month": month,
        "day": day,
        "day of year": _day_of_year(days),
        "date": days,
        "yyyymm": year * 100 + month,
        "yyyymmdd": year * 10_000 + month * 100 + day,
    }
    return found[part]


def _day_of_year(days: np.ndarray) -> np.ndarray:
    date = days.astype("datetime64[D]")
    return (date - date.astype("datetime64[Y]").astype("datetime64[D]")).astype(np.int64) + 1
