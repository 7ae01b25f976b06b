"""The row program: how a table's rows come about, decided once on the driver, as plain data.

An ordered list of columns, each of one of three kinds:
    known    given before the row starts: the driving parent's key and row, the row's number, a natural key part
    drawn    sampled by the row model
    derived  computed from what is there already by an exact dependency, or matched with another parent's free places
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .base import Spec
from .dependencies import AnyDependency
from .identifiers import HIDDEN_PREFIX
from .metadata import ForeignKey, LinkageMethod

Source = Literal["row_number", "parent", "series", "position", "model", "match", "dependency"]


class ColumnStep(Spec):
    """One column.

    Attributes:
        column: the column.
        kind: known, drawn or derived.
        source: where its value comes from: `row_number` (a generated primary key), `parent` (the driving key), `series` (a natural key part, drawn
            without repeats), `position` (number within the parent), `model`, `match` (another parent's free places), or `dependency` (other columns).
    """

    column: str
    kind: Literal["known", "drawn", "derived"]
    source: Source


class KeyPattern(Spec):
    """How row number `n` becomes a generated primary key.

    Attributes:
        form: `integer` (n), `uuid`, or `text` (`prefix` and n in `width` digits).
    """

    form: Literal["integer", "uuid", "text"] = "integer"
    prefix: str = ""
    width: int = 0


class SeriesPlan(Spec):
    """A natural primary key that no learnt parent drives: entities, each with values of one column that never repeat.

    Attributes:
        entity_columns: the other columns of the primary key.
        series_column: the column that tells the rows of one entity apart.
        entities: the combinations of `entity_columns` that the real table has, as text.
        counts: real rows of each.
    """

    entity_columns: tuple[str, ...]
    series_column: str
    entities: tuple[tuple[str, ...], ...]
    counts: tuple[int, ...]


class Linkage(Spec):
    """Children per parent of one foreign key.

    Attributes:
        method: `empirical` draws from the real histogram; `negbinom` from a negative binomial with the real mean and variance; `conditional` numbers are
            drawn with the parent's row, as a hidden column of it.
        values: numbers of children that occur, ascending.
        weights: share of the parents with that number; sums to 1.
        mean: children per parent.
        variance: of the children per parent.
        at_most: no parent has more (1 where the key is also the primary key); None for no limit.
        null_rate: share of the child rows whose key is null.
    """

    method: LinkageMethod = "empirical"
    values: tuple[int, ...]
    weights: tuple[float, ...]
    mean: float
    variance: float
    at_most: int | None = None
    null_rate: float = 0.0


class TableProgram(Spec):
    """Everything that generating one table needs beside its encodings and its model.

    Attributes:
        table: the table.
        rows: rows of the real table.
        columns: all its columns in the order of the real table: (name, Spark type as a simple string, nullable).
        primary_key: its columns.
        foreign_keys: as asked.
        steps: its columns in the order in which they come about.
        driving: index of the foreign key that drives; None for a root.
        context: columns of the driving parent that the row model is conditioned on.
        conditions: own columns that are known before the model draws, and that it is conditioned on: natural key parts, and what follows from known columns.
        fallback: driving key columns that another key uses too: rows without a driving parent draw them.
        statuses: indices of the matched keys that can be null: their hidden column says, per row, whether the key is there.
        matches: indices of the keys that are matched with free places.
        deferred: those of `matches` that wait for a later parent (or for the table itself).
        key: pattern of the generated primary key, None where the key is natural or there is none.
        series: how a natural key of a root comes about.
        sequence_start: first number of the columns whose source is `position`.
        distinct: natural key parts that must not repeat within the driving parent.
        linkages: by index of the foreign key; for the driving and the matched ones.
        dependencies: how the columns whose source is `dependency` follow from others, in the order of evaluation.
    """

    table: str
    rows: int
    columns: tuple[tuple[str, str, bool], ...]
    primary_key: tuple[str, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    steps: tuple[ColumnStep, ...]
    driving: int | None = None
    context: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    fallback: tuple[str, ...] = ()
    statuses: tuple[int, ...] = ()
    matches: tuple[int, ...] = ()
    deferred: tuple[int, ...] = ()
    key: KeyPattern | None = None
    series: SeriesPlan | None = None
    sequence_start: int = 1
    distinct: tuple[str, ...] = ()
    linkages: dict[int, Linkage] = Field(default_factory=dict)
    dependencies: tuple[AnyDependency, ...] = ()

    def from_source(self, source: Source) -> tuple[str, ...]:
        """The columns that come from `source`."""
        return tuple(s.column for s in self.steps if s.source == source)

    @property
    def drawn(self) -> tuple[str, ...]:
        """The columns that the row model draws, hidden ones included."""
        return (*(s.column for s in self.steps if s.kind == "drawn"), *self.fallback)

    @property
    def given(self) -> frozenset[str]:
        """The columns that every row has before the row model draws."""
        return frozenset(s.column for s in self.steps if s.kind == "known") - set(self.fallback)

    @property
    def types(self) -> dict[str, str]:
        return {name: spark_type for name, spark_type, _ in self.columns}

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, _, _ in self.columns)

    @property
    def driver(self) -> ForeignKey | None:
        return None if self.driving is None else self.foreign_keys[self.driving]


def status_column(index: int) -> str:
    """Name of the hidden column that says whether the `index`-th foreign key of a row is there."""
    return f"{HIDDEN_PREFIX}has_{index}"


def count_column(child: str, index: int) -> str:
    """Name of a parent's hidden column with its number of rows in `child` along that table's `index`-th foreign key."""
    return f"{HIDDEN_PREFIX}n_{index}_{child}"


ROW = HIDDEN_PREFIX + "row"  # number of the row in its table, dense from 0
PARENT_ROW = HIDDEN_PREFIX + "parent_row"  # ROW of the driving parent; -1 for none
POSITION = HIDDEN_PREFIX + "position"  # number of the row within its driving parent, from 0
SIBLINGS = HIDDEN_PREFIX + "siblings"  # rows of the driving parent
