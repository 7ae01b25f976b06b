"""Rows whose key has no parent: what the policies do with them.

A key with a null in any part points at nothing and is no orphan (SQL's MATCH SIMPLE).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import reduce
from operator import and_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from ..spec.graph import KeyRef, SchemaGraph
from ..spec.hidden import hidden
from ..spec.identifiers import quoted
from ..spec.metadata import ForeignKey, Metadata
from ..spec.structure import columns_to_null
from .frames import all_there


def apply_orphan_policies(metadata: Metadata, data: Mapping[str, DataFrame]) -> dict[str, DataFrame]:
    """The tables with the orphan policy of each foreign key carried out; lazy, with the columns and types as they were.

    `null` empties the key's columns that no other key uses; `drop` leaves rows out, and rows whose parent was left out follow the policy of their own
    key. Tables whose keys all have the policy `error` come back as they are. Run `examine` first: it finds what the policies cannot mend.

    Raises:
        SchemaError: the keys form a cycle that cannot be broken.
    """
    kept = drop_orphans(metadata, data)
    return {name: _null_orphans(metadata, name, kept) if name in metadata.tables else frame for name, frame in kept.items()}


def drop_orphans(metadata: Metadata, data: Mapping[str, DataFrame], skip: Collection[KeyRef] = ()) -> dict[str, DataFrame]:
    """The tables without the rows that `drop` leaves out; lazy. Deferred keys drop nothing, nor do those in `skip`.

    `null` changes no column that another key uses, so the order of the two does not matter.
    """
    graph = SchemaGraph.from_metadata(metadata)
    kept = dict(data)
    for name in (n for n in graph.order if n in data):
        for index, key in enumerate(metadata.tables[name].foreign_keys):
            ref = KeyRef(table=name, index=index)
            if key.orphans == "drop" and key.parent_table in data and ref not in graph.deferred and ref not in skip:
                columns = [F.col(quoted(c)) for c in kept[name].columns]
                kept[name] = _marked(kept[name], key, kept[key.parent_table], index).where(~_is_orphan(key, index)).select(*columns)
    return kept


def _null_orphans(metadata: Metadata, name: str, kept: Mapping[str, DataFrame]) -> DataFrame:
    frame, table = kept[name], metadata.tables[name]
    nullable = {field.name for field in frame.schema if field.nullable}
    empty_when: dict[str, Column] = {}  # a column that one key may empty is used by no other, so it has one condition
    marked = frame
    for index, key in enumerate(table.foreign_keys):
        if key.orphans == "null" and key.parent_table in kept:
            marked = _marked(marked, key, kept[key.parent_table], index)
            for column in columns_to_null(metadata, table, index, nullable):
                empty_when[column] = _is_orphan(key, index)
    if not empty_when:
        return frame
    return marked.select(*(F.when(~empty_when[c], F.col(quoted(c))).alias(c) if c in empty_when else F.col(quoted(c)) for c in frame.columns))


def _marked(child: DataFrame, key: ForeignKey, parent: DataFrame, index: int) -> DataFrame:
    """The child with a hidden column that is true where the key has a parent, and the hidden copy of the parent's key."""
    # Parents that repeat would multiply the child's rows; they are made distinct even though a checked key cannot repeat.
    parents = _parent_keys(key, parent, index).distinct().withColumn(_found(index), F.lit(True))
    return child.join(parents, on=_same_key(key, index), how="left")


def _parent_keys(key: ForeignKey, parent: DataFrame, index: int) -> DataFrame:
    # Aliases, since a table that points at itself would otherwise meet columns of its own name.
    return parent.where(all_there(key.parent_columns)).select(*(F.col(quoted(c)).alias(_copy(index, i)) for i, c in enumerate(key.parent_columns)))


def _same_key(key: ForeignKey, index: int) -> Column:
    return reduce(and_, (F.col(quoted(c)) == F.col(_copy(index, i)) for i, c in enumerate(key.columns)))


def _is_orphan(key: ForeignKey, index: int) -> Column:
    return all_there(key.columns) & F.col(_found(index)).isNull()


def _copy(index: int, part: int) -> str:
    return hidden(f"parent_{index}_{part}")


def _found(index: int) -> str:
    return hidden(f"found_{index}")
