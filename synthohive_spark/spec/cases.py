"""The cases behind the figures of a report, worst first."""

from __future__ import annotations

from collections.abc import Iterator

from .figures import Case
from .findings import ColumnFinding, Findings, KeyFinding, TableFinding
from .relation_findings import AcrossFinding, ClassifierFinding, PairFinding, classifier_figure, nearest_figures, utility_figure

NEAREST = {
    "nearness": "rows near those that trained",
    "membership": "rows that are known to have trained",
    "distance": "rows near real ones",
    "originality": "rows that are real ones",
}

METRICS = {"auc": "AUC", "accuracy": "accuracy", "r2": "R\N{SUPERSCRIPT TWO}"}


def worst_first(findings: Findings) -> list[Case]:
    """All cases that count in a figure."""
    found = [case for t in findings.tables for case in cases_of_table(t)]
    found += [case for k in findings.keys if not k.copied for case in cases_of_key(k)]
    found += [Case(name="paths", table=p.table, what=p.path, value=1 - p.distance, ceiling=1 - p.ceiling) for p in findings.paths]
    return sorted(found, key=lambda c: (-c.badness, c.table, c.what))


def cases_of_table(t: TableFinding) -> Iterator[Case]:
    """Columns, pairs and classifiers of a table."""
    yield from (_case("shapes", t.table, c.column, c) for c in t.columns)
    yield from (_case("pairs", t.table, f"{p.first} with {p.second}", p, p.floor) for p in t.pairs)
    for name, found, whose in (("c2st", t.c2st, "rows"), ("c2st_parent", t.c2st_parent, "rows with their parents")):
        if found is not None:
            yield _classifier(name, t.table, whose, found)
    if t.tstr is not None:
        yield Case(table=t.table, what=f"{t.tstr.column} predicted, {METRICS[t.tstr.metric]}", **utility_figure([t.tstr]).model_dump())
    for figure in nearest_figures([t.nearest] if t.nearest else []):
        if figure.value is not None:
            yield Case(table=t.table, what=NEAREST[figure.name], **figure.model_dump())


def cases_of_key(k: KeyFinding) -> Iterator[Case]:
    """What holds along a key."""
    yield _case("cardinality", k.table, f"rows per {k.parent_table}, {k.key}", k)
    for name, found in (("parent_pairs", k.parent_pairs), ("siblings", k.siblings), ("sequence", k.sequence)):
        if found is not None:
            yield from (_pair(name, k, p) for p in found.pairs)
    if k.c2st_agg is not None:
        yield _classifier("c2st_agg", k.table, f"rows of {k.parent_table} with their children, {k.key}", k.c2st_agg)


def _pair(name: str, k: KeyFinding, p: PairFinding) -> Case:
    words = {
        "parent_pairs": f"{p.first} with its parent's {p.second}, {k.key}",
        "siblings": f"{p.first} with that of a sibling, {k.key}",
        "sequence": f"{p.first} with that of the next row, {k.key}",
    }
    return _case(name, k.table, words[name], p, p.floor)


def _classifier(name: str, table: str, whose: str, found: ClassifierFinding) -> Case:
    figure = classifier_figure(name, [found])
    told = f"; it shows in {', '.join(feature for feature, _ in found.features[:2])}" if found.features else ""
    return Case(name=name, table=table, what=whose + told, value=figure.value, ceiling=figure.ceiling, floor=figure.floor)


def _case(name: str, table: str, what: str, found: ColumnFinding | PairFinding | KeyFinding | AcrossFinding, floor: float | None = None) -> Case:
    return Case(name=name, table=table, what=what, value=1 - found.distance, ceiling=1 - found.ceiling, floor=None if floor is None else 1 - floor)
