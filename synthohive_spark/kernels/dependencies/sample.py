"""The sample of rows that dependencies are looked for in, and when what is seen there is more than chance."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa

from ...spec.base import Spec
from ...spec.dependencies import Bands, Clock, Copy, DatePart, Linear, Pick, Product, Quotient, Remainder, Written
from ...spec.types import decimal_digits
from ..columns.types import arrow_type, is_integer
from .formulas import Formula, judge
from .measures import holding, measured
from .times import micros_of
from .units import LARGEST, digits_of, plain, to_floats

T = TypeVar("T")
F = TypeVar("F", Bands, Clock, Copy, DatePart, Linear, Pick, Product, Quotient, Remainder, Written, Formula)

FEWER_ERRORS = 0.1  # of the errors that the commonest value alone makes: a column that is nearly constant follows from anything
MIN_SURPRISES = 20  # rows with another value than the commonest: fewer fall in line by accident
SUPPORTED_ROWS = 5  # of the table per combination of a lookup: fewer would be the rows themselves
QUICK_ROWS = 256  # most wrong rules break within a few


class Search(Spec):
    """Where to look.

    Attributes:
        types: Spark types of all columns of the sample.
        targets: columns that may be derived.
        inputs: columns that formulas may read.
        discrete: columns whose synthetic values are real ones, which lookups may read.
        whole: other columns of whole numbers or dates, which lookups of one determinant may read: their values move to the nearest real ones.
        independent: the row model draws each column by itself: what a rule leaves open would come from all rows' values, and not from those of such rows.
        steady: columns that other rows follow: nothing bounds them, other columns give way.
        shared: those of them that are the same in all rows of a family: they can bound one another, as all rows follow one in which that holds.
        ordered: columns of numbers, dates and times that can be in order with others.
        apart: columns that can be found never to be equal to others.
        movable: those of them that may be drawn again where they are.
        forms: of dates and times in text or whole numbers, as `strptime` writes it.
        absent: columns that can be null exactly where another one says so.
        watched: columns that can say so.
        valued: those of them that can say so by their values.
        said: hidden columns among them, which say whether keys are there, and the columns of those; they are in `types`, and nowhere else.
        bounded: columns with limits, which sums could break.
        digits: of float columns, the digits after the point that generated values have, whatever the sample shows; None where they have no grid.
        zone: of the session.
        sizes: about how many values columns have, of those that lookups may read.
        min_rows: of the table with a value that may be told.
        max_pairs: combinations of a lookup of two determinants.
        max_values: the same of one determinant.
    """

    types: dict[str, str]
    targets: tuple[str, ...]
    inputs: tuple[str, ...]
    discrete: tuple[str, ...]
    whole: tuple[str, ...] = ()
    independent: bool = False
    steady: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    ordered: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()
    movable: tuple[str, ...] = ()
    forms: dict[str, str] = {}
    absent: tuple[str, ...] = ()
    watched: tuple[str, ...] = ()
    valued: tuple[str, ...] = ()
    said: dict[str, str] = {}
    bounded: tuple[str, ...] = ()
    digits: dict[str, int | None] = {}
    zone: str = "UTC"
    sizes: dict[str, int] = {}
    min_rows: int = 3
    max_pairs: int = 10_000
    max_values: int = 100_000

    def may_give_way(self, target: str, other: str) -> bool:
        """Whether `other` can bound the target, or say when it is null: it must do so in whole families where the target is the same in those."""
        return target not in self.steady or (target in self.shared and other in self.shared)


@dataclass(frozen=True)
class Sample:
    """Rows of the real table, (n,) per column, in an order of their own. What is derived of a column is kept: each is looked at beside every other."""

    columns: Mapping[str, pa.Array]
    types: Mapping[str, str]
    rows: int
    generated: Mapping[str, int | None] = field(default_factory=dict)
    _kept: dict[tuple[str, str], Any] = field(default_factory=dict, repr=False)

    def once(self, what: str, name: str, make: Callable[[pa.Array], T]) -> T:
        """What `make` gives for the plain column, made once."""
        if (what, name) not in self._kept:
            self._kept[what, name] = make(plain(self.columns[name]))
        return self._kept[what, name]

    def numbers(self, name: str) -> np.ndarray:
        """float64 (n,); nulls are nan."""
        return self.once("numbers", name, to_floats)

    def form_numbers(self, name: str, form: str) -> np.ndarray:
        """Dates or times in text or whole numbers: microseconds since 1970-01-01, or in the day, float64 (n,); nulls and other forms are nan."""
        return self.once("form numbers", name, lambda a: micros_of(a, form))

    def quick_numbers(self, name: str) -> np.ndarray:
        """The same of the rows for a first look, float64 (m,)."""
        return self.once("quick numbers", name, lambda _: self.numbers(name)[self.quick])

    def quick_hashes(self, name: str) -> np.ndarray:
        """A number for each value of these rows, uint64 (m,): equal where the values are."""
        return self.once(
            "hashes", name, lambda a: pd.util.hash_array(np.array([str(v) for v in a.take(self.quick).to_pylist()], dtype=object), categorize=False)
        )

    def codes(self, name: str) -> np.ndarray:
        """The number of each value, from 0, null being one; int64 (n,)."""
        return self.once("codes", name, _codes)

    def nulls(self, name: str) -> np.ndarray:
        """Rows without a value, bool (n,)."""
        return self.once("nulls", name, lambda a: a.is_null().to_numpy(zero_copy_only=False))

    def digits(self, name: str) -> int | None:
        """Digits after the point, as `digits_of` has it, or those of generated values where known: the sample need not show the one value off the grid."""
        if name in self.generated:
            return self.generated[name]
        return self.once("digits", name, lambda a: digits_of(a, self.types[name]))

    def surprises(self, name: str) -> np.ndarray:
        """Rows whose value is not the commonest, bool (n,)."""
        return self.once("surprises", name, lambda _: self.codes(name) != np.bincount(self.codes(name)).argmax() if self.rows else np.zeros(0, dtype=bool))

    def varies(self, name: str) -> bool:
        """Whether the column has enough of other values than its commonest to show a rule."""
        return self.once("varies", name, lambda _: int(self.surprises(name).sum()) >= MIN_SURPRISES)

    @cached_property
    def quick(self) -> np.ndarray:
        """Rows for a first look, int64 (at most `QUICK_ROWS`,)."""
        return np.unique(np.linspace(0, max(0, self.rows - 1), QUICK_ROWS).astype(np.int64)) if self.rows else np.zeros(0, dtype=np.int64)

    def judged(self, formula: F) -> F | None:
        """The formula and how it holds on the sample; None where it does not, or no more than chance."""
        wanted = dict.fromkeys((formula.target, *formula.determinants))
        verdict = judge(formula, {name: self.columns[name] for name in wanted}, self.types)
        found = holding(measured(verdict))
        told = verdict.made & verdict.there
        if found is None or told.sum() < MIN_SURPRISES:
            return None
        values = self.codes(formula.target)[told]
        surprises = int((values != np.bincount(values).argmax()).sum())
        errors = int((told & ~verdict.right).sum())
        is_constant_year = isinstance(formula, DatePart) and formula.part == "year" and surprises < MIN_SURPRISES
        if not is_constant_year and (surprises < MIN_SURPRISES or errors > FEWER_ERRORS * surprises):
            return None
        return formula.model_copy(update=found._asdict())


def fits(sample: Sample, target: str, terms: Mapping[str, float], constant: float, digits: int) -> bool:
    """Whether every sum of what the determinants take fits into the target's type, although generated rows pair values that real ones never do."""
    limits = [np.sort([f * np.nanmin(sample.numbers(n), initial=np.inf), f * np.nanmax(sample.numbers(n), initial=-np.inf)]) for n, f in terms.items()]
    low, high = np.sum(limits, axis=0) + constant
    kind = sample.types[target]
    precision = decimal_digits(kind)
    largest = LARGEST if precision is None else 10.0 ** precision[0]
    if not np.isfinite([low, high]).all() or max(abs(low), abs(high)) * 10.0**digits >= largest:
        return False
    if not is_integer(kind):
        return True
    whole = np.iinfo(arrow_type(kind).to_pandas_dtype())
    return bool(whole.min <= low and high <= whole.max)


def read_sample(table: pa.Table, types: Mapping[str, str], order: str) -> Sample:
    """A sample from the Arrow table that Spark hands over, sorted by its column `order` so that partitions do not matter."""
    table = table.sort_by(order)
    columns = {name: table.column(name).combine_chunks() for name in types}
    columns = {name: a.combine_chunks() if isinstance(a, pa.ChunkedArray) else a for name, a in columns.items()}
    return Sample(columns, dict(types), table.num_rows)


def _codes(array: pa.Array) -> np.ndarray:
    return array.dictionary_encode(null_encoding="encode").indices.to_numpy(zero_copy_only=False).astype(np.int64)


def group_ids(*codes: np.ndarray) -> np.ndarray:
    """The number of each combination of codes, int64 (n,)."""
    if len(codes) == 1:
        return codes[0]
    packed = codes[0] * (codes[1].max(initial=0) + 1) + codes[1]
    return pd.factorize(packed)[0].astype(np.int64)
