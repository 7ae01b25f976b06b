"""Parquet files with times in nanoseconds, which pandas writes and Spark refuses: read as whole numbers, by a schema of ours, and made times again."""

from __future__ import annotations

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T
from pyspark.sql.pandas.types import from_arrow_schema

from ..spec.identifiers import quoted
from .arrow_types import spark_arrow_type


def read_nanoseconds(spark: SparkSession, path: str) -> DataFrame | None:
    """The rows of a Parquet file, or of a folder of files that are alike; times are cut to microseconds.

    None where Python cannot look, or Spark has no type for a column.
    """
    try:
        schema = _footer(path)
        if schema is None:
            return None
        whole = from_arrow_schema(pa.schema([field.with_type(_readable(field.type)) for field in schema]))
    except (OSError, ImportError, ValueError, TypeError, pa.ArrowException):
        return None
    kinds = {field.name: field.type for field in schema}
    rows = spark.read.schema(whole).parquet(path)
    return rows.select(*(_times(F.col(quoted(c)), kinds[c]).alias(c) if c in kinds else F.col(quoted(c)) for c in rows.columns))


def _footer(path: str) -> pa.Schema | None:
    """The schema of the first file."""
    files, root = fsspec.url_to_fs(path)
    names = sorted(name for name in files.find(root) if name.lower().endswith(".parquet")) or ([root] if files.isfile(root) else [])
    if not names:
        return None
    with files.open(names[0], "rb") as stream:
        return pq.read_schema(stream)


def _is_nanoseconds(kind: pa.DataType) -> bool:
    return pa.types.is_timestamp(kind) and kind.unit == "ns"


def _readable(kind: pa.DataType) -> pa.DataType:
    """As Spark reads the type where nanoseconds are whole numbers."""
    if _is_nanoseconds(kind):
        return pa.int64()
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_readable(field.type)) for field in kind])
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pa.list_(_readable(kind.value_type))
    return spark_arrow_type(kind)


def _times(column: Column, kind: pa.DataType) -> Column:
    """The column with times for nanoseconds, at any depth."""
    if not _has_nanoseconds(kind):
        return column
    if pa.types.is_struct(kind):
        return F.when(column.isNotNull(), F.struct(*(_times(column.getField(f.name), f.type).alias(f.name) for f in kind)))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return F.transform(column, lambda item: _times(item, kind.value_type))
    # Decimals: a double does not hold nanoseconds of today.
    micros = F.floor(column.cast("decimal(20,0)") / F.lit(1000)).cast("bigint")
    if kind.tz is not None:
        return F.timestamp_micros(micros)
    # Not by way of a time with a zone: in the session's zone some hours are not there.
    seconds = (micros.cast("decimal(20,0)") / F.lit(1_000_000)).cast(T.DecimalType(18, 6))
    return F.lit("1970-01-01 00:00:00").cast("timestamp_ntz") + F.make_dt_interval(F.lit(0), F.lit(0), F.lit(0), seconds)


def _has_nanoseconds(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        return any(_has_nanoseconds(field.type) for field in kind)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _has_nanoseconds(kind.value_type)
    return _is_nanoseconds(kind)
