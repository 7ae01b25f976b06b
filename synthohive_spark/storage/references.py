"""Rows of reference tables as a saved model holds them, read without Spark."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..errors import SerializationError
from .folders import Folder

_SCHEMA = b"org.apache.spark.sql.parquet.row.metadata"  # where Spark keeps the schema of the rows that it wrote


def reference_files(url: str) -> list[str]:
    """The Parquet files of a reference table, relative to its folder.

    Raises:
        SerializationError: there is none.
    """
    names = [name for name in Folder.open(url).listing() if name.endswith(".parquet")]
    if not names:
        raise SerializationError(f"{url} holds no Parquet file; restore the model from a copy, or fit and save again")
    return names


def reference_schema(url: str, required: Collection[str] = ()) -> dict[str, Any]:
    """The schema of a reference table, Spark's JSON.

    Args:
        required: columns that are never null, which Parquet does not keep.
    """
    place, name = Folder.open(url), reference_files(url)[0]
    with place.files.open(place.at(name), "rb") as stream:
        said = (pq.read_schema(stream).metadata or {}).get(_SCHEMA)
    if said is None:
        raise SerializationError(f"{url}/{name} was not written by Spark; fit and save again")
    schema: dict[str, Any] = json.loads(said)
    return {**schema, "fields": [{**column, "nullable": column["name"] not in required} for column in schema["fields"]]}


def reference_batches(url: str, name: str, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """The rows of one file."""
    place = Folder.open(url)
    with place.files.open(place.at(name), "rb") as stream:
        # Spark writes times as INT96 by default, which Arrow would take for nanoseconds, until the year 2262.
        yield from pq.ParquetFile(stream, coerce_int96_timestamp_unit="us").iter_batches(columns=list(columns))


def reference_rows(url: str, columns: Sequence[str]) -> pa.Table:
    """Some columns of a reference table, which may have no rows."""
    place, name = Folder.open(url), reference_files(url)[0]
    with place.files.open(place.at(name), "rb") as stream:
        schema = pq.ParquetFile(stream, coerce_int96_timestamp_unit="us").schema_arrow.remove_metadata()
    wanted = pa.schema([schema.field(column) for column in columns])
    batches = [batch for part in reference_files(url) for batch in reference_batches(url, part, columns)]
    return pa.Table.from_batches(batches).select(list(columns)) if batches else wanted.empty_table()


def reference_combinations(url: str, columns: Sequence[str]) -> tuple[pa.Array, ...]:
    """What a reference table has of some columns together, without nulls, in the order of Spark's `orderBy`."""
    rows = reference_rows(url, columns)
    for column in columns:
        rows = rows.filter(pc.is_valid(rows.column(column)))
        if pa.types.is_floating(rows.schema.field(column).type):
            rows = rows.filter(pc.invert(pc.is_nan(rows.column(column))))  # Spark takes them for nulls here
    distinct = rows.group_by(list(columns)).aggregate([])
    return tuple(distinct.sort_by([(column, "ascending") for column in columns]).column(column).combine_chunks() for column in columns)
