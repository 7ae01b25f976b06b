"""Rows whose primary key is null, or that of another row: what the policies do with them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql import types as T

from ..spec.hidden import hidden
from ..spec.identifiers import quoted
from ..spec.metadata import Metadata
from .frames import all_there

_PLACE = hidden("place")


def without_duplicates(metadata: Metadata, data: Mapping[str, DataFrame], dirty: Mapping[str, int]) -> dict[str, DataFrame]:
    """The tables without the rows that the policies leave out; lazy: one shuffle of a dirty table whenever it is read.

    Args:
        dirty: how many rows that are, by table. Those of tables without a policy of their own are warned of.
    """
    for name, rows in dirty.items():
        if metadata.tables[name].duplicates is None:
            key = ", ".join(metadata.tables[name].primary_key)
            warnings.warn(f"table {name!r}: left out {rows} rows whose primary key ({key}) is null or that of another row", stacklevel=2)
    return {name: _first_of_each(frame, metadata.tables[name].primary_key) if name in dirty else frame for name, frame in data.items()}


def _hashable(field: T.StructField) -> Column:
    """Spark hashes no maps."""
    column = F.col(quoted(field.name))
    return column if isinstance(field.dataType, T.AtomicType) else F.to_json(F.struct(column))


def apply_duplicate_policies(metadata: Metadata, data: Mapping[str, DataFrame]) -> dict[str, DataFrame]:
    """The same for the tables with the policy `drop`, whether they have such rows or not."""
    policies = {name: table for name, table in metadata.tables.items() if table.duplicates == "drop" and table.primary_key}
    return {name: _first_of_each(frame, policies[name].primary_key) if name in policies else frame for name, frame in data.items()}


def _first_of_each(frame: DataFrame, key: tuple[str, ...]) -> DataFrame:
    columns = [F.col(quoted(c)) for c in frame.columns]
    # Rows have no order of their own: which one stays must not depend on files or partitions.
    order = Window.partitionBy(*(F.col(quoted(c)) for c in key)).orderBy(F.xxhash64(*(_hashable(f) for f in frame.schema.fields)))
    return frame.where(all_there(key)).withColumn(_PLACE, F.row_number().over(order)).where(F.col(_PLACE) == 1).select(*columns)
