"""Keys, counted exactly: rows, repeats and nulls of unique keys, children per parent and orphans of foreign keys.

A table is read once, whatever the number of its keys: each row yields an entry for every key that it takes part in, as a child or as a parent, and the entries
of all tables meet in one grouping.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import reduce
from operator import or_
from typing import Any

import numpy as np
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from ..spec.identifiers import quoted
from .jobs import batches, union_all

EXACT_COUNTS = 1_000  # numbers of children above are grouped on a scale of about 1 %, so that a bounded histogram comes to the driver
KEYS_PER_JOB = 64  # planning a union grows faster than its length

Frames = Mapping[Any, DataFrame]


@dataclass(frozen=True)
class KeyCount:
    """What is counted: the rows of a table by some of its columns, and those of a child that point at them.

    Attributes:
        parent: the table, as the frames name it.
        parent_columns: its key; none for its rows alone.
        child: the table that points at it; None for none.
        columns: the child's columns.
    """

    parent: Hashable
    parent_columns: tuple[str, ...] = ()
    child: Hashable | None = None
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tally:
    """Rows of one key whose parents have the same number of children.

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
class _End:
    """The columns of one table that hold the values of a key, and the types in which they are compared."""

    item: int
    child: bool
    columns: tuple[str, ...]
    types: tuple[T.DataType, ...]


def count_keys(keys: Sequence[KeyCount], frames: Frames) -> list[list[Tally]]:
    """The tallies of each key.

    One query of two shuffles for every `KEYS_PER_JOB` keys; it reads the columns of keys, each table once. Keys of one table should lie side by side, so that
    they are counted by the same query where there are several.
    """
    found: list[list[Tally]] = [[] for _ in keys]
    start = 0
    for batch in batches(keys, KEYS_PER_JOB):
        for row in _tallied(batch, frames).collect():
            found[start + row["item"]].append(Tally(**{f.name: row[f.name] for f in fields(Tally)}))
        start += len(batch)
    return found


def total(tallies: Sequence[Tally], name: str) -> int:
    """The sum of one of the tallies' numbers."""
    return sum(getattr(tally, name) for tally in tallies)


def _tallied(batch: Sequence[KeyCount], frames: Frames) -> DataFrame:
    """Rows `item` (a place in `batch`) and the fields of `Tally`."""
    ends: dict[Hashable, list[_End]] = defaultdict(list)
    for item, key in enumerate(batch):
        for table, end in _ends(key, item, frames):
            ends[table].append(end)
    slots = _slots([end for some in ends.values() for end in some])
    entries = [frames[table].select(F.explode(F.array(*(_entry(end, slots) for end in some))).alias("x")) for table, some in ends.items()]
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


def _ends(key: KeyCount, item: int, frames: Frames) -> list[tuple[Hashable, _End]]:
    """The ends of a key, each with its table."""
    if key.child is None:
        return [(key.parent, _End(item, False, key.parent_columns, tuple(_type(frames, (key.parent, c), (key.parent, c)) for c in key.parent_columns)))]
    pairs = zip(key.columns, key.parent_columns, strict=True)
    types = tuple(_type(frames, (key.child, c), (key.parent, p)) for c, p in pairs)
    return [(key.child, _End(item, True, key.columns, types)), (key.parent, _End(item, False, key.parent_columns, types))]


def _type(frames: Frames, *ends: tuple[Hashable, str]) -> T.DataType:
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
