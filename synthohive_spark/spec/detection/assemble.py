"""Metadata and findings from the keys that were found and counted: roles, personal columns, columns that order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..column_names import listed, words
from ..metadata import Metadata
from ..planning.lookups import lookup_tables
from ..survey import KeyFacts, LabelFacts, Survey, TableFacts
from .facts import Seen, TableSeen, is_time
from .findings import Finding
from .foreign import ForeignProposal
from .personal import personal_columns
from .policies import CountedKey, foreign_finding, taken_keys, with_policies
from .primary import LEAST, KeyProposal

_BOOKKEEPING = listed("update updated modified modify changed loaded load etl ingested ingest created deleted birth inserted sync synced expiry expires")
_COMPLETE = 0.95  # share of rows that a column must be there in to order them
_LOOKUP, _ORDER = 0.75, 0.7


def assembled(
    seen: Seen, primary: Mapping[str, KeyProposal], foreign: Sequence[CountedKey], doubtful: Sequence[Finding], *, references: bool = True
) -> tuple[Metadata, list[Finding]]:
    """The metadata, and all findings in the order of the tables.

    Args:
        primary: the primary key of each table that has one.
        foreign: keys that hold; those that `fit` cannot carry out are told and not taken.
        doubtful: what is told and not taken.
        references: lookup tables get the role that copies them; else they are only told.
    """
    foreign, refused = taken_keys(seen, primary, foreign)
    metadata, keys = with_policies(seen, primary, foreign)
    personal = [one for name, table in seen.items() for one in personal_columns(table, _key_columns(metadata, name))]
    order = [one for name, table in seen.items() if (one := _order(table, metadata)) is not None]
    left = [_not_learnt(table) for table in seen.values() if table.unlearnt]
    metadata = _described(metadata, personal, order, left)
    lookups = [one.model_copy(update={"taken": references}) for one in _lookups(seen, metadata, foreign)]
    metadata = _with_roles(metadata, [one.table for one in lookups if one.taken])
    order = [one for one in order if metadata.tables[one.table].role == "learnt"]
    primaries = [_primary(name, one) for name, one in primary.items()]
    place = {name: i for i, name in enumerate(seen)}
    found = [*primaries, *keys, *lookups, *personal, *order, *left, *refused, *doubtful]
    return metadata, sorted(found, key=lambda one: (place[one.table], not one.taken))


def _primary(table: str, one: KeyProposal) -> Finding:
    return Finding(table=table, what="primary key", columns=one.columns, confidence=round(one.confidence, 3), reason=one.reason)


def _key_columns(metadata: Metadata, name: str) -> frozenset[str]:
    pointed = {c for t in metadata.tables.values() for key in t.foreign_keys if key.parent_table == name for c in key.parent_columns}
    return metadata.tables[name].key_columns | pointed


def _order(table: TableSeen, metadata: Metadata) -> Finding | None:
    """The time that orders the rows of a parent: the first one of the table that tells of an event, and not of the row in the database."""
    described = metadata.tables[table.name]
    if not described.foreign_keys:
        return None
    able = [
        c
        for c in table.columns
        if is_time(c)
        and c.distinct > 1
        and c.values >= _COMPLETE * table.rows
        and not _BOOKKEEPING & set(words(c.name))
        and c.name not in described.key_columns
    ]
    if not able:
        return None
    first = next((c for c in able if not c.whole), able[0])
    others = len(able) - 1
    sure = _ORDER / (1 + 0.1 * others)
    reason = "it is the only time of the table" if not others else f"it is the first of {len(able)} times of the table"
    return Finding(table=table.name, what="order", columns=(first.name,), confidence=round(sure, 3), reason=reason)


def _not_learnt(table: TableSeen) -> Finding:
    reason = "columns of such types are not learnt; they stay, without values"
    return Finding(table=table.name, what="not learnt", columns=table.unlearnt, confidence=1.0, reason=reason)


def _described(metadata: Metadata, personal: Sequence[Finding], order: Sequence[Finding], left: Sequence[Finding]) -> Metadata:
    tables = {}
    for name, table in metadata.tables.items():
        pii = {one.columns[0]: one.provider for one in personal if one.table == name and one.taken}
        by = next((one.columns[0] for one in order if one.table == name), None)
        unsupported = "null" if any(one.table == name for one in left) else "error"
        tables[name] = table.model_copy(update={"pii_cols": pii, "order_by": by, "unsupported": unsupported})
    return metadata.model_copy(update={"tables": tables})


def _lookups(seen: Seen, metadata: Metadata, foreign: Sequence[CountedKey]) -> list[Finding]:
    """Lookup tables, by the rule that `fit` hints by."""
    facts = {name: _facts(table, [k for k in foreign if k.proposal.table == name]) for name, table in seen.items()}
    found = lookup_tables(metadata, Survey(tables=facts))
    return [
        Finding(
            table=one.table,
            what="reference",
            confidence=_LOOKUP,
            reason=f"a list of {one.rows:,} rows, which {one.pointing:,} rows point at; copied as it is: look whether it says anything personal or secret",
        )
        for one in found
    ]


def _facts(table: TableSeen, keys: Sequence[CountedKey]) -> TableFacts:
    return TableFacts(
        table=table.name,
        columns=tuple((c.name, c.spark_type, c.nullable) for c in table.columns),
        rows=table.rows,
        read=table.rows,
        keys=tuple(KeyFacts(matched=k.matched, orphans=k.orphans) for k in keys),
        labels=tuple(LabelFacts(column=c.name, rows=c.values, values=c.distinct) for c in table.columns if c.family == "text" and c.values),
    )


def _with_roles(metadata: Metadata, references: Sequence[str]) -> Metadata:
    changed = {name: metadata.tables[name].model_copy(update={"role": "reference", "order_by": None}) for name in references}
    return metadata.model_copy(update={"tables": metadata.tables | changed})


def not_taken(proposals: Sequence[ForeignProposal]) -> list[Finding]:
    """Keys that are told and not taken."""
    return [foreign_finding(one, taken=False) for one in proposals if one.confidence < LEAST]
