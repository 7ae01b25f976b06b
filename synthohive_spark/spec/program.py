"""The row program: how a table's rows come about, decided once on the driver, as plain data.

A program is a list of phases. A phase is an ordered list of steps that one pass over blocks of rows carries out, and then the keys that Spark matches
with rows of other tables. Where keys are matched, a first phase makes what the match needs (keys, what tells whether a key is there), and a second
one makes the whole rows. Each kind of step is a small class here and a module of the same name in `kernels/steps/`.

A column is **known** (given before the row starts: the driving parent's key, the row's number, a natural key part), **drawn** by the row model, or
**derived** (computed from others, or matched).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from .across_rows import AcrossRule
from .base import Spec
from .dependencies import AnyDependency
from .hidden import depth_column
from .identifiers import HIDDEN_PREFIX
from .metadata import ForeignKey, LinkageMethod
from .steps import AcrossRows, Borrow, Derive, Distinct, Draw, Inherit, NumberKey, ParentKey, Place, Position, Series, Step
from .totals import Total


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
        agree: (column, partner's column): what the row has by then and always equals its partner's, so that only such rows are partners while there are some.
        since: a time of the row, and one of its partner's that it is never before, where rows are whole when they are matched.
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
    agree: tuple[tuple[str, str], ...] = ()
    since: tuple[str, str] | None = None
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
    def read(self) -> tuple[str, ...]:
        """The columns that rows have before the match, and that it reads, beside hidden ones that are drawn for it."""
        before = (b for apart in self.apart for b in apart.before)
        return (*self.fixed, *self.wished, *self.filled, *(own for own, _ in self.agree), *(self.since[:1] if self.since else ()), *before)

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
        return frozenset(drawn | {c for m in self.matches for c in m.read})


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


class AboveColumn(Spec):
    """A column of a row above the driving parent.

    Attributes:
        name: its hidden name.
        path: the keys that lead to it, from the driving parent on.
        column: what it is called there.
    """

    name: str
    path: tuple[int, ...]
    column: str


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
        above: what the row model is told of the rows above the driving parent.
        totals: columns that are set by the rows of child tables, once these are there.
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
    above: tuple[AboveColumn, ...] = ()
    totals: tuple[Total, ...] = ()

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

    def pairs_with(self, key: int) -> tuple[tuple[str, str], ...]:
        """Pairs of a column and the one of the row that the driving key leads to which it always repeats."""
        steps = [step for step in self.of_kind(ParentKey) if isinstance(step, ParentKey)] if key == self.driving else []
        return tuple(pair for step in steps for pair in zip(step.columns, step.parent_columns, strict=True))

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
        return frozenset(keys | self.brought)

    @property
    def brought(self) -> frozenset[str]:
        """Columns beside the matched keys that repeat a partner's row."""
        return frozenset(c for m in self.matches for c in m.brought)

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
        return tuple(d for step in self.steps if isinstance(step, Derive) and not step.ahead for d in step.dependencies)

    @property
    def number_column(self) -> str | None:
        """The generated key whose order is that of the rows' numbers; None where there is none."""
        keys = (s for s in self.of_kind(NumberKey) if isinstance(s, NumberKey) and s.pattern.form in ("integer", "text"))
        return next((s.column for s in keys), None)

    @property
    def order_column(self) -> str | None:
        """By what rows of a driving parent stand as generated ones are numbered: that key, or a column that counts them; None where nothing says it."""
        return self.number_column or next((step.column for step in self.of_kind(Position) if isinstance(step, Position)), None)

    @property
    def across(self) -> tuple[AcrossRule, ...]:
        """How columns follow from other rows of the driving parent, in the order of evaluation."""
        return tuple(rule for step in self.of_kind(AcrossRows) if isinstance(step, AcrossRows) for rule in step.rules)

    @property
    def across_told(self) -> tuple[AcrossRule, ...]:
        """Those of columns that the table shows."""
        return tuple(rule for rule in self.across if not rule.column.startswith(HIDDEN_PREFIX))

    @property
    def borrowed(self) -> dict[str, str]:
        """Hidden columns that repeat the driving parent's row, with their Spark types."""
        steps = [step for phase in self.phases for step in phase.steps if isinstance(step, Borrow)]
        return {name: kind for step in steps for name, kind in zip(step.columns, step.types, strict=True)}

    @property
    def types(self) -> dict[str, str]:
        return {name: spark_type for name, spark_type, _ in self.columns}

    @property
    def shown(self) -> tuple[tuple[str, str, bool], ...]:
        """`columns` without the hidden ones, which belong to rows of other tables."""
        return tuple(column for column in self.columns if not column[0].startswith(HIDDEN_PREFIX))

    @property
    def shown_names(self) -> tuple[str, ...]:
        return tuple(name for name, _, _ in self.shown)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, _, _ in self.columns)

    @property
    def driver(self) -> ForeignKey | None:
        return None if self.driving is None else self.foreign_keys[self.driving]
