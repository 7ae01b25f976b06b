"""Rows that break a check constraint of their table are drawn again: the same keys and places, other luck. The few that no attempt mends are left out.

Each attempt costs one pass over all rows of the table, and one job that counts; there is none where no row breaks anything.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from ..kernels.block import GenerationPlan
from ..spec.hidden import PARENT_ROW, ROW, hidden
from ..spec.identifiers import quoted
from ..spec.program import TableProgram
from ..spec.steps import AcrossRows, Distinct, Place
from .table_rules import RulesOfRows, any_of

ATTEMPTS = 6  # a rule that a third of the rows break is broken by one of two thousand after them
MENDED = 0.1  # of the broken rows: an attempt that mends fewer is the last one, as what they break does not depend on luck
MOST_LEFT_OUT = 0.02  # of the rows; where more break a constraint it is taken for one that made-up rows cannot keep
_UNIT, _BROKEN = hidden("unit"), hidden("broken")


class Stage(Protocol):
    """Writes rows under a word and reads them back; rows under a word of before are needed no more."""

    def __call__(self, data: DataFrame, *, word: str, before: str | None) -> DataFrame: ...


@dataclass(frozen=True)
class Redrawn:
    """The rows of a table, and how many were left out."""

    rows: DataFrame
    left_out: int = 0


def in_families(program: TableProgram) -> bool:
    """Whether rows of one parent depend on each other: then a family is drawn again as a whole."""
    return program.driving is not None and any(True for _ in program.of_kind(AcrossRows, Place, Distinct))


def can_redraw(plan: GenerationPlan) -> bool:
    """Whether rows can be drawn again: what was drawn before keys were matched stays, and a model must be able to draw the rest of the row given that."""
    return plan.row_model is None or plan.row_model.any_order or not plan.fitted.program.early


def redraw(rows: DataFrame, plan: GenerationPlan, rules: RulesOfRows, again: Callable[[GenerationPlan], DataFrame], stage: Stage) -> Redrawn:
    """The rows, of which few or none break a check constraint.

    Args:
        rows: staged.
        plan: that made them.
        again: makes all rows by another attempt.
        stage: writes rows under a word, and reads them back.
    """
    program, before = plan.fitted.program, math.inf
    for attempt in range(1, ATTEMPTS + 1) if can_redraw(plan) else ():
        marked, names = rules.with_broken(rows)
        found = _counts(marked, names)[_BROKEN] if names else 0
        if not found:
            return Redrawn(rows)
        if found > (1 - MENDED) * before:
            break
        before = found
        broken = marked.where(any_of(names.values())).select(_unit(program).alias(_UNIT)).distinct()
        kept = rows.join(broken, _unit(program) == F.col(_UNIT), "left_anti")
        fresh = again(replace(plan, attempt=attempt)).select(*(F.col(quoted(c)) for c in rows.columns))
        mixed = kept.unionByName(fresh.join(broken, _unit(program) == F.col(_UNIT), "left_semi"))
        rows = stage(mixed, word=f"again{attempt}", before=f"again{attempt - 1}" if attempt > 1 else None)
    return _without_broken(rows, rules, program)


def _without_broken(rows: DataFrame, rules: RulesOfRows, program: TableProgram) -> Redrawn:
    """The rows without those that break a constraint that nearly all keep; where rows follow from others of their family, all of them stay."""
    marked, names = rules.with_broken(rows)
    counts = _counts(marked, names)
    few = [column for column in names.values() if 0 < counts[column] <= MOST_LEFT_OUT * counts["rows"]]
    if not few or program.across:
        return Redrawn(rows)
    left_out = marked.where(any_of(few)).count()
    return Redrawn(marked.where(~any_of(few)).select(*(F.col(quoted(c)) for c in rows.columns)), left_out)


def _counts(marked: DataFrame, names: dict[str, str]) -> dict[str, int]:
    """How many rows break each constraint, and any, and how many there are."""
    counts = [F.count_if(F.col(column)).alias(column) for column in names.values()]
    total = [F.count_if(any_of(names.values())).alias(_BROKEN), F.count(F.lit(1)).alias("rows")]
    found: dict[str, int] = marked.agg(*counts, *total).collect()[0].asDict()
    return found


def _unit(program: TableProgram) -> Column:
    """What is drawn again as a whole: a row, or the rows of one parent. Rows without a parent have numbers below -1 here."""
    return F.when(F.col(PARENT_ROW) >= 0, F.col(PARENT_ROW)).otherwise(-2 - F.col(ROW)) if in_families(program) else F.col(ROW)
