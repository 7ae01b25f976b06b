"""The grids on which columns are compared, chosen on a bounded sample of the real rows of each table."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from ..kernels.seeds import derive_seed
from ..kernels.statistics import COLUMNS_PER_TASK, PLAN_DDL, ColumnPlan, Kind, TablePlan, plan_columns
from .frames import bound
from .jobs import batches, union_all
from .profile import HASH_RANGE
from .validate_columns import ScoredTable, column, is_text, kind_of, without_text

SAMPLE_ROWS = 100_000  # quantiles of that many rows are off by 0.3 % at most; one executor task holds them
TABLES_PER_JOB = 32  # planning a union grows faster than its length
MAX_PAIRS = 2_000  # contingency tables of more column pairs would need over 50 MB per task


def plan_tables(tables: Sequence[ScoredTable], seed: int) -> tuple[list[ScoredTable], dict[int, TablePlan]]:
    """The tables without their columns of text, and the grids of the others by the tables' index.

    A query of one shuffle for every `TABLES_PER_JOB` tables, and one before for the larger tables with strings. Tables that fit into the sample are told
    from text exactly there, larger ones by a sketch of all rows.
    """
    tables = _without_frequent_text(tables)
    rows: dict[tuple[int, int], Any] = {}
    for batch in batches([t for t in tables if t.columns], TABLES_PER_JOB):
        samples = union_all([_chunks(t, _sample(t, seed)) for t in batch]).select("x.*")
        kernel = bound(plan_columns, kinds={t.index: t.kinds for t in batch})
        rows |= {(r["table"], r["item"]): r for r in samples.groupBy("table", "chunk").applyInPandas(kernel, PLAN_DDL).collect()}
    kept, plans = [], {}
    for t in tables:
        found = [rows.get((t.index, i)) for i in range(len(t.columns))]
        text = {i for i, row in enumerate(found) if row is not None and not _is_large(t) and is_text(row["distinct"], row["known"])}
        kept.append(without_text(t, text))
        grids = tuple(_column_plan(kind, row) for i, (kind, row) in enumerate(zip(t.kinds, found, strict=True)) if i not in text)
        plans[t.index] = TablePlan(table=t.index, columns=grids, pairs=_pairs(kept[-1], seed))
    return kept, plans


def _is_large(table: ScoredTable) -> bool:
    return table.sizes.real > SAMPLE_ROWS


def _without_frequent_text(tables: Sequence[ScoredTable]) -> list[ScoredTable]:
    """The tables without text, of those that do not fit into the sample."""
    strings = {t.index: [i for i, f in enumerate(_fields(t)) if isinstance(f.dataType, T.StringType)] for t in tables if _is_large(t)}
    text: dict[int, set[int]] = {t.index: set() for t in tables}
    for batch in batches([t for t in tables if strings.get(t.index)], TABLES_PER_JOB):
        values = [_strings(t, strings[t.index]) for t in batch]
        counted = union_all(values).groupBy("table", "item").agg(F.approx_count_distinct("value").alias("distinct"), F.count("value").alias("known"))
        for row in counted.collect():
            if is_text(row["distinct"], row["known"]):
                text[row["table"]].add(row["item"])
    return [without_text(t, text[t.index]) for t in tables]


def _fields(table: ScoredTable) -> list[T.StructField]:
    return [table.real.schema[c] for c in table.columns]


def _strings(table: ScoredTable, items: Sequence[int]) -> DataFrame:
    cells = F.array(*(F.struct(F.lit(i).alias("item"), column(table.columns[i]).alias("value")) for i in items))
    return table.real.select(F.lit(table.index).alias("table"), F.explode(cells).alias("x")).select("table", "x.*")


def _column_plan(kind: Kind, row: Any) -> ColumnPlan:
    if row is None:
        return ColumnPlan.empty(kind)
    edges, coarse, plot = (np.array(row[k], dtype="float64") for k in ("edges", "coarse", "plot"))
    return ColumnPlan(kind, edges, coarse, plot, tuple(row["labels"]), row["centre"], row["scale"])


def _pairs(table: ScoredTable, seed: int) -> tuple[tuple[int, int], ...]:
    pairs = list(combinations(range(len(table.columns)), 2))
    if len(pairs) > MAX_PAIRS:
        pairs = sorted(pairs, key=lambda p: derive_seed(seed, table.spec.name, table.columns[p[0]], table.columns[p[1]]))[:MAX_PAIRS]
    return tuple(sorted(pairs))


def _sample(table: ScoredTable, seed: int) -> DataFrame:
    """About `SAMPLE_ROWS` real rows as `c0` ..., chosen by their hash, with `weight`: how many rows of a plain sample each stands for."""
    plain = table.plain(table.real)
    rate = SAMPLE_ROWS / max(table.sizes.real, 1)
    if rate >= 1:
        return table.real.select(*plain, F.lit(1).alias("weight"))
    supported = [column(f.name) for f in table.real.schema.fields if kind_of(f.dataType)]
    hashed = F.pmod(F.xxhash64(F.lit(seed), *supported), F.lit(HASH_RANGE))
    if table.spec.primary_key:
        return table.real.where(hashed < int(rate * HASH_RANGE)).select(*plain, F.lit(1).alias("weight"))
    # Without a key equal rows have equal hashes and would stay or go together: a table of few distinct rows would lose its commonest.
    frame = table.real.select(*plain, hashed.alias("hashed")).groupBy(*(f"c{i}" for i in range(len(plain))), "hashed").count()
    share = F.col("count") * rate
    return frame.where(F.col("hashed") < share * HASH_RANGE).withColumn("weight", F.greatest(F.lit(1), F.round(share)).cast("int")).drop("hashed", "count")


def _chunks(table: ScoredTable, sample: DataFrame) -> DataFrame:
    """One row for every `COLUMNS_PER_TASK` columns of a row of the sample, so that rows of all tables can lie in one frame and no task holds a wide table."""
    chunks = [_chunk(table, start) for start in range(0, len(table.columns), COLUMNS_PER_TASK)]
    return sample.select(F.explode(F.array(*chunks)).alias("x"))


def _chunk(table: ScoredTable, start: int) -> Column:
    columns = [(F.col(f"c{i}"), kind) for i, kind in enumerate(table.kinds)][start : start + COLUMNS_PER_TASK]
    numbers = F.array(*(c for c, kind in columns if kind != "label")).cast("array<double>")
    labels = F.array(*(c for c, kind in columns if kind == "label")).cast("array<string>")
    fixed = {"table": F.lit(table.index), "chunk": F.lit(start // COLUMNS_PER_TASK), "weight": F.col("weight")}
    return F.struct(*(value.alias(name) for name, value in fixed.items()), numbers.alias("numbers"), labels.alias("labels"))
