"""Tables that look like lookups and are not marked as such: what `role: reference` would be good for. Pure; told as a hint, never decided."""

from __future__ import annotations

from collections.abc import Set

from ..base import Spec
from ..column_names import is_lookup, is_personal
from ..metadata import Metadata, Table
from ..survey import MOST_LOOKUP_ROWS, Survey, TableFacts

DIFFERENT = 0.9  # values per row of a text that names its row: one that repeats more can be learnt
MANY = 10  # rows that point at each row of a lookup, on average
MANY_NAMED = 0.5  # where the table's name is one for lookups (cities, of which most have one address)
MOST_OWN = 10  # columns beside keys and such texts: more are worth learning
MOST_OF_CHILD = 3  # the same, where the table points at others


class Lookup(Spec):
    """A table that looks like a lookup.

    Attributes:
        table: its name.
        rows: its rows.
        pointing: rows of the table that points at it most.
    """

    table: str
    rows: int
    pointing: int


def lookup_tables(metadata: Metadata, survey: Survey) -> tuple[Lookup, ...]:
    """Learnt tables that would better be copied, in the order of the metadata.

    Each has few rows, of which many others hang, a text that hardly repeats, little else, and nothing that sounds personal; and what it points at is a
    lookup too. Tables whose role the metadata says are left alone.
    """
    found = {}
    for name, facts in survey.tables.items():
        pointing = _pointing(metadata, survey, name)
        if _looks_like_one(metadata.tables[name], facts, pointing):
            found[name] = Lookup(table=name, rows=facts.rows, pointing=pointing)
    while loose := {name for name in found if not _stands_alone(metadata, name, found.keys())}:
        found = {name: lookup for name, lookup in found.items() if name not in loose}
    return tuple(found[name] for name in metadata.tables if name in found)


def lookup_hint(lookups: tuple[Lookup, ...]) -> str | None:
    """One message for all of them, with what to write; None for none."""
    if not lookups:
        return None
    listed = ", ".join(f"{lookup.table!r} ({lookup.rows} rows, which {lookup.pointing} rows point at)" for lookup in lookups)
    first = lookups[0].table
    return (
        f"tables that look like lookups and are learnt: {listed}. Their texts hardly repeat, so they come back made up, and what hangs on them is less like "
        "the real data. Where it says nothing personal or secret, set `role: reference` for such a table in the YAML, or "
        f'add_table("{first}", ..., role="reference"): its rows are then part of the synthetic data exactly as they are, for everyone to see. '
        "To learn one all the same, without this hint, set `role: learnt`."
    )


def _pointing(metadata: Metadata, survey: Survey, name: str) -> int:
    counts = [
        seen.matched
        for other, facts in survey.tables.items()
        for key, seen in zip(metadata.tables[other].foreign_keys, facts.keys, strict=True)
        if key.parent_table == name and other != name and seen is not None
    ]
    return max(counts, default=0)


def _looks_like_one(table: Table, facts: TableFacts, pointing: int) -> bool:
    if table.role != "learnt" or "role" in table.model_fields_set or table.pii_cols or not 0 < facts.rows <= MOST_LOOKUP_ROWS:
        return False
    named = is_lookup(table.name)
    foreign = {c for key in table.foreign_keys for c in key.columns}
    own = tuple(c for c, _, _ in facts.columns if c not in foreign)
    naming = {seen.column for seen in facts.labels if seen.values >= DIFFERENT * seen.rows and 2 * seen.rows > facts.rows} - foreign
    # A key of text alone may be the number of a plane: only names of well-known lists make it a label.
    labels = naming if named else naming - set(table.primary_key)
    others = set(own) - naming - set(table.primary_key)
    few = len(others) <= (MOST_OF_CHILD if foreign else MOST_OWN)
    return bool(labels) and few and pointing >= (MANY_NAMED if named else MANY) * facts.rows and not is_personal(own, table.name)


def _stands_alone(metadata: Metadata, name: str, lookups: Set[str]) -> bool:
    """Whether all that the table points at is copied, or would be."""
    parents = {key.parent_table for key in metadata.tables[name].foreign_keys}
    return all(parent in lookups or metadata.tables[parent].role == "reference" for parent in parents)
