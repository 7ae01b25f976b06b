"""From what the tasks found of relations to findings."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..spec.findings import KeyFinding, TableFinding
from ..spec.relation_findings import AcrossFinding, ClassifierFinding, NearestFinding, PairFinding, PathFinding, UtilityFinding
from .validate_relations import Judged

Found = Mapping[str, tuple[Judged, dict[str, Any]]]


def with_classifiers(table: TableFinding, found: Found) -> TableFinding:
    """A table with what classifiers and distances told of its rows."""
    if table.table not in found:
        return table
    judged, told = found[table.table]
    classifiers = {name: _classifier(told[name]) for name in ("c2st", "c2st_parent")}
    return table.model_copy(update=classifiers | {"nearest": _nearest(told["nearest"]), "tstr": _utility(judged.asked.target, told["tstr"])})


def _nearest(told: Mapping[str, Any] | None) -> NearestFinding | None:
    if told is None:
        return None
    both = {f"{name}{side}": told[name][i] for name in ("distance", "same") for i, side in enumerate(("", "_real"))}
    return NearestFinding(nearness=told["nearness"], rows=told["rows"], membership=told["membership"], **both)


def _utility(target: str | None, told: Mapping[str, Any] | None) -> UtilityFinding | None:
    return None if told is None or target is None else UtilityFinding(column=target, **told)


def with_relations(keys: Sequence[KeyFinding], found: Found) -> tuple[KeyFinding, ...]:
    """Keys with what holds along them."""
    by_name = {f"{name}{key}": told for name, (judged, verdicts) in found.items() for key, told in zip(judged.keys, verdicts["keys"], strict=True)}
    return tuple(key.model_copy(update=_along(by_name[key.key])) if key.key in by_name else key for key in keys)


def paths_of(found: Found) -> tuple[PathFinding, ...]:
    """All paths that enough rows follow."""
    return tuple(
        PathFinding(
            table=name,
            path=_told(name, judged, path.direct, path.first, path.second),
            real=told["real"],
            synthetic=told["synthetic"],
            ceiling=_half_gap(told["real"], told["rows"]),
        )
        for name, (judged, verdicts) in found.items()
        for path, told in zip(judged.asked.paths, verdicts["paths"], strict=True)
        if told is not None
    )


def _along(told: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "parent_pairs": _parent_pairs(told["parent_pairs"]),
        "siblings": _siblings(told["siblings"]),
        "sequence": _siblings(told["sequence"]),
        "c2st_agg": _classifier(told["c2st_agg"]),
    }


def _classifier(told: Mapping[str, Any] | None) -> ClassifierFinding | None:
    if told is None:
        return None
    rest = {name: told[name] for name in ("ceiling", "floor", "rows")}
    return ClassifierFinding(auc=told["value"], features=tuple((name, lost) for name, lost in told["features"]), **rest)


def _parent_pairs(told: Mapping[str, Any] | None) -> AcrossFinding | None:
    if told is None:
        return None
    distance, ceiling, floor = told["mean"]
    pairs = tuple(_pair(*pair) for pair in told["worst"])
    return AcrossFinding(distance=distance, ceiling=ceiling, floor=floor, count=told["count"], possible=told["possible"], pairs=pairs)


def _siblings(told: Sequence[Any] | None) -> AcrossFinding | None:
    if not told:
        return None
    pairs = tuple(_pair(name, name, *rest) for name, *rest in told)
    means = {name: sum(getattr(p, name) for p in pairs) / len(pairs) for name in ("distance", "ceiling", "floor")}
    return AcrossFinding(**means, count=len(pairs), possible=len(pairs), pairs=pairs)


def _pair(first: str, second: str, distance: float, ceiling: float, floor: float) -> PairFinding:
    return PairFinding(first=first, second=second, distance=round(distance, 9), ceiling=round(ceiling, 9), floor=round(floor, 9))


def _half_gap(share: float, rows: int) -> float:
    """What two random halves differ in, expected: the mean absolute value of a normal deviate."""
    return math.sqrt(2 / math.pi) * math.sqrt(share * (1 - share) * 4 / max(rows, 1))


def _told(table: str, judged: Judged, direct: int, first: int, second: int) -> str:
    short, through = judged.keys[direct], judged.keys[first]
    return f"{table}{short}, and through {through.parent_table} by {', '.join(through.columns)}"
