"""What the page shows: findings put in order, worst first, with plots. The template only lays it out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .report_figures import table_figures
from .report_graph import Link, Node, graph
from .report_plots import distribution_plot, matrix_plot
from .report_relations import classifier_view, figure_view, key_grade, key_view, number, worst_grade
from .report_verdict import Verdict, verdict_on
from .spec.cases import METRICS, cases_of_table
from .spec.figures import Case, Figure, Grade
from .spec.findings import SMALL_TABLE_ROWS, Findings, KeyFinding, RuleFinding, TableFinding
from .spec.relation_findings import NearestFinding, PairFinding, UtilityFinding

VISIBLE_RULE = 0.005  # below the real share of rows on which a rule holds
MAX_MATRIX = 30  # columns of a heat map; more are too small to read
MATRIX_CELLS = 6_000  # of all heat maps of a page, 400 bytes each
PLOTS = 500  # of a page, the worst columns of each table; 7 kB each
OPEN_TABLES = 4  # tables that are open at once
_WORST_PAIRS = 8
_NULLS_SHOWN = 0.0005  # less would print as 0.0 %


def page(findings: Findings, title: str, made: str) -> dict[str, Any]:
    """Everything that the template names."""
    learnt = [t for t in findings.tables if t.role == "learnt"]
    verdict = verdict_on(findings)
    anchors = {t.table: f"t{i}" for i, t in enumerate(learnt)}
    plots = max(2, PLOTS // max(len(learnt) + len(findings.keys), 1))
    views = [_table(t, _keys_of(findings, t.table), anchors[t.table], plots, _matrix_columns(len(learnt))) for t in learnt]
    return {
        "title": title,
        "made": made,
        "size": verdict.size,
        "verdict": _verdict(verdict, anchors),
        "figures": [figure_view(f) for f in findings.figures.values()],
        "faults": findings.faults,
        "rules": [_rule(r) for r in sorted(findings.rules, key=lambda r: -r.broken / max(r.rows, 1))],
        "rules_held": findings.rules_held,
        "graph": _graph(findings, views, anchors),
        "copied": [{"name": t.table, "rows": f"{t.rows_synthetic:,}"} for t in findings.tables if t.role == "reference"],
        "tables": sorted(views, key=lambda v: (-v["order"], v["name"])),
        "open": OPEN_TABLES,
        "paths": [_case(case) for case in _paths(findings)],
        "small": [t.table for t in learnt if t.rows_real < SMALL_TABLE_ROWS],
        "small_rows": SMALL_TABLE_ROWS,
    }


def _verdict(verdict: Verdict, anchors: dict[str, str]) -> dict[str, Any]:
    parts = (("Trust", "close", verdict.trusted), ("Look twice", "visible", verdict.doubted), ("Do not trust", "off", verdict.distrusted))
    return {
        "headline": verdict.headline,
        "grade": verdict.grade,
        "privacy": verdict.privacy,
        "parts": [{"name": name, "grade": grade, "figures": [figure_view(f) for f in figures]} for name, grade, figures in parts],
        "worst": [{**_case(case), "href": anchors.get(case.table)} for case in verdict.worst],
    }


def _case(case: Case) -> dict[str, Any]:
    return {
        "figure": case.kind.title,
        "table": case.table,
        "what": case.what,
        "value": number(case.value),
        "ceiling": number(case.ceiling),
        "grade": case.grade,
    }


def _keys_of(findings: Findings, table: str) -> list[KeyFinding]:
    return [k for k in findings.keys if k.table == table]


def _matrix_columns(tables: int) -> int:
    return min(MAX_MATRIX, int((MATRIX_CELLS / max(3 * tables, 1)) ** 0.5))


def _graph(findings: Findings, views: Sequence[dict[str, Any]], anchors: dict[str, str]) -> Any:
    told = {v["name"]: (v["grade"], v["told"]) for v in views}
    nodes = [Node(t.table, *told.get(t.table, ("none", "copied")), anchors.get(t.table)) for t in findings.tables]
    links = [Link(k.table, k.parent_table, key_grade(k), k.key) for k in findings.keys]
    return graph(nodes, links)


def _grade(excess: float) -> Grade:
    return Figure(name="pairs", value=1 - excess, ceiling=1.0).grade


def _table(t: TableFinding, keys: Sequence[KeyFinding], anchor: str, plots: int, matrix: int) -> dict[str, Any]:
    shapes = sorted((c for c in cases_of_table(t) if c.name == "shapes"), key=lambda c: (-c.badness, c.what))
    by_name, figures = {c.column: c for c in t.columns}, table_figures(t)
    broken = t.duplicate_keys + t.null_keys
    grade: Grade = "off" if broken else worst_grade([*(f.grade for f in figures), *map(key_grade, keys)])
    left_out: dict[str, list[str]] = {}
    for column, why in t.left_out.items():
        left_out.setdefault(why, []).append(column)
    worst = sorted(t.pairs, key=lambda p: (-(p.distance - p.ceiling), p.first, p.second))[:_WORST_PAIRS]
    order = [c.column for c in t.columns][:matrix]
    return {
        "name": t.table,
        "anchor": anchor,
        "rows_real": f"{t.rows_real:,}",
        "rows_synthetic": f"{t.rows_synthetic:,}",
        "grade": grade,
        "order": max([f.badness for f in figures], default=0.0) + 10 * bool(broken),
        "told": _told(figures),
        "figures": [figure_view(f) for f in figures],
        "cards": [_card(by_name[c.what], c.grade, plotted=i < plots) for i, c in enumerate(shapes)],
        "unplotted": max(0, len(shapes) - plots),
        "small": t.rows_real < SMALL_TABLE_ROWS,
        "left_out": left_out,
        "pair_plot": _pair_plot(t, order) if t.pairs and len(order) > 1 else None,
        "worst_pairs": [_pair(p) for p in worst],
        "pairs_shown": len(t.pairs),
        "pairs_possible": t.pairs_possible,
        "cut": len(t.columns) > matrix,
        "correlation_plots": _correlation_plots(t, matrix),
        "classifiers": [view for name, told in (("c2st", t.c2st), ("c2st_parent", t.c2st_parent)) if (view := classifier_view(name, told))],
        "nearest": _nearest(t.nearest),
        "utility": _utility(t.tstr),
        "along": [key_view(k, plotted=True) for k in keys],
        "duplicate_keys": t.duplicate_keys,
        "null_keys": t.null_keys,
    }


def _nearest(found: NearestFinding | None) -> str:
    """What the nearest real rows of a table's rows tell, in a sentence."""
    if found is None:
        return ""
    nearness = "" if found.nearness is None else f" {found.nearness:.3f} of {found.rows:,} are nearer to rows that trained than to as many that did not."
    nearness += f" Guessing which real rows trained has an AUC of {found.membership:.3f}." if found.membership is not None else ""
    distance = f" The nearest 5\N{NO-BREAK SPACE}% lie within {found.distance:.4g} of a real row, of real rows within {found.distance_real:.4g}."
    return f"{found.same:.2%} of the rows are real ones again, {found.same_real:.2%} of real rows are others.{distance}{nearness}"


def _utility(found: UtilityFinding | None) -> str:
    """What predicting a column told, in a sentence."""
    if found is None:
        return ""
    scores = f"{found.synthetic:.3f} learnt on {found.trained:,} synthetic rows, {found.real:.3f} on as many real ones"
    return f"Predicting {found.column} on {found.tested:,} real rows that were held out ({METRICS[found.metric]}): {scores}."


def _told(figures: Sequence[Figure]) -> str:
    shown = [f for f in figures if f.name in ("shapes", "c2st")] or list(figures)
    return ", ".join(f"{f.name} {f.value:.2f}" for f in shown) or "keys only"


def _pair(p: PairFinding) -> dict[str, Any]:
    numbers = {name: f"{getattr(p, name):.3f}" for name in ("distance", "ceiling", "floor")}
    return {"first": p.first, "second": p.second, **numbers, "grade": _grade(p.distance - p.ceiling)}


def _card(c: Any, grade: Grade, *, plotted: bool) -> dict[str, Any]:
    nulls = max(c.null_rate_real, c.null_rate_synthetic) >= _NULLS_SHOWN
    return {
        "name": c.column,
        "metric": c.metric,
        "distance": f"{c.distance:.3f}",
        "ceiling": f"{c.ceiling:.3f}",
        "fill": f"{100 * c.distance:.2f}",
        "mark": f"{100 * c.ceiling:.2f}",
        "grade": grade,
        "plot": distribution_plot(c.distribution) if plotted else None,
        "nulls": f"nulls {c.null_rate_real:.1%} real, {c.null_rate_synthetic:.1%} synthetic" if nulls else "",
    }


def _paths(findings: Findings) -> list[Case]:
    cases = [Case(name="paths", table=p.table, what=p.path, value=1 - p.distance, ceiling=1 - p.ceiling) for p in findings.paths]
    return sorted(cases, key=lambda c: -c.badness)


def _rule(r: RuleFinding) -> dict[str, Any]:
    share = 1 - r.broken / r.rows if r.rows else None
    return {
        "table": r.table,
        "rule": r.rule,
        "real": f"{r.share_real:.2%}",
        "synthetic": "\N{EN DASH}" if share is None else f"{share:.2%}",
        "rows": f"{r.rows:,}",
        "grade": "none" if share is None else "close" if not r.broken else "visible" if share >= r.share_real - VISIBLE_RULE else "off",
    }


def _pair_plot(t: TableFinding, order: list[str]) -> Any:
    place = {name: i for i, name in enumerate(order)}
    cells = {}
    for p in t.pairs:
        if p.first in place and p.second in place:
            text = f"{p.first} and {p.second}: distance {p.distance:.3f}, ceiling {p.ceiling:.3f}, floor {p.floor:.3f}"
            shade = min(1.0, max(0.0, p.distance - p.ceiling) / 0.5)
            cells[place[p.second], place[p.first]] = cells[place[p.first], place[p.second]] = ("heat", shade, text)
    return matrix_plot(order, cells)


def _correlation_plots(t: TableFinding, most: int) -> list[tuple[str, Any]]:
    """Real and synthetic beside each other, over the numeric columns."""
    order = list(dict.fromkeys(name for c in t.correlations for name in (c.first, c.second)))[:most]
    if len(order) < 2:
        return []
    place = {name: i for i, name in enumerate(order)}
    plots = []
    for side in ("real", "synthetic"):
        cells = {(i, i): ("positive", 1.0, f"{name} with itself: 1") for i, name in enumerate(order)}
        for c in t.correlations:
            r = c.real if side == "real" else c.synthetic
            if c.first in place and c.second in place and r is not None:
                text = f"{c.first} and {c.second}: r = {r:.2f}"
                cell = ("positive" if r >= 0 else "negative", abs(r), text)
                cells[place[c.first], place[c.second]] = cells[place[c.second], place[c.first]] = cell
        plots.append((side, matrix_plot(order, cells)))
    return plots
