"""The order in which the row model draws columns: it is trained in the order in which it draws."""

from __future__ import annotations

from collections.abc import Sequence

from ..hidden import GAP
from ..program import TableProgram
from ..steps import Derive, Draw


def turns(program: TableProgram, columns: Sequence[str]) -> tuple[int, ...]:
    """When the row model draws each of `columns`, each after those of lower numbers.

    First what an earlier phase needs, then what orders siblings, what they tell each other, the others as in the table, and last what rules mostly replace.
    """
    draw = program.draw
    early = [c for phase in program.phases[:-1] for step in phase.steps if isinstance(step, Draw) for c in step.columns]
    ordering = [GAP, *([draw.ordered_by] if draw.ordered_by else [])] if draw.stepwise else []
    shared = sorted(program.across, key=lambda rule: bool(rule.inputs))  # what follows from no other column is there first
    followed = [c for rule in shared for c in (*rule.inputs, rule.column)]
    first = dict.fromkeys(c for c in (*early, *ordering, *followed, *columns) if c in columns and c not in draw.last)
    places = {c: i for i, c in enumerate([*first, *(c for c in columns if c in draw.last)])}
    return tuple(places[c] for c in columns)


def often_known(program: TableProgram, columns: Sequence[str]) -> tuple[int, ...]:
    """Places of those of `columns` that follow from known ones in most rows, and that the row model draws in the others."""
    before = program.steps[: next((i for i, step in enumerate(program.steps) if isinstance(step, Draw)), 0)]
    loose = {d.target for step in before if isinstance(step, Derive) for d in step.dependencies if d.loose}
    return tuple(i for i, c in enumerate(columns) if c in loose)
