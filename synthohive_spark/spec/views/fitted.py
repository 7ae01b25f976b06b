"""A synthesizer as HTML: what it was asked, and what it has learnt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from ..fitted import FittedSchema
from ..metadata import Metadata
from ..relations import described_relations
from .metadata import framed, metadata_parts, table_html

_MOST = 200  # lines of a list; a notebook keeps what it shows


def synthesizer_html(metadata: Metadata, fitted: FittedSchema | None, models: Mapping[str, str]) -> str:
    """A piece of HTML for notebooks.

    Args:
        fitted: what was learnt; None where nothing is yet.
        models: the row model of each table that is to be learnt.
    """
    if fitted is None:
        names = ", ".join(sorted(set(models.values()))) or "none"
        return str(framed(f"Synthesizer, not fitted: {len(metadata.tables)} tables, row models: {names}", *metadata_parts(metadata)))
    graph, _ = metadata_parts(fitted.asked)
    rules = [f"{name}: {rule}" for name, table in fitted.tables.items() if name not in fitted.inner for rule in table.dependencies]
    rows = [_row(fitted, name) for name in fitted.asked.tables]
    learnt = sum(t.program.rows for name, t in fitted.tables.items() if name not in fitted.inner)
    title = f"Synthesizer, fitted with seed {fitted.seed}: {len(rows)} tables, {learnt:,} real rows"
    lists = [_list("relations", described_relations(fitted)), _list("rules that every row keeps", rules)]
    return str(framed(title, graph, table_html(("table", "real rows", "row model", "columns learnt", "made or matched", "context"), rows), *lists))


def _row(fitted: FittedSchema, name: str) -> tuple[str, ...]:
    if name not in fitted.tables:
        return name, f"{fitted.reference_rows.get(name, 0):,}", "copied as it is", "", "", ""
    table = fitted.tables[name]
    program, shown = table.program, set(table.program.shown_names)
    learnt = [c for c in program.drawn if c in shown]
    others = len(shown) - len(learnt)
    context = f"{len(table.context_encoding.names)} columns" if table.context_encoding else ""
    return name, f"{program.rows:,}", table.model.name if table.model else "none", str(len(learnt)), str(others), context


def _list(title: str, lines: Sequence[str]) -> Markup:
    """A list that is folded."""
    if not lines:
        return Markup("")
    more = [f"... and {len(lines) - _MOST:,} more"] if len(lines) > _MOST else []
    items = Markup("").join(Markup("<li>{}</li>").format(line) for line in [*lines[:_MOST], *more])
    return Markup("<details><summary>{} {}</summary><ul>{}</ul></details>").format(f"{len(lines):,}", title, items)
