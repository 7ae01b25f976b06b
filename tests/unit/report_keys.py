"""Findings of keys for tests of the report."""

from __future__ import annotations

from typing import Any

from synthohive_spark.spec.findings import Distribution, KeyFinding


def key_finding(child: str, parent: str, column: str, distance: float, ceiling: float, **told: Any) -> KeyFinding:
    """Of the key `k` to `column`, without orphans."""
    return KeyFinding(
        key=f"{child}(k) -> {parent}({column})",
        table=child,
        parent_table=parent,
        orphans=0,
        distance=distance,
        ceiling=ceiling,
        null_rate_real=0,
        null_rate_synthetic=0,
        mean_real=1,
        mean_synthetic=1,
        **{"distribution": Distribution(kind="count"), **told},
    )
