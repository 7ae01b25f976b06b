"""What the rows of one driving parent know of each other: their places, and the column that orders them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from ..program import Phase
from ..steps import Position, Series
from ..types import type_family
from .keys import KeyPlan
from .uniques import UniquePlan
from .view import TableView

# Kinds of values with distances; of text, dates and times have them, which is known once the column is profiled.
STEPPED = frozenset({"integer", "float", "date", "timestamp", "timestamp_ntz", "text"})
TIMES = ("date", "timestamp", "timestamp_ntz")
LEAST_ROWS = 2_000  # of a table; in a smaller one the rows held out could not tell whether looking at siblings pays
COMPLETE = 0.95  # share of the rows that a column must be there in to order them


@dataclass(frozen=True)
class SiblingPlan:
    """Of one table.

    Attributes:
        placed: some parent has several rows, and each knows its place.
        ordered_by: the column that orders them; None where none was declared or found.
        stepwise: that column is drawn as a distance from the row before.
        since: the driving parent's column that the first row's distance is from, and its grain in microseconds; None for no distance.
    """

    placed: bool = False
    ordered_by: str | None = None
    stepwise: bool = False
    since: tuple[str, int] | None = None


def plan_siblings(view: TableView, keys: KeyPlan, uniques: UniquePlan, drawn: Collection[str], first: Phase) -> SiblingPlan:
    """The plan for a table.

    Args:
        drawn: columns that the row model draws.
        first: the phase before the whole rows are made; what it draws is drawn without a look at siblings.
    """
    if keys.driving is None:
        return SiblingPlan()
    alone = max(view.linkages[keys.driving].values, default=0) < 2
    if alone or view.facts.rows < LEAST_ROWS:
        return _counted_from_parent(view, keys, uniques, drawn, first) if alone else SiblingPlan()
    counted = next((step.column for step in uniques.known if isinstance(step, Position)), None)
    if counted is not None:
        return SiblingPlan(placed=True, ordered_by=counted)
    open_columns = _open(view, keys, uniques, drawn, first)
    column = view.table.order_by or _found(view, set(drawn) - {c for i in keys.inherited for c in i.columns})
    if column not in open_columns:
        return SiblingPlan(placed=True)
    labels = {*view.table.high_cardinality_cols, *view.table.pii_cols}
    stepwise = type_family(view.facts.types[column]) in STEPPED and column not in labels
    return SiblingPlan(placed=True, ordered_by=column, stepwise=stepwise, since=_since(view, keys.driving, column) if stepwise else None)


def _counted_from_parent(view: TableView, keys: KeyPlan, uniques: UniquePlan, drawn: Collection[str], first: Phase) -> SiblingPlan:
    """Rows that are alone with their parent have no order, but a time that is never before one of its."""
    free = [c for c in _open(view, keys, uniques, drawn, first) if type_family(view.facts.types[c]) in TIMES and c not in view.table.pii_cols]
    found = {c: since for c in free if keys.driving is not None and (since := _since(view, keys.driving, c)) is not None}
    column = view.table.order_by if view.table.order_by in found else next(iter(found), None)
    return SiblingPlan() if column is None else SiblingPlan(placed=True, ordered_by=column, stepwise=True, since=found[column])


def _open(view: TableView, keys: KeyPlan, uniques: UniquePlan, drawn: Collection[str], first: Phase) -> list[str]:
    """Columns of the table that the last phase draws, and nothing replaces."""
    replaced = {c for i in keys.inherited for c in i.columns}
    early = {c for step in first.steps for c in step.columns}
    known = {c for step in uniques.known if isinstance(step, Series) for c in step.columns}
    return [c for c in drawn if c in view.facts.types and c not in early | known | replaced | view.reference_columns]


def _since(view: TableView, driving: int, column: str) -> tuple[str, int] | None:
    """The nearest time of the driving parent that no row is before."""
    parent = view.metadata.tables[view.key(driving).parent_table]
    found = [f for f in view.seen(driving).since if f.column == column and f.parent_column not in parent.pii_cols]
    nearest = min(found, key=lambda f: (f.distance, f.parent_column), default=None)
    return None if nearest is None else (nearest.parent_column, nearest.grain)


def _found(view: TableView, drawn: Collection[str]) -> str | None:
    """The time column with the most values, before dates in text or whole numbers, and those before a column of years."""
    there = [f for f in view.facts.orders if f.column in drawn and f.rows >= COMPLETE * view.facts.rows and f.values > 1]
    told = {f.column for f in there if type_family(view.facts.types[f.column]) in ("integer", "text")}
    best = max(there, key=lambda f: (not f.years, f.column not in told, f.values), default=None)
    return best.column if best else None
