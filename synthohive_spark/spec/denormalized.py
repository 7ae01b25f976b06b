"""Columns of a table that belong to a parent's row: all rows that one of its keys leads there have the same value (the price of a product, in order lines).

Such a column becomes a hidden one of the parent, and its rows repeat it as they repeat the columns that the parent shows.
"""

from __future__ import annotations

from collections.abc import Iterable

from .base import Spec
from .hidden import value_column
from .identifiers import HIDDEN_PREFIX
from .metadata import ForeignKey, Metadata, OrphanPolicy


class Denormalized(Spec):
    """Columns that the row which a key leads to decides.

    Attributes:
        table: that has them.
        key: the place of the key.
        columns: one that is no key, or those of another key of the table.
        leads: the place of that key; None where the column is none.
    """

    table: str
    key: int
    columns: tuple[str, ...]
    leads: int | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """What the columns are called in the parent's rows."""
        return tuple(value_column(self.table, self.key, c) for c in self.columns)


def with_hidden_keys(metadata: Metadata, found: Iterable[Denormalized]) -> Metadata:
    """`metadata`, in which the parents have the keys that follow from theirs, each the last one of its table."""
    tables = dict(metadata.tables)
    for entry in found:
        if entry.leads is not None:
            keys = metadata.tables[entry.table].foreign_keys
            parent, leads = tables[keys[entry.key].parent_table], keys[entry.leads]
            orphans: OrphanPolicy = "error" if leads.orphans == "error" else "null"  # to drop is the children's own matter
            key = ForeignKey(columns=entry.names, parent_table=leads.parent_table, parent_columns=leads.parent_columns, orphans=orphans)
            tables[parent.name] = parent.model_copy(update={"foreign_keys": (*parent.foreign_keys, key)})
    return metadata.model_copy(update={"tables": tables})


def without_hidden_keys(metadata: Metadata) -> Metadata:
    """The metadata as it was before."""
    tables = {}
    for name, table in metadata.tables.items():
        shown = tuple(key for key in table.foreign_keys if not key.columns[0].startswith(HIDDEN_PREFIX))
        tables[name] = table if len(shown) == len(table.foreign_keys) else table.model_copy(update={"foreign_keys": shown})
    return metadata.model_copy(update={"tables": tables})
