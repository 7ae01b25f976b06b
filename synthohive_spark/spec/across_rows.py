"""What always holds between the rows of one driving parent, found on the real data and kept in every synthetic family: columns that follow from other rows."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .encoding import Scalar
from .family_shapes import FamilyRule, FamilyShape, described_shape


class Shared(FamilyRule):
    """All rows of a parent have the same value, null being one."""

    kind: Literal["shared"] = "shared"

    @property
    def inputs(self) -> tuple[str, ...]:
        return ()


class Mirrored(FamilyRule):
    """Where a parent has two rows, `column` of one is `of` of the other: the same value, `total` less it, or what stands for it among `values`.

    Attributes:
        total: of both numbers.
        keys: values of `of`, each with its counterpart in `values`; a value that is not among them is the other's too.
        both: `of` is held fast by a key, so that `column` follows in both rows; else the first row has its own values, and the second follows.
    """

    kind: Literal["mirrored"] = "mirrored"
    of: str
    total: float | None = None
    keys: tuple[Scalar | None, ...] = ()
    values: tuple[Scalar | None, ...] = ()
    both: bool = False

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.of,)


class Lagged(FamilyRule):
    """`column` is what `of` was in the parent's row before.

    Attributes:
        ordered_by: the column that says which row is before; None for the order of the rows' numbers.
        first: what a parent's first row has: null, or what was drawn for it.
    """

    kind: Literal["lagged"] = "lagged"
    of: str
    ordered_by: str | None = None
    first: Literal["null", "drawn"] = "drawn"

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.of, *([self.ordered_by] if self.ordered_by else []))


class Running(FamilyRule):
    """`column` is what it was in the parent's row before, plus `factors[0] * terms[0] + ... + constant` of its own row; a null term counts as 0.

    Attributes:
        terms: columns that are added up.
        factors: 1 or -1 for each.
        constant: added in each row.
        by: a column that says with which sign the terms count; None for none.
        signs: for each of its values that `keys` has, 1, -1 or 0; others count as 1.
        digits: after the point, to which the column is rounded; None for a float of any number of digits.
        ordered_by: as in `Lagged`.
        first: what a parent's first row adds to: 0, or nothing: it has what was drawn for it.
    """

    kind: Literal["running"] = "running"
    terms: tuple[str, ...] = ()
    factors: tuple[int, ...] = ()
    constant: float = 0.0
    by: str | None = None
    keys: tuple[Scalar | None, ...] = ()
    signs: tuple[int, ...] = ()
    digits: int | None = None
    ordered_by: str | None = None
    first: Literal["zero", "drawn"] = "drawn"

    @property
    def inputs(self) -> tuple[str, ...]:
        return (*self.terms, *(c for c in (self.by, self.ordered_by) if c))


class Ascending(FamilyRule):
    """`column` never falls from one row of a parent to the next, in the order of the rows' numbers."""

    kind: Literal["ascending"] = "ascending"

    @property
    def inputs(self) -> tuple[str, ...]:
        return ()


AcrossRule = Annotated[Shared | Mirrored | Lagged | Running | Ascending | FamilyShape, Field(discriminator="kind")]


def described_across(rule: AcrossRule, parent: str) -> str:
    """The rule in words: `balance = balance before + amount in each account`. `parent` is the table whose rows have the families."""
    if isinstance(rule, FamilyShape):
        return described_shape(rule, parent)
    where = f"in each row of {parent}"
    if isinstance(rule, Shared):
        return f"{rule.column} is the same {where}"
    if isinstance(rule, Ascending):
        return f"{rule.column} never falls from row to row {where}"
    if isinstance(rule, Mirrored):
        other = f"{rule.of} of the other row"
        other = other if rule.total is None else f"{f'{rule.total:.12g}' if rule.total else ''} - {other}".strip()
        return f"{rule.column} = {f'counterpart of {other} ({len(rule.keys)} values)' if rule.keys else other} {where}"
    order = f" by {rule.ordered_by}" if rule.ordered_by else ""
    if isinstance(rule, Lagged):
        return f"{rule.column} = {rule.of} of the row before {where}{order}"
    terms = [(f, name) for f, name in zip(rule.factors, rule.terms, strict=True)]
    terms += [(1 if rule.constant > 0 else -1, f"{abs(rule.constant):.12g}")] if rule.constant else []
    added = "".join(f" {'-' if factor < 0 else '+'} {name}" for factor, name in terms)
    return f"{rule.column} = {rule.column} before{added}{f' (signs by {rule.by})' if rule.by else ''} {where}{order}"
