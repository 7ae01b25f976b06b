"""The granularity of numbers: whole hours, cents, multiples of 5."""

from __future__ import annotations

import numpy as np

from .types import decimal_scale, is_integer, is_time

MAX_DECIMALS = 6  # floats with more digits are continuous
MIN_DISTINCT = 10  # fewer values share a divisor by accident
EXACT = 2.0**53  # float64 counts no further by ones
TIME_UNITS = (86_400_000_000, 3_600_000_000, 60_000_000, 1_000_000, 1_000, 1)  # microseconds


def find_grid(values: np.ndarray, spark_type: str) -> tuple[float, float]:
    """The step and origin of distinct finite values, float64 (D,), D >= 1: all are `origin + k * step`; a step of 0 means continuous."""
    decimals = _decimals(values, spark_type)
    if decimals is None or np.abs(values).max() * 10.0**decimals > EXACT:
        # Past 2**53 differences are rounded; whole numbers stay whole.
        return (0.0, 0.0) if decimals is None else (10.0**-decimals, 0.0)
    units = np.rint(values * 10.0**decimals).astype(np.int64)
    common = int(np.gcd.reduce(units - units[0])) if len(units) > 1 else 0
    if is_time(spark_type):
        common = _time_unit(units, common)
    elif len(units) < MIN_DISTINCT or common == 0:
        common = 1
    origin = int(units[0] % common)
    return round(common / 10.0**decimals, decimals), round(origin / 10.0**decimals, decimals)


def decimals_of(step: float, origin: float) -> int:
    """How many digits after the point the multiples of `step` from `origin` on have, at most 18."""
    for digits in range(19):
        if round(step, digits) == step and round(origin, digits) == origin:
            return digits
    return 18


def _decimals(values: np.ndarray, spark_type: str) -> int | None:
    """Digits after the point that all values can do with; None for more than a float can be trusted with."""
    if is_integer(spark_type) or is_time(spark_type) or spark_type in ("date", "string"):
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
