"""The cases behind the figures of a report, worst first."""

from __future__ import annotations

from collections.abc import Iterator

from .figures import Case
from .findings import ColumnFinding, Findings, KeyFinding, PairFinding, TableFinding


def worst_first(findings: Findings) -> list[Case]:
    """All cases that count in a figure."""
    found = [case for t in findings.tables for case in _of_table(t)]
    found += [_of_key(k) for k in findings.keys if not k.copied]
    return sorted(found, key=lambda c: (-c.badness, c.table, c.what))


def _of_table(t: TableFinding) -> Iterator[Case]:
    yield from (_case("shapes", t.table, c.column, c) for c in t.columns)
    yield from (_case("pairs", t.table, f"{p.first} with {p.second}", p, p.floor) for p in t.pairs)


def _of_key(k: KeyFinding) -> Case:
    return _case("cardinality", k.table, f"rows per {k.parent_table}, {k.key}", k)


def _case(name: str, table: str, what: str, found: ColumnFinding | PairFinding | KeyFinding, floor: float | None = None) -> Case:
    return Case(name=name, table=table, what=what, value=1 - found.distance, ceiling=1 - found.ceiling, floor=None if floor is None else 1 - floor)
