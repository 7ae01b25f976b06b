"""Marks: the numbers that stand for NaN and the infinities of floats, as NaN stands for null in pandas and in the float64 domain."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

# Whole multiples of 2**104, so that a float holds them too, and no sum or measurement gives one by chance.
NAN, INFINITE = float(np.float32(3.4e38)), float(np.float32(3.3e38))
MARKS = (NAN, INFINITE, -INFINITE)
_MARKED = (math.nan, math.inf, -math.inf)


def is_mark(values: np.ndarray) -> np.ndarray:
    """Which numbers are marks, bool, of the shape of `values`."""
    return np.isin(values, MARKS)


def marked(array: pa.Array) -> pa.Array:
    """An array whose nulls are nulls, with NaN and the infinities by their marks."""
    if not pa.types.is_floating(array.type) or pc.all(pc.is_finite(array)).as_py() in (True, None):
        return array
    array = pc.if_else(pc.is_nan(array), pa.scalar(NAN, array.type), array)
    for mark, value in zip(MARKS[1:], _MARKED[1:], strict=True):
        array = pc.if_else(pc.equal(array, pa.scalar(value, array.type)), pa.scalar(mark, array.type), array)
    return array


def unmarked(array: pa.Array) -> pa.Array:
    """The inverse of `marked`."""
    ends = pc.min_max(array).as_py()
    if ends["max"] is None or max(-ends["min"], ends["max"]) < INFINITE:
        return array
    for mark, value in zip(MARKS, _MARKED, strict=True):
        array = pc.if_else(pc.equal(array, pa.scalar(mark, array.type)), pa.scalar(value, array.type), array)
    return array
