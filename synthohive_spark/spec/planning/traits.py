"""What rows draw of their other parents before they are matched, so that partners suit them."""

from __future__ import annotations

from ..program import Match, Trait, trait_column
from .view import TableView


def with_traits(view: TableView, match: Match) -> Match:
    """The match with its traits.

    Only where rows are matched before they are whole, so that their other columns can follow from what the partner has; and not where the match keeps a unique
    key apart: there partners are dealt out by an order of their own.
    """
    if match.apart or match.filled or view.is_deferred(match.key):
        return match
    key, types = view.key(match.key), view.above(match.key).types
    found = [t for t in view.seen(match.key).traits if t.column not in key.parent_columns]
    traits = (Trait(name=trait_column(match.key, i), column=t.column, spark_type=types[t.column], edges=t.edges) for i, t in enumerate(found))
    return match.model_copy(update={"traits": tuple(traits)})
