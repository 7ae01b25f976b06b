"""Children per parent, from their histogram."""

from __future__ import annotations

from collections.abc import Sequence

from ..metadata import LinkageMethod, Table
from ..program import Linkage
from ..survey import KeyFacts, TableFacts

FEW_ROWS = 500  # fewer parents or children tell their histogram, and no more: what the number of children depends on would be noise
MAX_VALUES = 1000  # distinct numbers of children that are kept; past that neighbouring ones are pooled, and the KS stays below 1/1000


def learnt_linkage(table: Table, facts: TableFacts, index: int) -> Linkage:
    """How many rows the parents of one foreign key have in `table`, its orphan policy carried out."""
    seen = facts.keys[index] or KeyFacts()
    nulls = seen.nulls + (seen.orphans if table.foreign_keys[index].orphans == "null" else 0)
    few = min(seen.parents, seen.matched + nulls) < FEW_ROWS
    method: LinkageMethod = "empirical" if table.linkage_method == "conditional" and few else table.linkage_method
    rows = seen.matched + nulls
    return fit_linkage(seen.children, method=method, null_rate=nulls / rows if rows else 0.0)


def fit_linkage(children: Sequence[tuple[int, int]], *, method: LinkageMethod, null_rate: float = 0.0) -> Linkage:
    """Learn how many children a parent has.

    Args:
        children: (number of children, parents with that number), each number once.
        method: `conditional`, `empirical` or `negbinom`.
        null_rate: share of the child rows whose key is null.
    """
    counted = [(n, parents) for n, parents in sorted(children) if parents]
    total = sum(parents for _, parents in counted)
    if not total:
        return Linkage(method=method, values=(0,), weights=(1.0,), mean=0.0, variance=0.0, null_rate=null_rate)
    mean = sum(n * parents for n, parents in counted) / total
    variance = sum(parents * (n - mean) ** 2 for n, parents in counted) / total
    pooled = _pooled(counted, total)
    return Linkage(
        method=method,
        values=tuple(n for n, _ in pooled),
        weights=tuple(parents / total for _, parents in pooled),
        mean=mean,
        variance=variance,
        null_rate=null_rate,
    )


def _pooled(counted: Sequence[tuple[int, int]], total: int) -> list[tuple[int, int]]:
    """At most MAX_VALUES numbers: runs of about equal weight become their weighted mean."""
    if len(counted) <= MAX_VALUES:
        return list(counted)
    runs: dict[int, list[tuple[int, int]]] = {}
    before = 0
    for n, parents in counted:
        runs.setdefault(min(MAX_VALUES - 1, before * MAX_VALUES // total), []).append((n, parents))
        before += parents
    pooled: dict[int, int] = {}
    for run in runs.values():
        parents = sum(p for _, p in run)
        value = round(sum(n * p for n, p in run) / parents)
        pooled[value] = pooled.get(value, 0) + parents
    return sorted(pooled.items())
