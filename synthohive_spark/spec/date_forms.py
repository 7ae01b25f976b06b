"""What dates and times in text or whole numbers can be: days since 1970-01-01, or microseconds where their form has a time ("%d/%m/%Y %H:%M").

Hours that are counted on past midnight, as in timetables and time sheets ("25:10:00"), are times of the form "[%H]:%M:%S".
"""

from __future__ import annotations

import re
from typing import NamedTuple

from .decimal_forms import decimal_form, is_decimal_form
from .number_forms import MOST, is_number_form

FIRST_DAY, LAST_DAY = -719_162, 2_932_896  # of the years 1 to 9999
MICROS_PER_DAY = 86_400_000_000
TWO_DIGITS = (-365, 36_160)  # the first day of the years that two digits tell, 1969 to 2068, and the first one after them
_SECOND, _MINUTE = 1_000_000, 60_000_000
_LONG_FORM = re.compile(r"(?P<local>.*?)(?:\.%(?P<digits>[1-6])(?P<bare>\??)f)?(?P<zone>Z|[+-]\d{2}:?\d{2})?")
MOST_HOURS = 9_999  # of times that are counted on past midnight
ELAPSED = ("[%H]:%M:%S", "[%H]:%M", "[?%H]:%M:%S", "[?%H]:%M")  # as spreadsheets write hours that do not start again; with ? of one digit too
_SHORT_FORMS = ("%Y-%m-%dT%H:%M:%SZ",)  # ends as if it had an offset, and is read as it stands


class FormParts(NamedTuple):
    """What a form of times says.

    Attributes:
        local: the form of date and time.
        digits: of a second's parts.
        zone: the offset of all times, as it is written; "" for none.
        bare: whole seconds have no parts.
    """

    local: str
    digits: int
    zone: str
    bare: bool


def form_parts(form: str) -> FormParts:
    """The parts of a form of dates or times."""
    found = None if form in _SHORT_FORMS else _LONG_FORM.fullmatch(form)
    return FormParts(found["local"], int(found["digits"] or 0), found["zone"] or "", bool(found["bare"])) if found else FormParts(form, 0, "", False)


def offset_seconds(zone: str) -> int:
    """Seconds that a clock is ahead of UTC; 0 for "" and "Z"."""
    if zone in ("", "Z"):
        return 0
    return (1 if zone[0] == "+" else -1) * (int(zone[1:3]) * 3600 + int(zone[-2:]) * 60)


def step_micros(spark_type: str) -> int:
    """The microseconds between two numbers of a type of dates or times."""
    return MICROS_PER_DAY if spark_type == "date" else 1


def grain_of(form: str) -> int:
    """The microseconds between two times that the form can tell apart; of a day for dates."""
    if not has_time(form):
        return MICROS_PER_DAY
    digits = form_parts(form).digits
    return int(10 ** (6 - digits)) if digits else _SECOND if "%S" in form else _MINUTE


def has_date(form: str) -> bool:
    """Whether the numbers of a form of dates or times count from 1970 on; else from midnight."""
    return "%Y" in form or "%y" in form


def has_time(form: str) -> bool:
    """Whether the numbers of a form are microseconds."""
    return "%H" in form


def is_elapsed(form: str) -> bool:
    """Whether the hours of a form do not start again after a day ("25:10:00")."""
    return form_parts(form).local in ELAPSED


def is_date_form(form: str) -> bool:
    """Whether it is a form of dates or times."""
    return form != "" and not is_decimal_form(form) and not is_number_form(form)


def form_range(form: str) -> tuple[int, int]:
    """The least and the greatest number of a form; times without a date are those of one day. Forms of decimals and of numbers in text have theirs too."""
    if is_decimal_form(form):
        return decimal_form(form).range
    if is_number_form(form):
        return -MOST, MOST
    if "%y" in form:
        first, last = (days * (MICROS_PER_DAY if has_time(form) else 1) for days in TWO_DIGITS)
        return first, last - (grain_of(form) if has_time(form) else 1)
    if not has_time(form):
        return FIRST_DAY, LAST_DAY
    if is_elapsed(form):
        return 0, (MOST_HOURS + 1) * 3_600_000_000 - grain_of(form)
    last = MICROS_PER_DAY - min(grain_of(form), _SECOND)
    return (0, last) if not has_date(form) else (FIRST_DAY * MICROS_PER_DAY, LAST_DAY * MICROS_PER_DAY + last)
