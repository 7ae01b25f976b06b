"""Find parts of dates and times, and the time zone of the clock that they were read from."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ...spec.dependencies import DatePart, Part
from .formulas import is_clock
from .sample import Sample, Search
from .times import DAY, all_zones, local_micros, part_of
from .units import plain, to_units

PROBE_ROWS = 64  # rows that every zone of the world is tried on
NEARLY_ALL = 0.9  # of them must agree for a closer look
_DAILY: tuple[Part, ...] = ("hour", "day", "weekday from Monday 0", "date", "yyyymmdd")  # parts that tell zones apart
_RANGES: dict[Part, tuple[int, int]] = {
    "year": (1, 9999),
    "quarter": (1, 4),
    "month": (1, 12),
    "ISO week": (1, 53),
    "day": (1, 31),
    "day of year": (1, 366),
    "weekday from Monday 0": (0, 6),
    "weekday from Monday 1": (1, 7),
    "weekday from Sunday 0": (0, 6),
    "weekday from Sunday 1": (1, 7),
    "hour": (0, 23),
    "minute": (0, 59),
    "second": (0, 59),
    "yyyymm": (101, 999_912),
    "yyyymmdd": (10_101, 99_991_231),
}


def find_parts(sample: Sample, search: Search) -> list[DatePart]:
    """The parts that hold on the sample; for each target, part and column the zone in which it holds on most rows."""
    found = []
    for clock in (name for name in search.inputs if is_clock(search.types[name]) and sample.varies(name)):
        wanted = {name: parts for name in search.targets if name != clock and (parts := _possible(sample, search, name))}
        if not wanted:
            continue
        zones = _zones(sample, search, clock, wanted)
        for target, parts in wanted.items():
            candidates = [DatePart(target=target, determinants=(clock,), part=part, zone=zone) for part in parts for zone in zones]
            found += _best(sample, candidates)
    return found


def _possible(sample: Sample, search: Search, name: str) -> list[Part]:
    """The parts that the column's values could be, by their range."""
    spark_type = search.types[name]
    if spark_type == "date":
        return ["date"]
    if is_clock(spark_type) or spark_type in ("string", "boolean"):
        return []
    values = sample.numbers(name)[sample.quick]
    values = values[~np.isnan(values)]
    if not len(values) or (values != np.rint(values)).any():
        return []
    low, high = values.min(), values.max()
    constant = not sample.varies(name)
    return [p for p, (least, most) in _RANGES.items() if least <= low and high <= most and (not constant or p == "year")]


def _zones(sample: Sample, search: Search, clock: str, wanted: dict[str, list[Part]]) -> list[str | None]:
    """The zones worth a closer look, the likeliest first; None for dates and times without zone."""
    if search.types[clock] != "timestamp":
        return [None]
    usual = dict.fromkeys(z for z in ("UTC", search.zone) if z in all_zones())  # a session's zone can be an offset such as +02:00, which is no place
    units, null = to_units(plain(sample.columns[clock]), 0)
    rows = np.flatnonzero(~null)
    rows = rows[np.linspace(0, len(rows) - 1, min(PROBE_ROWS, len(rows))).astype(np.int64)]
    daily = [(target, part) for target, parts in wanted.items() for part in parts if part in _DAILY]
    if not daily or not len(rows):
        return [*usual]
    values = {target: sample.numbers(target)[rows] for target, _ in daily}
    scores = {}
    for zone in dict.fromkeys([*usual, *all_zones()]):
        local = local_micros(units[rows], zone)
        agreed = [float((part_of(local, part) == values[target]).mean()) for target, part in daily]
        scores[zone] = sum(a for a in agreed if a >= NEARLY_ALL)
    best = max(scores.values())
    if not best:
        return [*usual]
    # Many zones agree on few rows; those that do are told apart on the whole sample.
    return list(dict.fromkeys([*_distinct_clocks(units[~null], [z for z, score in scores.items() if score >= best - 0.5]), *usual]))


def _distinct_clocks(micros: np.ndarray, zones: Iterable[str]) -> list[str]:
    """The first zone of each group that shows the same times."""
    hours = np.unique(micros // (DAY // 4)) * (DAY // 4)
    hours = hours[np.linspace(0, len(hours) - 1, min(2_000, len(hours))).astype(np.int64)]
    seen: dict[bytes, str] = {}
    for zone in zones:
        seen.setdefault(local_micros(hours, zone).tobytes(), zone)
    return list(seen.values())


def _best(sample: Sample, candidates: list[DatePart]) -> list[DatePart]:
    """For each part the zone that holds on most rows, the first of equal ones."""
    found: dict[str, DatePart] = {}
    for candidate in candidates:
        judged = _judged(sample, candidate)
        if judged is not None and (candidate.part not in found or judged.share > found[candidate.part].share):
            found[candidate.part] = judged
    return list(found.values())


def _judged(sample: Sample, candidate: DatePart) -> DatePart | None:
    """As `Sample.judged`, after a first look at a few rows."""
    rows = sample.quick
    units, null = to_units(plain(sample.columns[candidate.determinants[0]]).take(rows), 0)
    micros = units * DAY if sample.types[candidate.determinants[0]] == "date" else units
    values = sample.numbers(candidate.target)[rows]
    same = part_of(local_micros(micros, candidate.zone), candidate.part) == values
    known = ~null & ~np.isnan(values)
    return sample.judged(candidate) if not known.any() or same[known].mean() >= NEARLY_ALL else None
