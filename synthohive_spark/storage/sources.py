"""Reading tables: frames of Spark and pandas, catalog names, and Delta, Parquet or CSV files; and where their rows lie."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Container, Mapping, Sequence
from typing import Any, Literal
from urllib.parse import unquote

import fsspec
import pandas as pd
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession

from ..errors import SchemaError
from ..spec.identifiers import checked_path, existing_table_name, quoted, safe_name
from ..spec.sources import Source
from ..spec.spelling import spelt
from .delta_log import UnknownLog, is_delta, read_state
from .found import reach
from .nanoseconds import read_nanoseconds
from .pandas_frames import from_pandas
from .small_delta import read_small_delta
from .targets import absolute_path, canonical_location, is_path, plain_location

_CSV = (".csv", ".csv.gz", ".csv.bz2")
_PARQUET = (".parquet",)
_PARTITION = re.compile(r"[^/=]+=[^/]*")  # a folder of one value of a partition column
# What Spark, Delta, streams and our own runs leave in folders. Other names may begin with an underscore.
_INTERNAL = re.compile(r"\.|_(delta_log|SUCCESS|temporary|metadata|common_metadata|spark_metadata|synthohive)$|_(committed|started)_")
MOST_FOLDERS = 1000  # whose tables are looked for; more are those of a table that is partitioned in a way of its own
SHOWN = 20  # names of a long list
LEVELS_DOWN = 5  # from a table's folder to its files: its own and those of partitions
LEVELS_UP = 4  # from a file's folder to its Delta table: ours have one, random prefixes of stores two


def locate_tables(spark: SparkSession, place: str | os.PathLike[str], tables: Sequence[str]) -> dict[str, str]:
    """Where each table lies in one folder, or in one schema of the catalog; names may differ in capitals, and be those that we give to odd names.

    Args:
        place: a folder (with a slash, or a `Path`) of Delta tables, folders or files; or `schema` or `catalog.schema`.

    Raises:
        SchemaError: some are not there, or there more than once, with all of them; or the place cannot be one.
    """
    path = _folder_path(place)
    if path is None:
        return located(tables, _in_schema(spark, str(place)), f"the schema {str(place)!r}")
    folder = reach(path)
    if folder is None:
        return {name: f"{path.rstrip('/')}/{safe_name(name)}" for name in tables}
    return located(tables, _in_folder(path, folder.names()), path)


def all_tables(spark: SparkSession, place: str | os.PathLike[str]) -> dict[str, str]:
    """Where each table of a folder, or of a schema of the catalog, lies, by its name; views and other files are no tables.

    Args:
        place: as for `locate_tables`.

    Raises:
        SchemaError: there are none, or two have one name; or Python cannot look into the folder.
    """
    path = _folder_path(place)
    if path is None:
        known, where = _in_schema(spark, str(place), views=False), f"the schema {str(place)!r}"
    else:
        folder = reach(path)
        if folder is None:
            raise SchemaError(f"{path}: its tables cannot be listed from here; name each of them, as in {{'orders': '{path.rstrip('/')}/orders'}}")
        entries = [name for name in folder.names() if name.lower().endswith(_CSV + _PARQUET) or _holds_tables(f"{path.rstrip('/')}/{name}")]
        known, where = _in_folder(path, entries), path
    if not known:
        raise SchemaError(f"{where} has no tables; expected Delta tables, or files or folders of Parquet or CSV")
    return located(sorted(known), known, where)


def _folder_path(place: str | os.PathLike[str]) -> str | None:
    """The folder that is meant; None for a schema of the catalog."""
    return absolute_path(checked_path(os.fspath(place))) if isinstance(place, os.PathLike) or is_path(place) else None


def _in_schema(spark: SparkSession, place: str, *, views: bool = True) -> dict[str, list[str]]:
    if not _is_schema(spark, place):
        raise SchemaError(f"the catalog has no schema {place!r}; a folder needs a slash, as in ./{place}")
    tables = [t for t in spark.catalog.listTables(existing_table_name(place)) if not t.isTemporary and (views or t.tableType != "VIEW")]
    return {table.name: [f"{place}.{quoted(table.name)}"] for table in tables}


def _in_folder(path: str, names: Sequence[str]) -> dict[str, list[str]]:
    by_stem: dict[str, list[str]] = {}
    for name in sorted(names):
        if not _INTERNAL.match(name):
            by_stem.setdefault(_stem(name), []).append(f"{path.rstrip('/')}/{name}")
    return by_stem


def _holds_tables(path: str) -> bool:
    """Whether a folder is a Delta table, or holds files of Parquet or CSV, maybe in folders of partitions."""
    folder = reach(path)
    for _ in range(LEVELS_DOWN):
        if folder is None or not folder.is_folder():
            return False
        if is_delta(folder) or any(name.lower().endswith(_CSV + _PARQUET) for name in folder.names()):
            return True
        inner = next((name for name in sorted(folder.names()) if _PARTITION.fullmatch(name)), None)
        folder = folder.below(inner) if inner else None
    return False


def _is_schema(spark: SparkSession, name: str) -> bool:
    try:
        return bool(spark.catalog.databaseExists(existing_table_name(name)))
    except AnalysisException:
        return False


def located(tables: Sequence[str], known: Mapping[str, Sequence[str]], where: str) -> dict[str, str]:
    """The place of each table, by its own name or by the one that we give to odd names.

    Args:
        known: the places of each name.
        where: what holds them, for messages.

    Raises:
        SchemaError: tables have none, or several, with all of them.
    """
    found = {name: next((s for s in (spelt(name, known), spelt(safe_name(name), known)) if s in known), None) for name in tables}
    missing = sorted(name for name, stem in found.items() if stem is None)
    faults = [f"has no tables {missing}; it has {sorted(known)[:SHOWN]}"] if missing else []
    for name, stem in found.items():
        if stem is not None and len(known[stem]) > 1:
            entries = [place.rpartition("/")[2] for place in known[stem]]
            faults.append(f"has {entries}, which can all be the table {name!r}: name the one that is meant, as in {{{name!r}: {known[stem][0]!r}}}")
    if faults:
        raise SchemaError(f"{where} " + "; it ".join(faults))
    return {name: known[stem][0] for name, stem in found.items() if stem is not None}


def _stem(name: str) -> str:
    """The table that a file or a folder is called after."""
    lower = name.lower()
    return next((name[: -len(suffix)] for suffix in _CSV + _PARQUET if lower.endswith(suffix)), name)


def names_file(source: str) -> bool:
    """Whether what a user names as a table is a path rather than a table of the catalog."""
    return is_path(source) or source.lower().endswith(_CSV + _PARQUET)


def read_table(spark: SparkSession, source: Any, *, keys: Collection[str] = ()) -> DataFrame:
    """A DataFrame for whatever a user names as a table.

    Args:
        spark: a session with Delta.
        source: a Spark DataFrame (returned as it is) or a pandas one; a path (with a slash, or ending in .csv or .parquet) to a Delta table, or to a file or
            folder of Parquet or CSV (with a header, types inferred); or a table of the catalog, `table` to `catalog.schema.table`.
        keys: columns of keys, for pandas frames (see `from_pandas`).

    Raises:
        SchemaError: there is no such table or file, or it is of no known format.
    """
    if isinstance(source, DataFrame):
        return source
    if isinstance(source, pd.DataFrame):
        return from_pandas(spark, source, keys)
    if isinstance(source, os.PathLike):
        return _read_path(spark, os.fspath(source))
    if not isinstance(source, str):
        raise SchemaError(f"a table must be a Spark or pandas DataFrame, a table name or a path, not {type(source).__name__}")
    if names_file(source):
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
        delta = _as_delta(spark, path)
        if delta is not None:
            frame = delta
        elif _format(path) == "csv":
            frame = spark.read.option("header", True).option("inferSchema", True).csv(path)
        else:
            frame = spark.read.parquet(path)
        _ = frame.schema
    except AnalysisException as error:
        if error.getCondition() == "PARQUET_TYPE_ILLEGAL":
            times = read_nanoseconds(spark, path)
            if times is not None:
                return times
            raise SchemaError(
                f"{path}: a Parquet column has a type that Spark does not read; pandas writes time stamps in nanoseconds: "
                'write them with to_parquet(..., coerce_timestamps="us")'
            ) from error
        reason = "there is nothing" if error.getCondition() == "PATH_NOT_FOUND" else "there is no Delta table, and no Parquet or CSV that can be read"
        raise SchemaError(f"{path}: {reason}; expected a Delta table, or a file or folder of Parquet or CSV") from error
    return frame


def _as_delta(spark: SparkSession, path: str) -> DataFrame | None:
    small = read_small_delta(spark, path)
    if small is not None:
        return small
    try:
        frame = spark.read.format("delta").load(path)
        _ = frame.schema
    except AnalysisException:
        return None
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


def sources_of(frame: DataFrame) -> Source:
    """Where the rows of a frame lie: the folders of its files, and the ids of its Delta tables.

    Empty where there are no files, and for a cached frame, whose files Spark does not tell.
    """
    try:
        files = frame.inputFiles()
    except Exception:  # noqa: BLE001 - a frame over a database or a stream; what it raises depends on the connector
        return Source()
    by_folder: dict[str, list[str]] = {}
    for path in dict.fromkeys(spelling for file in files for spelling in _spellings(file)):
        folder, _, name = path.rpartition("/")
        while _PARTITION.fullmatch(folder.rpartition("/")[2]):
            folder = folder.rpartition("/")[0]
        if folder in by_folder or len(by_folder) < MOST_FOLDERS:
            by_folder.setdefault(folder, []).append(name)
    by_folder = {folder: names for folder, names in by_folder.items() if not _is_misspelt(folder, by_folder)}
    roots: list[str] = []
    ids: list[str] = []
    for folder, names in by_folder.items():
        table = _delta_root(folder)
        if table is None:
            roots.append(f"{folder}/{names[0]}" if len(names) == 1 and not names[0].startswith("part-") else folder)
        else:
            roots.append(table[0])
            ids += [table[1]] if table[1] else []
    return Source(roots=tuple(sorted({canonical_location(root) for root in roots})), ids=tuple(sorted(set(ids))))


def _spellings(file: str) -> set[str]:
    """What the path of an input file can mean: Spark encodes it as a URI, Delta does not."""
    return {plain_location(unquote(file)), plain_location(file)} if "%" in file else {plain_location(file)}


def _is_misspelt(folder: str, others: Container[str]) -> bool:
    """Whether a folder is only the encoded name of another one. Where Python cannot look, both count."""
    plain = unquote(folder)
    if plain == folder or plain not in others:
        return False
    encoded, decoded = reach(folder), reach(plain)
    try:
        return encoded is not None and decoded is not None and decoded.exists() and not encoded.exists()
    except Exception:  # noqa: BLE001 - each store has errors of its own for what one may not see
        return False


def _delta_root(folder: str) -> tuple[str, str | None] | None:
    """The Delta table that a folder of its files lies in: path and id."""
    place = reach(folder)
    path = folder
    for _ in range(LEVELS_UP + 1):
        try:
            if place is None or not place.root.strip("/"):
                return None
            if is_delta(place):
                state = read_state(place, files=False)
                return path, state.id if state else None
        except UnknownLog:
            return path, None
        except OSError:
            return None
        path = path.rpartition("/")[0]
        place = reach(path) if path.rstrip("/:") else None
    return None
