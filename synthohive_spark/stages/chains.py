"""Plan the rows of one table and of the parents that drive it, without Spark: what `sample` decides by jobs, here from the blocks themselves.

The driver makes the rows of the driving parents once, block by block, and keeps two numbers of each: its own, and that of its children.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from functools import reduce
from operator import and_

import numpy as np
import pyarrow as pa

from ..errors import GenerationError, SchemaError
from ..kernels.block import ALONE, GenerationPlan
from ..kernels.cardinality import CountRule
from ..kernels.chain import Chain, Link
from ..kernels.columns import arrow_type
from ..kernels.declare import declared_batch
from ..kernels.generate import Families, Roots
from ..kernels.models import model_class
from ..spec.fitted import FittedSchema, FittedTable
from ..spec.form import TableForm
from ..spec.hidden import ROW, count_column
from ..spec.planning.chains import WAY_OUT, carried_by, chain_faults, chain_of
from ..spec.planning.room import Room
from ..spec.program import TableProgram
from ..spec.source_options import SourceOptions
from ..spec.spelling import spelt
from ..spec.steps import Combine, Distinct, NumberKey, Series
from ..storage.references import reference_combinations, reference_rows, reference_schema
from .blocks import parent_columns
from .counts import FEW_PARENTS, by_parent, children_per_block, per_block, wanted_of, with_offsets, without_parent
from .outputs import key_columns
from .rows import plan_rows, room_of_schema


@dataclass(frozen=True)
class ChainPlanner:
    """Plans chains of one model.

    Attributes:
        fitted: the model.
        seed: as of `sample`.
        scale: as of `sample`.
        rows: of the root of the chain; None takes `scale`.
        strict: as of `sample`.
        told: takes warnings.
    """

    fitted: FittedSchema
    seed: int
    scale: float
    rows: int | None
    strict: bool
    told: list[str]

    def plan(self, table: str, names: tuple[str, ...]) -> Chain:
        """The chain that makes some columns of a table.

        Raises:
            GenerationError: its rows cannot be made where they are read; or scale or rows make no sense, or `strict` and there is no room.
        """
        refuse_chain(self.fitted, table)
        programs = {name: learnt.program for name, learnt in self.fitted.tables.items()}
        order = chain_of(programs, table)
        carried = carried_by(programs, order)
        if self.rows is not None and order[0] in self.fitted.inner:
            raise GenerationError(f"rows: those of {table!r} come in groups that `fit` has found, and whose number only follows from `scale`: give that")
        asked = {} if self.rows is None else {order[0]: self.rows}
        total = plan_rows(self.fitted, asked, self.scale, {}, strict=self.strict, told=self.told)[order[0]].rows
        room = room_of_schema(self.fitted)
        links: tuple[Link, ...] = ()
        for level, (name, below) in enumerate(zip(order, (*order[1:], None), strict=True)):
            wanted = names if below is None else tuple(dict.fromkeys([*self._read_by(below), *carried.plain[level]]))
            link = self._link(self.fitted.tables[name], wanted, room, total, Chain(links))
            links = (*links, replace(link, carried=carried.columns[level]))
        return Chain(links)

    def _read_by(self, table: str) -> tuple[str, ...]:
        """The columns of its driving parent that a table reads."""
        learnt = self.fitted.tables[table]
        drawn = self._drawn(learnt.program)
        further = {above.name for above in learnt.program.above}
        read = (c for c in parent_columns(learnt) if c not in further)
        return tuple(dict.fromkeys([ROW, *read, *self._open_key(learnt.program), *([drawn] if drawn else [])]))

    def _drawn(self, program: TableProgram) -> str | None:
        if program.driver is None or program.driving is None:
            return None
        name = count_column(program.table, program.driving)
        return name if name in self.fitted.tables[program.driver.parent_table].program.drawn else None

    def _open_key(self, program: TableProgram) -> tuple[str, ...]:
        """Columns of the driving key that can be null in the parent's row: a unique key may be."""
        if program.driver is None:
            return ()
        parent = self.fitted.tables[program.driver.parent_table].program
        never = {*parent.primary_key, *(c for step in parent.of_kind(NumberKey) for c in step.columns)}
        return tuple(c for c, _, nullable in parent.columns if nullable and c in program.driver.parent_columns and c not in never)

    def _link(self, learnt: FittedTable, names: tuple[str, ...], room: Room, total: int, above: Chain) -> Link:
        program = learnt.program
        if program.driver is None:
            return Link(self._generation(learnt, total), names, Roots(0, total))
        parents = {link.plan.fitted.program.table: link.rows for link in above.links}
        possible = room.possible(program, parents)
        limits = [room.per_anchor(program, unique, {}) for unique in program.uniques if unique.per == "parent"]
        at_most = min((n for n in limits if n is not None), default=None)
        count = above.links[-1].rows
        wanted = wanted_of(program, count, drawn=self._drawn(program), possible=possible, at_most=at_most, seed=self.seed)
        if count > FEW_PARENTS:
            raise GenerationError(f"table {program.table!r}: its driving parent would have {count:,} rows, and up to {FEW_PARENTS:,} can be counted; {WAY_OUT}")
        rows, drawn = self._parents(above, wanted.drawn, self._open_key(program))
        rule: CountRule = by_parent(rows, drawn, None, count, wanted)
        families = Families(rule, None, None, per_block(wanted.linkage), room=wanted.room)
        sums = children_per_block(rule.by_row if rule.by_row is not None else np.zeros(0, dtype=np.int64), families.per_block)
        families, children = with_offsets(families, sums)
        alone = without_parent(program, wanted, children, possible, self.scale)
        plan = self._generation(learnt, children + alone)
        return Link(plan, names, Roots(children, alone, ALONE), families, children, self._open_key(program))

    @staticmethod
    def _parents(above: Chain, drawn: str | None, key: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
        """Numbers of the parents that may have children, and what was drawn for each, int64 (p,); none is made where nothing was drawn."""
        link = above.links[-1]
        if drawn is None and not key:
            return np.arange(link.rows), np.zeros(link.rows, dtype=np.int64)
        rows, counts = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
        for span in range(len(link.spans[0])):
            frame = above.block(span)
            there = reduce(and_, (frame[c].notna().to_numpy() for c in key), np.ones(len(frame), dtype=bool))
            rows.append(frame[ROW].to_numpy(dtype="int64")[there])
            counts.append(frame[drawn].to_numpy(dtype="int64")[there] if drawn else np.zeros(int(there.sum()), dtype=np.int64))
        return np.concatenate(rows), np.concatenate(counts)

    def _generation(self, learnt: FittedTable, total: int) -> GenerationPlan:
        program = learnt.program
        steps = program.steps
        keys = {s.key for s in steps if isinstance(s, Combine)} | {index for s in steps if isinstance(s, Series | Distinct) for index in s.references}
        return GenerationPlan(
            fitted=learnt,
            seed=self.seed,
            total=total,
            combinations={key: self._combinations(program, key) for key in sorted(keys)},
            row_model=model_class(learnt.model.name) if learnt.model else None,
        )

    def _combinations(self, program: TableProgram, key: int) -> tuple[pa.Array, ...]:
        foreign = program.foreign_keys[key]
        return reference_combinations(self.fitted.references[foreign.parent_table], foreign.parent_columns)


def refuse_chain(fitted: FittedSchema, table: str) -> None:
    """Refuse a table whose rows need more than those of the parents that drive it.

    Raises:
        GenerationError: with all reasons.
    """
    faults = chain_faults(fitted, table)
    if faults:
        raise GenerationError(f"the rows of {table!r} cannot be made where they are read: {'; '.join(faults)}; {WAY_OUT}")


def made_without_spark(fitted: FittedSchema, asked: SourceOptions) -> pa.Table:
    """All rows of one table, in this process; with the types that `spark.read.format("synthohive")` gives.

    Raises:
        SchemaError: the model has no such table.
        GenerationError: the rows need those of other tables.
    """
    table = table_of(fitted, asked.table)
    if table in fitted.references:
        url = fitted.references[table]
        columns = [field["name"] for field in reference_schema(url)["fields"]]
        return reference_rows(url, columns)
    learnt, form = fitted.tables[table], fitted.forms.get(table, TableForm())
    schema = pa.schema([pa.field(name, arrow_type(kind), nullable) for name, kind, nullable in learnt.program.shown])
    told: list[str] = []
    chain = ChainPlanner(fitted, asked.seed, asked.scale, asked.rows, asked.strict, told).plan(table, learnt.program.shown_names)
    for text in told:
        warnings.warn(text, stacklevel=2)
    spans = range(len(chain.links[-1].spans[0]))
    return pa.Table.from_batches([declared_batch(chain.block(span), schema, form.lengths, key_columns(learnt.program)) for span in spans], schema)


def table_of(fitted: FittedSchema, name: str) -> str:
    """The table that a name in any capitals means.

    Raises:
        SchemaError: there is none.
    """
    table = spelt(name, fitted.asked.tables)
    if table not in fitted.asked.tables:
        raise SchemaError(f"the model has no table {name!r}; it has {', '.join(map(repr, fitted.asked.tables))}")
    return table
