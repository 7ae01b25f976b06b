"""What matched partners must be like: an address of the row's own customer, a comment below the same post, a question that was asked before.

Only keys bind: made-up values of other columns are those of no other row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..hidden import shared_column
from ..program import Match
from ..survey import CopyFacts
from .inherited import HOLDS, Inherited
from .view import TableView


def with_agreement(view: TableView, matches: Iterable[Match], driving: int | None, inherited: Iterable[Inherited]) -> list[Match]:
    """The matches, in their order, told which keys that a row has from its parents by then always equal its partner's."""
    there = {c for i in inherited if i.by == driving and i.always for c in i.columns} | (view.columns(driving) if driving is not None else set())
    out = []
    for match in matches:
        agree = tuple(_agreed(view, match, there)) or tuple(_related(view, match, driving))
        found = match.model_copy(update={"agree": agree, "since": _since(view, match)})
        there |= view.columns(match.key) | set(match.brought)
        out.append(found)
    return out


def _agreed(view: TableView, match: Match, known: set[str]) -> Iterator[tuple[str, str]]:
    key = view.key(match.key)
    late = _late(view, key.parent_table)
    given = set(key.columns) | set(match.brought)
    keys = {frozenset(fk.columns) for fk in view.table.foreign_keys}
    taken: set[str] = set()
    for facts in sorted(view.seen(match.key).copies, key=_rank):
        own, theirs = frozenset(facts.columns), set(facts.parent_columns)
        if facts.share >= HOLDS and own in keys and own <= known - given - taken and not theirs & (late | set(key.parent_columns)):
            taken |= own
            yield from zip(facts.columns, facts.parent_columns, strict=True)


def _related(view: TableView, match: Match, driving: int | None) -> Iterator[tuple[str, str]]:
    """The first of what the driving parent and the partner have in common: rows borrow it from their parent."""
    if driving is None or view.is_deferred(match.key):
        return
    fixed = {*view.key(match.key).parent_columns, *_late(view, view.key(match.key).parent_table)}
    late = _late(view, view.key(driving).parent_table)
    for facts in view.seen(match.key).relatives:
        if facts.by == driving and not set(facts.above) & late and not set(facts.parent_columns) & fixed:
            yield from ((shared_column(own), theirs) for own, theirs in zip(facts.above, facts.parent_columns, strict=True))
            return


def _late(view: TableView, parent: str) -> set[str]:
    """Columns of a table that are filled after its rows are made."""
    return {c for i, key in enumerate(view.metadata.tables[parent].foreign_keys) if view.graph.is_deferred(parent, i) for c in key.columns}


def _since(view: TableView, match: Match) -> tuple[str, str] | None:
    """The nearest times of which the row's is never before its partner's: of rows that are there when a later parent is."""
    if not view.is_deferred(match.key):
        return None
    made_up = {*view.table.pii_cols, *view.metadata.tables[view.key(match.key).parent_table].pii_cols}
    found = [f for f in view.seen(match.key).since if not {f.column, f.parent_column} & made_up]
    nearest = min(found, key=lambda f: (f.distance, f.column, f.parent_column), default=None)
    return None if nearest is None else (nearest.column, nearest.parent_column)


def _rank(facts: CopyFacts) -> tuple[object, ...]:
    return -len(facts.columns), -facts.share, facts.chance, facts.columns != facts.parent_columns, facts.columns, facts.parent_columns
