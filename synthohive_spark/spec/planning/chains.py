"""Tables whose rows can be made block by block wherever they are read: those that need no rows but those of the parents that drive them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..fitted import FittedSchema
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
    for above, below in zip(chain, chain[1:], strict=False):
        faults += [f"table {below!r}: {why}" for why in _read_faults(fitted, programs[above], below)]
    return faults


def needed_of_parent(fitted: FittedSchema, table: str) -> tuple[str, ...]:
    """The columns of the driving parent whose values decide the rows of a table: its key, and what its model is told."""
    learnt = fitted.tables[table]
    driver, context = learnt.program.driver, learnt.context_encoding
    return tuple(dict.fromkeys([*(driver.parent_columns if driver else ()), *(context.names if context else ())]))


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


def _read_faults(fitted: FittedSchema, parent: TableProgram, table: str) -> Iterator[str]:
    """What the rows of a table must not read of their parent's: columns that are there once other tables are."""
    late = {c for m in parent.deferred for c in (*parent.foreign_keys[m.key].columns, *m.brought)} | {t.column for t in parent.totals}
    found = sorted(late & set(needed_of_parent(fitted, table)))
    if found:
        yield f"it depends on {', '.join(map(repr, found))} of {parent.table!r}, which follow from rows of other tables"
