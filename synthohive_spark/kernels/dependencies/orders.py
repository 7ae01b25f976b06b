"""Columns that are never below, or never above, others of their row: how two of them compare, and the values that keep the order. Legend: `n` rows."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

import numpy as np
import pyarrow as pa

from ...spec.date_forms import has_time
from ...spec.decimal_forms import decimal_form, is_decimal_form
from ...spec.dependencies import Order
from ...spec.encoding import NumberEncoding
from ...spec.types import decimal_digits
from ..columns.marks import EVERY_MARK
from ..columns.types import arrow_type, decimal_scale, is_time
from .times import DAY, in_form, local_micros, micros_of, moments_of
from .units import from_units, plain, to_floats, to_units

_WIDE = 18  # digits of decimals past which units are no int64
_ENDS = {"whole": (-(2**63), 2**63 - 1), "clock": (-(2**63), 2**63 - 1), "float": (-np.inf, np.inf)}


def in_order(order: Order, columns: Mapping[str, pa.Array], types: Mapping[str, str]) -> np.ndarray:
    """On which rows nothing breaks the order, bool (n,): a null breaks none."""
    value, null = _compared(order, order.target, columns, types)
    low, high = _bounds(order, columns, types)
    return null | ((low <= value) & (value <= high))


def keep_order(
    order: Order,
    columns: Mapping[str, pa.Array],
    types: Mapping[str, str],
    encoding: NumberEncoding,
    held: np.ndarray | None = None,
) -> pa.Array:
    """The target, (n,): its base and the distance from it; without a base as it was drawn, and where that breaks the order
    the nearest of the drawn values.

    Args:
        encoding: of the target: it stays in the range of the real values where the order lets it.
        held: rows that must stay as they are, bool (n,).
    """
    low, high = _bounds(order, columns, types)
    if order.base is None:
        value, null = _compared(order, order.target, columns, types)
        broken = ~null & ((value < low) | (value > high)) & (low <= high)
        broken &= True if held is None else ~held
        below = value < low
        value = np.where(broken, _nearest(np.sort(value[~null & ~broken]), low, high, below), value)
        kept = _restored(order, order.target, value, null, types, up=below)
        return pa.compute.if_else(pa.array(broken), kept, columns[order.target])
    base, missing = _compared(order, order.base, columns, types)
    distance, none = _distance(order, columns)
    value = base + distance if order.above else base - distance
    value = np.clip(value, *_real_range(order, encoding, types))
    value = np.where(low <= high, np.clip(value, low, high), value)
    return _restored(order, order.target, value, missing | none, types, up=np.full(len(value), order.above))


def follow_order(order: Order, columns: Mapping[str, pa.Array], before: Mapping[str, pa.Array], types: Mapping[str, str], encoding: NumberEncoding) -> pa.Array:
    """The target, (n,), once others have changed: as far from its base as it was; without one, where the order is broken, as far from the bound that it
    breaks, or of numbers at the same share of it.

    Args:
        before: what the changed columns were when the target was drawn.
        encoding: of the target.
    """
    value, null = _compared(order, order.target, columns, types)
    low, high = _bounds(order, columns, types)
    broken = ~null & ((value < low) | (value > high)) & (low <= high)
    up, missing = value < low, np.zeros(len(value), dtype=bool)
    if order.base is not None and order.base in before:
        (now, missing), (then, unknown) = (_compared(order, order.base, {order.base: c[order.base]}, types) for c in (columns, before))
        moved, touched = np.where(missing | unknown, value, value + now - then), np.ones(len(value), dtype=bool)
        moved = np.where(missing | unknown, moved, np.clip(moved, *_real_range(order, encoding, types)))
    else:
        old_low, old_high = _bounds(order, {**columns, **before}, types)
        bound, old = np.where(up, low, high), np.where(up, old_low, old_high)
        moved, touched = _beside(value, bound, old, order.unit), broken
    moved = np.where(low <= high, np.clip(moved, low, high), moved)
    kept = _restored(order, order.target, moved, null | missing, types, up=up if order.base is None else np.full(len(value), order.above))
    return pa.compute.if_else(pa.array(touched), kept, columns[order.target])


def _beside(value: np.ndarray, bound: np.ndarray, old: np.ndarray, unit: str) -> np.ndarray:
    """Values where `bound` is what they were beside `old`, (n,): at the same share of numbers above 0, else as far from it; `bound` where `old` is none."""
    floats = [side.astype(np.float64) for side in (value, bound, old)]
    known = np.abs(floats[2]) < 2.0**62
    far = np.where(known, floats[0] + floats[1] - floats[2], floats[1])
    shared = known & (unit != "clock") & (floats[0] >= 0) & (floats[1] >= 0) & (floats[2] > 0)
    share = np.divide(floats[0], floats[2], out=np.zeros(len(value)), where=shared)
    found = np.where(shared, share * floats[1], far)
    return found if unit == "float" else np.rint(found).astype(np.int64) if value.dtype != object else np.array([int(v) for v in found], dtype=object)


def turned_round(order: Order, target: pa.Array, columns: Mapping[str, pa.Array], types: Mapping[str, str]) -> pa.Array:
    """The base, (n,), that gives this target at the distance that was drawn; null where the target or the distance is."""
    asked, null = _compared(order, order.target, {order.target: target}, types)
    distance, none = _distance(order, columns)
    value = asked - distance if order.above else asked + distance
    return _restored(order, order.base or "", value, null | none, types, up=np.full(len(value), not order.above))


def distance_between(order: Order, target: pa.Array, columns: Mapping[str, pa.Array], types: Mapping[str, str]) -> pa.Array:
    """The distance, (n,), at which the target lies from the base, never below 0; null where one of them is."""
    asked, null = _compared(order, order.target, {order.target: target}, types)
    base, missing = _compared(order, order.base or "", columns, types)
    between = np.maximum(asked - base if order.above else base - asked, 0)
    return pa.array(between, mask=null | missing)


def _distance(order: Order, columns: Mapping[str, pa.Array]) -> tuple[np.ndarray, np.ndarray]:
    array = plain(columns[order.distance or ""])
    if order.unit == "float":
        floats = to_floats(array)
        return np.nan_to_num(floats), np.isnan(floats)
    return to_units(array, 0)


def _bounds(order: Order, columns: Mapping[str, pa.Array], types: Mapping[str, str]) -> tuple[np.ndarray, np.ndarray]:
    """The greatest of the columns below and the least of those above, (n,) each."""
    least, most = _ends_of(order, columns, types)
    below = [np.where(null, least, v) for v, null in (_compared(order, name, columns, types) for name in order.at_least)]
    above = [np.where(null, most, v) for v, null in (_compared(order, name, columns, types) for name in order.at_most)]
    return reduce(np.maximum, below, least), reduce(np.minimum, above, most)


def _ends_of(order: Order, columns: Mapping[str, pa.Array], types: Mapping[str, str]) -> tuple[np.ndarray, np.ndarray]:
    rows = len(columns[(*order.at_least, *order.at_most)[0]])
    if _is_wide(order, types):
        return np.full(rows, -(10**39), dtype=object), np.full(rows, 10**39, dtype=object)
    least, most = _ENDS[order.unit]
    return np.full(rows, least), np.full(rows, most)


def _is_wide(order: Order, types: Mapping[str, str]) -> bool:
    """Whether units can be past int64."""
    sizes = [decimal_digits(types[name]) for name in (order.target, *order.at_least, *order.at_most)]
    return order.unit == "whole" and any(size is not None and size[0] + order.digits - size[1] > _WIDE for size in sizes)


def _compared(order: Order, name: str, columns: Mapping[str, pa.Array], types: Mapping[str, str]) -> tuple[np.ndarray, np.ndarray]:
    """A column in the order's units, int64 or float64 (n,), and where it is null."""
    array, spark_type = plain(columns[name]), types[name]
    if name in order.forms:
        micros = micros_of(array, order.forms[name])
        return np.nan_to_num(micros).astype(np.int64), np.isnan(micros)
    if order.unit == "float":
        floats = to_floats(array)
        return np.nan_to_num(floats), np.isnan(floats)
    own = _digits(order, spark_type)
    units, null = to_units(array, own)
    if order.unit == "clock":
        return (units * DAY if spark_type == "date" else local_micros(units, order.zone) if spark_type == "timestamp" else units), null
    grain = 10 ** (order.digits - own)
    if _is_wide(order, types):
        return units.astype(object) * grain, null
    fits = np.abs(units) <= 2**62 // grain
    return np.where(fits, units, 0) * grain, null | ~fits


def _restored(order: Order, name: str, value: np.ndarray, null: np.ndarray, types: Mapping[str, str], up: np.ndarray) -> pa.Array:
    """The inverse of `_compared`; what is finer than the type goes `up` where that keeps the order, bool (n,), and down elsewhere."""
    spark_type = types[name]
    if name in order.forms:
        return in_form(value, null, order.forms[name], up).cast(arrow_type(spark_type))
    own = _digits(order, spark_type)
    if order.unit == "float":
        if spark_type in ("float", "double"):
            return pa.array(value, type=pa.float64(), mask=np.ascontiguousarray(null)).cast(pa.float32() if spark_type == "float" else pa.float64())
        scaled = value * 10.0**own
        return from_units(np.where(up, np.ceil(scaled), np.floor(scaled)).astype(np.int64), null, spark_type, own)
    if order.unit == "clock" and is_time(spark_type):
        return from_units(moments_of(value, order.zone) if spark_type == "timestamp" else value, null, spark_type, 0)
    grain = DAY if order.unit == "clock" else 10 ** (order.digits - own)
    return from_units(np.where(up, -(-value // grain), value // grain), null, spark_type, own)


def _digits(order: Order, spark_type: str) -> int:
    """Digits after the point that a column's own units have."""
    scale = decimal_scale(spark_type)
    return scale if scale is not None else order.digits if spark_type in ("float", "double") else 0


def _nearest(values: np.ndarray, low: np.ndarray, high: np.ndarray, below: np.ndarray) -> np.ndarray:
    """For each row the one of `values`, ascending, that is next to the bound that it breaks, `below` the lower one; the bound itself where none fits. (n,)"""
    bound = np.where(below, low, high)
    if not len(values):
        return bound
    first, last = np.searchsorted(values, low, side="left"), np.searchsorted(values, high, side="right") - 1
    return np.where(first <= last, values[np.clip(np.where(below, first, last), 0, len(values) - 1)], bound)


def _real_range(order: Order, encoding: NumberEncoding, types: Mapping[str, str]) -> tuple[float, float]:
    """The least and the greatest real value of the target, in the order's units."""
    seen = [x for x in (*encoding.tokens, *encoding.knots) if x not in EVERY_MARK]
    if not seen:
        return _ENDS[order.unit]
    ends, spark_type = (min(seen), max(seen)), types[order.target]
    if order.target in order.forms:
        unit = 1 if has_time(encoding.form) else DAY
        return int(ends[0]) * unit, int(ends[1]) * unit
    if order.unit == "float":
        return ends
    if is_decimal_form(encoding.form):
        runs, grain = decimal_form(encoding.form), 10 ** (order.digits - _digits(order, spark_type))
        return (runs.starts[0] * grain, runs.ends[-1] * grain) if order.unit == "whole" else (-np.inf, np.inf)
    if order.unit == "whole":
        return round(ends[0] * 10**order.digits), round(ends[1] * 10**order.digits)
    if spark_type == "date":
        return int(ends[0]) * DAY, int(ends[1]) * DAY
    low, high = local_micros(np.array(ends).astype(np.int64), order.zone if spark_type == "timestamp" else None).tolist()
    return low, high
