"""Make the rows of a table block by block: the kernels that Spark runs, a loop over the steps of a phase and nothing more.

A block is a run of root rows, or all children of a run of parent rows. Everything random in it is a function of (seed, table, block), so that rows do
not depend on partitions, executors or retries. Legend: `n` rows of the block, `p` its parents.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from ..errors import GenerationError, SynthoHiveError
from ..spec.hidden import BLOCK, CHILDREN, PARENT_ROW, POSITION, ROW, SIBLINGS
from .block import ALONE, ROWS, Block, GenerationPlan, Parents, as_frame
from .cardinality import CountRule
from .columns import arrow_type
from .steps import APPLY

BLOCK_ROWS = 10_000  # rows of a block, about; batches of 500 to 10,000 rows are fastest on a CPU


@dataclass(frozen=True)
class Roots:
    """A run of rows without a driving parent.

    Attributes:
        first: number of the first of them.
        rows: how many.
        purpose: `ROWS`, or `ALONE` beside rows with a parent.
    """

    first: int
    rows: int
    purpose: str = ROWS


@dataclass(frozen=True)
class Families:
    """How many children the driving parents have.

    Attributes:
        rule: their numbers.
        drawn: the parents' hidden column with the number that was drawn; None where none was.
        limits: a column with the number that each may have at most; None for no limit but that of the rule.
        offsets: number of the first child of each block of parents.
        per_block: parents of a block.
        room: children of all parents together, at most; None for no limit.
    """

    rule: CountRule
    drawn: str | None
    limits: str | None
    per_block: int
    offsets: Mapping[int, int] = field(default_factory=dict, repr=False)
    room: int | None = None

    def in_block(self, number: int, frame: pd.DataFrame) -> np.ndarray:
        """Children of the parents of one whole block, int64 (p,): none past the room."""
        children = self.children(frame)
        if self.room is None or not len(children):
            return children
        left = min(max(0, self.room - self.offsets.get(number, self.room)), int(children.sum()))  # room can be past int64
        return np.diff(np.minimum(np.cumsum(children), left), prepend=0)

    def children(self, frame: pd.DataFrame) -> np.ndarray:
        """Children of each parent of `frame`, int64 (p,)."""
        rows = frame[ROW].to_numpy(dtype="int64")
        drawn = None if self.drawn is None else frame[self.drawn].to_numpy(dtype="int64")
        limits = None if self.limits is None else frame[self.limits].to_numpy(dtype="int64")
        return self.rule.of(rows, drawn, limits)


def generate_roots(batches: Iterator[pa.RecordBatch], *, plan: GenerationPlan, roots: Roots, types: Mapping[str, str]) -> Iterator[pa.RecordBatch]:
    """Rows without a driving parent; the first column of the batches holds block numbers.

    Args:
        types: the columns to give and their Spark types.
    """
    for batch in batches:
        for block in batch.column(0).to_pylist():
            start = block * BLOCK_ROWS
            rows = np.arange(start, min(roots.rows, start + BLOCK_ROWS), dtype="int64")
            yield _made(Block(plan, block, roots.purpose, roots.first + rows), types)


def generate_children(
    batches: Iterator[pa.RecordBatch], *, plan: GenerationPlan, families: Families, names: Sequence[str], types: Mapping[str, str]
) -> Iterator[pa.RecordBatch]:
    """Children of the parents that come in, sorted by block and row.

    Args:
        names: of the batches' columns.
        types: as for `generate_roots`.
    """
    for number, table in _blocks(batches, names):
        frame = as_frame(table)
        children = families.in_block(number, frame)
        of_child = np.repeat(np.arange(len(frame)), children)  # (n,)
        if len(of_child):
            first = np.cumsum(children) - children  # (p,)
            parents = Parents(frame, of_child, np.arange(len(of_child)) - first[of_child], children[of_child])
            yield _made(Block(plan, number, ROWS, families.offsets[number] + np.arange(len(of_child)), parents), types)


def count_children(frames: Iterator[pd.DataFrame], *, families: Families) -> Iterator[pd.DataFrame]:
    """Parents in, (block, n) out: the children that their blocks have."""
    for frame in frames:
        counted = pd.DataFrame({BLOCK: frame[ROW].to_numpy(dtype="int64") // families.per_block, "n": families.children(frame)})
        yield counted.groupby(BLOCK, as_index=False)["n"].sum()


def with_counts(frames: Iterator[pd.DataFrame], *, families: Families, keep: tuple[str, ...]) -> Iterator[pd.DataFrame]:
    """Parents in, some of their columns and their numbers of children out."""
    for frame in frames:
        yield frame[list(keep)].assign(**{CHILDREN: families.children(frame)})


def finish_roots(rows: pa.Table, *, plan: GenerationPlan, names: Sequence[str], types: Mapping[str, str]) -> pa.Table:
    """The whole rows of one block of a table without a driving parent, from what an earlier phase made of them, whose columns are `names`."""
    return _finished(rows.rename_columns(list(names)), None, plan, types)


def finish_children(
    rows: pa.Table, parents: pa.Table, *, plan: GenerationPlan, names: tuple[Sequence[str], Sequence[str]], types: Mapping[str, str]
) -> pa.Table:
    """The whole rows of one block, from what an earlier phase made of them and the block's parents; `names` are those of both."""
    return _finished(rows.rename_columns(list(names[0])), parents.rename_columns(list(names[1])), plan, types)


def _finished(rows: pa.Table, above: pa.Table | None, plan: GenerationPlan, types: Mapping[str, str]) -> pa.Table:
    if not len(rows):
        return _schema(types).empty_table()
    frame = as_frame(_in_order(rows))
    number = int(frame[BLOCK].iloc[0])
    alone = number < 0 or above is None
    parents = None
    if not alone and above is not None:
        above_frame = as_frame(_in_order(above))
        of_child = np.searchsorted(above_frame[ROW].to_numpy(dtype="int64"), frame[PARENT_ROW].to_numpy(dtype="int64"))
        parents = Parents(above_frame, of_child, frame[POSITION].to_numpy(dtype="int64"), frame[SIBLINGS].to_numpy(dtype="int64"))
    purpose, number = (ALONE, -1 - number) if number < 0 else (ROWS, number)
    return pa.Table.from_batches([_made(Block(plan, number, purpose, frame[ROW].to_numpy(dtype="int64"), parents, frame), types)])


def _in_order(rows: pa.Table) -> pa.Table:
    """The rows by their numbers."""
    return rows.take(pa.array(np.argsort(rows[ROW].to_numpy(), kind="stable")))


def _blocks(batches: Iterator[pa.RecordBatch], names: Sequence[str]) -> Iterator[tuple[int, pa.Table]]:
    """Whole blocks out of batches that Spark cut anywhere."""
    pending: list[pa.Table] = []
    current: int | None = None
    for batch in batches:
        table = pa.Table.from_arrays(batch.columns, names=list(names))
        blocks = table[BLOCK].to_numpy()
        edges = [0, *(np.flatnonzero(np.diff(blocks)) + 1).tolist(), len(blocks)]
        for start, end in zip(edges[:-1], edges[1:], strict=True):
            if start == end:
                continue
            if current is not None and blocks[start] != current:
                yield current, pa.concat_tables(pending)
                pending = []
            current = int(blocks[start])
            pending.append(table.slice(start, end - start))
    if current is not None:
        yield current, pa.concat_tables(pending)


def _made(block: Block, types: Mapping[str, str]) -> pa.RecordBatch:
    """The columns of the block that `types` names, after all steps."""
    for step in block.plan.steps.steps:
        try:
            APPLY[type(step)](step, block)
        except Exception as error:
            raise _told(error, block, step.kind) from error
    number = -1 - block.number if block.purpose == ALONE else block.number
    columns = block.columns | block.hidden() | {BLOCK: pa.array(np.full(len(block), number, dtype="int64"))}
    schema = _schema(types)
    return pa.RecordBatch.from_arrays([columns[f.name] if columns[f.name].type == f.type else columns[f.name].cast(f.type) for f in schema], schema=schema)


def _schema(types: Mapping[str, str]) -> pa.Schema:
    return pa.schema([(name, arrow_type(spark_type)) for name, spark_type in types.items()])


def _told(error: Exception, block: Block, kind: str) -> GenerationError:
    """The error with the table and the step; a foreign error's text may hold a value, and stays in its chain."""
    where = f"table {block.table!r}, step {kind!r}"
    if isinstance(error, SynthoHiveError):
        return GenerationError(f"{where}: {error}")
    last = traceback.extract_tb(error.__traceback__)[-1]
    return GenerationError(f"{where}: {type(error).__name__} in {Path(last.filename).name}:{last.lineno} ({last.name})")
