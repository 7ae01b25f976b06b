"""The real rows with the hidden columns that a row model learns: whether keys are there, and numbers of children."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ..spec.identifiers import quoted
from ..spec.metadata import ForeignKey
from ..spec.program import TableProgram, count_column, status_column
from .frames import all_there
from .jobs import union_all


def with_hidden(data: Mapping[str, DataFrame], program: TableProgram, programs: Mapping[str, TableProgram]) -> DataFrame:
    """The rows of `program`'s table; the children of all tables are counted in one grouping and joined at once for each key that they point at."""
    rows = data[program.table]
    for match in program.matches:
        if match.status:
            rows = rows.withColumn(status_column(match.key), all_there(program.foreign_keys[match.key].columns))
    counted: dict[tuple[str, ...], dict[str, DataFrame]] = defaultdict(dict)
    for child, other in programs.items():
        for index, key in enumerate(other.foreign_keys):
            name = count_column(child, index)
            if key.parent_table == program.table and name in program.drawn:
                # In one order of the parent's columns, whatever the order in which the key names them.
                order = tuple(sorted(key.parent_columns))
                counted[order][name] = _keys_of(data[child], key, order)
    for columns, children in counted.items():
        rows = _with_children_counted(rows, columns, children)
    return rows


def _keys_of(children: DataFrame, key: ForeignKey, order: Sequence[str]) -> DataFrame:
    own = dict(zip(key.parent_columns, key.columns, strict=True))
    return children.where(all_there(key.columns)).select(*(F.col(quoted(own[p])).alias(f"__key_{i}") for i, p in enumerate(order)))


def _with_children_counted(parents: DataFrame, columns: Sequence[str], children: Mapping[str, DataFrame]) -> DataFrame:
    """`parents` with a column for each of `children`: how many rows of it point at theirs."""
    keys = [f"__key_{i}" for i in range(len(columns))]
    every = union_all([frame.select(*keys, F.lit(i).alias("__child")) for i, frame in enumerate(children.values())])
    counts = every.groupBy(*keys).agg(*(F.count_if(F.col("__child") == i).alias(name) for i, name in enumerate(children)))
    on = [F.col(quoted(c)) == F.col(k) for c, k in zip(columns, keys, strict=True)]
    joined = parents.join(counts, on, "left").drop(*keys)
    return joined.withColumns({name: F.coalesce(name, F.lit(0)) for name in children})
