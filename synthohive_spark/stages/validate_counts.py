"""Counts of both sides on the grids: of values, of pairs of values, and of what correlations need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from ..kernels.statistics import CODE, COUNTS_DDL, LABEL, MOMENT, PAIR, STRIDE, TablePlan, partial_counts
from .jobs import batches, union_all
from .validate_columns import ScoredTable
from .validate_tables import Counts

TABLES_PER_JOB = 16  # planning a union grows faster than its length
_GAP_UNIT = 10**12  # gaps are summed as integers: sums of floats depend on their order


def count_tables(tables: Sequence[ScoredTable], plans: Mapping[int, TablePlan]) -> dict[int, Counts]:
    """Counts on the grids of all tables, by their index.

    One query of five shuffles of counts, not of rows, for every `TABLES_PER_JOB` tables; it reads each table once.
    """
    counts = {t.index: Counts(plans[t.index], t.sizes) for t in tables}
    for batch in batches(tables, TABLES_PER_JOB):
        for row in _counted(batch, plans).collect():
            _put(counts[row["table"]], row)
    return counts


def _counted(tables: Sequence[ScoredTable], plans: Mapping[int, TablePlan]) -> DataFrame:
    parts = []
    for t in tables:
        for fake, frame in ((False, t.real), (True, t.synthetic)):
            kernel = partial(partial_counts, plan=plans[t.index], synthetic=fake)
            parts.append(frame.select(*t.plain(frame)).mapInPandas(kernel, schema=COUNTS_DDL))
    cells = union_all(parts).groupBy("table", "what", "item", "code").agg(F.sum("real").alias("real"), F.sum("synthetic").alias("synthetic"))
    grouped = cells.withColumns(_gaps(tables)).groupBy("table", "what", "item", F.when(F.col("what").isin(CODE, MOMENT), F.col("code")).alias("code"))
    return grouped.agg(*(F.sum(c).alias(c) for c in ("real", "synthetic", "gap", "half_gap", "alone_gap")))


def _gaps(tables: Sequence[ScoredTable]) -> dict[str, Column]:
    """Per cell: how far the shares of the rows are apart, what is expected of two real halves, and of independent columns, in units of 1 / `_GAP_UNIT`."""
    n = F.create_map(*(F.lit(x) for t in tables for x in (t.index, float(max(t.sizes.real, 1)))))[F.col("table")]
    m = F.create_map(*(F.lit(x) for t in tables for x in (t.index, float(max(t.sizes.synthetic, 1)))))[F.col("table")]
    chance = F.col("what").isin(LABEL, PAIR)
    gap = F.abs(F.col("real") / n - F.col("synthetic") / m)
    half = _half_gap(F.col("real"), n) / (n / 2)
    values = {"gap": (chance, gap), "half_gap": (chance, half), "alone_gap": (F.col("what") == PAIR, _alone_gap(n))}
    return {name: F.when(where, F.round(value * _GAP_UNIT)).otherwise(F.lit(0.0)).cast("long") for name, (where, value) in values.items()}


def _alone_gap(n: Column) -> Column:
    """How much more of the real rows a cell of a pair has than the product of its marginals, twice: the cells without rows, which are not there, have less."""
    first, second = F.floor(F.col("code") / STRIDE), F.col("code") % STRIDE
    # What is no pair goes along with windows of its own, one cell each.
    sides = [F.when(F.col("what") == PAIR, side).otherwise(F.col("code")) for side in (first, second)]
    marginals = [F.sum("real").over(Window.partitionBy("table", "what", "item", side)) for side in sides]
    return 2 * F.greatest(F.col("real") / n - marginals[0] / n * (marginals[1] / n), F.lit(0.0))


def _half_gap(count: Column, total: Column) -> Column:
    """`kernels.comparison.half_gap` as a Spark expression."""
    half = F.greatest(F.ceil(count / 2).cast("double"), F.lit(1.0))
    binomial = 2 * F.sqrt(half / np.pi) * (1 - 1 / (8 * half) + 1 / (128 * half * half))
    return F.when(count > 0, binomial * F.sqrt(F.greatest(total - count, F.lit(0.0)) / F.greatest(total - 1, F.lit(1.0)))).otherwise(0.0)


def _put(counts: Counts, row: Any) -> None:
    what, item, sides = row["what"], row["item"], (row["real"], row["synthetic"])
    if what == CODE:
        counts.codes[item][:, row["code"]] = sides
    elif what == LABEL:
        counts.rare[item] = (row["gap"] / _GAP_UNIT, row["half_gap"] / _GAP_UNIT)
    elif what == PAIR:
        counts.pairs[item] = (row["gap"] / _GAP_UNIT, row["half_gap"] / _GAP_UNIT, row["alone_gap"] / _GAP_UNIT)
    else:
        counts.moments[item][:, row["code"]] = sides
