"""Find columns that are never equal although by chance they often would be, and choose which of two gives way."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import combinations

import numpy as np
import pandas as pd
import pyarrow as pa

from ...spec.dependencies import AnyDependency, Order, Unequal
from ...spec.types import decimal_digits, type_family
from .choose import closes_a_circle, sequenced
from .measures import HOLDS
from .sample import FEWER_ERRORS, MIN_SURPRISES, Sample, Search
from .unequal import is_apart

FAMILIES = ("text", "integer", "decimal", "date")
MOST_VALUES = 5_000  # of a column, which more would hardly ever meet by chance
MEETINGS = 0.005  # share of the rows that numbers and dates must have in common by chance: times of departure and arrival differ because one is later
MAX_COLUMNS = 100  # that are compared with one another: the search is quadratic
MAX_PAIRS = 100  # that are looked at on all rows, those first that chance would make equal most often


def find_unequal(sample: Sample, search: Search, related: Collection[frozenset[str]]) -> list[Unequal]:
    """Pairs that differ on the sample. That is judged by mixing the rows: were both columns independent, so many rows would be equal; at least `MIN_SURPRISES`
    of them, and ten times as many as really are.

    Args:
        related: columns of formulas, which say more.
    """
    names = [n for n in search.apart if type_family(search.types[n]) in FAMILIES and sample.varies(n) and len(_values(sample, n)[0]) <= MOST_VALUES]
    found: list[Unequal] = []
    for pair in combinations(names[:MAX_COLUMNS], 2):
        if not set(pair) & set(search.movable) or _kind(pair[0], search) != _kind(pair[1], search) or any(set(pair) <= columns for columns in related):
            continue
        few, many = sorted(pair, key=lambda n: len(_values(sample, n)[0]))  # where there are more values, there is more room to give way
        rows = int((~sample.nulls(few) & ~sample.nulls(many)).sum())
        chance = _meetings(sample, few, many) * rows
        if chance < max(MIN_SURPRISES, 0 if type_family(search.types[few]) == "text" else MEETINGS * rows):
            continue
        candidate = Unequal(target=many, determinants=(few,), chance=chance / rows)
        errors = int((~is_apart(candidate, sample.columns, search.types)).sum())
        if errors <= min(FEWER_ERRORS * chance, (1 - HOLDS) * rows):
            found.append(candidate.model_copy(update={"share": 1 - errors / rows}))
    return sorted(found, key=lambda f: -f.chance)[:MAX_PAIRS]


def _kind(name: str, search: Search) -> tuple[object, ...]:
    digits = decimal_digits(search.types[name])
    return type_family(search.types[name]), digits and digits[1]


def _values(sample: Sample, name: str) -> tuple[np.ndarray, np.ndarray]:
    """A number for each different value, ascending, equal for what is equal as text, and their shares of the rows that have one."""

    def counted() -> tuple[np.ndarray, np.ndarray]:
        array = sample.columns[name].drop_null()
        texts = np.array(array.cast(pa.string()).to_pylist(), dtype=object)
        values, counts = np.unique(pd.util.hash_array(texts, categorize=False), return_counts=True)
        return values, counts / max(len(array), 1)

    return sample.once("values", name, lambda _: counted())


def _meetings(sample: Sample, a: str, b: str) -> float:
    """The share of rows that are equal where both columns are mixed."""
    (x, p), (y, q) = _values(sample, a), _values(sample, b)
    _, at, beside = np.intersect1d(x, y, assume_unique=True, return_indices=True)
    return float((p[at] * q[beside]).sum())


def with_unequal(chosen: Sequence[AnyDependency], pairs: Sequence[Unequal], search: Search) -> list[AnyDependency]:
    """`chosen` and the pairs, in the order in which to evaluate them: of each pair a column gives way that nothing else is known of.

    Args:
        pairs: each confirmed. Columns that are in order differ where they did, and are left out.
    """
    taken = {d.target for d in chosen}
    in_order = [{d.target, *d.at_least, *d.at_most} for d in chosen if isinstance(d, Order)]
    used = {name for d in chosen for name in d.determinants}
    graph: dict[str, tuple[str, ...]] = {d.target: d.determinants for d in chosen}
    found: dict[str, Unequal] = {}
    for pair in pairs:
        names = (pair.target, pair.determinants[0])
        if any(set(names) <= columns for columns in in_order):
            continue
        together = set(names) <= set(search.steady)  # rows that follow another one follow it in both
        for target, other in (names, names[::-1]):
            if (
                target in search.movable
                and target not in taken
                and (search.may_give_way(target, other) or together)
                and not closes_a_circle(target, (other,), graph)
            ):
                graph[target] = (*graph.get(target, ()), other)
                before = found.get(target)
                others = (other,) if before is None else (*before.determinants, other)
                share = min(pair.share, 1.0 if before is None else before.share)
                found[target] = Unequal(target=target, determinants=others, share=share)
                break
    seen = [name for u in found.values() for name in u.determinants]

    def can_move(name: str) -> bool:
        return name in search.movable and name not in {*taken, *found, *search.steady} and name not in used and seen.count(name) == 1

    return sequenced([*chosen, *(u.model_copy(update={"free": tuple(filter(can_move, u.determinants))}) for u in found.values())])
