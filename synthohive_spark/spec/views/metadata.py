"""Metadata as HTML: the graph of its tables, and a row for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from ..metadata import ForeignKey, Metadata, Table
from .graph import STYLE, graph_of

_MOST = 60  # tables drawn; of more, the graph is no picture any more


def metadata_html(metadata: Metadata) -> str:
    """A piece of HTML for notebooks."""
    return str(framed(f"{len(metadata.tables)} tables, {sum(len(t.foreign_keys) for t in metadata.tables.values())} foreign keys", *metadata_parts(metadata)))


def metadata_parts(metadata: Metadata) -> tuple[Markup, Markup]:
    """The graph and the table."""
    drawn = graph_of(metadata) if 0 < len(metadata.tables) <= _MOST else Markup("")
    heads = ("table", "primary key", "foreign keys", "more")
    return drawn, table_html(heads, [(t.name, ", ".join(t.primary_key), _lines(map(_key, t.foreign_keys)), _lines(_more(t))) for t in metadata.tables.values()])


def table_html(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> Markup:
    """Rows as a table that scrolls by itself; cells are escaped where they are no markup."""
    head = Markup("").join(Markup("<th>{}</th>").format(name) for name in heads)
    body = Markup("").join(Markup("<tr>{}</tr>").format(Markup("").join(Markup("<td>{}</td>").format(cell) for cell in row)) for row in rows)
    return Markup('<div class="wide"><table><tr>{}</tr>{}</table></div>').format(head, body) if rows else Markup("")


def framed(title: str, *parts: Markup) -> Markup:
    """Parts below a title, with the style that they share."""
    return Markup('<div class="shd"><style>{}</style><p><strong>{}</strong></p>{}</div>').format(Markup(STYLE), title, Markup("").join(parts))


def _lines(texts: Any) -> Markup:
    return Markup("<br>").join(texts)


def _key(key: ForeignKey) -> str:
    return f"{key}" + ("" if key.orphans == "error" else f", orphans: {key.orphans}")


def _more(table: Table) -> list[str]:
    told = ["reference: copied as it is"] if table.role == "reference" else []
    if table.pii_cols:
        told.append("made up: " + ", ".join(f"{c} ({provider})" if provider else c for c, provider in table.pii_cols.items()))
    named = {"ordered by": (table.order_by,) if table.order_by else (), "always categories": table.high_cardinality_cols, "limits": tuple(table.constraints)}
    told += [f"{what}: {', '.join(columns)}" for what, columns in named.items() if columns]
    return told + [f"{name}: {value}" for name, value in (("duplicates", table.duplicates), ("unsupported", table.unsupported)) if value not in (None, "error")]
