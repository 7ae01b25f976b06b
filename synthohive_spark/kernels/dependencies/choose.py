"""Choose among the dependencies that hold: one per target, without circles, so that what is known decides as much as possible."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType

from ...spec.dependencies import Absence, AnyDependency, Clock, DatePart, Linear, Lookup, Product
from .times import PARTS

# A multiple says more than the quotient, which any remainder would fit.
_KINDS = ("copy", "part", "clock", "linear", "product", "pick", "quotient", "remainder", "bands", "written", "lookup", "order")


def choose(
    candidates: Sequence[AnyDependency], known: Collection[str], types: Mapping[str, str], sizes: Mapping[str, int] = MappingProxyType({})
) -> list[AnyDependency]:
    """A set that can be evaluated, in the order in which to do so.

    What follows from known columns alone comes first, since it cannot be otherwise: a column that it fixes must not be asked to follow from drawn ones too.
    Then formulas before lookups; what leaves no rows to the row model before what does; a sum with a known term before the parts of a drawn one
    (`sched_dep_time = 100 * hour + minute` where the hour is known); one determinant before two; sums before differences, which could fall below zero. Of
    lookups that with the fewest values: the state by the city and not by the postal code, so that both hold for a code that no real row has.

    Args:
        candidates: dependencies that hold on the real rows.
        known: columns that are given before the row starts.
        types: Spark types, in the order of the columns.
        sizes: about how many values columns have.
    """
    chosen: dict[str, AnyDependency] = {}
    settled = set(known)
    place = {name: i for i, name in enumerate(types)}
    left = [c for c in candidates if c.target not in settled]
    while left:
        best = min(left, key=lambda c: _rank(c, settled, types, sizes, place))
        if not closes_a_circle(best.target, best.determinants, {name: c.determinants for name, c in chosen.items()}):
            chosen[best.target] = best
            if settled.issuperset(best.determinants):
                settled.add(best.target)
            left = [c for c in left if c.target != best.target]
        else:
            left.remove(best)
    return sequenced(chosen.values())


def _rank(c: AnyDependency, settled: set[str], types: Mapping[str, str], sizes: Mapping[str, int], place: Mapping[str, int]) -> tuple[object, ...]:
    is_lookup = isinstance(c, Lookup)
    return (
        not settled.issuperset(c.determinants),
        is_lookup,
        c.drawn,
        not settled.intersection(c.determinants),
        len(c.determinants),
        _doubt(c),
        _KINDS.index(c.kind),
        PARTS.index(c.part) if isinstance(c, DatePart) else 0,
        sizes.get(c.determinants[0], 0) if is_lookup and len(c.determinants) == 1 else 0,
        sum(types[d] not in ("string", "boolean") for d in c.determinants) if is_lookup else 0,
        -round(c.share, 4),
        tuple(place[d] for d in c.determinants),
        -place[c.target],
    )


def _doubt(c: AnyDependency) -> int:
    """Among formulas of the same columns, which to take last: differences, and products of rounded shares, from which those shares could not be had again."""
    if isinstance(c, Linear | Clock):
        return sum(f < 0 for f in c.factors)
    return 0 if not isinstance(c, Product) else 1 if c.way != "times" else 2 * (c.scale != 1)


def closes_a_circle(target: str, determinants: Iterable[str], needs: Mapping[str, Sequence[str]]) -> bool:
    """Whether the target is needed, over any number of steps, for one of the determinants. `needs` are those of each column that is derived."""
    waiting, seen = list(determinants), set()
    while waiting:
        name = waiting.pop()
        if name == target:
            return True
        if name in needs and name not in seen:
            seen.add(name)
            waiting += needs[name]
    return False


def sequenced(chosen: Iterable[AnyDependency]) -> list[AnyDependency]:
    """Each after what it needs, and where a column is null before what it is.

    Lookups of two come first among those that could, then those of one: they may change a determinant, which later ones must not. Absences come last.
    """
    left = list(chosen)
    ordered: list[AnyDependency] = []
    while left:
        missing = {c.target for c in left}
        unsettled = {c.target for c in left if isinstance(c, Absence)}
        ready = [c for c in left if not missing.intersection(c.determinants) and (isinstance(c, Absence) or c.target not in unsettled)]
        best = min(ready, key=lambda c: (-len(c.determinants) if isinstance(c, Lookup) else int(isinstance(c, Absence)), left.index(c)))
        ordered.append(best)
        left.remove(best)
    return ordered
