"""Generated schemas: metadata, rows with exact types, and what a survey of them sees; all functions of one seed.

`schema_shapes.py` makes up the shape, `schema_rows.py` the rows. A schema is valid but for the orphans that its policies speak of.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
from schema_rows import Row, Rows
from schema_shapes import Shapes, TableShape

from synthohive_spark.spec.graph import SchemaGraph
from synthohive_spark.spec.metadata import ForeignKey, Metadata, Table
from synthohive_spark.spec.steps import KeyPattern
from synthohive_spark.spec.survey import CopyFacts, EntityFacts, KeyFacts, LabelFacts, OrderFacts, SequenceFacts, Survey, TableFacts, TraitFacts, UniqueFacts
from synthohive_spark.spec.types import key_types_match

Columns = tuple[tuple[str, str, bool], ...]


@dataclass(frozen=True)
class GeneratedSchema:
    """One schema.

    Attributes:
        metadata: what a user would say.
        columns: by table, (name, Spark type, nullable).
        rows: by table.
    """

    metadata: Metadata
    columns: Mapping[str, Columns]
    rows: Mapping[str, list[Row]]

    def frame(self, table: str) -> pd.DataFrame:
        """The rows of one table, values as Python has them."""
        names = [name for name, _, _ in self.columns[table]]
        return pd.DataFrame({n: pd.Series([row[n] for row in self.rows[table]], dtype=object) for n in names})

    def ddl(self, table: str) -> str:
        """The schema of one table for Spark."""
        return ", ".join(f"`{name}` {spark_type}{'' if nullable else ' NOT NULL'}" for name, spark_type, nullable in self.columns[table])

    def records(self, table: str) -> list[tuple[Any, ...]]:
        """The rows of one table in the order of its columns."""
        return [tuple(row[name] for name, _, _ in self.columns[table]) for row in self.rows[table]]

    def with_metadata(self, metadata: Metadata) -> GeneratedSchema:
        """The same rows, with what else is said of them."""
        return replace(self, metadata=metadata)

    def survey(self) -> Survey:
        """What `survey_schema` should see, counted in another way."""
        return Survey(tables={name: _Facts(self, name).facts() for name in self.metadata.tables})


def generated_schema(seed: int, rows: int = 100) -> GeneratedSchema:
    """The schema of a seed. `rows` are those of a usual table; the shape does not depend on it."""
    shapes = list(Shapes(seed).tables.values())
    made = Rows(shapes, rows, seed)
    metadata = Metadata()
    for shape in shapes:
        _add(metadata, shape)
    columns = {s.name: tuple((c.name, c.type, c.nullable) for c in s.columns.values()) for s in shapes}
    return GeneratedSchema(metadata, columns, made.tables)


def _add(metadata: Metadata, shape: TableShape) -> None:
    declared = [k for k in shape.keys if k.declared]
    keys = [ForeignKey(columns=k.columns, parent_table=k.parent, parent_columns=k.parent_columns, orphans=k.orphans) for k in declared]  # type: ignore[arg-type]
    metadata.add_table(shape.name, pk=shape.pk, foreign_keys=keys, role=shape.role, **shape.options)  # type: ignore[arg-type]


def kept_rows(schema: GeneratedSchema) -> dict[str, list[Row]]:
    """The rows that the policy `drop` leaves."""
    graph = SchemaGraph.from_metadata(schema.metadata)
    kept: dict[str, list[Row]] = dict(schema.rows)
    for name in graph.order:
        for index, key in enumerate(schema.metadata.tables[name].foreign_keys):
            if key.orphans == "drop" and not graph.is_deferred(name, index):
                there = keys_of(kept[key.parent_table], key.parent_columns)
                kept[name] = [row for row in kept[name] if (value := key_of(row, key.columns)) is None or value in there]
    return kept


def key_of(row: Row, columns: tuple[str, ...]) -> tuple[Any, ...] | None:
    """The key of a row; None where a part is null."""
    value = tuple(row[c] for c in columns)
    return None if None in value else value


def keys_of(rows: list[Row], columns: tuple[str, ...]) -> Counter[tuple[Any, ...]]:
    """How many rows have each whole key."""
    return Counter(value for row in rows if (value := key_of(row, columns)) is not None)


YEARS = (1700, 2200)
LEAST = 50  # rows that tell of copies


class _Facts:
    """What is seen of one table."""

    def __init__(self, schema: GeneratedSchema, name: str) -> None:
        self.schema, self.table = schema, schema.metadata.tables[name]
        self.kept = kept_rows(schema)
        self.rows = self.kept[name]
        self.types = {name: spark_type for name, spark_type, _ in schema.columns[name]}

    def facts(self) -> TableFacts:
        name = self.table.name
        return TableFacts(
            table=name,
            columns=self.schema.columns[name],
            rows=len(self.rows),
            read=len(self.schema.rows[name]),
            uniques=tuple(self._unique(key) for key in uniques_of(self.schema.metadata, self.table)),
            keys=tuple(self._key(key) for key in self.table.foreign_keys),
            sequences=tuple(self._sequences()),
            orders=tuple(self._orders()),
            entities=self._entities(),
            labels=tuple(self._labels()),
        )

    def _labels(self) -> Iterator[LabelFacts]:
        tables = self.schema.metadata.tables.values()
        pointed = any(fk.parent_table == self.table.name for t in tables for fk in t.foreign_keys if t.name != self.table.name)
        for name, kind in self.types.items() if pointed and self.table.role == "learnt" else ():
            there = [row[name] for row in self.schema.rows[self.table.name] if row[name] is not None]
            if kind == "string" and there:
                yield LabelFacts(column=name, rows=len(there), values=len(set(there)))

    def _orders(self) -> Iterator[OrderFacts]:
        if self.table.role != "learnt" or not self.table.foreign_keys:
            return
        for name, kind in self.types.items():
            there = [row[name] for row in self.schema.rows[self.table.name] if row[name] is not None]
            if kind in ("tinyint", "smallint", "int", "bigint"):
                there = [value for value in there if YEARS[0] <= value <= YEARS[1]]
            elif kind not in ("date", "timestamp", "timestamp_ntz"):
                continue
            if there:
                yield OrderFacts(column=name, rows=len(there), values=len(set(there)), years=kind not in ("date", "timestamp", "timestamp_ntz"))

    def _unique(self, key: tuple[str, ...]) -> UniqueFacts:
        rows = self.schema.rows[self.table.name]
        found = keys_of(rows, key)
        return UniqueFacts(columns=key, nulls=len(rows) - found.total(), repeats=found.total() - len(found), pattern=self._pattern(key, found))

    def _pattern(self, key: tuple[str, ...], found: Counter[tuple[Any, ...]]) -> KeyPattern | None:
        foreign = {c for fk in self.table.foreign_keys for c in fk.columns}
        if len(key) > 1 or self.types[key[0]] != "string" or key[0] in foreign:
            return None
        texts = [text for (text,) in found]
        return KeyPattern(form="text", prefix=texts[0].partition("_")[0] + "_" if texts and "_" in texts[0] else "", width=5)

    def _key(self, key: ForeignKey) -> KeyFacts:
        below, above = keys_of(self.rows, key.columns), keys_of(self.kept[key.parent_table], key.parent_columns)
        children = Counter(below.get(value, 0) for value in above)
        hollow = len(self.kept[key.parent_table]) - above.total()
        children[0] += hollow
        return KeyFacts(
            matched=sum(n for value, n in below.items() if value in above),
            orphans=sum(n for value, n in below.items() if value not in above),
            nulls=len(self.rows) - below.total(),
            children=tuple(sorted((n, parents) for n, parents in children.items() if parents)),
            stray=tuple(self._stray(key)),
            copies=tuple(sorted(self._copies(key), key=lambda found: (found.columns, found.parent_columns))),
            traits=tuple(self._traits(key)),
        )

    def _traits(self, key: ForeignKey) -> Iterator[TraitFacts]:
        """Any columns of the parent that are no keys: the planner has to do with all of them."""
        metadata, parent = self.schema.metadata, self.schema.metadata.tables[key.parent_table]
        if {self.table.role, parent.role} != {"learnt"} or parent.name == self.table.name:
            return
        closed = {c for fk in parent.foreign_keys for c in fk.columns} | {c for unique in uniques_of(metadata, parent) for c in unique}
        kinds = {name: spark_type for name, spark_type, _ in self.schema.columns[parent.name] if name not in closed}
        luck = random.Random(f"traits {self.table.name} {key}")
        for place, name in enumerate(luck.sample(sorted(kinds), min(len(kinds), luck.randint(0, 2)))):
            edges = None if kinds[name] in ("string", "boolean") else (0.0, 3.0, 9.5)
            yield TraitFacts(column=name, gain=1.0 - place / 4, edges=edges)

    def _copies(self, key: ForeignKey) -> Iterator[CopyFacts]:
        metadata = self.schema.metadata
        parent = metadata.tables[key.parent_table]
        if len(self.rows) < LEAST or {self.table.role, parent.role} != {"learnt"}:
            return
        above = {key_of(row, key.parent_columns): row for row in self.kept[parent.name]}
        pairs = [(row, above[value]) for row in self.rows if (value := key_of(row, key.columns)) is not None and value in above]
        if len(pairs) < LEAST:
            return
        alike = self._alike(parent) if parent.name != self.table.name else ()
        for own, theirs, is_key in (*((*way, True) for way in self._ways(key, parent)), *((*pair, False) for pair in alike)):
            mine = Counter(tuple(row[c] for c in own) for row, _ in pairs)
            other = Counter(tuple(row[c] for c in theirs) for _, row in pairs)
            share = sum(tuple(row[c] for c in own) == tuple(up[c] for c in theirs) for row, up in pairs) / len(pairs)
            chance = sum(n * other[value] for value, n in mine.items()) / len(pairs) ** 2
            if chance <= 0.98 and (share > chance or (is_key and share == 0 and chance * len(pairs) >= 10)):
                yield CopyFacts(columns=own, parent_columns=theirs, share=round(share, 6), chance=round(chance, 6))

    def _ways(self, key: ForeignKey, parent: Table) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
        for other in self.table.foreign_keys:
            for up in parent.foreign_keys:
                same = other.parent_table == up.parent_table and set(other.parent_columns) == set(up.parent_columns)
                if same and other is not key and not set(other.columns) & set(key.columns):
                    theirs = dict(zip(up.parent_columns, up.columns, strict=True))
                    yield other.columns, tuple(theirs[p] for p in other.parent_columns)
            to_parent = other.parent_table == parent.name and set(other.parent_columns) == set(key.parent_columns)
            if to_parent and other is not key and not set(other.columns) & set(key.columns):
                yield other.columns, other.parent_columns

    def _alike(self, parent: Table) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
        sides = []
        for table in (self.table, parent):
            closed = {c for fk in table.foreign_keys for c in fk.columns} | {c for unique in uniques_of(self.schema.metadata, table) for c in unique}
            sides.append({c: kind for c, kind, _ in self.schema.columns[table.name] if c not in closed and kind != "boolean"})
        for own, kind in sides[0].items():
            yield from (((own,), (theirs,)) for theirs, other in sides[1].items() if key_types_match(kind, other))

    def _stray(self, key: ForeignKey) -> Iterator[str]:
        for column in key.columns if len(key.columns) > 1 else ():
            if any(row[column] is not None and key_of(row, key.columns) is None for row in self.schema.rows[self.table.name]):
                yield column

    def _sequences(self) -> Iterator[SequenceFacts]:
        foreign = {c for fk in self.table.foreign_keys for c in fk.columns}
        for index, key in enumerate(self.table.foreign_keys):
            roles = {self.table.role, self.schema.metadata.tables[key.parent_table].role}
            if roles != {"learnt"} or not set(key.columns) & set(self.table.primary_key):
                continue
            for column in self.table.primary_key:
                if column not in foreign and self.types[column] in ("tinyint", "smallint", "int", "bigint"):
                    yield from self._sequence(index, key, column)

    def _sequence(self, index: int, key: ForeignKey, column: str) -> Iterator[SequenceFacts]:
        families: dict[tuple[Any, ...], list[int]] = {}
        for row in self.rows:
            families.setdefault(tuple(row[c] for c in key.columns), []).append(row[column])
        starts = Counter(min(numbers) for numbers in families.values())
        if not starts:
            return
        start = min(starts, key=lambda s: (-starts[s], s))
        dense = sum(1 for n in families.values() if min(n) == start and max(n) - min(n) + 1 == len(n))
        if dense >= 0.995 * len(families):
            yield SequenceFacts(key=index, column=column, start=start)

    def _entities(self) -> EntityFacts | None:
        """Only that there are some: which values they have is no matter of the plan."""
        key, metadata = self.table.primary_key, self.schema.metadata
        learnt = {c for fk in self.table.foreign_keys if metadata.tables[fk.parent_table].role == "learnt" for c in fk.columns}
        if len(key) < 2 or set(key) & learnt or self.table.role == "reference":
            return None
        numeric = [c for c in key if self.types[c] not in ("string", "boolean")]
        runs = max(numeric or key, key=lambda c: len({row[c] for row in self.rows}))
        return EntityFacts(columns=(*(c for c in key if c != runs), runs))


def uniques_of(metadata: Metadata, table: Table) -> list[tuple[str, ...]]:
    """The primary key, and what foreign keys point at beside it, in the order in which they are named."""
    pointed = [fk.parent_columns for other in metadata.tables.values() for fk in other.foreign_keys if fk.parent_table == table.name]
    found: dict[frozenset[str], tuple[str, ...]] = {}
    for key in (*([table.primary_key] if table.primary_key else []), *pointed):
        found.setdefault(frozenset(key), key)
    return list(found.values())
