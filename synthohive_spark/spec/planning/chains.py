"""Tables whose rows can be made block by block wherever they are read: those that need no rows but those of the parents that drive them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..fitted import FittedSchema
from ..hidden import hidden
from ..program import TableProgram

WAY_OUT = "write the tables with Synthesizer.sample, and read this one"


def chain_of(programs: Mapping[str, TableProgram], table: str) -> tuple[str, ...]:
    """The table and the parents that drive it, from the root down."""
    chain = [table]
    while (driver := programs[chain[0]].driver) is not None:
        chain.insert(0, driver.parent_table)
    return tuple(chain)


def chain_faults(fitted: FittedSchema, table: str) -> list[str]:
    """Why the rows of a learnt table cannot be made where they are read, in sentences; none where they can."""
    programs = {name: learnt.program for name, learnt in fitted.tables.items()}
    chain = chain_of(programs, table)
    faults = [f"table {name!r}: {why}" for name in chain for why in _own_faults(fitted, programs[name])]
    faults += [f"table {table!r}: {why}" for why in _last_faults(fitted, programs[table])]
    for name in chain:
        faults += [f"table {name!r}: {why}" for why in _further_faults(programs, name)]
    for above, below in zip(chain, chain[1:], strict=False):
        faults += [f"table {below!r}: {why}" for why in _read_faults(fitted, programs[above], below)]
    return faults


@dataclass(frozen=True)
class Carried:
    """What the rows of a chain must have for those below, by level, the root first.

    Attributes:
        columns: of columns that they take over from the rows above, what each is called here and there, and its Spark type.
        plain: columns of their own that rows further below take over.
    """

    columns: tuple[tuple[tuple[str, str, str], ...], ...]
    plain: tuple[tuple[str, ...], ...]


def carried_by(programs: Mapping[str, TableProgram], order: tuple[str, ...]) -> Carried:
    """What each table of a chain carries, so that those below are told of their ancestors."""
    columns: list[dict[str, tuple[str, str]]] = [{} for _ in order]
    plain: list[dict[str, None]] = [{} for _ in order]
    for level, table in enumerate(order):
        for above in programs[table].above:
            further = hidden(f"for{level}_{above.name}")
            last = level - len(above.path)
            for place in range(last, level):
                source = above.column if place == last else further
                columns[place][above.name if place == level - 1 else further] = source, programs[order[last - 1]].types[above.column]
            plain[last - 1][above.column] = None
    return Carried(tuple(tuple((name, *source) for name, source in found.items()) for found in columns), tuple(map(tuple, plain)))


def needed_of_parent(fitted: FittedSchema, table: str) -> tuple[str, ...]:
    """The columns of the driving parent whose values decide the rows of a table: its key, and what its model is told."""
    learnt = fitted.tables[table]
    driver, context = learnt.program.driver, learnt.context_encoding
    further = {above.name for above in learnt.program.above}
    return tuple(dict.fromkeys([*(driver.parent_columns if driver else ()), *(c for c in (context.names if context else ()) if c not in further)]))


def _own_faults(fitted: FittedSchema, program: TableProgram) -> Iterator[str]:
    """What every table of a chain must not have."""
    for match in program.early:
        key = program.foreign_keys[match.key]
        yield f"its key {key} is matched with the rows of {key.parent_table!r}, for which all rows of both are needed"
    form = fitted.forms.get(program.table)
    if form is not None and form.rules:
        yield "Delta rules (generated columns, check constraints) are computed by Spark over its rows"
    if program.needs:
        yield "only those rows of its driving parent have children that leave other keys a partner"
    if any(unique.per == "group" for unique in program.uniques):
        yield "its rows are numbered over all driving parents that share a part of their key"
    if any(unique.matches for unique in program.uniques):
        yield "a matched key keeps its rows apart"


def _last_faults(fitted: FittedSchema, program: TableProgram) -> Iterator[str]:
    """What the table that is read must not have, beside that."""
    for match in program.deferred:
        key = program.foreign_keys[match.key]
        yield f"its key {key} is matched once the rows of {key.parent_table!r} are there"
    if program.totals:
        yield f"its column {program.totals[0].column!r} sums up rows of {program.totals[0].child!r}"
    if program.table in fitted.layouts:
        yield "its structs, or columns of types that are not learnt, are put together by Spark"


def _further_faults(programs: Mapping[str, TableProgram], table: str) -> Iterator[str]:
    """What its rows must not be told of rows further above."""
    driver = programs[table].driver
    for above in programs[table].above if driver else ():
        ancestor = driver.parent_table if driver else ""
        for key in above.path:
            if key != programs[ancestor].driving:
                yield f"it depends on rows that the key {programs[ancestor].foreign_keys[key]} of {ancestor!r} leads to, which does not drive"
                return
            ancestor = programs[ancestor].foreign_keys[key].parent_table
        if above.column in {t.column for t in programs[ancestor].totals}:
            yield f"it depends on {above.column!r} of {ancestor!r}, which follows from rows of other tables"


def _read_faults(fitted: FittedSchema, parent: TableProgram, table: str) -> Iterator[str]:
    """What the rows of a table must not read of their parent's: columns that are there once other tables are."""
    late = {c for m in parent.deferred for c in (*parent.foreign_keys[m.key].columns, *m.brought)} | {t.column for t in parent.totals}
    found = sorted(late & set(needed_of_parent(fitted, table)))
    if found:
        yield f"it depends on {', '.join(map(repr, found))} of {parent.table!r}, which follow from rows of other tables"
