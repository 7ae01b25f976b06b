"""Which columns belong to a parent's row although the table of its children has them. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from ...errors import SchemaError
from ..denormalized import Denormalized, with_hidden_keys
from ..graph import SchemaGraph
from ..metadata import Metadata
from ..program import TableProgram
from ..survey import Survey
from .inherited import can_bring, is_free
from .programs import SchemaPlan, views_of
from .view import TableView


def denormalized_columns(metadata: Metadata, graph: SchemaGraph, survey: Survey, plan: SchemaPlan) -> tuple[Denormalized, ...]:
    """What the keys that are matched decide; the rows of one driving parent know each other anyway.

    Where several keys decide a column it belongs to the one with the fewest parents. None closes a circle of tables.
    """
    chosen: list[Denormalized] = []
    for name, view in views_of(metadata, graph, survey).items():
        if name in plan.programs:
            for entry in _of_table(view, plan.programs[name]):
                if entry.leads is None or _is_open(with_hidden_keys(metadata, [*chosen, entry]), metadata):
                    chosen.append(entry)
    return tuple(chosen)


def _of_table(view: TableView, program: TableProgram) -> Iterator[Denormalized]:
    keys = {m.key: view.key(m.key).parent_table for m in program.matches if not (m.filled or m.fixed) and can_bring(view, m.key)}
    keys = {key: parent for key, parent in keys.items() if parent != view.table.name}
    constant = {key: _constant(view, key) for key in keys}
    taken = {c for step in program.inherited for c in step.columns} | program.taken_over | program.brought | set(view.table.pii_cols)
    taken |= {program.draw.ordered_by} if program.draw.ordered_by else set()
    taken |= set() if program.driving is None else _constant(view, program.driving)
    for key in sorted(keys, key=lambda i: (_with_rows(view, i), i)):
        for columns, leads in _parts(view, constant[key], program, keys, key):
            if taken.isdisjoint(columns):
                taken |= set(columns)
                yield Denormalized(table=view.table.name, key=key, columns=columns, leads=leads)


def _parts(
    view: TableView, constant: Collection[str], program: TableProgram, keys: Mapping[int, str], key: int
) -> Iterator[tuple[tuple[str, ...], int | None]]:
    """The other keys all of whose columns are constant, and then the columns that are no keys."""
    for other, parent in keys.items():
        if other != key and parent != keys[key] and set(view.columns(other)) <= set(constant):
            yield view.key(other).columns, other
    for column, _, _ in view.facts.columns:
        if column in constant and column in program.drawn and is_free(view, frozenset({column}), set()):
            yield (column,), None


def _constant(view: TableView, key: int) -> set[str]:
    return {facts.column for facts in view.seen(key).siblings if facts.constant}


def _with_rows(view: TableView, key: int) -> int:
    """Parents that have rows."""
    return sum(n for children, n in view.seen(key).children if children)


def _is_open(metadata: Metadata, before: Metadata) -> bool:
    """Whether no circle of tables is closed that was open before."""
    try:
        return len(SchemaGraph.from_metadata(metadata).deferred) == len(SchemaGraph.from_metadata(before).deferred)
    except SchemaError:
        return False
