"""What a constraint means for a column of some type: as what its limits are compared, and whether it fits at all."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from .base import Spec
from .metadata import Constraint
from .types import Family, type_family

Comparison = Literal["number", "date", "timestamp", "timestamp_ntz", "text"]
Limit = int | float | str

# What a generated value of each family can be parsed as; text can be parsed as anything.
_DTYPES: dict[Family, tuple[str, ...]] = {
    "integer": ("int", "float", "bool", "string"),
    "decimal": ("int", "float", "string"),
    "float": ("int", "float", "string"),
    "text": ("int", "float", "bool", "date", "timestamp", "string"),
    "boolean": ("bool", "string"),
    "date": ("date", "timestamp", "string"),
    "timestamp": ("timestamp", "string"),
    "timestamp_ntz": ("timestamp", "string"),
}
_COMPARED_AS: dict[Family, Comparison | None] = {
    "integer": "number",
    "decimal": "number",
    "float": "number",
    "boolean": None,
    "date": "date",
    "timestamp": "timestamp",
    "timestamp_ntz": "timestamp_ntz",
}
_TEXT_AS: dict[str | None, Comparison | None] = {
    None: "text",
    "string": "text",
    "int": "number",
    "float": "number",
    "date": "date",
    "timestamp": "timestamp",
    "bool": None,
}


class Violation(Spec):
    """Generated values that break one limit of one column.

    Attributes:
        column: the column.
        limit: which limit.
        expected: its value.
        count: how many values break it.
        worst: the value furthest beyond a numeric limit; None for the rest, whose values are not shown.
    """

    column: str
    limit: Literal["min", "max", "dtype"]
    expected: Limit
    count: int
    worst: int | float | None = None

    def __str__(self) -> str:
        found = "a value beyond the limit" if self.limit != "dtype" else "a value that does not parse"
        rows = f" in {self.count} rows" if self.count > 1 else ""
        return f"{self.column}: got {found if self.worst is None else f'{self.worst:.15g}'} ({self.limit}={shown_limit(self.expected)}){rows}"


def shown_limit(limit: Limit) -> str:
    """A limit as a person writes it: 0 rather than 0.0."""
    return limit if isinstance(limit, str) else f"{limit:.15g}"


def comparison(constraint: Constraint, spark_type: str) -> Comparison | None:
    """As what the column's values are compared with `min` and `max`; None where they cannot be."""
    family = type_family(spark_type)
    if family is None:
        return None
    return _TEXT_AS[constraint.dtype] if family == "text" else _COMPARED_AS[family]


def parsed_limit(limit: Limit, kind: Comparison) -> int | float | str | date | datetime:
    """The limit as a value that compares with others of its kind.

    Raises:
        ValueError: it is no such value; the message says what was expected.
    """
    if kind == "number":
        if isinstance(limit, str):
            raise ValueError("a number")
        return limit
    if not isinstance(limit, str):
        raise ValueError("a text in quotes" + ("; for numbers held as text set dtype to float" if kind == "text" else " such as '2024-01-31'"))
    if kind == "text":
        return limit
    try:
        if kind == "date":
            return date.fromisoformat(limit)
        moment = datetime.fromisoformat(limit[:-1] + "+00:00" if limit.endswith("Z") else limit)  # Python 3.10 does not know the Z
    except ValueError as error:
        raise ValueError("an ISO date such as '2024-01-31'" + ("" if kind == "date" else " or '2024-01-31 12:00:00'")) from error
    if kind == "timestamp_ntz" and moment.tzinfo is not None:
        raise ValueError("a time without a zone, as the column has none")
    return moment


def constraint_faults(constraint: Constraint, spark_type: str) -> list[str]:
    """Why the constraint does not fit a column of this type; empty where it does."""
    family = type_family(spark_type)
    if family is None:
        return []  # the type itself is the fault
    if constraint.dtype is not None and constraint.dtype not in _DTYPES[family]:
        return [f"dtype {constraint.dtype} does not fit a column of type {spark_type}; expected one of {', '.join(_DTYPES[family])}"]
    kind = comparison(constraint, spark_type)
    faults, limits = [], {}
    for name, limit in (("min", constraint.min), ("max", constraint.max)):
        if limit is None:
            continue
        if kind is None:
            faults.append(f"{name} cannot limit a column of type {spark_type}{' that holds bool' if family == 'text' else ''}; leave it out")
            continue
        try:
            limits[name] = parsed_limit(limit, kind)
        except ValueError as error:
            faults.append(f"{name} is {limit!r} and the column is compared as {kind}; expected {error}")
    if len(limits) == 2:
        try:
            crossed = limits["min"] > limits["max"]  # type: ignore[operator]
        except TypeError:  # one time with a zone and one without
            return [*faults, "min and max must both have a time zone, or neither"]
        if crossed:
            faults.append(f"min {shown_limit(constraint.min or 0)} is above max {shown_limit(constraint.max or 0)}; swap them")
    return faults
