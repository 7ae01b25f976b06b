"""Find columns that one or two others determine by their values alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from ...spec.dependencies import Lookup
from .sample import FEWER_ERRORS, HOLDS, MAX_INCOMPLETE, MIN_SURPRISES, Sample, Search, group_ids

QUICK_LOOKUP_ROWS = 1_000  # a first look: most pairs break within it
QUICK_ERRORS = 0.02  # share of errors there that can still be chance
SUPPORTED = 0.9  # share of the sampled rows whose combination is seen more than once: the rest cannot speak for a rule
LEADS = 0.75  # a column is half of a pair if it alone leaves fewer than this share of the errors that the commonest value makes
MAX_PAIRS = 20_000  # tried on the first rows; past that a wide table would take minutes


@dataclass(frozen=True)
class _Fit:
    """How well groups tell the target: rows in groups of two or more, and those that the rest of their group gets wrong."""

    supported: int
    errors: int


def find_lookups(sample: Sample, search: Search, explained: set[str]) -> list[Lookup]:
    """Lookups of one determinant, and of two where one is not enough.

    Args:
        explained: targets that a formula gives already.
    """
    targets = [n for n in search.targets if n not in explained and sample.varies(n)]
    discrete = [n for n in search.discrete if sample.varies(n)]
    found = [f for target in targets for other in discrete if other != target and (f := _lookup(sample, target, (other,)))]
    single = {f.target for f in found}
    tried = 0
    for target in (n for n in targets if n not in single):
        for pair in _pairs(sample, target, [n for n in discrete if n != target]):
            tried += 1
            if tried > MAX_PAIRS:
                return found
            lookup = _lookup(sample, target, pair)
            if lookup is not None:
                found.append(lookup)
    return found


def _pairs(sample: Sample, target: str, names: list[str]) -> Iterator[tuple[str, str]]:
    surprises = int(sample.surprises(target).sum())
    leaders = {n for n in names if _fit(group_ids(sample.codes(n)), sample.codes(target)).errors <= LEADS * surprises}
    return (pair for pair in combinations(names, 2) if leaders.intersection(pair))


def _lookup(sample: Sample, target: str, determinants: tuple[str, ...]) -> Lookup | None:
    """The lookup, without its values, if it holds on the sample and is more than chance and than each determinant alone."""
    rows = _speaking(sample, determinants)
    codes, of_target = [sample.codes(n)[rows] for n in determinants], sample.codes(target)[rows]
    few = slice(0, QUICK_LOOKUP_ROWS)
    quick = _fit(group_ids(*(c[few] for c in codes)), of_target[few])
    if quick.errors > QUICK_ERRORS * QUICK_LOOKUP_ROWS:
        return None
    groups = group_ids(*codes)
    fit = _fit(groups, of_target)
    surprises = _surprises(groups, of_target)
    if fit.supported < SUPPORTED * len(of_target) or fit.errors > (1 - HOLDS) * fit.supported:
        return None
    if surprises < MIN_SURPRISES or fit.errors > FEWER_ERRORS * surprises:
        return None
    if len(determinants) > 1:
        alone = min(_fit(c, of_target).errors for c in codes)
        if alone < MIN_SURPRISES or fit.errors > FEWER_ERRORS * alone:
            return None
    return Lookup(target=target, determinants=determinants, share=1 - fit.errors / max(1, fit.supported))


def _speaking(sample: Sample, determinants: tuple[str, ...]) -> np.ndarray:
    """The rows that can speak for or against, int64: null is a value, but a few rows without a value may differ."""
    null = np.logical_or.reduce([sample.nulls(n) for n in determinants])
    return np.flatnonzero(~null) if null.mean() <= MAX_INCOMPLETE else np.arange(sample.rows)


def _surprises(groups: np.ndarray, target: np.ndarray) -> int:
    """Rows in groups of two or more whose target is not the commonest value: what a rule has to tell."""
    shared = np.bincount(groups)[groups] > 1
    return int((shared & (target != np.bincount(target).argmax())).sum())


def _fit(groups: np.ndarray, target: np.ndarray) -> _Fit:
    """Both int64 (n,). A value that is alone in its group counts as an error where the group has others."""
    packed = groups * (int(target.max(initial=0)) + 1) + target
    cells, counts = np.unique(packed, return_counts=True)
    group = cells // (int(target.max(initial=0)) + 1)
    first = np.flatnonzero(np.concatenate([[True], np.diff(group) > 0])) if len(group) else np.zeros(0, dtype=np.int64)
    sizes, most = np.add.reduceat(counts, first), np.maximum.reduceat(counts, first)
    shared = sizes > 1
    errors = np.where(most > 1, sizes - most, sizes)
    return _Fit(int(sizes[shared].sum()), int(errors[shared].sum()))
