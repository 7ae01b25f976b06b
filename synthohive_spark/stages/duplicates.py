"""Rows whose primary key is null, or that of another row: what the policies do with them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from functools import reduce
from operator import and_

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from ..spec.hidden import hidden
from ..spec.identifiers import quoted
from ..spec.metadata import Metadata
from ..spec.planning.faults import leaves_out
from ..spec.types import is_supported
from ..storage.frames import read_parquet, write_parquet
from .frames import all_there
from .tally import KeyCount, count_keys, total

_ROWS, _PLACE = hidden("rows"), hidden("place")

Aside = Callable[[str], str]  # a folder for rows of a table, that all executors reach


def without_duplicates(metadata: Metadata, data: Mapping[str, DataFrame], dirty: Mapping[str, int], aside: Aside) -> dict[str, DataFrame]:
    """The tables without the rows that the policies leave out.

    Of each dirty table the rows that share their keys are found once, by one shuffle of its keys, and the ones that stay are set aside; whenever the table is
    read, it is joined with these few.

    Args:
        dirty: how many rows that are, by table. Those of tables without a policy of their own are warned of.
        aside: where the rows that stay are kept.
    """
    for name, rows in dirty.items():
        if metadata.tables[name].duplicates is None:
            key = ", ".join(metadata.tables[name].primary_key)
            warnings.warn(f"table {name!r}: left out {rows} rows whose primary key ({key}) is null or that of another row", stacklevel=2)
    return {name: _first_of_each(frame, metadata.tables[name].primary_key, aside(name)) if name in dirty else frame for name, frame in data.items()}


def apply_duplicate_policies(metadata: Metadata, data: Mapping[str, DataFrame], aside: Aside) -> dict[str, DataFrame]:
    """The same, with the rows counted first: one query for every `KEYS_PER_JOB` primary keys that may repeat."""
    keys = {
        name: table.primary_key
        for name, table in metadata.tables.items()
        if name in data and table.primary_key and table.duplicates != "error" and set(table.primary_key) <= set(data[name].columns)
    }
    counted = count_keys([KeyCount(name, key) for name, key in keys.items()], data)
    dirty = {}
    for name, tallies in zip(keys, counted, strict=True):
        rows, read = total(tallies, "repeats") + total(tallies, "hollow"), total(tallies, "parents")
        if leaves_out(metadata.tables[name].duplicates, rows, read):
            dirty[name] = rows
    return without_duplicates(metadata, data, dirty, aside)


def _first_of_each(frame: DataFrame, key: tuple[str, ...], folder: str) -> DataFrame:
    clean = frame.where(all_there(key))
    write_parquet(_staying(clean, key), folder)
    staying = read_parquet(frame.sparkSession, folder, frame.schema.jsonValue())
    taken = staying.select(*(F.col(quoted(c)).alias(hidden(f"taken_{i}")) for i, c in enumerate(key)))
    same = reduce(and_, (F.col(quoted(c)) == F.col(hidden(f"taken_{i}")) for i, c in enumerate(key)))
    return clean.join(taken, same, "left_anti").union(staying)


def _staying(clean: DataFrame, key: tuple[str, ...]) -> DataFrame:
    """Of all rows that share a key the one that stays."""
    columns = [F.col(quoted(c)) for c in clean.columns]
    names = [F.col(quoted(c)) for c in key]
    shared = clean.groupBy(*names).agg(F.count(F.lit(1)).alias(_ROWS)).where(F.col(_ROWS) > 1)
    shared = shared.select(*(name.alias(hidden(f"taken_{i}")) for i, name in enumerate(names)))
    same = reduce(and_, (name == F.col(hidden(f"taken_{i}")) for i, name in enumerate(names)))
    # Rows have no order of their own: which one stays must not depend on files or partitions. Spark hashes no maps.
    hashed = F.xxhash64(*(F.col(quoted(f.name)) for f in clean.schema.fields if is_supported(f.dataType.simpleString())))
    order = Window.partitionBy(*names).orderBy(hashed)
    return clean.join(shared, same, "left_semi").withColumn(_PLACE, F.row_number().over(order)).where(F.col(_PLACE) == 1).select(*columns)
