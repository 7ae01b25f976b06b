"""Figures of parts of a report: of a table, of a key."""

from __future__ import annotations

from collections.abc import Iterator

from .spec.figures import Figure
from .spec.findings import Findings, KeyFinding, TableFinding
from .spec.relation_findings import across_figure, classifier_figure, nearest_figures, score, utility_figure


def trend_figures(findings: Findings) -> Iterator[tuple[str, str, Figure]]:
    """The figures of the whole, of tables, keys and paths, each with its table and what it is of."""
    yield from (("", "", figure) for figure in findings.figures.values())
    yield from ((t.table, "", figure) for t in findings.tables for figure in table_figures(t))
    yield from ((k.table, k.key, figure) for k in findings.keys if not k.copied for figure in key_figures(k))
    yield from ((p.table, p.path, Figure(name="paths", value=1 - p.distance, ceiling=1 - p.ceiling)) for p in findings.paths)


def table_figures(t: TableFinding) -> list[Figure]:
    """Of a table's rows by themselves and with their parents."""
    ends = ([c.distance for c in t.columns], [c.ceiling for c in t.columns])
    found = [Figure(name="shapes", value=score(ends[0]), ceiling=score(ends[1]))] if t.columns else []
    found += [across_figure("pairs", t.pairs)] if t.pairs else []
    found += [classifier_figure(name, [told]) for name, told in (("c2st", t.c2st), ("c2st_parent", t.c2st_parent)) if told]
    found += [utility_figure([t.tstr])] if t.tstr else []
    return found + [f for f in nearest_figures([t.nearest] if t.nearest else []) if f.value is not None]


def key_figures(k: KeyFinding) -> list[Figure]:
    """Of what holds along a key."""
    across = (("parent_pairs", k.parent_pairs), ("siblings", k.siblings), ("sequence", k.sequence))
    found = [Figure(name="cardinality", value=1 - k.distance, ceiling=1 - k.ceiling), *(across_figure(name, [part]) for name, part in across if part)]
    return [*found, classifier_figure("c2st_agg", [k.c2st_agg])] if k.c2st_agg else found
