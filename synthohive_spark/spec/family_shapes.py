"""What holds of the rows of one driving parent taken together: one of them is marked, they are numbered, follow one another, or share a total."""

from __future__ import annotations

from typing import Literal

from .base import Spec
from .encoding import Scalar


class FamilyRule(Spec):
    """What all kinds share.

    Attributes:
        column: that follows from other rows.
        share: of the real rows that can show it, those on which it holds. It holds on all synthetic ones.
    """

    column: str
    share: float = 1.0

    @property
    def made(self) -> tuple[str, ...]:
        """The columns that it changes."""
        return (self.column,)


class Marked(FamilyRule):
    """One row of each parent has `value`, and no other.

    Attributes:
        others: the most frequent value of the other rows, where that is no rare one: for a block in which nobody has another to give.
        at: which: the first or the last in the order, or any one.
        always: there is one in each family; else in some there is none.
        ordered_by: the column that says which row is first; None for the order of the rows' numbers.
    """

    kind: Literal["marked"] = "marked"
    value: Scalar | None = None
    others: tuple[Scalar | None, ...] = ()
    at: Literal["first", "last", "one"] = "one"
    always: bool = True
    ordered_by: str | None = None

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.ordered_by,) if self.ordered_by else ()


class Following(FamilyRule):
    """`column` is what `of` is in the parent's next row, plus `plus`.

    Attributes:
        plus: whole numbers, days of dates, microseconds of times.
        end: what the last row has, if not what was drawn for it.
        ends: whether it has `end`.
        rising: what was drawn for a last row is never before what that row has in `of`.
        ordered_by: the column that says which row is next; None for the order of the rows' numbers.
    """

    kind: Literal["following"] = "following"
    of: str
    plus: int = 0
    end: Scalar | None = None
    ends: bool = False
    rising: bool = False
    ordered_by: str | None = None

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.of, *([self.ordered_by] if self.ordered_by and self.ordered_by != self.of else []))


class Numbered(FamilyRule):
    """The rows of each parent are numbered from `start` on without gaps.

    Attributes:
        ordered_by: in whose order; None for the order of the rows' numbers.
        falling: from its greatest value to its least.
        tied: rows that are equal in that column have one number, and the next one is left out.
    """

    kind: Literal["numbered"] = "numbered"
    start: int = 1
    ordered_by: str | None = None
    falling: bool = False
    tied: bool = False

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.ordered_by,) if self.ordered_by else ()


class Apart(FamilyRule):
    """No two rows of a parent have the same value."""

    kind: Literal["apart"] = "apart"

    @property
    def inputs(self) -> tuple[str, ...]:
        return ()


class Separate(FamilyRule):
    """The times from `column` to `stop` of the rows of a parent do not overlap."""

    kind: Literal["separate"] = "separate"
    stop: str

    @property
    def made(self) -> tuple[str, ...]:
        return (self.column, self.stop)

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.stop,)


class Split(FamilyRule):
    """The values of a parent's rows add up to `total`.

    Attributes:
        digits: after the point of each.
    """

    kind: Literal["split"] = "split"
    total: float
    digits: int = 0

    @property
    def inputs(self) -> tuple[str, ...]:
        return ()


class Forward(FamilyRule):
    """The values never go back in the order of `steps`, from row to row.

    Attributes:
        steps: the values, the first one first.
        ordered_by: the column that says which row is next; None for the order of the rows' numbers.
        way: rows may repeat a step, or leave some out without repeating any, or take each in turn from the first on.
    """

    kind: Literal["forward"] = "forward"
    steps: tuple[Scalar, ...]
    ordered_by: str | None = None
    way: Literal["repeat", "skip", "each"] = "repeat"

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.ordered_by,) if self.ordered_by else ()


FamilyShape = Marked | Following | Numbered | Apart | Separate | Split | Forward


def described_shape(rule: FamilyShape, parent: str) -> str:
    """The rule in words: `rank = 1, 2, ... by score falling in each row of races`."""
    where = f"in each row of {parent}"
    order = f" by {rule.ordered_by}" if isinstance(rule, Marked | Following | Numbered | Forward) and rule.ordered_by else ""
    if isinstance(rule, Marked):
        value = "null" if rule.value is None else repr(rule.value) if isinstance(rule.value, str) else str(rule.value).lower()
        which = "one row" if rule.at == "one" else f"the {rule.at} row"
        return f"{rule.column} = {value} in {which if rule.always else f'at most {which}'} {where}{order}"
    if isinstance(rule, Following):
        plus = f" {'+' if rule.plus > 0 else '-'} {abs(rule.plus)}" if rule.plus else ""
        return f"{rule.column} = {rule.of} of the next row{plus} {where}{order}"
    if isinstance(rule, Numbered):
        return f"{rule.column} = {rule.start}, {rule.start + 1}, ...{order}{' falling' if rule.falling else ''} {where}"
    if isinstance(rule, Separate):
        return f"{rule.column} to {rule.stop} never overlap {where}"
    if isinstance(rule, Split):
        return f"{rule.column} adds up to {rule.total:.12g} {where}"
    if isinstance(rule, Forward):
        return f"{rule.column} never goes back ({len(rule.steps)} steps) {where}{order}"
    return f"{rule.column} never repeats {where}"
