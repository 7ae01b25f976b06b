"""The steps of a row program: each kind is a small class here and a module of the same name in `kernels/steps/`.

A column is **known** (given before the row starts: the driving parent's key, the row's number, a natural key part), **drawn** by the row model, or **derived**
(computed from others, or matched).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .across_rows import AcrossRule
from .base import Spec
from .dependencies import AnyDependency
from .hidden import POSITION, SIBLINGS


class KeyPattern(Spec):
    """How row number `n` becomes a generated key.

    Attributes:
        form: `integer` (n), `uuid`, `hex` (`width` hexadecimal digits), or `text` (`prefix`, n and `suffix`).
        width: digits of n in a text, filled up with zeros; up to 1 for as many as it has.
        capitals: hexadecimal digits are written in capitals.
        longest: characters that a text can have; None for no limit.
        after: the greatest number of the real keys: generated ones go on after it, so that none is a real one, and begin at 1 where there is no room left.
    """

    form: Literal["integer", "uuid", "hex", "text"] = "integer"
    prefix: str = ""
    suffix: str = ""
    width: int = 0
    after: int = 0
    capitals: bool = False
    longest: int | None = None

    @property
    def most(self) -> int | None:
        """The greatest number that a text has room for; None for no limit."""
        return None if self.longest is None else 10 ** max(self.longest - len(self.prefix) - len(self.suffix), 0) - 1


class NumberKey(Spec):
    """A generated key: a function of the row's number."""

    kind: Literal["number_key"] = "number_key"
    column: str
    pattern: KeyPattern

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)


class ParentKey(Spec):
    """The driving parent's key, and what always repeats other columns of its row.

    Attributes:
        columns: of the child; those of the key first.
        parent_columns: their counterparts.
        fallback: those of `columns` that rows without a driving parent draw, since they have values there too.
    """

    kind: Literal["parent_key"] = "parent_key"
    columns: tuple[str, ...]
    parent_columns: tuple[str, ...]
    fallback: tuple[str, ...] = ()


class Borrow(Spec):
    """Hidden columns that repeat columns of the driving parent's row: what partners of the row must agree with.

    Attributes:
        columns: their hidden names.
        parent_columns: their counterparts.
        types: their Spark types.
    """

    kind: Literal["borrow"] = "borrow"
    columns: tuple[str, ...]
    parent_columns: tuple[str, ...]
    types: tuple[str, ...]


class Inherit(Spec):
    """Columns that repeat columns of the driving parent's row, in the rows that a hidden column says.

    Attributes:
        columns: of the child.
        parent_columns: their counterparts.
        status: the hidden column, drawn by the row model.
    """

    kind: Literal["inherit"] = "inherit"
    columns: tuple[str, ...]
    parent_columns: tuple[str, ...]
    status: str


class Position(Spec):
    """A column that counts the rows of each driving parent, from `start` on without gaps."""

    kind: Literal["position"] = "position"
    column: str
    start: int

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)


class Place(Spec):
    """Where a row stands among the rows of its driving parent: its number from 0, and how many there are. Hidden, and told to the row model."""

    kind: Literal["place"] = "place"

    @property
    def columns(self) -> tuple[str, ...]:
        return (POSITION, SIBLINGS)


class Series(Spec):
    """Natural key columns whose values never repeat, known before the row is drawn: a function of the row's rank.

    Attributes:
        columns: entities first; the last one runs within an entity.
        within: columns of the driving key inside which rows are ranked; none for the whole table.
        entities: combinations of the entity columns that the real table has, as text; none where they are too rare to be told, and columns are combined freely.
        counts: real rows of each.
        references: keys of several columns to reference tables among these columns: their combinations are taken from there.
    """

    kind: Literal["series"] = "series"
    columns: tuple[str, ...]
    within: tuple[str, ...] = ()
    entities: tuple[tuple[str, ...], ...] = ()
    counts: tuple[int, ...] = ()
    references: tuple[int, ...] = ()


class Draw(Spec):
    """Columns that the row model draws, hidden ones included.

    Attributes:
        conditions: own columns that are there before and that the model is told, beside the driving parent's row.
        ordered_by: the column that orders the rows of one driving parent.
        stepwise: `ordered_by` is among `columns` and follows from the hidden column `GAP`, its distance from the row before.
        since: what the first row's `GAP` is the distance from: a column of the driving parent, its type, and the microseconds down to which it is told;
            None where that has none.
        form: of `ordered_by`, where it holds dates or times in text or whole numbers.
        last: columns that are drawn given all others, as a rule will replace most of their values.
    """

    kind: Literal["draw"] = "draw"
    columns: tuple[str, ...]
    conditions: tuple[str, ...] = ()
    ordered_by: str | None = None
    stepwise: bool = False
    since: tuple[str, str, int] | None = None
    form: str = ""
    last: tuple[str, ...] = ()


class Distinct(Spec):
    """Natural key parts, drawn, then moved where they repeat within the driving parent.

    Attributes:
        columns: the parts.
        later: keys matched afterwards that tell rows apart too: a value may repeat as often as they have room.
        references: keys of several columns to reference tables among these columns: they are moved together.
    """

    kind: Literal["distinct"] = "distinct"
    columns: tuple[str, ...]
    later: tuple[int, ...] = ()
    references: tuple[int, ...] = ()


class Combine(Spec):
    """A key of several columns to a reference table: rows whose combination does not exist take one that does.

    Attributes:
        key: index of the foreign key.
        fixed: its columns that must stay.
    """

    kind: Literal["combine"] = "combine"
    key: int
    fixed: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        return ()


class Derive(Spec):
    """Columns that follow from others by exact dependencies, in the order of evaluation.

    Attributes:
        ahead: only for what other rows read of them; all are derived once more after that.
    """

    kind: Literal["derive"] = "derive"
    dependencies: tuple[AnyDependency, ...]
    ahead: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(d.target for d in self.dependencies)


class AcrossRows(Spec):
    """Columns that follow from other rows of the same driving parent."""

    kind: Literal["across_rows"] = "across_rows"
    rules: tuple[AcrossRule, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for rule in self.rules for name in rule.made))


class Presence(Spec):
    """A struct that can be null.

    Attributes:
        flag: the column that says whether it is there.
        fields: the columns inside it, at any depth.
        flags: those that say whether structs inside it are there.
        required: fields that have a value wherever it is there.
        keys: fields that are part of a key: where they have a value, the struct is there.
        statuses: hidden columns that say whether keys are there that are matched later; None for one that always is.
    """

    flag: str
    fields: tuple[str, ...]
    flags: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    statuses: tuple[str | None, ...] = ()


class Settle(Spec):
    """Structs that can be null: their fields are null where they are, and none is null where a key or a given value is inside; outer ones first."""

    kind: Literal["settle"] = "settle"
    structs: tuple[Presence, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        return ()


class OneOf(Spec):
    """Keys of which each row has exactly one.

    Attributes:
        driving: columns of the driving key, if it is one of them.
        statuses: hidden columns that say whether the others are there.
        shares: of the rows that have each of these.
    """

    kind: Literal["one_of"] = "one_of"
    driving: tuple[str, ...]
    statuses: tuple[str, ...]
    shares: tuple[float, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        return ()


class Carry(Spec):
    """Columns that an earlier phase has drawn or matched.

    Attributes:
        columns: their names.
        unless: (column, status): what repeats a partner's row waits for the row model where the hidden status says that there is no partner.
    """

    kind: Literal["carry"] = "carry"
    columns: tuple[str, ...]
    unless: tuple[tuple[str, str], ...] = ()


Step = Annotated[
    NumberKey | ParentKey | Borrow | Inherit | Position | Place | Series | Draw | Distinct | Combine | Derive | AcrossRows | Settle | OneOf | Carry,
    Field(discriminator="kind"),
]
