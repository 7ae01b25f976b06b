"""Find products and quotients of up to three columns: amounts, shares, prices with a discount or a tax, a fixed share of another column.

Legend: `m` rows of a first look, `W` columns.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, permutations

import numpy as np

from ...spec.dependencies import Product, Way
from .formulas import NEARLY, Formula, is_clock
from .products import combined
from .sample import Sample, Search

FEW = 12  # rows that a first look needs at least
MOST = 0.97  # of them must agree
MAX_COLUMNS = 40  # the search is cubic
MAX_FOR_THREE = 12  # columns up to which three are multiplied
MOST_DECIMALS = 4  # of a fixed share, or of the one that it is one part of (1 / 1.19)
SCALES = (1.0, 100.0, 0.01)  # shares come as 0.2 or as 20


def find_products(sample: Sample, search: Search) -> list[Formula]:
    """`target = first * second` and its kin; of each target and pair the first way that holds. Three columns only make what two do not."""
    names = [n for n in search.inputs if not is_clock(search.types[n]) and sample.varies(n)][:MAX_COLUMNS]
    targets = [n for n in names if n in search.targets and n not in search.bounded]
    if len(names) < 2 or not targets:
        return []
    values = np.stack([sample.quick_numbers(n) for n in targets], axis=1)  # (m, W)
    looked = _Targets(targets, values, [sample.digits(n) for n in targets], [sample.types[n] for n in targets])
    found: dict[tuple[str, frozenset[str]], Formula] = {}
    for proposed in (_shares, _of_two, _of_three):
        done = {target for target, _ in found}
        for candidate in proposed(sample, names, looked):
            key = candidate.target, frozenset(candidate.determinants)
            skipped = key in found or (proposed is _of_three and candidate.target in done)
            judged = None if skipped else sample.judged(candidate)
            if judged is not None:
                found[key] = judged
    return list(found.values())


@dataclass(frozen=True)
class _Targets:
    """Columns that may be products, (W,), their values (m, W), digits after the point, and types."""

    names: list[str]
    values: np.ndarray
    digits: list[int | None]
    types: list[str]

    @cached_property
    def half(self) -> np.ndarray:
        return np.array([0.0 if d is None else 0.5 * 10.0**-d for d in self.digits])  # (W,)

    @cached_property
    def near(self) -> np.ndarray:
        return np.array([1e-9 if d is not None else NEARLY.get(kind, 1e-9) for d, kind in zip(self.digits, self.types, strict=True)])  # (W,)

    def made_as(self, made: np.ndarray, names: tuple[str, ...], way: Way, scale: float) -> Iterator[Product]:
        """The products of these columns, whose values were made, (m,), that are a target on most rows."""
        for k in np.flatnonzero(_agree(self.values, made[:, None], self.half, self.near)):
            if self.names[k] not in names:
                yield Product(target=self.names[k], determinants=names, way=way, scale=scale, digits=self.digits[k])


def _shares(sample: Sample, names: list[str], targets: _Targets) -> Iterator[Product]:
    """A fixed share of one column, rounded: 19 % of the net. What needs no rounding is a multiple."""
    for k, target in enumerate(targets.names):
        digits, y = targets.digits[k], targets.values[:, [k]]
        for name in names if digits is not None else ():
            x = sample.quick_numbers(name)
            known = ~(np.isnan(x) | np.isnan(y[:, 0])) & (x != 0)
            if name == target or known.sum() < FEW:
                continue
            large = np.argsort(-np.abs(x[known]), kind="stable")[:FEW]  # the least changed by rounding
            factor = float(np.median(y[known, 0][large] / x[known][large]))
            for scale in _told(factor):
                if _agree(y, (x * scale)[:, None], targets.half[[k]], targets.near[[k]])[0]:
                    yield Product(target=target, determinants=(name,), scale=scale, digits=digits)


def _told(factor: float) -> list[float]:
    """Factors of few decimals near to one that was measured, and those by which they divide (net = gross / 1.19)."""
    places = range(1, MOST_DECIMALS + 1)
    told = [round(factor, d) for d in places] + [1 / whole for d in places if factor and (whole := round(1 / factor, d))]
    return list(dict.fromkeys(scale for scale in told if scale and abs(scale) != 1))


def _of_three(sample: Sample, names: list[str], targets: _Targets) -> Iterator[Product]:
    if len(names) > MAX_FOR_THREE:
        return
    ways: tuple[Way, ...] = ("times", "less", "more")
    for first, second in combinations(names, 2):
        both = sample.quick_numbers(first) * sample.quick_numbers(second)
        for third in names:
            for way in ways if third not in (first, second) else ():
                yield from targets.made_as(combined(both, sample.quick_numbers(third), way, 1.0), (first, second, third), way, 1.0)


def _of_two(sample: Sample, names: list[str], targets: _Targets) -> Iterator[Product]:
    for i, j in permutations(range(len(names)), 2):
        first, second = names[i], names[j]
        ways: tuple[Way, ...] = ("times", "over", "less", "more") if i < j else ("over", "less", "more")
        for way in ways:
            for scale in SCALES if way in ("times", "over") else SCALES[:1]:
                made = combined(sample.quick_numbers(first), sample.quick_numbers(second), way, scale)
                yield from targets.made_as(made, (first, second), way, scale)


def _agree(values: np.ndarray, made: np.ndarray, half: np.ndarray, near: np.ndarray) -> np.ndarray:
    """Columns of values (m, W) that are what was made (m, 1) on most rows, bool (W,)."""
    known = ~(np.isnan(values) | np.isnan(made))
    same = np.abs(np.where(known, values - made, 0.0)) <= half * (1 + 1e-6) + near * np.abs(np.where(known, made, 0.0))
    return (known.sum(axis=0) >= FEW) & ((same & known).sum(axis=0) >= MOST * known.sum(axis=0))
