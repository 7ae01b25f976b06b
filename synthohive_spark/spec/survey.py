"""What was seen of the real data: every fact that a decision needs, as plain data. It holds no value of the data that a copy could not show."""

from __future__ import annotations

from pydantic import Field

from .base import Spec
from .steps import KeyPattern

MOST_LOOKUP_ROWS = 5_000  # of a table whose texts are counted: more are no lookup that anyone would want copied unseen


class UniqueFacts(Spec):
    """The primary key, or columns that foreign keys point at beside it.

    Attributes:
        columns: of the key.
        nulls: rows with a null in it.
        repeats: rows without one that repeat the key of another row.
        pattern: the form of its values, where they can be generated from row numbers.
    """

    columns: tuple[str, ...]
    nulls: int = 0
    repeats: int = 0
    pattern: KeyPattern | None = None


class CopyFacts(Spec):
    """Columns of a table that may repeat columns of the row that one of its keys leads to.

    Attributes:
        columns: those of another of its keys, or one column that is no key.
        parent_columns: their counterparts.
        share: of the rows with a parent in which both are equal, nulls too.
        chance: what that share would be for rows and parents paired at random.
    """

    columns: tuple[str, ...]
    parent_columns: tuple[str, ...]
    share: float
    chance: float


class SinceFacts(Spec):
    """A time of a row that is never before one of the row that a key leads to.

    Attributes:
        column: of the table.
        parent_column: the parent's.
        distance: between them, in microseconds, on average.
        grain: the microseconds in which they are compared: those of a day where the row has days.
    """

    column: str
    parent_column: str
    distance: float
    grain: int = 1


class TraitFacts(Spec):
    """A column of a parent that says much about the rows that point at it.

    Attributes:
        column: of the parent.
        gain: nats that its groups tell of the row's columns, beyond the traits before it.
        edges: values from which on a new group of a number begins; None for a label.
    """

    column: str
    gain: float
    edges: tuple[float, ...] | None = None


class SiblingFacts(Spec):
    """A column of a table whose values are alike in rows that one of its keys leads to the same parent.

    Attributes:
        column: of the table.
        nats: that the value of one row tells of another's.
        constant: all of them have the same value, where chance would not have it so, and values can be told where each parent counts once.
    """

    column: str
    nats: float
    constant: bool = False


class RelativeFacts(Spec):
    """A key of the same table whose row always has a parent in common with the row that this key leads to.

    Attributes:
        by: index of that key.
        above: the columns of its row that lead to the common parent.
        parent_columns: those of this key's row.
        apart: both keys lead to one table, but never to one row of it.
    """

    by: int
    above: tuple[str, ...]
    parent_columns: tuple[str, ...]
    apart: bool = False


class KeyFacts(Spec):
    """One foreign key, in rows that its table's other policies leave.

    Attributes:
        matched: child rows that have a parent.
        orphans: child rows whose key is whole and has no parent.
        nulls: child rows with a null in the key.
        children: (number of children, parents with that number), ascending, childless parents included.
        stray: columns of the key that have values in some rows where another one is null.
        copies: what is equal in the child's and the parent's row, oftener than by chance; or never (a share of 0), where chance would make it so.
        traits: what says most about the child's row, best first.
        since: times that are never before one of the parent's, although chance would have it so.
        mirrored: nearly all parents have two rows, which mirror each other.
        siblings: in which columns rows of one parent are alike, where another key could drive, too.
        relatives: keys whose rows have a parent in common with this one's.
    """

    matched: int = 0
    orphans: int = 0
    nulls: int = 0
    children: tuple[tuple[int, int], ...] = ()
    stray: tuple[str, ...] = ()
    copies: tuple[CopyFacts, ...] = ()
    traits: tuple[TraitFacts, ...] = ()
    since: tuple[SinceFacts, ...] = ()
    mirrored: bool = False
    siblings: tuple[SiblingFacts, ...] = ()
    relatives: tuple[RelativeFacts, ...] = ()

    @property
    def parents(self) -> int:
        return sum(n for _, n in self.children)


class SequenceFacts(Spec):
    """A column of the primary key that counts the rows of each parent of one key without gaps, from `start` on."""

    key: int
    column: str
    start: int


class OrderFacts(Spec):
    """A column that may order the rows of a parent: dates and times, also in text or whole numbers, Unix times, and whole numbers that can be years.

    Attributes:
        rows: that have a value (of years: one from 1700 to 2200).
        values: how many different ones there are, about.
        years: they are taken for years.
    """

    column: str
    rows: int
    values: int
    years: bool = False


class EntityFacts(Spec):
    """A natural primary key of several columns: the last of `columns` has the most values, the others are its entities.

    Attributes:
        entities: combinations of the entity columns that may be told, as text.
        counts: rows of each.
    """

    columns: tuple[str, ...]
    entities: tuple[tuple[str, ...], ...] = ()
    counts: tuple[int, ...] = ()


class LabelFacts(Spec):
    """A column of text in a small table that other tables point at.

    Attributes:
        rows: that have a value.
        values: how many different ones there are.
    """

    column: str
    rows: int
    values: int


class TableFacts(Spec):
    """One table.

    Attributes:
        table: its name.
        columns: (name, Spark type as a simple string, nullable), in the order of the table.
        rows: after the policy `drop` of its keys.
        read: before it.
        uniques: its primary key first, where it has one.
        keys: in the order of the metadata's foreign keys; None for one that cannot be followed.
        sequences: by key.
        orders: columns that may order the rows of a parent.
        entities: of a natural primary key of several columns that no learnt parent has a part in.
        labels: its columns of text, where it may be a lookup.
        one_of: keys of which each row has exactly one, by their places.
    """

    table: str
    columns: tuple[tuple[str, str, bool], ...]
    rows: int
    read: int
    uniques: tuple[UniqueFacts, ...] = ()
    keys: tuple[KeyFacts | None, ...] = ()
    sequences: tuple[SequenceFacts, ...] = ()
    orders: tuple[OrderFacts, ...] = ()
    entities: EntityFacts | None = None
    labels: tuple[LabelFacts, ...] = ()
    one_of: tuple[tuple[int, ...], ...] = ()

    @property
    def types(self) -> dict[str, str]:
        return {name: spark_type for name, spark_type, _ in self.columns}

    @property
    def nullable(self) -> frozenset[str]:
        return frozenset(name for name, _, nullable in self.columns if nullable)


class Survey(Spec):
    """All tables of the data that the metadata names and that could be read."""

    tables: dict[str, TableFacts] = Field(default_factory=dict)
