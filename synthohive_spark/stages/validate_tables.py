"""From the collected counts of one table to its findings. Plain numpy on small arrays."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from ..kernels import comparison
from ..kernels.statistics import ColumnPlan, TablePlan
from ..spec.findings import ABOVE, BELOW, NULL, OTHER, ColumnFinding, CorrelationFinding, Distribution, TableFinding
from ..spec.relation_findings import PairFinding

SHOWN_LABELS = 12  # bars of a plot; more do not fit on a phone
MIN_LABEL_ROWS = 3  # a label that fewer real rows have is never shown


@dataclass(frozen=True)
class TableSides:
    """Rows of a table."""

    real: int
    synthetic: int


@dataclass
class Counts:
    """The collected counts of one table; sides are (real, synthetic), gaps are (real to synthetic, real half to real half, real to independent columns).

    Attributes:
        codes: per column (2, codes).
        rare: per column the first two summed gaps of labels that have no code.
        pairs: per pair the summed gaps of its cells.
        moments: per ordered pair of numbers, as `i * n + j`, (2, 4): rows, sum, sum of squares, sum of products.
    """

    plan: TablePlan
    sizes: TableSides
    codes: list[np.ndarray] = field(init=False)
    rare: dict[int, tuple[float, float]] = field(default_factory=dict)
    pairs: dict[int, tuple[float, float, float]] = field(default_factory=dict)
    moments: list[np.ndarray] = field(init=False)

    def __post_init__(self) -> None:
        self.codes = [np.zeros((2, c.codes), dtype="int64") for c in self.plan.columns]
        self.moments = [np.zeros((2, 4), dtype="int64") for _ in range(len(self.plan.numbers) ** 2)]


def table_finding(
    base: TableFinding, names: tuple[str, ...], plan: TablePlan, counts: Counts, *, seed: int, told: Mapping[str, Collection[str]] | None = None
) -> TableFinding:
    """`base` with its columns, pairs and correlations.

    Args:
        names: of the columns in `plan`.
        told: per column the labels that a model tells; others are shown where synthetic rows have them. None where no model is known.
    """
    shown = [None if told is None else told.get(name, ()) for name in names]
    columns = tuple(_column(f"{base.table}.{name}", name, i, counts, seed, shown[i]) for i, name in enumerate(names))
    one_sided = float(counts.sizes.real != counts.sizes.synthetic) if 0 in (counts.sizes.real, counts.sizes.synthetic) else None
    pairs = []
    for item, (a, b) in enumerate(plan.pairs):
        gap, half, alone = counts.pairs.get(item, (0.0, 0.0, 0.0))
        distance = _share(gap / 2) if one_sided is None else one_sided
        pairs.append(PairFinding(first=names[a], second=names[b], distance=distance, ceiling=_share(half / 2), floor=_share(alone / 2)))
    return base.model_copy(
        update={
            "columns": columns,
            "pairs": tuple(pairs),
            "correlations": _correlations(names, plan, counts),
            "pairs_possible": len(names) * (len(names) - 1) // 2,
        }
    )


def _column(identity: str, name: str, item: int, counts: Counts, seed: int, told: Collection[str] | None) -> ColumnFinding:
    plan, (real, synthetic) = counts.plan.columns[item], counts.codes[item]
    if plan.kind == "label":
        distance, ceiling = _label_distances(real, synthetic, counts.rare.get(item, (0.0, 0.0)), counts.sizes)
        distribution = _label_distribution(plan, real, synthetic, told)
    else:
        distance = comparison.ks_with_nulls(real, synthetic)
        ceiling = comparison.half_distance(real, comparison.ks_with_nulls, seed=seed, name=identity)
        distribution = _interval_distribution(plan, real, synthetic)
    return ColumnFinding(
        column=name,
        metric="TVD" if plan.kind == "label" else "KS",
        distance=_share(distance),
        ceiling=_share(ceiling),
        null_rate_real=comparison.null_rate(real),
        null_rate_synthetic=comparison.null_rate(synthetic),
        distribution=distribution,
    )


def _label_distances(real: np.ndarray, synthetic: np.ndarray, rare: tuple[float, float], sizes: TableSides) -> tuple[float, float]:
    """TVD and its ceiling: null and the labels that have a code, then the rest as summed up label by label."""
    half = float(comparison.half_gap(real[:-1], sizes.real).sum()) / max(sizes.real / 2, 1)
    ceiling = (half + rare[1]) / 2
    if 0 in (sizes.real, sizes.synthetic):
        return float(sizes.real != sizes.synthetic), ceiling
    return float(np.abs(real / sizes.real - synthetic / sizes.synthetic)[:-1].sum() + rare[0]) / 2, ceiling


def _label_distribution(plan: ColumnPlan, real: np.ndarray, synthetic: np.ndarray, told: Collection[str] | None) -> Distribution:
    order = [int(i) for i in np.argsort(-real[1:-1], kind="stable") + 1 if real[i] >= MIN_LABEL_ROWS]
    # Many rows can be those of one person: that is why a model does not tell a label.
    shown = [i for i in order if told is None or synthetic[i] or plan.labels[i - 1] in told][:SHOWN_LABELS]
    hidden = [i for i in range(1, len(real)) if i not in shown]
    labels = [plan.labels[i - 1] for i in shown]
    sides = [[side[i] for i in shown] for side in (real, synthetic)]
    _append(labels, sides, OTHER, [side[hidden].sum() for side in (real, synthetic)])
    _append(labels, sides, NULL, [real[0], synthetic[0]])
    return _distribution("category", labels, sides)


def _interval_distribution(plan: ColumnPlan, real: np.ndarray, synthetic: np.ndarray) -> Distribution:
    if real[1:].sum() < MIN_LABEL_ROWS or len(plan.plot) < 2:
        labels: list[str] = []
        sides: list[list[float]] = [[], []]
        _append(labels, sides, OTHER, [real[1:].sum(), synthetic[1:].sum()])
        _append(labels, sides, NULL, [real[0], synthetic[0]])
        return _distribution("category", labels, sides)
    spread = [plan.intervals(side) for side in (real, synthetic)]
    labels = [BELOW, *(f"{edge:.15g}" for edge in plan.plot[:-1]), ABOVE]
    sides = [list(side) for side in spread]
    _append(labels, sides, NULL, [real[0], synthetic[0]])
    return _distribution("time" if plan.kind == "time" else "number", labels, sides, plan.plot)


def count_distribution(values: np.ndarray, real: np.ndarray, synthetic: np.ndarray, edges: np.ndarray) -> Distribution:
    """Parents by number of children: `values` (K,) ascending, weights (K,) per side, `edges` of the plot's intervals."""
    place = np.searchsorted(edges, values, side="right")
    sides = [list(np.bincount(place, weights=side, minlength=len(edges) + 1)[1:]) for side in (real, synthetic)]
    return _distribution("count", [*(f"{edge:.15g}" for edge in edges[:-1]), ABOVE], sides, edges)


def _append(labels: list[str], sides: list[list[float]], label: str, values: list[float]) -> None:
    if any(values):
        labels.append(label)
        for side, value in zip(sides, values, strict=True):
            side.append(value)


def _distribution(
    kind: Literal["category", "number", "time", "count"], labels: list[str], sides: list[list[float]], edges: np.ndarray | None = None
) -> Distribution:
    shares = [tuple(round(float(x) / (total or 1), 9) for x in side) for side, total in ((s, float(sum(s))) for s in sides)]
    return Distribution(kind=kind, labels=tuple(labels), real=shares[0], synthetic=shares[1], edges=() if edges is None else tuple(float(e) for e in edges))


def _correlations(names: tuple[str, ...], plan: TablePlan, counts: Counts) -> tuple[CorrelationFinding, ...]:
    numbers = plan.numbers
    n = len(numbers)
    found = []
    for i in range(n):
        for j in range(i + 1, n):
            forth, back = counts.moments[i * n + j], counts.moments[j * n + i]
            r = [comparison.pearson(int(a[0]), (int(a[1]), int(b[1])), (int(a[2]), int(b[2])), int(a[3])) for a, b in zip(forth, back, strict=True)]
            real, synthetic = (None if x is None else round(x, 6) for x in r)
            found.append(CorrelationFinding(first=names[numbers[i]], second=names[numbers[j]], real=real, synthetic=synthetic))
    return tuple(found)


def _share(value: float) -> float:
    return round(min(1.0, max(0.0, float(value))), 9)
