"""Find sums of many columns: a total of six, shares that add up to 100, flags of which one is set, a mean of four.

One least squares solution per column, on a few rows. Legend: `m` rows of a first look, `W` columns.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from ..columns.types import is_integer
from .find_linear import linear
from .formulas import Formula, is_clock, is_formula_input
from .sample import Sample, Search

MOST = 40  # columns that are looked at
LEAST = 2  # columns of a sum with a constant; without one, three: two are found as such
NEAR = 1e-7  # of the size of the column
TOLD = 1e-6  # factors below that are none


def find_many(sample: Sample, search: Search, explained: Collection[str]) -> list[Formula]:
    """Sums by which a column follows from many others, for every column that does. `explained` follow from one other: they say nothing more."""
    numeric = [n for n in search.inputs if is_formula_input(search.types[n]) and not is_clock(search.types[n]) and sample.varies(n)]
    names = [n for n in numeric if n not in explained and sample.digits(n) is not None]
    if not LEAST < len(names) <= MOST:
        return []
    values = np.stack([sample.quick_numbers(n) for n in names], axis=1)  # (m, W)
    values = values[np.isfinite(values).all(axis=1)]
    if len(values) < 3 * len(names):
        return []
    found: list[Formula] = []
    basis: list[int] = []
    for i, name in enumerate(names):
        relation = _of(sample, names, values, i, basis)
        if relation is None:
            basis.append(i)
        elif relation[0] and name in search.targets and name not in search.bounded and (made := linear(sample, name, *relation)) is not None:
            found.append(made)
    return found


def _of(sample: Sample, names: list[str], values: np.ndarray, target: int, basis: list[int]) -> tuple[dict[str, float], float] | None:
    """The factors of the columns before the target, none of which follows from the others, and the constant; None where the target is no sum of them."""
    y = values[:, target]
    size = max(float(np.abs(y).max()), 1.0)
    x = np.column_stack([values[:, basis], np.ones(len(y))])
    scales = np.maximum(np.abs(x).max(axis=0), 1e-300)  # a large column beside it would hide a small one
    factors = np.linalg.lstsq(x / scales, y, rcond=None)[0] / scales
    if np.abs(x @ factors - y).max() > NEAR * size:
        return None
    told = np.abs(factors[:-1]) > TOLD
    constant = float(factors[-1]) if abs(factors[-1]) > TOLD * size else 0.0
    if told.sum() < (LEAST if constant else LEAST + 1) or not _is_whole(sample, names[target], factors[:-1][told]):
        return {}, constant
    return {names[basis[i]]: float(round(factors[i], 6)) for i in np.flatnonzero(told)}, round(constant, 6)


def _is_whole(sample: Sample, target: str, factors: np.ndarray) -> bool:
    """Whether the factors are ones that people add with: whole numbers, or one part of a whole number for all."""
    whole = np.abs(factors - np.rint(factors)) < TOLD
    parts = np.abs(1 / np.abs(factors) - np.rint(1 / np.abs(factors))) < TOLD
    return bool(whole.all() or (not is_integer(sample.types[target]) and parts.all() and np.ptp(factors) < TOLD))
