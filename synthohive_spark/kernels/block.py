"""A block of rows while it is made: what its steps share. Legend: `n` rows of the block, `p` its driving parents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..spec.fitted import FittedTable
from ..spec.hidden import PARENT_ROW, POSITION, ROW, SIBLINGS
from ..spec.program import Phase
from .columns import arrow_type
from .columns.marks import marked
from .given import Given, condition_of, held_rows, with_given_values
from .models.base import ConditionalGenerativeModel
from .seeds import derive_seed, generator

MODEL = "model"  # the purpose of the generator that draws whole rows
ROWS, ALONE = "rows", "alone"  # what a block holds: rows in general, or those without a driving parent


@dataclass(frozen=True)
class GenerationPlan:
    """Everything a task needs to make blocks of one table.

    Attributes:
        fitted: the table.
        seed: of the run.
        total: rows of the table.
        phase: which phase of its program.
        combinations: of keys of several columns to reference tables, by index of the key: the reference table's columns.
        partners: by index of a key that is matched later, how many different partners there are.
        row_model: class of the table's model; None looks its name up.
        given: values that rows of the table must have.
        attempt: how often the rows were drawn before, as some broke a rule: what is known of them stays, and what is drawn is drawn by other luck.
        in_families: rows are given with where they stand in their family.
    """

    fitted: FittedTable
    seed: int
    total: int
    phase: int = -1
    combinations: Mapping[int, tuple[pa.Array, ...]] = field(default_factory=dict)
    partners: Mapping[int, int] = field(default_factory=dict)
    row_model: type[ConditionalGenerativeModel] | None = None
    given: Given | None = None
    attempt: int = 0
    in_families: bool = False

    @property
    def steps(self) -> Phase:
        """The phase that is carried out."""
        return self.fitted.program.phases[self.phase]

    def typed(self, names: Iterable[str]) -> dict[str, str]:
        """Columns of the table, hidden ones included, with their Spark types; what numbers and counts rows is whole."""
        types, encoding, drawn = self.fitted.program.types | self.fitted.program.borrowed, self.fitted.encoding, self.fitted.program.drawn
        return {name: types[name] if name in types else encoding.column(name).spark_type if name in drawn else "bigint" for name in names}

    @property
    def is_last(self) -> bool:
        return self.phase % len(self.fitted.program.phases) == len(self.fitted.program.phases) - 1


@dataclass(frozen=True)
class Parents:
    """The driving parents of a block.

    Attributes:
        frame: their rows (p).
        of_child: the parent of each row, int64 (n,).
        position: number of each row within its parent, int64 (n,).
        siblings: rows of that parent, int64 (n,).
    """

    frame: pd.DataFrame
    of_child: np.ndarray = field(repr=False)
    position: np.ndarray = field(repr=False)
    siblings: np.ndarray = field(repr=False)


class Block:
    """The rows of one block, column by column.

    Args:
        plan: of the table.
        number: of the block.
        purpose: `ROWS` or `ALONE`.
        rows: numbers of its rows, int64 (n,).
        parents: the driving parents; None where there is none.
        carried: what an earlier phase made of these rows; None in a first phase.
    """

    def __init__(
        self, plan: GenerationPlan, number: int, purpose: str, rows: np.ndarray, parents: Parents | None = None, carried: pd.DataFrame | None = None
    ) -> None:
        self.plan, self.number, self.purpose, self.rows, self.parents, self.carried = plan, number, purpose, rows, parents, carried
        self.columns: dict[str, pa.Array] = {}
        self.which = condition_of(plan.given, rows)  # the condition of each row, int64 (n,), -1 for none; None where no row has one
        self.chosen: dict[str, tuple[pa.Array, np.ndarray]] = {}  # values (n,) from which asked ones follow, and the rows that have one, bool (n,)
        self.open: dict[str, np.ndarray] = {}  # of columns that are there but for some rows, in which they wait for the row model: those rows, bool (n,)
        self.stand_ins: dict[str, pa.Array] = {}  # what nulls among determinants are taken for, the same in all derivations
        self._generators: dict[str, np.random.Generator] = {}

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def table(self) -> str:
        return self.plan.fitted.program.table

    @property
    def types(self) -> dict[str, str]:
        return self.plan.fitted.program.types

    def arrow_type(self, column: str) -> pa.DataType:
        """The exact type of a column, hidden ones included."""
        types = self.types
        return arrow_type(types[column] if column in types else self.plan.fitted.encoding.column(column).spark_type)

    def held(self) -> dict[str, np.ndarray]:
        """For each column with given values, or with chosen ones from which given ones follow, the rows that have one, bool (n,): there it must stay."""
        held = held_rows(self.plan.given, self.which)
        return held | {name: rows | held[name] if name in held else rows for name, (_, rows) in self.chosen.items()}

    def with_given(self, columns: Mapping[str, pa.Array]) -> dict[str, pa.Array]:
        """The columns, with the given and the chosen values in the rows that have one."""
        out = with_given_values(columns, self.plan.given, self.which)
        for name, (values, rows) in self.chosen.items():
            if name in out:
                out[name] = pc.if_else(pa.array(rows), values.cast(out[name].type), out[name])
        return out

    def rng(self, purpose: str) -> np.random.Generator:
        """The generator for one purpose in this block; the same object each time.

        An earlier phase has others than the last one, or columns of both would share their luck; but for `MODEL`, whose row is to be the same in each.
        """
        if purpose not in self._generators:
            phase = () if self.plan.is_last or purpose == MODEL else (self.plan.phase,)
            again = (f"again {self.plan.attempt}",) if self.plan.attempt else ()
            self._generators[purpose] = generator(self.plan.seed, self.table, self.purpose, purpose, self.number, *phase, *again)
        return self._generators[purpose]

    def salt(self, *names: str) -> int:
        """A seed for what must not depend on the block."""
        return derive_seed(self.plan.seed, self.table, *names)

    def frame(self, names: tuple[str, ...]) -> pd.DataFrame:
        """Some of the columns as pandas, as they are encoded: NaN by its mark."""
        return pd.DataFrame({name: as_series(marked(self.columns[name])) for name in names}, copy=False)

    def parent_rows(self) -> np.ndarray:
        """Row numbers of the driving parents, int64 (p,)."""
        return np.zeros(0, dtype="int64") if self.parents is None else self.parents.frame[ROW].to_numpy(dtype="int64")

    def hidden(self) -> dict[str, pa.Array]:
        """Row numbers, and where each row stands in its family."""
        parents, n = self.parents, len(self)
        parent_rows = np.full(n, -1) if parents is None else self.parent_rows()[parents.of_child]
        return {
            ROW: pa.array(self.rows),
            PARENT_ROW: pa.array(parent_rows),
            POSITION: pa.array(np.zeros(n, dtype="int64") if parents is None else parents.position),
            SIBLINGS: pa.array(np.ones(n, dtype="int64") if parents is None else parents.siblings),
        }


def as_frame(table: pa.Table) -> pd.DataFrame:
    """An Arrow table as pandas, without a copy where it is in one piece."""
    return pd.DataFrame({name: as_series(table[name].combine_chunks()) for name in table.column_names}, copy=False)


def as_series(values: pa.Array) -> pd.Series:
    """An Arrow array as a pandas Series, without a copy."""
    return pd.Series(pd.arrays.ArrowExtensionArray(pa.chunked_array([values])))
