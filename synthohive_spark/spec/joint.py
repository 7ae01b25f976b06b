"""Keys of one table that lead to rows together: pairs that another table has, or that come back in many rows (the laps of each driver in each race)."""

from __future__ import annotations

from collections.abc import Iterable

from .base import Spec
from .metadata import ForeignKey, Metadata, Table


class JointKey(Spec):
    """A key that nobody declared, made of several that are.

    Attributes:
        table: that has them.
        keys: their places.
        columns: theirs, together.
        parent: the table that has all their pairs.
        parent_columns: the counterparts of the columns.
        made: that table was made for it, and is no part of a copy.
    """

    table: str
    keys: tuple[int, ...]
    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]
    made: bool = False


def with_joint_keys(metadata: Metadata, joint: Iterable[JointKey]) -> Metadata:
    """`metadata` with the keys, each the last one of its table, and with the tables that are made for them."""
    tables = dict(metadata.tables)
    for found in joint:
        table = tables[found.table]
        if found.made:
            declared = tuple(table.foreign_keys[i] for i in found.keys)
            tables[found.parent] = Table(name=found.parent, primary_key=found.columns, foreign_keys=declared, linkage_method=table.linkage_method)
        key = ForeignKey(columns=found.columns, parent_table=found.parent, parent_columns=found.parent_columns)
        tables[found.table] = table.model_copy(update={"foreign_keys": (*table.foreign_keys, key)})
    return metadata.model_copy(update={"tables": tables})


def without_joint_keys(metadata: Metadata, joint: Iterable[JointKey]) -> Metadata:
    """What the user asked."""
    joint = tuple(joint)
    made = {found.parent for found in joint if found.made}
    tables = {name: table for name, table in metadata.tables.items() if name not in made}
    for found in joint:
        table = tables[found.table]
        tables[found.table] = table.model_copy(update={"foreign_keys": table.foreign_keys[:-1]})
    return metadata.model_copy(update={"tables": tables})
