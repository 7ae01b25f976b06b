"""The verdict of a report in about ten lines: what to trust, what not, and the worst cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .spec.cases import NEAREST, worst_first
from .spec.figures import Case, Figure
from .spec.findings import Findings
from .spec.relation_findings import mean

WORST = 4  # cases that a glance takes in
FAULTS = 3
_NAME = 60  # characters of a name; longer ones would break the line


@dataclass(frozen=True)
class Verdict:
    """What a reader wants to know first.

    Attributes:
        headline: the whole in a sentence.
        size: tables, keys and rows.
        grade: of the worst of the figures; `off` where keys are broken.
        trusted: figures close to their ceilings; then those that are visibly below, and those that are off, the worst first.
        worst: cases that are not close to their ceilings, the worst first.
        privacy: whether rows are real ones again, in a sentence; empty where nothing was compared.
        notes: broken keys and rules.
    """

    headline: str
    size: str
    grade: str
    trusted: tuple[Figure, ...]
    doubted: tuple[Figure, ...]
    distrusted: tuple[Figure, ...]
    worst: tuple[Case, ...]
    privacy: str
    notes: tuple[str, ...]


def verdict_on(findings: Findings) -> Verdict:
    """The verdict on a copy."""
    figures = sorted(findings.figures.values(), key=lambda f: -f.badness)
    trusted, doubted, distrusted = (tuple(f for f in figures if f.grade == grade) for grade in ("close", "visible", "off"))
    grade = "off" if findings.faults or distrusted else "visible" if doubted else "close" if trusted else "none"
    return Verdict(
        headline=_headline(findings, grade),
        size=_size(findings),
        grade=grade,
        trusted=trusted,
        doubted=doubted,
        distrusted=distrusted,
        worst=_worst(findings),
        privacy=_privacy(findings),
        notes=(*_faults(findings), *_rules(findings)),
    )


def lines_of(verdict: Verdict) -> list[str]:
    """The verdict as text."""
    lines = [f"{verdict.headline} {verdict.size}."]
    parts = (("trust", verdict.trusted), ("look twice", verdict.doubted), ("do not trust", verdict.distrusted))
    lines += [f"  {name:<13} {', '.join(map(told, figures))}" for name, figures in parts if figures]
    lines += [f"  {'worst' if not i else '':<13} {told_case(case)}" for i, case in enumerate(verdict.worst)]
    lines += [f"  {'privacy':<13} {verdict.privacy}"] if verdict.privacy else []
    return lines + [f"  {note}" for note in verdict.notes]


def told(figure: Figure) -> str:
    """A figure with its ceiling."""
    return f"{_words(figure.name)} {_number(figure.value)} (ceiling {_number(figure.ceiling)})"


def told_case(case: Case) -> str:
    """A case with its ceiling."""
    return f"{_words(case.name)} {_number(case.value)} (ceiling {_number(case.ceiling)}): {_short(case.table)}: {_short(case.what)}"


def _headline(findings: Findings, grade: str) -> str:
    if findings.faults:
        return f"Broken: {_counted(len(findings.faults), 'fault')} in the keys."
    return {
        "close": "As good as it gets: all figures are close to what two halves of the real data come to.",
        "visible": "Usable with care: some figures are visibly below what two halves of the real data come to.",
        "off": "Not to be trusted in everything: some figures are far below what two halves of the real data come to.",
        "none": "Nothing to compare.",
    }[grade]


def _size(findings: Findings) -> str:
    copied = sum(t.role == "reference" for t in findings.tables)
    size = f"{_counted(len(findings.tables), 'table')}{f' ({copied} copied)' if copied else ''}, {_counted(len(findings.keys), 'key')}"
    return f"{size}, {sum(t.rows_synthetic for t in findings.tables):,} synthetic rows beside {sum(t.rows_real for t in findings.tables):,} real ones"


def _worst(findings: Findings) -> tuple[Case, ...]:
    """The worst cases; of each figure two at most: a column that is off makes all its pairs be so."""
    taken: list[Case] = []
    for case in worst_first(findings):
        if case.grade in ("visible", "off") and sum(c.name == case.name for c in taken) < WORST // 2:
            taken.append(case)
    return tuple(taken[:WORST])


def _faults(findings: Findings) -> Sequence[str]:
    shown = [f"broken        {_short(fault)}" for fault in findings.faults[:FAULTS]]
    return shown if len(findings.faults) <= FAULTS else [*shown, f"broken        and {len(findings.faults) - FAULTS} more"]


def _rules(findings: Findings) -> Sequence[str]:
    return [f"rules         {findings.rules_held} of {len(findings.rules)} hold on all rows"] if findings.rules else []


def _privacy(findings: Findings) -> str:
    """What the nearest real rows tell."""
    figures = [findings.figures[name] for name in NEAREST]
    told = [t.nearest for t in findings.tables if t.nearest]
    if not told:
        return ""
    nearness = figures[0]
    # Of tables of few columns the nearest rows are so near that their ratio is noise: by itself, it accuses no copy whose rows are known to be unlearnt.
    worse = [f for f in figures if f.grade in ("visible", "off") and (f.name != "distance" or nearness.grade != "close")]
    learnt = "not known which rows trained" if nearness.value is None else f"{nearness.value:.3f} nearer to rows that trained (0.5 is right)"
    same = f"{mean([t.same for t in told]):.2%} are real ones again ({mean([t.same_real for t in told]):.2%} of real rows are others)"
    start = f"rows are too near to real ones ({', '.join(f.name for f in worse)})" if worse else "no sign of copied rows"
    return f"{start}: {learnt}, {same}"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _short(name: str) -> str:
    plain = "".join(c if c.isprintable() else " " for c in name)
    return plain if len(plain) <= _NAME else plain[: _NAME - 3] + "..."
