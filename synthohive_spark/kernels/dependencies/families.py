"""Whole families of the real rows, in which is looked for what always holds between the rows of one parent.

Legend: `n` rows, those of a family together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyarrow as pa

from ...spec.base import Spec
from ...spec.encoding import Scalar
from ...spec.hidden import hidden
from .combinations import to_scalar
from .family_order import FamilyRows, order_of
from .measures import HOLDS
from .sample import FEWER_ERRORS, MIN_SURPRISES
from .units import digits_of, plain, to_floats

FAMILY, SIZE = hidden("family"), hidden("size")  # the hash of a row's parent, and how many rows that has
MOST_VALUES = 64  # of a column whose values have counterparts, or say with which sign others count


class AcrossSearch(Spec):
    """Where to look.

    Attributes:
        types: Spark types of all columns of the sample.
        targets: columns that may follow from other rows.
        orders: columns that may say which row is before; the number of the row is one more, where `number` says so.
        sortable: those of them that are drawn, and never null.
        number: a column by which the real rows can be sorted as generated ones are numbered; None where there is none.
        rare: values of fewer rows than that are never stored.
        summed: those of them that may add up, and `terms`, columns that may be added.
        fast: columns that a key holds fast: they may only be what others follow.
        nullable: columns that can be null.
        repeating: columns that repeat a value of the parent in some rows: they may only say what the next row has.
    """

    types: dict[str, str]
    targets: tuple[str, ...]
    summed: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    orders: tuple[str, ...] = ()
    sortable: tuple[str, ...] = ()
    number: str | None = None
    rare: int = 3
    fast: tuple[str, ...] = ()
    nullable: tuple[str, ...] = ()
    repeating: tuple[str, ...] = ()


@dataclass(frozen=True)
class Families:
    """The sampled rows, (n,) per column, families together, each in the order of the rows' numbers."""

    columns: Mapping[str, pa.Array]
    search: AcrossSearch
    rows: FamilyRows
    _numbers: dict[str, np.ndarray] = field(default_factory=dict, repr=False)
    _codes: dict[str, np.ndarray] = field(default_factory=dict, repr=False)
    _values: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]] = field(default_factory=dict, repr=False)

    def numbers(self, name: str) -> np.ndarray:
        """float64 (n,); nulls are nan."""
        if name not in self._numbers:
            self._numbers[name] = to_floats(plain(self.columns[name]))
        return self._numbers[name]

    def codes(self, name: str) -> np.ndarray:
        """A number for each value, null being one, int64 (n,): equal in two columns where their values are."""
        if name not in self._codes:
            texts = plain(self.columns[name]).cast(pa.string())
            self._codes[name] = _hashes(texts)
        return self._codes[name]

    def values(self, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of a column of few values: a row that has each, rows that have each, and which of them each row has, int64 (V,), (V,) and (n,); else none."""
        if name not in self._values:
            _, where, places, counts = np.unique(self.codes(name), return_index=True, return_inverse=True, return_counts=True)
            few = 1 < len(where) <= MOST_VALUES
            self._values[name] = (where, counts, places) if few else (where[:0], counts[:0], places[:0])
        return self._values[name]

    def digits(self, name: str) -> int | None:
        return digits_of(plain(self.columns[name]), self.search.types[name])

    def scalars(self, name: str, places: np.ndarray) -> list[Scalar | None]:
        """The values in these rows, as an encoding would hold them."""
        texts = plain(self.columns[name].take(pa.array(places))).cast(pa.string()).to_pylist()
        return [to_scalar(text, self.search.types[name]) for text in texts]


def orders_of(search: AcrossSearch) -> list[str | None]:
    return [*([None] if search.number else []), *search.orders]


def whole_families(table: pa.Table, search: AcrossSearch) -> Families:
    """Without families that the limit of the sample has cut."""
    numbered = _numbered(_column(table, search.number)) if search.number else np.zeros(table.num_rows)
    family, size = (_column(table, name).to_numpy(zero_copy_only=False) for name in (FAMILY, SIZE))
    there, counts = np.unique(family, return_counts=True)
    full = counts[np.searchsorted(there, family)] == size if len(family) else np.zeros(0, dtype=bool)
    kept = np.flatnonzero(full)
    kept = kept[np.lexsort((numbered[kept], family[kept]))]
    columns = {name: _column(table, name).take(pa.array(kept)) for name in search.types}
    return Families(columns, search, FamilyRows(family[kept]))


def _column(table: pa.Table, name: str) -> pa.Array:
    found = table.column(name).combine_chunks()
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found


def _numbered(keys: pa.Array) -> np.ndarray:
    """By what rows with these keys are sorted; of texts the shorter ones come first: numbers behind one prefix come in their order."""
    if not pa.types.is_string(keys.type):
        return order_of(keys)
    values = keys.fill_null("").to_pylist()
    order = sorted(range(len(values)), key=lambda i: (len(values[i]), values[i]))
    ranks = np.empty(len(values), dtype=np.int64)
    ranks[order] = np.arange(len(values))
    return ranks


def _hashes(texts: pa.Array) -> np.ndarray:
    encoded = texts.fill_null("\x00").dictionary_encode()
    values = np.array(encoded.dictionary.to_pylist(), dtype=object)
    hashes = pd.util.hash_array(values, categorize=False).view(np.int64) if len(values) else np.zeros(0, dtype=np.int64)
    return np.asarray(hashes[encoded.indices.to_numpy(zero_copy_only=False)])


def holding_share(errors: int, shown: int, surprises: float) -> float | None:
    """The share of `shown` on which a rule holds; None where that is too few, or no more than chance, which would break it `surprises` times."""
    if errors > (1 - HOLDS) * shown or surprises < MIN_SURPRISES or errors > FEWER_ERRORS * surprises:
        return None
    return 1 - errors / shown


def same_by_chance(codes: np.ndarray, others: np.ndarray) -> float:
    """How often a value of one column and one of another, both drawn by chance, are equal."""
    (mine, counts), (theirs, their_counts) = np.unique(codes, return_counts=True), np.unique(others, return_counts=True)
    _, left, right = np.intersect1d(mine, theirs, return_indices=True)
    return float((counts[left] / len(codes) * (their_counts[right] / len(others))).sum()) if len(codes) and len(others) else 1.0
