"""Limits on generated values: how many break them, and the rows that do not. Nulls and NaN break nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Any, Literal

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from ..errors import SchemaError
from ..spec.constraints import Comparison, Limit, Violation, comparison, constraint_faults, parsed_limit
from ..spec.identifiers import quoted
from ..spec.metadata import Constraint
from ..spec.structure import nearest
from ..spec.types import NUMERIC_FAMILIES, type_family

_CAST_TO = {"int": "bigint", "float": "double", "bool": "boolean", "date": "date", "timestamp": "timestamp"}
_LONG = 2**63  # Spark's widest integer literal


class _Check:
    """One limit of one column, as Spark expressions: `bad` (true, false or null), and the values in which the worst is sought."""

    def __init__(self, column: str, limit: Literal["min", "max", "dtype"], expected: Limit, bad: Column, values: Column | None = None) -> None:
        self.column, self.limit, self.expected, self.bad, self.values = column, limit, expected, bad, values

    def worst(self) -> Column:
        if self.values is None:
            return F.lit(None).cast("double")
        seen = F.when(self.bad, self.values)
        return F.min(seen) if self.limit == "min" else F.max(seen)


def violations(data: DataFrame, constraints: Mapping[str, Constraint]) -> list[Violation]:
    """The limits that are broken, by one Spark job; in the order of `constraints`.

    Raises:
        SchemaError: a constrained column is not there, or its type does not fit the constraint.
    """
    checks = _checks(data, constraints)
    if not checks:
        return []
    found = [e.alias(f"{kind}_{i}") for i, c in enumerate(checks) for kind, e in (("count", F.count_if(c.bad)), ("worst", c.worst()))]
    row = data.agg(*found).collect()[0]
    return [
        Violation(column=c.column, limit=c.limit, expected=c.expected, count=row[f"count_{i}"], worst=_plain(row[f"worst_{i}"]))
        for i, c in enumerate(checks)
        if row[f"count_{i}"]
    ]


def valid_rows(data: DataFrame, constraints: Mapping[str, Constraint]) -> DataFrame:
    """The rows that break no limit; lazy.

    Raises:
        SchemaError: a constrained column is not there, or its type does not fit the constraint.
    """
    checks = _checks(data, constraints)
    if not checks:
        return data
    return data.where(~reduce(or_, (F.coalesce(c.bad, F.lit(False)) for c in checks)))


def summary(found: Sequence[Violation]) -> str:
    """All violations in one line: "3 violations - age: got -3 (min=0); ..."; the count is that of values."""
    count = sum(v.count for v in found)
    noun = "violation" if count == 1 else "violations"
    return f"{count} {noun} - {'; '.join(str(v) for v in found)}" if found else "0 violations"


def _checks(data: DataFrame, constraints: Mapping[str, Constraint]) -> list[_Check]:
    types = {field.name: field.dataType.simpleString() for field in data.schema.fields}
    faults = [f"constraints: the column {c!r} does not exist; {nearest(c, types)}" for c in constraints if c not in types]
    faults += [f"constraints: the column {c!r}: {f}" for c, limits in constraints.items() if c in types for f in constraint_faults(limits, types[c])]
    if faults:
        raise SchemaError("; ".join(faults))
    return [check for name, limits in constraints.items() for check in _column_checks(name, limits, types[name])]


def _column_checks(name: str, limits: Constraint, spark_type: str) -> list[_Check]:
    column, family = F.col(quoted(name)), type_family(spark_type)
    checks = []
    if limits.dtype is not None and (bad := _unparsable(column, limits.dtype, spark_type)) is not None:
        checks.append(_Check(name, "dtype", limits.dtype, bad))
    kind = comparison(limits, spark_type)
    if kind is None:
        return checks
    values = column
    if family == "text" and kind != "text":
        values = column.try_cast("double" if kind == "number" else kind)
    if kind == "number" and (family == "float" or family == "text"):
        values = F.nanvl(values, F.lit(None).cast("double"))  # Spark sorts NaN above every number
    shown = values if kind == "number" else None
    if limits.min is not None:
        checks.append(_Check(name, "min", limits.min, values < _literal(limits.min, kind), shown))
    if limits.max is not None:
        checks.append(_Check(name, "max", limits.max, values > _literal(limits.max, kind), shown))
    return checks


def _unparsable(column: Column, dtype: str, spark_type: str) -> Column | None:
    """True where a value does not parse as `dtype`; None where every value of the type does."""
    family = type_family(spark_type)
    if family == "text" and dtype != "string":
        return column.isNotNull() & column.try_cast(_CAST_TO[dtype]).isNull()
    if family in NUMERIC_FAMILIES and family != "integer" and dtype == "int":
        number = column.cast("double") if family == "float" else column
        return ~F.isnan(column) & (number != F.rint(number)) if family == "float" else number != F.floor(number)
    return None


def _literal(limit: Limit, kind: Comparison) -> Column:
    value: Any = parsed_limit(limit, kind)
    if kind == "number":
        return F.lit(float(value) if isinstance(value, int) and not -_LONG <= value < _LONG else value)
    if kind == "text":
        return F.lit(value)
    return F.lit(value.isoformat()).cast(kind)


def _plain(value: Any) -> int | float | None:
    return value if value is None or isinstance(value, int | float) else float(value)
