"""A condition of `sample`: so many rows of a table with these values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from pydantic import Field, ValidationError, field_validator

from .base import Spec
from .documents import tree_fault

KEYS = ("table", "values", "rows")


class Condition(Spec):
    """What was asked.

    Attributes:
        table: a learnt table.
        values: column -> the value that its rows must have, as a Python value of the column's type (bool, int, float, str, Decimal, date, datetime); dates and
            times may be ISO text; None for null.
        rows: how many, above 0.
    """

    table: str
    values: dict[str, Any] = Field(min_length=1)
    rows: int = Field(gt=0, strict=True)

    @field_validator("values", "rows", mode="before")
    @classmethod
    def _of_python(cls, value: Any) -> Any:
        """NumPy's scalars, which come out of frames, as Python's."""
        return {k: plain(v) for k, v in value.items()} if isinstance(value, Mapping) else plain(value)

    @field_validator("values")
    @classmethod
    def _known_types(cls, values: dict[str, Any]) -> dict[str, Any]:
        faults = [f"{column!r}: {fault}" for column, value in values.items() if (fault := value_fault(value))]
        if faults:
            raise ValueError("; ".join(faults))
        return values


def plain(value: Any) -> Any:
    """A NumPy scalar as a Python value; anything else as it is."""
    return value.item() if type(value).__module__ == "numpy" and getattr(value, "ndim", None) == 0 else value


def value_fault(value: Any) -> str | None:
    """Why `value` is no value of any column; None where it can be one."""
    if value is None:
        return None
    if isinstance(value, bool | int | str | float | Decimal | date):
        # NaN, and the NaT of pandas, which is a datetime; a signalling NaN cannot be compared even with itself.
        missing = value.is_nan() if isinstance(value, Decimal) else value != value
        return f"{value!r} is no value; write None for null" if missing else None
    return f"a {type(value).__name__} is no value of a column; give bool, int, float, str, Decimal, date, datetime or None"


def read_conditions(asked: Sequence[Mapping[str, Any] | Condition]) -> tuple[list[Condition | None], list[str]]:
    """Parse what a user wrote.

    Returns:
        One condition per entry, None where it is malformed; and every fault.
    """
    if isinstance(asked, Mapping | str | Condition) or not isinstance(asked, Sequence):
        return [], [f"conditions: expected a list of dicts with {', '.join(KEYS)}, found a {type(asked).__name__}"]
    read: list[Condition | None] = []
    faults: list[str] = []
    for index, entry in enumerate(asked):
        if fault := tree_fault(entry):
            read.append(None)
            faults.append(f"conditions[{index}]: {fault}")
            continue
        try:
            read.append(entry if isinstance(entry, Condition) else Condition.model_validate(entry))
        except ValidationError as error:
            read.append(None)
            faults += [_explained(index, dict(e)) for e in error.errors(include_url=False)]
    return read, faults


def _explained(index: int, error: dict[str, Any]) -> str:
    place = f"conditions[{index}]"
    field = ".".join(str(part) for part in error["loc"])
    if not field:
        return f"{place}: expected a dict with {', '.join(KEYS)}, found a {type(error['input']).__name__}"
    if error["type"] == "extra_forbidden":
        return f"{place}: {field!r} is no key of a condition; there are {', '.join(KEYS)}"
    if error["type"] == "missing":
        return f"{place}: {field!r} is missing; a condition has {', '.join(KEYS)}"
    if field == "rows":
        return f"{place}: rows must be a whole number above 0, got {error['input']!r}"
    if error["type"] == "too_short":
        return f"{place}: values is empty; name a column and its value, or use num_rows for rows without conditions"
    return f"{place}: {field}: {error['msg'].removeprefix('Value error, ')}"
