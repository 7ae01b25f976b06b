"""What the footers of staged Parquet files tell: rows, and the statistics by which Delta skips files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any
from urllib.parse import unquote

import pyarrow.parquet as pq
from pydantic import Field

from ..spec.base import Spec
from .folders import Folder

READERS = 8  # footers that are fetched at once: a store's delay counts, not its bytes
INDEXED_COLUMNS = 32  # Delta's own default: a log with statistics of hundreds of columns is slow to read
LONGEST_TEXT = 32  # characters; as Delta. Longer texts would have to be cut, the upper ones with care
_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
_WHOLE = {"byte", "short", "integer", "long"}
# Between the calendar reform and the last year that Python knows; outside, writers differ in what a number of days means.
_FIRST_DAY, _LAST_DAY = (date(1582, 10, 15) - date(1970, 1, 1)).days, (date.max - date(1970, 1, 1)).days


class StagedFile(Spec):
    """One Parquet file of a staged table.

    Attributes:
        path: relative to the staged folder.
        size: in bytes.
        rows: in the file.
        stats: as the log of a Delta table wants them, JSON.
        partition: values of the partition columns, as text; null as None.
    """

    path: str
    size: int = Field(ge=0)
    rows: int = Field(ge=0)
    stats: str
    partition: dict[str, str | None] = Field(default_factory=dict)


def staged_files(folder: Folder, schema: dict[str, Any], partitions: Sequence[str] = ()) -> tuple[StagedFile, ...]:
    """The Parquet files of a folder, by one read of each footer.

    Args:
        schema: of the rows, Spark's JSON.
        partitions: columns whose values are in the names of folders, as `write_parquet` makes them.

    Raises:
        OSError: a footer cannot be read.
    """
    listed = folder.listing() if partitions else folder.names()
    names = [name for name in listed if name.endswith(".parquet") and name.count("/") == len(partitions) and not name.rpartition("/")[2].startswith((".", "_"))]
    types = {column["name"]: column["type"] for column in schema["fields"]}
    inside = {**schema, "fields": [column for column in schema["fields"] if column["name"] not in partitions]}

    def read(name: str) -> StagedFile:
        values = zip(partitions, name.split("/"), strict=False)
        partition = {column: _partition_value(value.partition("=")[2], types[column]) for column, value in values}
        return _read(folder, name, inside).model_copy(update={"partition": partition})

    with ThreadPoolExecutor(READERS) as pool:
        return tuple(pool.map(read, names))


def _read(folder: Folder, name: str, schema: dict[str, Any]) -> StagedFile:
    path = folder.at(name)
    with folder.files.open(path, "rb", cache_type="none") as stream:
        footer = pq.ParquetFile(stream).metadata
    return StagedFile(path=name, size=int(folder.files.size(path)), rows=footer.num_rows, stats=json.dumps(_stats(footer, schema)))


def _partition_value(text: str, kind: str) -> str | None:
    """The value in the name of a folder (Spark's escapes, times in UTC) as the log of a Delta table has it."""
    value = unquote(text)
    if value == _NO_VALUE:
        return None
    if kind != "timestamp":
        return value
    day, _, time = value.partition(" ")
    seconds, _, fraction = time.partition(".")
    return f"{day}T{seconds}.{fraction:0<6}Z"  # without a zone, readers take it for a time of theirs


def _stats(footer: Any, schema: dict[str, Any]) -> dict[str, Any]:
    """Least and greatest values of whole numbers, dates and short texts; nulls of all plain columns.

    Not of fractions: the footer does not tell whether there are NaNs, which Spark takes for greater than all numbers.
    """
    stats: dict[str, Any] = {"numRecords": footer.num_rows}
    fields = schema["fields"]
    if footer.num_columns != len(fields):
        return stats  # a nested column has several leaves: the positions do not tell which is whose
    least, greatest, nulls = {}, {}, {}
    for i, column in enumerate(fields[:INDEXED_COLUMNS]):
        chunks = [footer.row_group(g).column(i).statistics for g in range(footer.num_row_groups)]
        if not isinstance(column["type"], str) or not all(s is not None and s.has_null_count for s in chunks):
            continue
        nulls[column["name"]] = sum(s.null_count for s in chunks)
        bounds = _bounds(column["type"], chunks)
        if bounds is not None:
            least[column["name"]], greatest[column["name"]] = bounds
    return {**stats, "minValues": least, "maxValues": greatest, "nullCount": nulls}


def _bounds(kind: str, chunks: Sequence[Any]) -> tuple[Any, Any] | None:
    # A chunk of nulls alone has no bounds, and takes nothing from those of the others.
    known = [s for s in chunks if s.has_min_max]
    if not known or any(s.num_values and not s.has_min_max for s in chunks):
        return None
    if kind in _WHOLE:
        return min(s.min_raw for s in known), max(s.max_raw for s in known)
    if kind == "date":
        low, high = min(s.min_raw for s in known), max(s.max_raw for s in known)
        return (_day(low), _day(high)) if low >= _FIRST_DAY and high <= _LAST_DAY else None
    if kind == "string":
        raw = min(s.min_raw for s in known), max(s.max_raw for s in known)  # bytes, which is the order that readers compare in
        low_text, high_text = (value.decode(errors="replace") for value in raw)
        return (low_text, high_text) if max(len(low_text), len(high_text)) <= LONGEST_TEXT and "\ufffd" not in low_text + high_text else None
    return None


def _day(days: int) -> str:
    return (date(1970, 1, 1) + timedelta(days=days)).isoformat()
