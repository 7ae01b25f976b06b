"""Kernels on frames with columns of any name. PySpark looks columns up by unquoted names, and takes a dot for a field: columns travel by number."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial, reduce
from operator import and_
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from ..kernels.staging import renamed_frames, renamed_groups
from ..spec.identifiers import quoted
from ..spec.types import base_type, decimal_digits, type_family

Kernel = Callable[[Iterator[Any]], Iterator[Any]]


def map_frames(data: DataFrame, kernel: Kernel, ddl: str) -> DataFrame:
    """`data.mapInPandas(kernel, ddl)`."""
    if not any("." in name or "`" in name for name in data.columns):
        return data.mapInPandas(kernel, ddl)
    return _numbered(data).mapInPandas(partial(renamed_frames, kernel=kernel, names=tuple(data.columns)), ddl)


def map_batches(data: DataFrame, kernel: Kernel, ddl: str) -> DataFrame:
    """`data.mapInArrow(kernel, ddl)`, whose batches have columns by number."""
    return _numbered(data).mapInArrow(kernel, ddl)


def map_tables(data: DataFrame, by: str, kernel: Callable[[Any], Any], ddl: str) -> DataFrame:
    """`data.groupBy(by).applyInArrow(kernel, ddl)`, whose tables have columns by number."""
    return _numbered(data).groupBy(_number(data, by)).applyInArrow(bound(kernel), ddl)


def map_pairs(left: DataFrame, right: DataFrame, by: str, kernel: Callable[[Any, Any], Any], ddl: str) -> DataFrame:
    """The cogroups of both frames by their common column `by`, as tables that have columns by number."""
    groups = [_numbered(side).groupBy(_number(side, by)) for side in (left, right)]
    return groups[0].cogroup(groups[1]).applyInArrow(bound(kernel), ddl)


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


def _numbered(data: DataFrame) -> DataFrame:
    return data.toDF(*(f"c{i}" for i in range(len(data.columns))))


def _number(data: DataFrame, column: str) -> str:
    return f"c{data.columns.index(column)}"
