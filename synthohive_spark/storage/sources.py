"""Reading tables: frames of Spark and pandas, catalog names, and Delta, Parquet or CSV files; and where their rows lie."""

from __future__ import annotations

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Container, Hashable, Mapping, Sequence
from typing import Any, Literal
from urllib.parse import unquote

import fsspec
import pandas as pd
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession

from ..errors import SchemaError
from ..spec.detection.facts import DeclaredKey
from ..spec.identifiers import checked_path, existing_table_name
from ..spec.metadata import Metadata
from ..spec.sources import Source
from .delta_log import UnknownLog, is_delta, read_state
from .found import reach
from .nanoseconds import read_nanoseconds
from .pandas_frames import from_pandas
from .small_delta import read_small_delta
from .targets import absolute_path, canonical_location, is_path, plain_location

CSV = (".csv", ".csv.gz", ".csv.bz2")
PARQUET = (".parquet",)
PARTITION = re.compile(r"[^/=]+=[^/]*")  # a folder of one value of a partition column
MOST_FOLDERS = 1000  # whose tables are looked for; more are those of a table that is partitioned in a way of its own
LEVELS_UP = 4  # from a file's folder to its Delta table: ours have one, random prefixes of stores two


class TableSource(ABC):
    """A table of something that is neither files nor Spark's catalog: of a database."""

    @property
    @abstractmethod
    def declared(self) -> Sequence[DeclaredKey]:
        """Its keys, as it declares them."""

    @abstractmethod
    def frame(self, spark: SparkSession) -> DataFrame:
        """Its rows."""


class TableStore(ABC):
    """What holds such tables, and takes them: a database."""

    @property
    @abstractmethod
    def names(self) -> Sequence[str]:
        """Which there are."""

    @abstractmethod
    def sources(self, names: Sequence[str] | None = None) -> Mapping[str, TableSource]:
        """Those of these names, or all of them, by name."""

    @abstractmethod
    def metadata(self) -> Metadata:
        """Their keys, as they declare them."""

    @abstractmethod
    def check_free(self, names: Sequence[str], *, overwrite: bool = False) -> None:
        """Refuse names that `write` would refuse."""

    @property
    @abstractmethod
    def address(self) -> str:
        """How a file may name it: without secrets."""

    @property
    @abstractmethod
    def place(self) -> Hashable:
        """Where it is: the same for two that have the same tables."""

    @property
    @abstractmethod
    def unique(self) -> Mapping[str, Sequence[tuple[str, ...]]]:
        """Unique keys beside the primary ones, by table."""

    @abstractmethod
    def write(
        self,
        tables: Mapping[str, Any],
        *,
        metadata: Metadata | None = None,
        like: Any = None,
        not_unique: Collection[tuple[str, tuple[str, ...]]] = (),
        overwrite: bool = False,
    ) -> Mapping[str, int]:
        """Make tables with their keys and load them, all or none; the number of rows of each."""


def names_file(source: str) -> bool:
    """Whether what a user names as a table is a path rather than a table of the catalog."""
    return is_path(source) or source.lower().endswith(CSV + PARQUET)


def read_table(spark: SparkSession, source: Any, *, keys: Collection[str] = ()) -> DataFrame:
    """A DataFrame for whatever a user names as a table.

    Args:
        spark: a session with Delta.
        source: a Spark DataFrame (returned as it is) or a pandas one; a path (with a slash, or ending in .csv or .parquet) to a Delta table, or to a file or
            folder of Parquet or CSV (with a header, types inferred); a table of the catalog, `table` to `catalog.schema.table`; or a table of a database.
        keys: columns of keys, for pandas frames (see `from_pandas`).

    Raises:
        SchemaError: there is no such table or file, or it is of no known format.
    """
    if isinstance(source, DataFrame):
        return source
    if isinstance(source, pd.DataFrame):
        return from_pandas(spark, source, keys)
    if isinstance(source, TableSource):
        return source.frame(spark)
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
    if lower.endswith(CSV + PARQUET):
        return "csv" if lower.endswith(CSV) else "parquet"
    try:
        files, root = fsspec.url_to_fs(path)
        names = [name.lower() for name in files.find(root, maxdepth=2)]
    except (OSError, ImportError, ValueError):
        return "parquet"
    return "csv" if any(n.endswith(CSV) for n in names) and not any(n.endswith(PARQUET) for n in names) else "parquet"


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
        while PARTITION.fullmatch(folder.rpartition("/")[2]):
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
