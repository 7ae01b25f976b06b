"""Names that differ from the data's in capitals only mean the same, as they do in Spark."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .metadata import ForeignKey, Metadata, Table


def spelt(name: str, known: Iterable[str]) -> str:
    """The one of `known` that is `name`, whatever the capitals; `name` itself where there is none, or several."""
    names = list(known)
    if name in names:
        return name
    same = [k for k in names if k.casefold() == name.casefold()]
    return same[0] if len(same) == 1 else name


def spelt_as(metadata: Metadata, columns: Mapping[str, Sequence[str]]) -> Metadata:
    """The metadata with the columns spelt as in the data, and the parents of keys as the tables that they mean.

    Args:
        columns: of each table in the data.
    """
    tables = {name: _table(metadata, table, columns) for name, table in metadata.tables.items()}
    return metadata.model_copy(update={"tables": tables})


def _table(metadata: Metadata, table: Table, columns: Mapping[str, Sequence[str]]) -> Table:
    own = columns.get(table.name, ())

    def names(of: Iterable[str]) -> tuple[str, ...]:
        return tuple(spelt(c, own) for c in of)

    def keyed(mapping: Mapping[str, Any]) -> dict[str, Any]:
        return {spelt(c, own): value for c, value in mapping.items()}

    keys = tuple(_key(metadata, key, own, columns) for key in table.foreign_keys)
    above = [c for key in keys for c in columns.get(key.parent_table, ())]
    context = table.parent_context_cols
    return table.model_copy(
        update={
            "primary_key": names(table.primary_key),
            "foreign_keys": keys,
            "parent_context_cols": None if context is None else tuple(spelt(c, dict.fromkeys(above)) for c in context),
            "constraints": keyed(table.constraints),
            "pii_cols": keyed(table.pii_cols),
            "high_cardinality_cols": names(table.high_cardinality_cols),
            "order_by": None if table.order_by is None else spelt(table.order_by, own),
        }
    )


def _key(metadata: Metadata, key: ForeignKey, own: Sequence[str], columns: Mapping[str, Sequence[str]]) -> ForeignKey:
    parent = spelt(key.parent_table, metadata.tables)
    above = columns.get(parent, ())
    return key.model_copy(
        update={
            "columns": tuple(spelt(c, own) for c in key.columns),
            "parent_table": parent,
            "parent_columns": tuple(spelt(c, above) for c in key.parent_columns),
        }
    )
