"""What rows are told of the rows above their driving parent: the columns of its driving parent, and so on up to a root."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice

from ..encoding import ColumnEncoding
from ..fitted import FittedTable
from ..hidden import above_column
from ..identifiers import HIDDEN_PREFIX
from ..program import AboveColumn, TableProgram

MOST_ABOVE = 24  # columns, the nearest first: each costs training time, and says less the further it is


def columns_above(program: TableProgram, tables: Mapping[str, FittedTable]) -> tuple[tuple[AboveColumn, ...], tuple[ColumnEncoding, ...]]:
    """The columns of ancestors that the row model is told beside those of the driving parent, and how each is encoded.

    A user who names the context (`parent_context_cols`) has said all of it.

    Args:
        tables: those that come before.
    """
    if program.driver is None or program.context is not None:
        return (), ()
    found = list(islice(_above(program.driver.parent_table, _ways(program, tables), (), tables), MOST_ABOVE))
    return tuple(column for column, _ in found), tuple(encoding for _, encoding in found)


def _ways(program: TableProgram, tables: Mapping[str, FittedTable]) -> list[int]:
    """Keys of the driving parent: the one that drives it, and those that are the row's own, too."""
    if program.driver is None:
        return []
    parent = tables[program.driver.parent_table].program
    theirs = dict(zip(program.driver.columns, program.driver.parent_columns, strict=True))
    own = [tuple(theirs.get(c) for c in key.columns) for i, key in enumerate(program.foreign_keys) if i != program.driving]
    shared = [i for i, key in enumerate(parent.foreign_keys) if key.columns in own and i not in {m.key for m in parent.deferred}]
    return list(dict.fromkeys([*_up(parent), *shared]))


def _up(program: TableProgram) -> list[int]:
    return [] if program.driving is None else [program.driving]


def _above(table: str, ways: list[int], path: tuple[int, ...], tables: Mapping[str, FittedTable]) -> Iterator[tuple[AboveColumn, ColumnEncoding]]:
    """Level by level, along some keys of `table`."""
    program = tables[table].program
    ways = [key for key in ways if program.foreign_keys[key].parent_table in tables]
    for key in ways:
        parent = program.foreign_keys[key].parent_table
        repeated = {theirs for _, theirs in program.pairs_with(key)}
        for encoding in told_columns(tables[parent]):
            if encoding.name not in repeated:
                name = above_column((*path, key), encoding.name)
                yield AboveColumn(name=name, path=(*path, key), column=encoding.name), encoding.model_copy(update={"name": name})
    for key in ways:
        parent = program.foreign_keys[key].parent_table
        yield from _above(parent, _up(tables[parent].program), (*path, key), tables)


def told_columns(parent: FittedTable) -> Iterator[ColumnEncoding]:
    """The columns of a parent that say something of its rows; keys that wait for later tables are not there yet."""
    late = {c for m in parent.program.deferred for c in parent.program.foreign_keys[m.key].columns if c not in m.fixed}
    return (c for c in parent.encoding.columns if not c.name.startswith(HIDDEN_PREFIX) and c.cardinality > 1 and c.name not in late)
