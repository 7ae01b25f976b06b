"""Parts of natural keys: columns that are given or moved together. A part is one column, or all columns of a key to a reference table.

Legend: `n` rows, `V` labels of a part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyarrow as pa

from ..spec.encoding import CategoryEncoding, NumberEncoding, TextEncoding
from ..spec.planning.room import room_of
from .block import Block
from .columns.types import from_scalars

Encoding = NumberEncoding | CategoryEncoding | TextEncoding
Columns = dict[str, pa.Array]


@dataclass(frozen=True)
class Labels:
    """What a part can be: labels of a column, or combinations that a reference table has.

    Attributes:
        columns: of the part.
        values: one array of `V` per column.
        weights: how common each is, float64 (V,).
    """

    columns: tuple[str, ...]
    values: tuple[pa.Array, ...] = field(repr=False)
    weights: np.ndarray = field(repr=False)

    def __len__(self) -> int:
        return len(self.weights)

    def take(self, place: np.ndarray) -> Columns:
        """The labels at these places, int64 (n,)."""
        return {name: values.take(pa.array(place)) for name, values in zip(self.columns, self.values, strict=True)}

    def places(self, columns: Columns, rng: np.random.Generator) -> np.ndarray:
        """The inverse of `take`, int64 (n,); a random place for what is no label."""
        known = pd.MultiIndex.from_arrays([values.cast(pa.string()).to_pandas() for values in self.values])
        place = known.get_indexer(pd.MultiIndex.from_arrays([columns[c].cast(pa.string()).to_pandas() for c in self.columns]))
        return np.where(place < 0, rng.integers(len(self), size=len(place)), place).astype(np.int64)


@dataclass(frozen=True)
class Part:
    """One part.

    Attributes:
        columns: its columns.
        encoding: of a single column; None for the columns of a key.
        labels: what it can be; None for numbers and text.
    """

    columns: tuple[str, ...]
    encoding: Encoding | None = None
    labels: Labels | None = field(default=None, repr=False)

    @property
    def room(self) -> int | None:
        """Different values that it can have; None for no limit."""
        return len(self.labels) if self.labels is not None else None if self.encoding is None else room_of(self.encoding)


def parts_of(columns: Sequence[str], references: Sequence[int], block: Block) -> list[Part]:
    """The parts that `columns` are, in their order; a key stands where its first column does.

    Args:
        references: keys of several columns to reference tables, all of whose columns are among `columns`.
    """
    keys = {c: block.plan.fitted.program.foreign_keys[index].columns for index in references for c in block.plan.fitted.program.foreign_keys[index].columns}
    index_of = {key: index for index in references for key in [block.plan.fitted.program.foreign_keys[index].columns]}
    parts: list[Part] = []
    for place, name in enumerate(columns):
        if name not in keys:
            encoding = block.plan.fitted.encoding.column(name)
            labels = None
            if isinstance(encoding, CategoryEncoding):
                labels = Labels((name,), (from_scalars(encoding.values, encoding.spark_type),), np.asarray(encoding.counts, dtype=np.float64))
            parts.append(Part((name,), encoding, labels))
        elif not set(keys[name]) & set(columns[:place]):
            arrays = [values.cast(block.arrow_type(c)) for c, values in zip(keys[name], block.plan.combinations[index_of[keys[name]]], strict=True)]
            parts.append(Part(keys[name], None, Labels(keys[name], tuple(arrays), np.ones(len(arrays[0])))))
    return parts
