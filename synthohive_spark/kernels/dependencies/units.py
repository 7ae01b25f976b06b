"""Columns as whole numbers of their smallest unit, and back: sums of them are exact. They are int64, but for decimals past it, which are Python's own
in an array of objects.

Integers as they are, decimals and floats of few digits times a power of ten, dates as days, time stamps as microseconds since 1970-01-01 UTC.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..columns import decimals
from ..columns.types import arrow_type, decimal_scale

MAX_DIGITS = 6  # of a float that counts as a number with a fixed point
LARGEST = 2.0**62  # larger units could overflow in a sum of two


def plain(array: pa.Array) -> pa.Array:
    """Without nan, which counts as null, and with one zero; dates as int32 days and time stamps as int64 microseconds."""
    if pa.types.is_floating(array.type):
        zero = pa.scalar(0, array.type)
        return pc.add(pc.if_else(pc.is_nan(array), pa.scalar(None, array.type), array), zero)  # -0.0 + 0.0 is 0.0
    if pa.types.is_timestamp(array.type):
        return array.cast(pa.timestamp("us", tz=array.type.tz)).view(pa.int64())
    return array.view(pa.int32()) if pa.types.is_date32(array.type) else array


def with_zeros(array: pa.Array) -> pa.Array:
    """Numbers, plain, with 0 in place of nulls."""
    return array.fill_null(pa.scalar(0, array.type))


def to_floats(array: pa.Array) -> np.ndarray:
    """Numbers, days or microseconds of an array that is `plain`, float64 (N,); nulls are nan."""
    return np.asarray(array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), dtype=np.float64)


def to_units(array: pa.Array, digits: int) -> tuple[np.ndarray, np.ndarray]:
    """Units (N,) of an array that is `plain`, and where it is null or a float too large, bool (N,). `digits` after the point; a decimal has its own."""
    null = array.is_null().to_numpy(zero_copy_only=False)
    if pa.types.is_decimal(array.type):
        return decimals.units_of(array), null
    if pa.types.is_floating(array.type):
        scaled = np.rint(np.where(null, 0.0, to_floats(array)) * 10.0**digits)
        null = null | (np.abs(scaled) > LARGEST)
        return np.where(null, 0.0, scaled).astype(np.int64), null
    return array.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False), null


def from_units(units: np.ndarray, null: np.ndarray, spark_type: str, digits: int) -> pa.Array:
    """The inverse of `to_units`, in the exact type. What does not fit into the type takes its nearest value."""
    target = arrow_type(spark_type)
    mask = np.ascontiguousarray(null)
    if pa.types.is_floating(target):
        return pa.array((units / 10.0**digits).astype(target.to_pandas_dtype()), type=target, mask=mask)
    if pa.types.is_decimal(target):
        return decimals.from_units(units, null, target)
    storage = pa.int32() if pa.types.is_date(target) else pa.int64() if pa.types.is_timestamp(target) else target
    limits = np.iinfo(storage.to_pandas_dtype())
    array = pa.array(np.clip(units, limits.min, limits.max).astype(storage.to_pandas_dtype()), type=storage, mask=mask)
    return array if storage == target else array.view(target)


def digits_of(array: pa.Array, spark_type: str) -> int | None:
    """Digits after the point that all values of the array, which is `plain`, can do with; None for a float of more than `MAX_DIGITS`."""
    scale = decimal_scale(spark_type)
    if scale is not None or not pa.types.is_floating(array.type):
        return scale or 0
    values = array.drop_null().to_numpy(zero_copy_only=False)
    if not np.isfinite(values).all():
        return None
    for digits in range(MAX_DIGITS + 1):
        if (np.round(values.astype(np.float64), digits).astype(values.dtype) == values).all():
            return digits
    return None


def same_values(found: pa.Array, actual: pa.Array) -> np.ndarray:
    """Where both are equal, nulls too, bool (n,); floats but for rounding."""
    found, actual = plain(found), plain(actual)
    null, missing = (a.is_null().to_numpy(zero_copy_only=False) for a in (found, actual))
    if pa.types.is_floating(actual.type):
        x, y = (a.cast(pa.float64()).fill_null(0.0).to_numpy(zero_copy_only=False) for a in (found, actual))
        same = np.abs(x - y) <= 1e-9 * np.maximum(np.abs(x), np.abs(y)) + 1e-12
    else:
        same = pc.equal(found.cast(actual.type), actual).fill_null(False).to_numpy(zero_copy_only=False)
    return np.where(null | missing, null & missing, same)
