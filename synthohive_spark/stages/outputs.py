"""Generated rows as the output declares them: types, NOT NULL, lengths of text."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from ..kernels.columns.types import decimal_scale
from ..spec.form import longest
from ..spec.identifiers import quoted
from ..spec.program import TableProgram


def declared(rows: DataFrame, columns: Iterable[tuple[str, str, bool]], lengths: Mapping[str, str] | None = None, keys: Collection[str] = ()) -> DataFrame:
    """The rows with some columns in their declared type, nullability and length.

    Args:
        columns: name, type, and whether it can be null.
        lengths: `varchar(n)` or `char(n)` by column. Longer text is cut; `char` is filled up with spaces.
        keys: columns of keys, of which no text may be cut: a row that has a longer one fails.
    """
    lengths = lengths or {}
    return rows.select(*(_declared(*column, lengths.get(column[0]), column[0] in keys).alias(column[0]) for column in columns))


def never_empty(name: str, column: Column, spark_type: str) -> Column:
    """A column that must not be null: a row without a value fails. The default is never taken: it only tells Spark that no null is there."""
    missing = F.raise_error(F.lit(f"column {name!r} must not be null and a generated row has no value for it")).cast(spark_type)
    return F.coalesce(column, missing, F.lit(_default(spark_type)).cast(spark_type))


def with_lengths(rows: DataFrame, lengths: Mapping[str, str], keys: Collection[str]) -> DataFrame:
    """The rows with the texts that have a length as `declared` gives them, and all other columns."""
    texts = {name for name, kind in rows.dtypes if kind == "string"}
    fitting = {name: _limited(F.col(quoted(name)), name, length, name in keys) for name, length in lengths.items() if name in texts}
    return rows.withColumns(fitting) if fitting else rows  # Spark Connect takes no empty mapping


def key_columns(program: TableProgram) -> frozenset[str]:
    """Columns whose values other columns, or other rows, must have or not have."""
    uniques = {c for unique in program.uniques for c in unique.columns}
    return frozenset({*program.primary_key, *uniques, *(c for key in program.foreign_keys for c in key.columns)})


def _declared(name: str, spark_type: str, nullable: bool, length: str | None, is_key: bool) -> Column:
    column = F.col(quoted(name)).cast(spark_type)
    if length is not None and spark_type == "string":
        column = _limited(column, name, length, is_key)
    return column if nullable else never_empty(name, column, spark_type)


def _limited(column: Column, name: str, length: str, is_key: bool) -> Column:
    limit = longest(length)
    fitting = F.rpad(column, limit, " ") if length.startswith("char") else F.substring(column, 1, limit)
    if not is_key:
        return fitting
    fault = f"column {name!r} is {length} and a generated key is longer; widen the column before fit"
    return F.when(F.char_length(column) > limit, F.raise_error(F.lit(fault)).cast("string")).otherwise(fitting)


def _default(spark_type: str) -> Any:
    """Some value of the type: for a cast that could fail, as from text to a date, Spark would take the column for one with nulls again."""
    scale = decimal_scale(spark_type)
    return _DEFAULTS.get(spark_type, 0) if scale is None else Decimal(0).scaleb(-scale)


_DEFAULTS = {"string": "", "boolean": False, "date": date(1970, 1, 1), "timestamp": datetime(1970, 1, 1), "timestamp_ntz": datetime(1970, 1, 1)}
