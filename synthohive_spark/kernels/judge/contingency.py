"""Distances of contingency tables: of columns of one row, of a row and its parent, of two rows of one parent.

Legend: `N` pairs, `k` codes of a column.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .rows import Values

BINS = 10  # of a number: quantiles of the real column
TOP_LABELS = 50  # of a category; the rest share a code


class Distance(NamedTuple):
    """Of real and synthetic, of two real halves, and of the real pairs and the product of their marginals: total variation distances in [0, 1]."""

    distance: float
    ceiling: float
    floor: float


class Binned(NamedTuple):
    """The codes of a column on both sides, each from 0 to `k` - 1."""

    real: np.ndarray
    synthetic: np.ndarray
    k: int


def binned(real: Values, synthetic: Values) -> Binned:
    """Codes for a contingency table: numbers in quantile bins of the real side, the commonest labels and the rest; nulls have a code."""
    if not real.labels:
        known = real.data[~np.isnan(real.data)]
        edges = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1])) if len(known) else np.empty(0)
        sides = [np.where(np.isnan(x), 0, 1 + np.searchsorted(edges, x, side="right")) for x in (real.data, synthetic.data)]
        return Binned(sides[0], sides[1], len(edges) + 2)
    counts = np.bincount(real.data + 1, minlength=real.labels + 1)  # null is a label too
    top = np.argsort(-counts, kind="stable")[:TOP_LABELS]
    top = top[counts[top] > 0]
    code = np.zeros(real.labels + 1, dtype="int64")
    code[top] = 1 + np.arange(len(top))
    return Binned(code[real.data + 1], code[synthetic.data + 1], len(top) + 1)


def joint(first: np.ndarray, second: np.ndarray, k: int) -> np.ndarray:
    """Codes of pairs, where the second column has `k` codes."""
    return first * k + second


def total_variation(first: np.ndarray, second: np.ndarray, k: int) -> float:
    """Of the codes of two samples; 1 where just one is empty."""
    if not len(first) or not len(second):
        return float(len(first) != len(second))
    return float(np.abs(np.bincount(first, minlength=k) / len(first) - np.bincount(second, minlength=k) / len(second)).sum() / 2)


def apart(pairs: np.ndarray, k: int, width: int) -> float:
    """The distance of pairs, codes of `k` x `width`, and the product of their marginals: what independent columns would score."""
    if not len(pairs):
        return 0.0
    shares = np.bincount(pairs, minlength=k * width).reshape(k, width) / len(pairs)
    return float(np.abs(shares - np.outer(shares.sum(axis=1), shares.sum(axis=0))).sum() / 2)


def compared(real: np.ndarray, synthetic: np.ndarray, k: int, width: int, halves: list[np.ndarray]) -> Distance:
    """Of pairs, codes of `k` x `width`. `halves` are masks (N,) of the real pairs."""
    splits = [_split(np.bincount(real, minlength=k * width), real[half], k * width) for half in halves]
    return Distance(total_variation(real, synthetic, k * width), float(np.mean(splits)) if splits else 0.0, apart(real, k, width))


def _split(whole: np.ndarray, half: np.ndarray, k: int) -> float:
    """The distance of a half and the rest of what is counted in `whole` (k,)."""
    if not len(half) or len(half) == whole.sum():
        return float(whole.sum() > 0)
    one = np.bincount(half, minlength=k)
    return float(np.abs(one / len(half) - (whole - one) / (whole.sum() - len(half))).sum() / 2)
