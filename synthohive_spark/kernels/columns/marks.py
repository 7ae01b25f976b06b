"""Marks: the numbers that stand for NaN and the infinities of floats, and for labels among numbers in text, as NaN stands for null in the float64 domain."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

# Whole multiples of 2**104, so that a float holds them too, and no sum or measurement gives one by chance.
NAN, INFINITE = float(np.float32(3.4e38)), float(np.float32(3.3e38))
MOST_LABELS = 8  # among the numbers of a column of text: more of them are a vocabulary
LABELS = tuple(float(np.float32(3.2e38 - i * 1e37)) for i in range(MOST_LABELS))
MARKS = (NAN, INFINITE, -INFINITE)
EVERY_MARK = (*MARKS, *LABELS)
_MARKED = (math.nan, math.inf, -math.inf)


def is_mark(values: np.ndarray) -> np.ndarray:
    """Which numbers are marks, bool, of the shape of `values`."""
    return np.isin(values, EVERY_MARK)


def with_labels(x: np.ndarray, texts: pa.Array, labels: Sequence[str]) -> np.ndarray:
    """The numbers of texts, float64 (N,), with its mark where a text is a label."""
    place = pc.index_in(texts, value_set=pa.array(labels, texts.type), skip_nulls=True).fill_null(-1).to_numpy(zero_copy_only=False)
    return np.where(place < 0, x, np.asarray(LABELS)[place])


def labelled(x: np.ndarray, texts: pa.Array, labels: Sequence[str]) -> pa.Array:
    """The inverse: the texts of numbers, float64 (N,), and labels where there is a mark."""
    for mark, label in zip(LABELS, labels, strict=False):
        texts = pc.if_else(pa.array(x == mark), pa.scalar(label, texts.type), texts)
    return texts


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
