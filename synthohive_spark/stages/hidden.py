"""The real rows with the hidden columns that a row model learns: whether keys are there, and numbers of children."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import and_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from ..spec.identifiers import quoted
from ..spec.metadata import ForeignKey
from ..spec.program import TableProgram, count_column, status_column


def with_hidden(data: Mapping[str, DataFrame], program: TableProgram, programs: Mapping[str, TableProgram]) -> DataFrame:
    """The rows of `program`'s table; one join with the counted children of each key that is drawn."""
    rows = data[program.table]
    for match in program.matches:
        if match.status:
            rows = rows.withColumn(status_column(match.key), key_present(program.foreign_keys[match.key].columns))
    for child, other in programs.items():
        for index, key in enumerate(other.foreign_keys):
            name = count_column(child, index)
            if key.parent_table == program.table and name in program.drawn:
                rows = _with_children_counted(rows, data[child], key, name)
    return rows


def key_present(columns: Sequence[str]) -> Column:
    """Whether no part of a key is null."""
    return reduce(and_, (F.col(quoted(c)).isNotNull() for c in columns))


def _with_children_counted(parents: DataFrame, children: DataFrame, key: ForeignKey, name: str) -> DataFrame:
    """`parents` with a column `name`: how many `children` each has along `key`."""
    keys = [f"__key_{i}" for i in range(len(key.columns))]
    there = children.where(key_present(key.columns)).select(*(F.col(quoted(c)).alias(k) for c, k in zip(key.columns, keys, strict=True)))
    counts = there.groupBy(*keys).agg(F.count(F.lit(1)).alias(name))
    on = [F.col(quoted(c)) == F.col(k) for c, k in zip(key.parent_columns, keys, strict=True)]
    return parents.join(counts, on, "left").drop(*keys).withColumn(name, F.coalesce(name, F.lit(0)))
