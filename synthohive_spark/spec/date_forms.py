"""What dates and times in text or whole numbers can be: days since 1970-01-01, or microseconds where their form has a time ("%d/%m/%Y %H:%M")."""

from __future__ import annotations

from .decimal_forms import decimal_form, is_decimal_form
from .number_forms import MOST, is_number_form

FIRST_DAY, LAST_DAY = -719_162, 2_932_896  # of the years 1 to 9999
MICROS_PER_DAY = 86_400_000_000
_SECOND = 1_000_000  # no form has parts of it


def has_time(form: str) -> bool:
    """Whether the numbers of a form are microseconds."""
    return "%H" in form


def is_date_form(form: str) -> bool:
    """Whether it is a form of dates or times."""
    return form != "" and not is_decimal_form(form) and not is_number_form(form)


def form_range(form: str) -> tuple[int, int]:
    """The least and the greatest number of a form; times without a date are those of one day. Forms of decimals and of numbers in text have theirs too."""
    if is_decimal_form(form):
        return decimal_form(form).range
    if is_number_form(form):
        return -MOST, MOST
    if not has_time(form):
        return FIRST_DAY, LAST_DAY
    if "%Y" not in form:
        return 0, MICROS_PER_DAY - _SECOND
    return FIRST_DAY * MICROS_PER_DAY, (LAST_DAY + 1) * MICROS_PER_DAY - _SECOND
