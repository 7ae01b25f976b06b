"""What the page shows of keys: children per parent, and what holds between rows of several tables, the worst first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .report_figures import key_figures
from .report_plots import distribution_plot
from .spec.cases import cases_of_key
from .spec.figures import Case, Figure, Grade
from .spec.findings import KeyFinding
from .spec.relation_findings import AcrossFinding, ClassifierFinding, PairFinding, across_figure, classifier_figure

WORST = 6  # pairs of columns of each kind
_NULLS_SHOWN = 0.0005  # less would print as 0.0 %
_ORDER: tuple[Grade, ...] = ("none", "close", "visible", "off")


def worst_grade(grades: Sequence[Grade]) -> Grade:
    """The worst of some grades; `none` of none."""
    return max(grades, key=_ORDER.index, default="none")


def key_view(k: KeyFinding, *, plotted: bool) -> dict[str, Any]:
    """A key with its plot, its classifier and its pairs of columns."""
    nulls = max(k.null_rate_real, k.null_rate_synthetic) >= _NULLS_SHOWN
    (counted, *_) = cases_of_key(k)
    return {
        "name": k.key,
        "orphans": f"{k.orphans:,}",
        "broken": k.orphans > 0,
        "copied": k.copied,
        "distance": f"{k.distance:.3f}",
        "ceiling": f"{k.ceiling:.3f}",
        "grade": "close" if k.copied else counted.grade,
        "plot": distribution_plot(k.distribution) if plotted else None,
        "means": f"on average {k.mean_real:,.2f} real, {k.mean_synthetic:,.2f} synthetic",
        "nulls": f"null keys {k.null_rate_real:.1%} real, {k.null_rate_synthetic:.1%} synthetic" if nulls else "",
        "across": [_across(name, found) for name, found in (("parent_pairs", k.parent_pairs), ("siblings", k.siblings), ("sequence", k.sequence)) if found],
        "classifier": classifier_view("c2st_agg", k.c2st_agg),
    }


def key_grade(k: KeyFinding) -> Grade:
    """How close a key's figures are, each as a whole."""
    if k.copied:
        return "none"
    return "off" if k.orphans else worst_grade([f.grade for f in key_figures(k)])


def classifier_view(name: str, found: ClassifierFinding | None) -> dict[str, Any] | None:
    """The AUC on a scale from 0.5 to 1, and what gives rows away."""
    if found is None:
        return None
    figure = classifier_figure(name, [found])
    told = [{"name": feature, "lost": f"{lost:.3f}", "fill": _percent(2 * lost)} for feature, lost in found.features]
    return {**figure_view(figure), "rows": f"{found.rows:,}", "features": told}


def figure_view(figure: Figure) -> dict[str, Any]:
    """A figure as a bar: scores from 0 to 1, AUCs from 0.5 to 1."""

    def fill(value: float | None) -> str:
        return _percent(None if value is None else 2 * value - 1 if figure.kind.auc else value)

    return {
        "name": figure.kind.title,
        "hint": figure.kind.hint,
        "auc": figure.kind.auc,
        "value": number(figure.value),
        "ceiling": number(figure.ceiling),
        "floor": None if figure.floor is None else number(figure.floor),
        "fill": fill(figure.value),
        "mark": fill(figure.ceiling),
        "floor_mark": fill(figure.floor),
        "grade": figure.grade,
    }


def number(value: float | None) -> str:
    """Three digits, or a dash where there is nothing to score."""
    return "\N{EN DASH}" if value is None else f"{value:.3f}"


def _across(name: str, found: AcrossFinding) -> dict[str, Any]:
    cases = sorted(found.pairs, key=lambda p: (p.ceiling - p.distance, p.first, p.second))[:WORST]
    left_out = f"{found.count} of {found.possible} pairs were compared" if found.count < found.possible else ""
    return {**figure_view(across_figure(name, [found])), "pairs": [_pair(name, p) for p in cases], "count": found.count, "note": left_out}


def _pair(name: str, p: PairFinding) -> dict[str, Any]:
    grade = Case(name=name, table="", what="", value=1 - p.distance, ceiling=1 - p.ceiling).grade
    second = p.second if name == "parent_pairs" else None
    return {"first": p.first, "second": second, "distance": number(p.distance), "ceiling": number(p.ceiling), "floor": number(p.floor), "grade": grade}


def _percent(share: float | None) -> str:
    return f"{100 * min(1.0, max(0.0, share or 0.0)):.2f}"
