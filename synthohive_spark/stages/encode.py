"""Stage the training rows of every table: a bounded sample, as codes, in Parquet that all workers can read."""

from __future__ import annotations

from functools import partial

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from ..causes import step
from ..kernels.staging import HAS_PARENT, ORDER, PARENT_PREFIX, encode_training_frames
from ..spec.encoding import TableEncoding
from ..spec.fitted import model_columns
from ..spec.identifiers import quoted
from ..spec.program import TableProgram
from .frames import map_frames
from .profile import with_plain_times

HASH_SPACE = 2**63
DISTINCT_ENOUGH = 0.9  # share of the rows that differ; from there on copies do not matter to a sample


def sampled_by_hash(data: DataFrame, rows: int, at_most: int, seed: int) -> DataFrame:
    """`data` with a column `__order` (a hash of the whole row), cut to about `at_most` rows where it has more: the same under any partitioning."""
    ordered = data.withColumn(ORDER, F.xxhash64(F.lit(seed), *(F.col(quoted(c)) for c in data.columns)))
    if rows <= at_most:
        return ordered
    if ordered.agg(F.approx_count_distinct(ORDER)).collect()[0][0] < DISTINCT_ENOUGH * rows:
        # Equal rows have equal hashes and would stay or go together: their copies are numbered.
        copy = F.row_number().over(Window.partitionBy(ORDER).orderBy(ORDER))
        ordered = ordered.withColumn(ORDER, F.xxhash64(F.col(ORDER), copy))
    return ordered.where(F.abs(F.col(ORDER)) < F.lit(int(HASH_SPACE * (at_most / rows))))


def stage_training_rows(
    data: DataFrame,
    parent: DataFrame | None,
    *,
    program: TableProgram,
    encoding: TableEncoding,
    context: TableEncoding | None,
    sample_rows: int,
    seed: int,
    path: str,
) -> None:
    """Write the table's training codes to `path` as Parquet.

    Args:
        data: the real rows, with their hidden status columns.
        parent: the driving parent's real rows.
        context: the driving parent's encoding, cut to the context columns.
    """
    with step("encoding the rows of", program.table):
        rows = sampled_by_hash(data, program.rows, sample_rows, seed)
        if program.driver is not None and parent is not None and context is not None and context.columns:
            rows = _with_parent(rows, parent, program, context)
        drawn, conditions = encoding.select(model_columns(program, encoding)), encoding.select(program.conditions)
        width = len(conditions.columns) + (len(context.columns) if context else 0)
        fields = [*(f"r{i} int" for i in range(len(drawn.columns))), *(f"x{i} int" for i in range(width)), f"{ORDER} bigint"]
        kernel = partial(encode_training_frames, drawn=drawn, conditions=conditions, parent=context)
        map_frames(with_plain_times(rows), kernel, ", ".join(fields)).write.mode("overwrite").parquet(path)


def _with_parent(rows: DataFrame, parent: DataFrame, program: TableProgram, context: TableEncoding) -> DataFrame:
    key = program.driver
    if key is None:
        return rows
    join_columns = [f"__key_{i}" for i in range(len(key.columns))]
    right = parent.select(
        *(F.col(quoted(c)).alias(j) for c, j in zip(key.parent_columns, join_columns, strict=True)),
        *(F.col(quoted(name)).alias(PARENT_PREFIX + name) for name in context.names),
        F.lit(True).alias(HAS_PARENT),
    )
    on = [F.col(quoted(c)) == F.col(j) for c, j in zip(key.columns, join_columns, strict=True)]
    joined = rows.join(right, on, "left").drop(*join_columns)
    return joined.withColumn(HAS_PARENT, F.coalesce(HAS_PARENT, F.lit(False)))
