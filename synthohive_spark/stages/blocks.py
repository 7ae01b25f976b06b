"""Blocks of rows by Spark: the phases of a program as `mapInArrow` and cogrouped passes. Each pass is one narrow or one block-wise shuffle."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from ..kernels.block import ALONE, GenerationPlan
from ..kernels.generate import BLOCK_ROWS, Families, Roots, finish_children, finish_roots, generate_children, generate_roots
from ..spec.fitted import FittedTable
from ..spec.hidden import BLOCK, PARENT_ROW, POSITION, ROW, SIBLINGS
from ..spec.identifiers import quoted
from ..spec.steps import Borrow, Draw, Inherit, ParentKey
from .frames import map_batches, map_pairs, map_tables
from .profile import with_plain_values

DEFAULT_TASKS = 200  # Spark's own default of partitions
FAMILY = (PARENT_ROW, POSITION, SIBLINGS)


@dataclass(frozen=True)
class Above:
    """The driving parent's rows of one table.

    Attributes:
        frame: `ROW`, and what the table's steps and model read of it.
        families: how many children each has.
        total: children in all.
        blocks: blocks that have some.
        wanted: children that there were to be; None where their parents' given values decide.
    """

    frame: DataFrame
    families: Families
    total: int
    blocks: int
    wanted: int | None = None


def tasks(spark: SparkSession) -> int:
    """At most so many tasks per pass."""
    # Without a default of ours: Spark refuses one that is no number, in every session that leaves this setting alone.
    partitions = str(spark.conf.get("spark.sql.shuffle.partitions"))
    return int(partitions) if partitions.isdigit() else DEFAULT_TASKS  # Databricks has "auto"


def first_phase(spark: SparkSession, plan: GenerationPlan, above: Above | None, rows: int, alone: int) -> DataFrame:
    """The rows of a program's first phase (of its only one where there is one): what that phase gives, and where each row stands."""
    types = columns_of(plan)
    if above is None:
        return _roots(spark, plan, Roots(0, rows), types)
    parents = above.frame.withColumn(BLOCK, _block(above))
    parts = with_plain_values(parents).repartition(max(1, min(above.blocks, tasks(spark))), BLOCK).sortWithinPartitions(BLOCK, ROW)
    data = map_batches(parts, partial(generate_children, plan=plan, families=above.families, names=tuple(parts.columns), types=types), ddl_of(types))
    return data.unionByName(_roots(spark, plan, Roots(above.total, alone, ALONE), types)) if alone else data


def last_phase(plan: GenerationPlan, above: Above | None, matched: DataFrame) -> DataFrame:
    """The whole rows, block by block, from what an earlier phase made of them."""
    types, rows = columns_of(plan), with_plain_values(matched)
    if above is None:
        return map_tables(rows, BLOCK, partial(finish_roots, plan=plan, names=tuple(rows.columns), types=types), ddl_of(types))
    parents = with_plain_values(above.frame.withColumn(BLOCK, _block(above)))
    names = (tuple(rows.columns), tuple(parents.columns))
    return map_pairs(rows, parents, BLOCK, partial(finish_children, plan=plan, names=names, types=types), ddl_of(types))


def _roots(spark: SparkSession, plan: GenerationPlan, roots: Roots, types: Mapping[str, str]) -> DataFrame:
    blocks = math.ceil(roots.rows / BLOCK_ROWS)
    ids = spark.range(0, blocks, numPartitions=max(1, min(blocks, tasks(spark))))
    return ids.mapInArrow(partial(generate_roots, plan=plan, roots=roots, types=types), ddl_of(types))


def _block(above: Above) -> Column:
    return F.floor(F.col(ROW) / above.families.per_block)


def columns_of(plan: GenerationPlan) -> dict[str, str]:
    """Names and Spark types of what a phase gives."""
    program = plan.fitted.program
    if plan.is_last:
        late = {c for m in program.deferred for c in program.foreign_keys[m.key].columns if c not in (*m.fixed, *m.wished, *m.filled)}
        visible = [c for c in program.names if c not in late]
        hidden = [c for c in program.drawn if c not in program.types]
        numbers: Iterable[str] = (ROW, *(FAMILY if program.deferred or plan.in_families else ()))
    else:
        given = plan.steps.passed_on & {c for step in plan.steps.steps for c in step.columns}
        visible = [c for c in program.names if c in given]
        hidden = [c for c in (*program.drawn, *program.borrowed) if c not in program.types and c in given]
        numbers = (ROW, BLOCK, *FAMILY)
    return plan.typed((*visible, *hidden, *numbers))


def ddl_of(types: Mapping[str, str]) -> str:
    """Columns as Spark's schema text."""
    return ", ".join(f"{quoted(name)} {spark_type}" for name, spark_type in types.items())


def parent_columns(fitted: FittedTable) -> tuple[str, ...]:
    """What the table reads of its driving parent's rows, beside `ROW`: the key, and the columns that its model is told."""
    program = fitted.program
    keys = [c for phase in program.phases for step in phase.steps if isinstance(step, Borrow | Inherit | ParentKey) for c in step.parent_columns]
    context = fitted.context_encoding.names if fitted.context_encoding else ()
    draws = any(isinstance(step, Draw) for phase in program.phases for step in phase.steps)
    since = [program.draw.since[0]] if program.draw.since else []
    return tuple(dict.fromkeys([*keys, *since, *(context if draws else ())]))
