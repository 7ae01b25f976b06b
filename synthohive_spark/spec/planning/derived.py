"""Exact dependencies in a row program: what follows from known columns is derived before the row model draws, and told to it; the rest afterwards."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from ..dependencies import AnyDependency, Order, is_bound
from ..encoding import TableEncoding
from ..program import Phase, TableProgram
from ..steps import Derive, Draw, ParentKey, Step


def split_early(program: TableProgram, dependencies: Sequence[AnyDependency]) -> tuple[tuple[AnyDependency, ...], tuple[AnyDependency, ...]]:
    """The dependencies that follow from known columns alone, and the others; both in order.

    What is null in spite of its determinants waits for the row model, and what may have been left to it is no known column to others.
    """
    early: list[AnyDependency] = []
    late: list[AnyDependency] = []
    there: set[str] = set(program.given) - {d.target for d in dependencies}
    for dependency in dependencies:
        if there.issuperset(dependency.determinants) and not is_bound(dependency) and not dependency.gaps:
            early.append(dependency)
            there |= set() if dependency.loose else {dependency.target}
        else:
            late.append(dependency)
    return tuple(early), tuple(late)


def with_dependencies(program: TableProgram, dependencies: Sequence[AnyDependency], encoding: TableEncoding, parent: TableProgram | None) -> TableProgram:
    """The program in which `dependencies` derive their targets; the model is told the early ones, unless it knows them from the driving parent's row.

    Targets that the row model draws too, for rows in which their rule says nothing, are drawn after all others. Those that most rows know from the start
    as well: what the model learns of them it learns in the other rows alone, and that of all other columns mostly in rows that have them.
    """
    early, late = split_early(program, dependencies)
    ruled = [d for d in dependencies if not is_bound(d) or (isinstance(d, Order) and d.base is not None)]
    targets = {d.target: d.target if d.drawn else d.distance if isinstance(d, Order) else None for d in ruled}
    told = tuple(d.target for d in early if not d.loose and encoding.column(d.target).cardinality > 1 and not _is_the_parents(d, program, parent))
    given = told or any(d.loose for d in early)
    after = frozenset(d.target for d in dependencies if d.drawn)
    phases = [_derived(phase, early if given or phase is program.phases[-1] else (), targets, told, after) for phase in program.phases]
    if late:
        phases[-1] = phases[-1].model_copy(update={"steps": (*phases[-1].steps, Derive(dependencies=late))})
    return program.model_copy(update={"phases": tuple(phases)})


def _derived(phase: Phase, early: tuple[AnyDependency, ...], targets: Mapping[str, str | None], told: tuple[str, ...], after: frozenset[str]) -> Phase:
    """The phase without its targets, in whose place stand the distances that they are drawn as; those of `after` are drawn last."""
    steps: list[Step] = []
    for step in phase.steps:
        if isinstance(step, Draw):
            steps += [Derive(dependencies=early)] if early else []
            kept = [drawn for c in step.columns if (drawn := targets.get(c, c)) is not None]
            last = tuple(c for c in kept if c in after)
            columns = (*(c for c in kept if c not in last), *last)
            steps.append(step.model_copy(update={"columns": columns, "conditions": (*step.conditions, *told), "last": last}))
        elif isinstance(step, ParentKey):
            steps.append(_without(step, targets))
        else:
            steps.append(step)
    return phase.model_copy(update={"steps": tuple(steps)})


def _is_the_parents(dependency: AnyDependency, program: TableProgram, parent: TableProgram | None) -> bool:
    """Whether a column of the driving parent's context says the same."""
    if program.driver is None or parent is None:
        return False
    above = dict(zip(program.driver.columns, program.driver.parent_columns, strict=True))
    same = dependency.model_copy(update={"determinants": tuple(above.get(d, "") for d in dependency.determinants)})
    ignored = {"target", "share", "digits", "counts", "combinations"}
    form = same.model_dump(exclude=ignored)
    seen = [other for other in parent.dependencies if program.context is None or other.target in program.context]
    return any(other.model_dump(exclude=ignored) == form for other in seen)


def _without(step: ParentKey, targets: Collection[str]) -> ParentKey:
    pairs = [(own, theirs) for own, theirs in zip(step.columns, step.parent_columns, strict=True) if own not in targets]
    columns, parent_columns = tuple(own for own, _ in pairs), tuple(theirs for _, theirs in pairs)
    return step.model_copy(update={"columns": columns, "parent_columns": parent_columns, "fallback": tuple(c for c in step.fallback if c not in targets)})
