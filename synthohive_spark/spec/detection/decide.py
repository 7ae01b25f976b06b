"""From facts to a proposal for the metadata. Pure: what must be looked up in the data on the way is asked of `Eyes`, in a few rounds for all tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from ..metadata import Metadata
from ..planning.faults import leaves_out
from ..types import key_types_match
from .assemble import assembled, not_taken
from .facts import Column, DeclaredKey, Seen
from .findings import Finding
from .foreign import ForeignProposal, Pair, chosen, composite_candidates, confirmed, judged, pairs_to_look_at
from .inclusion import PROBED, of_probe, of_samples
from .names import Names
from .policies import CountedKey, foreign_finding
from .primary import LEAST, KeyProposal, combinations_to_count, composite_keys, junction_key, parts_of_keys, single_keys

COUNTED = 3  # proposals for a primary key that are counted exactly, per table
Probe = Callable[[Mapping[Column, Sequence[int]]], Mapping[Column, set[int]]]


class Eyes(Protocol):
    """Looks at the data."""

    def combinations(self, asked: Mapping[str, Sequence[tuple[str, ...]]]) -> Mapping[str, Mapping[tuple[str, ...], float]]:
        """Different combinations per row of sets of columns, about, by table."""

    def probe(self, asked: Mapping[Column, Sequence[int]]) -> Mapping[Column, set[int]]:
        """Of the hashes asked for, those of values that the columns have."""

    def repeats(self, keys: Sequence[tuple[str, tuple[str, ...]]]) -> Sequence[int]:
        """Of each key (table, columns) the rows that repeat another's or have a null in it, of all rows."""

    def links(self, keys: Sequence[ForeignProposal]) -> Sequence[tuple[int, int, int]]:
        """Of each key the rows with a parent, those whose key is whole and has none, and the parents that repeat the key of another; of all rows."""


def compared(seen: Seen, pairs: Sequence[Pair], probe: Probe) -> list[Pair]:
    """The pairs with what their samples have in common; where that is too few values, those of the child are looked for in the whole parent."""
    known = [replace(pair, inclusion=of_samples(seen[pair.child[0]][pair.child[1]], seen[pair.parent[0]][pair.parent[1]])) for pair in pairs]
    left = [place for place, pair in enumerate(known) if pair.inclusion is not None and not pair.inclusion.final]
    wanted: dict[Column, set[int]] = {}
    for place in left:
        table, column = known[place].child
        wanted.setdefault(known[place].parent, set()).update(seen[table][column].in_order[:PROBED])
    present = probe({parent: sorted(wanted[parent]) for parent in sorted(wanted)})
    for place in left:
        table, column = known[place].child
        known[place] = replace(known[place], inclusion=of_probe(seen[table][column], present[known[place].parent]))
    return known


@dataclass(frozen=True)
class Decision:
    """What the tables are, decided from facts; it asks `eyes` for those that depend on what was decided before.

    Attributes:
        seen: what is seen of each table.
        names: their names in parts.
        references: whether lookup tables get the role that copies them.
        eyes: that look at the data.
    """

    seen: Seen
    names: Names
    references: bool
    eyes: Eyes

    def made(self) -> tuple[Metadata, list[Finding]]:
        """Metadata, and all findings."""
        primary = self._primary_keys()
        columns = {name: one.columns for name, one in primary.items()}
        pairs = compared(self.seen, pairs_to_look_at(self.seen, self.names, columns), self.eyes.probe)
        proposals = [one for pair in pairs if (one := judged(pair, self.seen, self.names)) is not None]
        foreign = chosen(proposals, self.seen, columns, self.names)
        primary, foreign = self._junctions(primary, foreign)
        columns = {name: one.columns for name, one in primary.items()}
        foreign = self._with_declared([*foreign, *composite_candidates(self.seen, self.names, columns)], columns)
        counted, doubtful = self._counted([one for one in foreign if one.confidence >= LEAST], columns)
        return assembled(self.seen, primary, counted, [*doubtful, *not_taken(foreign)], references=self.references)

    def _primary_keys(self) -> dict[str, KeyProposal]:
        """Of each table the first proposal that holds on all rows, but for a few."""
        proposals = {name: single_keys(table, self.names, self.seen) for name, table in self.seen.items()}
        for name, more in self._composites(proposals).items():
            proposals[name] = [one for one in proposals[name] if one.confidence >= LEAST] + more
        for name, table in self.seen.items():
            told = [_declared_primary(key) for key in table.declared if key.parent_table is None]
            proposals[name] = told + [one for one in proposals[name] if one.confidence >= LEAST and one.columns not in {t.columns for t in told}][:COUNTED]
        asked = [(name, one) for name, some in proposals.items() for one in some]
        counted = self.eyes.repeats([(name, one.columns) for name, one in asked])
        found: dict[str, KeyProposal] = {}
        for (name, one), wrong in zip(asked, counted, strict=True):
            held = _held(one, self.seen[name].rows, wrong)
            if held is not None:
                found.setdefault(name, held)
        return {name: found[name] for name in self.seen if name in found}

    def _composites(self, singles: Mapping[str, Sequence[KeyProposal]]) -> dict[str, list[KeyProposal]]:
        """Composite keys of tables without one of a single column."""
        keys = {name: some[0].columns[0] for name, some in singles.items() if some and some[0].confidence >= LEAST}
        parts, asked = {}, {}
        for name, table in self.seen.items():
            if name not in keys and table.rows:
                parts[name] = parts_of_keys(table, self._pointing(name, keys), self.names)
                asked[name] = combinations_to_count(table, parts[name])
        counted = self.eyes.combinations(asked)
        return {name: composite_keys(self.seen[name], some, parts[name]) for name, some in counted.items()}

    def _pointing(self, name: str, keys: Mapping[str, str]) -> dict[str, float]:
        """By name alone, how likely each column of a table is a key to another one."""
        return {
            c.name: max(
                (
                    self.names.affinity((name, c.name), (parent, key))[0]
                    for parent, key in keys.items()
                    if parent != name and key_types_match(c.spark_type, self.seen[parent][key].spark_type)
                ),
                default=0.0,
            )
            for c in self.seen[name].columns
        }

    def _junctions(self, primary: Mapping[str, KeyProposal], foreign: Sequence[ForeignProposal]) -> tuple[dict[str, KeyProposal], list[ForeignProposal]]:
        """Keys of tables that join two others; what pointed at a column of theirs that is unique by chance goes."""
        joining = {}
        for name, one in primary.items():
            pointing = {f.columns: (f.parent_table, f.confidence) for f in foreign if f.table == name and f.confidence >= LEAST}
            if not one.declared and (both := junction_key(self.seen[name], one.columns, pointing, self.names)) is not None:
                joining[name] = both
        asked = [(name, one.columns) for name, one in joining.items()]
        counted = zip(joining.items(), self.eyes.repeats(asked) if asked else (), strict=True)
        changed = {name: held for (name, one), wrong in counted if (held := _held(one, self.seen[name].rows, wrong)) is not None}
        kept = [f for f in foreign if f.parent_table not in changed]
        return {**primary, **changed}, kept

    def _with_declared(self, foreign: Sequence[ForeignProposal], keys: Mapping[str, tuple[str, ...]]) -> list[ForeignProposal]:
        """What tables declare comes first and stands for what was found about the same columns."""
        told = []
        for name, table in self.seen.items():
            for key in table.declared:
                above = key.parent_columns or keys.get(str(key.parent_table), ())
                if key.parent_table is not None and len(above) == len(key.columns):
                    sure = 1.0 if key.binding else 0.9
                    told.append(ForeignProposal(name, key.columns, key.parent_table, above, sure, f"declared by {key.by}", 1.0))
        known = {(one.table, frozenset(one.columns)) for one in told}
        return told + [one for one in foreign if (one.table, frozenset(one.columns)) not in known]

    def _counted(self, foreign: Sequence[ForeignProposal], keys: Mapping[str, tuple[str, ...]]) -> tuple[list[CountedKey], list[Finding]]:
        """The keys that hold on most rows, with their orphans; and those that do not, or whose parents are not unique."""
        order = {name: place for place, name in enumerate(self.seen)}
        asked = sorted((one for one in foreign if self._comparable(one)), key=lambda one: order[one.table])
        counted = self.eyes.links(asked)
        kept, doubtful = [], []
        for one, (matched, orphans, repeats) in zip(asked, counted, strict=True):
            sure = confirmed(one, matched, orphans)
            if sure is None:
                continue
            # Rows that repeat a primary key are left out; those that repeat another key stay, and `fit` refuses keys to them.
            unclear = repeats > 0 and set(keys.get(one.parent_table, ())) != set(one.parent_columns)
            if sure.confidence >= LEAST and not unclear:
                kept.append(CountedKey(sure, matched, orphans))
            else:
                above = self.seen[one.parent_table]
                why = f"{repeats:,} of {above.rows:,} rows of {above.name} repeat what it points at: mend them to take it" if unclear else ""
                doubtful.append(foreign_finding(sure, taken=False, why=why))
        return kept, doubtful

    def _comparable(self, one: ForeignProposal) -> bool:
        own, above = self.seen[one.table], self.seen[one.parent_table]
        there = set(one.columns) <= set(own.names) and set(one.parent_columns) <= set(above.names)
        return there and all(key_types_match(own[c].spark_type, above[p].spark_type) for c, p in zip(one.columns, one.parent_columns, strict=True))


def _declared_primary(key: DeclaredKey) -> KeyProposal:
    return KeyProposal(key.columns, 1.0 if key.binding else 0.9, f"declared by {key.by}", declared=True)


def _held(one: KeyProposal, rows: int, wrong: int) -> KeyProposal | None:
    """A key with what counting all rows says; None where it does not hold: `fit` would not leave out so many rows, or several columns are not quite unique."""
    if not wrong:
        return one
    if not leaves_out(None, wrong, rows) or (len(one.columns) > 1 and not one.declared):
        return None
    told = f"{one.reason}; {wrong:,} of {rows:,} rows repeat it or have none, which `fit` leaves out"
    return replace(one, confidence=round(one.confidence * 0.9, 3), reason=told, faulty=wrong)
