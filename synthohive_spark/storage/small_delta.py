"""Delta tables of few files, read as the Parquet files that their log names.

Delta's own reader rebuilds the list of files with 50 tasks when it first sees a table, and goes through it with 50 more for each query: seconds for a table
of ten rows, in every session that leaves Delta's settings alone.
"""

from __future__ import annotations

import re

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession

from .delta_log import TableState, read_state
from .delta_protocol import carry_fault, clean_schema, named_as_in_files, needed_features, schema_of
from .found import reach
from .frames import read_parquet

MOST_FILES = 32  # above, Spark lists them by a job of its own, and Delta's list begins to pay
_PATTERN = re.compile(r"[\[\]{}*?\\]")  # Spark takes these in a path for a pattern
_RELATIVE = re.compile(r"[^/:][^:]*")


def read_small_delta(spark: SparkSession, location: str, version: int | None = None) -> DataFrame | None:
    """A Delta table at one version, whatever happens to it meanwhile; None where Delta itself must read it.

    Args:
        location: absolute path or URL.
        version: the latest where None.
    """
    folder = reach(location)
    try:
        state = read_state(folder, version) if folder else None
    except Exception:  # noqa: BLE001 - each store has errors of its own for what one may not see
        return None
    if state is None or not _is_plain(state):
        return None
    try:
        return read_parquet(spark, [f"{location.rstrip('/')}/{name}" for name in sorted(state.files)], clean_schema(schema_of(state.metadata)))
    except AnalysisException:  # Spark has another file system for the place
        return None


def _is_plain(state: TableState) -> bool:
    """Whether the rows are those of the files, column by column by name."""
    if not 0 < len(state.files) <= MOST_FILES or carry_fault(state.protocol, state.metadata) or state.metadata.get("partitionColumns"):
        return False
    if any(add.get("deletionVector") or _PATTERN.search(name) or not _RELATIVE.fullmatch(name) for name, add in state.files.items()):
        return False
    text = state.metadata["schemaString"]
    schema = schema_of(state.metadata)
    return "__CHAR_VARCHAR" not in text and needed_features(schema) is not None and named_as_in_files(schema)
