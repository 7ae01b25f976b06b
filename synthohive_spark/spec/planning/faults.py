"""What the data has that the metadata does not allow, told from the survey; every fault is a sentence, and none holds a value of the data."""

from __future__ import annotations

from collections.abc import Collection

from ...errors import SchemaError
from ..graph import KeyRef, SchemaGraph
from ..metadata import DuplicatePolicy, ForeignKey, Metadata
from ..structure import NOT_IN_CIRCLES, NOTHING_TO_EMPTY, can_be_emptied
from ..survey import Survey, TableFacts, UniqueFacts

FEW_DUPLICATES = 0.01  # of the rows: so many a load leaves behind; more say that the key is not the one that is named


def leaves_out(policy: DuplicatePolicy | None, rows: int, read: int) -> bool:
    """Whether a policy leaves out `rows` of the `read` rows of a table, which repeat a primary key or have none."""
    return rows > 0 and (policy == "drop" or (policy is None and rows <= FEW_DUPLICATES * read))


def rows_to_leave_out(metadata: Metadata, survey: Survey) -> dict[str, int]:
    """Rows per table that the policy for duplicates leaves out; tables without such rows are not named."""
    found = {}
    for name, facts in survey.tables.items():
        rows = sum(u.repeats + u.nulls for u in facts.uniques if u.columns == metadata.tables[name].primary_key)
        if leaves_out(metadata.tables[name].duplicates, rows, facts.read):
            found[name] = rows
    return found


def data_faults(metadata: Metadata, survey: Survey) -> list[str]:
    """Primary keys that repeat or are null, foreign keys that point at columns that repeat, orphans whose policy is `error` or cannot be carried out."""
    faults = []
    try:
        deferred: Collection[KeyRef] = SchemaGraph.from_metadata(metadata).deferred
    except SchemaError:  # a fault of the structure, told as such
        deferred = ()
    for name, facts in survey.tables.items():
        faults += [f"table {name!r}: {fault}" for fault in _key_faults(metadata, facts)]
    for name, facts in survey.tables.items():
        faults += [f"table {name!r}: {fault}" for fault in _orphan_faults(metadata, survey, facts, deferred)]
        if facts.read and not facts.rows:
            faults.append(f"table {name!r}: the orphan policy drop leaves none of its {facts.read} rows; use null, or mend the keys")
    return faults


def _key_faults(metadata: Metadata, facts: TableFacts) -> list[str]:
    faults = []
    for unique in facts.uniques:
        listed = ", ".join(unique.columns)
        if unique.columns != metadata.tables[facts.table].primary_key:
            faults += _pointed_faults(metadata, facts, unique)
            continue
        way_out = "set `duplicates` of this table to drop (leave them out), mend them, or name another key"
        if unique.repeats:
            part = _part(unique.repeats, facts.read)
            faults.append(f"{part} repeat the primary key ({listed}) of another row; {way_out}")
        if unique.nulls:
            faults.append(f"{_part(unique.nulls, facts.read)} have a null in the primary key ({listed}); {way_out}")
    return faults


def _pointed_faults(metadata: Metadata, facts: TableFacts, unique: UniqueFacts) -> list[str]:
    if not unique.repeats:
        return []
    name = facts.table
    keys = [(t.name, fk) for t in metadata.tables.values() for fk in t.foreign_keys]
    pointing = [f"{table}{fk}" for table, fk in keys if (fk.parent_table, set(fk.parent_columns)) == (name, set(unique.columns))]
    return [
        f"foreign keys point at ({', '.join(unique.columns)}), which is not unique: {_part(unique.repeats, facts.read)} repeat a key; "
        f"point {' and '.join(pointing)} at a unique key of {name!r}, or remove the repeats"
    ]


def _orphan_faults(metadata: Metadata, survey: Survey, facts: TableFacts, deferred: Collection[KeyRef]) -> list[str]:
    faults = []
    for index, (key, seen) in enumerate(zip(metadata.tables[facts.table].foreign_keys, facts.keys, strict=True)):
        if seen is None or not seen.orphans:
            continue
        if key.orphans == "error":
            way_out = "mend them, or set `orphans` of this key to null (empty the key) or drop (leave the rows out)"
        elif not can_be_emptied(metadata, metadata.tables[facts.table], index, facts.columns):
            way_out = f"the policy null of the metadata {NOTHING_TO_EMPTY}: mend them, or set `orphans` of this key to drop"
        elif key.orphans == "drop" and KeyRef(table=facts.table, index=index) in deferred:
            way_out = f"the policy drop of the metadata {NOT_IN_CIRCLES}: mend them, or set `orphans` of this key to null"
        else:
            continue
        faults.append(_orphan_fault(key, seen.orphans, facts, survey, way_out))
    return faults


def _orphan_fault(key: ForeignKey, orphans: int, facts: TableFacts, survey: Survey, way_out: str) -> str:
    parent = survey.tables[key.parent_table]
    after = f" once the policy drop has left rows out of {key.parent_table!r}" if parent.rows < parent.read else ""
    return f"{_part(orphans, facts.rows)} are orphans: no row of {key.parent_table!r} has their key {key}{after}; {way_out}"


def _part(count: int, rows: int) -> str:
    share = f"{count / rows:.1%}" if count * 1000 >= rows else "under 0.1%"
    return f"{count} of {rows} rows ({share})"
