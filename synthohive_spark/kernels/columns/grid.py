"""The granularity of numbers: whole hours, cents, multiples of 5; also where only a share of the values keeps to it."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from ...spec.encoding import NumberEncoding
from .types import decimal_scale, from_float64, is_integer, is_time

MAX_DECIMALS = 6  # floats with more digits are continuous
MIN_DISTINCT = 10  # fewer values share a divisor by accident
EXACT = 2.0**53  # float64 counts no further by ones
ACCIDENT = 1e-9  # chance that numbers that keep to no grid seem to keep to one
TIME_UNITS = (86_400_000_000, 3_600_000_000, 60_000_000, 1_000_000, 1_000, 1)  # microseconds


# Multiples of the finest step that people and clocks round to.
COARSE = (2, 3, 4, 5, 6, 10, 12, 15, 20, 25, 30, 50, 60, 90, 100, 120, 250, 300, 500, 600, 900, 1000, 1800, 3600, 5000, 10_000, 43_200, 86_400, 100_000)
LEAST_COARSE = 20  # multiples in the range of the values: of fewer any shape has some on them oftener
WORTH_TELLING = 0.03  # nats a value, by which the share on the coarse grid differs from chance
SURE = 12.0  # nats in all


class Coarse(NamedTuple):
    """A coarser grid for a share of the values; a step of 0 means none."""

    step: float = 0.0
    origin: float = 0.0
    share: float = 0.0


def find_coarse(values: np.ndarray, counts: np.ndarray, step: float, origin: float) -> Coarse:
    """The coarser grid that says most about the values: the one whose share differs most from chance (Kullback-Leibler).

    Args:
        values: distinct, on the grid `origin + k * step`, float64 (R,).
        counts: rows per value, int64 (R,).
    """
    if not step or len(values) < LEAST_COARSE:
        return Coarse()
    whole = np.rint((values - origin) / step)
    if np.abs(whole).max() > EXACT:
        return Coarse()
    units, rows, best = whole.astype(np.int64), counts.sum(), (0.0, Coarse())
    for times in (t for t in COARSE if (units[-1] - units[0]) >= LEAST_COARSE * t):
        on = np.bincount(units % times, weights=counts, minlength=times)
        rest, share = int(np.argmax(on)), float(on.max() / rows)
        gain = _divergence(share, 1 / times) if share > 1 / times else 0.0
        if gain > max(best[0], WORTH_TELLING, (SURE + np.log(times)) / rows):
            best = gain, Coarse(times * step, origin + rest * step, share)
    return best[1]


def _divergence(p: float, q: float) -> float:
    """Of two coins, in nats."""
    return float(sum(a * np.log(a / b) for a, b in ((p, q), (1 - p, 1 - q)) if a > 0))


def on_coarse(whole: np.ndarray, ends: tuple[np.ndarray, np.ndarray], encoding: NumberEncoding, rng: np.random.Generator) -> np.ndarray:
    """Steps from the origin, float64 (N,), moved to the coarse grid for its share of them, and off it for the others; none leaves its bin.

    Args:
        ends: first and last step of each value's bin, float64 (N,).
    """
    times = np.rint(encoding.coarse / encoding.step)
    first = np.rint((encoding.coarse_origin - encoding.origin) / encoding.step)
    low, high = np.ceil((ends[0] - first) / times), np.floor((ends[1] - first) / times)
    nearest = first + np.clip(np.rint((whole - first) / times), low, high) * times
    chosen = rng.random(len(whole)) < encoding.coarse_share
    beside = np.where(whole < ends[1], whole + 1, np.maximum(whole - 1, ends[0]))
    return np.where(low > high, whole, np.where(chosen, nearest, np.where(whole == nearest, beside, whole)))


def with_last_digits(array: pa.Array, binned: np.ndarray, rng: np.random.Generator) -> pa.Array:
    """Whole numbers (N,) past 2**53, of which a float holds only every second to thousandth, with last digits drawn.

    Args:
        binned: which of them come from bins, bool (N,); others are exact values that were seen.
    """
    whole = array.fill_null(0).to_numpy(zero_copy_only=False)
    spacing = np.spacing(np.abs(whole).astype(np.float64))
    wide = binned & (spacing > 1)
    if not wide.any():
        return array
    digits = np.zeros(len(whole), dtype=np.int64)
    digits[wide] = rng.integers(0, spacing[wide].astype(np.int64))
    drawn = np.where(whole > 0, whole - digits, whole + digits)  # towards zero: none leaves the range of the type
    return pa.array(drawn.astype(whole.dtype), type=array.type, mask=array.is_null().to_numpy(zero_copy_only=False))


def find_grid(values: np.ndarray, spark_type: str) -> tuple[float, float]:
    """The step and origin of distinct finite values, float64 (D,), D >= 1: all are `origin + k * step`; a step of 0 means continuous."""
    decimals = _decimals(values, spark_type)
    if decimals is None:
        return 0.0, 0.0
    if np.abs(values).max() * 10.0**decimals > EXACT:
        # Whole numbers stay whole.
        return _wide_grid(values, spark_type) if is_integer(spark_type) or is_time(spark_type) else (10.0**-decimals, 0.0)
    units = np.rint(values * 10.0**decimals).astype(np.int64)
    common = int(np.gcd.reduce(units - units[0])) if len(units) > 1 else 0
    if is_time(spark_type):
        common = _time_unit(units, common)
    elif len(units) < MIN_DISTINCT or common == 0:
        common = 1
    origin = int(units[0] % common)
    return round(common / 10.0**decimals, decimals), round(origin / 10.0**decimals, decimals)


def _wide_grid(values: np.ndarray, spark_type: str) -> tuple[float, float]:
    """`find_grid` of whole numbers past 2**53, of which a float holds the nearest multiple of a power of two: nanoseconds, times up to the year 9999.

    A common divisor of what floats hold is one of the numbers themselves where it is a multiple of ten, as no power of two is. Where there is none, the step is
    the greatest power of ten of which all may be multiples, if that is no accident.
    """
    units = [int(v) for v in values]
    common = math.gcd(*(u - units[0] for u in units))
    if is_time(spark_type):
        common = _time_unit(np.array(units), common)
    if common % 10 == 0 < common and len(units) >= (1 if is_time(spark_type) else MIN_DISTINCT) and float(common) == common:
        return float(common), float(units[0] % common)
    spacing = [int(max(1.0, np.spacing(abs(v)))) for v in values]
    for power in range(18, 0, -1):
        step = 10**power
        by_chance = sum(math.log(min(1.0, (s + 1) / step)) for s in spacing)
        if by_chance < math.log(ACCIDENT) and all(min(u % step, -u % step) <= s // 2 for u, s in zip(units, spacing, strict=True)):
            return float(step), 0.0
    return 1.0, 0.0


def typed_numbers(x: np.ndarray, null: np.ndarray, encoding: NumberEncoding) -> pa.Array:
    """Numbers in the column's type, `x` float64 (N,) and a mask of nulls (N,); whole ones past 2**53 exactly on the grid."""
    array = from_float64(x, null, encoding.spark_type, encoding.form, encoding.labels)
    if not is_integer(encoding.spark_type) or encoding.form or encoding.step <= 1:
        return array
    whole = array.fill_null(0).to_numpy(zero_copy_only=False)
    if np.abs(whole.astype(np.float64)).max(initial=0.0) <= EXACT:
        return array
    step, limits = int(encoding.step), np.iinfo(np.int64)
    past = (whole % step - int(encoding.origin)) % step  # in this order nothing overflows
    up = (past > step - past) & (whole <= limits.max - (step - past)) | (whole < limits.min + past)
    return pa.array(np.where(up, whole + (step - past), whole - past), type=array.type, mask=array.is_null().to_numpy(zero_copy_only=False))


def decimals_of(step: float, origin: float) -> int:
    """How many digits after the point the multiples of `step` from `origin` on have, at most 18."""
    for digits in range(19):
        if round(step, digits) == step and round(origin, digits) == origin:
            return digits
    return 18


def _decimals(values: np.ndarray, spark_type: str) -> int | None:
    """Digits after the point that all values can do with; None for more than a float can be trusted with."""
    if is_integer(spark_type) or is_time(spark_type) or spark_type == "date":
        return 0
    most = decimal_scale(spark_type)
    single = spark_type == "float"
    for digits in range(MAX_DECIMALS + 1 if most is None else most):
        if np.abs(values).max() * 10.0**digits > EXACT:
            break
        rounded = np.round(values, digits)
        if np.array_equal(rounded.astype(np.float32), values.astype(np.float32)) if single else np.array_equal(rounded, values):
            return digits
    return most


def _time_unit(units: np.ndarray, common: int) -> int:
    if len(units) >= MIN_DISTINCT:
        return common
    both = int(np.gcd(common, units[0]))
    return next(unit for unit in TIME_UNITS if both % unit == 0)
