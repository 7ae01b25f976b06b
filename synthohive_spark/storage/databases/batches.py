"""What is to be written, as Arrow tables of bounded size, whatever it was named as; and as values that a driver takes."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession

from ...errors import SchemaError
from ...kernels.streams import ROWS, streamed, unstreamed
from ..pandas_frames import arrow_table
from ..sources import read_table
from .column_types import DOUBLE_DIGITS

CHUNK = 10_000  # rows that are turned into Python's values at once


@dataclass(frozen=True)
class Batches:
    """The rows of one table.

    Attributes:
        schema: their types.
        read: makes an iterator of them, from the start.
    """

    schema: pa.Schema
    read: Callable[[], Iterator[pa.Table]]


def batches_of(source: Any, keys: Collection[str], spark: SparkSession | None) -> Batches:
    """The rows of a pandas frame, or of whatever `read_table` takes; of those, each partition of Spark comes on its own.

    Args:
        keys: columns of keys (see `from_pandas`).
        spark: the session for names and paths; that of the frame, or the active one, where None.

    Raises:
        SchemaError: it cannot be read, or there is no session to read it in.
    """
    if isinstance(source, pd.DataFrame):
        table = arrow_table(source, keys)
        return Batches(table.schema, lambda: iter([table]))
    session = source.sparkSession if isinstance(source, DataFrame) else spark or SparkSession.getActiveSession()
    if session is None:
        raise SchemaError("names and paths of tables are read by Spark; start a session first (spark_session()), or pass a frame")
    frame = read_table(session, source)
    return Batches(frame.limit(0).toArrow().schema, lambda: _from_spark(frame))


def _from_spark(frame: DataFrame) -> Iterator[pa.Table]:
    for row in frame.mapInArrow(streamed, f"{ROWS} binary").toLocalIterator():
        yield unstreamed(bytes(row[0]))


def rows_of(table: pa.Table, dialect: str, where: str) -> Iterator[list[dict[str, Any]]]:
    """The rows for a driver, by places of columns (`c0`, `c1`, ...): names of columns may have letters that parameters cannot have."""
    for start in range(0, table.num_rows, CHUNK):
        some = table.slice(start, CHUNK)
        columns = [_values(f"{where}: the column {name!r}", column, dialect) for name, column in zip(some.column_names, some.columns, strict=True)]
        yield [{f"c{place}": value for place, value in enumerate(row)} for row in zip(*columns, strict=True)]


def _values(where: str, column: pa.ChunkedArray, dialect: str) -> list[Any]:
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if pa.types.is_timestamp(kind):
        column = column.cast(pa.timestamp("us", kind.tz), safe=False)
        if dialect not in ("postgresql", "sqlite"):
            column = column.cast(pa.timestamp("us"))  # as it is in UTC: what has no zones takes it so
    if dialect == "mysql" and pa.types.is_floating(kind) and pc.any(pc.invert(pc.is_finite(column))).as_py():
        raise SchemaError(f"{where} holds NaN or an infinite number, which MySQL cannot hold; make it null first")
    if dialect == "postgresql" and (pa.types.is_string(kind) or pa.types.is_large_string(kind)) and pc.any(pc.match_substring(column, "\x00")).as_py():
        raise SchemaError(f"{where} holds text with the character NUL, which PostgreSQL cannot hold; replace it first")
    values = column.to_pylist()
    if pa.types.is_nested(kind) and not (dialect == "postgresql" and pa.types.is_list(kind) and not pa.types.is_nested(kind.value_type)):
        return [None if v is None else json.dumps(v, ensure_ascii=False, default=str) for v in values]
    return [_of_sqlite(v, kind) for v in values] if dialect == "sqlite" else values


def _of_sqlite(value: Any, kind: pa.DataType) -> Any:
    """Its driver knows numbers, text and bytes."""
    if isinstance(value, Decimal):
        return str(value) if kind.precision > DOUBLE_DIGITS else float(value)
    if isinstance(value, datetime):
        return value.isoformat(" ", "microseconds")
    return value.isoformat() if isinstance(value, date) else value


def keys_of(metadata: Any, name: str) -> Mapping[str, None]:
    """Columns of a table that are part of a key."""
    pointed = [c for t in metadata.tables.values() for fk in t.foreign_keys if fk.parent_table == name for c in fk.parent_columns]
    own = metadata.tables[name].key_columns if name in metadata.tables else ()
    return dict.fromkeys([*own, *pointed])
