"""Find whole numbers that are year, month and day of one date, which no column has."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from ...spec.dependencies import AnyDependency, Calendar
from ..columns.types import is_integer
from .calendars import lengths_of, on_calendar
from .choose import closes_a_circle, sequenced
from .measures import HOLDS
from .sample import FEWER_ERRORS, Sample, Search

DAYS, MONTHS, YEARS = (1, 31), (1, 12), (1000, 9999)
LEAST = 8  # rows that chance would make no day, where none is: it leaves none by accident in one case of 3,000
LAST = 30  # a day that some column of days has: others are any small numbers


def find_calendars(sample: Sample, search: Search, explained: Collection[str]) -> list[Calendar]:
    """For each column of days the month, and the year if there is one, with which nearly all rows are days of the calendar, where chance would break that.

    That is judged by mixing the rows: at least `LEAST` of them would be no such day, and ten times as many as really are.

    Args:
        explained: columns that follow from others: a date tells its parts.
    """
    names = [n for n in search.watched if n not in search.said and is_integer(search.types[n]) and sample.varies(n)]
    days, months, years = ([n for n in names if _within(sample, n, limits)] for limits in (DAYS, MONTHS, YEARS))
    place = {n: i for i, n in enumerate(search.types)}
    found = []
    for day in (n for n in days if n in search.movable and n not in explained and np.nanmax(sample.numbers(n)) >= LAST):
        candidates: list[tuple[int, int, Calendar]] = []
        for month in (n for n in months if n != day):
            for year in (*years, ""):
                rule = Calendar(target=day, determinants=(month, year) if year else (month,))
                errors = _errors(sample, rule)
                if errors is not None:
                    away = sum(abs(place[day] - place[n]) for n in rule.determinants) + len(names) * (not year)
                    candidates.append((errors, away, rule.model_copy(update={"share": 1 - errors / sample.rows})))
        found += [rule for _, _, rule in sorted(candidates, key=lambda c: c[:2])[:1]]
    return found


def _within(sample: Sample, name: str, limits: tuple[int, int]) -> bool:
    values = sample.numbers(name)
    return bool(np.nanmin(values) >= limits[0] and np.nanmax(values) <= limits[1])


def _errors(sample: Sample, rule: Calendar) -> int | None:
    """Rows that are no day; None where they are too many, or chance would not make many."""
    errors = int((~on_calendar(rule, sample.columns)).sum())
    day, month, *others = (sample.numbers(n) for n in (rule.target, *rule.determinants))
    known = ~np.isnan([day, month, *others]).any(axis=0)
    if errors > (1 - HOLDS) * sample.rows or not known.any():
        return None
    whole = [values[known].astype(np.int64) for values in (day, month, *others)]
    most = lengths_of(whole[1], whole[2] if others else None)
    chance = (1 - np.searchsorted(np.sort(whole[0]), most, side="right") / len(most)).sum()
    return errors if chance >= LEAST and errors <= FEWER_ERRORS * chance else None


def with_calendars(chosen: Sequence[AnyDependency], found: Sequence[Calendar]) -> list[AnyDependency]:
    """`chosen` and the rules of days that nothing else is known of, in the order in which to evaluate them."""
    taken = {d.target for d in chosen}
    graph = {d.target: d.determinants for d in chosen}
    return sequenced([*chosen, *(c for c in found if c.target not in taken and not closes_a_circle(c.target, c.determinants, graph))])
