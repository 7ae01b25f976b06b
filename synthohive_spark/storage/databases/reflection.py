"""What the tables of a database are: columns with their types, keys, comments, from SQLAlchemy's inspector; and what of them cannot be taken, in words."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.engine.interfaces import ReflectedForeignKeyConstraint
from sqlalchemy.types import TypeEngine

from ...errors import SchemaError
from ...spec.detection.facts import DeclaredKey
from ...spec.identifiers import column_name_faults, table_name_faults
from ...spec.metadata import ForeignKey, Metadata, Table
from ...spec.spelling import spelt
from .column_types import ReadAs, is_unlearnt, reading
from .connection import Link

BY = "a constraint of the database"
STAGING = "_synthohive_"  # begins the names of tables that a killed process can leave in MySQL
SHOWN = 20  # names of a long list


@dataclass(frozen=True)
class FoundColumn:
    """One column that can be read.

    Attributes:
        name: of it.
        kind: as the database has it.
        read: how it is read.
        nullable: whether it may be null.
        comment: in words.
    """

    name: str
    kind: TypeEngine[Any]
    read: ReadAs
    nullable: bool
    comment: str | None = None

    @property
    def length(self) -> int | None:
        """The most letters that its text has, where the database says so."""
        if self.read.cast is not None or not pa.types.is_string(self.read.arrow) or isinstance(self.kind, mysql.SET):  # whose length is that of one word
            return None
        return getattr(self.kind, "length", None)


@dataclass(frozen=True)
class FoundTable:
    """One table.

    Attributes:
        name: of it.
        columns: those that can be read, in the table's order.
        primary_key: its columns.
        foreign_keys: to tables that were found, too.
        unique: sets of columns that are unique beside the primary key.
        comment: in words.
    """

    name: str
    columns: tuple[FoundColumn, ...]
    primary_key: tuple[str, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    comment: str | None = None

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    @property
    def declared(self) -> tuple[DeclaredKey, ...]:
        """Its keys, for `detect`."""
        primary = [DeclaredKey(self.primary_key, by=BY)] if self.primary_key else []
        return (*primary, *(DeclaredKey(key.columns, key.parent_table, key.parent_columns, BY) for key in self.foreign_keys))


@dataclass
class Found:
    """The tables of a schema.

    Attributes:
        tables: by name, in order of their names.
        left_out: what could not be taken, in sentences.
    """

    tables: dict[str, FoundTable] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)

    @property
    def metadata(self) -> Metadata:
        """The tables as metadata; columns of types that are not learnt stay, without values."""
        metadata = Metadata()
        for table in self.tables.values():
            unlearnt = any(is_unlearnt(column.read.arrow) for column in table.columns)
            described = Table(
                name=table.name,
                primary_key=table.primary_key,
                foreign_keys=table.foreign_keys,
                unsupported="null" if unlearnt else "error",
            )
            metadata.tables[table.name] = described
        return metadata


def found_tables(link: Link, schema: str | None, only: Sequence[str] | None, leave_out: Mapping[str, Iterable[str]]) -> Found:
    """All tables of a schema (views are none), with a few queries for all of them.

    Args:
        only: the tables to take; all where None.
        leave_out: columns to leave, by table.

    Raises:
        SchemaError: the database cannot be reached, or has no such schema or table.
    """
    with link.told("looking at its tables", SchemaError, texts=True), warnings.catch_warnings():
        warnings.simplefilter("ignore", sa.exc.SAWarning)  # of types that it does not know, and tables that it cannot look into: both are told below
        with link.engine.connect() as connection:
            inspector = sa.inspect(connection)
            if schema is not None and schema not in inspector.get_schema_names():
                raise SchemaError(f"{link.where} has no schema {schema!r}; it has {sorted(inspector.get_schema_names())[:SHOWN]}")
            there = set(inspector.get_table_names(schema=schema)) - _partitions(link, connection, schema or inspector.default_schema_name)
            names = _chosen(link, schema, there, only)
            look = _Look(link, inspector, schema, names)
            return look.found(leave_out)


def _partitions(link: Link, connection: sa.Connection, schema: str | None) -> set[str]:
    """Partitions of PostgreSQL's tables, which are listed beside these and hold the same rows."""
    if link.dialect != "postgresql":
        return set()
    classes = sa.table("pg_class", sa.column("relname"), sa.column("relispartition"), sa.column("relnamespace"), schema="pg_catalog")
    spaces = sa.table("pg_namespace", sa.column("oid"), sa.column("nspname"), schema="pg_catalog")
    joined = classes.join(spaces, classes.c.relnamespace == spaces.c.oid)
    return set(connection.scalars(sa.select(classes.c.relname).select_from(joined).where(classes.c.relispartition, spaces.c.nspname == schema)))


def _chosen(link: Link, schema: str | None, there: set[str], only: Sequence[str] | None) -> list[str]:
    where = f"{link.where}{f', schema {schema!r}' if schema else ''}"
    if only is not None and (missing := sorted(set(only) - set(there))):
        raise SchemaError(f"{where} has no tables {missing}; it has {sorted(there)[:SHOWN]}")
    names = sorted({name for name in there if not name.startswith(STAGING)} if only is None else set(only))
    if faults := [fault for name in names for fault in table_name_faults(name)]:
        raise SchemaError(f"{where}: " + "; ".join(faults))
    if not names:
        raise SchemaError(f"{where} has no tables")
    return names


class _Look:
    def __init__(self, link: Link, inspector: sa.Inspector, schema: str | None, names: list[str]) -> None:
        self.link, self.schema, self.names = link, schema, names
        asked: dict[str, Any] = {"schema": schema, "filter_names": names}
        self.columns = _by_name(inspector.get_multi_columns(**asked))
        self.primary = _by_name(inspector.get_multi_pk_constraint(**asked))
        self.foreign = _by_name(inspector.get_multi_foreign_keys(**asked))
        self.unique = _by_name(inspector.get_multi_unique_constraints(**asked))
        # SQLAlchemy reads SQLite's unique columns out of the table's SQL, not all of them; their indexes tell.
        more: dict[str, Any] = {"include_auto_indexes": True} if link.dialect == "sqlite" else {}
        self.indexes = _by_name(inspector.get_multi_indexes(**asked, **more))
        try:
            self.comments = _by_name(inspector.get_multi_table_comment(**asked))
        except NotImplementedError:  # SQLite has none
            self.comments = {}
        self.own = {None, schema, inspector.default_schema_name} if schema in (None, inspector.default_schema_name) else {schema}
        self.told: list[str] = []

    def found(self, leave_out: Mapping[str, Iterable[str]]) -> Found:
        tables = {name: self._table(name, set(leave_out.get(name, ()))) for name in self.names if name in self.columns}
        self.told += [f"table {name!r}: the database does not let it be looked into" for name in self.names if name not in self.columns]
        for name, table in tables.items():
            keys = tuple(key for raw in self.foreign.get(name, ()) if (key := self._key(table, raw, tables)) is not None)
            tables[name] = replace(table, foreign_keys=tuple(dict.fromkeys(keys)))
        return Found(tables, self.told)

    def _table(self, name: str, without: set[str]) -> FoundTable:
        columns = [column for raw in self.columns[name] if (column := self._column(name, raw, without)) is not None]
        if not columns:
            raise SchemaError(f"{self.link.where}: table {name!r} has no column that can be read")
        known = {column.name for column in columns}
        primary = tuple(self.primary.get(name, {}).get("constrained_columns") or ())
        if not set(primary) <= known:
            self.told.append(f"table {name!r}: its primary key ({', '.join(primary)}), which has a column that is left out")
            primary = ()
        return FoundTable(name, tuple(columns), primary, unique=self._uniques(name, primary, known), comment=self.comments.get(name, {}).get("text"))

    def _column(self, table: str, raw: Mapping[str, Any], without: set[str]) -> FoundColumn | None:
        name, kind = raw["name"], raw["type"]
        if name in without:
            return None
        read = reading(self.link.dialect, kind)
        if faults := column_name_faults(name):
            self.told += [f"table {table!r}: {fault}" for fault in faults]
        elif read is None:
            self.told.append(f"table {table!r}: the column {name!r}, of a type that SQLAlchemy does not know")
        else:
            return FoundColumn(name, kind, read, bool(raw.get("nullable", True)), raw.get("comment") or None)
        return None

    def _uniques(self, name: str, primary: tuple[str, ...], known: set[str]) -> tuple[tuple[str, ...], ...]:
        sets = [tuple(one["column_names"]) for one in self.unique.get(name, ())]
        # A unique index of some rows only, or of an expression, is no unique key.
        whole = [one for one in self.indexes.get(name, ()) if one.get("unique") and not one.get("expressions") and None not in one["column_names"]]
        sets += [tuple(map(str, one["column_names"])) for one in whole if not any(option.endswith("_where") for option in one.get("dialect_options", {}))]
        found: dict[frozenset[str], tuple[str, ...]] = {}
        for columns in sets:
            if columns and set(columns) <= known and set(columns) != set(primary):
                found.setdefault(frozenset(columns), columns)
        return tuple(found.values())

    def _key(self, table: FoundTable, raw: ReflectedForeignKeyConstraint, tables: Mapping[str, FoundTable]) -> ForeignKey | None:
        own, schema, parent = tuple(raw["constrained_columns"]), raw.get("referred_schema"), spelt(raw["referred_table"], tables)
        key = f"table {table.name!r}: the foreign key ({', '.join(own)})"
        if schema not in self.own:
            self.told.append(f"{key} to another schema, {schema}.{parent}")
        elif parent not in tables:
            self.told.append(f"{key} to {parent!r}, which is not among the tables")
        else:
            above = tables[parent]
            theirs = tuple(spelt(c, above.names) for c in raw["referred_columns"] or above.primary_key)
            columns = tuple(spelt(c, table.names) for c in own)
            if set(columns) <= set(table.names) and set(theirs) <= set(above.names) and len(theirs) == len(columns):
                return ForeignKey(columns=columns, parent_table=parent, parent_columns=theirs)
            self.told.append(f"{key}, which has a column that is left out")
        return None


def _by_name(found: Mapping[Any, Any]) -> dict[str, Any]:
    return {name: value for (_, name), value in found.items() if name is not None}
