"""Whose rows those of a table are: a value that only one person has is told of that person, in however many rows it stands."""

from __future__ import annotations

from collections.abc import Mapping

from ..column_names import is_lookup, is_personal
from ..metadata import ForeignKey
from ..program import TableProgram

LEAST_ENTITIES = 100  # rows of a parent: of fewer (shops, countries) each owns many of its rows' values, and none of them is a person's secret


def entity_keys(table: str, programs: Mapping[str, TableProgram]) -> tuple[ForeignKey, ...]:
    """The keys from a table up to its entity: the topmost table above it, by driving keys, that tells of persons; else the driving parent.

    None for a table of persons itself, and for one whose parent is a reference table, a list of what there is, or small: rows count for themselves there.
    """
    if is_personal(programs[table].names, table):
        return ()
    above: list[ForeignKey] = []
    persons = 0
    here = table
    while (key := programs[here].driver) is not None and key.parent_table in programs and key.parent_table not in {k.parent_table for k in above} | {table}:
        above.append(key)
        here = key.parent_table
        persons = len(above) if is_personal(programs[here].names, here) else persons
    keys = tuple(above[: persons or 1])
    if not keys or programs[keys[-1].parent_table].rows < LEAST_ENTITIES or (not persons and is_lookup(keys[-1].parent_table)):
        return ()
    return keys
