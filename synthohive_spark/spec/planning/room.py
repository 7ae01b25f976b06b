"""How many rows each table of a sample gets, and how many it has room for: told before anything is drawn."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..date_forms import form_range
from ..encoding import CategoryEncoding, NumberEncoding, TableEncoding, TextEncoding
from ..graph import SchemaGraph
from ..program import TableProgram, UniqueKey
from ..steps import NumberKey, Position, Series
from ..types import base_type, decimal_digits

ROOM = {"tinyint": 2**8, "smallint": 2**16, "int": 2**32, "bigint": 2**64, "boolean": 2, "date": 3_652_059}  # days of the years 1 to 9999
_LARGEST = {"tinyint": 2**7 - 1, "smallint": 2**15 - 1, "int": 2**31 - 1, "bigint": 2**63 - 1}


@dataclass(frozen=True)
class TableRows:
    """The rows of one table in one sample.

    Attributes:
        asked: what scale, `num_rows`, conditions and the parents' numbers of children come to.
        possible: as many as its keys can tell apart; None for no limit.
    """

    asked: int
    possible: int | None = None

    @property
    def rows(self) -> int:
        return self.asked if self.possible is None else min(self.asked, self.possible)


@dataclass(frozen=True)
class Room:
    """What the fitted tables have room for.

    Attributes:
        programs: by table.
        encodings: by table.
        references: rows of the reference tables.
    """

    programs: Mapping[str, TableProgram]
    encodings: Mapping[str, TableEncoding]
    references: Mapping[str, int]

    def plan(self, graph: SchemaGraph, roots: Mapping[str, int], scale: float) -> dict[str, TableRows]:
        """All learnt tables, parents first.

        Args:
            roots: rows of root tables that were asked for by number; the others have their real rows times `scale`.
        """
        planned: dict[str, TableRows] = {}
        for name in graph.order:
            if name in self.programs:
                rows = {table: count.rows for table, count in planned.items()}
                asked = self._asked(self.programs[name], rows, roots, scale)
                planned[name] = TableRows(asked, self.possible(self.programs[name], rows))
        return planned

    def _asked(self, program: TableProgram, rows: Mapping[str, int], roots: Mapping[str, int], scale: float) -> int:
        if program.driver is None:
            return roots.get(program.table, some_rows(program.rows * scale))
        driven = rows_driven(program, rows[program.driver.parent_table])
        return driven + rows_alone(program, driven, scale)

    def possible(self, program: TableProgram, rows: Mapping[str, int]) -> int | None:
        """Rows that the keys of a table can tell apart and find parents for; None for no limit.

        Args:
            rows: of the tables that it points at.
        """
        limits = [largest_number(program, step, self.programs.values()) for step in program.of_kind(NumberKey) if isinstance(step, NumberKey)]
        limits += [self._unique_limit(program, unique, rows) for unique in program.uniques]
        parents = [program.foreign_keys[m.key].parent_table for m in program.matches if m.required]
        limits += [0 for parent in parents if rows.get(parent) == 0]  # every row needs one of them
        return _least(limits)

    def _unique_limit(self, program: TableProgram, unique: UniqueKey, rows: Mapping[str, int]) -> int | None:
        each = self.per_anchor(program, unique, {i: self._given(program, i, own, rows) for i, own in unique.matches})
        if each is None or unique.per == "table" or program.driving is None or program.driver is None:
            return each
        anchors = rows[program.driver.parent_table] if unique.per == "parent" else self._given(program, program.driving, unique.group, rows)
        return None if anchors is None or program.linkages[program.driving].null_rate else each * anchors

    def _given(self, program: TableProgram, index: int, columns: Sequence[str], rows: Mapping[str, int]) -> int | None:
        """Different values that the parent of a key can give to some of its columns."""
        key = program.foreign_keys[index]
        above = dict(zip(key.columns, key.parent_columns, strict=True))
        return self._different(key.parent_table, [above[c] for c in columns], rows)

    def _different(self, table: str, columns: Sequence[str], rows: Mapping[str, int]) -> int | None:
        """Different values of some columns that the rows of a table can have together; None for unknown."""
        if table not in self.programs or table not in rows:
            return self.references.get(table)
        program, left = self.programs[table], list(columns)
        limits: list[int | None] = []
        for index in [*([] if program.driving is None else [program.driving]), *(m.key for m in program.early)]:
            shared = [c for c in left if c in program.foreign_keys[index].columns]
            if shared:
                limits.append(self._given(program, index, shared, rows))
                left = [c for c in left if c not in shared]
        modelled = set(self.encodings[table].names)
        limits += [self.part_room(program, c) if c in modelled else None for c in left]
        return _least([rows[table], math.prod(n for n in limits if n is not None) if None not in limits else None])

    def per_anchor(self, program: TableProgram, unique: UniqueKey, partners: Mapping[int, int | None]) -> int | None:
        """Rows that one parent (group, table) can have, as this unique key tells them apart; None for no limit.

        Args:
            partners: by matched key, the different values that its parent gives; None for unknown. Keys that are left out do not count.
        """
        limits = [partners[i] for i, _ in unique.matches if i in partners]
        told = next((s for s in program.of_kind(Series) if isinstance(s, Series) and s.entities and set(s.columns) == set(unique.parts)), None)
        if told is not None:  # each entity has a series of its own, and no others are made up
            room = self.part_room(program, told.columns[-1])
            return None if room is None or None in limits else math.prod(n for n in limits if n is not None) * len(told.entities) * room
        keys = [program.foreign_keys[i] for i in unique.references]
        limits += [self.references.get(key.parent_table) for key in keys]
        limits += [self.part_room(program, column) for column in unique.parts if not any(column in key.columns for key in keys)]
        return math.prod(n for n in limits if n is not None) if all(n is not None for n in limits) else None

    def part_room(self, program: TableProgram, column: str) -> int | None:
        """Different values that a natural key part can have."""
        position = next((s for s in program.of_kind(Position) if isinstance(s, Position) and s.column == column), None)
        if position is not None:
            return _LARGEST[program.types[column]] - position.start + 1
        return room_of(self.encodings[program.table].column(column))


def some_rows(expected: float) -> int:
    """A whole number of rows: one at least where some are expected, since other tables may point at them."""
    return max(1, round(expected)) if expected > 0 else 0


def rows_driven(program: TableProgram, parents: int) -> int:
    """Rows that so many driving parents have."""
    return some_rows(parents * program.linkages[program.driving or 0].mean)


def rows_alone(program: TableProgram, driven: int, scale: float) -> int:
    """Rows without a driving parent, beside `driven` rows with one."""
    null_rate = program.linkages[program.driving or 0].null_rate
    return round(driven * null_rate / (1 - null_rate)) if null_rate < 1 else round(program.rows * scale)


def room_of(encoding: NumberEncoding | CategoryEncoding | TextEncoding) -> int | None:
    """Different values that a column can have without repeating; None for no limit."""
    if isinstance(encoding, TextEncoding):
        return None
    if isinstance(encoding, CategoryEncoding):
        return len(encoding.values)
    if encoding.form:
        least, most = form_range(encoding.form)
        return max(1, int((most - least) // max(encoding.step, 1.0)) + 1)
    digits = decimal_digits(encoding.spark_type)
    room = ROOM.get(encoding.spark_type) if digits is None else 2 * 10 ** digits[0]
    return None if room is None else max(1, int(room / max(encoding.step, 1.0 if digits is None else 10.0 ** -digits[1])))


def largest_number(program: TableProgram, step: NumberKey, programs: Iterable[TableProgram]) -> int | None:
    """The greatest row number that a generated key can hold, in its own column and in those that point at it; None for no limit."""
    types = [program.types[step.column]]
    for other in programs:
        for key in other.foreign_keys:
            if key.parent_table == program.table:
                types += [other.types[c] for c, p in zip(key.columns, key.parent_columns, strict=True) if p == step.column]
    return _least([step.pattern.most, *map(_largest, types)])


def _largest(spark_type: str) -> int | None:
    digits = decimal_digits(spark_type)
    if digits is not None:
        return 10 ** (digits[0] - digits[1]) - 1
    return _LARGEST.get(base_type(spark_type))


def _least(limits: Iterable[int | None]) -> int | None:
    return min((n for n in limits if n is not None), default=None)
