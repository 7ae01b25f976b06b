"""Find columns that one or two others determine by their values alone."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from ...spec.dependencies import Lookup
from .measures import HOLDS
from .probes import may_be_told
from .sample import FEWER_ERRORS, MIN_SURPRISES, Sample, Search, group_ids

QUICK_LOOKUP_ROWS = 1_000  # a first look: most pairs break within it
QUICK_ERRORS = 0.02  # share of errors there that can still be chance
SUPPORTED = 0.9  # share of the sampled rows whose combination is seen more than once: the rest cannot speak for a rule
LEADS = 0.75  # a column is half of a pair if it alone leaves fewer than this share of the errors that the commonest value makes
MAX_PAIRS = 20_000  # tried on the first rows; past that a wide table would take minutes
MAX_MANY = 16  # columns of many values that have a sample of their own, those with the fewest first: they come to one task
COMMON = 20  # rows in the sample from which on a value is no rare one


@dataclass(frozen=True)
class GroupFit:
    """How well groups tell the target: rows in groups of two or more, and those that the rest of their group gets wrong."""

    supported: int
    errors: int


def find_lookups(sample: Sample, search: Search, explained: Collection[str]) -> list[Lookup]:
    """Lookups of one determinant, and of two where one is not enough.

    Args:
        explained: targets that a formula gives already.
    """
    targets = [n for n in search.targets if n not in explained and sample.varies(n)]
    found = [f for other, target in _single(sample, search, targets) if (f := _lookup(sample, target, (other,)))]
    single = {f.target for f in found}
    discrete = [n for n in search.discrete if sample.varies(n)]
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


def _single(sample: Sample, search: Search, targets: list[str]) -> Iterator[tuple[str, str]]:
    """Pairs of a determinant and a target that the first rows do not rule out."""
    if not targets:
        return
    few = min(sample.rows, QUICK_LOOKUP_ROWS)

    def codes(name: str) -> np.ndarray:
        return np.where(sample.nulls(name)[:few], -1, sample.codes(name)[:few])

    of_targets = np.stack([codes(n) for n in targets], axis=1)  # (m, W)
    for other in _alone(sample, search):
        for i in np.flatnonzero(may_be_told(codes(other), of_targets, (1 - HOLDS) * sample.rows)):
            if targets[i] != other:
                yield other, targets[i]


def _alone(sample: Sample, search: Search) -> list[str]:
    """What can be a determinant by itself."""
    return [n for n in (*search.discrete, *search.whole) if sample.varies(n)]


def many_valued(sample: Sample, search: Search) -> dict[str, float]:
    """Columns with so many values that most are alone in the sample, at most `MAX_MANY`, and about how many values make up most of their rest.

    That number is 1 / sum p^2 over values that are rare here, from the pairs of rows that share one.
    """
    found: dict[str, float] = {}
    for name in _alone(sample, search):
        counts = np.bincount(sample.codes(name)[~sample.nulls(name)])
        counts = counts[counts > 0]
        if counts.sum() and counts[counts > 1].sum() < SUPPORTED * counts.sum():
            tail = counts[counts <= COMMON].astype(np.float64)
            found[name] = float(tail.sum() ** 2 / max(1.0, (tail * (tail - 1)).sum()))
    return dict(sorted(found.items(), key=lambda item: item[1])[:MAX_MANY])


def find_among_families(sample: Sample, search: Search, determinant: str, explained: Collection[str]) -> list[Lookup]:
    """Lookups by a column of many values, in a sample of all rows, or some 20, of a few of them."""
    found = []
    for target in search.targets:
        if target != determinant and target not in explained and sample.varies(target):
            for rows in (np.arange(sample.rows), np.flatnonzero(~sample.nulls(target))):
                groups, values = sample.codes(determinant)[rows], sample.codes(target)[rows]
                fit, surprises = group_fit(groups, values), _surprises(groups, values)
                # All rows decide later: a few exceptions more than they may have can be chance here.
                if surprises >= MIN_SURPRISES and fit.errors <= min(QUICK_ERRORS * fit.supported, FEWER_ERRORS * surprises):
                    found.append(Lookup(target=target, determinants=(determinant,), share=1 - fit.errors / fit.supported))
                    break
    return found


def _pairs(sample: Sample, target: str, names: list[str]) -> Iterator[tuple[str, str]]:
    surprises = int(sample.surprises(target).sum())
    leaders = {n for n in names if group_fit(group_ids(sample.codes(n)), sample.codes(target)).errors <= LEADS * surprises}
    return (pair for pair in combinations(names, 2) if leaders.intersection(pair))


def _lookup(sample: Sample, target: str, determinants: tuple[str, ...]) -> Lookup | None:
    """The lookup, without its values, if it holds on the sample, or where the target is there, and is more than chance and than each determinant alone."""
    rows = _speaking(sample, target, determinants)
    found = _lookup_of(sample, target, determinants, rows)
    there = rows[~sample.nulls(target)[rows]]
    return found if found is not None or len(there) in (0, len(rows)) else _lookup_of(sample, target, determinants, there)


def _lookup_of(sample: Sample, target: str, determinants: tuple[str, ...], rows: np.ndarray) -> Lookup | None:
    codes, of_target = [sample.codes(n)[rows] for n in determinants], sample.codes(target)[rows]
    few = slice(0, QUICK_LOOKUP_ROWS)
    quick = group_fit(group_ids(*(c[few] for c in codes)), of_target[few])
    if quick.errors > QUICK_ERRORS * QUICK_LOOKUP_ROWS:
        return None
    groups = group_ids(*codes)
    fit = group_fit(groups, of_target)
    surprises = _surprises(groups, of_target)
    if fit.supported < SUPPORTED * len(of_target) or fit.errors > (1 - HOLDS) * fit.supported:
        return None
    known = np.logical_and.reduce([~sample.nulls(n)[rows] for n in determinants])
    if min(surprises, _surprises(groups[known], of_target[known])) < MIN_SURPRISES or fit.errors > FEWER_ERRORS * surprises:
        return None  # what a null alone tells is told as such
    if len(determinants) > 1:
        alone = min(group_fit(c, of_target).errors for c in codes)
        if alone < MIN_SURPRISES or fit.errors > FEWER_ERRORS * alone:
            return None
    return Lookup(target=target, determinants=determinants, share=1 - fit.errors / max(1, fit.supported))


def _speaking(sample: Sample, target: str, determinants: tuple[str, ...]) -> np.ndarray:
    """The rows that can speak for or against, int64. Null is a value, unless rows without a value say nothing of the target: those have one of their own."""
    null = np.logical_or.reduce([sample.nulls(n) for n in determinants])
    groups = group_ids(*(sample.codes(n)[null] for n in determinants))
    fit = group_fit(groups, sample.codes(target)[null])
    return np.flatnonzero(~null) if fit.errors > (1 - HOLDS) * fit.supported else np.arange(sample.rows)


def _surprises(groups: np.ndarray, target: np.ndarray) -> int:
    """Rows in groups of two or more whose target is not the commonest value: what a rule has to tell."""
    if not len(target):
        return 0
    shared = np.bincount(groups)[groups] > 1
    return int((shared & (target != np.bincount(target).argmax())).sum())


def group_fit(groups: np.ndarray, target: np.ndarray) -> GroupFit:
    """Both int64 (n,). A value that is alone in its group counts as an error where the group has others."""
    packed = groups * (int(target.max(initial=0)) + 1) + target
    cells, counts = np.unique(packed, return_counts=True)
    group = cells // (int(target.max(initial=0)) + 1)
    first = np.flatnonzero(np.concatenate([[True], np.diff(group) > 0])) if len(group) else np.zeros(0, dtype=np.int64)
    sizes, most = np.add.reduceat(counts, first), np.maximum.reduceat(counts, first)
    shared = sizes > 1
    errors = np.where(most > 1, sizes - most, sizes)
    return GroupFit(int(sizes[shared].sum()), int(errors[shared].sum()))
