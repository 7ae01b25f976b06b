"""Exact dependencies between the columns of one table: a column that others determine, found on the real data, kept in every synthetic row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from .base import Spec
from .encoding import Scalar
from .hidden import distance_column

Part = Literal[
    "year",
    "quarter",
    "month",
    "ISO week",
    "day",
    "day of year",
    "weekday from Monday 0",
    "weekday from Monday 1",
    "weekday from Sunday 0",
    "weekday from Sunday 1",
    "hour",
    "minute",
    "second",
    "date",
    "yyyymm",
    "yyyymmdd",
]
Way = Literal["times", "over", "less", "more"]
PickWay = Literal["greatest", "least", "first"]
Reading = Literal["hhmm", "HHMM", "HH:MM", "HH:MM:SS", "number"]
Piece = tuple[str, str, str]  # a column or "", the text where there is none, the form
_ADDED = {1_440: {1: "min", 60: "h"}, 86_400: {1: "s", 60: "min", 3_600: "h"}, 24: {1: "h"}}  # what numbers that are added to a clock count
_UNITS = {1: "us", 1_000: "ms", 1_000_000: "s", 60_000_000: "min", 3_600_000_000: "h", 86_400_000_000: "d"}  # microseconds


class _Dependency(Spec):
    """What all kinds share.

    Attributes:
        target: the column that is computed.
        determinants: the columns that it is computed from.
        share: of the real rows, those on which it holds. It holds on all synthetic ones.
        loose: the target has values in rows where a determinant is null; the row model draws them.
        gaps: the target is null in some rows whose determinants are there; in which, the row model draws.
    """

    target: str
    determinants: tuple[str, ...]
    share: float = 1.0
    loose: bool = False
    gaps: bool = False

    @property
    def drawn(self) -> bool:
        """Whether the row model draws the target too."""
        return self.loose or self.gaps

    @property
    def required(self) -> tuple[str, ...]:
        """The determinants without which the rule says nothing."""
        return self.determinants


class Copy(_Dependency):
    """`target` equals the determinant, nulls too."""

    kind: Literal["copy"] = "copy"


class DatePart(_Dependency):
    """A part of a date or time.

    Attributes:
        part: which.
        zone: of the clock that it is read from, for a `timestamp`; None for dates and times without zone.
    """

    kind: Literal["part"] = "part"
    part: Part
    zone: str | None = None


class Linear(_Dependency):
    """`target = factors[0] * determinants[0] + ... + constant`; null where a determinant is. Dates count in days, time stamps in microseconds.

    Attributes:
        digits: digits after the point of the target and of each determinant: they are computed as whole numbers of that unit, without rounding. None
            for a float of any number of digits: then it is computed in floats.
        as_zero: determinants that count as 0 where they are null.
    """

    kind: Literal["linear"] = "linear"
    factors: tuple[float, ...]
    constant: float = 0.0
    digits: tuple[int | None, ...]
    as_zero: tuple[str, ...] = ()

    @property
    def required(self) -> tuple[str, ...]:
        return tuple(name for name in self.determinants if name not in self.as_zero)


class Product(_Dependency):
    """The target is the first determinant `times` the second, `over` it, or times one `less` it or one `more`; times `scale`, and rounded.

    Where there is a third, the first two are multiplied before; where there is one alone, it is multiplied by `scale` only.

    Attributes:
        digits: after the point, to which it is rounded; None for a float of any number of digits.
    """

    kind: Literal["product"] = "product"
    way: Way = "times"
    scale: float = 1.0
    digits: int | None = None


class Pick(_Dependency):
    """`target` is the `greatest`, the `least` or the `first` of its determinants that are there; null where none is. SQL's GREATEST, LEAST and COALESCE."""

    kind: Literal["pick"] = "pick"
    way: PickWay


class Quotient(_Dependency):
    """`target = floor(determinant / divisor)`."""

    kind: Literal["quotient"] = "quotient"
    divisor: int


class Remainder(_Dependency):
    """`target = determinant modulo divisor`, never negative."""

    kind: Literal["remainder"] = "remainder"
    divisor: int


class Clock(_Dependency):
    """`target = factors[0] * determinants[0] + ... + constant` on a clock that starts again; null where a determinant is.

    Attributes:
        cycle: a whole turn, in the clock's unit: 1,440 minutes, 24 hours, 7 days.
        first: the least value that the target shows: 0, or 1 where it shows a whole turn in place of 0 (2400, the seventh day).
        readings: how the target and each determinant show the unit: 517, "0517" or "05:17" for 317 minutes, or the number itself.
        is_span: the target is no time but the number between two, at least `first` and less than a turn more.
    """

    kind: Literal["clock"] = "clock"
    factors: tuple[int, ...]
    constant: int = 0
    cycle: int
    first: int = 0
    readings: tuple[Reading, ...]
    is_span: bool = False


class Bands(_Dependency):
    """`target` by the range in which the determinant lies, or the difference of the first and the second.

    Attributes:
        edges: ascending: where each range but the first begins. Dates count in days, time stamps in microseconds.
        values: of each range.
    """

    kind: Literal["bands"] = "bands"
    edges: tuple[float, ...]
    values: tuple[Scalar | None, ...]


class Written(_Dependency):
    """`target` is a text that is put together of others; null where a determinant is.

    Attributes:
        pieces: in their order: a column and the form in which it is shown, as `strftime` and `format` write it, or a text that all have.
        zone: of the clock that time stamps with a zone are read from.
    """

    kind: Literal["written"] = "written"
    pieces: tuple[Piece, ...]
    zone: str | None = None


class Lookup(_Dependency):
    """`target` by the values of one or two determinants, null being a value too.

    A value that no stored combination has: a number or a date moves to the nearest that one has; a made-up text keeps to one of them, always the same.

    Attributes:
        keys: for each determinant its value in each combination; JSON scalars, dates and times as text.
        values: the target's value for each combination.
        counts: real rows of each combination. Those of fewer rows than `min_category_rows` are left out.
        combinations: how many there are.
    """

    kind: Literal["lookup"] = "lookup"
    keys: tuple[tuple[Scalar | None, ...], ...] = ()
    values: tuple[Scalar | None, ...] = ()
    counts: tuple[int, ...] = ()
    combinations: int = 0


class Order(_Dependency):
    """`target` is never below the columns `at_least` and never above the columns `at_most`, where both are there.

    Attributes:
        base: one of them that the target is drawn as a distance from; None where the target is drawn as it is, and moved where it breaks the order.
        unit: what is compared: `whole` units of `digits` after the point (days of dates, microseconds of times), `clock` for dates beside times, as
            microseconds on the clock of `zone`, or `float`.
        forms: of columns that hold dates or times in text or whole numbers, as `strptime` writes it.
        spreads: of a candidate, the spread of the difference measured in those of the target and of the other column.
        separable: of a candidate, whether the target is null where the other column is, and the other way round.
    """

    kind: Literal["order"] = "order"
    at_least: tuple[str, ...] = ()
    at_most: tuple[str, ...] = ()
    base: str | None = None
    unit: Literal["whole", "clock", "float"] = "whole"
    digits: int = 0
    zone: str | None = None
    forms: dict[str, str] = {}
    spreads: tuple[float, float] | None = None
    separable: tuple[bool, bool] = (False, False)

    @property
    def above(self) -> bool:
        """Whether the target is above its base."""
        return self.base in self.at_least

    @property
    def distance(self) -> str | None:
        """The hidden column with the distance from the base."""
        return None if self.base is None else distance_column(self.target)


class Unequal(_Dependency):
    """`target` never has the value of one of the determinants. It is drawn as it is, and drawn again where it has.

    Attributes:
        free: determinants that can be drawn again in its place.
        chance: of a candidate, share of the rows that would be equal were both columns independent.
    """

    kind: Literal["unequal"] = "unequal"
    free: tuple[str, ...] = ()
    chance: float = 0.0


class Calendar(_Dependency):
    """`target` is a day of the month that the first determinant numbers; in the year of the second, where there is one."""

    kind: Literal["calendar"] = "calendar"


class Absence(_Dependency):
    """`target` is null exactly where its determinant has one of some values; or, if not `within`, exactly where it has none of them.

    Attributes:
        values: of the determinant, null being one too; dates and times as text.
        within: whether the target is null with them, or there with them.
        column: what the row model draws for the target: itself, or its hidden distance from another column.
        said: the columns of a key that is matched later, of which the determinant is the hidden status: whether it is there.
    """

    kind: Literal["absence"] = "absence"
    values: tuple[Scalar | None, ...] = (None,)
    within: bool = True
    column: str = ""
    said: str = ""

    @property
    def drawn_as(self) -> str:
        return self.column or self.target


def is_bound(dependency: _Dependency) -> bool:
    """Whether it does not say what the target is, only what it can be."""
    return isinstance(dependency, Order | Unequal | Calendar | Absence)


AnyDependency = Annotated[
    Copy | DatePart | Linear | Product | Pick | Quotient | Remainder | Clock | Bands | Written | Lookup | Order | Unequal | Calendar | Absence,
    Field(discriminator="kind"),
]
NAMED_VALUES = 5  # of an absence that are listed in words


def described(dependency: AnyDependency, types: Mapping[str, str]) -> str:
    """The dependency in words: `hour = hour of time_hour (America/New_York)`. `types` are the columns' Spark types."""
    target, first = dependency.target, dependency.determinants[0]
    if isinstance(dependency, Copy):
        return f"{target} = {first}"
    if isinstance(dependency, DatePart):
        return f"{target} = {dependency.part} of {first}{f' ({dependency.zone})' if dependency.zone else ''}"
    if isinstance(dependency, Pick):
        return f"{target} = {'coalesce' if dependency.way == 'first' else dependency.way}({', '.join(dependency.determinants)})"
    if isinstance(dependency, Quotient):
        return f"{target} = {first} // {dependency.divisor}"
    if isinstance(dependency, Remainder):
        return f"{target} = {first} % {dependency.divisor}"
    if isinstance(dependency, Linear):
        return f"{target} = {_sum(dependency, types)}"
    if isinstance(dependency, Clock):
        return f"{target} = {_on_clock(dependency)}"
    if isinstance(dependency, Written):
        return f"{target} = {' + '.join(name or repr(text) for name, text, _ in dependency.pieces)}"
    if isinstance(dependency, Bands):
        return f"{target} by the range of {' - '.join(dependency.determinants)} ({len(dependency.values)} ranges)"
    if isinstance(dependency, Product):
        return f"{target} = {_product(dependency)}"
    if isinstance(dependency, Absence):
        return f"{target} is null exactly when {dependency.said or first} {_one_of(dependency)}"
    if isinstance(dependency, Order):
        return ", ".join([f"{target} >= {name}" for name in dependency.at_least] + [f"{target} <= {name}" for name in dependency.at_most])
    if isinstance(dependency, Calendar):
        return f"{target} is a day of {', '.join(dependency.determinants)}"
    if isinstance(dependency, Unequal):
        return ", ".join(f"{target} != {name}" for name in dependency.determinants)
    return f"{target} by {', '.join(dependency.determinants)} ({dependency.combinations or len(dependency.counts):,} combinations)"


def _one_of(absence: Absence) -> str:
    if absence.said or absence.values == (None,):
        return "is null" if absence.within == (absence.values != (True,)) else "is not null"
    shown = [_shown(v) for v in absence.values[:NAMED_VALUES]]
    if len(absence.values) == 1:
        return f"{'=' if absence.within else '!='} {shown[0]}"
    more = len(absence.values) - len(shown)
    return f"{'in' if absence.within else 'not in'} ({', '.join(shown)}{f' and {more} more' if more else ''})"


def _shown(value: Scalar | None) -> str:
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    return repr(value) if isinstance(value, str) else f"{value:.15g}"


def _product(dependency: Product) -> str:
    *others, second = dependency.determinants
    last = {"times": f" * {second}", "over": f" / {second}", "less": f" * (1 - {second})", "more": f" * (1 + {second})"}[dependency.way]
    scale = "" if dependency.scale == 1 else f"{dependency.scale:.12g} * "
    return scale + (" * ".join(others) + last if others else second)


def _on_clock(clock: Clock) -> str:
    units = _ADDED.get(clock.cycle, {1: ""})
    terms = []
    for i, (name, factor, reading) in enumerate(zip(clock.determinants, clock.factors, clock.readings[1:], strict=True)):
        unit = units[abs(factor)] if i and reading == "number" and not clock.is_span else ""
        terms.append((factor, f"{name} {unit}".strip()))
    if clock.constant:
        largest = next(u for u in sorted(units, reverse=True) if clock.constant % u == 0)
        terms.append((1, f"{clock.constant // largest} {units[largest]}".strip()))
    text = "".join(f" {'-' if factor < 0 else '+'} {term}" for factor, term in terms).removeprefix(" + ").strip()
    shown = next((reading for reading in clock.readings if reading != "number"), str(clock.cycle))
    return f"{text} (clock {shown})"


def _sum(dependency: Linear, types: Mapping[str, str]) -> str:
    in_micros = types[dependency.target].startswith("timestamp")
    shown = {name: f"coalesce({name}, 0)" if name in dependency.as_zero else name for name in dependency.determinants}
    terms = [
        (f, _factor(f, in_micros and not types[n].startswith("timestamp")) + shown[n]) for f, n in zip(dependency.factors, dependency.determinants, strict=True)
    ]
    if dependency.constant:
        terms.append((dependency.constant, _amount(abs(dependency.constant), in_micros)))
    text = "".join(f" {'-' if factor < 0 else '+'} {term}" for factor, term in terms)
    return text.removeprefix(" + ").strip()


def _factor(factor: float, in_micros: bool) -> str:
    return "" if abs(factor) == 1 and not in_micros else f"{_amount(abs(factor), in_micros)} * "


def _amount(value: float, in_micros: bool) -> str:
    if in_micros:
        unit = max(u for u in _UNITS if value % u == 0 or u == 1)
        return f"{value / unit:.12g} {_UNITS[unit]}"
    return f"{value:.12g}"
