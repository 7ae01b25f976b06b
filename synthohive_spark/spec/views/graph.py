"""The tables of a schema as a graph: inline SVG that takes the colours of the page around it. Every name is escaped here."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup, escape

from ..metadata import Metadata

_BOX, _LINE, _PAD, _GAP, _ACROSS = 190, 17, 8, 18, 70  # pixels: width of a table, height of a line, inside and between tables, between columns of them
_SHOWN = 26  # characters of a name in a box
_SURE = 0.8  # keys below are drawn dashed
STYLE = (
    ".shd{font:13px/1.5 system-ui,sans-serif;max-width:100%}.shd .wide{overflow-x:auto}.shd table{border-collapse:collapse;margin:10px 0 0}"
    ".shd td,.shd th{text-align:left;vertical-align:top;padding:2px 12px 2px 0;background:none}.shd th{font-weight:600;white-space:nowrap}"
    ".shd svg{max-width:none}"
    ".shd svg text{font:12px ui-monospace,monospace;fill:currentColor}.shd svg .head{font-weight:700}.shd svg rect{fill:none;stroke:currentColor;opacity:.5}"
    ".shd svg .ref{stroke-dasharray:4 3}.shd svg path{fill:none;stroke:#2f7fd3;stroke-width:1.5}.shd svg path.unsure{stroke-dasharray:5 4}.shd .out{opacity:.6}"
    ".shd details{margin-top:8px}.shd summary{cursor:pointer}.shd ul{margin:4px 0;padding-left:20px}.shd p{margin:0 0 6px}"
)

Told = Mapping[tuple[str, tuple[str, ...]], tuple[float, str]]  # of a table's key: how sure it is, in [0, 1], and why


def graph_of(metadata: Metadata, sure: Told | None = None) -> Markup:
    """A box for each table, parents on the left, with its keys; a line from each foreign key to its parent.

    Args:
        sure: of keys that were found, by table and columns.
    """
    places = _places(metadata)
    boxes = [_box(metadata, name, *place) for name, place in places.items()]
    lines = [_edge(metadata, name, index, places, sure or {}) for name, table in metadata.tables.items() for index in range(len(table.foreign_keys))]
    width = max((x for x, _ in places.values()), default=0) + _BOX + 40
    height = max((y + _height(metadata, name) for name, (_, y) in places.items()), default=0) + _GAP
    view = Markup('<div class="wide"><svg role="img" aria-label="tables and their keys" viewBox="0 0 {} {}" width="{}">{}{}</svg></div>')
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


def _edge(metadata: Metadata, name: str, index: int, places: Mapping[str, tuple[int, int]], sure: Told) -> Markup:
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
    told = f"{name} {key}" + (f": {found[0]:.2f}, {found[1]}" if found else "")
    return Markup('<path class="{}" d="{}"><title>{}</title></path>').format("unsure" if found and found[0] < _SURE else "", path, told)


def _cut(text: str) -> Markup:
    return escape(text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "\N{HORIZONTAL ELLIPSIS}")
