"""Keys, counted exactly: rows, repeated and null primary keys, orphans, children per parent.

A table is read once, whatever the number of its keys: each row yields an entry for every key that it takes part in, as a child or as a parent, and the entries
of all tables meet in one grouping.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import reduce
from operator import or_

import numpy as np
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from ..kernels import comparison
from ..kernels.grids import plot_edges
from ..spec.findings import KeyFinding
from ..spec.identifiers import quoted
from ..spec.metadata import ForeignKey, Metadata
from .frames import batches, union_all
from .validate_tables import TableSides, count_distribution

EXACT_COUNTS = 1_000  # numbers of children above are grouped on a scale of about 1 %, so that a bounded histogram comes to the driver
KEYS_PER_JOB = 64  # planning a union grows faster than its length

Frames = Mapping[str, DataFrame]


@dataclass(frozen=True)
class _Key:
    """What is counted: a foreign key of `table`, or, where there is none, the rows of `table` by its primary key, as if it were a key without children."""

    table: str
    foreign: ForeignKey | None = None


@dataclass(frozen=True)
class _End:
    """The columns of one table that hold the values of a key, and the types in which they are compared."""

    item: int
    child: bool
    columns: tuple[str, ...]
    types: tuple[T.DataType, ...]


@dataclass
class _Tally:
    """Rows of one key on one side.

    Attributes:
        value: children of a parent.
        parents: parents with so many children.
        links: their children.
        matched: children that have a parent. (Where a parent's key repeats, its children are those of each: there are more links.)
        orphans: children without a parent.
        nulls: children with a null in the key.
        repeats: parents that repeat the key of another.
        hollow: parents with a null in the key.
    """

    value: int = 0
    parents: int = 0
    links: int = 0
    matched: int = 0
    orphans: int = 0
    nulls: int = 0
    repeats: int = 0
    hollow: int = 0


@dataclass(frozen=True)
class KeyCounts:
    """What was counted, by key and side: real and synthetic."""

    metadata: Metadata
    tallies: Mapping[tuple[_Key, bool], Sequence[_Tally]]

    def rows(self, table: str) -> TableSides:
        """Rows of a table."""
        return TableSides(*(self._sum("parents", _Key(table), fake) for fake in (False, True)))

    def primary_key_faults(self, table: str) -> tuple[int, int]:
        """Synthetic rows that repeat the primary key of another row, and rows with a null in it."""
        if not self.metadata.tables[table].primary_key:
            return 0, 0
        return self._sum("repeats", _Key(table), True), self._sum("hollow", _Key(table), True)

    def findings(self, *, seed: int) -> tuple[KeyFinding, ...]:
        """All foreign keys."""
        return tuple(self._finding(key, key.foreign, seed=seed) for key in _keys(self.metadata) if key.foreign)

    def _sum(self, name: str, key: _Key, fake: bool) -> int:
        return sum(getattr(tally, name) for tally in self.tallies[key, fake])

    def _finding(self, key: _Key, foreign: ForeignKey, *, seed: int) -> KeyFinding:
        sides = (False, True)
        histograms = [{t.value: t.parents for t in self.tallies[key, fake] if t.parents} for fake in sides]
        values = np.array(sorted(set().union(*histograms)), dtype="int64")
        real, synthetic = (np.array([h.get(int(v), 0) for v in values], dtype="int64") for h in histograms)
        rates, means = [], []
        for fake in sides:
            links, matched, orphans, nulls, parents = (self._sum(name, key, fake) for name in ("links", "matched", "orphans", "nulls", "parents"))
            rates.append(nulls / ((matched + orphans + nulls) or 1))
            means.append(links / (parents or 1))
        name = f"{key.table}{foreign}"
        return KeyFinding(
            key=name,
            table=key.table,
            parent_table=foreign.parent_table,
            orphans=self._sum("orphans", key, True),
            distance=round(comparison.ks(real, synthetic), 9),
            ceiling=round(comparison.half_distance(real, comparison.ks, seed=seed, name=name), 9),
            null_rate_real=rates[0],
            null_rate_synthetic=rates[1],
            mean_real=means[0],
            mean_synthetic=means[1],
            distribution=count_distribution(values, real, synthetic, _edges(values, real if real.sum() else synthetic)),
            copied=self.metadata.tables[key.table].role == "reference",
        )


def _edges(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    high = comparison.weighted_quantile(values, weights, 0.995) if weights.sum() else 0.0
    return plot_edges(0.0, high, whole=True, time=False)


def count_keys(metadata: Metadata, real: Frames, synthetic: Frames) -> KeyCounts:
    """Count the rows and the keys of all tables on both sides.

    One query of two shuffles for every `KEYS_PER_JOB` keys; it reads the columns of keys, each table once.
    """
    keys = _keys(metadata)
    tallies: dict[tuple[_Key, bool], list[_Tally]] = {(key, fake): [] for key in keys for fake in (False, True)}
    for some in batches(keys, KEYS_PER_JOB):
        batch = [(key, fake) for key in some for fake in (False, True)]
        for row in _tallied(metadata, batch, {False: real, True: synthetic}).collect():
            tallies[batch[row["item"]]].append(_Tally(**{f.name: row[f.name] for f in fields(_Tally)}))
    return KeyCounts(metadata, tallies)


def _keys(metadata: Metadata) -> list[_Key]:
    """Keys of one table lie side by side, so that they are counted by the same query where there are several."""
    keys = []
    for name, table in metadata.tables.items():
        keys += [_Key(name), *(_Key(name, fk) for fk in table.foreign_keys if fk.parent_table in metadata.tables)]
    return keys


def _tallied(metadata: Metadata, batch: Sequence[tuple[_Key, bool]], sides: Mapping[bool, Frames]) -> DataFrame:
    """Rows `item` (a place in `batch`) and the fields of `_Tally`."""
    ends: dict[tuple[str, bool], list[_End]] = defaultdict(list)
    for item, (key, fake) in enumerate(batch):
        for table, end in _ends(metadata, key, item, sides[fake], fake=fake):
            ends[table, fake].append(end)
    slots = _slots([end for some in ends.values() for end in some])
    entries = [sides[fake][name].select(F.explode(F.array(*(_entry(end, slots) for end in some))).alias("x")) for (name, fake), some in ends.items()]
    count = [F.sum("c").alias("c"), F.sum("p").alias("p")]
    # Both sides in one grouping: a join would shuffle each of them once more.
    grouped = union_all(entries).select("x.*").groupBy("item", "hollow", *(f"k{i}" for i in range(len(slots)))).agg(*count)
    return _summed(grouped)


def _summed(grouped: DataFrame) -> DataFrame:
    hollow, c, p = (F.col(name) for name in ("hollow", "c", "p"))
    # A parent with a null in its key can have no children: in the hollow group the parents have none, and the children are no orphans.
    here, none = F.when(hollow, 0).otherwise(c), F.lit(0)
    sums = {
        "parents": p,
        "links": p * here,
        "matched": F.when(p > 0, here).otherwise(none),
        "orphans": F.when(hollow | (p > 0), none).otherwise(c),
        "nulls": F.when(hollow, c).otherwise(none),
        "repeats": F.when(hollow | (p == 0), none).otherwise(p - 1),
        "hollow": F.when(hollow, p).otherwise(none),
    }
    return grouped.groupBy("item", _grouped(here).alias("value")).agg(*(F.sum(value).alias(name) for name, value in sums.items()))


def _grouped(number: Column) -> Column:
    """Numbers of children up to `EXACT_COUNTS` as they are, larger ones down to the next power of 1.01."""
    step = float(np.log(1.01))
    above = F.floor(F.exp(F.floor(F.log(number.cast("double") / EXACT_COUNTS) / step + 1e-9) * step) * EXACT_COUNTS)
    return F.when(number <= EXACT_COUNTS, number).otherwise(above).cast("long")


def _ends(metadata: Metadata, key: _Key, item: int, frames: Frames, *, fake: bool) -> list[tuple[str, _End]]:
    """The ends of a key, each with its table."""
    if key.foreign is None:
        columns = metadata.tables[key.table].primary_key if fake else ()  # of the real side the rows are enough
        return [(key.table, _End(item, False, tuple(columns), tuple(_type(frames, (key.table, c), (key.table, c)) for c in columns)))]
    fk = key.foreign
    pairs = zip(fk.columns, fk.parent_columns, strict=True)
    types = tuple(_type(frames, (key.table, c), (fk.parent_table, p)) for c, p in pairs)
    return [(key.table, _End(item, True, fk.columns, types)), (fk.parent_table, _End(item, False, fk.parent_columns, types))]


def _type(frames: Frames, *ends: tuple[str, str]) -> T.DataType:
    """The type in which two columns compare: as they are, numbers as Spark widens them, else as text.

    Integers are all long: each further type is one more column of the grouping.
    """
    a, b = (frames[table].schema[column].dataType for table, column in ends)
    if isinstance(a, T.IntegralType) and isinstance(b, T.IntegralType):
        return T.LongType()
    if a == b:
        return a
    if isinstance(a, T.NumericType) and isinstance(b, T.NumericType):
        return union_all([frames[table].select(F.col(quoted(column))) for table, column in ends]).schema.fields[0].dataType
    return T.StringType()


def _slots(ends: Sequence[_End]) -> list[T.DataType]:
    """Types of the columns that hold the values of all keys: of each type as many as the key that has most of it."""
    most: Counter[T.DataType] = Counter()
    for end in ends:
        most |= Counter(end.types)
    return sorted(most.elements(), key=str)


def _entry(end: _End, slots: Sequence[T.DataType]) -> Column:
    """One row as `item`, `c` and `p` (1 for a child or a parent), `hollow` (a null in the key), `k0` ... the key by `slots`, all null where it is hollow."""
    values = [F.col(quoted(c)) for c in end.columns]
    hollow = reduce(or_, (v.isNull() for v in values), F.lit(not values))
    waiting: dict[T.DataType, list[Column]] = defaultdict(list)
    for value, data_type in zip(values, end.types, strict=True):
        waiting[data_type].append(F.when(~hollow, value).cast(data_type))
    keys = [waiting[t].pop(0) if waiting[t] else F.lit(None).cast(t) for t in slots]
    fixed = {"item": F.lit(end.item), "hollow": hollow, "c": F.lit(int(end.child)), "p": F.lit(int(not end.child))}
    return F.struct(*(column.alias(name) for name, column in fixed.items()), *(k.alias(f"k{i}") for i, k in enumerate(keys)))
