"""Columns that add up from row to row of one parent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np

from ...spec.across_rows import Running
from ..columns.types import is_integer
from .families import Families, holding_share, orders_of
from .family_order import ranks_by
from .measures import HOLDS
from .sample import MIN_SURPRISES

MOST_TERMS = 12  # numbers that are tried as what is added up: pairs of them grow with the square


def find_running(families: Families) -> Iterator[Running]:
    search = families.search
    terms = search.terms[:MOST_TERMS]
    found: list[tuple[int, Running]] = []
    for name in search.summed:
        candidates = [rule for order in orders_of(search) if order != name for rule in _running_by(families, name, [n for n in terms if n != name], order)]
        if candidates:
            best = max(candidates, key=lambda r: (round(r.share, 4), -len(r.terms), r.by is None, r.ordered_by is None))
            found.append((len(best.terms), best))
    taken: set[str] = set()
    used: set[str] = set()
    for _, rule in sorted(found, key=lambda f: (f[0], -f[1].share)):
        if rule.column not in used and not taken & set(rule.terms):
            taken.add(rule.column)
            used |= set(rule.inputs)
            yield rule


def _running_by(families: Families, name: str, terms: Sequence[str], order: str | None) -> Iterator[Running]:
    """What the column can be in one order of the rows."""
    x = families.numbers(name)
    before = families.rows.before(ranks_by(order, families.columns))
    later = np.flatnonzero((before >= 0) & ~np.isnan(x) & ~np.isnan(x[before]))
    if len(later) < MIN_SURPRISES or np.isnan(x[before >= 0]).mean() > 1 - HOLDS:
        return
    digits = families.digits(name)
    size = np.abs(x).max(initial=0.0, where=np.isfinite(x))
    near = 1e-9 * size if digits is None else 8 * np.spacing(size) + 0.5 * 10.0**-digits * (1 - 1e-6)
    steps = x[later] - x[before[later]]
    first = np.flatnonzero(before < 0)
    make = _Making(families, name, order, digits, near, later, steps, first)
    values, counts = np.unique(np.round(steps, digits if digits is not None else 9), return_counts=True)
    constant = float(values[counts.argmax()])
    if counts.max() >= HOLDS * len(later):
        if constant and is_integer(families.search.types[name]):
            yield from make.rule(np.full(len(x), constant), len(later), constant=constant)
        return
    surprises = len(later) - int(counts.max())
    amounts = {term: np.nan_to_num(families.numbers(term)) for term in terms}
    for term in terms:
        for factor in (1, -1):
            yield from make.rule(factor * amounts[term], surprises, terms=(term,), factors=(factor,))
        yield from make.signed(term, amounts[term], surprises)
    for one, other in combinations(terms, 2):
        for factors in product((1, -1), repeat=2):
            yield from make.rule(factors[0] * amounts[one] + factors[1] * amounts[other], surprises, terms=(one, other), factors=factors)


@dataclass(frozen=True)
class _Making:
    """Rules for one column in one order."""

    families: Families
    name: str
    order: str | None
    digits: int | None
    near: float
    later: np.ndarray
    steps: np.ndarray
    first: np.ndarray

    def rule(self, added: np.ndarray, surprises: int, *, terms: tuple[str, ...] = (), **more: object) -> Iterator[Running]:
        """The rule by which rows add `added`, float64 (n,), where it holds."""
        quick = slice(None, None, max(1, len(self.later) // 256))
        if (np.abs(self.steps[quick] - added[self.later[quick]]) > self.near).mean() > 0.05:
            return
        errors = int((np.abs(self.steps - added[self.later]) > self.near).sum())
        share = holding_share(errors, len(self.later), surprises)
        if share is not None:
            start = self.families.numbers(self.name)[self.first]
            zero = (np.abs(start - added[self.first]) <= self.near).mean() >= HOLDS if len(self.first) else False
            yield Running.model_validate(
                {"column": self.name, "terms": terms, "digits": self.digits, "ordered_by": self.order, "share": share, "first": "zero" if zero else "drawn"}
                | more
            )

    def signed(self, term: str, amounts: np.ndarray, surprises: int) -> Iterator[Running]:
        """Rules by which another column says with which sign `term` counts."""
        quick = slice(None, None, max(1, len(self.later) // 256))
        size = np.abs(self.steps[quick])
        if (np.minimum(np.abs(size - np.abs(amounts[self.later[quick]])), size) > self.near).mean() > 0.05:
            return
        for by in self.families.search.types:
            if by == self.name or self.families.search.types[by] not in ("string", "boolean"):
                continue
            where, counts, places = self.families.values(by)
            if not len(where):
                continue
            ways = np.stack([np.abs(self.steps - s * amounts[self.later]) <= self.near for s in (1, -1, 0)], axis=1)  # (later, 3)
            votes = np.zeros((len(where), 3), dtype=np.int64)
            np.add.at(votes, places[self.later], ways)
            signs = np.array([1, -1, 0])[votes.argmax(axis=1)]
            if len(set(signs.tolist())) < 2:
                continue
            common = np.flatnonzero(counts >= self.families.search.rare)
            keys = self.families.scalars(by, where[common])
            yield from self.rule(
                signs[places] * amounts, surprises, terms=(term,), factors=(1,), by=by, keys=tuple(keys), signs=tuple(int(s) for s in signs[common])
            )
