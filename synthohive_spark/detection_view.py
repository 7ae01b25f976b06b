"""What detection found, to read: an aligned table, and HTML with a graph of the tables as inline SVG. Every name is escaped here."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from .spec.detection.findings import Finding
from .spec.metadata import Metadata
from .spec.views.graph import STYLE, graph_of

_HEADS = ("table", "what", "found", "confidence", "reason")


def table_of(findings: Sequence[Finding]) -> str:
    """Aligned lines, one per finding."""
    rows = [_HEADS, *(_cells(one) for one in findings)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(_HEADS) - 1)]
    return "\n".join("  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]).rstrip() for row in rows)


def html_of(metadata: Metadata, findings: Sequence[Finding]) -> str:
    """A piece of HTML: the graph, and a row for each finding."""
    heads = Markup("").join(Markup("<th>{}</th>").format(head) for head in _HEADS)
    rows = Markup("").join(_row(one) for one in findings)
    sure = {(one.table, one.columns): (one.confidence, one.reason) for one in findings if one.taken and one.what == "foreign key"}
    whole = Markup('<div class="shd"><style>{}</style>{}<table><tr>{}</tr>{}</table></div>')
    return str(whole.format(Markup(STYLE), graph_of(metadata, sure), heads, rows))


def _row(one: Finding) -> Markup:
    cells = Markup("").join(Markup("<td>{}</td>").format(cell) for cell in _cells(one))
    return Markup('<tr class="{}">{}</tr>').format("" if one.taken else "out", cells)


def _cells(one: Finding) -> list[str]:
    told = one.told if one.taken else f"{one.told} (not taken)".strip()
    return ["".join(c if c.isprintable() else " " for c in cell) for cell in (one.table, one.what, told, f"{one.confidence:.2f}", one.reason)]
