"""Rows for random shapes, as lists of Python values: keys hold by construction, except for the orphans that a shape asks for."""

from __future__ import annotations

import itertools
import random
import uuid
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from schema_shapes import ColumnShape, KeyShape, TableShape

Row = dict[str, Any]
WORDS = ["amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heron", "inlet", "jetty", "kelp", "larch", "maple"]
WORDS += ["north", "ocean", "pearl", "quartz", "river", "slate", "tundra", "umber", "vale", "willow", "yarrow", "zinc"]
TRIES = 6  # drawings of a row whose keys repeat
MORE = 4  # times the usual number of rows: no table has more


class Rows:
    """Fills the tables of one schema in their order.

    Args:
        shapes: of the tables, parents first.
        rows: of a usual table.
        seed: of the values.
    """

    def __init__(self, shapes: Sequence[TableShape], rows: int, seed: int) -> None:
        self.rows, self.luck = rows, random.Random(f"rows {seed}")
        self.shapes = {shape.name: shape for shape in shapes}
        self.tables: dict[str, list[Row]] = {}
        self.known: dict[tuple[str, tuple[str, ...], tuple[str, ...]], dict[tuple[Any, ...], list[Row]]] = {}
        for shape in shapes:
            self.tables[shape.name] = self._filled(shape)
        for shape in shapes:
            for key in shape.keys:
                if key.late:
                    self._fill_late(shape, key)
        for shape in shapes:
            self._repeat(shape, random.Random(f"copies {seed} {shape.name}"))
        for shape in shapes:
            for key in shape.keys:
                self._stray(shape, key)

    def _filled(self, shape: TableShape) -> list[Row]:
        wanted = self.luck.randint(1, 3) if shape.size < 0 else round(self.rows * shape.size)
        early = [key for key in shape.keys if not key.late]
        if not wanted or any(not key.emptied and not self.tables[key.parent] for key in early):
            return []
        maker = _Values(shape, self.luck)
        seen: list[set[tuple[Any, ...]]] = [set() for _ in (shape.pk, *shape.uniques)]
        rows: list[Row] = []
        for partners in self._partners(shape, early, wanted):
            for _ in range(TRIES):
                row = self._row(shape, early, partners, maker)
                if row is None:
                    break
                if self._is_new(shape, row, seen):
                    rows.append(row)
                    break
        return rows

    def _partners(self, shape: TableShape, early: Sequence[KeyShape], wanted: int) -> list[tuple[Row | None, ...]]:
        """The first rows that a row's keys lead to; the other keys are free."""
        if not early:
            return [()] * wanted
        if shape.full:
            sides = [self._some(self.tables[key.parent], round(MORE * self.rows ** (1 / len(early)))) for key in early]
            whole = list(itertools.islice(itertools.product(*sides), MORE * self.rows))
            return sorted(self.luck.sample(whole, round(len(whole) * self.luck.choice([1.0, 0.9]))), key=lambda rows: id(rows[0]))
        parents = self.tables[early[0].parent]
        weights = [self._weight(shape.spread) for _ in parents]
        if shape.spread == "one":
            return [(row,) for row in parents if self.luck.random() < 0.8]
        total = sum(weights) or 1.0
        counts = [min(self.rows, int(weight / total * wanted + self.luck.random())) for weight in weights]
        return [(row,) for row, n in zip(parents, counts, strict=True) for _ in range(n)] or [(None,)] * bool(early[0].emptied)

    def _some(self, rows: list[Row], most: int) -> list[Row]:
        return rows if len(rows) <= most else self.luck.sample(rows, max(1, most))

    def _weight(self, spread: str) -> float:
        if spread == "power":
            return self.luck.paretovariate(1.2)
        return 0.0 if spread == "zeros" and self.luck.random() < 0.6 else self.luck.uniform(0.5, 1.5)

    def _row(self, shape: TableShape, early: Sequence[KeyShape], partners: tuple[Row | None, ...], maker: _Values) -> Row | None:
        """One row; None where a key that must be there finds no parent."""
        row: Row = {}
        for place, key in enumerate(early):
            given = partners[place] if place < len(partners) else None
            if not self._filled_key(shape, key, row, given):
                return None
        for column in shape.columns.values():
            if column.kind != "key":
                row[column.name] = maker.value(column, row)
        return row

    def _filled_key(self, shape: TableShape, key: KeyShape, row: Row, given: Row | None) -> bool:
        """Whether the key holds; its columns that were not there are filled."""
        fixed = tuple(c for c in key.columns if c in row)
        above = dict(zip(key.columns, key.parent_columns, strict=True))
        wanted = tuple(row[c] for c in fixed)
        fits = None not in wanted
        if given is None or any(given.get(above[c]) != row[c] for c in fixed) or any(given.get(p) is None for p in key.parent_columns):
            found = self._by(key, tuple(above[c] for c in fixed)).get(wanted, []) if fits else self._by(key, ()).get((), [])
            given = self.luck.choice(found) if found else None
        gone = not fits or given is None or (key.emptied and self.luck.random() < key.nulls)
        if gone and fits and not key.emptied:
            return False
        for c in key.columns:
            if c not in row:
                row[c] = given[above[c]] if given is not None and not (gone and c in key.emptied) else None
        return all(row[c] is not None or shape.columns[c].nullable for c in key.columns)

    def _by(self, key: KeyShape, columns: tuple[str, ...]) -> dict[tuple[Any, ...], list[Row]]:
        """The parent's rows that have a whole key, by some of its columns."""
        place = (key.parent, key.parent_columns, columns)
        if place not in self.known or key.parent not in self.known:
            found: dict[tuple[Any, ...], list[Row]] = {}
            for row in self.tables[key.parent]:
                if all(row.get(c) is not None for c in key.parent_columns):
                    found.setdefault(tuple(row[c] for c in columns), []).append(row)
            self.known[place] = found
        return self.known[place]

    @staticmethod
    def _is_new(shape: TableShape, row: Row, seen: list[set[tuple[Any, ...]]]) -> bool:
        keys = [tuple(row.get(c) for c in key) for key in (shape.pk, *shape.uniques)]
        if any(key and None not in key and key in known for key, known in zip(keys, seen, strict=True)):
            return False
        for key, known in zip(keys, seen, strict=True):
            known.add(key)
        return not (shape.pk and None in keys[0])

    def _fill_late(self, shape: TableShape, key: KeyShape) -> None:
        """Keys to later tables or to the table itself; what finds no parent is emptied, or is its own."""
        self.known = {}
        above = dict(zip(key.columns, key.parent_columns, strict=True))
        rows = self.tables[shape.name]
        if not key.emptied and not self.tables[key.parent]:
            key.emptied = tuple(c for c in key.columns if shape.columns[c].kind == "key" and c not in shape.pk)
        there = {c for c in key.columns if rows and c in rows[0]}
        for row in rows:
            fixed = tuple(c for c in key.columns if c in there)
            wanted = tuple(row[c] for c in fixed)
            found = self._by(key, tuple(above[c] for c in fixed)).get(wanted, []) if None not in wanted else []
            given = self.luck.choice(found) if found else None
            if given is None and key.parent == shape.name and not key.emptied:
                given = row
            gone = given is None or (key.emptied and self.luck.random() < key.nulls)
            for c in (c for c in key.columns if c not in there):
                empty = gone and (c in key.emptied or given is None)
                row[c] = None if empty or given is None else given[above[c]]
                if row[c] is None:
                    shape.columns[c].nullable = True

    def _repeat(self, shape: TableShape, luck: random.Random) -> None:
        """In some tables one column, or one key, repeats that of the row which another key leads to; in all rows or in most."""
        keys = [key for key in shape.keys if not key.late and key.parent != shape.name]
        if not keys or luck.random() < 0.5:
            return
        key, share = luck.choice(keys), luck.choice([1.0, 1.0, 0.7])
        above = {tuple(row[c] for c in key.parent_columns): row for row in self.tables[key.parent]}
        pairs = self._repeated(shape, self.shapes[key.parent], key)
        own, theirs = luck.choice(pairs) if pairs else ((), ())
        for row in self.tables[shape.name]:
            parent = above.get(tuple(row[c] for c in key.columns))
            if parent is not None and luck.random() < share:
                row.update((c, parent[p]) for c, p in zip(own, theirs, strict=True) if parent[p] is not None or shape.columns[c].nullable)

    @staticmethod
    def _repeated(shape: TableShape, parent: TableShape, key: KeyShape) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
        """What can repeat: nothing that must be unique, or that another key is made of."""
        unique = {c for columns in (shape.pk, *shape.uniques) for c in columns}
        ways = []
        for other in (k for k in shape.keys if k is not key and not k.late):
            used = unique.union(*(k.columns for k in shape.keys if k is not other))
            ups = [k for k in parent.keys if not k.late and (k.parent, k.parent_columns) == (other.parent, other.parent_columns)]
            ways += [(other.columns, up.columns) for up in ups if not used & set(other.columns)]
        free = [[c for c in t.columns.values() if not any(c.name in k for k in (t.pk, *t.uniques, *(k.columns for k in t.keys)))] for t in (shape, parent)]
        return ways or [((own.name,), (up.name,)) for own in free[0] for up in free[1] if (own.kind, own.type) == (up.kind, up.type)]

    def _stray(self, shape: TableShape, key: KeyShape) -> None:
        """Some keys lead nowhere."""
        used = {c for other in shape.keys if other is not key for c in other.columns} | set(shape.pk) | {c for unique in shape.uniques for c in unique}
        own = [c for c in key.columns if c not in used and _NOWHERE.get(shape.columns[c].type.partition("(")[0]) is not None]
        if not key.strays or not own:
            return
        for row in self.tables[shape.name]:
            if all(row[c] is not None for c in key.columns) and self.luck.random() < key.strays:
                row[own[0]] = _NOWHERE[shape.columns[own[0]].type.partition("(")[0]]


_NOWHERE: dict[str, Any] = {"int": 987_654, "bigint": 987_654, "string": "nowhere", "date": date(1901, 2, 3)}


class _Values:
    """Values of the columns of one table that are no keys."""

    def __init__(self, shape: TableShape, luck: random.Random) -> None:
        self.shape, self.luck, self.made = shape, luck, 0
        self.numbers: dict[str, int] = {}
        self.starts = {name: luck.choice([1, 1, 0, 10]) for name in shape.columns}
        self.first = [key.columns for key in shape.keys if not key.late][:1]
        self.counted: dict[tuple[Any, ...], int] = {}

    def value(self, column: ColumnShape, row: Row) -> Any:
        if column.nulls and self.luck.random() < column.nulls:
            return None
        if column.kind in ("sequence", "gaps"):
            return self._running(column, row)
        maker = getattr(self, f"_{column.kind}")
        return maker(column)

    def _running(self, column: ColumnShape, row: Row) -> int:
        family = (column.name, *(row[c] for columns in self.first for c in columns))
        step = 1 if column.kind == "sequence" else self.luck.randint(1, 3)
        number = self.counted[family] = self.counted.get(family, self.starts[column.name] - 1) + step
        return number

    def _next(self, column: ColumnShape) -> int:
        self.numbers[column.name] = self.numbers.get(column.name, 0) + 1
        return self.numbers[column.name]

    def _number(self, column: ColumnShape) -> Any:
        number = self._next(column)
        return Decimal(number) if column.type.startswith("decimal") else number

    def _huge(self, column: ColumnShape) -> int:
        return 10**15 + self._next(column) * 7

    def _small(self, column: ColumnShape) -> int:
        return self.luck.randint(-9, 9)

    def _prefixed(self, column: ColumnShape) -> str:
        return f"{self.shape.name.upper()}_{self._next(column):05d}"

    def _padded(self, column: ColumnShape) -> str:
        return f"{self._next(column):08d}"

    def _uuid(self, column: ColumnShape) -> str:
        return str(uuid.UUID(int=self.luck.getrandbits(128), version=4))

    def _word(self, column: ColumnShape) -> str:
        return f"{self.luck.choice(WORDS)} {self.luck.choice(WORDS)}"

    def _sentence(self, column: ColumnShape) -> str:
        return " ".join(self.luck.choice(WORDS) for _ in range(6))

    def _category(self, column: ColumnShape) -> str:
        return WORDS[min(int(self.luck.expovariate(0.5)), 9)]

    def _constant(self, column: ColumnShape) -> Any:
        return "same" if column.type == "string" else 7

    def _nothing(self, column: ColumnShape) -> None:
        return None

    def _flag(self, column: ColumnShape) -> bool:
        return self.luck.random() < 0.4

    def _year(self, column: ColumnShape) -> int:
        return self.luck.randint(1990, 2024)

    def _real(self, column: ColumnShape) -> float:
        return round(self.luck.gauss(10, 4) * 8) / 8

    def _price(self, column: ColumnShape) -> Decimal:
        return Decimal(self.luck.randint(100, 99_999)).scaleb(-int(column.type.partition(",")[2].strip(" )")))

    def _date(self, column: ColumnShape) -> date:
        return date(2021, 1, 1) + timedelta(days=self.luck.randint(0, 400))

    def _day(self, column: ColumnShape) -> date:
        return date(2021, 1, 1) + timedelta(days=self._next(column))

    def _moment(self, column: ColumnShape) -> datetime:
        return datetime(2021, 1, 1) + timedelta(hours=self.luck.randint(0, 5000))
