"""Sums on a clock that starts again: times of the day past midnight, hours, weekdays. Legend: `n` rows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...spec.dependencies import Clock, Reading
from ..columns.types import arrow_type, decimal_scale
from .times import MINUTE, SECOND, in_form, micros_of
from .units import from_units, plain, to_units

DIGITS = "^([01][0-9]|2[0-4])[0-5][0-9]$"  # of "HHMM"
# As `strptime` writes them, and the microseconds of their unit.
FORMS: dict[Reading, tuple[str, int]] = {"HH:MM": ("%H:%M", MINUTE), "HH:MM:SS": ("%H:%M:%S", SECOND)}


def read_clock(array: pa.Array, reading: Reading) -> tuple[np.ndarray, np.ndarray]:
    """What a column shows, in the clock's unit, int64 (n,), and where it shows nothing, bool (n,)."""
    array = plain(array)
    if reading in FORMS:
        form, unit = FORMS[reading]
        micros = micros_of(array, form)
        return np.nan_to_num(micros).astype(np.int64) // unit, np.isnan(micros)
    if reading == "HHMM":
        array = pc.if_else(pc.match_substring_regex(array, DIGITS), array, pa.scalar(None, array.type)).cast(pa.int64())
    units, null = to_units(array, 0)
    return (units if reading == "number" else units // 100 * 60 + units % 100), null


def show_clock(values: np.ndarray, null: np.ndarray, reading: Reading, spark_type: str) -> pa.Array:
    """The inverse of `read_clock`, in the exact type."""
    if reading in FORMS:
        form, unit = FORMS[reading]
        return in_form(values * unit, null, form, np.zeros(len(values), dtype=bool)).cast(arrow_type(spark_type))
    if reading == "HHMM":
        numbers = pa.array(values // 60 * 100 + values % 60, mask=np.ascontiguousarray(null))
        return pc.utf8_lpad(numbers.cast(pa.string()), 4, "0")
    scale = decimal_scale(spark_type) or 0
    units = values // 60 * 100 + values % 60 if reading == "hhmm" else values
    return from_units(units * 10**scale, null, spark_type, scale)


def on_clock(clock: Clock, columns: Mapping[str, pa.Array], types: Mapping[str, str]) -> pa.Array:
    """The target in its exact type, (n,)."""
    values, null = _summed(clock, columns)
    return show_clock((values - clock.first) % clock.cycle + clock.first, null, clock.readings[0], types[clock.target])


def shows_sum(clock: Clock, columns: Mapping[str, pa.Array]) -> np.ndarray:
    """On which rows the target shows what the clock does, or both are null, bool (n,). Midnight can be told as 0 or as 24 hours."""
    values, null = _summed(clock, columns)
    actual, missing = read_clock(columns[clock.target], clock.readings[0])
    apart = actual - values
    inside = (actual >= clock.first) & (actual < clock.first + clock.cycle) if clock.is_span else (actual >= 0) & (actual <= clock.cycle)
    return np.where(null | missing, null & missing, (apart % clock.cycle == 0) & inside)


def _summed(clock: Clock, columns: Mapping[str, pa.Array]) -> tuple[np.ndarray, np.ndarray]:
    total, null = np.full(len(columns[clock.determinants[0]]), clock.constant), np.zeros(len(columns[clock.determinants[0]]), dtype=bool)
    for name, factor, reading in zip(clock.determinants, clock.factors, clock.readings[1:], strict=True):
        values, missing = read_clock(columns[name], reading)
        total, null = total + factor * (values % clock.cycle), null | missing  # what is huge must not wrap round
    return total, null


def ends_of_day(clock: Clock, columns: Mapping[str, pa.Array]) -> tuple[int, int]:
    """How many rows of the target show 0, and how many show a whole turn of the clock (24 hours, the seventh day)."""
    values, null = read_clock(columns[clock.target], clock.readings[0])
    return int(((values == 0) & ~null).sum()), int(((values == clock.cycle) & ~null).sum())
