"""What rows draw of their other parents before they are matched, so that partners suit them."""

from __future__ import annotations

from ..hidden import trait_column
from ..program import Match, Trait
from .view import TableView


def with_traits(view: TableView, match: Match) -> Match:
    """The match with what rows draw for it.

    Not where the match keeps a unique key apart, since there partners are dealt out by an order of their own; nor where most rows have their partner already.
    """
    key, types = view.key(match.key), view.above(match.key).types
    if match.filled:
        return match
    match = match.model_copy(update={"forest": key.parent_table == view.table.name and set(match.fixed) < set(key.columns)})
    if match.apart:
        return match
    found = [t for t in view.seen(match.key).traits if t.column not in key.parent_columns]
    traits = (Trait(name=trait_column(match.key, i), column=t.column, spark_type=types[t.column], edges=t.edges) for i, t in enumerate(found))
    return match.model_copy(update={"traits": tuple(traits)})
