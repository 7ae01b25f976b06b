"""What real tables say of themselves beside their rows. No Spark job: logs, catalogs and the names of folders tell."""

from __future__ import annotations

import os
import re
from typing import Any
from urllib.parse import unquote

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession

from ..spec.form import TableForm, noted
from ..spec.identifiers import checked_path, existing_table_name, path_table
from ..spec.spelling import spelt
from .delta_log import Action, is_delta
from .delta_protocol import schema_of
from .delta_rules import rules_in
from .found import described, detail, reach, state_at
from .sources import names_file
from .targets import absolute_path, plain_location

_FOLDER = re.compile(r"([^/=]+)=[^/]*")  # of one value of a partition column
_IDENTITY = "delta.identity."


def form_of(spark: SparkSession, source: Any, frame: DataFrame) -> TableForm:
    """The form of a table.

    Args:
        source: what the user named: a path, a table of the catalog, or a frame, of which only the columns tell something.
        frame: that reads it.
    """
    found = TableForm()
    if isinstance(source, str | os.PathLike):
        is_file = isinstance(source, os.PathLike) or names_file(source)
        try:
            found = _of_path(spark, os.fspath(source), frame) if is_file else _of_catalog(spark, str(source))
        except AnalysisException:  # one may read a table of which one may not ask more
            found = TableForm()
    partitions = tuple(spelt(column, frame.columns) for column in found.partitions)
    return found.model_copy(update={"partitions": partitions, "columns": noted(frame.schema.jsonValue())})


def of_delta(metadata: Action) -> TableForm:
    """What the metadata of a Delta log says."""
    said = {column["name"]: column.get("metadata", {}) for column in schema_of(metadata)["fields"]}
    numbered = [name for name, notes in said.items() if any(key.startswith(_IDENTITY) for key in notes)]
    return TableForm(
        partitions=tuple(metadata.get("partitionColumns") or ()),
        comment=metadata.get("description") or None,
        rules=rules_in(metadata),
        left=tuple(f"that the column {name!r} numbers the rows by itself (identity)" for name in numbered),
    )


def _of_path(spark: SparkSession, source: str, frame: DataFrame) -> TableForm:
    path = absolute_path(checked_path(source))
    state = state_at(path)
    if state is not None:
        return of_delta(state.metadata)
    folder = reach(path)
    if folder is not None and not is_delta(folder):
        return TableForm(partitions=_partitions_of_files(frame))
    try:
        return _by_spark(spark, path_table(path))
    except AnalysisException:  # no Delta table
        return TableForm(partitions=_partitions_of_files(frame))


def _of_catalog(spark: SparkSession, source: str) -> TableForm:
    name = existing_table_name(source)
    known = described(spark, name)
    if known.get("Provider", "").lower() != "delta":
        partitions = [column.name for column in spark.catalog.listColumns(name) if column.isPartition]
        return TableForm(partitions=tuple(partitions), comment=known.get("Comment"))
    state = state_at(plain_location(known["Location"])) if "Location" in known else None
    return _by_spark(spark, name) if state is None else of_delta(state.metadata)


def _by_spark(spark: SparkSession, name: str) -> TableForm:
    """The same from `DESCRIBE DETAIL`, which does not tell of generated columns."""
    row = detail(spark, name).asDict()
    metadata = {"schemaString": '{"fields": []}', "partitionColumns": row["partitionColumns"], "description": row.get("description")}
    return of_delta({**metadata, "configuration": dict(row.get("properties") or {})})


def _partitions_of_files(frame: DataFrame) -> tuple[str, ...]:
    """The columns by whose values the folders of a frame's files are called."""
    file = next(iter(frame.inputFiles()), "")
    found: list[str] = []
    folder = file.rpartition("/")[0]
    while match := _FOLDER.fullmatch(folder.rpartition("/")[2]):
        # Spark encodes what it writes into names of folders, and the paths that it tells once more.
        names = {spelt(name, frame.columns) for name in (match[1], unquote(match[1]), unquote(unquote(match[1])))}
        found += [name for name in frame.columns if name in names]
        folder = folder.rpartition("/")[0]
    return tuple(reversed(found))
