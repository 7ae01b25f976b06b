"""Which columns belong to a parent's row although the table of its children has them. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ..denormalized import Denormalized
from ..graph import SchemaGraph
from ..metadata import Metadata
from ..program import TableProgram
from ..survey import Survey
from .inherited import can_bring, is_free
from .programs import SchemaPlan, views_of
from .view import TableView


def denormalized_columns(metadata: Metadata, graph: SchemaGraph, survey: Survey, plan: SchemaPlan) -> tuple[Denormalized, ...]:
    """What the keys that are matched decide; the rows of one driving parent know each other anyway.

    Where several keys decide a column it belongs to the one with the fewest parents.
    """
    views = views_of(metadata, graph, survey)
    return tuple(entry for name, view in views.items() if name in plan.programs for entry in _of_table(view, plan.programs[name]))


def _of_table(view: TableView, program: TableProgram) -> Iterator[Denormalized]:
    taken = {c for step in program.inherited for c in step.columns} | program.taken_over | program.brought | set(view.table.pii_cols)
    taken |= {program.draw.ordered_by} if program.draw.ordered_by else set()
    taken |= set() if program.driving is None else _constant(view, program.driving)
    matched = [m.key for m in program.matches if not (m.filled or m.fixed) and can_bring(view, m.key) and view.key(m.key).parent_table != view.table.name]
    for key in sorted(matched, key=lambda i: (_with_rows(view, i), i)):
        for column in program.drawn:
            if column in _constant(view, key) - taken and is_free(view, frozenset({column}), set()):
                taken.add(column)
                yield Denormalized(table=view.table.name, key=key, column=column)


def _constant(view: TableView, key: int) -> set[str]:
    return {facts.column for facts in view.seen(key).siblings if facts.constant}


def _with_rows(view: TableView, key: int) -> int:
    """Parents that have rows."""
    return sum(n for children, n in view.seen(key).children if children)
