"""The row program: how a table's rows come about, decided once on the driver, as plain data.

A program is a list of phases. A phase is an ordered list of steps that one pass over blocks of rows carries out, and then the keys that Spark matches
with rows of other tables. Where keys are matched, a first phase makes what the match needs (keys, what tells whether a key is there), and a second
one makes the whole rows. Each kind of step is a small class here and a module of the same name in `kernels/steps/`.

A column is **known** (given before the row starts: the driving parent's key, the row's number, a natural key part), **drawn** by the row model, or
**derived** (computed from others, or matched).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Literal

from pydantic import Field

from .base import Spec
from .dependencies import AnyDependency
from .identifiers import HIDDEN_PREFIX
from .metadata import ForeignKey, LinkageMethod


class KeyPattern(Spec):
    """How row number `n` becomes a generated key.

    Attributes:
        form: `integer` (n), `uuid`, or `text` (`prefix` and n).
        width: digits of n in a text, filled up with zeros; up to 1 for as many as it has.
        after: the greatest number of the real keys: generated ones go on after it, so that none is a real one, and begin at 1 where there is no room left.
    """

    form: Literal["integer", "uuid", "text"] = "integer"
    prefix: str = ""
    width: int = 0
    after: int = 0


class Linkage(Spec):
    """Children per parent of one foreign key.

    Attributes:
        method: `empirical` takes the real histogram; `negbinom` a negative binomial with the real mean and variance (a binomial, where counts vary less
            than their mean); `conditional` numbers are drawn with the parent's row, as a hidden column of it, and put in the order of the real histogram.
        values: numbers of children that occur, ascending.
        weights: share of the parents with that number; sums to 1.
        mean: children per parent.
        variance: of the children per parent.
        null_rate: share of the child rows whose key is null.
    """

    method: LinkageMethod = "empirical"
    values: tuple[int, ...]
    weights: tuple[float, ...]
    mean: float
    variance: float
    null_rate: float = 0.0


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
    """

    kind: Literal["draw"] = "draw"
    columns: tuple[str, ...]
    conditions: tuple[str, ...] = ()
    ordered_by: str | None = None
    stepwise: bool = False


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
    """Columns that follow from others by exact dependencies, in the order of evaluation."""

    kind: Literal["derive"] = "derive"
    dependencies: tuple[AnyDependency, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(d.target for d in self.dependencies)


class Carry(Spec):
    """Columns that an earlier phase has drawn or matched."""

    kind: Literal["carry"] = "carry"
    columns: tuple[str, ...]


Step = Annotated[NumberKey | ParentKey | Inherit | Position | Place | Series | Draw | Distinct | Combine | Derive | Carry, Field(discriminator="kind")]


class Apart(Spec):
    """What a matched key does for a unique key: no two rows that agree in `before` may agree in `own` too.

    Attributes:
        before: columns of the unique key that are there already; `PARENT_ROW` stands for the driving key as a whole.
        own: columns of the unique key that this match fills.
        later: keys matched afterwards that tell rows apart too: a combination may repeat as often as they have room.
    """

    before: tuple[str, ...]
    own: tuple[str, ...]
    later: tuple[int, ...] = ()


class Trait(Spec):
    """A column of another parent, cut into groups, that a row draws for itself before it is matched: its partner should have it.

    Attributes:
        name: the hidden column of the row.
        column: of the parent.
        spark_type: of the parent's column.
        edges: values from which on a new group of a number begins; None for a label.
    """

    name: str
    column: str
    spark_type: str
    edges: tuple[float, ...] | None = None


class Match(Spec):
    """Rows are paired with rows of another parent.

    Attributes:
        key: index of the foreign key.
        fixed: its columns that the driver or an earlier match has filled: the partner must agree.
        wished: its columns that the model has drawn (they are keys to reference tables too): the partner agrees where one can.
        status: a hidden column says per row whether the key is there.
        required: the key must not be null.
        emptied: columns that are null where the key is; the others keep a partner's values.
        apart: the unique keys that it is part of.
        needs: later keys that share columns with this one and must not be null: a partner must leave them one of their own.
        filled: its columns that may be there from an earlier key that has a partner; rows that have all of them are left alone.
        brings: other columns that repeat columns of the partner's row, and those.
        traits: what the partner should have, what matters most first; afterwards rows have their partner's.
        forest: the parent is the table itself, and rows draw how many rows are above them: their partner is one step nearer to the top.
        levels: real rows that have so many above them, from 0 on, in a forest.
        never: keys to the same parent, filled before this one, whose row the partner must not be.
    """

    key: int
    fixed: tuple[str, ...] = ()
    wished: tuple[str, ...] = ()
    status: bool = False
    required: bool = False
    emptied: tuple[str, ...] = ()
    apart: tuple[Apart, ...] = ()
    needs: tuple[int, ...] = ()
    filled: tuple[str, ...] = ()
    brings: tuple[tuple[str, str], ...] = ()
    traits: tuple[Trait, ...] = ()
    forest: bool = False
    levels: tuple[int, ...] = ()
    never: tuple[int, ...] = ()

    @property
    def carried(self) -> tuple[str, ...]:
        """The hidden columns that rows draw for the match, beside its status."""
        return (*((depth_column(self.key),) if self.forest else ()), *(trait.name for trait in self.traits))

    @property
    def brought(self) -> tuple[str, ...]:
        """The table's columns that repeat columns of the partner's row."""
        return tuple(own for own, _ in self.brings)


class Phase(Spec):
    """Steps over blocks of rows, then matches one after the other."""

    steps: tuple[Step, ...]
    matches: tuple[Match, ...] = ()

    @property
    def passed_on(self) -> frozenset[str]:
        """The columns that its matches and later phases need of its steps."""
        drawn = {c for step in self.steps if isinstance(step, Draw) for c in step.columns}
        return frozenset(drawn | {c for m in self.matches for c in (*m.fixed, *m.wished, *m.filled, *(b for a in m.apart for b in a.before))})


class UniqueKey(Spec):
    """A unique key that is not unique by itself, and what tells its rows apart: it bounds how many rows there can be.

    Attributes:
        columns: the key.
        per: rows are told apart within each driving parent, within each group of them that agrees in `group`, or within the whole table.
        group: the columns of the driving key that are part of it.
        parts: its natural columns.
        matches: the matched keys that are part of it, and for each the columns that it gives.
        references: keys of several columns to reference tables among `parts`.
    """

    columns: tuple[str, ...]
    per: Literal["parent", "group", "table"]
    group: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    matches: tuple[tuple[int, tuple[str, ...]], ...] = ()
    references: tuple[int, ...] = ()


class TableProgram(Spec):
    """Everything that generating one table needs beside its encodings and its model.

    Attributes:
        table: the table.
        rows: rows of the real table.
        columns: all its columns in the order of the real table: (name, Spark type as a simple string, nullable).
        primary_key: its columns.
        foreign_keys: as asked.
        phases: how its rows come about.
        driving: index of the foreign key that drives; None for a root.
        needs: keys that share columns with the driving one and must not be null: only parents that leave them a partner have children.
        linkages: by index of the foreign key, for the driving and the matched ones.
        uniques: unique keys that bound the number of rows.
        opaque: generated key columns, and those that refer to them: they carry no meaning and are never modelled.
        context: the driving parent's columns that the row model is told; None for all.
    """

    table: str
    rows: int
    columns: tuple[tuple[str, str, bool], ...]
    primary_key: tuple[str, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    phases: tuple[Phase, ...]
    driving: int | None = None
    needs: tuple[int, ...] = ()
    linkages: dict[int, Linkage] = Field(default_factory=dict)
    uniques: tuple[UniqueKey, ...] = ()
    opaque: tuple[str, ...] = ()
    context: tuple[str, ...] | None = None

    @property
    def steps(self) -> tuple[Step, ...]:
        """Those of the last phase, which makes the whole rows."""
        return self.phases[-1].steps

    @property
    def matches(self) -> tuple[Match, ...]:
        return tuple(m for phase in self.phases for m in phase.matches)

    @property
    def early(self) -> tuple[Match, ...]:
        """The matches that come before the whole rows are made."""
        return tuple(m for phase in self.phases[:-1] for m in phase.matches)

    @property
    def deferred(self) -> tuple[Match, ...]:
        """The matches that wait for a later parent, or for the table itself."""
        return self.phases[-1].matches

    def of_kind(self, *kinds: type[Spec]) -> Iterator[Step]:
        """The last phase's steps of these classes."""
        return (step for step in self.steps if isinstance(step, kinds))

    @property
    def draw(self) -> Draw:
        """What the row model draws."""
        return next((step for step in self.steps if isinstance(step, Draw)), Draw(columns=()))

    @property
    def drawn(self) -> tuple[str, ...]:
        """The columns that the row model draws, hidden ones included."""
        return self.draw.columns

    @property
    def conditions(self) -> tuple[str, ...]:
        """Own columns that the row model is told."""
        return self.draw.conditions

    @property
    def has_siblings(self) -> bool:
        """Whether rows know where they stand among the rows of their driving parent."""
        return any(True for _ in self.of_kind(Place))

    @property
    def given(self) -> frozenset[str]:
        """The columns that every row has before the row model draws."""
        known = {c for step in self.of_kind(NumberKey, ParentKey, Position, Series) for c in step.columns}
        return frozenset(known - set(self.fallback))

    @property
    def fallback(self) -> tuple[str, ...]:
        """Driving key columns that rows without a driving parent draw."""
        return next((step.fallback for step in self.steps if isinstance(step, ParentKey)), ())

    @property
    def taken_over(self) -> frozenset[str]:
        """Columns beside the driving key that always repeat the driving parent's row."""
        driver = self.driver
        return frozenset(c for step in self.of_kind(ParentKey) for c in step.columns if driver and c not in driver.columns)

    @property
    def matched(self) -> frozenset[str]:
        """The columns that matches fill."""
        keys = {c for m in self.matches for c in self.foreign_keys[m.key].columns if c not in m.fixed}
        return frozenset(keys.union(*(m.brought for m in self.matches)))

    @property
    def inherited(self) -> tuple[Inherit, ...]:
        """What repeats the driving parent's row in some rows, in all phases."""
        return tuple(step for phase in self.phases for step in phase.steps if isinstance(step, Inherit))

    @property
    def distinct(self) -> tuple[str, ...]:
        """Drawn columns that are moved so that they do not repeat."""
        return tuple(c for phase in self.phases for step in phase.steps if isinstance(step, Distinct) for c in step.columns)

    @property
    def dependencies(self) -> tuple[AnyDependency, ...]:
        """How columns follow from others, in the order of evaluation."""
        return tuple(d for step in self.steps if isinstance(step, Derive) for d in step.dependencies)

    @property
    def types(self) -> dict[str, str]:
        return {name: spark_type for name, spark_type, _ in self.columns}

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, _, _ in self.columns)

    @property
    def driver(self) -> ForeignKey | None:
        return None if self.driving is None else self.foreign_keys[self.driving]


def without_drawn(program: TableProgram, columns: Collection[str]) -> TableProgram:
    """The program without some hidden columns that a model would draw; without `GAP`, the column that orders siblings is drawn as it is."""
    phases = []
    for phase in program.phases:
        steps = [_without(step, columns) if isinstance(step, Draw | Carry) else step for step in phase.steps]
        matches = [_unaided(m, columns) for m in phase.matches]
        kept = [step for step in steps if not isinstance(step, Draw | Carry) or step.columns or phase is program.phases[-1]]
        phases.append(phase.model_copy(update={"steps": tuple(kept), "matches": tuple(matches)}))
    return program.model_copy(update={"phases": tuple(phases)})


def with_levels(program: TableProgram, levels: Mapping[int, tuple[int, ...]]) -> TableProgram:
    """The program with the real levels of its forests, by key."""
    phases = []
    for phase in program.phases:
        matches = [m.model_copy(update={"levels": levels[m.key]}) if m.key in levels else m for m in phase.matches]
        phases.append(phase.model_copy(update={"matches": tuple(matches)}))
    return program.model_copy(update={"phases": tuple(phases)})


def _unaided(match: Match, columns: Collection[str]) -> Match:
    traits = tuple(t for t in match.traits if t.name not in columns)
    return match.model_copy(update={"traits": traits, "forest": match.forest and depth_column(match.key) not in columns})


def _without(step: Draw | Carry, columns: Collection[str]) -> Draw | Carry:
    kept = tuple(c for c in step.columns if c not in columns)
    return step.model_copy(update={"columns": kept} | ({"stepwise": step.stepwise and GAP in kept} if isinstance(step, Draw) else {}))


def status_column(index: int) -> str:
    """Name of the hidden column that says whether the `index`-th foreign key of a row is there."""
    return f"{HIDDEN_PREFIX}has_{index}"


def same_column(column: str) -> str:
    """Name of the hidden column that says whether a row repeats its parent's value of a column, or of the first column of a key."""
    return f"{HIDDEN_PREFIX}same_{column}"


def trait_column(index: int, place: int) -> str:
    """Name of the hidden column with the `place`-th trait that a row wants its partner of the `index`-th foreign key to have."""
    return f"{HIDDEN_PREFIX}trait_{index}_{place}"


def depth_column(index: int) -> str:
    """Name of the hidden column that says how many rows are above a row along the `index`-th foreign key, which leads to the table itself."""
    return f"{HIDDEN_PREFIX}depth_{index}"


def partner_column(index: int) -> str:
    """Name of the hidden column with the number of the row that the `index`-th foreign key was matched to."""
    return f"{HIDDEN_PREFIX}partner_{index}"


def count_column(child: str, index: int) -> str:
    """Name of a parent's hidden column with its number of rows in `child` along that table's `index`-th foreign key."""
    return f"{HIDDEN_PREFIX}n_{index}_{child}"


ROW = HIDDEN_PREFIX + "row"  # number of the row in its table, from 0
BLOCK = HIDDEN_PREFIX + "block"  # number of the block that it is made in
PARENT_ROW = HIDDEN_PREFIX + "parent_row"  # ROW of the driving parent; -1 for none
POSITION = HIDDEN_PREFIX + "position"  # number of the row within its driving parent, from 0
SIBLINGS = HIDDEN_PREFIX + "siblings"  # rows of the driving parent
GAP = HIDDEN_PREFIX + "gap"  # from the sibling before, in the column that orders them; null for the first
CHILDREN = HIDDEN_PREFIX + "children"  # rows that a parent has in the table that is made
FIRST = HIDDEN_PREFIX + "first"  # rank of the first of them among the rows of the parent's group
SIZE = HIDDEN_PREFIX + "size"  # rows of that group
