"""Structs that can be null: the step that makes their fields agree with whether they are there."""

from __future__ import annotations

from collections.abc import Iterator

from ..hidden import status_column
from ..layout import Layout, OutputColumn
from ..program import TableProgram
from ..steps import Derive, Presence, Settle, Step


def with_structs(program: TableProgram, layout: Layout) -> TableProgram:
    """The program in which structs are settled before what follows from their fields is derived; those whose flag follows from other columns after that."""
    structs = [_presence(column, program) for column in layout for column in _nullable(column)]
    last = program.phases[-1]
    *steps, end = last.steps
    late: tuple[Step, ...] = (end,) if isinstance(end, Derive) else ()
    derived = {c for step in late for c in step.columns}
    first = tuple(s for s in structs if s.flag not in derived)
    then = tuple(s for s in structs if s.flag in derived)
    whole = (*steps, *(() if late else (end,)), *_settled(first), *late, *_settled(then))
    return program.model_copy(update={"phases": (*program.phases[:-1], last.model_copy(update={"steps": whole}))})


def settled_columns(layout: Layout) -> frozenset[str]:
    """The columns inside structs that can be null, and those that say whether such are there."""
    structs = [column for outer in layout for column in _nullable(outer)]
    return frozenset(str(c.source) for struct in structs for c in (struct, *struct.leaves))


def _settled(structs: tuple[Presence, ...]) -> tuple[Step, ...]:
    return (Settle(structs=structs),) if structs else ()


def _nullable(column: OutputColumn) -> Iterator[OutputColumn]:
    """The structs that can be null, outer ones first."""
    if column.fields and column.source is not None:
        yield column
    for inner in column.fields:
        yield from _nullable(inner)


def _presence(column: OutputColumn, program: TableProgram) -> Presence:
    fields = tuple(leaf.source for leaf in column.leaves if leaf.source is not None)
    late = [m for m in program.deferred if not set(program.foreign_keys[m.key].columns).isdisjoint(fields)]
    keys = {*program.primary_key, *(c for key in program.foreign_keys for c in key.columns)}
    return Presence(
        flag=str(column.source),
        fields=fields,
        flags=tuple(str(inner.source) for part in column.fields for inner in _nullable(part)),
        required=column.conditions,
        keys=tuple(c for c in fields if c in keys),
        statuses=tuple(status_column(m.key) if m.status else None for m in late),
    )
