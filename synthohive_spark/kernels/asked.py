"""A value that a user asks for, as the code and the exact typed value of a column."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..spec.constraints import parsed_limit
from ..spec.encoding import CategoryEncoding, NumberEncoding, TextEncoding
from .columns.categories import encode_categories
from .columns.grid import decimals_of
from .columns.marks import EVERY_MARK, is_mark, marked
from .columns.numbers import exact_tokens, number_codes
from .columns.types import arrow_type, decimal_scale, from_scalars, is_integer, to_float64

NEVER_SEEN = "was never seen in the real rows, or too rarely to be reproduced"


def asked_code(value: Any, encoding: NumberEncoding | CategoryEncoding, zone: str) -> tuple[int, pa.Array]:
    """The code that stands for `value`, and the value itself in the column's exact type, an array of one.

    Args:
        zone: time zone of times that name none, for columns that have one.

    Raises:
        ValueError: it is of another type, or was never seen. The message holds nothing of the real rows.
    """
    typed = typed_value(value, encoding.spark_type, zone)
    if value is None:
        if not encoding.has_null:
            raise ValueError("the column has no nulls")
        return 0, typed
    if isinstance(encoding, CategoryEncoding):
        if not pc.is_in(typed, value_set=from_scalars(encoding.values, encoding.spark_type))[0].as_py():
            raise ValueError(f"{value!r} {NEVER_SEEN}")
        return int(encode_categories(typed, encoding)[0]), typed
    series = pd.Series(pd.arrays.ArrowExtensionArray(pa.chunked_array([marked(typed)])))
    x = to_float64(series, encoding.name, encoding.spark_type, encoding.form, encoding.labels)
    if np.isnan(x[0]):
        raise ValueError(f"{value!r} is not of the form {encoding.form}, which all values of the column have")
    known = typed[0].as_py() in exact_tokens(encoding).to_pylist() if encoding.exact else x[0] in encoding.tokens
    if not known:
        _check_inside_bins(value, float(x[0]), encoding)
    return int(number_codes(series, encoding)[0]), typed


def _check_inside_bins(value: Any, x: float, encoding: NumberEncoding) -> None:
    """Raises `ValueError` where no real value can have been `x`, float64, which is no token."""
    if not encoding.bins or is_mark(np.array(x)):
        raise ValueError(f"{value!r} {NEVER_SEEN}")
    on_grid, in_range = inside(np.array([x]), encoding)
    if not on_grid[0]:
        raise ValueError(f"{value!r} was never seen: the real values lie on a coarser grid")
    if not in_range[0]:
        raise ValueError(f"{value!r} is outside the range of the real values, as far as enough rows reach it to tell")


def inside(x: np.ndarray, encoding: NumberEncoding) -> tuple[np.ndarray, np.ndarray]:
    """Which numbers, float64 (N,), lie on the grid of the real values, and which in their range, bool (N,) each."""
    if not encoding.bins:
        known = np.isin(x, encoding.tokens)
        return known, known
    # Quantiles on a grid span their values' cells: half a step more on both ends.
    half = 0.0 if encoding.discrete else encoding.step / 2
    tokens = [t for t in encoding.tokens if t not in EVERY_MARK]
    low, high = min([encoding.knots[1] + half, *tokens]), max([encoding.knots[-1] - half, *tokens])
    on_grid, at, tolerance = np.ones(len(x), dtype=bool), x, 0.0
    if encoding.step:
        low, high, at = (low - encoding.origin) / encoding.step, (high - encoding.origin) / encoding.step, (x - encoding.origin) / encoding.step
        tolerance = 0.25
        whole = np.round(encoding.origin + np.rint(at) * encoding.step, decimals_of(encoding.step, encoding.origin))
        on_grid = whole.astype(np.float32) == x.astype(np.float32) if encoding.spark_type == "float" else whole == x
    return on_grid, (low - tolerance <= at) & (at <= high + tolerance)


def typed_value(value: Any, spark_type: str, zone: str) -> pa.Array:
    """`value` in the column's exact Arrow type, an array of one.

    Raises:
        ValueError: it is of another type or does not fit.
    """
    target = arrow_type(spark_type)
    if value is None:
        return pa.nulls(1, target)
    wrong = f"{value!r} ({type(value).__name__}) does not fit the column's type {spark_type}"
    try:
        if pa.types.is_timestamp(target):
            return _moment(value, target, zone)
        return pa.array([_python_value(value, spark_type)], type=target)
    except (pa.ArrowInvalid, pa.ArrowTypeError, InvalidOperation, OverflowError, TypeError):
        raise ValueError(wrong) from None
    except ValueError as error:
        raise ValueError(f"{wrong}: expected {error}") from None


def _python_value(value: Any, spark_type: str) -> Any:
    if spark_type == "date":
        return _day(value)
    if spark_type == "string":
        if isinstance(value, date) and not isinstance(value, datetime):
            return value.isoformat()
        return _of(value, str, "text")
    if spark_type == "boolean":
        return _of(value, bool, "True or False")
    if isinstance(value, bool):
        raise ValueError("a number")
    if is_integer(spark_type):
        return _of(value, int, "a whole number")
    if decimal_scale(spark_type) is not None:
        # A float is taken as it is written: 1.1 is not the binary fraction next to it.
        return value if isinstance(value, Decimal) else Decimal(str(_of(value, (int, float, str), "a number")))
    return float(_of(value, (int, float, Decimal), "a number"))


def _of(value: Any, kinds: type | tuple[type, ...], expected: str) -> Any:
    if not isinstance(value, kinds):
        raise ValueError(expected)
    return value


def _day(value: Any) -> date:
    if isinstance(value, str):
        return date.fromisoformat(str(parsed_limit(value, "date")))
    if isinstance(value, datetime) and value.time() == time() and value.tzinfo is None:
        return value.date()
    if isinstance(value, datetime) or not isinstance(value, date):
        raise ValueError("a date without a time")
    return value


def _moment(value: Any, target: pa.TimestampType, zone: str) -> pa.Array:
    if isinstance(value, str):
        value = parsed_limit(value, "timestamp")
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    moment = _of(value, datetime, "a date and time")
    if target.tz is None and moment.tzinfo is not None:
        raise ValueError("a time without a zone, as the column has none")
    if target.tz is None or moment.tzinfo is not None:
        return pa.array([moment], type=target)
    try:
        return pc.assume_timezone(pa.array([moment], type=pa.timestamp("us")), zone).cast(target)
    except pa.ArrowInvalid:
        raise ValueError(f"a time with its zone, as it is not one moment in {zone}") from None


def can_be_asked(encoding: NumberEncoding | CategoryEncoding | TextEncoding) -> bool:
    """Whether the column's values are learnt; of text only the nulls are."""
    return not isinstance(encoding, TextEncoding)
