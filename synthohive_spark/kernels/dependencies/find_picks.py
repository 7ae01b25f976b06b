"""Find columns that are the greatest, the least or the first of others that is there. Legend: `n` rows, `m` rows of a first look, `W` columns."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice

import numpy as np
import pyarrow.compute as pc

from ...spec.dependencies import Pick, PickWay
from ...spec.types import holds_type
from .measures import HOLDS
from .sample import FEWER_ERRORS, MIN_SURPRISES, Sample, Search
from .units import plain

MOST = 0.97  # of a few rows must agree for a closer look
MAX_COLUMNS = 200  # that are compared with one another: the search is quadratic


def find_picks(sample: Sample, search: Search, explained: Collection[str]) -> list[Pick]:
    """For each column the first way in which it is picked from others, each of which it needs in `MIN_SURPRISES` rows at least.

    Args:
        explained: columns that follow from others already, in all rows.
    """
    # Private columns among them: what they give is made up, and may as well be the same in both.
    names = [n for n in search.types if n not in search.said and sample.varies(n)][:MAX_COLUMNS]
    found: list[Pick] = []
    for target in (n for n in names if n in search.targets and n not in explained):
        others = [n for n in names if n != target and holds_type(search.types[target], search.types[n])]
        if len(others) > 1:
            rules = (sample.judged(Pick(target=target, determinants=tuple(few), way=way)) for way, few in _ways(sample, search, target, others) if len(few) > 1)
            found += islice((rule for rule in rules if rule is not None), 1)
    return found


def _ways(sample: Sample, search: Search, target: str, others: list[str]) -> Iterator[tuple[PickWay, list[str]]]:
    """The ways in which a column may be picked, and from which: each is only looked for where those before it do not hold."""
    yield "first", _firsts(sample, target, others)
    if search.types[target] not in ("string", "boolean") and target not in search.bounded:
        yield "greatest", _ends(sample, sample.numbers(target), others, 1)
        yield "least", _ends(sample, sample.numbers(target), others, -1)


def _firsts(sample: Sample, target: str, others: list[str]) -> list[str]:
    """The columns that agree with the target wherever they are there and none before them is, in this order; of several the one of the most rows."""
    left = ~sample.nulls(target)
    quick = sample.quick_hashes(target)
    if not any(_agrees(sample.quick_hashes(n) == quick, (left & ~sample.nulls(n))[sample.quick]) for n in others):
        return []
    values, same = plain(sample.columns[target]), {}
    chosen: list[str] = []
    while left.sum() >= MIN_SURPRISES:
        best, most = "", 0
        for name in (n for n in others if n not in chosen):
            told = left & ~sample.nulls(name)
            if told.sum() <= max(most, MIN_SURPRISES):
                continue
            if name not in same:
                same[name] = pc.equal(values, plain(sample.columns[name]).cast(values.type)).fill_null(False).to_numpy(zero_copy_only=False)
            codes, errors = sample.codes(target)[told], int((told & ~same[name]).sum())
            surprises = len(codes) - int(np.bincount(codes).max())
            if surprises >= MIN_SURPRISES and errors <= min((1 - HOLDS) * len(codes), FEWER_ERRORS * surprises):
                best, most = name, len(codes)
        if not best:
            break
        chosen.append(best)
        left &= sample.nulls(best)
    return chosen


def _agrees(same: np.ndarray, told: np.ndarray) -> bool:
    return bool(told.any() and same[told].mean() >= MOST)


def _ends(sample: Sample, target: np.ndarray, others: list[str], sign: int) -> list[str]:
    """The columns that are never past the target, (n,), and that it equals in rows in which it equals no other; `sign` is -1 for the least."""
    some = target[sample.quick]
    kept: list[str] = []
    meets: list[np.ndarray] = []
    for name in others:
        quick = sample.quick_numbers(name)
        known = ~(np.isnan(quick) | np.isnan(some))
        if known.any() and (sign * quick[known] <= sign * some[known]).mean() < MOST:
            continue
        values = sample.numbers(name)
        known = ~(np.isnan(values) | np.isnan(target))
        equal = known & (values == target)
        past = int((sign * values[known] > sign * target[known]).sum())
        if equal.sum() >= MIN_SURPRISES and past <= (1 - HOLDS) * known.sum():
            kept.append(name)
            meets.append(equal)
    if not meets:
        return kept
    met = np.array(meets)  # (W, n)
    times = met.sum(axis=0)
    alone = met[:, times == 1].sum(axis=1)
    left = list(range(len(kept)))
    while len(left) > 1:
        least = min(left, key=lambda i: (alone[i], -i))
        if alone[least] >= MIN_SURPRISES:
            break
        left.remove(least)
        now = met[least] & (times == 2)  # one other is left there
        times = times - met[least]
        met[least] = False
        alone = alone + met[:, now].sum(axis=1)
    return [kept[i] for i in left]
