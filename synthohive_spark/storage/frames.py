"""Frames written as Parquet, and read with the nullability that they were written with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from ..spec.identifiers import quoted


def write_parquet(rows: DataFrame, path: str, partitions: Sequence[str] = ()) -> None:
    """Replace a folder by the rows.

    Args:
        partitions: columns whose values go into the names of folders; costs one shuffle, after which each value is in as few files as its rows need.
    """
    if not partitions:
        rows.write.mode("overwrite").parquet(path)
        return
    gathered = rows.hint("rebalance", *(F.col(quoted(c)) for c in partitions))
    # In the session's zone two hours of one night have the same name; and a session may be set to keep the partitions of an attempt that failed.
    writer = gathered.write.mode("overwrite").option("timeZone", "UTC").option("partitionOverwriteMode", "static")
    writer.partitionBy(*partitions).parquet(path)


def read_parquet(spark: SparkSession, path: str | Sequence[str], columns: dict[str, Any], partitions: Sequence[str] = ()) -> DataFrame:
    """The rows of a folder, or of some files, with a schema (Spark's JSON), NOT NULL counted in.

    Args:
        partitions: columns whose values are in the names of folders.
    """
    schema = T.StructType.fromJson(columns)
    reader = spark.read.schema(schema)
    rows = (reader.option("timeZone", "UTC") if partitions else reader).parquet(*([path] if isinstance(path, str) else path))
    if partitions:
        rows = rows.select(*(F.col(quoted(name)) for name in schema.names))  # Spark puts them last
    if all(field.nullable and not _has_required(field.dataType) for field in schema.fields):
        return rows
    return rows.select(*(_declared(F.col(quoted(field.name)), field).alias(field.name, metadata=field.metadata) for field in schema.fields))


def never_null(column: Column, kind: T.DataType) -> Column:
    """A column that is never null, told so to Spark, which takes every column of files for one with nulls: the other value is never used."""
    return F.coalesce(column, _some_value(kind))


def _has_required(kind: T.DataType) -> bool:
    """Whether a struct has a field that must not be null, at any depth."""
    return isinstance(kind, T.StructType) and any(not f.nullable or _has_required(f.dataType) for f in kind.fields)


def _declared(column: Column, field: T.StructField) -> Column:
    if isinstance(field.dataType, T.StructType) and _has_required(field.dataType):
        whole = F.struct(*(_declared(column.getField(f.name), f).alias(f.name, metadata=f.metadata) for f in field.dataType.fields))
        return F.when(column.isNotNull(), whole) if field.nullable else whole
    return column if field.nullable else never_null(column, field.dataType)


def _some_value(kind: T.DataType) -> Column:
    """A literal of the type, as it is: a cast of one that could fail would count as null again."""
    if isinstance(kind, T.DecimalType):
        return F.lit(Decimal(0).scaleb(-kind.scale)).cast(kind)
    if isinstance(kind, T.StructType):
        return F.struct(*(_some_value(f.dataType).alias(f.name) for f in kind.fields)).cast(kind)
    if isinstance(kind, T.ArrayType):
        return F.array().cast(kind)
    if isinstance(kind, T.MapType):
        return F.create_map().cast(kind)
    return F.lit(_PLAIN.get(type(kind), 0)).cast(kind)


_PLAIN: dict[type[T.DataType], Any] = {
    T.StringType: "",
    T.BinaryType: b"",
    T.BooleanType: False,
    T.DateType: date(1970, 1, 1),
    T.TimestampType: datetime(1970, 1, 1),
    T.TimestampNTZType: datetime(1970, 1, 1),
}
