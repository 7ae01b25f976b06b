"""Texts that are put together of other columns: what they are for arrays. Legend: `n` rows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa

from ...spec.date_forms import FIRST_DAY, LAST_DAY
from ...spec.dependencies import Written
from ..columns.types import is_integer, is_time
from .times import DAY, SECOND, local_micros
from .units import plain, to_units

_EPOCH = datetime(1970, 1, 1)
LETTERS = ("", "upper", "lower", "title", "first", "first upper", "first lower", "slug")
DATE_PARTS = ("%Y", "%y", "%m", "%d", "%B", "%b", "%A", "%a", "%G", "%V", "%j", "%q", "%-m", "%-d")
TIME_PARTS = ("%H", "%M", "%S")


def written(rule: Written, columns: Mapping[str, pa.Array], types: Mapping[str, str]) -> pa.Array:
    """The texts, (n,); null where a determinant is."""
    rows = len(next(iter(columns.values())))
    pieces = [shown(columns[name], types[name], form, rule.zone) if name else [text] * rows for name, text, form in rule.pieces]
    return pa.array([None if None in row else "".join(row) for row in zip(*pieces, strict=True)], type=pa.string())


def shown(column: pa.Array, spark_type: str, form: str, zone: str | None) -> list[str | None]:
    """The values of a column as a form shows them, None for null. `zone` is that of the clock of time stamps that have one."""
    array = plain(column)
    if spark_type == "date" or is_time(spark_type):
        return _clock(array, form, zone if spark_type == "timestamp" else None, spark_type == "date")
    values = array.to_pylist()
    if spark_type == "string":
        return [None if v is None else _letters(v, form) for v in values]
    return [None if v is None else format(v, form) for v in values]


def _letters(text: str, form: str) -> str:
    if form.startswith("first"):
        text, form = text[:1], form[6:]
    if form == "slug":
        return text.lower().replace(" ", "-")
    return text.upper() if form == "upper" else text.lower() if form == "lower" else text.title() if form == "title" else text


def _clock(array: pa.Array, form: str, zone: str | None, is_date: bool) -> list[str | None]:
    units, null = to_units(array, 0)
    micros = local_micros(np.where(null, 0, units) * (DAY if is_date else 1), zone)
    null = null | (micros // DAY < FIRST_DAY) | (micros // DAY > LAST_DAY)
    micros = micros % DAY // SECOND * SECOND if form in TIME_PARTS else micros // DAY * DAY  # one text for all that show the same
    different, place = np.unique(np.where(null, 0, micros), return_inverse=True)
    texts = [_moment(int(m), form) for m in different]
    return [None if empty else texts[i] for i, empty in zip(place.ravel().tolist(), null.tolist(), strict=True)]


def _moment(micros: int, form: str) -> str:
    at = _EPOCH + timedelta(microseconds=micros)
    if form == "%q":
        return str((at.month + 2) // 3)
    if form in ("%-m", "%-d"):
        return str(at.month if form == "%-m" else at.day)
    return at.strftime(form).zfill(4) if form in ("%Y", "%G") else at.strftime(form)


def forms_of(column: pa.Array, spark_type: str, width: int) -> list[str]:
    """In which forms a column can be part of a text of `width` characters at most."""
    if spark_type == "string":
        return list(LETTERS)
    if spark_type == "date" or is_time(spark_type):
        return [*DATE_PARTS, *(TIME_PARTS if is_time(spark_type) else ())]
    if is_integer(spark_type):
        return ["d", *(f"0{w}d" for w in range(2, min(width, 12) + 1)), ",d"]
    if pa.types.is_floating(column.type) or pa.types.is_decimal(column.type):
        return [f"{comma}.{digits}f" for digits in range(4) for comma in ("", ",")]
    return []
