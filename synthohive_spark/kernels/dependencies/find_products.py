"""Find products and quotients of two columns: amounts, shares, prices with a discount or a tax. Legend: `m` rows of a first look, `W` columns."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

import numpy as np

from ...spec.dependencies import Product, Way
from .formulas import NEARLY, Formula, is_clock
from .products import combined
from .sample import Sample, Search

FEW = 12  # rows that a first look needs at least
MOST = 0.97  # of them must agree
MAX_COLUMNS = 40  # the search is cubic
SCALES = (1.0, 100.0, 0.01)  # shares come as 0.2 or as 20


def find_products(sample: Sample, search: Search) -> list[Formula]:
    """`target = first * second` and its kin; of each target and pair the first way that holds."""
    names = [n for n in search.inputs if not is_clock(search.types[n]) and sample.varies(n)][:MAX_COLUMNS]
    targets = [n for n in names if n in search.targets and n not in search.bounded]
    if len(names) < 3 or not targets:
        return []
    values = np.stack([sample.quick_numbers(n) for n in targets], axis=1)  # (m, W)
    found: dict[tuple[str, frozenset[str]], Formula] = {}
    for candidate in _proposed(sample, names, targets, values):
        key = candidate.target, frozenset(candidate.determinants)
        judged = None if key in found else sample.judged(candidate)
        if judged is not None:
            found[key] = judged
    return list(found.values())


def _proposed(sample: Sample, names: list[str], targets: list[str], values: np.ndarray) -> Iterator[Product]:
    digits = [sample.digits(n) for n in targets]
    half = np.array([0.0 if d is None else 0.5 * 10.0**-d for d in digits])  # (W,)
    near = np.array([1e-9 if d is not None else NEARLY.get(sample.types[n], 1e-9) for n, d in zip(targets, digits, strict=True)])
    for i, j in permutations(range(len(names)), 2):
        first, second = names[i], names[j]
        ways: tuple[Way, ...] = ("times", "over", "less", "more") if i < j else ("over", "less", "more")
        for way in ways:
            for scale in SCALES if way in ("times", "over") else SCALES[:1]:
                made = combined(sample.quick_numbers(first), sample.quick_numbers(second), way, scale)[:, None]  # (m, 1)
                for k in np.flatnonzero(_agree(values, made, half, near)):
                    if targets[k] not in (first, second):
                        yield Product(target=targets[k], determinants=(first, second), way=way, scale=scale, digits=digits[k])


def _agree(values: np.ndarray, made: np.ndarray, half: np.ndarray, near: np.ndarray) -> np.ndarray:
    """Columns of values (m, W) that are what was made (m, 1) on most rows, bool (W,)."""
    known = ~(np.isnan(values) | np.isnan(made))
    same = np.abs(np.where(known, values - made, 0.0)) <= half * (1 + 1e-6) + near * np.abs(np.where(known, made, 0.0))
    return (known.sum(axis=0) >= FEW) & ((same & known).sum(axis=0) >= MOST * known.sum(axis=0))
