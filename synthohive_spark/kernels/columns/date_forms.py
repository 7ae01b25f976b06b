"""Dates and times in text or in whole numbers ("31/01/2021", 20210131): which form a column has, and the way to days or microseconds and back."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...spec.date_forms import ELAPSED, LAST_DAY, form_parts, has_date, has_time, offset_seconds

_DATES = ("%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y.%m.%d")
_SHORT = ("%d/%m/%y", "%m/%d/%y", "%d.%m.%y", "%d-%m-%y", "%m-%d-%y", "%y-%m-%d", "%y/%m/%d")
_NAMED = ("%d %b %y", "%d-%b-%y", "%d %b %Y", "%d-%b-%Y", "%b %d, %Y", "%d %B %Y", "%B %d, %Y")
_TIMES = ("%H:%M:%S", "%H:%M")
COMPACT = ("%Y%m%d", "%y%m%d")  # whole numbers too
FORMS = (
    *_DATES,
    *_NAMED,
    *COMPACT,
    *_SHORT,
    *(f"{date}{between}{time}" for date in _DATES for time in _TIMES for between in (" ", "T")),
    *(f"{date} {time}" for date in _SHORT for time in _TIMES),
    "%Y-%m-%dT%H:%M:%SZ",
    "%Y%m%d%H%M%S",
    *_TIMES,
)
YEARS = (1600, 2399)  # years beyond them are no dates of records: the digits mean something else; but for 9999-12-31, which stands for no end
LEAST_DIFFERENT = 10  # values of digits alone, or with two for the year: fewer can be codes that look like dates
DIFFERENT = 3  # values of any other form
TRIED = 2000  # values that decide which forms are worth a look at all of them
_DAY = 86_400
MICROS = 1_000_000
# What can follow the seconds: parts of a second, and how far the clock is from UTC.
_PARTS = r"^(?P<local>[^.]*?)(?P<fraction>\.\d{1,6})?(?P<zone>Z|[+-]\d{2}:?\d{2})?$"
_SWAPPED = {ord("d"): "m", ord("m"): "d"}  # where day and month fit either way, nobody can tell which is which


def find_form(texts: pa.Array) -> str | None:
    """The first form that all values have, as `strptime` writes it; None where there is none, or where days and months could be each other.

    Args:
        texts: distinct values (N,); nulls count as no value.
    """
    known = texts.drop_null()
    for form in FORMS:
        short = form in COMPACT or form == "%Y%m%d%H%M%S" or "%y" in form
        if len(known) >= (LEAST_DIFFERENT if short else DIFFERENT) and _all_of(known[:TRIED], form) and _all_of(known, form):
            return None if any(_all_of(known, other) for other in _rivals(form)) else form
    return _long_form(known) or _elapsed_form(known)


def _rivals(form: str) -> list[str]:
    """Forms of the same outline: where one of them fits as well, nobody can tell which is which."""
    if "%y" in form:
        outline = re.sub("%[ymd]", "%", form)
        return [other for other in FORMS if other != form and re.sub("%[ymd]", "%", other) == outline] + (["%Y%m"] if form in COMPACT else [])
    swapped = form.translate(_SWAPPED)
    return [swapped] if swapped != form and form[1] != "Y" else []


def _elapsed_form(texts: pa.Array) -> str | None:
    """The form of hours that go on past midnight, or that have one digit where one does."""
    forms = (form for form in ELAPSED if len(texts) >= LEAST_DIFFERENT and all(_is_elapsed(part, form) for part in (texts[:TRIED], texts)))
    return next(forms, None)


def _is_elapsed(texts: pa.Array, form: str) -> bool:
    numbers = numbers_of(texts, form)
    return not np.isnan(numbers).any() and bool(texts_of(numbers, np.zeros(len(numbers), dtype=bool), form).equals(texts))


def _elapsed_numbers(texts: pa.Array, form: str) -> np.ndarray:
    parts = pc.extract_regex(texts, r"^(?P<h>\d{1,4}):(?P<m>[0-5]\d)" + (r":(?P<s>[0-5]\d)$" if form.endswith("%S") else "$"))
    units = [3600, 60, 1][: parts.type.num_fields]
    told = [pc.if_else(parts.is_valid(), parts.field(i), None).cast(pa.float64()).to_numpy(zero_copy_only=False) for i in range(len(units))]
    return np.asarray(np.sum([part * unit for part, unit in zip(told, units, strict=True)], axis=0) * MICROS, dtype=np.float64)


def _elapsed_texts(seconds: np.ndarray, null: np.ndarray, form: str) -> pa.Array:
    hours = pa.array(seconds // 3600, mask=null).cast(pa.string())
    parts = [hours if "?" in form else pc.utf8_lpad(hours, 2, "0"), seconds // 60 % 60, *([seconds % 60] if form.endswith("%S") else [])]
    after = [pc.utf8_lpad(pa.array(part).cast(pa.string()), 2, "0") for part in parts[1:]]
    return pc.binary_join_element_wise(parts[0], *after, ":")


def _long_form(texts: pa.Array) -> str | None:
    """A form with parts of a second, or with the offset that most of the times have; the others are moved to it."""
    parts = pc.extract_regex(texts, _PARTS)
    if not len(texts) or parts.null_count:
        return None
    local, fraction, zone = (parts.field(i) for i in range(3))
    bare = pc.any(pc.match_substring_regex(fraction, "[1-9]")).as_py() and not pc.any(pc.match_substring_regex(fraction, r"^\.0+$")).as_py()
    lengths, styles = set(pc.utf8_length(fraction).to_pylist()), {(len(z), ":" in z) for z in set(zone.to_pylist())}
    bare = bare and 0 in lengths  # whole seconds have no parts, as Python writes them
    lengths -= {0} if bare else set()
    if len(lengths) > 1 or len(styles) > 1 or (lengths == {0} and styles == {(0, False)}):
        return None
    found = find_form(pc.unique(local))
    digits = lengths.pop()
    if found is None or not has_time(found) or (digits and not found.endswith("%S")) or found != form_parts(found).local:
        return None
    counts = sorted((-c["counts"], c["values"]) for c in pc.value_counts(zone).to_pylist())
    parts_of_second = f".%{digits - 1}{'?' if bare else ''}f" if digits else ""
    return found + parts_of_second + counts[0][1]


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
    if form in ELAPSED:
        return _elapsed_numbers(texts, form)
    local, digits, zone, _ = form_parts(form)
    if digits or zone:
        return _long_numbers(texts, local, zone)
    seconds = np.asarray(_parsed(texts, form).cast(pa.int64()).cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), dtype=np.float64)
    if not has_date(form):
        seconds = seconds % _DAY  # Arrow takes them for times of the day before 1900
    return seconds * 1e6 if has_time(form) else seconds / _DAY


def _long_numbers(texts: pa.Array, local: str, zone: str) -> np.ndarray:
    parts = pc.extract_regex(texts, _PARTS)
    zones = parts.field(2).dictionary_encode()
    moved = np.array([offset_seconds(zone) - offset_seconds(own or "") for own in zones.dictionary.to_pylist()] or [0], dtype=np.float64)
    fraction = pc.if_else(pc.equal(parts.field(1), ""), pa.scalar("0"), pc.binary_join_element_wise("0", parts.field(1), "")).cast(pa.float64())
    index = zones.indices.fill_null(0).to_numpy(zero_copy_only=False)
    micros = np.rint(fraction.fill_null(0).to_numpy(zero_copy_only=False) * MICROS) + moved[index] * MICROS
    return numbers_of(parts.field(0), local) + np.where(parts.is_null().to_numpy(zero_copy_only=False), np.nan, micros)


def texts_of(x: np.ndarray, null: np.ndarray, form: str) -> pa.Array:
    """The inverse of `numbers_of`: float64 (N,) and a mask of nulls (N,)."""
    local, digits, zone, bare = form_parts(form)
    if digits or zone:
        unit = 10 ** (6 - digits)
        micros = np.rint(np.where(null, 0.0, x) / unit).astype(np.int64) * unit
        seconds = micros // MICROS
        text = _elapsed_texts(seconds, null, local) if local in ELAPSED else _shown(pa.array(seconds, mask=null).cast(pa.timestamp("s")), local)
        parts = micros % MICROS // unit
        after = pc.binary_join_element_wise(".", pc.utf8_lpad(pa.array(parts).cast(pa.string()), digits, "0"), "") if digits else pa.scalar("")
        after = pc.if_else(pa.array(parts == 0), pa.scalar(""), after) if bare else after
        return pc.binary_join_element_wise(text, after, zone, "")
    seconds = np.rint(np.where(null, 0.0, x) / (1e6 if has_time(form) else 1 / _DAY)).astype(np.int64)
    if form in ELAPSED:
        return _elapsed_texts(seconds, null, form)
    return _shown(pa.array(seconds, type=pa.int64(), mask=null).cast(pa.timestamp("s")), form)


def _parsed(texts: pa.Array, form: str) -> pa.Array:
    return pc.strptime(texts, format=form, unit="s", error_is_null=True)


def _shown(times: pa.Array, form: str) -> pa.Array:
    return pc.strftime(times, format=form)
