"""What follows from other rows of the family, in a row program: once the row is drawn, and before what follows from it in its own row."""

from __future__ import annotations

from collections.abc import Sequence

from ..across_rows import AcrossRule, Lagged, Mirrored, Running
from ..dependencies import AnyDependency, Order, is_bound
from ..program import TableProgram
from ..steps import AcrossRows, Derive, Step


def adds_up(rule: AcrossRule) -> bool:
    """Whether a row's value follows from the row before: such a rule goes before rules of the own row, any other after them."""
    return isinstance(rule, Lagged | Running)


def goes_round(dependency: AnyDependency, rules: Sequence[AcrossRule]) -> bool:
    """Whether the target would wait for itself: other rows' values are made of it, and it of them."""
    made = {rule.column for rule in rules if adds_up(rule)}
    read = {name for rule in rules if adds_up(rule) for name in rule.inputs}
    return dependency.target in read and not made.isdisjoint(dependency.determinants)


def with_across_rows(program: TableProgram, rules: Sequence[AcrossRule]) -> TableProgram:
    """The program in which `rules` hold; those whose column follows from its own row, or that would wait for themselves, are left out."""
    derived = {d.target for d in program.dependencies if not is_bound(d) or (isinstance(d, Order) and d.base is not None)}
    steps = program.steps
    late = steps[-1] if steps and isinstance(steps[-1], Derive) else None
    made = {rule.column for rule in rules if adds_up(rule)}
    kept = tuple(rule for rule in rules if rule.column not in derived and made.isdisjoint(_read(rule, late)))
    kept = tuple(rule for rule in kept if not isinstance(rule, Mirrored) or rule.of not in made)
    if not kept:
        return program
    needed = {name for rule in kept for name in (*rule.inputs, *_read(rule, late))}
    columns = {rule.column for rule in kept}
    # What bounds a column moves it in single rows: other rows must follow it after that.
    ahead = tuple(d for d in (late.dependencies if late else ()) if d.target in needed or (is_bound(d) and not columns.isdisjoint({d.target, *d.determinants})))
    added: list[Step] = [Derive(dependencies=ahead, ahead=True)] if ahead else []
    added.append(AcrossRows(rules=kept))
    last = program.phases[-1].model_copy(update={"steps": (*(steps[:-1] if late else steps), *added, *([late] if late else []))})
    return program.model_copy(update={"phases": (*program.phases[:-1], last)})


def _read(rule: AcrossRule, late: Derive | None) -> set[str]:
    """What the columns that the rule reads are derived from in their own rows, over any number of steps."""
    by_target = {d.target: d for d in (late.dependencies if late else ())}
    found: set[str] = set()
    waiting = list(rule.inputs)
    while waiting:
        dependency = by_target.get(waiting.pop())
        new = set(dependency.determinants) - found if dependency else set()
        found |= new
        waiting += sorted(new)
    return found
