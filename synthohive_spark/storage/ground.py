"""The place of an output: what is there, where new rows are staged, and who reaches it."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import unquote

from pyspark.sql import SparkSession

from ..errors import GenerationError
from ..spec.identifiers import safe_name
from .delta_log import is_delta
from .folders import Folder
from .found import Found, find_by_spark, find_in_catalog, find_in_folder, folder_faults, folder_faults_by_spark, reach, spark_sees, sql_name, state_at
from .journal import BOOKS, PROBE, Books, Entry, FileBooks
from .table_books import TableBooks
from .targets import Target, plain_location


@dataclass(frozen=True)
class Ground:
    """An output as a run sees it.

    Attributes:
        spark: a session with Delta.
        target: the output.
        base: its folder, that of the schema for a catalog; None where it has none that is told.
        folder: the same for Python; None where Python does not reach it, or sees another storage under that name.
        books: where runs keep their notes.
        fresh: whether there was no such folder yet.
    """

    spark: SparkSession
    target: Target
    base: str | None
    folder: Folder | None
    books: Books
    fresh: bool = False

    def find(self, table: str) -> Found:
        """What stands at the place of a table."""
        name = sql_name(self.target, table)
        if self.target.folder is None:
            found = find_in_catalog(self.spark, name)
            return found if found.kind != "nothing" or self.folder is None else self._in_the_way(table)
        location = self.target.address(table)
        if self.folder is None:
            return find_by_spark(self.spark, name, location)
        return find_in_folder(self.spark, self.folder.below(safe_name(table)), location)

    def _in_the_way(self, table: str) -> Found:
        """The catalog puts a new table into a folder of its name, which must be free."""
        for name in (safe_name(table), safe_name(table).lower()):
            place = self.folder.below(name) if self.folder else None
            if place is not None and place.exists() and not place.is_empty():
                return Found("other", f"a folder {place.url} that holds files and is no table of the catalog", place.url)
        return Found("nothing")

    def faults(self) -> list[str]:
        """Why the output as a whole is no place for tables. One that runs have used before is."""
        if self.target.folder is None:
            return []
        if self.folder is None:
            return folder_faults_by_spark(self.spark, self.target.folder)
        return [] if self.folder.below(BOOKS).exists() else folder_faults(self.folder)

    def shared(self, run: str) -> bool:
        """Whether Python and Spark mean the same storage here, and Python can make a file that nobody else makes at the same time.

        Raises:
            OSError: the storage failed.
        """
        if self.folder is None:
            return False
        name = f"{BOOKS}/{PROBE}{run}"
        try:
            self.folder.put_new(name, b"")
            alone = False
            try:
                self.folder.put_new(name, b"")
            except FileExistsError:
                alone = True
            return alone and spark_sees(self.spark, f"{self.base}/{name}")
        except Exception as error:  # noqa: BLE001 - what file systems say that know no exclusive creation, or give no right to write
            if isinstance(error, OSError) and not isinstance(error, PermissionError) and error.errno != errno.EROFS:
                raise  # a moment's failure must not decide how the output is written from now on
            return False
        finally:
            with suppress(OSError):
                self.folder.remove_file(name)
                self.folder.below(BOOKS).remove_if_empty()
                if self.fresh:
                    self.folder.remove_if_empty()

    def entry(self, table: str, found: Found, run: str, work_dir: str | None) -> Entry:
        """Where the rows of a table are staged.

        Raises:
            GenerationError: it cannot be in place, and there is no work folder.
        """
        location, new = found.location, found.kind == "nothing"
        if self.folder is not None and self.target.folder is not None:
            return Entry(table=table, location=location, staged=f"{location}/run-{run}", new=new)
        if self.folder is not None and new:
            return Entry(table=table, staged=f"{self.base}/{BOOKS}/run-{run}/{safe_name(table)}", new=True)
        if self.folder is not None and location is not None and self._same_table(location, found.id):
            return Entry(table=table, location=location, staged=f"{location}/run-{run}", new=False)
        if work_dir is None:
            raise GenerationError(
                f"{self.target.describe(table)} is not to be reached from the driver's Python, and there is no work folder to stage its rows in; "
                'name one that driver and executors share, as in Synthesizer(..., work_dir="s3://bucket/tmp")'
            )
        return Entry(table=table, location=location, staged=f"{work_dir.rstrip('/')}/run-{run}/{safe_name(table)}", in_place=False, new=new)

    @staticmethod
    def _same_table(location: str, table_id: str | None) -> bool:
        """Whether Python sees this very table there."""
        state = state_at(location)
        return state is not None and state.id == table_id


def grounds(spark: SparkSession, target: Target) -> Iterator[Ground]:
    """The ways to see an output, the better one first: with Python, then through Spark alone."""
    base = target.folder if target.folder is not None else schema_folder(spark, str(target.database))
    folder = reach(base) if base else None
    there = _exists(folder) if folder else None
    if folder is not None and there is not None:
        yield Ground(spark, target, base, folder, books_at(spark, target, folder), fresh=not there)
    yield Ground(spark, target, base, None, TableBooks(spark, target))


def books_at(spark: SparkSession, target: Target, folder: Folder) -> Books:
    """The books that are kept at an output: files, unless a run that did not reach them has begun a table."""
    table = TableBooks(spark, target)
    begun = is_delta(folder.below(BOOKS)) if target.folder is not None else table.exist()
    return table if begun else FileBooks(folder)


def _exists(folder: Folder) -> bool | None:
    """Whether the folder is there; None where Python may not look."""
    try:
        return folder.exists()
    except Exception:  # noqa: BLE001 - each store has errors of its own for a missing right
        return None


def schema_folder(spark: SparkSession, database: str) -> str | None:
    """The folder of a schema; None where its catalog does not tell."""
    uri = spark.catalog.getDatabase(database).locationUri
    return plain_location(unquote(uri)) if uri else None
