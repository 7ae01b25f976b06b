"""Put what is in order into the dependencies: which columns are drawn as a distance from another, and which are moved where they break the order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ...spec.dependencies import AnyDependency, Order
from .choose import closes_a_circle, sequenced
from .find_orders import kind_of, with_unit
from .sample import Search

CLOSE = 0.5  # spread of the difference of two clocks in those of the target up to which a distance says more than the value
CLOSE_NUMBERS = 0.1  # the same of numbers: those of counts have their own shapes, many zeros above all, which a difference does not have


@dataclass
class _Bounds:
    """What is known of one target."""

    base: str | None = None
    below: list[str] = field(default_factory=list)
    above: list[str] = field(default_factory=list)
    share: float = 1.0

    def add(self, pair: Order, target: str) -> None:
        (self.below if target == pair.target else self.above).append(_other(pair, target))
        self.share = min(self.share, pair.share)


def with_orders(chosen: Sequence[AnyDependency], pairs: Sequence[Order], search: Search) -> list[AnyDependency]:
    """`chosen` and the orders, in the order in which to evaluate them.

    A column of which nothing else is known is drawn as a distance from the one that it is nearest to. All other pairs bound the later one of them; those
    that follow from two others are left out.

    Args:
        pairs: `target >= determinant`, each confirmed.
    """
    taken = {d.target for d in chosen}
    free = [n for n in search.targets if n not in (*taken, *search.bounded)]
    graph: dict[str, tuple[str, ...]] = {d.target: d.determinants for d in chosen}
    found: dict[str, _Bounds] = {}
    left = list(pairs)
    for pair, target in _distances(pairs, free, search):
        if target not in found and _add(graph, target, _other(pair, target)):
            found[target] = _Bounds(base=_other(pair, target))
            found[target].add(pair, target)
            left.remove(pair)
    kept: set[tuple[str, str]] = {(pair.determinants[0], pair.target) for pair in pairs if pair not in left}
    for pair in sorted(left, key=lambda p: _implied((p.determinants[0], p.target), {(q.determinants[0], q.target) for q in pairs})):
        if _implied((pair.determinants[0], pair.target), kept):
            continue
        movable = [t for t in (pair.target, pair.determinants[0]) if t in free and search.may_give_way(t, _other(pair, t))]
        for target in sorted(movable, key=lambda t: t not in found):
            if _add(graph, target, _other(pair, target)):
                found.setdefault(target, _Bounds()).add(pair, target)
                kept.add((pair.determinants[0], pair.target))
                break
    return sequenced([*chosen, *(_order(target, bounds, search) for target, bounds in found.items())])


def _distances(pairs: Iterable[Order], free: Sequence[str], search: Search) -> list[tuple[Order, str]]:
    """Pairs with the one of both that could be drawn as a distance from the other, the nearest first."""
    ways = []
    for pair in pairs:
        spreads = pair.spreads or (1.0, 1.0)
        close = CLOSE if kind_of(pair.target, search) != "number" else CLOSE_NUMBERS
        for i, target in enumerate((pair.target, pair.determinants[0])):
            if target in free and search.may_give_way(target, _other(pair, target)) and pair.separable[i] and spreads[i] <= close:
                ways.append((round(spreads[i], 2), i, pair, target))
    return [(pair, target) for _, _, pair, target in sorted(ways, key=lambda w: (w[0], w[1], w[3], w[2].determinants, w[2].target))]


def _add(graph: dict[str, tuple[str, ...]], target: str, other: str) -> bool:
    """Let `target` need `other`, unless that goes round in a circle."""
    if closes_a_circle(target, (other,), graph):
        return False
    graph[target] = (*graph.get(target, ()), other)
    return True


def _implied(pair: tuple[str, str], pairs: set[tuple[str, str]]) -> bool:
    """Whether a way over other pairs leads from the lower to the higher column."""
    low, high = pair
    waiting, seen = [low], {low}
    while waiting:
        name = waiting.pop()
        for below, above in pairs - {pair}:
            if below == name and above not in seen:
                if above == high:
                    return True
                seen.add(above)
                waiting.append(above)
    return False


def _other(pair: Order, target: str) -> str:
    return pair.determinants[0] if target == pair.target else pair.target


def _order(target: str, bounds: _Bounds, search: Search) -> Order:
    others = (*bounds.below, *bounds.above)
    order = Order(
        target=target,
        determinants=others,
        at_least=tuple(bounds.below),
        at_most=tuple(bounds.above),
        base=bounds.base,
        share=bounds.share,
    )
    order = with_unit(order, search)
    return order if order.distance is None else order.model_copy(update={"determinants": (order.distance, *others)})
