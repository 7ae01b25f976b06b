"""A database as source and target of tables."""

from __future__ import annotations

import os
import warnings
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pandas as pd
import pyarrow as pa
import sqlalchemy as sa
from pyspark.sql import DataFrame, SparkSession

from ...errors import GenerationError, SchemaError
from ...spec.metadata import Metadata
from ..places import all_tables
from ..sources import TableStore
from .as_source import FITS, DatabaseTable
from .batches import batches_of, keys_of
from .connection import Link, address
from .ddl import planned
from .jdbc import ROWS_PER_PARTITION, bounds_of, driver_of, jdbc_frame, jdbc_options
from .load import Loading, in_the_way
from .looks import looks
from .reflection import SHOWN, Found, FoundTable, found_tables
from .rows import CHUNK, chunks_of, reading_connection


class Database(TableStore):
    """The tables of one schema of a database, through SQLAlchemy.

    What they are is read once, when it is first asked for.

    Args:
        url: of SQLAlchemy: `postgresql+psycopg2://user:password@host/name`, `mysql+pymysql://...`, `sqlite:///file.db`. `$NAME` for one of its parts, or for
            the whole, is taken from the environment.
        schema: the schema (in MySQL the database); the connection's own by default.
        only: the tables to take; by default all (views are none).
        leave_out: columns that are not read, by table.

    Raises:
        SchemaError: the URL cannot be read.
        MissingDependencyError: its driver is not installed.
    """

    def __init__(self, url: str, *, schema: str | None = None, only: Sequence[str] | None = None, leave_out: Mapping[str, Iterable[str]] | None = None) -> None:
        self._link, self._address = Link.to(url), address(url)
        self._schema, self._only = schema, None if only is None else tuple(only)
        self._leave_out = {name: tuple(columns) for name, columns in (leave_out or {}).items()}
        self._found: Found | None = None

    def __repr__(self) -> str:
        return f"Database({self._link.where}{f', schema={self._schema!r}' if self._schema else ''})"

    def metadata(self) -> Metadata:
        """Primary, foreign and unique keys as the database declares them; what cannot be taken is told in one warning, and in `left_out`.

        Raises:
            SchemaError: the database cannot be reached, or has no such schema or table.
        """
        if self.left_out:
            more = f"; and {len(self.left_out) - SHOWN} more (left_out)" if len(self.left_out) > SHOWN else ""
            warnings.warn(f"{self!r}: left out: " + "; ".join(self.left_out[:SHOWN]) + more, stacklevel=2)
        return self._look().metadata

    @property
    def left_out(self) -> tuple[str, ...]:
        """What cannot be taken, in sentences: columns of unknown types, foreign keys to other schemas."""
        return tuple(self._look().left_out)

    def tables(self, names: Sequence[str] | None = None) -> dict[str, pd.DataFrame]:
        """Tables as pandas frames, without Spark: whole numbers stay whole where some are null, decimals decimals, times keep their zone (Arrow's types).

        All are read as they are at one moment, where the database can do that. For tables that do not fit into memory see `chunks` and `read`.

        Args:
            names: which; all by default.

        Raises:
            SchemaError: a table is not there, or cannot be read.
        """
        with self._reading(names) as (connection, some):
            return {name: _pandas(table) for name, table in self._whole(connection, some).items()}

    def chunks(self, name: str, rows: int = CHUNK) -> Iterator[pd.DataFrame]:
        """One table as pandas frames of at most `rows` rows each, with the types of `tables`; one without rows where it has none.

        Raises:
            SchemaError: as for `tables`.
        """
        with self._reading([name]) as (connection, tables):
            yield from map(_pandas, chunks_of(self._link, connection, self._schema, tables[name], rows))

    def read(self, spark: SparkSession, names: Sequence[str] | None = None, *, rows_per_partition: int = ROWS_PER_PARTITION) -> dict[str, DataFrame]:
        """Tables as Spark frames with the types of `tables`, read by the executors through JDBC, in partitions along a key that is a number or a date.

        The session needs the driver: `spark_session(packages=[database.jdbc_package])`. Spark reads the rows each time that a frame is used, so that a
        database that changes meanwhile shows itself in several states.

        Args:
            names: which; all by default.
            rows_per_partition: about so many rows are read by one task.

        Raises:
            MissingDependencyError: the session has no JDBC driver for the database.
            SchemaError: a table cannot be read.
        """
        self._link.greet()
        driver_of(self._link)
        with self._reading(names) as (connection, tables):
            bounds = {name: bounds_of(connection, self._schema, table, rows_per_partition) for name, table in tables.items()}
        options = {name: jdbc_options(self._link, self._schema, table, bounds[name]) for name, table in tables.items()}
        return {name: jdbc_frame(spark, self._link, options[name], table) for name, table in tables.items()}

    @property
    def jdbc_package(self) -> str:
        """The Maven name of the JDBC driver that `read` needs.

        Raises:
            SchemaError: none is known for this kind of database.
        """
        self._link.greet()
        return driver_of(self._link).package

    @property
    def names(self) -> tuple[str, ...]:
        """Its tables."""
        return tuple(self._look().tables)

    @property
    def address(self) -> str:
        """The URL to write into a configuration: user, password and options of it only as the variables of the environment that they came from."""
        return self._address

    @property
    def place(self) -> tuple[str, ...]:
        """Where it is."""
        with self._link.told("looking at its tables", SchemaError, texts=True), self._link.engine.connect() as connection:
            default = sa.inspect(connection).default_schema_name
        return (*self._link.place, self._schema or default or "")

    @property
    def unique(self) -> dict[str, tuple[tuple[str, ...], ...]]:
        """Unique keys beside the primary ones, by table."""
        return {name: table.unique for name, table in self._look().tables.items() if table.unique}

    def sources(self, names: Sequence[str] | None = None) -> dict[str, DatabaseTable]:
        """The tables as `fit`, `detect` and `copy` take them: with all their rows where those fit the driver, else read by Spark as in `read`."""
        with self._reading(names) as (connection, tables):
            counts = {name: connection.execute(sa.select(sa.func.count()).select_from(sa.table(name, schema=self._schema))).scalar_one() for name in tables}
            cells = sum(rows * len(tables[name].columns) for name, rows in counts.items())
            small = cells <= FITS or self._link.dialect == "sqlite"  # which Spark does not read
            rows_of = self._whole(connection, tables) if small else {}
        return {name: DatabaseTable(table, rows_of.get(name), lambda spark, name=name: self.read(spark, [name])[name]) for name, table in tables.items()}  # type: ignore[misc]

    def check_free(self, names: Sequence[str], *, overwrite: bool = False) -> None:
        """Refuse, before hours of work, names that `write` would refuse.

        Raises:
            GenerationError: as for `write`.
        """
        with self._link.told("looking at its tables", GenerationError, texts=True), self._link.engine.connect() as connection:
            in_the_way(self._link, connection, self._schema, names, overwrite=overwrite)

    def write(
        self,
        tables: Mapping[str, Any] | str | os.PathLike[str],
        *,
        metadata: Metadata | None = None,
        like: TableStore | None = None,
        not_unique: Collection[tuple[str, tuple[str, ...]]] = (),
        overwrite: bool = False,
        spark: SparkSession | None = None,
    ) -> dict[str, int]:
        """Make tables with their keys and load them, all or none; keys are on when it returns, and every row has kept them.

        Args:
            tables: one pandas or Spark frame, catalog name or path (Delta, Parquet, CSV) per table; or one folder or schema that holds all of them.
            metadata: their primary and foreign keys; those of `like` by default.
            like: the database that they are copies of: lengths of text, columns that are never null, unique keys and comments are as there.
            not_unique: unique keys of `like` that the tables do not keep, by table and columns.
            overwrite: replace tables of these names. Else they are refused.
            spark: the session for names and paths; the active one by default.

        Returns:
            The number of rows of each table.

        Raises:
            SchemaError: a table cannot be read, or its keys name what is not there.
            GenerationError: tables are there already, or rows break a key; nothing was changed.
        """
        session = spark or SparkSession.getActiveSession()
        if isinstance(tables, str | os.PathLike):
            if session is None:
                raise SchemaError("a folder or schema of tables is read by Spark; start a session first (spark_session()), or pass frames")
            tables = all_tables(session, tables)
        original = like._look() if isinstance(like, Database) else Found()
        described = metadata if metadata is not None else original.metadata
        rows = {name: batches_of(source, list(keys_of(described, name)), session) for name, source in tables.items()}
        left = {(name, frozenset(columns)) for name, columns in not_unique}
        known = {n: replace(t, unique=tuple(c for c in t.unique if (n, frozenset(c)) not in left)) for n, t in original.tables.items()}
        plan = planned(described, {name: batches.schema for name, batches in rows.items()}, known)
        return Loading(self._link, self._schema, plan, rows, overwrite=overwrite).run()

    def _look(self) -> Found:
        if self._found is None:
            self._found = found_tables(self._link, self._schema, self._only, self._leave_out)
        return self._found

    def _whole(self, connection: sa.Connection, tables: Mapping[str, FoundTable]) -> dict[str, pa.Table]:
        return {name: pa.concat_tables(chunks_of(self._link, connection, self._schema, table)) for name, table in tables.items()}

    @contextmanager
    def _reading(self, names: Sequence[str] | None) -> Iterator[tuple[sa.Connection, dict[str, FoundTable]]]:
        """A connection, and the tables with types that their values fit."""
        known = self._look().tables
        if missing := sorted(set(names or ()) - set(known)):
            raise SchemaError(f"{self!r} has no tables {missing}; it has {sorted(known)[:SHOWN]}")
        some = {name: table for name, table in known.items() if names is None or name in names}
        with self._link.told("reading tables", SchemaError), reading_connection(self._link) as connection:
            yield connection, looks(self._link, connection, self._schema, some)


def _pandas(table: pa.Table) -> pd.DataFrame:
    return table.to_pandas(types_mapper=pd.ArrowDtype)
