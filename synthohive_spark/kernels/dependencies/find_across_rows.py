"""Look for what always holds between the rows of one parent, in a sample of whole families: the body of the one task that `stages/across_rows.py` runs.

Legend: `n` rows, those of a family together, `c` columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, permutations, product

import numpy as np
import pandas as pd
import pyarrow as pa
from pydantic import TypeAdapter

from ...spec.across_rows import AcrossRule, Ascending, Lagged, Mirrored, Running, Shared
from ...spec.base import Spec
from ...spec.encoding import Scalar
from ...spec.hidden import hidden
from ..columns.types import is_integer
from .across_rows import FamilyRows, order_of
from .combinations import to_scalar
from .formulas import is_clock
from .held import count_held_across, held_lines
from .measures import HOLDS
from .sample import FEWER_ERRORS, MIN_SURPRISES
from .units import digits_of, plain, to_floats

FAMILY, SIZE = hidden("family"), hidden("size")  # the hash of a row's parent, and how many rows that has
RULES: TypeAdapter[list[AcrossRule]] = TypeAdapter(list[AcrossRule])
MOST_VALUES = 64  # of a column whose values have counterparts, or say with which sign others count
MOST_TERMS = 12  # numbers that are tried as what is added up: pairs of them grow with the square


class AcrossSearch(Spec):
    """Where to look.

    Attributes:
        types: Spark types of all columns of the sample.
        targets: columns that may follow from other rows.
        orders: columns that may say which row is before; the number of the row is one more, where `number` says so.
        sortable: those of them that are drawn, and never null.
        number: a column by which the real rows can be sorted as generated ones are numbered; None where there is none.
        rare: values of fewer rows than that are never stored.
        summed: those of them that may add up, and `terms`, columns that may be added.
        fast: columns that a key holds fast: they may only be what others follow.
        nullable: columns that can be null.
    """

    types: dict[str, str]
    targets: tuple[str, ...]
    summed: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    orders: tuple[str, ...] = ()
    sortable: tuple[str, ...] = ()
    number: str | None = None
    rare: int = 3
    fast: tuple[str, ...] = ()
    nullable: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Families:
    """The sampled rows, (n,) per column, families together, each in the order of the rows' numbers."""

    columns: Mapping[str, pa.Array]
    search: AcrossSearch
    rows: FamilyRows
    _numbers: dict[str, np.ndarray] = field(default_factory=dict, repr=False)
    _codes: dict[str, np.ndarray] = field(default_factory=dict, repr=False)
    _values: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]] = field(default_factory=dict, repr=False)

    def numbers(self, name: str) -> np.ndarray:
        """float64 (n,); nulls are nan."""
        if name not in self._numbers:
            self._numbers[name] = to_floats(plain(self.columns[name]))
        return self._numbers[name]

    def codes(self, name: str) -> np.ndarray:
        """A number for each value, null being one, int64 (n,): equal in two columns where their values are."""
        if name not in self._codes:
            texts = plain(self.columns[name]).cast(pa.string())
            self._codes[name] = _hashes(texts)
        return self._codes[name]

    def values(self, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of a column of few values: a row that has each, rows that have each, and which of them each row has, int64 (V,), (V,) and (n,); else none."""
        if name not in self._values:
            _, where, places, counts = np.unique(self.codes(name), return_index=True, return_inverse=True, return_counts=True)
            few = 1 < len(where) <= MOST_VALUES
            self._values[name] = (where, counts, places) if few else (where[:0], counts[:0], places[:0])
        return self._values[name]

    def digits(self, name: str) -> int | None:
        return digits_of(plain(self.columns[name]), self.search.types[name])

    def scalars(self, name: str, places: np.ndarray) -> list[Scalar | None]:
        """The values in these rows, as an encoding would hold them."""
        texts = plain(self.columns[name].take(pa.array(places))).cast(pa.string()).to_pylist()
        return [to_scalar(text, self.search.types[name]) for text in texts]


def find_across_rows_in_batches(batches: Iterator[pa.RecordBatch], *, search: AcrossSearch) -> Iterator[pa.RecordBatch]:
    """One batch of one column `found`: the rules as JSON; all rows must come to one task.

    Columns come in the order of `search.types`, under other names, then `FAMILY` and `SIZE`.
    """
    parts = list(batches)
    if parts:
        table = pa.Table.from_batches(parts).rename_columns([*search.types, FAMILY, SIZE])
        found = find_across_rows(table, search)
        yield pa.record_batch({"found": pa.array([RULES.dump_json(found).decode()])})


def count_across_in_batches(batches: Iterator[pa.RecordBatch], *, search: AcrossSearch, rules: Sequence[AcrossRule]) -> Iterator[pa.RecordBatch]:
    """Rows that rules speak of and those that break them, as `held.HELD` has it, in the same columns."""
    parts = list(batches)
    if parts:
        families = _whole(pa.Table.from_batches(parts).rename_columns([*search.types, FAMILY, SIZE]), search)
        yield held_lines(count_held_across(families.columns, rules, search.types, families.rows))


def find_across_rows(table: pa.Table, search: AcrossSearch) -> list[AcrossRule]:
    """At most one rule for each column; what is the same in the family goes first, then what mirrors, and what adds up."""
    families = _whole(table, search)
    found: dict[str, AcrossRule] = {}
    rules: list[AcrossRule] = [*_shared(families), *_mirrored(families), *_running(families), *_lagged(families), *_ascending(families)]
    for rule in rules:
        if rule.column not in found:
            found[rule.column] = rule
    return list(found.values())


def _whole(table: pa.Table, search: AcrossSearch) -> _Families:
    """Without families that the limit of the sample has cut."""
    numbered = _numbered(_column(table, search.number)) if search.number else np.zeros(table.num_rows)
    family, size = (_column(table, name).to_numpy(zero_copy_only=False) for name in (FAMILY, SIZE))
    there, counts = np.unique(family, return_counts=True)
    full = counts[np.searchsorted(there, family)] == size if len(family) else np.zeros(0, dtype=bool)
    kept = np.flatnonzero(full)
    kept = kept[np.lexsort((numbered[kept], family[kept]))]
    columns = {name: _column(table, name).take(pa.array(kept)) for name in search.types}
    return _Families(columns, search, FamilyRows(family[kept], np.zeros(len(kept), dtype=bool)))


def _column(table: pa.Table, name: str) -> pa.Array:
    found = table.column(name).combine_chunks()
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found


def _numbered(keys: pa.Array) -> np.ndarray:
    """By what rows with these keys are sorted; of texts the shorter ones come first: numbers behind one prefix come in their order."""
    if not pa.types.is_string(keys.type):
        return order_of(keys)
    values = keys.fill_null("").to_pylist()
    order = sorted(range(len(values)), key=lambda i: (len(values[i]), values[i]))
    ranks = np.empty(len(values), dtype=np.int64)
    ranks[order] = np.arange(len(values))
    return ranks


def _hashes(texts: pa.Array) -> np.ndarray:
    encoded = texts.fill_null("\x00").dictionary_encode()
    values = np.array(encoded.dictionary.to_pylist(), dtype=object)
    hashes = pd.util.hash_array(values, categorize=False).view(np.int64) if len(values) else np.zeros(0, dtype=np.int64)
    return np.asarray(hashes[encoded.indices.to_numpy(zero_copy_only=False)])


def _holds(errors: int, shown: int, surprises: float) -> float | None:
    """The share of `shown` on which a rule holds; None where that is too few, or no more than chance, which would break it `surprises` times."""
    if errors > (1 - HOLDS) * shown or surprises < MIN_SURPRISES or errors > FEWER_ERRORS * surprises:
        return None
    return 1 - errors / shown


def _same_by_chance(codes: np.ndarray, others: np.ndarray) -> float:
    """How often a value of one column and one of another, both drawn by chance, are equal."""
    (mine, counts), (theirs, their_counts) = np.unique(codes, return_counts=True), np.unique(others, return_counts=True)
    _, left, right = np.intersect1d(mine, theirs, return_indices=True)
    return float((counts[left] / len(codes) * (their_counts[right] / len(others))).sum()) if len(codes) and len(others) else 1.0


def _shared(families: _Families) -> Iterator[Shared]:
    rows = families.rows
    later = np.flatnonzero(rows.start != np.arange(len(rows.family)))
    large = int((rows.size[np.unique(rows.start)] > 1).sum()) if len(later) else 0
    for name in families.search.targets if large else ():
        codes = families.codes(name)
        errors = int((codes[later] != codes[rows.start[later]]).sum())
        first = codes[np.unique(rows.start)]
        share = _holds(errors, len(later), large * (1 - _same_by_chance(first, first)))
        if share is not None:
            yield Shared(column=name, share=share)


def _mirrored(families: _Families) -> Iterator[Mirrored]:
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
        share = _holds(errors, 2 * len(first), 2 * len(first) * (1 - _same_by_chance(mine, theirs)))
        if share is not None:
            yield Mirrored(column=name, of=of, share=share, both=of in search.fast)
    for name in search.targets:
        yield from _opposite(families, name, first)


def _opposite(families: _Families, name: str, first: np.ndarray) -> Iterator[Mirrored]:
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
    share = _holds(errors, 2 * len(first), 2 * len(first) - commonest)
    known = counts >= families.search.rare
    if share is None or (counterpart == everyone).all() or not (counterpart[counterpart] == everyone)[known].all():
        return
    scalars = families.scalars(name, where)
    kept = [i for i in everyone.tolist() if known[i] and known[counterpart[i]]]
    yield Mirrored(column=name, of=name, keys=tuple(scalars[i] for i in kept), values=tuple(scalars[counterpart[i]] for i in kept), share=share)


def _one_sum(families: _Families, name: str, first: np.ndarray) -> Iterator[Mirrored]:
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
    share = _holds(errors, len(first), len(there) * (1 - by_chance))
    if share is not None:
        yield Mirrored(column=name, of=name, total=total, share=share)


def _ascending(families: _Families) -> Iterator[Ascending]:
    if families.search.number is None:
        return
    before = families.rows.before(None)
    later = np.flatnonzero(before >= 0)
    for name in families.search.sortable:
        x = families.numbers(name)
        fallen, risen = (int(n) for n in ((x[later] < x[before[later]]).sum(), (x[later] > x[before[later]]).sum()))
        share = _holds(fallen + int(np.isnan(x).sum()), max(len(later), 1), (fallen + risen) / 2)
        if share is not None:
            yield Ascending(column=name, share=share)


def _orders(search: AcrossSearch) -> list[str | None]:
    return [*([None] if search.number else []), *search.orders]


def _lagged(families: _Families) -> Iterator[Lagged]:
    search = families.search
    best: dict[str, Lagged] = {}
    for order in _orders(search):
        before = families.rows.before(None if order is None else order_of(families.columns[order]))
        later = np.flatnonzero(before >= 0)
        for name, of in permutations(search.targets, 2):
            if search.types[name] != search.types[of] or order == name or (of in search.nullable and name not in search.nullable) or not len(later):
                continue
            mine, theirs = families.codes(name), families.codes(of)
            quick = later[:: max(1, len(later) // 256)]
            if (mine[quick] != theirs[before[quick]]).mean() > 0.05:
                continue
            errors = int((mine[later] != theirs[before[later]]).sum())
            share = _holds(errors, len(later), len(later) * (1 - _same_by_chance(mine, theirs)))
            if share is not None and (name not in best or share > best[name].share):
                empty = plain(families.columns[name]).is_null().to_numpy(zero_copy_only=False)[before < 0]
                best[name] = Lagged(column=name, of=of, ordered_by=order, share=share, first="null" if empty.mean() >= HOLDS else "drawn")
    yield from _without_circles(best.values())


def _without_circles(found: Iterable[Lagged]) -> Iterator[Lagged]:
    """A column that says what another was cannot itself be what a third was: such chains wait for one another."""
    targets: set[str] = set()
    sources: set[str] = set()
    for rule in sorted(found, key=lambda r: (-r.share, r.column)):
        if rule.of not in targets and rule.column not in sources:
            targets.add(rule.column)
            sources.add(rule.of)
            yield rule


def _running(families: _Families) -> Iterator[Running]:
    search = families.search
    terms = search.terms[:MOST_TERMS]
    found: list[tuple[int, Running]] = []
    for name in search.summed:
        candidates = [rule for order in _orders(search) if order != name for rule in _running_by(families, name, [n for n in terms if n != name], order)]
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


def _running_by(families: _Families, name: str, terms: Sequence[str], order: str | None) -> Iterator[Running]:
    """What the column can be in one order of the rows."""
    x = families.numbers(name)
    before = families.rows.before(None if order is None else order_of(families.columns[order]))
    later = np.flatnonzero((before >= 0) & ~np.isnan(x) & ~np.isnan(x[before]))
    if len(later) < MIN_SURPRISES or np.isnan(x[before >= 0]).mean() > 1 - HOLDS:
        return
    digits = families.digits(name)
    near = 1e-9 * np.abs(x).max(initial=0.0, where=~np.isnan(x)) + (0.0 if digits is None else 0.5 * 10.0**-digits * (1 - 1e-6))
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

    families: _Families
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
        share = _holds(errors, len(self.later), surprises)
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
