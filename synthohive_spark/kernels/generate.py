"""Generate a table block by block: the kernels that `mapInPandas` runs.

A block is a run of root rows, or all children of a run of parent rows. Everything random in it is a function of (seed, table, block), so that the
rows do not depend on partitions, executors or retries. Legend: `n` rows of the block, `p` its parents.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pandas as pd
import pyarrow as pa
import torch

from ..spec.fitted import FittedTable
from ..spec.program import PARENT_ROW, POSITION, ROW, SIBLINGS, Linkage
from .cardinality import draw_counts
from .columns import arrow_type, decode_codes
from .columns.types import to_typed
from .conditioning import context_codes
from .dependencies.derive import derive_columns, split_early
from .given import Given, condition_of, draw_given, given_codes, held_rows, repair_around, with_given_values
from .keys import key_values
from .models import restore_model
from .models.base import ConditionalGenerativeModel
from .natural import distinct_within_parent, series_columns
from .repair import ReferenceKey
from .seeds import generator

BLOCK_ROWS = 10_000  # rows of a block, about; batches of 500 to 10,000 rows are fastest on a CPU
BLOCK = "__block"


@dataclass(frozen=True)
class GenerationPlan:
    """Everything a task needs to generate blocks of one table.

    Attributes:
        fitted: the table.
        counts: hidden columns to draw: name -> how many children a row has along one key of one other table.
        references: reference keys of two or more columns, whose combinations must exist.
        seed: of the run.
        rows: of the table's root blocks.
        first_row: number of the first row of the root blocks.
        purpose: names the kind of block, so that roots and rows without a parent differ.
        row_model: class of the table's model; None looks its name up.
        given: values that rows of the table must have.
    """

    fitted: FittedTable
    counts: Mapping[str, Linkage]
    references: tuple[ReferenceKey, ...]
    seed: int
    rows: int = 0
    first_row: int = 0
    purpose: str = "rows"
    row_model: type[ConditionalGenerativeModel] | None = None
    given: Given | None = None


@dataclass(frozen=True)
class _Parents:
    """The driving parents of a block: their rows (p), children of each int64 (p,), and the index of each child's parent int64 (n,)."""

    frame: pd.DataFrame
    children: np.ndarray
    of_child: np.ndarray = field(repr=False)


def generate_roots(frames: Iterator[pd.DataFrame], *, plan: GenerationPlan) -> Iterator[pd.DataFrame]:
    """Rows without a driving parent; a frame's column `id` holds block numbers."""
    for frame in frames:
        for block in frame["id"]:
            start = int(block) * BLOCK_ROWS
            rows = np.arange(start, min(plan.rows, start + BLOCK_ROWS), dtype="int64")
            yield _generate(plan, plan.first_row + rows, None, int(block))


def generate_children(frames: Iterator[pd.DataFrame], *, plan: GenerationPlan, count_column: str, offsets: Mapping[int, int]) -> Iterator[pd.DataFrame]:
    """Children of the parents that come in, sorted by block and row.

    Args:
        count_column: the parents' hidden column with the number of children.
        offsets: number of the first child of each block.
    """
    for block, frame in _blocks(frames):
        children = frame[count_column].to_numpy(dtype="int64")
        of_child = np.repeat(np.arange(len(frame)), children)  # (n,)
        if len(of_child):
            yield _generate(plan, offsets[block] + np.arange(len(of_child)), _Parents(frame, children, of_child), block)


def _blocks(frames: Iterator[pd.DataFrame]) -> Iterator[tuple[int, pd.DataFrame]]:
    """Whole blocks out of frames that Arrow cut anywhere."""
    pending: list[pd.DataFrame] = []
    current: int | None = None
    for frame in frames:
        for block, part in frame.groupby(BLOCK, sort=True):
            if current is not None and block != current:
                yield current, pd.concat(pending, ignore_index=True)
                pending = []
            current = int(block)
            pending.append(part)
    if current is not None:
        yield current, pd.concat(pending, ignore_index=True)


def _generate(plan: GenerationPlan, rows: np.ndarray, parents: _Parents | None, block: int) -> pd.DataFrame:
    """One block. `rows` are its row numbers, int64 (n,)."""
    fitted, n = plan.fitted, len(rows)
    table = fitted.program.table
    columns: dict[str, pa.Array] = dict(_known(plan, rows, parents))
    which = condition_of(plan.given, rows)
    early, late = split_early(fitted.program)
    own = generator(plan.seed, table, plan.purpose, "dependencies", block)
    derive = partial(derive_columns, program=fitted.program, encoding=fitted.encoding, rng=own, stand_ins={})  # both calls fill a null alike
    columns |= derive(columns, early)
    codes = _draw(plan, columns, parents, n, generator(plan.seed, table, plan.purpose, "model", block), which)
    drawn = fitted.encoding.select(fitted.program.drawn)
    decoded = with_given_values(decode_codes(codes, drawn, generator(plan.seed, table, plan.purpose, "values", block)), plan.given, which)
    for name, values in decoded.items():
        columns.setdefault(name, values)  # a fallback column gives way to the parent's
    rng = generator(plan.seed, table, plan.purpose, "repair", block)
    if parents is not None and fitted.program.distinct:
        columns |= distinct_within_parent(columns, fitted, parents.of_child, rng)
    for reference in plan.references:
        columns |= repair_around(columns, reference, rng, plan.given, which)
    columns |= derive(columns, late, held=held_rows(plan.given, which))
    columns |= _hidden(plan, rows, parents, block)
    return pd.DataFrame({name: pd.Series(pd.arrays.ArrowExtensionArray(pa.chunked_array([values]))) for name, values in columns.items()})


def _known(plan: GenerationPlan, rows: np.ndarray, parents: _Parents | None) -> Iterator[tuple[str, pa.Array]]:
    program = plan.fitted.program
    types = {name: arrow_type(spark_type) for name, spark_type in program.types.items()}
    if program.key is not None:
        for name in program.from_source("row_number"):
            yield name, key_values(program.key, rows, types[name], plan.seed)
    if program.driver is not None:
        for name, parent_name in zip(program.driver.columns, program.driver.parent_columns, strict=True):
            if parents is not None:
                values = to_typed(parents.frame[parent_name], name, program.types[name])
                yield name, values.take(pa.array(parents.of_child))
            elif name not in program.fallback:
                yield name, pa.nulls(len(rows), types[name])
    for name in program.from_source("position"):
        yield name, pa.array(_positions(parents, len(rows)) + program.sequence_start).cast(types[name])
    if program.series is not None:
        yield from series_columns(plan.fitted, program.series, rows - plan.first_row, plan.rows, plan.seed, types).items()


def _positions(parents: _Parents | None, n: int) -> np.ndarray:
    """Number of each child within its parent, from 0; int64 (n,)."""
    if parents is None:
        return np.zeros(n, dtype="int64")
    first = np.cumsum(parents.children) - parents.children  # (p,)
    return np.arange(n) - first[parents.of_child]


def _draw(
    plan: GenerationPlan, known: Mapping[str, pa.Array], parents: _Parents | None, n: int, rng: np.random.Generator, which: np.ndarray | None
) -> np.ndarray:
    """Codes of the drawn columns, int64 (n, D); columns with one code have 0. `which` is each row's condition, int64 (n,)."""
    fitted = plan.fitted
    drawn = fitted.program.drawn
    codes = np.zeros((n, len(drawn)), dtype="int64")
    modelled = fitted.model_columns
    if fitted.model is None or not modelled:
        return codes
    conditions = fitted.encoding.select(fitted.program.conditions)
    own = pd.DataFrame({c: _pandas(known[c]) for c in conditions.names}) if conditions.columns else None
    if parents is None:
        context = context_codes(own, conditions, None, fitted.context_encoding, n)
    else:
        # Parents are encoded once each, and their codes repeated for every child.
        above = context_codes(None, conditions.select(()), parents.frame, fitted.context_encoding, len(parents.frame))[parents.of_child]
        context = np.concatenate([context_codes(own, conditions, None, None, n), above], axis=1)
    marginals = tuple(fitted.encoding.column(name).weights for name in modelled)
    model = restore_model(fitted.model, fitted.weights, marginals, plan.row_model)
    torch.set_num_threads(1)  # more would fight over the cores with the other tasks, and sum in another order
    if n:
        codes[:, [drawn.index(name) for name in modelled]] = draw_given(model, context, rng, given_codes(plan.given, which, modelled), BLOCK_ROWS)
    return codes


def _pandas(values: pa.Array) -> pd.Series:
    return pd.Series(pd.arrays.ArrowExtensionArray(pa.chunked_array([values])))


def _hidden(plan: GenerationPlan, rows: np.ndarray, parents: _Parents | None, block: int) -> dict[str, pa.Array]:
    hidden = {ROW: pa.array(rows)}
    if plan.fitted.program.matches:
        n = len(rows)
        parent_rows = np.full(n, -1) if parents is None else parents.frame[ROW].to_numpy(dtype="int64")[parents.of_child]
        siblings = np.ones(n, dtype="int64") if parents is None else parents.children[parents.of_child]
        hidden |= {PARENT_ROW: pa.array(parent_rows), POSITION: pa.array(_positions(parents, n)), SIBLINGS: pa.array(siblings)}
    for name, linkage in plan.counts.items():
        rng = generator(plan.seed, plan.fitted.program.table, plan.purpose, name, block)
        hidden[name] = pa.array(draw_counts(linkage, len(rows), rng))
    return hidden
