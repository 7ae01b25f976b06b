"""Rows of one table made anywhere, with those of the parents that drive them: blocks are functions of (seed, table, block), so any of them can be made again.

Legend: a **link** is one table of the chain, the root first; a **span** is one block of its rows.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
import pyarrow as pa

from ..spec.hidden import BLOCK, PARENT_ROW, ROW
from .block import GenerationPlan, as_series
from .columns import arrow_type
from .columns.marks import marked
from .generate import BLOCK_ROWS, Families, Roots, generate_children, generate_roots

KEPT_BLOCKS = 2  # of each link: runs of parents of one block follow one another


@dataclass(frozen=True)
class Link:
    """One table of a chain.

    Attributes:
        plan: how its rows are made.
        names: the columns to make.
        roots: its rows without a driving parent.
        families: how many children the rows of the link above have; None for the first link.
        total: rows that have a driving parent.
        key: columns of the link above without which a row of it has no children.
        carried: columns of rows above that rows below are told: what each is called here, in the rows of the link above, and its Spark type.
    """

    plan: GenerationPlan
    names: tuple[str, ...]
    roots: Roots
    families: Families | None = None
    total: int = 0
    key: tuple[str, ...] = ()
    carried: tuple[tuple[str, str, str], ...] = ()

    @property
    def rows(self) -> int:
        """Of the table."""
        return self.total + self.roots.rows

    @cached_property
    def spans(self) -> tuple[np.ndarray, np.ndarray]:
        """Blocks in the order of their rows: number of the first row of each, and number of the block (-1 - n for the n-th without a driving parent), int64."""
        below = sorted(self.families.offsets.items(), key=lambda item: item[1]) if self.families else []
        alone = np.arange(-(-self.roots.rows // BLOCK_ROWS), dtype=np.int64)
        first = np.concatenate([np.array([start for _, start in below], dtype=np.int64), self.roots.first + alone * BLOCK_ROWS])
        return first, np.concatenate([np.array([number for number, _ in below], dtype=np.int64), -1 - alone])


@dataclass
class Chain:
    """Makes rows of the last of some links, and what it needs of those above; it keeps the blocks that come next.

    Attributes:
        links: the root first.
    """

    links: tuple[Link, ...]
    _kept: OrderedDict[tuple[int, int], pd.DataFrame] = field(default_factory=OrderedDict, init=False, repr=False)

    def block(self, span: int, level: int = -1) -> pd.DataFrame:
        """The rows of one span of a link (the last one by default), in their order."""
        level %= len(self.links)
        link = self.links[level]
        number = int(link.spans[1][span])
        if link.families is None or number < 0:
            rows = next(generate_roots(iter([pd.DataFrame({"id": [-1 - number]})]), plan=link.plan, roots=link.roots, names=link.names))
            return rows.assign(**{name: as_series(pa.nulls(len(rows), arrow_type(kind))) for name, _, kind in link.carried})
        first = number * link.families.per_block
        parents = self._rows(level - 1, first, first + link.families.per_block).assign(**{BLOCK: number})
        parents = parents.dropna(subset=list(link.key)).reset_index(drop=True) if link.key else parents
        rows = next(generate_children(iter([parents]), plan=link.plan, families=link.families, names=(*link.names, *([PARENT_ROW] if link.carried else []))))
        return _carrying(rows, parents, link.carried)

    def _rows(self, level: int, first: int, end: int) -> pd.DataFrame:
        """The rows `first` to `end` (not included) of a link, as they are told to rows below."""
        starts = self.links[level].spans[0]
        spans = range(int(np.searchsorted(starts, first, side="right")) - 1, int(np.searchsorted(starts, end, side="left")))
        found = pd.concat([self._kept_block(level, span) for span in spans], ignore_index=True)
        numbers = found[ROW].to_numpy(dtype="int64")
        return found[(numbers >= first) & (numbers < end)].reset_index(drop=True)

    def _kept_block(self, level: int, span: int) -> pd.DataFrame:
        if (level, span) not in self._kept:
            table = pa.Table.from_pandas(self.block(span, level), preserve_index=False)
            self._kept[level, span] = pd.DataFrame({name: as_series(marked(table.column(name).combine_chunks())) for name in table.column_names})
        self._kept.move_to_end((level, span))
        for key in [key for key in self._kept if key[0] == level][:-KEPT_BLOCKS]:
            del self._kept[key]
        return self._kept[level, span]


def _carrying(rows: pd.DataFrame, parents: pd.DataFrame, carried: tuple[tuple[str, str, str], ...]) -> pd.DataFrame:
    """The rows with columns of the rows above."""
    if not carried:
        return rows
    place = pd.Index(parents[ROW].to_numpy(dtype="int64")).get_indexer(rows[PARENT_ROW].to_numpy(dtype="int64"))
    return rows.drop(columns=PARENT_ROW).assign(**{name: parents[source].take(place).array for name, source, _ in carried})
