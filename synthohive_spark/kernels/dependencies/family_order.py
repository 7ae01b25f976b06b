"""Where rows stand in their families, and by what they are sorted there. Legend: `n` rows, those of a family together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .units import plain, to_floats


@dataclass(frozen=True)
class FamilyRows:
    """Where the rows of a block stand.

    Attributes:
        family: of each row, int64 (n,), ascending.
    """

    family: np.ndarray = field(repr=False)

    @cached_property
    def start(self) -> np.ndarray:
        """The first row of each row's family, int64 (n,)."""
        return np.searchsorted(self.family, self.family, side="left")

    @cached_property
    def size(self) -> np.ndarray:
        return np.searchsorted(self.family, self.family, side="right") - self.start

    @cached_property
    def place(self) -> np.ndarray:
        """Of each row in its family, from 0, int64 (n,)."""
        return np.arange(len(self.family)) - self.start

    def sorted_by(self, *orders: np.ndarray | None) -> np.ndarray:
        """The rows in the order of their families, and in each by `orders`, the first one first; int64 (n,). Rows alike stand as they are."""
        there = [order for order in orders if order is not None]
        return np.lexsort((np.arange(len(self.family)), *reversed(there), self.family))

    def before(self, order: np.ndarray | None) -> np.ndarray:
        """The row before each one in its family, int64 (n,), -1 for none; rows alike in `order` stand as they are, those without a value at the end."""
        by = self.sorted_by(order)
        previous = np.full(len(by), -1)
        previous[by[1:]] = np.where(self.family[by[1:]] == self.family[by[:-1]], by[:-1], -1)
        return previous


def order_of(column: pa.Array) -> np.ndarray:
    """Numbers by which rows with these values are sorted, float64 or int64 (n,), texts by their characters; nulls come last."""
    array = plain(column)
    if pa.types.is_string(array.type):
        coded = array.dictionary_encode()
        ranks = np.empty(len(coded.dictionary) + 1, dtype=np.int64)
        ranks[pc.array_sort_indices(coded.dictionary).to_numpy()] = np.arange(len(coded.dictionary))
        ranks[-1] = np.iinfo(np.int64).max
        return np.asarray(ranks[coded.indices.fill_null(len(coded.dictionary)).to_numpy(zero_copy_only=False)])
    if pa.types.is_integer(array.type):
        whole = array.fill_null(0).cast(pa.int64()).to_numpy(zero_copy_only=False)
        return np.where(array.is_null().to_numpy(zero_copy_only=False), np.iinfo(np.int64).max, whole)
    return np.nan_to_num(to_floats(array), nan=np.inf)


def ranks_by(name: str | None, columns: Mapping[str, pa.Array]) -> np.ndarray | None:
    """By what rows are sorted in the order of a column; None for the order of their numbers."""
    return None if name is None else order_of(columns[name])
