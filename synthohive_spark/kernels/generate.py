"""Make the rows of a table block by block: the kernels that Spark runs, a loop over the steps of a phase and nothing more.

A block is a run of root rows, or all children of a run of parent rows. Everything random in it is a function of (seed, table, block), so that rows do
not depend on partitions, executors or retries. Legend: `n` rows of the block, `p` its parents.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from ..errors import GenerationError, SynthoHiveError
from ..spec.hidden import BLOCK, CHILDREN, PARENT_ROW, POSITION, ROW, SIBLINGS
from .block import ALONE, ROWS, Block, GenerationPlan, Parents, as_series
from .cardinality import CountRule
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


def generate_roots(frames: Iterator[pd.DataFrame], *, plan: GenerationPlan, roots: Roots, names: tuple[str, ...]) -> Iterator[pd.DataFrame]:
    """Rows without a driving parent; a frame's column `id` holds block numbers. `names` are the columns to give."""
    for frame in frames:
        for block in frame["id"]:
            start = int(block) * BLOCK_ROWS
            rows = np.arange(start, min(roots.rows, start + BLOCK_ROWS), dtype="int64")
            yield _made(Block(plan, int(block), roots.purpose, roots.first + rows), names)


def generate_children(frames: Iterator[pd.DataFrame], *, plan: GenerationPlan, families: Families, names: tuple[str, ...]) -> Iterator[pd.DataFrame]:
    """Children of the parents that come in, sorted by block and row."""
    for number, frame in _blocks(frames):
        children = families.in_block(number, frame)
        of_child = np.repeat(np.arange(len(frame)), children)  # (n,)
        if len(of_child):
            first = np.cumsum(children) - children  # (p,)
            parents = Parents(frame, of_child, np.arange(len(of_child)) - first[of_child], children[of_child])
            yield _made(Block(plan, number, ROWS, families.offsets[number] + np.arange(len(of_child)), parents), names)


def count_children(frames: Iterator[pd.DataFrame], *, families: Families) -> Iterator[pd.DataFrame]:
    """Parents in, (block, n) out: the children that their blocks have."""
    for frame in frames:
        counted = pd.DataFrame({BLOCK: frame[ROW].to_numpy(dtype="int64") // families.per_block, "n": families.children(frame)})
        yield counted.groupby(BLOCK, as_index=False)["n"].sum()


def with_counts(frames: Iterator[pd.DataFrame], *, families: Families, keep: tuple[str, ...]) -> Iterator[pd.DataFrame]:
    """Parents in, some of their columns and their numbers of children out."""
    for frame in frames:
        yield frame[list(keep)].assign(**{CHILDREN: families.children(frame)})


def finish_roots(frame: pd.DataFrame, *, plan: GenerationPlan, names: tuple[str, ...]) -> pd.DataFrame:
    """The whole rows of one block of a table without a driving parent, from what an earlier phase made of them."""
    return _finished(frame, None, plan, names)


def finish_children(frame: pd.DataFrame, parents: pd.DataFrame, *, plan: GenerationPlan, names: tuple[str, ...]) -> pd.DataFrame:
    """The whole rows of one block, from what an earlier phase made of them and the block's parents."""
    return _finished(frame, parents, plan, names)


def _finished(frame: pd.DataFrame, above: pd.DataFrame | None, plan: GenerationPlan, names: tuple[str, ...]) -> pd.DataFrame:
    if not len(frame):
        return pd.DataFrame()
    frame = frame.sort_values(ROW, kind="stable").reset_index(drop=True)
    number = int(frame[BLOCK].iloc[0])
    alone = number < 0 or above is None
    parents = None
    if not alone and above is not None:
        above = above.sort_values(ROW, kind="stable").reset_index(drop=True)
        of_child = np.searchsorted(above[ROW].to_numpy(dtype="int64"), frame[PARENT_ROW].to_numpy(dtype="int64"))
        parents = Parents(above, of_child, frame[POSITION].to_numpy(dtype="int64"), frame[SIBLINGS].to_numpy(dtype="int64"))
    purpose, number = (ALONE, -1 - number) if number < 0 else (ROWS, number)
    return _made(Block(plan, number, purpose, frame[ROW].to_numpy(dtype="int64"), parents, frame), names)


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


def _made(block: Block, names: tuple[str, ...]) -> pd.DataFrame:
    """The columns `names` of the block, after all steps."""
    for step in block.plan.steps.steps:
        try:
            APPLY[type(step)](step, block)
        except Exception as error:
            raise _told(error, block, step.kind) from error
    number = -1 - block.number if block.purpose == ALONE else block.number
    columns = block.columns | block.hidden() | {BLOCK: pa.array(np.full(len(block), number, dtype="int64"))}
    return pd.DataFrame({name: as_series(columns[name]) for name in names}, copy=False)


def _told(error: Exception, block: Block, kind: str) -> GenerationError:
    """The error with the table and the step; a foreign error's text may hold a value, and stays in its chain."""
    where = f"table {block.table!r}, step {kind!r}"
    if isinstance(error, SynthoHiveError):
        return GenerationError(f"{where}: {error}")
    last = traceback.extract_tb(error.__traceback__)[-1]
    return GenerationError(f"{where}: {type(error).__name__} in {Path(last.filename).name}:{last.lineno} ({last.name})")
