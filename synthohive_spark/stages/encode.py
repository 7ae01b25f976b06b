"""Stage the training rows of every table: a bounded sample, as codes, in Parquet that all workers can read."""

from __future__ import annotations

from functools import partial

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from ..causes import step
from ..kernels.seeds import derive_seed
from ..kernels.splits import MAX_HELD_OUT, MIN_HELD_OUT
from ..kernels.staging import HAS_PARENT, ORDER, PARENT_PREFIX, PLACE, STRETCH, encode_training_frames
from ..spec.config import TrainingConfig
from ..spec.encoding import TableEncoding
from ..spec.fitted import ModelSpec, model_columns
from ..spec.hidden import POSITION, hidden
from ..spec.identifiers import quoted
from ..spec.program import TableProgram
from .frames import map_frames
from .hidden import family_hash
from .profile import with_plain_values

HASH_SPACE = 2**63
FEW_FAMILIES = 200  # with fewer, some are held out by stretches: no whole family could be spared
BORDER = (0.8, 1.25)  # of the share that is held out: hashes and families make it a little smaller or larger
DISTINCT_ENOUGH = 0.9  # share of the rows that differ; from there on copies do not matter to a sample


def row_order(program: TableProgram, seed: int) -> Column:
    """By which training rows are chosen, put in order and held out, the least first: the hash of the family, or of the row."""
    return family_hash(program, seed) if program.has_siblings else F.xxhash64(F.lit(seed), *(F.col(quoted(c)) for c in program.shown_names))


def order_seed(seed: int, table: str) -> int:
    """Of `row_order`, by that of the fit."""
    return derive_seed(seed, table, "training rows")


def held_share(program: TableProgram, config: TrainingConfig) -> float:
    """The share of the rows, the first by `row_order`, that training holds out.

    0 where it holds out none, or by another rule than that order: samples of large tables, and stretches of few families.
    """
    held = min(int(program.rows * config.holdout), MAX_HELD_OUT)
    other = program.rows > config.sample_rows or (program.has_siblings and _families(program) < FEW_FAMILIES)
    return 0.0 if other or held < MIN_HELD_OUT else held / program.rows


def held_out(model: ModelSpec | None, program: TableProgram, seed: int) -> Column:
    """Of a real row: 1 where it was held out, 0 where it trained, -1 where that is not known: near the border, which lies where a family ends.

    Args:
        seed: of the fit.
    """
    share = model.held_out if model else 0.0
    if not share:
        return F.lit(-1)
    place = row_order(program, order_seed(seed, program.table)).cast("double") / 2.0**64 + 0.5
    return F.when(place < share * BORDER[0], 1).when(place > share * BORDER[1], 0).otherwise(-1)


def sampled_by_hash(data: DataFrame, program: TableProgram, at_most: int, seed: int) -> DataFrame:
    """`data` with a column `__order` (a hash of the row), cut to about `at_most` rows where it has more: the same under any partitioning."""
    rows, ordered = program.rows, data.withColumn(ORDER, row_order(program, seed))
    if rows <= at_most:
        return ordered
    if ordered.agg(F.approx_count_distinct(ORDER)).collect()[0][0] < DISTINCT_ENOUGH * rows:
        # Equal rows have equal hashes and would stay or go together: their copies are numbered.
        copy = F.row_number().over(Window.partitionBy(ORDER).orderBy(ORDER))
        ordered = ordered.withColumn(ORDER, F.xxhash64(F.col(ORDER), copy))
    return ordered.where(F.abs(F.col(ORDER)) < F.lit(int(HASH_SPACE * (at_most / rows))))


def sampled_by_family(data: DataFrame, program: TableProgram, at_most: int, seed: int) -> DataFrame:
    """`data` with `__order`, the hash of the row's family, and `__place`; cut to about `at_most` rows, in stretches of a family, where it has more."""
    stretch = F.floor(F.col(POSITION) / STRETCH)
    placed = data.withColumns({ORDER: row_order(program, seed), PLACE: F.col(POSITION)})
    part = F.xxhash64(F.col(ORDER), stretch)
    if program.rows > at_most:
        placed = placed.where(F.abs(part) < F.lit(int(HASH_SPACE * (at_most / program.rows))))
    return placed if _families(program) >= FEW_FAMILIES else placed.withColumn(ORDER, part)


def _families(program: TableProgram) -> float:
    """Driving parents that have children."""
    linkage = program.linkages[program.driving or 0]
    childless = sum(w for v, w in zip(linkage.values, linkage.weights, strict=True) if v == 0)
    return program.rows * (1 - linkage.null_rate) / max(linkage.mean, 1e-9) * (1 - childless)


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
        if program.has_siblings:
            rows = sampled_by_family(data, program, sample_rows, seed)
        else:
            rows = sampled_by_hash(data, program, sample_rows, seed).withColumn(PLACE, F.lit(0).cast("bigint"))
        if program.driver is not None and parent is not None and context is not None and context.columns:
            rows = _with_parent(rows, parent, program, context)
        drawn, conditions = encoding.select(model_columns(program, encoding)), encoding.select(program.conditions)
        width = len(conditions.columns) + (len(context.columns) if context else 0)
        fields = [*(f"r{i} int" for i in range(len(drawn.columns))), *(f"x{i} int" for i in range(width)), f"{quoted(ORDER)} bigint", f"{quoted(PLACE)} bigint"]
        kernel = partial(encode_training_frames, drawn=drawn, conditions=conditions, parent=context)
        map_frames(with_plain_values(rows), kernel, ", ".join(fields)).write.mode("overwrite").parquet(path)


def _with_parent(rows: DataFrame, parent: DataFrame, program: TableProgram, context: TableEncoding) -> DataFrame:
    key = program.driver
    if key is None:
        return rows
    join_columns = [hidden(f"key_{i}") for i in range(len(key.columns))]
    right = parent.select(
        *(F.col(quoted(c)).alias(j) for c, j in zip(key.parent_columns, join_columns, strict=True)),
        *(F.col(quoted(name)).alias(PARENT_PREFIX + name) for name in context.names),
        F.lit(True).alias(HAS_PARENT),
    )
    on = [F.col(quoted(c)) == F.col(j) for c, j in zip(key.columns, join_columns, strict=True)]
    joined = rows.join(right, on, "left").drop(*join_columns)
    return joined.withColumn(HAS_PARENT, F.coalesce(HAS_PARENT, F.lit(False)))
