"""One table as the planner sees it: what was asked, what was seen, and what follows for its keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from ..graph import SchemaGraph
from ..metadata import ForeignKey, Metadata, Table
from ..program import Linkage
from ..steps import KeyPattern
from ..survey import KeyFacts, Survey, TableFacts
from ..types import base_type, type_family
from .linkages import learnt_linkage


@dataclass(frozen=True)
class TableView:
    """A learnt table.

    Attributes:
        table: as asked.
        facts: as seen.
        metadata: of the whole schema.
        survey: of the whole schema.
        graph: of the whole schema.
        every_opaque: by table, generated key columns, and those that refer to them.
    """

    table: Table
    facts: TableFacts
    metadata: Metadata
    survey: Survey
    graph: SchemaGraph
    every_opaque: Mapping[str, frozenset[str]]

    @property
    def opaque(self) -> frozenset[str]:
        """Those of this table."""
        return self.every_opaque[self.table.name]

    @cached_property
    def learnt(self) -> tuple[int, ...]:
        """Keys to learnt tables."""
        return tuple(i for i, fk in enumerate(self.table.foreign_keys) if self.metadata.tables[fk.parent_table].role == "learnt")

    @cached_property
    def references(self) -> tuple[int, ...]:
        """Keys to reference tables."""
        return tuple(i for i in range(len(self.table.foreign_keys)) if i not in self.learnt)

    @cached_property
    def reference_columns(self) -> frozenset[str]:
        return frozenset(c for i in self.references for c in self.key(i).columns)

    @cached_property
    def unique_keys(self) -> tuple[tuple[str, ...], ...]:
        """The primary key first, then what foreign keys point at beside it."""
        return unique_keys(self.metadata, self.table.name)

    @cached_property
    def generated(self) -> dict[str, KeyPattern]:
        """Key columns that are functions of the row number."""
        return {c: pattern for c, pattern in generated_columns(self.metadata, self.facts).items()}

    @cached_property
    def linkages(self) -> dict[int, Linkage]:
        """Children per parent of the keys to learnt tables."""
        return {i: learnt_linkage(self.table, self.facts, i) for i in self.learnt}

    def key(self, index: int) -> ForeignKey:
        return self.table.foreign_keys[index]

    def columns(self, index: int) -> frozenset[str]:
        """The columns of a key."""
        return frozenset(self.key(index).columns)

    def seen(self, index: int) -> KeyFacts:
        return self.facts.keys[index] or KeyFacts()

    def stray(self, index: int) -> frozenset[str]:
        """Columns of a key that have values in rows without its parent: what other keys use stays there when orphans are emptied."""
        left = self.seen(index).stray
        if self.seen(index).orphans:
            left = (*left, *(c for c in self.key(index).columns if c in self.shared or c not in self.facts.nullable))
        return frozenset(left)

    @cached_property
    def shared(self) -> frozenset[str]:
        """Columns that the policy `null` leaves alone: parts of several keys, of the primary key, or pointed at."""
        pointed = {c for key in self.unique_keys for c in key}
        several = [c for fk in self.table.foreign_keys for c in fk.columns]
        return frozenset(pointed | {c for c in several if several.count(c) > 1})

    def above(self, index: int) -> TableFacts:
        """The parent that a key leads to, as seen."""
        return self.survey.tables[self.key(index).parent_table]

    def null_rate(self, index: int) -> float:
        return self.linkages[index].null_rate

    def parent_rows(self, index: int) -> int:
        parent = self.survey.tables.get(self.key(index).parent_table)
        return parent.rows if parent else 0

    def is_deferred(self, index: int) -> bool:
        return self.graph.is_deferred(self.table.name, index)


def unique_keys(metadata: Metadata, name: str) -> tuple[tuple[str, ...], ...]:
    """The primary key of a table, and what foreign keys point at beside it."""
    primary = metadata.tables[name].primary_key
    keys = [primary] if primary else []
    for table in metadata.tables.values():
        for fk in table.foreign_keys:
            if fk.parent_table == name and all(set(fk.parent_columns) != set(key) for key in keys):
                keys.append(fk.parent_columns)
    return tuple(keys)


def can_be_generated(spark_type: str) -> bool:
    """Whether a key of this type can count rows."""
    family = type_family(spark_type)
    return family in ("integer", "text") or (family == "decimal" and (spark_type.partition(",")[2].strip(" )") or "0") == "0")


def generated_candidates(metadata: Metadata, name: str, types: Mapping[str, str]) -> tuple[str, ...]:
    """Unique single columns that are no foreign key and can be functions of the row number."""
    foreign = {c for fk in metadata.tables[name].foreign_keys for c in fk.columns}
    single = [key[0] for key in unique_keys(metadata, name) if len(key) == 1]
    return tuple(c for c in dict.fromkeys(single) if c not in foreign and can_be_generated(types.get(c, "")))


def generated_columns(metadata: Metadata, facts: TableFacts) -> dict[str, KeyPattern]:
    """`generated_candidates`, each with the form that was seen."""
    seen = {unique.columns: unique.pattern for unique in facts.uniques}
    names = generated_candidates(metadata, facts.table, facts.types)
    default = {c: KeyPattern(form="text", width=1) if base_type(facts.types[c]) in ("string", "varchar", "char") else KeyPattern() for c in names}
    return {c: seen.get((c,)) or default[c] for c in names}


def opaque_columns(metadata: Metadata, survey: Survey) -> dict[str, frozenset[str]]:
    """By learnt table, its generated keys, and its columns that refer to such keys of others, over any number of tables."""
    learnt = {name: facts for name, facts in survey.tables.items() if metadata.tables[name].role == "learnt"}
    opaque = {name: set(generated_columns(metadata, facts)) for name, facts in learnt.items()}
    keys = [(name, fk) for name in learnt for fk in metadata.tables[name].foreign_keys if fk.parent_table in learnt]
    growing = True
    while growing:
        growing = False
        for name, fk in keys:
            found = {c for c, p in zip(fk.columns, fk.parent_columns, strict=True) if p in opaque[fk.parent_table]}
            growing |= not found <= opaque[name]
            opaque[name] |= found
    return {name: frozenset(columns) for name, columns in opaque.items()}
