"""Values that are asked for of columns that follow from others: what those others can be, as a pool of combinations of which each gives what was asked.

Combinations are proposed from the columns' own distributions, one of the columns being computed from the others where chance would hardly ever meet a sum.
Legend: `N` proposals, `P` combinations, `R` columns of a pool.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ...spec.dependencies import Absence, AnyDependency, Calendar, Linear, Lookup, Order, Product, Unequal, is_bound
from ...spec.encoding import CategoryEncoding, NumberEncoding, TableEncoding, TextEncoding
from ..asked import inside
from ..columns import decode_codes, encode_frame
from ..columns.marks import marked
from ..columns.types import from_scalars, to_float64
from .absences import broken
from .calendars import on_calendar
from .formulas import Formula, evaluate
from .inverse import can_turn, turned_formula
from .lookups import expected
from .orders import in_order
from .unequal import is_apart
from .units import same_values

FEWEST, MOST = 256, 4_096  # combinations of a pool: fewer would repeat, more would not be told apart
PROPOSED = 20_000  # combinations of a first look
ROUNDS = 50  # looks: what one in a million rows would have is found in most pools
RARE = 0.02  # share of the proposals below which a column is computed, if that meets more

Values = Mapping[str, pa.Array]


@dataclass(frozen=True)
class Pool:
    """What some columns of a row can be.

    Attributes:
        names: columns that are chosen, in this order.
        values: of these, and of columns between them and the asked one that a row could have otherwise, (P,) each.
        codes: of `names`, int64 (P, R).
        tilt: what the likelihood of each code, given those before it, is multiplied with, float64 (P, R).
    """

    names: tuple[str, ...]
    values: Mapping[str, pa.Array] = field(repr=False)
    codes: np.ndarray = field(repr=False)
    tilt: np.ndarray = field(repr=False)

    def __len__(self) -> int:
        return len(self.codes)


def rules_of(dependencies: Iterable[AnyDependency]) -> dict[str, AnyDependency]:
    """The dependencies that say what their target is, by target."""
    return {d.target: d for d in dependencies if not is_bound(d)}


def roots_of(target: str, rules: Mapping[str, AnyDependency]) -> tuple[str, ...]:
    """The columns that `target` follows from over any number of steps, and that follow from none themselves."""
    found: dict[str, None] = {}
    waiting, seen = [target], set()
    while waiting:
        name = waiting.pop(0)
        if name in seen:
            continue
        seen.add(name)
        if name in rules:
            waiting += rules[name].determinants
        else:
            found[name] = None
    return tuple(found)


def find_pools(
    dependencies: Sequence[AnyDependency], asked: Values, encoding: TableEncoding, types: Mapping[str, str], rng: np.random.Generator, rows: int
) -> tuple[list[Pool], list[tuple[str, ...]]]:
    """Pools for the asked values of columns that follow from others, and the columns that cannot have theirs.

    Args:
        dependencies: of the table, in the order of evaluation.
        asked: column -> its value, an array of one.
        rows: that are asked for.
    """
    rules = rules_of(dependencies)
    pools, unmet = [], []
    for targets in _groups([name for name in asked if name in rules], rules, asked):
        search = _Search(targets, dependencies, rules, asked, encoding, types)
        found = search.pool(rng, int(np.clip(4 * rows, FEWEST, MOST)))
        if found is None:
            unmet.append(targets)
        elif found.names:
            pools.append(found)
    return pools, unmet


def _groups(targets: Sequence[str], rules: Mapping[str, AnyDependency], asked: Values) -> list[tuple[str, ...]]:
    """Targets that follow from a common column are looked at together."""
    groups: list[tuple[set[str], list[str]]] = []
    for target in targets:
        free = {name for name in roots_of(target, rules) if name not in asked}
        meeting = [group for group in groups if group[0] & free]
        groups = [group for group in groups if not group[0] & free]
        groups.append((free.union(*(g[0] for g in meeting)), [*(t for g in meeting for t in g[1]), target]))
    return [tuple(sorted(names)) for _, names in groups]


class _Search:
    """The search for one pool."""

    def __init__(
        self,
        targets: tuple[str, ...],
        dependencies: Sequence[AnyDependency],
        rules: Mapping[str, AnyDependency],
        asked: Values,
        encoding: TableEncoding,
        types: Mapping[str, str],
    ) -> None:
        needed = {name for target in targets for name in _above(target, rules)}
        self.targets, self.asked, self.encoding, self.types = targets, asked, encoding, types
        self.chain = [d for d in dependencies if not is_bound(d) and d.target in needed]
        self.bounds = [d for d in dependencies if is_bound(d)]
        roots = [name for target in targets for name in roots_of(target, rules)]
        self.free = tuple(dict.fromkeys(name for name in roots if name not in asked))
        self.kept = tuple(d.target for d in self.chain if d.drawn and d.target not in asked)

    def pool(self, rng: np.random.Generator, wanted: int) -> Pool | None:
        """None where there is no combination."""
        if not self.free:
            return Pool((), {}, np.zeros((1, 0), dtype=np.int64), np.zeros((1, 0))) if len(self._met({}, 1)[1]) else None
        ways: list[tuple[AnyDependency, str] | None] = [None, *self._ways()]
        met = [self._proposed(PROPOSED, way, np.random.default_rng(rng.integers(2**63)))[1] for way in ways]
        shares = [len(columns[self.free[0]]) / PROPOSED for columns in met]
        best = int(np.argmax(shares)) if shares[0] < RARE else 0
        way = ways[best]
        free = tuple(name for name in self.free if way is None or name != way[1])
        seen = np.zeros(self.encoding.column(free[0]).cardinality) if free else np.zeros(0)
        parts: list[dict[str, pa.Array]] = []
        for _ in range(ROUNDS if free else 1):
            proposed, columns = self._proposed(PROPOSED if free else 1, way, rng)
            parts.append(columns)
            if free:
                seen += np.bincount(proposed[free[0]], minlength=len(seen))
            if sum(len(part[self.free[0]]) for part in parts) >= wanted:
                break
        whole = {name: pa.concat_arrays([part[name] for part in parts]) for name in parts[0]}
        return self._weighed(whole, free, seen, rng, wanted)

    def _ways(self) -> list[tuple[AnyDependency, str]]:
        """Rules of asked values, each with a free determinant that can be computed."""
        sums = [d for d in self.chain if d.target in self.asked and self.asked[d.target].null_count == 0]
        return [(d, name) for d in sums for name in d.determinants if name in self.free and can_turn(d, name)]

    def _proposed(self, count: int, way: tuple[AnyDependency, str] | None, rng: np.random.Generator) -> tuple[dict[str, np.ndarray], dict[str, pa.Array]]:
        """Codes of `count` combinations, and the values of those that give what was asked."""
        codes, values = {}, {}
        for name in self.free:
            if way is None or name != way[1]:
                shares = np.asarray(self.encoding.column(name).weights, dtype=np.float64)
                codes[name] = rng.choice(len(shares), size=count, p=shares / shares.sum())
                values[name] = decode_codes(codes[name][:, None], self.encoding.select((name,)), rng)[name]
        if way is not None:
            rule, name = way
            there, fine = self._followed(values, count, skipped=rule.target)
            if isinstance(rule, Linear | Product) and {rule.target, *rule.determinants} - {name} <= set(there):
                values[name] = turned_formula(rule, name, there, self.types)
                fine &= _is_like(values[name], self.encoding.column(name))
            else:  # another determinant follows from the one that is to be computed
                values[name], fine = pa.nulls(count, self._nothing(name).type), np.zeros(count, dtype=bool)
            chosen = pa.array(np.flatnonzero(fine))
            values = {n: v.take(chosen) for n, v in values.items()}
            count = len(chosen)
        columns, met = self._met(values, count)
        return codes, {n: columns[n].take(pa.array(met)) for n in (*self.free, *self.kept)}

    def _nothing(self, name: str) -> pa.Array:
        return decode_codes(np.zeros((0, 1), dtype=np.int64), self.encoding.select((name,)), np.random.default_rng(0))[name]

    def _met(self, values: Values, count: int) -> tuple[dict[str, pa.Array], np.ndarray]:
        """All columns of the combinations, and the places of those that give what was asked and break no bound."""
        columns, fine = self._followed(values, count)
        for bound in self.bounds:
            fine &= _is_kept(bound, columns, self.types)
        return columns, np.flatnonzero(fine)

    def _followed(self, values: Values, count: int, skipped: str = "") -> tuple[dict[str, pa.Array], np.ndarray]:
        """The columns with what follows from them, as far as it can be told, and where that agrees with what was asked."""
        columns = {name: value.take(pa.array(np.zeros(count, dtype=np.int64))) for name, value in self.asked.items()} | dict(values)
        fine = np.ones(count, dtype=bool)
        for d in self.chain:
            if d.target == skipped or not set(d.determinants) <= set(columns):
                continue
            told = np.ones(count, dtype=bool)
            if isinstance(d, Lookup):
                made, told = expected(d, {**columns, d.target: columns.get(d.target, self._nothing(d.target))}, self.types)
            else:
                made = evaluate(cast(Formula, d), columns, self.types)
            fine &= told
            if d.target in self.asked:
                fine &= same_values(made, columns[d.target])
            else:
                columns[d.target] = made
        return columns, fine

    def _weighed(self, columns: dict[str, pa.Array], free: tuple[str, ...], seen: np.ndarray, rng: np.random.Generator, wanted: int) -> Pool | None:
        """At most `wanted` combinations as a pool.

        Proposals follow the distributions of the columns `free`; rows are to follow the model's. The first column's code is drawn by the model, so that
        its combinations count as often as they were met; any other of `free` by the model's likelihood over its share; a computed one by its density.
        """
        total = len(columns[self.free[0]])
        if not total:
            return None
        names = (*free, *(name for name in self.free if name not in free))
        codes = np.stack([_codes(name, columns[name], self.encoding) for name in names], axis=1)
        tilt = np.ones(codes.shape)
        for i, name in enumerate(names):
            shares = np.asarray(self.encoding.column(name).weights, dtype=np.float64)
            if i == 0 and free:
                tilt[:, 0] = (np.bincount(codes[:, 0], minlength=len(seen)) / np.maximum(seen, 1))[codes[:, 0]]
            else:
                tilt[:, i] = (1 / np.maximum(shares if name in free else _widths(self.encoding.column(name)), 1e-12))[codes[:, i]]
        chosen = np.sort(rng.choice(total, size=min(total, wanted), replace=False))
        return Pool(names, {n: v.take(pa.array(chosen)) for n, v in columns.items()}, codes[chosen], tilt[chosen])


def _above(target: str, rules: Mapping[str, AnyDependency]) -> set[str]:
    """The target and all that it follows from."""
    found: set[str] = set()
    waiting = [target]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += rules[name].determinants if name in rules else ()
    return found


def _codes(name: str, values: pa.Array, encoding: TableEncoding) -> np.ndarray:
    frame = pd.DataFrame({name: _series(marked(values))})
    return encode_frame(frame, encoding.select((name,)))[:, 0]


def _series(values: pa.Array) -> pd.Series:
    return pd.Series(pd.arrays.ArrowExtensionArray(pa.chunked_array([values])))


def _is_like(values: pa.Array, column: NumberEncoding | CategoryEncoding | TextEncoding) -> np.ndarray:
    """Which values a real row could have had, bool (N,); null is none."""
    there = values.is_valid().to_numpy(zero_copy_only=False)
    if isinstance(column, CategoryEncoding):
        return there & pc.is_in(values, value_set=from_scalars(column.values, column.spark_type)).to_numpy(zero_copy_only=False)
    if not isinstance(column, NumberEncoding):
        return np.zeros(len(values), dtype=bool)
    x = to_float64(_series(marked(values)), column.name, column.spark_type, column.form, column.labels)
    on_grid, in_range = inside(x, column)
    return there & ((on_grid & in_range) | np.isin(x, column.tokens))


def _widths(column: NumberEncoding | CategoryEncoding | TextEncoding) -> np.ndarray:
    """How many values each code stands for, or over how much it is spread, float64 (codes,)."""
    widths = np.ones(column.cardinality)
    if isinstance(column, NumberEncoding) and column.bins:
        edges = np.asarray(column.knots, dtype=np.float64)[:: column.knots_per_bin]
        spans = np.diff(edges)
        least = column.step or float(spans[spans > 0].min(initial=1.0)) * 1e-3
        widths[-column.bins :] = np.maximum(spans / least, 1.0)
    return widths


def _is_kept(bound: AnyDependency, columns: Values, types: Mapping[str, str]) -> np.ndarray:
    """Which combinations keep a bound, as far as they have its columns, bool (N,)."""
    rows = len(next(iter(columns.values())))
    others = tuple(n for n in bound.determinants if n in columns)
    if bound.target not in columns or not others:
        return np.ones(rows, dtype=bool)
    if isinstance(bound, Absence):
        return ~broken(bound, columns, types)
    if isinstance(bound, Calendar):
        return on_calendar(bound, columns) if len(others) == len(bound.determinants) else np.ones(rows, dtype=bool)
    if isinstance(bound, Unequal):
        return is_apart(bound.model_copy(update={"determinants": others}), columns, types)
    if isinstance(bound, Order):
        low, high = (tuple(n for n in names if n in columns) for names in (bound.at_least, bound.at_most))
        return in_order(bound.model_copy(update={"at_least": low, "at_most": high, "base": None, "determinants": (*low, *high)}), columns, types)
    return np.ones(rows, dtype=bool)
