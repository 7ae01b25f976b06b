"""What follows from other rows of the family, in a row program: once the row is drawn, and before what follows from it in its own row."""

from __future__ import annotations

from collections.abc import Sequence

from ..across_rows import AcrossRule, Lagged, Mirrored, Running, Shared
from ..dependencies import AnyDependency, Lookup, Order, is_bound
from ..family_shapes import Following, Marked, Numbered, Split
from ..program import TableProgram
from ..steps import AcrossRows, Derive, Step


def adds_up(rule: AcrossRule) -> bool:
    """Whether a row's value is made from other rows: such a rule goes before rules of the own row, any other after them."""
    return isinstance(rule, Lagged | Running | Following | Numbered | Split) or (isinstance(rule, Marked) and rule.at != "one")


def goes_round(dependency: AnyDependency, rules: Sequence[AcrossRule]) -> bool:
    """Whether the target would wait for itself: other rows' values are made of it, and it of them."""
    made = {rule.column for rule in rules if adds_up(rule)}
    read = {name for rule in rules if adds_up(rule) for name in rule.inputs}
    return dependency.target in read and not made.isdisjoint(dependency.determinants)


def with_across_rows(program: TableProgram, rules: Sequence[AcrossRule]) -> TableProgram:
    """The program in which `rules` hold; those whose column follows from its own row, or that would wait for themselves, are left out.

    What mirrors a column of a lookup comes last of all: it holds where the lookup does not know the row's combination.
    """
    distances = _shared_distances(program, rules)
    derived = {d.target for d in program.dependencies if not is_bound(d) or (isinstance(d, Order) and d.base is not None and d.target not in distances)}
    steps = program.steps
    late = steps[-1] if steps and isinstance(steps[-1], Derive) else None
    made = {rule.column for rule in rules if adds_up(rule)}
    looked_up = {d.target for d in program.dependencies if isinstance(d, Lookup)}
    last_of_all = tuple(r for r in rules if isinstance(r, Mirrored) and r.of == r.column and r.column in looked_up)
    kept = tuple(rule for rule in rules if rule.column not in derived and made.isdisjoint(_read(rule, late)))
    kept = tuple(rule for rule in kept if not isinstance(rule, Mirrored) or rule.of not in made)
    if not kept:
        return program
    kept = (*(Shared(column=distance) for target, distance in distances.items() if target not in derived), *kept)
    ahead = _ahead(kept, late.dependencies if late else ())
    added: list[Step] = [Derive(dependencies=ahead, ahead=True)] if ahead else []
    added.append(AcrossRows(rules=kept))
    after = [late, *([AcrossRows(rules=last_of_all)] if last_of_all else [])] if late else []
    last = program.phases[-1].model_copy(update={"steps": (*(steps[:-1] if late else steps), *added, *after)})
    return program.model_copy(update={"phases": (*program.phases[:-1], last)})


def _shared_distances(program: TableProgram, rules: Sequence[AcrossRule]) -> dict[str, str]:
    """The distances of columns that are the same in a whole family from others that are: they are so too, or each row would have its own sum of both."""
    shared = {rule.column for rule in rules if isinstance(rule, Shared)}
    orders = [d for d in program.dependencies if isinstance(d, Order) and d.base is not None]
    return {d.target: d.distance for d in orders if d.distance is not None and {d.target, *d.at_least, *d.at_most} <= shared}


def _ahead(rules: Sequence[AcrossRule], dependencies: Sequence[AnyDependency]) -> tuple[AnyDependency, ...]:
    """What has to be settled in each row before other rows follow it: what rules read, what bounds or moves their columns, and all that those need."""
    needed = {name for rule in rules for name in (*rule.made, *rule.inputs)}
    made = {rule.column for rule in rules if adds_up(rule)}
    ahead: list[AnyDependency] = []
    for d in reversed(dependencies):  # each stands after what it needs
        moves = (is_bound(d) or isinstance(d, Lookup)) and made.isdisjoint(d.determinants) and not needed.isdisjoint(d.determinants)
        if d.target in needed or moves:
            ahead.append(d)
            needed |= {d.target, *d.determinants}
    return tuple(reversed(ahead))


def _read(rule: AcrossRule, late: Derive | None) -> set[str]:
    """What the columns that the rule reads are derived from in their own rows, over any number of steps."""
    needs: dict[str, set[str]] = {}
    for d in late.dependencies if late else ():
        needs.setdefault(d.target, set()).update(d.determinants)
    found: set[str] = set()
    waiting = list(rule.inputs)
    while waiting:
        new = needs.get(waiting.pop(), set()) - found
        found |= new
        waiting += sorted(new)
    return found
