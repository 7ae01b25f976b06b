"""Which keys `fit` can carry out, and the policies that it needs for their orphans: what detection proposes must not be refused."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ...errors import SchemaError
from ..graph import SchemaGraph
from ..metadata import ForeignKey, Metadata, OrphanPolicy, Table
from ..structure import columns_to_null
from .facts import Seen
from .findings import Finding
from .foreign import ForeignProposal
from .primary import KeyProposal

_NO_ROW_FIRST = "with surer keys it closes a circle of primary keys, of which no row could come first"
_NO_WAY_OUT = "in a circle of keys no row can be left out, and this one has no column to empty: mend its orphans to take it"


@dataclass(frozen=True)
class CountedKey:
    """A foreign key with what counting all rows gave."""

    proposal: ForeignProposal
    matched: int = 0
    orphans: int = 0


def foreign_finding(one: ForeignProposal, policy: OrphanPolicy = "error", *, taken: bool = True, why: str = "") -> Finding:
    """A foreign key as a finding.

    Args:
        why: more of the reason.
    """
    return Finding(
        table=one.table,
        what="foreign key",
        columns=one.columns,
        parent_table=one.parent_table,
        parent_columns=one.parent_columns,
        orphans=policy,
        confidence=min(1.0, one.confidence),
        reason=f"{one.reason}; {why}" if why else one.reason,
        taken=taken,
    )


def taken_keys(seen: Seen, primary: Mapping[str, KeyProposal], foreign: Sequence[CountedKey]) -> tuple[list[CountedKey], list[Finding]]:
    """The keys that can be carried out, and what is told of the others: the least sure ones of circles, and orphans that no policy mends."""
    kept = _without_circles(seen, primary, foreign)
    left = [foreign_finding(one.proposal, taken=False, why=_NO_ROW_FIRST) for one in foreign if one not in kept]
    # A key that goes can open its circle, or leave another one a column to empty: one at a time.
    while (stuck := _stuck(seen, _with_keys(seen, primary, kept), kept)) is not None:
        kept = [one for one in kept if one is not stuck]
        left.append(foreign_finding(stuck.proposal, taken=False, why=_NO_WAY_OUT))
    return kept, left


def _without_circles(seen: Seen, primary: Mapping[str, KeyProposal], foreign: Sequence[CountedKey]) -> list[CountedKey]:
    """The keys without those that close a circle through primary keys only: the least sure ones."""
    if _has_order(_with_keys(seen, primary, foreign)):
        return list(foreign)
    kept: list[CountedKey] = []
    for one in sorted(foreign, key=lambda k: -k.proposal.confidence):
        if _has_order(_with_keys(seen, primary, [*kept, one])):
            kept.append(one)
    return [one for one in foreign if one in kept]


def _has_order(metadata: Metadata) -> bool:
    try:
        SchemaGraph.from_metadata(metadata)
    except SchemaError:
        return False
    return True


def _stuck(seen: Seen, metadata: Metadata, foreign: Sequence[CountedKey]) -> CountedKey | None:
    """The least sure key of a circle that has orphans and no column to empty."""
    found = []
    for ref in SchemaGraph.from_metadata(metadata).deferred:
        one = _of_table(foreign, ref.table)[ref.index]
        if one.orphans and not _can_be_null(seen, metadata, metadata.tables[ref.table], ref.index):
            found.append(one)
    return min(found, key=lambda one: one.proposal.confidence, default=None)


def _of_table(foreign: Sequence[CountedKey], name: str) -> list[CountedKey]:
    """The keys of a table, as its metadata numbers them."""
    return [one for one in foreign if one.proposal.table == name]


def _can_be_null(seen: Seen, metadata: Metadata, table: Table, index: int) -> bool:
    return bool(columns_to_null(metadata, table, index, {c.name for c in seen[table.name].columns if c.nullable}))


def _with_keys(seen: Seen, primary: Mapping[str, KeyProposal], foreign: Sequence[CountedKey]) -> Metadata:
    metadata = Metadata()
    for name in seen:
        proposals = [one.proposal for one in _of_table(foreign, name)]
        keys = [ForeignKey(columns=p.columns, parent_table=p.parent_table, parent_columns=p.parent_columns) for p in proposals]
        metadata.add_table(name, pk=primary[name].columns if name in primary else None, foreign_keys=keys)
    return metadata


def with_policies(seen: Seen, primary: Mapping[str, KeyProposal], foreign: Sequence[CountedKey]) -> tuple[Metadata, list[Finding]]:
    """The metadata of the keys, with a policy for each that has orphans, or gets some where rows of its parent are left out; and the keys as findings."""
    metadata = _with_keys(seen, primary, foreign)
    graph = SchemaGraph.from_metadata(metadata)
    short: set[str] = set()  # tables of which the policy drop leaves out rows
    for name in graph.order:
        table = metadata.tables[name]
        for index, one in enumerate(_of_table(foreign, name)):
            if not graph.is_deferred(name, index) and _gets_orphans(one, primary, short) and not _can_be_null(seen, metadata, table, index):
                short.add(name)
    tables, found = {}, []
    for name, table in metadata.tables.items():
        keys = []
        for index, one in enumerate(_of_table(foreign, name)):
            policy: OrphanPolicy = "error"
            if _gets_orphans(one, primary, short):
                policy = "null" if _can_be_null(seen, metadata, table, index) else "error" if graph.is_deferred(name, index) else "drop"
            keys.append(table.foreign_keys[index].model_copy(update={"orphans": policy}))
            left_out = "" if one.orphans or policy == "error" else f"rows of {one.proposal.parent_table} are left out"
            found.append(foreign_finding(one.proposal, policy, why=left_out))
        tables[name] = table.model_copy(update={"foreign_keys": tuple(keys)})
    return metadata.model_copy(update={"tables": tables}), found


def _gets_orphans(one: CountedKey, primary: Mapping[str, KeyProposal], short: Collection[str]) -> bool:
    """Whether rows have no parent, or can lose it: to the policy drop, or, where the key is not the primary one, to that for rows that repeat it."""
    above = one.proposal.parent_table
    if one.orphans or above in short:
        return True
    key = primary.get(above)
    return key is not None and key.faulty > 0 and set(key.columns) != set(one.proposal.parent_columns)
