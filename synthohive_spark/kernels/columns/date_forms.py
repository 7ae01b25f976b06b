"""Dates and times in text or in whole numbers ("31/01/2021", 20210131): which form a column has, and the way to days or microseconds and back."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...spec.date_forms import LAST_DAY, has_time

_DATES = ("%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y.%m.%d")
_NAMED = ("%d %b %Y", "%d-%b-%Y", "%b %d, %Y", "%d %B %Y", "%B %d, %Y")
_TIMES = ("%H:%M:%S", "%H:%M")
COMPACT = ("%Y%m%d",)  # whole numbers too
FORMS = (
    *_DATES,
    *_NAMED,
    *COMPACT,
    *(f"{date}{between}{time}" for date in _DATES for time in _TIMES for between in (" ", "T")),
    "%Y-%m-%dT%H:%M:%SZ",
    "%Y%m%d%H%M%S",
    *_TIMES,
)
YEARS = (1600, 2399)  # years beyond them are no dates of records: the digits mean something else; but for 9999-12-31, which stands for no end
LEAST_DIFFERENT = 10  # values of digits alone: fewer can be codes that look like dates
DIFFERENT = 3  # values of any other form
TRIED = 2000  # values that decide which forms are worth a look at all of them
_DAY = 86_400
_SWAPPED = {ord("d"): "m", ord("m"): "d"}  # where day and month fit either way, nobody can tell which is which


def find_form(texts: pa.Array) -> str | None:
    """The first form that all values have, as `strptime` writes it; None where there is none, or where days and months could be each other.

    Args:
        texts: distinct values (N,); nulls count as no value.
    """
    known = texts.drop_null()
    for form in FORMS:
        digits = form in COMPACT or form == "%Y%m%d%H%M%S"
        if len(known) >= (LEAST_DIFFERENT if digits else DIFFERENT) and _all_of(known[:TRIED], form) and _all_of(known, form):
            return None if _all_of(known, form.translate(_SWAPPED)) and form.translate(_SWAPPED) != form and form[1] != "Y" else form
    return None


def _all_of(texts: pa.Array, form: str) -> bool:
    parsed = _parsed(texts, form)
    if parsed.null_count or not pc.all(pc.equal(_shown(parsed, form), texts)).as_py():
        return False
    years = pc.year(parsed)
    usual = pc.and_(pc.greater_equal(years, YEARS[0]), pc.less_equal(years, YEARS[1]))
    open_end = pc.equal(parsed.cast(pa.date32(), safe=False), pa.scalar(LAST_DAY, pa.int32()).cast(pa.date32()))
    return "%Y" not in form or (pc.all(pc.or_(usual, open_end)).as_py() and pc.any(usual).as_py())


def numbers_of(texts: pa.Array, form: str) -> np.ndarray:
    """Days since 1970-01-01, or microseconds where the form has a time, float64 (N,); nan for null and for what has another form."""
    seconds = np.asarray(_parsed(texts, form).cast(pa.int64()).cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), dtype=np.float64)
    if "%Y" not in form:
        seconds = seconds % _DAY  # Arrow takes them for times of the day before 1900
    return seconds * 1e6 if has_time(form) else seconds / _DAY


def texts_of(x: np.ndarray, null: np.ndarray, form: str) -> pa.Array:
    """The inverse of `numbers_of`: float64 (N,) and a mask of nulls (N,)."""
    seconds = np.rint(np.where(null, 0.0, x) / (1e6 if has_time(form) else 1 / _DAY)).astype(np.int64)
    return _shown(pa.array(seconds, type=pa.int64(), mask=null).cast(pa.timestamp("s")), form)


def _parsed(texts: pa.Array, form: str) -> pa.Array:
    return pc.strptime(texts, format=form, unit="s", error_is_null=True)


def _shown(times: pa.Array, form: str) -> pa.Array:
    return pc.strftime(times, format=form)
