"""Put the columns that are null exactly where another one says so into the dependencies."""

from __future__ import annotations

from collections.abc import Sequence

from ...spec.dependencies import Absence, AnyDependency, Order, is_bound
from .choose import closes_a_circle, sequenced
from .sample import Search


def with_absences(chosen: Sequence[AnyDependency], absences: Sequence[Absence], search: Search) -> list[AnyDependency]:
    """`chosen` and the absences, in the order in which to evaluate them.

    Where a formula or a lookup tells all nulls of a column, nothing else does. Of columns that are null together, those that come later follow the first;
    values that say so go before nulls that do.

    Args:
        absences: each confirmed, several for one target.
    """
    told = {d.target for d in chosen if not is_bound(d) and not d.gaps}
    distances = {d.target: d.distance for d in chosen if isinstance(d, Order) and d.distance is not None}
    needs: dict[str, tuple[str, ...]] = {}
    for d in chosen:
        needs[d.target] = (*needs.get(d.target, ()), *d.determinants)
    place = {name: i for i, name in enumerate(search.types)}
    found: dict[str, Absence] = {}
    for rule in sorted(absences, key=lambda r: (-place[r.target], -round(r.share, 3), None in r.values, place[r.determinants[0]])):
        if rule.target in told or rule.target in found or closes_a_circle(rule.target, rule.determinants, needs):
            continue
        found[rule.target] = rule.model_copy(update={"column": distances.get(rule.target) or ""})
        needs[rule.target] = (*needs.get(rule.target, ()), *rule.determinants)
    return sequenced([*found.values(), *chosen])
