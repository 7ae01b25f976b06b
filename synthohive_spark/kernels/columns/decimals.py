"""Decimals as whole numbers of their smallest digit, exact to 38 digits, and as numbers of a `DecimalForm`. Legend: `N` rows, `D` distinct values.

Whole numbers are int64 where all of them fit, and Python's own in an array of objects elsewhere: numpy does the same arithmetic on both.
"""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...spec.decimal_forms import DecimalForm, decimal_form

LARGEST = 2**62  # larger ones could overflow in a sum of two
MOST_DIGITS = 15  # that a float64 holds of any number
MIN_DISTINCT = 10  # fewer values share a divisor by accident
MOST_CUTS = 20
EXACT = 2**53  # float64 counts no further by ones
ROUND = 1_000  # parts of a run that its ends are rounded to
LEAST_RUN = 20  # rows on each side of a gap that is left out: nothing lies between the values beside it, so they must be no single ones


def units_of(array: pa.Array) -> np.ndarray:
    """Units of decimals or whole numbers (N,), int64 or objects; 0 for null."""
    if not pa.types.is_decimal(array.type):
        whole = array.cast(pa.int64(), safe=False).fill_null(0).to_numpy(zero_copy_only=False)
        return whole if not len(whole) or -LARGEST <= whole.min() <= whole.max() <= LARGEST else whole.astype(object)
    halves = np.frombuffer(array.buffers()[1], dtype="<i8").reshape(-1, 2)[array.offset : array.offset + len(array)]
    null = array.is_null().to_numpy(zero_copy_only=False)
    low, high = (np.where(null, 0, part) for part in halves.T)
    if (high == low >> 63).all() and (np.abs(low) <= LARGEST).all():
        return low
    return high.astype(object) * 2**64 + low.view("<u8").astype(object)


def from_units(units: np.ndarray, null: np.ndarray, target: pa.DataType) -> pa.Array:
    """The inverse of `units_of`, (N,). What does not fit into the type takes its nearest value."""
    if pa.types.is_integer(target):
        limits = np.iinfo(target.to_pandas_dtype())
        return pa.array(np.clip(units, int(limits.min), int(limits.max)).astype(np.int64), mask=np.ascontiguousarray(null)).cast(target)
    largest = 10**target.precision - 1
    if units.dtype == object:
        units = np.clip(units, -largest, largest)
        high, low = (units >> 64).astype(np.int64), (units & (2**64 - 1)).astype("<u8").view("<i8")
    else:
        low = np.clip(units, -min(largest, 2**63 - 1), min(largest, 2**63 - 1))
        high = low >> 63
    halves = np.stack([low, high], axis=1).astype("<i8")
    array = pa.Array.from_buffers(target, len(units), [None, pa.py_buffer(halves.tobytes())])
    return pc.if_else(pa.array(np.ascontiguousarray(null)), pa.scalar(None, target), array) if null.any() else array


def find_form(units: np.ndarray, counts: np.ndarray, largest: int, least: int = 1) -> DecimalForm:
    """The form of a column.

    Args:
        units: of its values, distinct and ascending, (D,), D >= 1.
        counts: rows of each, int64 (D,).
        largest: number that the type holds.
        least: rows that must have a value for a run to begin or end with it; others begin and end at round numbers further out.
    """
    whole = [int(u) for u in units]
    common = math.gcd(*(u - whole[0] for u in whole))
    if len(whole) < MIN_DISTINCT or not common:
        both = math.gcd(common, whole[0])
        common = next((10**power for power in range(38, 0, -1) if both and both % 10**power == 0), 1)
    cuts = _wide_gaps(whole, np.cumsum(counts), EXACT * common)
    form = _runs(whole, counts, (0, *cuts, len(whole)), common, largest, least)
    last = form.offsets[-1] + (form.ends[-1] - form.starts[-1]) // common
    if last <= EXACT:
        return form
    least = min(whole, key=abs)
    run = max(i for i, start in enumerate(form.starts) if start <= least)
    return form._replace(first=-(form.offsets[run] + (least - form.starts[run]) // common))


def _runs(whole: list[int], counts: np.ndarray, cuts: tuple[int, ...], unit: int, largest: int, least: int) -> DecimalForm:
    """The form with the runs between `cuts`; at each end of one there is room for half the gap."""
    starts, ends = [], []
    for first, after in zip(cuts[:-1], cuts[1:], strict=True):
        low, high = whole[first], whole[after - 1]
        below = (low - whole[first - 1]) // 2 if first else low + largest
        above = (whole[after] - high - 1) // 2 if after < len(whole) else largest - high
        blur = 10 ** len(str((high - low) // (ROUND * unit))) * unit if high > low else unit
        starts.append(low if counts[first] >= least else _further(low, blur, -1, below, unit))
        ends.append(high if counts[after - 1] >= least else _further(high, blur, 1, above, unit))
    return DecimalForm(largest, unit, 0, tuple(starts), tuple(ends))


def _further(value: int, blur: int, way: int, room: int, unit: int) -> int:
    """The next multiple of `blur` beyond `value`, `way` up or down, as far as there is `room`; a multiple of `unit` from `value`."""
    to_multiple = value % blur if way < 0 else -value % blur
    return value + way * (min(to_multiple, room) // unit * unit)


def _wide_gaps(whole: list[int], upto: np.ndarray, limit: int) -> list[int]:
    """Places of the values after gaps that make up most of a range past `limit`, ascending."""
    cuts: list[int] = []
    gaps = sorted(((whole[i] - whole[i - 1], i) for i in range(1, len(whole))), reverse=True)
    left = whole[-1] - whole[0]
    for gap, i in gaps[:MOST_CUTS]:
        ends = sorted([0, *cuts, i, len(whole)])
        rows = [upto[b - 1] - (upto[a - 1] if a else 0) for a, b in zip(ends[:-1], ends[1:], strict=True)]
        if left <= limit or 2 * gap < left:
            break
        if min(rows) >= LEAST_RUN:
            cuts.append(i)
            left -= gap
    return sorted(cuts)


def numbers_of(units: np.ndarray, form: str) -> np.ndarray:
    """The numbers of units (N,) as float64 (N,): whole for what lies on the form's grid."""
    runs = decimal_form(form)
    kind = object if units.dtype == object or _bound(runs) > LARGEST else np.int64
    units, starts = units.astype(kind), np.array(runs.starts, dtype=kind)
    # What lies in a gap that was left out is as good as the last value before it.
    widths = [end - start for start, end in zip(runs.starts[:-1], runs.ends[:-1], strict=True)] + [10**39 if kind is object else 2**63 - 1]
    run = np.clip(np.searchsorted(starts, units, side="right") - 1, 0, None)
    inside = np.minimum(units - starts[run], np.array(widths, dtype=kind)[run])
    whole = np.array(runs.offsets, dtype=kind)[run] + inside // runs.unit
    return whole.astype(np.float64) + (inside % runs.unit).astype(np.float64) / runs.unit


def values_of(x: np.ndarray, form: str, digits: np.ndarray | None = None) -> np.ndarray:
    """The inverse of `numbers_of`: units (N,) of whole numbers, float64 (N,).

    Args:
        digits: how much nearer to 0 each is, int64 (N,): what a float64 cannot hold.
    """
    runs = decimal_form(form)
    kind = object if float(np.abs(x).max(initial=0.0)) * runs.unit + _bound(runs) > LARGEST else np.int64
    run = np.clip(np.searchsorted(np.array(runs.offsets, dtype=np.float64), x, side="right") - 1, 0, None)
    whole = np.array([int(v) for v in x.tolist()], dtype=object) if kind is object else x.astype(np.int64)
    whole = whole if digits is None else whole - np.sign(x).astype(np.int64) * digits.astype(kind)
    return (whole - np.array(runs.offsets, dtype=kind)[run]) * runs.unit + np.array(runs.starts, dtype=kind)[run]


def _bound(runs: DecimalForm) -> int:
    return max(map(abs, (*runs.starts, *runs.ends, *runs.offsets)))
