"""Random shapes of schemas: which tables there are, and how their keys hang together; no row yet. Every shape is a function of the seed."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

NUMBERS = [("int", "number"), ("bigint", "number"), ("smallint", "number"), ("tinyint", "number"), ("decimal(10,0)", "number"), ("bigint", "huge")]
TEXTS = [("string", "prefixed"), ("string", "padded"), ("string", "uuid"), ("string", "word")]
TIMES = [("date", "date"), ("timestamp", "moment"), ("timestamp_ntz", "moment")]
PARTS = [
    *TIMES,
    ("string", "category"),
    ("string", "word"),
    ("int", "year"),
    ("boolean", "flag"),
    ("double", "real"),
    ("decimal(6,2)", "price"),
    ("smallint", "year"),
]
ATTRIBUTES = [
    *PARTS,
    ("float", "real"),
    ("decimal(12,3)", "price"),
    ("bigint", "huge"),
    ("tinyint", "small"),
    ("string", "sentence"),
    ("int", "nothing"),
    ("string", "nothing"),
    ("string", "constant"),
    ("int", "constant"),
]
MOVABLE = ("date", "moment", "year", "sequence", "gaps", "real", "price")


@dataclass
class ColumnShape:
    """A column: its type, how its values come about, and of key columns where they come from first."""

    name: str
    type: str
    kind: str
    nullable: bool = True
    nulls: float = 0.0
    origin: str = ""


@dataclass
class KeyShape:
    """A foreign key. `emptied` are null where the key is; `late` keys are filled once all tables are there; some are not `declared`."""

    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]
    nulls: float = 0.0
    emptied: tuple[str, ...] = ()
    late: bool = False
    orphans: str = "error"
    strays: float = 0.0
    declared: bool = True


@dataclass
class TableShape:
    """A table. `size` is a part of the usual number of rows; `full` junctions have nearly all combinations."""

    name: str
    columns: dict[str, ColumnShape] = field(default_factory=dict)
    pk: tuple[str, ...] = ()
    keys: list[KeyShape] = field(default_factory=list)
    uniques: list[tuple[str, ...]] = field(default_factory=list)
    role: str = "learnt"
    size: float = 1.0
    full: bool = False
    spread: str = "even"
    options: dict[str, Any] = field(default_factory=dict)

    def add(self, name: str, spark_type: str, kind: str, *, nullable: bool = True, origin: str = "") -> str:
        """A new column; its name, which gets a number where it is taken."""
        name = next(n for n in (name, *(f"{name}{i}" for i in range(2, 99))) if n not in self.columns)
        self.columns[name] = ColumnShape(name, spark_type, kind, nullable, 0.0, origin or f"{self.name}.{name}")
        return name


class Shapes:
    """Builds one schema table by table."""

    def __init__(self, seed: int) -> None:
        self.luck = random.Random(f"shapes {seed}")
        self.tables: dict[str, TableShape] = {}
        kinds = [self._entity, self._line, self._junction, self._one_to_one, self._natural, self._reference, self._mixed, self._grouped, self._keyless]
        weights = [4, 4, 3, 1, 2, 2, 3, 2, 1]
        for i in range(self.luck.randint(1, 8)):
            table = TableShape(f"t{i}")
            self.luck.choices(kinds, weights)[0](table)
            if table.role == "learnt":
                self._extra_keys(table)
                self._own_key(table)
                self._second_unique(table)
            self._sized(table)
            self.tables[table.name] = table
        self._forward_keys()
        for table in self.tables.values():
            self._policies(table)
            self._forget(table)
            self._attributes(table)
            self._options(table)

    # ---- kinds of tables

    def _entity(self, table: TableShape) -> None:
        spark_type, kind = self.luck.choice([*NUMBERS, *TEXTS])
        table.pk = (table.add("id", spark_type, kind, nullable=self._flip(0.5)),)

    def _natural(self, table: TableShape) -> None:
        names = [self._part(table, self.luck.choice(PARTS)) for _ in range(self.luck.choice([1, 1, 2, 2, 3, 4]))]
        if self._flip(0.3) and (reference := self._reference_key(table)):
            names += reference
        table.pk = tuple(dict.fromkeys(names))

    def _line(self, table: TableShape) -> None:
        if not (parent := self._parent()):
            return self._entity(table)
        columns = self._key(table, *parent)
        part = self.luck.choice(["sequence", "sequence", "gaps", "reference", None])
        if part == "reference" and (reference := self._reference_key(table)):
            own: tuple[str, ...] = reference
        elif part in ("sequence", "gaps"):
            own = (table.add("line", self.luck.choice(["int", "bigint", "smallint"]), part, nullable=self._flip(0.5)),)
        else:
            own = (self._part(table, self.luck.choice(PARTS)),)
        if self._flip(0.15):
            own = (*own, self._part(table, self.luck.choice(PARTS)))
        table.pk = tuple(dict.fromkeys((*columns, *own)))
        return None

    def _junction(self, table: TableShape) -> None:
        if not self._parent():
            return self._entity(table)
        columns: list[str] = []
        for _ in range(self.luck.choice([2, 2, 2, 3, 4])):
            if parent := self._parent():
                columns += self._key(table, *parent)
        if self._flip(0.25):
            columns.append(self._part(table, self.luck.choice(PARTS)))
        table.pk = tuple(dict.fromkeys(columns))
        table.full = self._flip(0.3)
        return None

    def _one_to_one(self, table: TableShape) -> None:
        if not (parent := self._parent()):
            return self._entity(table)
        table.pk = self._key(table, *parent)
        table.spread = "one"
        return None

    def _reference(self, table: TableShape) -> None:
        table.role = "reference"
        kinds = [("string", "category"), ("int", "number"), ("string", "prefixed"), ("date", "date"), ("string", "word")]
        names = [self._part(table, self.luck.choice(kinds)) for _ in range(self.luck.choice([1, 1, 1, 2, 3]))]
        if self._flip(0.2) and (above := self._reference_key(table)):
            names += above if self._flip(0.5) else ()
        table.pk = tuple(dict.fromkeys(names))

    def _mixed(self, table: TableShape) -> None:
        """Keys and natural parts, and any of them as the primary key."""
        columns: list[str] = []
        for _ in range(self.luck.randint(1, 3)):
            if parent := self._parent():
                columns += self._key(table, *parent)
        columns += [self._part(table, self.luck.choice([*PARTS, ("int", "sequence")])) for _ in range(self.luck.randint(0 if columns else 1, 2))]
        columns = list(dict.fromkeys(columns))
        self.luck.shuffle(columns)
        table.pk = tuple(columns[: self.luck.randint(1, len(columns))])

    def _grouped(self, table: TableShape) -> None:
        """A part of a composite key, and something of its own."""
        if not (parent := self._parent(several=True)):
            return self._line(table)
        columns = self._key(table, *parent)
        kept = self.luck.sample(columns, self.luck.randint(1, len(columns) - 1)) if len(columns) > 1 else columns
        own = self._part(table, self.luck.choice([*PARTS, ("int", "sequence"), ("int", "gaps")]))
        table.pk = (*kept, own)
        return None

    def _keyless(self, table: TableShape) -> None:
        if parent := self._parent():
            self._key(table, *parent, nulls=self.luck.choice([0.0, 0.2]))

    # ---- keys

    def _flip(self, chance: float) -> bool:
        return self.luck.random() < chance

    def _part(self, table: TableShape, form: tuple[str, str]) -> str:
        spark_type, kind = form
        return table.add(kind, spark_type, kind, nullable=self._flip(0.5))

    def _parent(self, several: bool = False, own: TableShape | None = None) -> tuple[TableShape, tuple[str, ...]] | None:
        """A learnt table, or seldom a reference table, and one of its unique keys."""
        tables = [own] if own else [t for t in self.tables.values() if t.role == "learnt" or self._flip(0.2)]
        found = [(t, key) for t in tables for key in (t.pk, *t.uniques) if key and (len(key) > 1 or not several)]
        return self.luck.choice(found) if found else None

    def _reference_key(self, table: TableShape) -> tuple[str, ...]:
        tables = [t for t in self.tables.values() if t.role == "reference"]
        return self._key(table, parent := self.luck.choice(tables), parent.pk) if tables else ()

    def _key(
        self, table: TableShape, parent: TableShape, unique: tuple[str, ...], *, nulls: float = 0.0, share: float = 0.5, late: bool = False
    ) -> tuple[str, ...]:
        """A foreign key to `unique`; its columns. Columns of one origin may be shared with other keys."""
        columns: list[str] = []
        fresh: list[str] = []
        for name in unique:
            above = parent.columns[name]
            alike = [c.name for c in table.columns.values() if c.origin == above.origin and c.name not in columns]
            if parent is table:  # a row must be able to be its own parent
                alike = [name] if len(unique) > 1 else []
            if alike and self._flip(share):
                columns.append(self.luck.choice(alike))
                continue
            fresh.append(table.add(f"{parent.name}_{name}", self._key_type(above), "key", nullable=self._flip(0.6), origin=above.origin))
            columns.append(fresh[-1])
        if parent is table and not fresh:  # a row's own key: at least one column must lead elsewhere
            fresh.append(table.add(f"{parent.name}_{unique[-1]}", parent.columns[unique[-1]].type, "key", origin=parent.columns[unique[-1]].origin))
            columns[-1] = fresh[-1]
        emptied: tuple[str, ...] = ()
        if nulls and fresh:
            emptied = tuple(fresh) if self._flip(0.6) else (self.luck.choice(fresh),)
            for name in emptied:
                table.columns[name].nullable = True
        table.keys.append(KeyShape(tuple(columns), parent.name, unique, nulls if emptied else 0.0, emptied, late))
        return tuple(columns)

    def _key_type(self, above: ColumnShape) -> str:
        wider = {"tinyint": "int", "smallint": "bigint", "int": "bigint"}
        return wider[above.type] if above.type in wider and self._flip(0.2) else above.type

    def _extra_keys(self, table: TableShape) -> None:
        for _ in range(self.luck.choice([0, 0, 0, 1, 1, 2])):
            if parent := self._parent():
                self._key(table, *parent, nulls=self.luck.choice([0.0, 0.0, 0.15, 0.6]))
        if self._flip(0.15) and table.keys:  # a second key to the same parent
            first = self.luck.choice(table.keys)
            self._key(table, self.tables[first.parent], first.parent_columns, nulls=self.luck.choice([0.0, 0.3]), share=0.2)

    def _own_key(self, table: TableShape) -> None:
        if self._flip(0.2) and (parent := self._parent(own=table)):
            self._key(table, *parent, nulls=self.luck.choice([0.0, 0.2]), share=0.6, late=True)

    def _second_unique(self, table: TableShape) -> None:
        if not self._flip(0.3):
            return
        form = self.luck.choice([("int", "number"), ("string", "prefixed"), ("string", "word"), ("date", "day"), ("bigint", "huge")])
        names = [table.add("code", form[0], form[1], nullable=self._flip(0.5))]
        table.columns[names[0]].nulls = 0.2 if table.columns[names[0]].nullable and self._flip(0.25) else 0.0
        if self._flip(0.4):
            names.append(self._part(table, self.luck.choice(PARTS)))
            inside = [c for key in table.keys for c in key.columns if not key.nulls and (not key.late or self._flip(0.1))]
            names += [self.luck.choice(inside)] if inside and self._flip(0.4) else []
        table.uniques.append(tuple(dict.fromkeys(names)))

    def _forward_keys(self) -> None:
        """Keys to tables that come later; most of them close a cycle."""
        learnt = [t for t in self.tables.values() if t.role == "learnt"]
        if len(learnt) < 2 or not self._flip(0.35):
            return
        for _ in range(self.luck.choice([1, 1, 2])):
            first, second = sorted(self.luck.sample(range(len(learnt)), 2))
            if second > first and (learnt[second].pk or learnt[second].uniques):
                keys = [key for key in (learnt[second].pk, *learnt[second].uniques) if key]
                self._key(learnt[first], learnt[second], self.luck.choice(keys), nulls=self.luck.choice([0.1, 0.4, 0.4, 0.0]), share=0.3, late=True)

    # ---- sizes, policies, attributes

    def _sized(self, table: TableShape) -> None:
        table.size = self.luck.choices([1.0, 0.4, 0.12, 0.0, -1.0], [12, 4, 3, 1, 2])[0]  # -1: one to three rows
        if table.spread == "even":
            table.spread = self.luck.choice(["even", "power", "zeros"])

    def _policies(self, table: TableShape) -> None:
        pointed = {c for t in self.tables.values() for key in t.keys if key.parent == table.name for c in key.parent_columns}
        for key in table.keys:
            own = [c for c in key.columns if not any(c in other.columns for other in table.keys if other is not key)]
            free = [c for c in own if table.columns[c].nullable and c not in table.pk and c not in pointed]
            if free and self._flip(0.12):
                key.orphans, key.strays = "null", self.luck.choice([0.0, 0.1])
            elif not key.late and table.role == "learnt" and self._flip(0.1):
                key.orphans, key.strays = "drop", self.luck.choice([0.0, 0.1]) if own and not pointed else 0.0

    def _forget(self, table: TableShape) -> None:
        """Keys that the rows have and nobody declares."""
        for key in table.keys:
            key.declared = not self._flip(0.04) or bool(key.strays)

    def _attributes(self, table: TableShape) -> None:
        for _ in range(self.luck.choice([0, 1, 1, 2, 3])):
            spark_type, kind = self.luck.choice(ATTRIBUTES)
            name = table.add(f"a_{kind}", spark_type, kind)
            column = table.columns[name]
            column.nulls = self.luck.choice([0.0, 0.0, 0.1, 0.5])
            column.nullable = bool(column.nulls) or kind == "nothing" or self._flip(0.7)
        if not table.columns:
            table.add("a_year", "int", "year")

    def _options(self, table: TableShape) -> None:
        options = table.options
        own = {n: c for n, c in table.columns.items() if n.startswith("a_")}
        options["linkage_method"] = self.luck.choice(["conditional", "conditional", "empirical", "negbinom"])
        for name, column in own.items():
            if column.kind in ("year", "price") and self._flip(0.2):
                options["constraints"] = {name: {"min": -5, "max": 100_000}}
            if column.kind in ("word", "sentence") and self._flip(0.3):
                options["pii_cols"] = {name: self.luck.choice([None, "email"])}
            if column.kind == "category" and self._flip(0.2):
                options["high_cardinality_cols"] = [name]
        if self._flip(0.1) and (keys := [key for key in table.keys if key.declared]):
            above = [n for key in keys for n in self.tables[key.parent].columns]
            options["parent_context_cols"] = list(dict.fromkeys(self.luck.sample(above, min(2, len(above)))))
