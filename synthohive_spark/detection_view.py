"""What detection found, to read: an aligned table, and HTML with a graph of the tables as inline SVG. Every name is escaped here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup, escape

from .spec.detection.findings import Finding
from .spec.metadata import Metadata

_HEADS = ("table", "what", "found", "confidence", "reason")
_BOX, _LINE, _PAD, _GAP, _ACROSS = 190, 17, 8, 18, 70  # pixels: width of a table, height of a line, inside and between tables, between columns of them
_SHOWN = 26  # characters of a name in a box
_STYLE = (
    ".shd{font:13px/1.5 system-ui,sans-serif}.shd table{border-collapse:collapse;margin-top:10px}.shd td,.shd th{text-align:left;padding:2px 12px 2px 0}"
    ".shd svg text{font:12px ui-monospace,monospace;fill:currentColor}.shd svg .head{font-weight:700}.shd svg rect{fill:none;stroke:currentColor;opacity:.5}"
    ".shd svg .ref{stroke-dasharray:4 3}.shd svg path{fill:none;stroke:#2f6fb3;stroke-width:1.5}.shd svg path.unsure{stroke-dasharray:5 4}.shd .out{opacity:.6}"
)
_SURE = 0.8  # keys below are drawn dashed


def table_of(findings: Sequence[Finding]) -> str:
    """Aligned lines, one per finding."""
    rows = [_HEADS, *(_cells(one) for one in findings)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(_HEADS) - 1)]
    return "\n".join("  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]).rstrip() for row in rows)


def html_of(metadata: Metadata, findings: Sequence[Finding]) -> str:
    """A piece of HTML: the graph, and a row for each finding."""
    heads = Markup("").join(Markup("<th>{}</th>").format(head) for head in _HEADS)
    rows = Markup("").join(_row(one) for one in findings)
    whole = Markup('<div class="shd"><style>{}</style>{}<table><tr>{}</tr>{}</table></div>')
    return str(whole.format(Markup(_STYLE), graph_of(metadata, findings), heads, rows))


def _row(one: Finding) -> Markup:
    cells = Markup("").join(Markup("<td>{}</td>").format(cell) for cell in _cells(one))
    return Markup('<tr class="{}">{}</tr>').format("" if one.taken else "out", cells)


def _cells(one: Finding) -> list[str]:
    told = one.told if one.taken else f"{one.told} (not taken)".strip()
    return ["".join(c if c.isprintable() else " " for c in cell) for cell in (one.table, one.what, told, f"{one.confidence:.2f}", one.reason)]


def graph_of(metadata: Metadata, findings: Sequence[Finding]) -> Markup:
    """A box for each table, parents on the left, with its keys; a line from each foreign key to its parent."""
    places = _places(metadata)
    sure = {(one.table, one.columns): one for one in findings if one.taken and one.what == "foreign key"}
    boxes = [_box(metadata, name, *place) for name, place in places.items()]
    lines = [_edge(metadata, name, index, places, sure) for name, table in metadata.tables.items() for index in range(len(table.foreign_keys))]
    width = max((x for x, _ in places.values()), default=0) + _BOX + 40
    height = max((y + _height(metadata, name) for name, (_, y) in places.items()), default=0) + _GAP
    view = Markup('<svg role="img" aria-label="tables and their keys" viewBox="0 0 {} {}" width="{}" style="max-width:100%">{}{}</svg>')
    return view.format(width, height, width, Markup("").join(lines), Markup("").join(boxes))


def _places(metadata: Metadata) -> dict[str, tuple[int, int]]:
    """The corner of each box: one column of boxes for each level below the roots."""
    levels = _levels(metadata)
    below: dict[int, int] = {}
    places = {}
    for name in metadata.tables:
        level = levels[name]
        places[name] = (20 + level * (_BOX + _ACROSS), below.get(level, _GAP))
        below[level] = places[name][1] + _height(metadata, name) + _GAP
    return places


def _levels(metadata: Metadata) -> dict[str, int]:
    """How many tables are above each; circles are cut where they are met."""
    levels = dict.fromkeys(metadata.tables, 0)
    for _ in range(min(len(levels), 12)):  # deeper ones share the last columns
        for name, table in metadata.tables.items():
            above = [levels[key.parent_table] for key in table.foreign_keys if key.parent_table in levels and key.parent_table != name]
            levels[name] = min(max(above, default=-1) + 1, 12)
    used = {level: place for place, level in enumerate(sorted(set(levels.values())))}
    return {name: used[level] for name, level in levels.items()}


def _lines(metadata: Metadata, name: str) -> list[str]:
    table = metadata.tables[name]
    return [f"PK {', '.join(table.primary_key)}"] * bool(table.primary_key) + [f"FK {', '.join(key.columns)}" for key in table.foreign_keys]


def _height(metadata: Metadata, name: str) -> int:
    return 2 * _PAD + _LINE * (1 + len(_lines(metadata, name)))


def _box(metadata: Metadata, name: str, x: int, y: int) -> Markup:
    kind = "ref" if metadata.tables[name].role == "reference" else ""
    rows = [("head", name), *(("", line) for line in _lines(metadata, name))]
    texts = [
        Markup('<text class="{}" x="{}" y="{}">{}</text>').format(css, x + _PAD, y + _PAD + _LINE * (place + 1) - 5, _cut(text))
        for place, (css, text) in enumerate(rows)
    ]
    box = Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}" rx="6"/>').format(kind, x, y, _BOX, _height(metadata, name))
    return Markup("<g><title>{}</title>{}{}</g>").format("; ".join(text for _, text in rows), box, Markup("").join(texts))


def _edge(metadata: Metadata, name: str, index: int, places: Mapping[str, tuple[int, int]], sure: Mapping[tuple[str, tuple[str, ...]], Finding]) -> Markup:
    key = metadata.tables[name].foreign_keys[index]
    if key.parent_table not in places:
        return Markup("")
    (x, y), (px, py) = places[name], places[key.parent_table]
    start = y + _PAD + _LINE * (1 + bool(metadata.tables[name].primary_key) + index) + _LINE // 2
    end = py + _PAD + _LINE // 2
    if key.parent_table == name or px >= x:  # beside the boxes, not through them
        path = f"M{x + _BOX} {start}C{x + _BOX + 34} {start} {px + _BOX + 34} {end} {px + _BOX} {end}"
    else:
        path = f"M{x} {start}C{x - _ACROSS // 2} {start} {px + _BOX + _ACROSS // 2} {end} {px + _BOX} {end}"
    found = sure.get((name, key.columns))
    told = f"{name} {key}" + (f": {found.confidence:.2f}, {found.reason}" if found else "")
    return Markup('<path class="{}" d="{}"><title>{}</title></path>').format("unsure" if found and found.confidence < _SURE else "", path, told)


def _cut(text: str) -> Markup:
    return escape(text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "\N{HORIZONTAL ELLIPSIS}")
