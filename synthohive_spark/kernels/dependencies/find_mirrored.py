"""Columns of which two rows of one parent have the same value crosswise, or one that follows from the other's."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

import numpy as np

from ...spec.across_rows import Mirrored
from .families import Families, holding_share, same_by_chance
from .formulas import is_clock
from .measures import HOLDS
from .sample import MIN_SURPRISES


def find_mirrored(families: Families) -> Iterator[Mirrored]:
    rows = families.rows
    first = np.flatnonzero((rows.size == 2) & (rows.start == np.arange(len(rows.family))))
    if len(first) < MIN_SURPRISES:
        return
    search = families.search
    names = [*search.targets, *search.fast]
    for name, of in permutations(names, 2):
        if search.types[name] != search.types[of] or name in search.fast or (of in search.nullable and name not in search.nullable):
            continue
        mine, theirs = families.codes(name), families.codes(of)
        errors = int((mine[first] != theirs[first + 1]).sum() + (mine[first + 1] != theirs[first]).sum())
        if errors > (1 - HOLDS) * 2 * len(first):
            continue  # how often they would be equal by chance takes longer to say
        share = holding_share(errors, 2 * len(first), 2 * len(first) * (1 - same_by_chance(mine, theirs)))
        if share is not None:
            yield Mirrored(column=name, of=of, share=share, both=of in search.fast)
    for name in search.targets:
        yield from _opposite(families, name, first)


def _opposite(families: Families, name: str, first: np.ndarray) -> Iterator[Mirrored]:
    """Two numbers with one sum, or values that have counterparts."""
    spark_type = families.search.types[name]
    if spark_type not in ("string", "boolean") and not is_clock(spark_type):
        yield from _one_sum(families, name, first)
    where, counts, places = families.values(name)
    everyone = np.arange(len(where))
    if not len(where):
        return
    pairs = np.zeros((len(where), len(where)), dtype=np.int64)
    np.add.at(pairs, (places[first], places[first + 1]), 1)
    np.add.at(pairs, (places[first + 1], places[first]), 1)
    counterpart = pairs.argmax(axis=1)
    errors = int(pairs.sum() - pairs[everyone, counterpart].sum())
    commonest = np.bincount(places[np.concatenate([first, first + 1])]).max()
    share = holding_share(errors, 2 * len(first), 2 * len(first) - commonest)
    known = counts >= families.search.rare
    if share is None or (counterpart == everyone).all() or not (counterpart[counterpart] == everyone)[known].all():
        return
    scalars = families.scalars(name, where)
    kept = [i for i in everyone.tolist() if known[i] and known[counterpart[i]]]
    if kept:
        yield Mirrored(column=name, of=name, keys=tuple(scalars[i] for i in kept), values=tuple(scalars[counterpart[i]] for i in kept), share=share)


def _one_sum(families: Families, name: str, first: np.ndarray) -> Iterator[Mirrored]:
    digits = families.digits(name)
    x, y = families.numbers(name)[first], families.numbers(name)[first + 1]
    if digits is None:
        return
    sums = np.round(x + y, digits)
    one_null = np.isnan(x) != np.isnan(y)
    there = sums[~np.isnan(sums)]
    if not len(there):
        return
    values, counts = np.unique(there, return_counts=True)
    total = float(values[counts.argmax()])
    errors = int((there != total).sum() + one_null.sum())
    by_chance = float((np.round(x + np.roll(y, len(y) // 2 + 1), digits) == total).mean())
    share = holding_share(errors, len(first), len(there) * (1 - by_chance))
    if share is not None:
        yield Mirrored(column=name, of=name, total=total, share=share)
