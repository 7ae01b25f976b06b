"""The promise, looked at in pandas: keys, types and numbers of rows of a synthetic copy. Nothing here asks the package how it made the rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from generated_schemas import GeneratedSchema, Row, kept_rows, key_of, keys_of, uniques_of
from pyspark.sql import DataFrame

from synthohive_spark.spec.metadata import ForeignKey

CLOSE = 0.02  # of the rows that were asked for


class Promise:
    """What a copy of one schema must keep.

    Args:
        schema: the source.
        copy: its synthetic tables.
        driving: by table, the index of the key that drives its rows; None for a root.
        roots: rows of the root tables that were asked for by number.
        scale: of the other roots.
        told: the warnings of the run: a table that they name may be smaller.
    """

    def __init__(
        self, schema: GeneratedSchema, copy: Mapping[str, DataFrame], driving: Mapping[str, int | None], roots: Mapping[str, int], scale: float, told: str
    ) -> None:
        self.schema, self.copy, self.driving, self.roots, self.scale, self.told = schema, copy, driving, roots, scale, told
        self.real = kept_rows(schema)
        self.rows: dict[str, list[Row]] = {name: [row.asDict() for row in copy[name].collect()] for name in copy}

    def faults(self) -> list[str]:
        """What is not kept, one sentence each."""
        if set(self.copy) != set(self.schema.columns):
            return ["other tables than those of the source"]
        return [f"{name}: {fault}" for name in self.copy for fault in self._table_faults(name)]

    def _table_faults(self, name: str) -> Iterator[str]:
        yield from self._shape_faults(name)
        table = self.schema.metadata.tables[name]
        if table.role == "reference":
            if Counter(_plain(r) for r in self.rows[name]) != Counter(_plain(r) for r in self.real[name]):
                yield "a reference table is another one"
            return
        yield from self._null_faults(name)
        for unique in uniques_of(self.schema.metadata, table):
            repeats = sum(n - 1 for n in keys_of(self.rows[name], unique).values())
            if repeats:
                yield f"{repeats} of {len(self.rows[name])} rows repeat {unique}"
        for key in table.foreign_keys:
            above = keys_of(self.rows[key.parent_table], key.parent_columns)
            orphans = sum(1 for row in self.rows[name] if (value := key_of(row, key.columns)) is not None and value not in above)
            if orphans:
                yield f"{orphans} of {len(self.rows[name])} rows are orphans of {key}"
        yield from self._count_faults(name)

    def _shape_faults(self, name: str) -> Iterator[str]:
        found = tuple((f.name, f.dataType.simpleString(), f.nullable) for f in self.copy[name].schema.fields)
        if found != tuple(self.schema.columns[name]):
            yield f"columns {found} instead of {self.schema.columns[name]}"

    def _null_faults(self, name: str) -> Iterator[str]:
        table = self.schema.metadata.tables[name]
        emptied = {c for key in table.foreign_keys if key.orphans == "null" for c in key.columns}
        for column, _, nullable in self.schema.columns[name]:
            nulls = sum(row[column] is None for row in self.rows[name])
            had = any(row[column] is None for row in self.real[name]) or column in emptied
            if nulls and (not had or not nullable or column in table.primary_key) and self.real[name]:
                yield f"{nulls} of {len(self.rows[name])} rows have no {column}, and all real ones have"

    def _count_faults(self, name: str) -> Iterator[str]:
        asked, why = self._asked(name)
        made = len(self.rows[name])
        if abs(made - asked) > max(1.0, CLOSE * asked) and not (made < asked and self._is_told(name)):
            yield f"{made} rows instead of {asked:.1f} ({why})"

    def _asked(self, name: str) -> tuple[float, str]:
        driving = self.driving[name]
        real = self.real[name]
        if driving is None:
            return (self.roots[name], "asked for") if name in self.roots else (round(len(real) * self.scale), "scaled")
        key = self.schema.metadata.tables[name].foreign_keys[driving]
        matched, parents = self._matched(key, name), len(self.real[key.parent_table])
        if not matched:
            return len(real) * self.scale, "rows without a parent"
        driven = matched / parents * len(self.rows[key.parent_table])
        return driven * len(real) / matched, f"from {len(self.rows[key.parent_table])} rows of {key.parent_table} for {len(real)} from {parents}"

    def _matched(self, key: ForeignKey, name: str) -> int:
        above = keys_of(self.real[key.parent_table], key.parent_columns)
        return sum(1 for row in self.real[name] if key_of(row, key.columns) in above)

    def _is_told(self, name: str) -> bool:
        return f"{name!r}" in self.told


def _plain(row: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, str(value)) for name, value in row.items()))
