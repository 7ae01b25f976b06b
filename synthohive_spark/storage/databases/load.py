"""Loading tables into a database, all or none.

Where `CREATE TABLE` is part of a transaction (PostgreSQL, SQLite) one transaction does it all. In MySQL the tables are loaded under names of ours, and one
`RENAME TABLE` puts all of them into place. Elsewhere what was made is dropped after a failure. Foreign keys are added once all rows are there, so that
self references and cycles need no order; in SQLite, which adds none later, they are checked at the end of the transaction.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import NoSuchTableError
from sqlalchemy.schema import AddConstraint, CreateTable

from ...errors import GenerationError
from ...spec.identifiers import SQLITE_BROKEN_KEYS_SQL, SQLITE_KEYS_LATER_SQL, rename_tables_sql
from .batches import Batches, rows_of
from .connection import Link
from .ddl import Planned
from .reflection import STAGING

_TRANSACTIONAL = ("postgresql", "sqlite")
_SHOWN = 20  # names of a long list


class Loading:
    """One call of `Database.write`."""

    def __init__(self, link: Link, schema: str | None, plan: Planned, rows: Mapping[str, Batches], *, overwrite: bool) -> None:
        self.link, self.schema, self.plan, self.rows, self.overwrite = link, schema, plan, rows, overwrite
        self.made: list[str] = []  # names in the database: no others are dropped after a failure

    def run(self) -> dict[str, int]:
        """Make and load the tables.

        Returns:
            The number of rows by table.

        Raises:
            GenerationError: tables are there already, rows break a key, or the database refuses something; nothing was changed.
        """
        with self.link.told("writing tables", GenerationError):
            if self.link.dialect in _TRANSACTIONAL:
                return self._in_one_transaction()
            return self._renamed() if self.link.dialect == "mysql" else self._dropped_on_failure()

    def _in_one_transaction(self) -> dict[str, int]:
        with self.link.engine.begin() as connection:
            if self.link.dialect == "sqlite":
                connection.exec_driver_sql(SQLITE_KEYS_LATER_SQL)
            self._drop(connection, self._replaced(connection))
            loaded = self._load(connection, {name: name for name in self.plan.order})
            if self.link.dialect == "sqlite":
                self._refuse_broken(connection)
        return loaded

    def _renamed(self) -> dict[str, int]:
        mark = f"{STAGING}{secrets.token_hex(4)}"
        ours = {name: f"{mark}_{place}" for place, name in enumerate(self.plan.order)}
        with self.link.engine.connect() as connection:
            old = self._replaced(connection)
        aside = {name: f"{mark}_old_{place}" for place, name in enumerate(old)}
        try:
            with self.link.engine.begin() as connection:
                loaded = self._load(connection, ours)
            moves = [(name, aside[name]) for name in old] + [(ours[name], name) for name in self.plan.order]
            with self.link.engine.begin() as connection:
                connection.exec_driver_sql(rename_tables_sql((self._quoted(was), self._quoted(becomes)) for was, becomes in moves))
        except BaseException:
            self._clear(self.made)
            raise
        self._clear(list(aside.values()))
        return loaded

    def _dropped_on_failure(self) -> dict[str, int]:
        with self.link.engine.connect() as connection:
            if self._replaced(connection):
                raise GenerationError(f"{self.link.where}: its tables cannot be replaced all at once; drop them first, or write to another schema")
        try:
            with self.link.engine.begin() as connection:
                return self._load(connection, {name: name for name in self.plan.order})
        except BaseException:
            self._clear(self.made)
            raise

    def _replaced(self, connection: sa.Connection) -> list[str]:
        return in_the_way(self.link, connection, self.schema, self.plan.order, overwrite=self.overwrite)

    def _load(self, connection: sa.Connection, names: Mapping[str, str]) -> dict[str, int]:
        """Make the tables, insert their rows, add their keys."""
        made = self.plan.made(self.link.dialect, self.schema, names)
        for name in self.plan.order:
            self._step(f"making table {name!r}", lambda name=name: connection.execute(CreateTable(made[name])))  # type: ignore[misc]
            self.made.append(names[name])
            self._comment(connection, made[name])
        loaded = {name: self._insert(connection, name, made[name]) for name in self.plan.order}
        if self.link.dialect != "sqlite":
            for name, key, constraint in self.plan.foreign_keys(made):
                self._step(f"adding the foreign key {key} of table {name!r}", lambda one=constraint: connection.execute(AddConstraint(one)))  # type: ignore[misc]
        return loaded

    def _comment(self, connection: sa.Connection, table: sa.Table) -> None:
        if not self.link.engine.dialect.supports_comments or self.link.engine.dialect.inline_comments:
            return
        if table.comment:
            connection.execute(sa.schema.SetTableComment(table))
        for column in table.columns:
            if column.comment:
                connection.execute(sa.schema.SetColumnComment(column))

    def _insert(self, connection: sa.Connection, name: str, table: sa.Table) -> int:
        columns: list[sa.ColumnClause[Any]] = [sa.column(column.name) for column in table.columns]  # without types, as values are the driver's already
        insert = sa.insert(sa.table(table.name, *columns, schema=self.schema)).values({c: sa.bindparam(f"c{place}") for place, c in enumerate(columns)})
        loaded = 0
        for some in self.rows[name].read():
            for rows in rows_of(some, self.link.dialect, f"table {name!r}"):
                self._step(f"loading table {name!r}", lambda rows=rows: connection.execute(insert, rows))  # type: ignore[misc]
                loaded += len(rows)
        return loaded

    def _step(self, doing: str, work: Callable[[], Any]) -> None:
        with self.link.told(f"nothing was written, as {doing}", GenerationError):
            work()

    def _refuse_broken(self, connection: sa.Connection) -> None:
        broken = {(row[0], row[2]) for row in connection.exec_driver_sql(SQLITE_BROKEN_KEYS_SQL).fetchmany(1000)}
        ours = sorted(f"{child} -> {parent}" for child, parent in broken if child in self.plan.order)
        if ours:
            raise GenerationError(f"{self.link.where}: rows have foreign keys without a parent, and nothing was written: {', '.join(ours)}")

    def _clear(self, names: Sequence[str]) -> None:
        """Drop tables of ours, as far as they were made."""
        with self.link.engine.begin() as connection:
            self._drop(connection, [name for name in names if sa.inspect(connection).has_table(name, schema=self.schema)])

    def _drop(self, connection: sa.Connection, names: Sequence[str]) -> None:
        """Drop tables, whatever keys they have among themselves."""
        there = sa.MetaData(schema=self.schema)
        try:
            there.reflect(connection, only=list(names), resolve_fks=False) if names else None
        except NoSuchTableError:
            raise GenerationError(f"{self.link.where}: tables went away while they were to be replaced; try again") from None
        if self.link.dialect != "sqlite":
            for table in there.tables.values():
                for key in table.foreign_key_constraints:
                    connection.execute(sa.schema.DropConstraint(key))
        for table in there.tables.values():
            connection.execute(sa.schema.DropTable(table))

    def _quoted(self, name: str) -> str:
        return str(self.link.engine.dialect.identifier_preparer.format_table(sa.table(name, schema=self.schema)))


def in_the_way(link: Link, connection: sa.Connection, schema: str | None, names: Sequence[str], *, overwrite: bool) -> list[str]:
    """The tables of these names that are there, and may be replaced.

    Raises:
        GenerationError: they may not, or the schema is not there.
    """
    inspector = sa.inspect(connection)
    if schema is not None and schema not in inspector.get_schema_names():
        raise GenerationError(f"{link.where} has no schema {schema!r}; make it first")
    tables, views = set(inspector.get_table_names(schema=schema)), set(inspector.get_view_names(schema=schema))
    there = sorted(set(names) & (tables | views))
    if there and not overwrite:
        raise GenerationError(f"{link.where} has {there[:_SHOWN]} already, and nothing was written; with overwrite=True they are replaced")
    if taken := sorted(set(there) & views):
        raise GenerationError(f"{link.where}: {taken} are views; drop them first")
    others = sorted(tables - set(there)) if there else []
    keys = inspector.get_multi_foreign_keys(schema=schema, filter_names=others) if others else {}
    pointing = sorted({str(name) for (_, name), found in keys.items() for key in found if key["referred_table"] in there})
    if pointing:
        raise GenerationError(f"{link.where}: {pointing[:_SHOWN]} have foreign keys to tables that would be replaced; write them too, or drop their keys")
    return there
