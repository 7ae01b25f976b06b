"""Dates and times in text or whole numbers as numbers, in Spark: what `kernels/columns/date_forms.py` does on the executors."""

from __future__ import annotations

from functools import reduce
from operator import add

from pyspark.sql import Column
from pyspark.sql import functions as F

from ..spec.date_forms import ELAPSED, MICROS_PER_DAY, TWO_DIGITS, FormParts, form_parts, has_date, has_time, offset_seconds

_WIDTHS = {
    "Y": 4,
    "y": 2,
    "m": 2,
    "d": 2,
    "H": 2,
    "M": 2,
    "S": 2,
    "b": 3,
    "B": 0,
}  # characters; names of months differ, and nothing is read after them by its place
_JAVA = {"Y": "yyyy", "y": "yy", "m": "MM", "d": "dd", "b": "MMM", "B": "MMMM"}
_PARTS = r"^([^.]*?)(\.\d{1,6})?(Z|[+-]\d{2}:?\d{2})?$"
CENTURY = 36_525  # days of 1969 to 2068, and of the hundred years after them
_MICROS = {"H": 3_600_000_000, "M": 60_000_000, "S": 1_000_000}


def number_of_form(cell: Column, form: str) -> Column:
    """Days since 1970-01-01, or microseconds where the form has a time, as `bigint`; null for what has another form.

    Args:
        cell: text or whole numbers.
        form: as `strptime` writes it.
    """
    if form in ELAPSED:
        told = F.split(cell, ":")
        return reduce(add, (F.get(told, F.lit(i)).try_cast("bigint") * F.lit(micros) for i, micros in enumerate(list(_MICROS.values())[: form.count("%")])))
    parts_of_form = form_parts(form)
    if parts_of_form.digits or parts_of_form.zone:
        return _long_number(cell.cast("string"), parts_of_form)
    text, java, at, place = cell.cast("string"), "", 0, 1
    parts: dict[str, int] = {}
    while at < len(form):
        if form[at] == "%":
            letter = form[at + 1]
            parts[letter] = place
            java, place, at = java + _JAVA.get(letter, ""), place + _WIDTHS[letter], at + 2
        else:
            java, place, at = java + ("" if set(parts) & set(_MICROS) else form[at]), place + 1, at + 1
    if not has_time(form):
        return _days(text, java)
    times = [F.substring(text, parts[letter], 2).try_cast("bigint") * F.lit(micros) for letter, micros in _MICROS.items() if letter in parts]
    if not has_date(form):
        return reduce(add, times)
    day = F.substring(text, 1, parts["H"] - 2)  # one character stands between date and time, or none
    day = day if form[form.index("%H") - 1] in " T" else F.substring(text, 1, parts["H"] - 1)
    return reduce(add, times, _days(day, java.rstrip(" T")) * F.lit(MICROS_PER_DAY))


def _days(text: Column, java: str) -> Column:
    """Days since 1970-01-01; two digits of a year are those of 1969 to 2068, where Java takes 2000 to 2099."""
    day = F.unix_date(F.try_to_date(text, java)).cast("bigint")
    return F.when(day >= TWO_DIGITS[1], day - CENTURY).otherwise(day) if "yyyy" not in java else day


def _long_number(text: Column, form: FormParts) -> Column:
    """Of times with parts of a second or an offset; those with another offset are moved to that of the form."""

    def part(number: int) -> Column:
        return F.regexp_extract(text, _PARTS, number)

    own = part(3)
    sign = F.when(own.startswith("-"), -1).otherwise(1)
    ahead = sign * (F.substring(own, 2, 2).try_cast("bigint") * 3600 + F.substring(own, -2, 2).try_cast("bigint") * 60)
    moved = offset_seconds(form.zone) - F.when(own.isin("", "Z"), 0).otherwise(ahead)
    micros = F.rpad(F.substring(part(2), 2, 6), 6, "0").try_cast("bigint")
    return number_of_form(part(1), form.local) + micros + moved.cast("bigint") * 1_000_000
