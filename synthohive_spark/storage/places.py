"""Which tables a folder, or a schema of the catalog, has, and where each lies."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence

from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession

from ..errors import SchemaError
from ..spec.identifiers import checked_path, existing_table_name, quoted, safe_name
from ..spec.spelling import spelt
from .delta_log import is_delta
from .folders import Folder
from .found import reach
from .sources import CSV, PARQUET, PARTITION
from .targets import absolute_path, is_path

# What Spark, Delta, streams and our own runs leave in folders. Other names may begin with an underscore.
_INTERNAL = re.compile(r"\.|_(delta_log|SUCCESS|temporary|metadata|common_metadata|spark_metadata|synthohive)$|_(committed|started)_")
_PART = re.compile(r"part[-.][0-9]+\b.*")  # a file of many that a writer makes of one table
SHOWN = 20  # names of a long list
LEVELS_DOWN = 5  # from a table's folder to its files: its own and those of partitions


def locate_tables(spark: SparkSession, place: str | os.PathLike[str], tables: Sequence[str]) -> dict[str, str]:
    """Where each table lies in one folder, or in one schema of the catalog; names may differ in capitals, and be those that we give to odd names.

    Args:
        place: a folder (with a slash, or a `Path`) of Delta tables, folders or files; or `schema` or `catalog.schema`.

    Raises:
        SchemaError: some are not there, or there more than once, with all of them; or the place cannot be one, or is one table itself.
    """
    path = _folder_path(place)
    if path is None:
        return located(tables, _in_schema(spark, str(place)), f"the schema {str(place)!r}")
    folder = reach(path)
    if folder is None:
        return {name: f"{path.rstrip('/')}/{safe_name(name)}" for name in tables}
    try:
        return located(tables, _in_folder(path, folder.names()), path)
    except SchemaError as error:
        fault = error
    # Not above, where the fault would be told as its cause: it lists what is there, and the names of partitions are values.
    _refuse_one_table(folder, path)
    raise fault


def all_tables(spark: SparkSession, place: str | os.PathLike[str]) -> dict[str, str]:
    """Where each table of a folder, or of a schema of the catalog, lies, by its name; views and other files are no tables.

    Args:
        place: as for `locate_tables`.

    Raises:
        SchemaError: there are none, or two have one name; the folder is that of one table; or Python cannot look into it.
    """
    path = _folder_path(place)
    if path is None:
        known, where = _in_schema(spark, str(place), views=False), f"the schema {str(place)!r}"
    else:
        folder = reach(path)
        if folder is None:
            raise SchemaError(f"{path}: its tables cannot be listed from here; name each of them, as in {{'orders': '{path.rstrip('/')}/orders'}}")
        _refuse_one_table(folder, path)
        entries = [name for name in folder.names() if name.lower().endswith(CSV + PARQUET) or _holds_tables(f"{path.rstrip('/')}/{name}")]
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


def _refuse_one_table(folder: Folder, path: str) -> None:
    """Refuse the folder of one table: its files would each be read as a table, also those that a Delta log has removed, and its partitions be named by values.

    Raises:
        SchemaError: it is a Delta table, or holds files or partitions of one.
    """
    names = folder.names()
    if is_delta(folder) or any(_PART.fullmatch(name) or (PARTITION.fullmatch(name) and folder.below(name).is_folder()) for name in names):
        last = path.rstrip("/").rpartition("/")[2]
        name = "orders" if PARTITION.fullmatch(last) else last
        raise SchemaError(f"{path} is one table, not a folder of tables; name it, as in {{{name!r}: {path!r}}}")


def _holds_tables(path: str) -> bool:
    """Whether a folder is a Delta table, or holds files of Parquet or CSV, maybe in folders of partitions."""
    folder = reach(path)
    for _ in range(LEVELS_DOWN):
        if folder is None or not folder.is_folder():
            return False
        if is_delta(folder) or any(name.lower().endswith(CSV + PARQUET) for name in folder.names()):
            return True
        inner = next((name for name in sorted(folder.names()) if PARTITION.fullmatch(name)), None)
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
    return next((name[: -len(suffix)] for suffix in CSV + PARQUET if lower.endswith(suffix)), name)
