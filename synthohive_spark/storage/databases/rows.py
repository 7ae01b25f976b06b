"""Rows of tables as typed chunks, through SQLAlchemy: no Spark, and no more than a chunk in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from ...errors import SchemaError
from .column_types import ReadAs
from .connection import Link
from .reflection import FoundTable

CHUNK = 50_000  # rows: some ten megabytes of a table of twenty columns
_ONE_MOMENT = {"postgresql": "REPEATABLE READ", "mysql": "REPEATABLE READ"}  # all tables as they were at one moment, so that their keys hold


@contextmanager
def reading_connection(link: Link) -> Iterator[sa.Connection]:
    """A connection that sees all tables as they were when it read the first."""
    options = {"isolation_level": _ONE_MOMENT[link.dialect]} if link.dialect in _ONE_MOMENT else {}
    with link.engine.connect() as connection:
        yield connection.execution_options(**options) if options else connection


def chunks_of(link: Link, connection: sa.Connection, schema: str | None, table: FoundTable, rows: int = CHUNK) -> Iterator[pa.Table]:
    """The rows of a table, `rows` at a time; one chunk without rows where there are none.

    Raises:
        SchemaError: the table cannot be read, or a value is none of its column's type; neither is shown.
    """
    empty = True
    with link.told(f"reading table {table.name!r}", SchemaError):
        result = connection.execute(selected(table, schema), execution_options={"stream_results": True, "yield_per": rows})
        for some in result.partitions(rows):
            empty = False
            yield _chunk(table, list(zip(*some, strict=True)))
    if empty:
        yield _chunk(table, [() for _ in table.columns])


def selected(table: FoundTable, schema: str | None) -> sa.Select[Any]:
    """The query for all rows."""
    return sa.select(*(column.read.expression(column.name) for column in table.columns)).select_from(sa.table(table.name, schema=schema))


def _chunk(table: FoundTable, columns: Sequence[Sequence[Any]]) -> pa.Table:
    arrays, faults = [], []
    for column, values in zip(table.columns, columns, strict=True):
        array = _array(column.read, values)
        if array is None:
            faults.append(
                f"table {table.name!r}: the column {column.name!r} holds a value that does not fit {column.read.arrow} (it is not shown); "
                f"mend it, or read without the column: leave_out={{{table.name!r}: [{column.name!r}]}}"
            )
        else:
            arrays.append(array)
    if faults:
        raise SchemaError("; ".join(faults))
    return pa.table(arrays, schema=pa.schema([pa.field(c.name, c.read.arrow) for c in table.columns]))


def _array(read: ReadAs, values: Sequence[Any]) -> pa.Array | None:
    try:
        converted = read.convert(values) if read.convert is not None else values
        return converted if isinstance(converted, pa.Array) else pa.array(converted, read.arrow)
    except (pa.ArrowException, ArithmeticError, TypeError, ValueError, OverflowError):  # the messages show the value
        return None
