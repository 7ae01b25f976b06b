"""Keys to reference tables: their values are learnt as they are, so that what else fills their columns must lead to values that the table has."""

from __future__ import annotations

from collections.abc import Iterator

from ..program import UniqueKey
from .keys import KeyPlan, implied
from .view import TableView

WAY_OUT = "give {parent!r} a key of one column to point at, or leave one of these keys out"


def reference_faults(view: TableView, keys: KeyPlan, uniques: list[UniqueKey]) -> Iterator[str]:
    """What cannot be carried out, in sentences."""
    for index in view.references:
        fault = _filled_fault(view, keys, index)
        if not fault and len(view.columns(index)) > 1:
            fault = _moved_fault(view, keys, uniques, index) or _shared_fault(view, uniques, index)
        if fault:
            yield f"foreign key {view.key(index)}: {fault}"


def _filled_fault(view: TableView, keys: KeyPlan, index: int) -> str | None:
    """Columns that come with the row of another parent."""
    columns = view.columns(index)
    for other in [*([] if keys.driving is None else [keys.driving]), *(m.key for m in keys.matches)]:
        shared = columns & view.columns(other)
        if not shared or (shared == columns and implied(view, index, other)):
            continue
        parent = view.key(other).parent_table
        if shared & view.opaque:
            return (
                f"({', '.join(sorted(shared & view.opaque))}) is part of the key {view.key(other)}, too, whose values are made anew; "
                f"give {parent!r} the role reference too, or make {view.key(index).parent_table!r} learnt"
            )
        if other == keys.driving and (shared == columns or not columns - shared <= view.facts.nullable - set(view.table.primary_key)):
            return f"({', '.join(sorted(shared))}) is part of the key {view.key(other)}, too; let {parent!r} point at {view.key(index).parent_table!r}, too"
    return None


def _moved_fault(view: TableView, keys: KeyPlan, uniques: list[UniqueKey], index: int) -> str | None:
    """Columns of a unique key, whose values are moved where they repeat."""
    columns = view.columns(index)
    parts = [part for unique in uniques if (part := set(unique.parts) & columns)]
    if not parts or parts == [columns] or (len(parts) == 1 and len(parts[0]) == 1 and not _given(view, keys) & columns):
        return None
    return "some of its columns make rows unique and the others do not, or do so in another key too; " + WAY_OUT.format(parent=view.key(index).parent_table)


def _shared_fault(view: TableView, uniques: list[UniqueKey], index: int) -> str | None:
    """Columns of other keys to reference tables."""
    columns, parts = view.columns(index), {c for unique in uniques for c in unique.parts}
    for other in view.references:
        theirs = view.columns(other)
        shared = columns & theirs
        if other == index or not shared or (theirs < columns and implied(view, other, index)) or (theirs > columns and implied(view, index, other)):
            continue
        if is_aligned(view, index, other):
            clash = columns != theirs and bool(columns & parts) and bool(theirs & parts)
        else:
            clash = any(index in unique.references for unique in uniques) or len(shared | (columns & parts)) > 1
        if clash:
            return f"it shares columns with {view.key(other)}; " + WAY_OUT.format(parent=view.key(index).parent_table)
    return None


def is_aligned(view: TableView, index: int, other: int) -> bool:
    """Whether both keys lead to one table, and take what they share from the same of its columns."""
    first, second = (dict(zip(view.key(i).columns, view.key(i).parent_columns, strict=True)) for i in (index, other))
    return view.key(index).parent_table == view.key(other).parent_table and all(first[c] == second[c] for c in first.keys() & second.keys())


def _given(view: TableView, keys: KeyPlan) -> set[str]:
    """Columns that come with the rows of other parents."""
    given = set() if keys.driving is None else set(view.columns(keys.driving))
    return given.union(*(view.columns(m.key) for m in keys.matches))
