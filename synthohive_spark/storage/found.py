"""What stands where a run wants to write: looked up by Python where it reaches the storage, else by Spark."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from pyspark.errors import AnalysisException
from pyspark.sql import Row, SparkSession

from ..errors import MissingDependencyError, SerializationError
from ..spec.identifiers import checked_qualified_name, describe_detail_sql, describe_history_sql, describe_table_sql, path_table
from .delta_actions import MARK
from .delta_log import LOG, TableState, UnknownLog, is_delta, read_state
from .delta_protocol import APPEND_ONLY
from .folders import Folder
from .targets import Target, plain_location

DATA_SUFFIXES = (".parquet", ".csv", ".json", ".orc", ".avro")
_MARKED = re.compile(r"(?<![\w.])" + re.escape(MARK) + "=([A-Za-z0-9_-]+)")
_COMPRESSED = (".gz", ".bz2", ".zst", ".snappy", ".lz4", ".deflate")


@dataclass(frozen=True)
class Found:
    """What stands at the place of one table.

    Attributes:
        kind: `nothing`, a `delta` table, or something `other`.
        what: in words, where it is something other.
        location: the folder; None where the catalog has not placed it.
        id: of a Delta table.
        run: the run that a Delta table's mark names; None where it has no mark.
        append_only: whether its rows may not be replaced.
    """

    kind: Literal["nothing", "delta", "other"]
    what: str = ""
    location: str | None = None
    id: str | None = None
    run: str | None = None
    append_only: bool = False


def reach(location: str) -> Folder | None:
    """The folder as Python sees it; None where it has no file system for it."""
    try:
        return Folder.open(location)
    except (SerializationError, MissingDependencyError):
        return None


def state_at(location: str) -> TableState | None:
    """The Delta table at a place, without its files; None where there is none, or Python cannot tell."""
    folder = reach(location)
    try:
        return read_state(folder, files=False) if folder else None
    except Exception:  # noqa: BLE001 - each store has errors of its own for what one may not see
        return None


def sql_name(target: Target, table: str) -> str:
    """A table as SQL names it, quoted."""
    address = target.address(table)
    return checked_qualified_name(address) if target.folder is None else path_table(address)


def find_in_folder(spark: SparkSession, folder: Folder, location: str) -> Found:
    """What Python finds in a folder.

    Raises:
        OSError: the storage failed.
    """
    if not is_delta(folder):
        if not folder.exists() or (folder.is_folder() and folder.is_empty()):
            return Found("nothing", location=location)
        return Found("other", "a folder that holds other files" if folder.is_folder() else "a file", location)
    try:
        state = read_state(folder, files=False)
    except UnknownLog:
        return find_by_spark(spark, path_table(location), location)
    if state is None:
        return Found("other", "a damaged Delta table", location)
    return _of_delta(location, state.id, state.configuration)


def find_in_catalog(spark: SparkSession, name: str) -> Found:
    """What the catalog has under a quoted name.

    The properties are read from the log where Python sees the table that the catalog means, by its mark: Delta's own `DESCRIBE DETAIL` counts all files of
    a table first, which takes seconds in a session with Delta's defaults.
    """
    if not spark.catalog.tableExists(name):
        return Found("nothing")
    known = described(spark, name)
    location, provider = known.get("Location"), known.get("Provider", "unknown")
    if location is None or "VIEW" in known.get("Type", ""):
        return Found("other", "a view")
    if provider.lower() != "delta":
        return Found("other", f"a table of the format {provider}", plain_location(location))
    state = state_at(plain_location(location))
    mark = _MARKED.search(known.get("Table Properties", ""))
    if state is not None and mark is not None and state.configuration.get(MARK) == mark[1]:
        return _of_delta(plain_location(location), state.id, state.configuration)
    return find_by_spark(spark, name, None)


def described(spark: SparkSession, name: str) -> dict[str, str]:
    """What the catalog knows of a table or view: `Location`, `Provider`, `Type`, `Table Properties`."""
    rows = [(row["col_name"], row["data_type"]) for row in spark.sql(describe_table_sql(name)).collect()]
    start = max((i for i, (key, _) in enumerate(rows) if key == "# Detailed Table Information"), default=len(rows))
    return {key: value for key, value in rows[start + 1 :] if value}


def constraint_lines(spark: SparkSession, name: str) -> list[str]:
    """What the catalog tells of the constraints of a table, one text each: its keys, where it keeps some."""
    lines, inside = [], False
    for row in spark.sql(describe_table_sql(name)).collect():
        if row["col_name"].startswith("#"):
            inside = row["col_name"].rstrip().lower().endswith("constraints")
        elif inside and row["data_type"]:
            lines.append(row["data_type"])
    return lines


def find_by_spark(spark: SparkSession, name: str, location: str | None) -> Found:
    """What Spark finds under a quoted name, which is there if `location` is None."""
    try:
        row = detail(spark, name)
    except AnalysisException:
        if location is None:
            return Found("other", "a view")
        files = files_below(spark, location)
        return Found("other", "a folder that holds other files", location) if files else Found("nothing", location=location)
    place = plain_location(str(row["location"])) if row["location"] else location
    if row["format"] != "delta":
        return Found("other", f"a table of the format {row['format']}", place)
    return _of_delta(place, row["id"], dict(row["properties"] or {}))


def detail(spark: SparkSession, name: str) -> Row:
    """`DESCRIBE DETAIL` of a quoted name.

    Raises:
        AnalysisException: there is no table.
    """
    return spark.sql(describe_detail_sql(name)).collect()[0]


def history(spark: SparkSession, name: str, commits: int) -> list[dict[str, Any]]:
    """The last commits of a Delta table, the latest first: version and userMetadata."""
    rows = spark.sql(describe_history_sql(name, commits)).select("version", "userMetadata").collect()
    return sorted((row.asDict() for row in rows), key=lambda row: -row["version"])


def files_below(spark: SparkSession, location: str) -> list[str]:
    """All files in a folder that Spark sees; none where it is not there."""
    try:
        return spark.read.format("binaryFile").option("recursiveFileLookup", "true").load(location).inputFiles()
    except AnalysisException:
        return []


def folder_faults(folder: Folder) -> list[str]:
    """Why an output folder is no place for tables, as Python sees it; empty where it is."""
    above = [folder.root, *_ancestors(folder.root)]
    tables = [path for path in above if folder.files.exists(f"{path}/{LOG}")]
    if tables:
        return [f"the output folder lies in the Delta table {tables[0]}"]
    return _data_faults(folder.names())


def folder_faults_by_spark(spark: SparkSession, location: str) -> list[str]:
    """The same, as Spark sees it."""
    for path in (location, *_ancestors(location)):
        if spark_sees(spark, f"{path}/{LOG}"):
            return [f"the output folder lies in the Delta table {path}"]
    depth = plain_location(location).count("/") + 1
    files = [plain_location(path) for path in files_below(spark, location)]
    return _data_faults([path.rpartition("/")[2] for path in files if path.count("/") == depth])


def spark_sees(spark: SparkSession, path: str) -> bool:
    """Whether there is a file or folder for Spark. Starts no job: the path is looked up when the plan is made."""
    try:
        _ = spark.read.format("text").load(path).schema  # Spark Connect looks only now
    except AnalysisException:
        return False
    return True


def _data_faults(names: list[str]) -> list[str]:
    data = [name for name in names if _is_data(name)]
    return [f"the output folder holds data files itself ({', '.join(sorted(data)[:3])})"] if data else []


def _is_data(name: str) -> bool:
    lower = name.lower()
    for suffix in _COMPRESSED:
        lower = lower.removesuffix(suffix)
    return lower.endswith(DATA_SUFFIXES) and not name.startswith((".", "_"))


def _ancestors(path: str) -> list[str]:
    """The folders above, the nearest first, without the host or bucket of a URL."""
    start, separator, rest = path.partition("://")
    prefix, parts = (f"{start}://", rest.split("/")) if separator else ("", path.split("/"))
    return [prefix + "/".join(parts[:n]) for n in range(len(parts) - 1, 1 if separator or path.startswith("/") else 0, -1)]


def _of_delta(location: str | None, table_id: str | None, configuration: dict[str, str]) -> Found:
    only = configuration.get(APPEND_ONLY, "false").lower() == "true"
    return Found("delta", location=location, id=table_id, run=configuration.get(MARK), append_only=only)
