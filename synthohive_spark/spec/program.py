"""The row program: how a table's rows come about, decided once on the driver, as plain data.

An ordered list of columns, each of one of three kinds:
    known    given before the row starts: the driving parent's key and row, the row's number, a natural key part
    drawn    sampled by the row model
    derived  computed from what is there already, or matched with another parent's free places
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .base import Spec

Source = Literal["row_number", "parent", "series", "model", "match"]


class ColumnStep(Spec):
    """One column.

    Attributes:
        column: the column.
        kind: known, drawn or derived.
        source: where its value comes from: `row_number` (a generated primary key), `parent` (the driving key), `series` (a natural key part, drawn
            without repeats), `model`, or `match` (another parent's free places).
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
    """A natural composite primary key of a table that no learnt parent drives: entities, each with values of one column that never repeat.

    Attributes:
        entity_columns: the other columns of the primary key.
        series_column: the column that tells the rows of one entity apart; a number or a time.
        entities: the combinations of encoded `entity_columns` (codes) that the real table has.
        counts: real rows of each.
    """

    entity_columns: tuple[str, ...]
    series_column: str
    entities: tuple[tuple[int, ...], ...]
    counts: tuple[int, ...]


class Linkage(Spec):
    """Children per parent of one foreign key.

    Attributes:
        method: `empirical` draws from the real histogram; `negbinom` from a negative binomial with the real mean and variance.
        values: numbers of children that occur, ascending.
        weights: share of the parents with that number; sums to 1.
        mean: children per parent.
        variance: of the children per parent.
        at_most: no parent has more (1 where the key is also the primary key); None for no limit.
        null_rate: share of the child rows whose key is null.
    """

    method: Literal["empirical", "negbinom"] = "empirical"
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
        columns: all its columns in the order of the real table: (name, Spark type as a simple string, nullable).
        steps: the columns that are generated, in the order in which they come about.
        driving: index of the foreign key that drives; None for a root.
        context: columns of the driving parent that the row model is conditioned on.
        conditions: own columns that are known before the model draws, and that it is conditioned on (natural key parts).
        matches: indices of the keys that are matched with free places.
        deferred: those of `matches` that wait for a later parent (or for the table itself).
        references: indices of keys to reference tables, which are learnt as values.
        key: pattern of the generated primary key column, None where the key is natural or there is none.
        series: how a natural composite key of a root comes about.
        linkages: by index of the foreign key; for the driving and the matched ones.
        rows: rows of the real table.
    """

    table: str
    columns: tuple[tuple[str, str, bool], ...]
    steps: tuple[ColumnStep, ...]
    driving: int | None = None
    context: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    matches: tuple[int, ...] = ()
    deferred: tuple[int, ...] = ()
    references: tuple[int, ...] = ()
    key: KeyPattern | None = None
    series: SeriesPlan | None = None
    linkages: dict[int, Linkage] = Field(default_factory=dict)
    rows: int

    def drawn(self) -> tuple[str, ...]:
        """The columns that the row model draws."""
        return tuple(s.column for s in self.steps if s.kind == "drawn")

    @property
    def types(self) -> dict[str, str]:
        return {name: spark_type for name, spark_type, _ in self.columns}
