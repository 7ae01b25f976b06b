"""Find sums in which nulls count as 0: `total = net + coalesce(tax, 0)`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import combinations

import numpy as np
import pyarrow as pa

from ...spec.dependencies import Linear
from .find_linear import FEW, MAX_FOR_THREE, MOST, linear, threes, twos
from .formulas import Formula, is_clock, is_formula_input
from .sample import MIN_SURPRISES, Sample, Search
from .units import plain, with_zeros


def find_sums_with_zeros(sample: Sample, search: Search) -> list[Formula]:
    """Formulas of up to three determinants, of which those that are null in some rows count as 0 there; of each target and its determinants the best."""
    numeric = [n for n in search.inputs if is_formula_input(search.types[n]) and not is_clock(search.types[n]) and sample.varies(n)]
    sparse = {n for n in numeric if sample.nulls(n).sum() >= MIN_SURPRISES}
    if not sparse:
        return []
    filled = replace(sample, columns={n: _filled(a) if n in sparse else a for n, a in sample.columns.items()}, _kept={})
    numeric = [n for n in numeric if filled.varies(n)]
    proposed = [
        *({a: 1.0, b: -1.0} for a, b in combinations(numeric, 2)),
        *twos(filled, numeric),
        *(threes(filled, numeric) if len(numeric) <= MAX_FOR_THREE else ()),
    ]
    relations = {frozenset(relation): relation for relation in proposed if not sparse.isdisjoint(relation) and _agrees(filled, relation)}
    place = {n: i for i, n in enumerate(search.types)}
    found: list[Formula] = []
    for relation in relations.values():
        for target in (n for n in relation if n in search.targets and n not in search.bounded):
            factors = {n: -c / relation[target] for n, c in relation.items() if n != target}
            terms = {n: factors[n] for n in sorted(factors, key=lambda n: (factors[n] < 0, n in sparse, place[n]))}
            variants = [v for v in _variants(sample, target, terms, sparse) if v is not None]
            if variants:
                found.append(min(variants, key=lambda v: (v.drawn, -round(v.share, 4), len(v.as_zero))))
    return found


def _agrees(filled: Sample, relation: Mapping[str, float]) -> bool:
    """Whether it holds on most rows in which not all of the columns are 0: columns that seldom are anything else fit together in any way."""
    terms = np.stack([c * filled.numbers(n) for n, c in relation.items()], axis=1)
    terms = terms[(terms != 0).any(axis=1) & ~np.isnan(terms).any(axis=1)]
    return len(terms) >= FEW and bool((np.abs(terms.sum(axis=1)) <= 1e-9 * np.abs(terms).sum(axis=1)).mean() >= MOST)


def _filled(array: pa.Array) -> pa.Array:
    return with_zeros(plain(array))


def _variants(sample: Sample, target: str, terms: Mapping[str, float], sparse: set[str]) -> Iterator[Linear | None]:
    """The formula with each choice of determinants whose nulls count as 0: a choice is shown by rows in which they are null and the target is not."""
    there = ~sample.nulls(target)
    shown = [n for n in terms if n in sparse and (sample.nulls(n) & there).sum() >= MIN_SURPRISES]
    for size in range(1, len(shown) + 1):
        for as_zero in combinations(shown, size):
            found = linear(sample, target, terms, as_zero=as_zero)
            if isinstance(found, Linear) and _speaks(sample, found, there):
                yield found


def _speaks(sample: Sample, formula: Linear, there: np.ndarray) -> bool:
    """Whether no more is left open by nulls that count as 0 than by others: a sum that is null with its terms is none of these."""
    nulls = np.logical_or.reduce([sample.nulls(n) for n in formula.as_zero])
    return bool((nulls & there).sum() >= (nulls & ~there).sum())
