"""Tables to be made: their columns and keys, as SQLAlchemy has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from ...errors import SchemaError
from ...spec.graph import SchemaGraph
from ...spec.metadata import ForeignKey, Metadata
from ...spec.spelling import spelt, spelt_as
from .batches import keys_of
from .column_types import is_unlearnt, writing
from .connection import MYSQL
from .reflection import FoundColumn, FoundTable

# All letters, told apart as they are everywhere else here; and an engine that checks keys.
_OPTIONS: dict[str, Any] = {
    f"{name}_{option}": value for name in MYSQL for option, value in {"charset": "utf8mb4", "collate": "utf8mb4_bin", "engine": "InnoDB"}.items()
}


@dataclass(frozen=True)
class Planned:
    """The tables of one call, parents first where there is a first.

    Attributes:
        order: their names.
        metadata: their keys, spelt as their columns.
        schemas: their columns.
        like: what is known of the tables that they are copies of.
    """

    order: tuple[str, ...]
    metadata: Metadata
    schemas: Mapping[str, pa.Schema]
    like: Mapping[str, FoundTable]

    @property
    def keys(self) -> list[tuple[str, ForeignKey]]:
        return [(name, key) for name in self.order for key in self.metadata.tables[name].foreign_keys]

    def made(self, dialect: str, schema: str | None, names: Mapping[str, str]) -> dict[str, sa.Table]:
        """The tables, by name; foreign keys are added once rows are there, but where SQLite wants them from the start.

        Args:
            names: what each is called in the database.
        """
        into = sa.MetaData(schema=schema)
        made = {name: self._table(into, dialect, name, names[name]) for name in self.order}
        if dialect == "sqlite":
            self.foreign_keys(made, deferrable=True, initially="DEFERRED")
        return made

    def foreign_keys(self, made: Mapping[str, sa.Table], **options: Any) -> list[tuple[str, ForeignKey, sa.ForeignKeyConstraint]]:
        """The foreign keys, put on the tables that were made."""
        found = []
        for name, key in self.keys:
            above = made[key.parent_table]
            # Columns, not their names in a text: those may hold dots.
            constraint = sa.ForeignKeyConstraint(key.columns, [above.c[c] for c in key.parent_columns], **options)
            made[name].append_constraint(constraint)
            found.append((name, key, constraint))
        return found

    def _table(self, into: sa.MetaData, dialect: str, name: str, called: str) -> sa.Table:
        described, like = self.metadata.tables[name], self.like.get(name)
        in_key = {*keys_of(self.metadata, name), *(c for columns in self._unique(name) for c in columns)}
        columns = []
        for field in self.schemas[name]:
            found = self._known(name, field.name)
            source, column = self._origin(name, field.name) if dialect == "mysql" else (name, field.name)
            above = self._known(source, column)
            length = above.length if above is not None else None
            kind = writing(dialect, self.schemas[source].field(column).type, in_key=field.name in in_key, length=length)
            filled = field.name in described.primary_key or (found is not None and not found.nullable and not is_unlearnt(field.type))
            columns.append(sa.Column(field.name, kind, nullable=not filled, autoincrement=False, comment=found.comment if found else None))
        keys: list[sa.Constraint] = [sa.PrimaryKeyConstraint(*described.primary_key)] if described.primary_key else []
        keys += [sa.UniqueConstraint(*some) for some in self._unique(name)]
        return sa.Table(called, into, *columns, *keys, comment=like.comment if like else None, **_OPTIONS)

    def _known(self, name: str, column: str) -> FoundColumn | None:
        like = self.like.get(name)
        return next((found for found in like.columns if found.name == column), None) if like else None

    def _origin(self, name: str, column: str) -> tuple[str, str]:
        """The column at the top of the keys that a column is part of: MySQL wants the same type in both."""
        seen = {(name, column)}
        while True:
            keys = self.metadata.tables[name].foreign_keys
            above = next(((k.parent_table, p) for k in keys for own, p in zip(k.columns, k.parent_columns, strict=True) if own == column), None)
            if above is None or above in seen:
                return name, column
            seen.add(above)
            name, column = above

    def _unique(self, name: str) -> list[tuple[str, ...]]:
        """Sets of columns that are unique beside the primary key: what keys point at, and what is so in the original."""
        pointed = [key.parent_columns for table in self.metadata.tables.values() for key in table.foreign_keys if key.parent_table == name]
        like = self.like.get(name)
        there = set(self.schemas[name].names)
        found = {frozenset(c): c for c in [*pointed, *(like.unique if like else ())] if set(c) <= there}
        return [columns for some, columns in found.items() if some != set(self.metadata.tables[name].primary_key)]


def planned(metadata: Metadata, schemas: Mapping[str, pa.Schema], like: Mapping[str, FoundTable]) -> Planned:
    """The tables and keys of one call.

    Raises:
        SchemaError: keys name columns or tables that are not among them, with all faults.
    """
    metadata = spelt_as(Metadata(tables={n: metadata.tables[n] for n in schemas if n in metadata.tables}), {n: s.names for n, s in schemas.items()})
    for name in schemas:
        if name not in metadata.tables:
            metadata.add_table(name)
    faults = []
    for name, table in metadata.tables.items():
        there = set(schemas[name].names)
        if missing := sorted({*table.primary_key, *(c for key in table.foreign_keys for c in key.columns)} - there):
            faults.append(f"table {name!r}: its keys name the columns {missing}, which it does not have")
        for key in table.foreign_keys:
            if key.parent_table not in schemas:
                faults.append(f"table {name!r}: the key {key} points at a table that is not among them; write it too, or leave the key out of the metadata")
            elif not set(key.parent_columns) <= set(schemas[key.parent_table].names):
                faults.append(f"table {name!r}: the key {key} points at columns that are not there")
    if faults:
        raise SchemaError("; ".join(faults))
    return Planned(_order(metadata), metadata, schemas, {n: like[k] for n in schemas if (k := spelt(n, like)) in like})


def _order(metadata: Metadata) -> tuple[str, ...]:
    try:
        return SchemaGraph.from_metadata(metadata).order
    except SchemaError:  # no row could come first if keys were on while rows are loaded
        return tuple(metadata.tables)
