"""Spark types and Arrow arrays: which types are modelled, and how a column becomes float64 or typed values and comes back.

The float64 domain: numbers as they are, dates as days, time stamps as microseconds since 1970-01-01 UTC (time stamps without zone as if UTC).
It is exact for integers up to 2**53, for time stamps from 1685 to 2255, and for decimals of up to 15 digits; past that the last digits are lost.
Decimals of more digits are whole numbers of a `DecimalForm` in it, where one was learnt.
NaN and the infinities of floats have marks in it (see `marks`), as NaN stands for null there.
Strings and whole numbers that hold dates or times in some form (see `date_forms`) are days or microseconds in it, strings that hold numbers (see
`number_forms`) those numbers; strings of another form count as null there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ...spec.date_forms import FIRST_DAY, LAST_DAY, MICROS_PER_DAY, form_range
from ...spec.decimal_forms import is_decimal_form
from ...spec.encoding import Scalar
from ...spec.number_forms import is_number_form
from . import decimals
from .date_forms import numbers_of, texts_of
from .marks import INFINITE, labelled, unmarked, with_labels
from .number_forms import numbers_in, written

_DECIMAL = re.compile(r"decimal\((\d{1,2}),\s?(\d{1,2})\)")
_INTEGERS = {"tinyint": pa.int8(), "smallint": pa.int16(), "int": pa.int32(), "bigint": pa.int64()}
_ARROW: dict[str, pa.DataType] = {
    **_INTEGERS,
    "float": pa.float32(),
    "double": pa.float64(),
    "string": pa.string(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "timestamp_ntz": pa.timestamp("us"),
}
SUPPORTED = (*_ARROW, "decimal(p,s)")


def is_supported(spark_type: str) -> bool:
    """Whether columns of the type can be modelled; `spark_type` as `DataType.simpleString()` gives it."""
    return spark_type in _ARROW or _DECIMAL.fullmatch(spark_type) is not None


def arrow_type(spark_type: str) -> pa.DataType:
    """The Arrow type that Spark takes for `spark_type` without a cast.

    Raises:
        ValueError: the type is not supported.
    """
    match = _DECIMAL.fullmatch(spark_type)
    if match:
        return pa.decimal128(int(match[1]), int(match[2]))
    if spark_type not in _ARROW:
        raise ValueError(f"the type {spark_type} is not supported; supported are {', '.join(SUPPORTED)}")
    return _ARROW[spark_type]


def is_integer(spark_type: str) -> bool:
    return spark_type in _INTEGERS


def is_time(spark_type: str) -> bool:
    """A time stamp, with or without zone."""
    return spark_type in ("timestamp", "timestamp_ntz")


def decimal_scale(spark_type: str) -> int | None:
    """Digits after the point of a decimal type, None for other types."""
    match = _DECIMAL.fullmatch(spark_type)
    return int(match[2]) if match else None


def type_range(spark_type: str, form: str = "") -> tuple[float, float]:
    """The least and the greatest value of a type, or of a form of dates, times or numbers in it, in the float64 domain; infinite where no column comes near."""
    if form:
        least, most = form_range(form)
        return float(least), float(most)
    if spark_type in _INTEGERS:
        limits = np.iinfo(_INTEGERS[spark_type].to_pandas_dtype())
        return float(limits.min), float(limits.max)
    if spark_type == "date":
        return float(FIRST_DAY), float(LAST_DAY)
    match = _DECIMAL.fullmatch(spark_type)
    if match:
        largest = 10.0 ** (int(match[1]) - int(match[2]))
        return -largest, largest
    return -np.inf, np.inf


def to_typed(series: pd.Series, name: str, spark_type: str) -> pa.Array:
    """The column in its exact Arrow type, nan as null. Integers in a date or time column are days or microseconds.

    Raises:
        ValueError: it holds something else; the message names the column, never a value.
    """
    array = _as_arrow(series, name, spark_type)
    target = arrow_type(spark_type)
    try:
        if pa.types.is_temporal(target):
            if pa.types.is_timestamp(array.type) and pa.types.is_timestamp(target):
                array = array.cast(pa.timestamp("us", tz=array.type.tz), safe=False).cast(pa.int64())
            elif pa.types.is_timestamp(array.type):
                array = array.cast(pa.timestamp("us", tz=array.type.tz), safe=False).cast(pa.timestamp("us")).cast(pa.date32(), safe=False)
            elif pa.types.is_date(array.type) and pa.types.is_timestamp(target):
                array = array.cast(pa.timestamp("us"))
            elif not pa.types.is_date(array.type):
                array = array.cast(pa.int64()).cast(pa.int32() if pa.types.is_date(target) else pa.int64())
            return array.cast(pa.int64()).cast(target) if pa.types.is_timestamp(target) else array.cast(target)
        return unmarked(array.cast(target)) if pa.types.is_floating(target) else array.cast(target)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise ValueError(f"column {name!r}: a value does not fit into {spark_type}") from None


def to_float64(series: pd.Series, name: str, spark_type: str, form: str = "", labels: Sequence[str] = ()) -> np.ndarray:
    """The column in the float64 domain, shape (N,); nulls are nan.

    Args:
        form: of the dates, times or numbers in text, of the dates in whole numbers, or of decimals; strings have one.
        labels: texts among those that are no dates, times or numbers.

    Raises:
        ValueError: it holds something else than `spark_type`; the message names the column, never a value.
    """
    array = _as_arrow(series, name, spark_type)
    if is_decimal_form(form):
        exact = as_decimals(array, spark_type) if decimal_scale(spark_type) is not None else array
        return np.where(exact.is_null().to_numpy(zero_copy_only=False), np.nan, decimals.numbers_of(decimals.units_of(exact), form))
    if form:
        whole = array.cast(pa.int64(), safe=False) if pa.types.is_floating(array.type) else array  # pandas has floats where some are null
        texts = whole.cast(pa.string())
        numbers = numbers_in(texts, form) if is_number_form(form) else numbers_of(texts, form)
        return with_labels(numbers, texts, labels) if labels else numbers
    if pa.types.is_timestamp(array.type):
        array = array.cast(pa.timestamp("us", tz=array.type.tz), safe=False).cast(pa.int64())
        if spark_type == "date":
            return np.floor(_numpy(array) / MICROS_PER_DAY)
    elif pa.types.is_date(array.type):
        array = array.cast(pa.date32()).cast(pa.int32())
        if spark_type != "date":
            return _numpy(array) * MICROS_PER_DAY
    elif pa.types.is_decimal(array.type):
        # Arrow's cast is off in the last bit; Spark's is not, and tokens are compared exactly.
        return np.round(_numpy(array), array.type.scale)
    x = _numpy(array)
    return np.where(np.isinf(x), np.copysign(INFINITE, x), x) if pa.types.is_floating(array.type) else x


def from_float64(x: np.ndarray, null: np.ndarray, spark_type: str, form: str = "", labels: Sequence[str] = ()) -> pa.Array:
    """The inverse of `to_float64`: float64 (N,) and a mask of nulls (N,), as an Arrow array in the exact type. Values are clipped into its range."""
    target = arrow_type(spark_type)
    if is_decimal_form(form):
        return decimals.from_units(decimals.values_of(np.clip(np.rint(np.where(null, 0.0, x)), *form_range(form)), form), null, target)
    if form:
        clipped = np.clip(np.where(null, 0.0, x), *form_range(form))
        return labelled(x, (written if is_number_form(form) else texts_of)(clipped, null, form).cast(target), labels)
    if pa.types.is_floating(target):
        return unmarked(pa.array(x.astype(target.to_pandas_dtype()), type=target, mask=null))
    x = np.rint(np.where(null, 0.0, x)) if not pa.types.is_decimal(target) else np.where(null, 0.0, x)
    if pa.types.is_decimal(target):
        return _decimals(x, null, target)
    storage = pa.int32() if pa.types.is_date(target) else pa.int64() if pa.types.is_timestamp(target) else target
    limits = np.iinfo(storage.to_pandas_dtype())
    # float(2**63 - 1) rounds up to 2**63, which overflows on the way back.
    high = np.nextafter(float(limits.max), 0.0) if storage == pa.int64() else float(limits.max)
    whole = np.clip(x, float(limits.min), high).astype(storage.to_pandas_dtype())
    array = pa.array(whole, type=storage, mask=null)
    return array if storage == target else array.view(target)


def as_decimals(array: pa.Array, spark_type: str) -> pa.Array:
    """Numbers as decimals of the column's type."""
    return array.cast(arrow_type(spark_type)) if pa.types.is_decimal(array.type) else array.cast(pa.string()).cast(arrow_type(spark_type))


def from_scalars(values: Sequence[bool | int | float | str], spark_type: str) -> pa.Array:
    """JSON scalars (dates, times and decimals as text) as an Arrow array in the exact type."""
    target = arrow_type(spark_type)
    if pa.types.is_timestamp(target):
        return pa.array(values, type=pa.string()).cast(pa.timestamp("us")).cast(pa.int64()).view(target)
    if pa.types.is_date(target) or pa.types.is_decimal(target):
        return pa.array(values, type=pa.string()).cast(target)
    return pa.array(values, type=target)


def scalar_of(text: str, spark_type: str) -> Scalar:
    """A value that was counted as text (times as microseconds), as the JSON scalar that `from_scalars` reads."""
    if spark_type == "boolean":
        return text == "true"
    if is_integer(spark_type):
        return int(text)
    if spark_type in ("float", "double"):
        return float(text)
    if is_time(spark_type):
        return str(np.datetime64(int(text), "us"))
    return format(Decimal(text), "f") if decimal_scale(spark_type) is not None else text


def _as_arrow(series: pd.Series, name: str, spark_type: str) -> pa.Array:
    wrong = f"column {name!r}: expected values of type {spark_type}"
    try:
        array = pa.array(series, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        raise ValueError(f"{wrong}, found values of several or unknown types") from None
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_null(array.type):
        return pa.nulls(len(array), arrow_type(spark_type))
    if not _fits(array.type, spark_type):
        raise ValueError(f"{wrong}, found {array.type}")
    if pa.types.is_floating(array.type):
        array = pc.if_else(pc.is_nan(array), pa.scalar(None, array.type), array)
    return array


def _fits(found: pa.DataType, spark_type: str) -> bool:
    if spark_type == "string":
        return pa.types.is_string(found) or pa.types.is_large_string(found)
    if spark_type == "boolean":
        return pa.types.is_boolean(found)
    number = pa.types.is_integer(found) or pa.types.is_floating(found)
    if spark_type == "date" or is_time(spark_type):
        return number or pa.types.is_date(found) or pa.types.is_timestamp(found)
    return number or pa.types.is_decimal(found)


def _numpy(array: pa.Array) -> np.ndarray:
    return np.asarray(array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), dtype=np.float64)


def _decimals(x: np.ndarray, null: np.ndarray, target: pa.Decimal128Type) -> pa.Array:
    """Decimals are 128-bit little-endian integers of the smallest unit: both halves are exact in float64, and no Python object is made per value."""
    largest = float(10**target.precision - 1)
    if largest >= 10**target.precision:
        largest = float(np.nextafter(largest, 0.0))
    units = np.clip(np.rint(x * 10.0**target.scale), -largest, largest)
    size = np.abs(units)
    high = np.floor(size / 2.0**64)
    low = (size - high * 2.0**64).astype(np.uint64)
    top = high.astype(np.uint64)
    # Negated by bits (two's complement): in float64, 2**64 minus a small number would lose its last digits.
    negative = units < 0
    halves = np.empty((len(units), 2), dtype="<u8")
    halves[:, 0] = np.where(negative, ~low + np.uint64(1), low)
    halves[:, 1] = np.where(negative, ~top + (low == 0), top)
    array = pa.Array.from_buffers(target, len(units), [None, pa.py_buffer(halves.tobytes())])
    return pc.if_else(pa.array(null), pa.scalar(None, target), array) if null.any() else array
