"""Reading tables: DataFrames, catalog names, and Delta, Parquet or CSV files."""

from __future__ import annotations

import os
from typing import Literal

import fsspec
from delta.tables import DeltaTable
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession

from ..errors import SchemaError
from ..spec.identifiers import checked_path, existing_table_name
from .targets import absolute_path, is_path

_CSV = (".csv", ".csv.gz", ".csv.bz2")
_PARQUET = (".parquet",)


def read_table(spark: SparkSession, source: DataFrame | str | os.PathLike[str]) -> DataFrame:
    """A DataFrame for whatever a user names as a table.

    Args:
        spark: a session with Delta.
        source: a DataFrame (returned as it is); a path (with a slash, or ending in .csv or .parquet) to a Delta table, or to a file or folder of Parquet or CSV
            (with a header, types inferred); or a table of the catalog, `table` to `catalog.schema.table`.

    Raises:
        SchemaError: there is no such table or file, or it is of no known format.
    """
    if isinstance(source, DataFrame):
        return source
    if isinstance(source, os.PathLike):
        return _read_path(spark, os.fspath(source))
    if not isinstance(source, str):
        raise SchemaError(
            f"a table must be a Spark DataFrame, a table name or a path, not {type(source).__name__}; a pandas frame goes through spark.createDataFrame"
        )
    if is_path(source) or source.lower().endswith(_CSV + _PARQUET):
        return _read_path(spark, source)
    name = existing_table_name(source)
    try:
        frame = spark.table(name)
        _ = frame.schema  # Spark Connect looks only now
    except AnalysisException as error:
        raise SchemaError(f"the catalog has no table {source!r} (or it cannot be read); a path needs a slash, as in ./{source}") from error
    return frame


def _read_path(spark: SparkSession, source: str) -> DataFrame:
    path = absolute_path(checked_path(source))
    try:
        if DeltaTable.isDeltaTable(spark, path):
            frame = spark.read.format("delta").load(path)
        elif _format(path) == "csv":
            frame = spark.read.option("header", True).option("inferSchema", True).csv(path)
        else:
            frame = spark.read.parquet(path)
        _ = frame.schema
    except AnalysisException as error:
        if error.getCondition() == "PARQUET_TYPE_ILLEGAL":
            raise SchemaError(
                f"{path}: a Parquet column has a type that Spark does not read; pandas writes time stamps in nanoseconds: "
                'write them with to_parquet(..., coerce_timestamps="us")'
            ) from error
        reason = "there is nothing" if error.getCondition() == "PATH_NOT_FOUND" else "there is no Delta table, and no Parquet or CSV that can be read"
        raise SchemaError(f"{path}: {reason}; expected a Delta table, or a file or folder of Parquet or CSV") from error
    return frame


def _format(path: str) -> Literal["csv", "parquet"]:
    """By the name, or else by the names inside the folder; where Python cannot look, Parquet."""
    lower = path.lower().rstrip("/")
    if lower.endswith(_CSV + _PARQUET):
        return "csv" if lower.endswith(_CSV) else "parquet"
    try:
        files, root = fsspec.url_to_fs(path)
        names = [name.lower() for name in files.find(root, maxdepth=2)]
    except (OSError, ImportError, ValueError):
        return "parquet"
    return "csv" if any(n.endswith(_CSV) for n in names) and not any(n.endswith(_PARQUET) for n in names) else "parquet"
