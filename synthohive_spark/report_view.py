"""What the page shows: findings put in order, worst first, with plots. The template only lays it out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .report_plots import distribution_plot, matrix_plot
from .spec.figures import CLOSE, VISIBLE
from .spec.findings import SMALL_TABLE_ROWS, ColumnFinding, Findings, KeyFinding, RuleFinding, TableFinding

VISIBLE_RULE = 0.005  # below the real share of rows on which a rule holds
MAX_MATRIX = 30  # columns of a heat map; more are too small to read
_WORST_PAIRS = 8
_NULLS_SHOWN = 0.0005  # less would print as 0.0 %


def page(findings: Findings, title: str, made: str) -> dict[str, Any]:
    """Everything that the template names."""
    learnt = [t for t in findings.tables if t.role == "learnt"]
    return {
        "title": title,
        "made": made,
        "rows_real": f"{sum(t.rows_real for t in findings.tables):,}",
        "rows_synthetic": f"{sum(t.rows_synthetic for t in findings.tables):,}",
        "table_count": len(findings.tables),
        "scores": [
            _headline("Shapes", "each column on its own", findings.shapes, findings.shapes_ceiling),
            _headline("Pairs", "how columns go together", findings.pairs, findings.pairs_ceiling, findings.pairs_floor),
            _headline("Cardinality", "children per parent", findings.cardinality, findings.cardinality_ceiling),
        ],
        "faults": findings.faults,
        "rules": [_rule(r) for r in sorted(findings.rules, key=lambda r: -r.broken / max(r.rows, 1))],
        "rules_held": findings.rules_held,
        "overview": [_overview(t) for t in findings.tables],
        "tables": [_table(t) for t in learnt],
        "keys": [_key(k) for k in sorted(findings.keys, key=lambda k: (-(k.orphans > 0), -_excess(k)))],
        "worst": _worst(learnt),
        "small": [t.table for t in learnt if t.rows_real < SMALL_TABLE_ROWS],
        "small_rows": SMALL_TABLE_ROWS,
    }


def format_score(value: float | None) -> str:
    """Three digits, or a dash where there is nothing to score."""
    return "\N{EN DASH}" if value is None else f"{value:.3f}"


def _headline(name: str, hint: str, value: float | None, ceiling: float | None, floor: float | None = None) -> dict[str, Any]:
    grade = "none" if value is None or ceiling is None else _grade(ceiling - value)
    return {
        "name": name,
        "hint": hint,
        "value": format_score(value),
        "ceiling": format_score(ceiling),
        "floor": None if floor is None else format_score(floor),
        "fill": _percent(value),
        "mark": _percent(ceiling),
        "floor_mark": _percent(floor),
        "grade": grade,
    }


def _percent(value: float | None) -> str:
    return f"{100 * (value or 0.0):.2f}"


def _grade(excess: float) -> str:
    return "close" if excess <= CLOSE else "visible" if excess <= VISIBLE else "off"


def _excess(finding: ColumnFinding | KeyFinding) -> float:
    return finding.distance - finding.ceiling


def _mean_score(distances: Sequence[float]) -> str:
    return format_score(1 - sum(distances) / len(distances) if distances else None)


def _overview(t: TableFinding) -> dict[str, Any]:
    return {
        "name": t.table,
        "copied": t.role == "reference",
        "rows_real": f"{t.rows_real:,}",
        "rows_synthetic": f"{t.rows_synthetic:,}",
        "columns": len(t.columns),
        "shapes": _mean_score([c.distance for c in t.columns]),
        "shapes_ceiling": _mean_score([c.ceiling for c in t.columns]),
        "pairs": _mean_score([p.distance for p in t.pairs]),
        "pairs_ceiling": _mean_score([p.ceiling for p in t.pairs]),
        "pairs_floor": _mean_score([p.floor for p in t.pairs]),
        "off": sum(_grade(_excess(c)) == "off" for c in t.columns),
        "pairs_off": sum(_grade(p.distance - p.ceiling) == "off" for p in t.pairs),
        "broken": t.duplicate_keys + t.null_keys,
    }


def _worst(tables: Sequence[TableFinding]) -> list[dict[str, Any]]:
    """The columns over all tables that a reader should look at first."""
    columns = [(t.table, c) for t in tables for c in t.columns if _grade(_excess(c)) == "off"]
    columns.sort(key=lambda item: (-_excess(item[1]), item[0], item[1].column))
    return [{"table": table, "column": c.column, "distance": f"{c.distance:.2f}", "href": _anchor(tables, table)} for table, c in columns[:_WORST_PAIRS]]


def _anchor(tables: Sequence[TableFinding], name: str) -> str:
    return f"t{[t.table for t in tables].index(name)}"


def _table(t: TableFinding) -> dict[str, Any]:
    columns = sorted(t.columns, key=lambda c: (-_excess(c), c.column))
    worst = sorted(t.pairs, key=lambda p: (-(p.distance - p.ceiling), p.first, p.second))[:_WORST_PAIRS]
    order = [c.column for c in t.columns][:MAX_MATRIX]
    left_out: dict[str, list[str]] = {}
    for column, why in t.left_out.items():
        left_out.setdefault(why, []).append(column)
    return {
        **_overview(t),
        "cards": [_card(c) for c in columns],
        "small": t.rows_real < SMALL_TABLE_ROWS,
        "left_out": left_out,
        "pair_plot": _pair_plot(t, order) if t.pairs else None,
        "worst_pairs": [
            {
                "first": p.first,
                "second": p.second,
                **{name: f"{value:.3f}" for name, value in (("distance", p.distance), ("ceiling", p.ceiling), ("floor", p.floor))},
                "grade": _grade(p.distance - p.ceiling),
            }
            for p in worst
        ],
        "pairs_shown": len(t.pairs),
        "pairs_possible": t.pairs_possible,
        "cut": len(t.columns) > MAX_MATRIX,
        "correlation_plots": _correlation_plots(t),
        "duplicate_keys": t.duplicate_keys,
        "null_keys": t.null_keys,
    }


def _card(c: ColumnFinding) -> dict[str, Any]:
    nulls = max(c.null_rate_real, c.null_rate_synthetic) >= _NULLS_SHOWN
    return {
        "name": c.column,
        "metric": c.metric,
        "distance": f"{c.distance:.3f}",
        "ceiling": f"{c.ceiling:.3f}",
        "fill": _percent(c.distance),
        "mark": _percent(c.ceiling),
        "grade": _grade(_excess(c)),
        "plot": distribution_plot(c.distribution),
        "nulls": f"nulls {c.null_rate_real:.1%} real, {c.null_rate_synthetic:.1%} synthetic" if nulls else "",
    }


def _key(k: KeyFinding) -> dict[str, Any]:
    nulls = max(k.null_rate_real, k.null_rate_synthetic) >= _NULLS_SHOWN
    return {
        "name": k.key,
        "orphans": f"{k.orphans:,}",
        "broken": k.orphans > 0,
        "copied": k.copied,
        "distance": f"{k.distance:.3f}",
        "ceiling": f"{k.ceiling:.3f}",
        "fill": _percent(k.distance),
        "mark": _percent(k.ceiling),
        "grade": "close" if k.copied else _grade(_excess(k)),
        "plot": distribution_plot(k.distribution),
        "means": f"on average {k.mean_real:,.2f} real, {k.mean_synthetic:,.2f} synthetic",
        "nulls": f"null keys {k.null_rate_real:.1%} real, {k.null_rate_synthetic:.1%} synthetic" if nulls else "",
    }


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


def _correlation_plots(t: TableFinding) -> list[tuple[str, Any]]:
    """Real and synthetic beside each other, over the numeric columns."""
    order = list(dict.fromkeys(name for c in t.correlations for name in (c.first, c.second)))[:MAX_MATRIX]
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
