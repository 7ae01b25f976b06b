"""The tables of a report as a graph, parents on the left, coloured by how close they are: inline SVG, whose boxes are links. Every name is escaped here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from .spec.figures import Grade

_BOX, _HEIGHT, _GAP, _ACROSS = 164, 40, 12, 64  # pixels: a box, between boxes, between columns of boxes
_ROWS = 14  # boxes in a column; more would not fit on a screen
_SHOWN = 21  # characters of a name


@dataclass(frozen=True)
class Node:
    """A table.

    Attributes:
        told: its score in a few characters.
        href: where it leads; None for a table without a part of its own.
    """

    name: str
    grade: Grade
    told: str
    href: str | None = None


@dataclass(frozen=True)
class Link:
    """A key from a table to its parent."""

    child: str
    parent: str
    grade: Grade
    told: str


def graph(nodes: Sequence[Node], links: Sequence[Link]) -> Markup:
    """A box for each table and a line for each key."""
    places = _places([n.name for n in nodes], links)
    width = max((x for x, _ in places.values()), default=0) + _BOX + 34
    height = max((y for _, y in places.values()), default=0) + _HEIGHT + 8
    shapes = Markup("").join(
        [*(_line(link, places) for link in links if link.parent in places and link.child in places), *(_box(n, places[n.name]) for n in nodes)]
    )
    return Markup('<svg class="graph" role="img" aria-label="tables and their keys, by how close they are" viewBox="0 0 {} {}" width="{}">{}</svg>').format(
        width, height, width, shapes
    )


def _places(names: Sequence[str], links: Sequence[Link]) -> dict[str, tuple[int, int]]:
    """Left upper corners: a table stands right of its parents, columns of more than `_ROWS` are broken."""
    levels: dict[int, list[str]] = {}
    for name, level in _levels(names, links).items():
        levels.setdefault(level, []).append(name)
    places, x = {}, 4
    for level in sorted(levels):
        for start in range(0, len(levels[level]), _ROWS):
            for row, name in enumerate(levels[level][start : start + _ROWS]):
                places[name] = (x, 4 + row * (_HEIGHT + _GAP))
            x += _BOX + _ACROSS
    return places


def _levels(names: Sequence[str], links: Sequence[Link]) -> dict[str, int]:
    """The longest way up from each table; circles end it."""
    parents: dict[str, set[str]] = {name: set() for name in names}
    for link in links:
        if link.child in parents and link.parent in parents and link.child != link.parent:
            parents[link.child].add(link.parent)
    levels = dict.fromkeys(names, 0)
    for _ in range(len(names)):
        deeper = {n: max((levels[p] + 1 for p in above), default=0) for n, above in parents.items()}
        deeper = {n: min(level, len(names) - 1) for n, level in deeper.items()}
        if deeper == levels:
            break
        levels = deeper
    used = {level: place for place, level in enumerate(sorted(set(levels.values())))}  # a circle leaves levels without tables
    return {name: used[level] for name, level in levels.items()}


def _box(node: Node, place: tuple[int, int]) -> Markup:
    x, y = place
    name = node.name if len(node.name) <= _SHOWN else node.name[: _SHOWN - 1] + "\N{HORIZONTAL ELLIPSIS}"
    box = Markup('<rect class="node {}" x="{}" y="{}" width="{}" height="{}" rx="7"/>').format(node.grade, x, y, _BOX, _HEIGHT)
    texts = Markup('<text class="name" x="{}" y="{}">{}</text><text x="{}" y="{}">{}</text>').format(x + 10, y + 17, name, x + 10, y + 32, node.told)
    drawn = box + texts + Markup("<title>{}</title>").format(f"{node.name}: {node.told}")
    return Markup('<a href="#{}">{}</a>').format(node.href, drawn) if node.href else Markup("<g>{}</g>").format(drawn)


def _line(link: Link, places: Mapping[str, tuple[int, int]]) -> Markup:
    (x1, y1), (x2, y2) = places[link.parent], places[link.child]
    x1, y1, y2 = x1 + _BOX, y1 + _HEIGHT // 2, y2 + _HEIGHT // 2
    if link.child == link.parent:
        path = f"M{x1} {y1 - 8}C{x1 + 26} {y1 - 12},{x1 + 26} {y1 + 12},{x1} {y1 + 8}"
    else:
        bend = max(30, (x2 - x1) // 2)
        path = f"M{x1} {y1}C{x1 + bend} {y1},{x2 - bend} {y2},{x2} {y2}"
    return Markup('<path class="link {}" d="{}"><title>{}</title></path>').format(link.grade, path, escape(link.told))
