"""Kernels on frames with columns of any name. PySpark looks columns up by unquoted names, and takes a dot for a field: columns travel by number."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal
from functools import partial, reduce
from operator import and_
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from ..kernels.staging import renamed_frames, renamed_group, renamed_groups
from ..spec.identifiers import quoted
from ..spec.types import base_type, decimal_digits, type_family

Kernel = Callable[[Iterator[Any]], Iterator[Any]]


def map_frames(data: DataFrame, kernel: Kernel, ddl: str) -> DataFrame:
    """`data.mapInPandas(kernel, ddl)`."""
    if not any("." in name or "`" in name for name in data.columns):
        return data.mapInPandas(kernel, ddl)
    return _numbered(data).mapInPandas(partial(renamed_frames, kernel=kernel, names=tuple(data.columns)), ddl)


def map_group(data: DataFrame, by: str, kernel: Callable[[Any], Any], ddl: str) -> DataFrame:
    """`data.groupBy(by).applyInPandas(kernel, ddl)`."""
    whole = bound(renamed_group, kernel=kernel, names=tuple(data.columns))
    return _numbered(data).groupBy(_number(data, by)).applyInPandas(whole, ddl)


def map_groups(left: DataFrame, right: DataFrame, by: str, kernel: Callable[[Any, Any], Any], ddl: str) -> DataFrame:
    """The cogroups of both frames by their common column `by`."""
    whole = bound(renamed_groups, kernel=kernel, names=(tuple(left.columns), tuple(right.columns)))
    groups = [_numbered(side).groupBy(_number(side, by)) for side in (left, right)]
    return groups[0].cogroup(groups[1]).applyInPandas(whole, ddl)


def plain_value(column: str, spark_type: str) -> Column:
    """A column in the widest type of its kind, so that equal values of two types are equal."""
    value = F.col(quoted(column))
    digits = decimal_digits(spark_type)
    if digits is not None:
        return value.cast(f"decimal(38,{digits[1]})")
    family = type_family(spark_type)
    return value.cast("bigint") if family == "integer" else value.cast("string") if family == "text" else value.cast(base_type(spark_type))


def all_there(columns: Iterable[str]) -> Column:
    """Whether none of some columns is null."""
    return reduce(and_, (F.col(quoted(c)).isNotNull() for c in columns), F.lit(True))


def bound(function: Callable[..., Any], **arguments: Any) -> Callable[..., Any]:
    """`partial`, for `applyInPandas`: Spark looks for type hints, and warns with the whole repr where it finds no annotations at all."""
    whole = partial(function, **arguments)
    whole.__annotations__ = {}
    return whole


def typed(name: str, spark_type: str, nullable: bool) -> Column:
    """A column in its declared type and nullability. The default is never taken: it only tells Spark that no null is there."""
    column = F.col(quoted(name)).cast(spark_type)
    if not nullable:
        missing = F.raise_error(F.lit(f"column {name!r} must not be null and a generated row has no value for it")).cast(spark_type)
        column = F.coalesce(column, missing, F.lit(_default(spark_type)).cast(spark_type))
    return column.alias(name)


def _numbered(data: DataFrame) -> DataFrame:
    return data.toDF(*(f"c{i}" for i in range(len(data.columns))))


def _number(data: DataFrame, column: str) -> str:
    return f"c{data.columns.index(column)}"


def _default(spark_type: str) -> Any:
    """Some value of the type: for a cast that could fail, as from text to a date, Spark would take the column for one with nulls again."""
    digits = decimal_digits(spark_type)
    return _DEFAULTS.get(spark_type, 0) if digits is None else Decimal(0).scaleb(-digits[1])


_DEFAULTS = {"string": "", "boolean": False, "date": date(1970, 1, 1), "timestamp": datetime(1970, 1, 1), "timestamp_ntz": datetime(1970, 1, 1)}
