"""From what users name as their data to one flat frame per table; and back, from generated rows to columns as the data has them. Lazy: no Spark job."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import and_
from pathlib import Path
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from ..errors import SchemaError
from ..spec.form import TableForm
from ..spec.identifiers import quoted, table_name_faults
from ..spec.layout import Layout, OutputColumn, is_plain
from ..spec.metadata import Metadata, Unsupported
from ..spec.spelling import spelt, spelt_as
from ..spec.types import is_stored, is_supported
from ..storage.forms import form_of
from ..storage.frames import never_null
from ..storage.places import all_tables, locate_tables, located
from ..storage.sources import TableStore, read_table

Data = Mapping[str, Any] | str | os.PathLike[str] | TableStore  # what users name as their tables


@dataclass(frozen=True)
class Intake:
    """The data as it is learnt.

    Attributes:
        metadata: with names spelt as in the data.
        frames: flat, one per table.
        layouts: how the columns lie in the data, of the tables that are not flat there.
        read: what was named as each table, and the frame that reads it as it is.
    """

    metadata: Metadata
    frames: dict[str, DataFrame]
    layouts: dict[str, Layout] = field(default_factory=dict)
    read: dict[str, tuple[Any, DataFrame]] = field(default_factory=dict)

    def forms(self, spark: SparkSession) -> dict[str, TableForm]:
        """What the tables of the metadata say of themselves, of those that say something."""
        found = {name: form_of(spark, *self.read[name]) for name in self.metadata.tables if name in self.read}
        return {name: form for name, form in found.items() if form != TableForm()}


def take_in(spark: SparkSession, metadata: Metadata, data: Data) -> Intake:
    """Read the tables, and bring their names and columns into the form that is learnt.

    Args:
        data: one Spark or pandas DataFrame, catalog name or path per table; or one folder, schema of the catalog, or `Database`, that holds them all.

    Raises:
        SchemaError: a table cannot be read, with all faults; or `data` is none of these.
    """
    found = _read_all(spark, metadata, data)
    metadata = spelt_as(metadata, {name: [*frame.columns, *_inner(frame.schema)] for name, (_, frame) in found.items()})
    frames, layouts = {}, {}
    for name, (_, frame) in found.items():
        table = metadata.tables.get(name)
        # Reference tables are copied as they are, whatever their types.
        frames[name], layout = flattened(frame, "error" if table is None or table.role == "reference" else table.unsupported)
        if not is_plain(layout):
            layouts[name] = layout
    return Intake(metadata, frames, layouts, found)


def take_in_unnamed(spark: SparkSession, data: Data) -> Intake:
    """The same where no metadata says which tables there are: all that the data names, or that a folder or schema holds.

    Raises:
        SchemaError: as for `take_in`; or a table has a name that cannot be one.
    """
    if isinstance(data, TableStore):
        data = data.sources()
    if isinstance(data, str | os.PathLike):
        data = all_tables(spark, data if isinstance(data, str) else Path(data))
    found = _read_each(spark, Metadata(), data)
    if faults := [fault for name in found for fault in table_name_faults(name)]:
        raise SchemaError("; ".join(faults))
    frames, layouts = {}, {}
    for name, (_, frame) in found.items():
        frames[name], layout = flattened(frame, "error")
        if not is_plain(layout):
            layouts[name] = layout
    return Intake(Metadata(), frames, layouts, found)


def flattened(frame: DataFrame, unsupported: Unsupported) -> tuple[DataFrame, Layout]:
    """A frame with a column for each field of its structs, named `struct.field`, and how the columns lay; a struct that can be null has a boolean column.

    Args:
        unsupported: what to do with columns of types that are not learnt: leave them in, to be told as faults (`error`), make them `null`, or `drop` them.
    """
    layout = _layout(frame.schema, unsupported)
    kinds = {column.name: column.dataType for column in frame.schema.fields}
    if is_plain(layout) and len(layout) == len(kinds) and T.NullType() not in kinds.values():
        return frame, layout
    columns = [column for described in layout for column in _flat(described, F.col(quoted(described.name)), kinds[described.name])]
    return frame.select(*columns), layout


def laid_out(rows: DataFrame, layout: Layout, beside: Sequence[str] = ()) -> DataFrame:
    """The inverse of `flattened`: generated rows with columns as the data has them; those of types that are not learnt are null.

    Args:
        beside: columns that stay as they are.
    """
    kinds = {column.name: column.dataType for column in rows.schema.fields}
    return rows.select(*(_nested(column, kinds).alias(column.name) for column in layout), *(F.col(quoted(name)) for name in beside))


def _read_all(spark: SparkSession, metadata: Metadata, data: Any) -> dict[str, tuple[Any, DataFrame]]:
    if isinstance(data, TableStore):
        places = located(list(metadata.tables), {name: [name] for name in data.names}, repr(data))
        there = data.sources(list(places.values()))
        data = {name: there[place] for name, place in places.items()}
    if isinstance(data, str | os.PathLike):
        data = locate_tables(spark, data if isinstance(data, str) else Path(data), list(metadata.tables))
    return _read_each(spark, metadata, data)


def _read_each(spark: SparkSession, metadata: Metadata, data: Any) -> dict[str, tuple[Any, DataFrame]]:
    """What each table is called in the data, and the frame that reads it; where the metadata has no tables, any column of a pandas frame may be a key."""
    if not isinstance(data, Mapping):
        raise SchemaError(
            f"the data is a {type(data).__name__}; expected one DataFrame, catalog name or path per table, {{'orders': ...}}, "
            "or the name of one folder or schema, or a Database, that holds them all"
        )
    frames, faults = {}, []
    keys: dict[str, Any] = {}
    for key, source in data.items():
        name = spelt(str(key), metadata.tables)
        if name in keys:
            faults.append(f"table {name!r}: the data names it twice, as {keys[name]!r} and {key!r}; leave one of them out")
            continue
        keys[name] = key
        try:
            keyed = _key_columns(metadata, name) if metadata.tables else frozenset(map(str, getattr(source, "columns", ())))
            frames[name] = source, read_table(spark, source, keys=keyed)
        except SchemaError as error:
            faults.append(f"table {name!r}: {error}")
    if faults:
        raise SchemaError("; ".join(faults))
    return frames


def _key_columns(metadata: Metadata, name: str) -> frozenset[str]:
    """Columns of a table that are part of a key of its own or of another table's."""
    table = metadata.tables.get(name)
    pointed = {c for t in metadata.tables.values() for fk in t.foreign_keys if fk.parent_table == name for c in fk.parent_columns}
    return frozenset(pointed) if table is None else table.key_columns | pointed


def _inner(schema: T.StructType, prefix: str = "") -> list[str]:
    names = []
    for column in schema.fields:
        if isinstance(column.dataType, T.StructType):
            names += [f"{prefix}{column.name}.{f.name}" for f in column.dataType.fields]
            names += _inner(column.dataType, f"{prefix}{column.name}.")
    return names


def _layout(schema: T.StructType, unsupported: Unsupported, prefix: str = "", inside: bool = False) -> Layout:
    """How the columns of a schema lie; `inside` a struct that can be null, a field that cannot be is required."""
    columns = []
    for column in schema.fields:
        kind, source, required = column.dataType.simpleString(), f"{prefix}{column.name}", inside and not column.nullable
        if isinstance(column.dataType, T.StructType) and column.dataType.fields:
            fields = _layout(column.dataType, unsupported, f"{source}.", inside or column.nullable)
            if fields:
                columns.append(OutputColumn(name=column.name, source=source if column.nullable else None, fields=fields))
        elif is_supported(kind) or isinstance(column.dataType, T.NullType) or unsupported == "error" or (unsupported == "null" and not is_stored(kind)):
            columns.append(OutputColumn(name=column.name, source=source, required=required))
        elif unsupported == "null":
            columns.append(OutputColumn(name=column.name, empty=T.StructType([column]).json()))
    return tuple(columns)


def _flat(column: OutputColumn, value: Column, kind: T.DataType) -> list[Column]:
    """The columns of the rows that hold a column of the data."""
    if not column.fields or not isinstance(kind, T.StructType):
        typed = value.cast("string") if isinstance(kind, T.NullType) else value
        return [] if column.source is None else [typed.alias(column.source)]
    there = [value.isNotNull().alias(column.source)] if column.source is not None else []
    return there + [flat for inner in column.fields for flat in _flat(inner, value.getField(inner.name), kind[inner.name].dataType)]


def _nested(column: OutputColumn, kinds: Mapping[str, T.DataType]) -> Column:
    if column.empty:
        return F.lit(None).cast(T.StructType.fromJson(json.loads(column.empty)).fields[0].dataType)
    if not column.fields:
        value = F.col(quoted(str(column.source)))
        return never_null(value, kinds[str(column.source)]) if column.required else value
    whole = F.struct(*(_nested(inner, kinds).alias(inner.name) for inner in column.fields))
    if column.source is None:
        return whole
    return F.when(reduce(and_, (F.col(quoted(c)).isNotNull() for c in column.conditions), F.col(quoted(column.source))), whole)
