"""What detection has seen of the data: numbers and hashes of values, by table and column; no value itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from ..column_names import words
from ..types import type_family

Column = tuple[str, str]  # (table, column)
FREE_TEXT = 40  # characters on average; longer ones are no keys
TIMES = frozenset({"date", "timestamp", "timestamp_ntz"})
NEARLY = 0.8  # of the rows: so many different values, by an estimate that can be some percent off, may be all different
FEW_REPEATS = 0.01  # of the rows of a dirty key


@dataclass(frozen=True)
class ColumnSeen:
    """One column.

    Attributes:
        name, spark_type: as in the data.
        nullable: whether it may hold nulls.
        rows: of the table.
        values: rows that have a value.
        distinct: different values, about.
        low, high: of whole numbers.
        length: of texts, characters on average.
        sample: hashes of those values whose hash is in the lowest `share` of all hashes: the same values in every column that has them.
        share: in (0, 1].
        sampled: rows that have one of these values.
        forms: of the rows sampled, the share that has the form of a kind of text (`email`, ...).
        digits: of these rows, the share whose text is digits only.
    """

    name: str
    spark_type: str
    nullable: bool = True
    rows: int = 0
    values: int = 0
    distinct: int = 0
    low: float | None = None
    high: float | None = None
    length: float = 0.0
    sample: frozenset[int] = field(default=frozenset(), repr=False)
    share: float = 1.0
    sampled: int = 0
    forms: Mapping[str, float] = field(default_factory=dict)
    digits: float = 0.0

    @property
    def family(self) -> str | None:
        return type_family(self.spark_type)

    @property
    def whole(self) -> bool:
        """Whether it holds whole numbers."""
        return self.family == "integer" or (self.family == "decimal" and self.spark_type.partition(",")[2].strip(" )") in ("", "0"))

    @property
    def can_be_key(self) -> bool:
        """Whether its type and the length of its texts suit a key of one column."""
        return self.whole or (self.family == "text" and self.length <= FREE_TEXT)

    @property
    def density(self) -> float:
        """Of the whole numbers between the least and the greatest, the share that occurs; 1 where it can be all."""
        if self.low is None or self.high is None:
            return 1.0
        # The number of values is an estimate: what may be all counts as all.
        share = 1.05 * self.distinct / (self.high - self.low + 1)
        return 1.0 if share >= 0.95 else share

    @cached_property
    def in_order(self) -> tuple[int, ...]:
        """The sample, the lowest hash first."""
        return tuple(sorted(self.sample))

    @property
    def may_be_unique(self) -> bool:
        """Whether (nearly) all rows seem to have values of their own."""
        if self.values < (1 - FEW_REPEATS) * self.rows or self.distinct < NEARLY * self.rows:
            return False
        return self.sampled - len(self.sample) <= FEW_REPEATS * self.sampled


@dataclass(frozen=True)
class TableSeen:
    """One table.

    Attributes:
        name: the table.
        rows: of it.
        columns: those that have an allowed name, in the table's order.
        unlearnt: columns whose type is not learnt.
        declared: keys that it declares.
    """

    name: str
    rows: int
    columns: tuple[ColumnSeen, ...]
    unlearnt: tuple[str, ...] = ()
    declared: tuple[DeclaredKey, ...] = ()

    def __getitem__(self, column: str) -> ColumnSeen:
        return next(c for c in self.columns if c.name == column)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.columns)


@dataclass(frozen=True)
class DeclaredKey:
    """A key that a catalog or a comment tells.

    Attributes:
        columns: of the table that says so.
        parent_table: where it points; None for the primary key.
        parent_columns: its columns; empty for its primary key.
        by: who says so, in words.
        binding: whether it was declared as a constraint rather than told in a comment.
    """

    columns: tuple[str, ...]
    parent_table: str | None = None
    parent_columns: tuple[str, ...] = ()
    by: str = "a constraint"
    binding: bool = True


Seen = Mapping[str, TableSeen]


def is_time(column: ColumnSeen) -> bool:
    """Whether a column is a time, or by its name and values a year."""
    if column.family in TIMES:
        return True
    years = column.whole and column.low is not None and column.high is not None and column.low >= 1700 and column.high <= 2200
    return bool(years) and "year" in words(column.name)
