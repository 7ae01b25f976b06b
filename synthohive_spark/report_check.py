"""Limits that a pipeline sets for the figures of a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real

from .report_verdict import told_case
from .spec.cases import worst_first
from .spec.figures import Case, Figure
from .spec.findings import Findings


def shortfalls(findings: Findings, limits: Mapping[str, float], max_faults: int) -> dict[str, str]:
    """What falls short: a sentence per figure, with its worst case.

    Args:
        limits: by figure: what a score must reach, or an AUC must not pass.
        max_faults: kinds of broken keys that are borne.

    Raises:
        ValueError: a limit is no number from 0 to 1.
    """
    wrong = [name for name, limit in limits.items() if isinstance(limit, bool) or not isinstance(limit, Real) or not 0 <= limit <= 1]
    if wrong:
        raise ValueError(f"limits are numbers from 0 to 1; those for {', '.join(wrong)} are not")
    short = {name: figure for name, limit in limits.items() if _is_short(figure := findings.figures[name], limit)}
    cases = worst_first(findings) if short else []
    found = {name: _sentence(figure, limits[name]) + _worst_of(name, cases) for name, figure in short.items()}
    if len(findings.faults) > max_faults:
        found["faults"] = f"faults: {len(findings.faults)}, at most {max_faults} wanted: {'; '.join(findings.faults)}"
    return found


def _is_short(figure: Figure, limit: float) -> bool:
    if figure.value is None:
        return False
    return figure.value > limit if figure.kind.auc else figure.value < limit


def _sentence(figure: Figure, limit: float) -> str:
    ceiling = "" if figure.ceiling is None else f", ceiling {figure.ceiling:.3f}"
    return f"{figure.name}: {figure.value:.3f}, {'at most' if figure.kind.auc else 'at least'} {limit:g} wanted{ceiling}"


def _worst_of(name: str, cases: Sequence[Case]) -> str:
    worst = next((c for c in cases if c.name == name), None)
    return "" if worst is None else f"; worst: {told_case(worst)}"
