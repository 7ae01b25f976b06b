"""What a row takes over from the rows that its keys lead to: keys that two ways lead to, and copies of a parent's values."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from ..survey import CopyFacts
from .view import TableView

HOLDS = 0.995  # share of the rows from which on a column follows from the parent's
LEAST_CHANCE = 1e-3  # what comes up more seldom tells no more
PAYS = 0.2  # of the rows, more than by chance, from which on a row is asked whether it repeats its parent's value


@dataclass(frozen=True)
class Inherited:
    """Columns that repeat columns of the row that a key leads to.

    Attributes:
        by: index of that key.
        columns: of the table.
        parent_columns: their counterparts.
        key: index of the key whose columns they are; None for a column that is no key.
        always: in all rows that have that parent; else a hidden column says in which.
        whole: nothing else fills the columns.
    """

    by: int
    columns: tuple[str, ...]
    parent_columns: tuple[str, ...]
    key: int | None
    always: bool
    whole: bool


def plan_inherited(view: TableView, driving: int | None) -> tuple[Inherited, ...]:
    """What each column takes over: what always holds goes first, and the driving parent's row before those that are matched."""
    found: list[Inherited] = []
    taken: set[str] = set()
    for _, entry in sorted(_candidates(view, driving), key=lambda c: _rank(c[0], c[1], driving)):
        another = entry.key is not None and any(other.columns == entry.columns and not other.always for other in found)  # one of two teams of a match
        if another or not taken & {*entry.columns, *view.key(entry.by).columns}:  # what is taken over itself leads to no row that was matched
            found.append(entry)
            taken |= set(entry.columns)
    return tuple(found)


def told_by_one_of(view: TableView, by: int) -> float:
    """Nats that the row of the key `by` tells of other keys which always lead to where one of several columns of it leads, but never the same one."""
    shares: dict[tuple[str, ...], list[CopyFacts]] = {}
    for facts in view.seen(by).copies:
        if any(view.key(i).columns == facts.columns for i in view.learnt if i != by) and facts.share - facts.chance >= PAYS and facts.share < HOLDS:
            shares.setdefault(facts.columns, []).append(facts)
    several = [found for found in shares.values() if len(found) > 1 and sum(f.share for f in found) >= HOLDS]
    return sum(f.share * math.log(1 / max(f.chance, LEAST_CHANCE)) for found in several for f in found)


def _rank(facts: CopyFacts, entry: Inherited, driving: int | None) -> tuple[object, ...]:
    return entry.key is None, not entry.always, entry.by != driving, -facts.share, facts.columns != facts.parent_columns, facts.columns, facts.parent_columns


def _candidates(view: TableView, driving: int | None) -> Iterator[tuple[CopyFacts, Inherited]]:
    for by in view.learnt:
        if view.is_deferred(by) or not (by == driving or can_bring(view, by)):
            continue
        for facts in view.seen(by).copies:
            entry = _inherited(view, by, facts)
            possible = entry.always or (by == driving and facts.share - facts.chance >= PAYS)
            lacks = entry.key is None and _can_lack(view, by, facts)  # it would be null in a column that must not be
            if possible and not lacks and _is_open(view, facts, by, entry.key) and entry.key != driving:
                yield facts, entry


def _inherited(view: TableView, by: int, facts: CopyFacts) -> Inherited:
    key = next((i for i in view.learnt if i != by and view.key(i).columns == facts.columns), None)
    always = facts.share >= HOLDS
    return Inherited(by, facts.columns, facts.parent_columns, key, always, always and not view.null_rate(by) and not _can_lack(view, by, facts))


def _can_lack(view: TableView, by: int, facts: CopyFacts) -> bool:
    """Whether the parent's columns can be null where the row's must not be."""
    return view.facts.nullable.isdisjoint(facts.columns) and not view.above(by).nullable.isdisjoint(facts.parent_columns)


def can_bring(view: TableView, by: int) -> bool:
    """Whether rows can take over what a key's row has: it is there in time, and no column is shared with another key, or with what must be unique."""
    return not view.is_deferred(by) and is_free(view, view.columns(by), {by})


def is_free(view: TableView, columns: frozenset[str], own: set[int]) -> bool:
    """Whether columns are part of no key but `own`, and of nothing that must be unique."""
    others = {c for i, key in enumerate(view.table.foreign_keys) if i not in own for c in key.columns}
    return not columns & (others | {c for key in view.unique_keys for c in key})


def _is_open(view: TableView, facts: CopyFacts, by: int, key: int | None) -> bool:
    """Whether the columns can be taken over: nothing else decides them, and the parent's row has its own by then."""
    columns = frozenset(facts.columns)
    parent = view.metadata.tables[view.key(by).parent_table]
    late = {c for i, fk in enumerate(parent.foreign_keys) if view.graph.is_deferred(parent.name, i) for c in fk.columns}
    if late & set(facts.parent_columns) or not is_free(view, columns, set() if key is None else {key}):
        return False
    if key is not None:
        return not view.is_deferred(key)
    private = columns & set(view.table.pii_cols)
    return not private or set(facts.parent_columns) <= set(parent.pii_cols)
