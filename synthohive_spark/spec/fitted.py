"""What `fit` gives and an artifact holds: specs and bytes, no live objects."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pydantic import Field

from .across_rows import described_across
from .base import Spec
from .dependencies import described
from .encoding import TableEncoding
from .form import TableForm
from .graph import SchemaGraph
from .joint import JointKey, without_joint_keys
from .layout import Layout
from .metadata import Metadata
from .program import TableProgram
from .sources import Sources
from .totals import described_total


class ModelSpec(Spec):
    """How to build a row model again.

    Attributes:
        name: its registered name.
        settings: its own keyword arguments.
        row: cardinality of each drawn column.
        context: cardinality of each context column, the code for "no parent" counted in.
        siblings: rows see those of their family before them.
        turns: when each drawn column is drawn: those of a lower number first, those of one number in any order. Nothing where all are alike.
        known: places of drawn columns that most rows have from the start.
    """

    name: str
    settings: dict[str, Any] = Field(default_factory=dict)
    row: tuple[int, ...]
    context: tuple[int, ...]
    siblings: bool = False
    turns: tuple[int, ...] = ()
    known: tuple[int, ...] = ()


def model_columns(program: TableProgram, encoding: TableEncoding) -> tuple[str, ...]:
    """The drawn columns that have more than one code."""
    return tuple(name for name in program.drawn if encoding.column(name).cardinality > 1)


class Described(Spec):
    """What is learnt of a table before its row model is trained; as in `FittedTable`."""

    program: TableProgram
    encoding: TableEncoding
    context: TableEncoding | None = None


@dataclass(frozen=True)
class FittedTable:
    """One learnt table. `weights` is the model's state in safetensors form; `model` is None where there is nothing to draw.

    `context_encoding` is the driving parent's encoding, cut to the columns that the row model is told.
    """

    program: TableProgram
    encoding: TableEncoding
    context_encoding: TableEncoding | None = None
    model: ModelSpec | None = None
    weights: bytes = field(default=b"", repr=False)

    @property
    def dependencies(self) -> list[str]:
        """In words, how columns follow from others, of the same row and of others."""
        own = (described(d, self.program.types) for d in self.program.dependencies)
        parent = self.program.driver.parent_table if self.program.driver else ""
        return [*own, *(described_across(rule, parent) for rule in self.program.across_told), *(described_total(t) for t in self.program.totals)]

    @property
    def model_columns(self) -> tuple[str, ...]:
        """The columns that the model draws: those with one code only need no model."""
        return model_columns(self.program, self.encoding)


@dataclass(frozen=True)
class FittedSchema:
    """A whole fitted schema.

    Attributes:
        metadata: what the user asked, with the joint keys and the tables made for them.
        joint: keys that nobody declared, each the last one of its table.
        graph: the order of its tables.
        tables: the learnt tables by name.
        references: reference tables by name: folder of Parquet files that hold their rows.
        seed: what all of it was trained with.
        version: of the package that fitted it.
        reference_required: columns of the reference tables that are never null, which Parquet does not keep.
        reference_rows: rows of the reference tables.
        sources: where the real tables lie, which no output may replace.
        layouts: how the columns lie in the data, of tables that are not learnt as they are.
        forms: what the real tables say of themselves, of those that say something.
    """

    metadata: Metadata
    graph: SchemaGraph
    tables: dict[str, FittedTable]
    references: dict[str, str]
    seed: int
    version: str
    reference_required: dict[str, tuple[str, ...]] = field(default_factory=dict)
    reference_rows: dict[str, int] = field(default_factory=dict)
    layouts: dict[str, Layout] = field(default_factory=dict)
    forms: dict[str, TableForm] = field(default_factory=dict)
    sources: Sources = field(default_factory=Sources)
    joint: tuple[JointKey, ...] = ()

    @property
    def asked(self) -> Metadata:
        """What the user asked."""
        return without_joint_keys(self.metadata, self.joint)

    @property
    def inner(self) -> frozenset[str]:
        """Tables that were made for joint keys, which are part of no copy."""
        return frozenset(found.parent for found in self.joint if found.made)
