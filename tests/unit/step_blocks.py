"""Blocks for tests of single steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from synthohive_spark.kernels.block import Block, GenerationPlan, Parents
from synthohive_spark.kernels.columns import arrow_type
from synthohive_spark.spec.encoding import CategoryEncoding, NumberEncoding, TableEncoding, TextEncoding
from synthohive_spark.spec.fitted import FittedTable
from synthohive_spark.spec.hidden import FIRST, ROW, SIZE
from synthohive_spark.spec.metadata import ForeignKey
from synthohive_spark.spec.program import Phase, TableProgram

Encoding = NumberEncoding | CategoryEncoding | TextEncoding
PAIR = ForeignKey(columns=("country", "city"), parent_table="cities", parent_columns=("country", "city"))


def labels(name: str, *values: Any, counts: Sequence[int] | None = None, spark_type: str = "string") -> CategoryEncoding:
    counts = tuple(counts or [1] * len(values))
    weights = tuple(n / sum(counts) for n in counts)
    starts = tuple(range(len(values)))
    return CategoryEncoding(name=name, spark_type=spark_type, has_null=False, weights=weights, values=values, counts=counts, starts=starts)


def days(name: str, first: int, last: int) -> NumberEncoding:
    """Whole days from `first` to `last` since 1970, evenly."""
    knots = (first - 0.5, first - 0.5, last + 0.5, last + 0.5)
    return NumberEncoding(name=name, spark_type="date", has_null=False, weights=(1.0,), knots=knots, knots_per_bin=3, step=1.0)


def block(
    columns: Mapping[str, str],
    encodings: Sequence[Encoding] = (),
    *,
    rows: Sequence[int] = range(10),
    total: int | None = None,
    families: Sequence[int] | None = None,
    parents: Mapping[str, Sequence[Any]] | None = None,
    groups: tuple[Sequence[int], Sequence[int]] | None = None,
    there: Mapping[str, Sequence[Any]] | None = None,
    combinations: Sequence[tuple[str, str]] = (),
    partners: Mapping[int, int] | None = None,
    seed: int = 5,
) -> Block:
    """A block.

    Args:
        columns: name -> Spark type.
        rows: their numbers.
        total: rows of the table.
        families: children of each driving parent, which together are the rows; none for a root.
        parents: columns of the parents.
        groups: rank of each parent's first child in its group, and rows of that group.
        there: columns that the block has already.
        combinations: rows of the reference table `cities`.
    """
    rows = list(rows)
    program = TableProgram(
        table="t",
        rows=len(rows),
        columns=tuple((name, spark_type, True) for name, spark_type in columns.items()),
        foreign_keys=(PAIR,),
        phases=(Phase(steps=()),),
        driving=None if families is None else 0,
    )
    fitted = FittedTable(program=program, encoding=TableEncoding(table="t", rows=len(rows), columns=tuple(encodings)))
    pairs = tuple(pa.array([pair[i] for pair in combinations], pa.string()) for i in range(2))
    plan = GenerationPlan(fitted=fitted, seed=seed, total=len(rows) if total is None else total, combinations={0: pairs}, partners=partners or {})
    above = None
    if families is not None:
        frame = pd.DataFrame({ROW: range(len(families)), **(parents or {})})
        if groups is not None:
            frame[FIRST], frame[SIZE] = groups
        counts = np.array(families)
        of_child = np.repeat(np.arange(len(families)), counts)
        above = Parents(frame, of_child, np.arange(len(of_child)) - (np.cumsum(counts) - counts)[of_child], counts[of_child])
        rows = list(range(len(of_child)))
    made = Block(plan, 0, "rows", np.array(rows, dtype=np.int64), above)
    made.columns |= {name: pa.array(values, arrow_type(columns[name])) for name, values in (there or {}).items()}
    return made


def values(made: Block, *names: str) -> list[Any]:
    """The values of one column, or tuples of several."""
    lists = [made.columns[name].to_pylist() for name in names]
    return lists[0] if len(lists) == 1 else list(zip(*lists, strict=True))
