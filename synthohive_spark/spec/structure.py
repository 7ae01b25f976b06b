"""Does the data have the shape that its metadata says? Everything that can be told without reading a row.

A shape is the columns of a table in order: (name, Spark type as a simple string, nullable), as in `TableProgram.columns`.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping

from ..errors import SchemaError
from .constraints import constraint_faults
from .graph import SchemaGraph
from .identifiers import HIDDEN_PREFIX, column_name_faults
from .metadata import ForeignKey, Metadata, Table
from .types import base_type, is_stored, is_supported, key_types_match

Shape = tuple[tuple[str, str, bool], ...]
NOTHING_TO_EMPTY = "has no column to empty, as each is part of another key or not nullable"
NOT_IN_CIRCLES = "is not possible where keys run in a circle, as each row left out can make another orphan"
SHOWN_NAMES = 8  # of a long list; more would bury the fault


def structural_faults(metadata: Metadata, shapes: Mapping[str, Shape]) -> list[str]:
    """Every fault that names and types show, one sentence each: where, what was found, what was expected, what to do.

    Args:
        metadata: what the user said.
        shapes: the shape of each table in the data.
    """
    faults = _table_faults(metadata, shapes)
    for name, table in metadata.tables.items():
        if name in shapes:
            shape = shapes[name]
            faults += [f"table {name!r}: {fault}" for check in _SHAPE_CHECKS for fault in check(shape)]
            faults += [f"table {name!r}: {fault}" for check in _TABLE_CHECKS for fault in check(table, shape)]
            faults += [f"table {name!r}: {fault}" for fault in _context_faults(metadata, table, shapes)]
        for index in range(len(table.foreign_keys)):
            faults += [f"table {name!r}: {fault}" for fault in _key_faults(metadata, table, index, shapes)]
    try:
        graph = SchemaGraph.from_metadata(metadata)
    except SchemaError as error:
        return [*faults, str(error)]
    return [*faults, *_deferred_drop_faults(metadata, graph)]


def usable(shape: Shape, columns: Iterable[str]) -> bool:
    """Whether these columns can be read and compared: each is there once, whatever the case, has an allowed name and a supported type."""
    seen = Counter(name.casefold() for name, _, _ in shape)
    types = {name: spark_type for name, spark_type, _ in shape}
    return all(c in types and seen[c.casefold()] == 1 and is_supported(types[c]) and _is_allowed(c) for c in columns)


def _is_allowed(name: str) -> bool:
    """Whether a column can be called so: ours can, and tables that bring such names are refused before anything is looked at."""
    return name.startswith(HIDDEN_PREFIX) or not column_name_faults(name)


def names_in_order(shape: Shape) -> bool:
    """Whether all columns can be told apart and have allowed names."""
    return not _name_faults(tuple(column for column in shape if not column[0].startswith(HIDDEN_PREFIX)))


def key_usable(key: ForeignKey, child: Shape, parent: Shape) -> bool:
    """Whether the key can be followed from child to parent: both sides are usable and their types match."""
    if not (usable(child, key.columns) and usable(parent, key.parent_columns)):
        return False
    above, below = _types(parent), _types(child)
    return all(key_types_match(below[c], above[p]) for c, p in zip(key.columns, key.parent_columns, strict=True))


def columns_to_null(metadata: Metadata, table: Table, index: int, nullable: Collection[str]) -> tuple[str, ...]:
    """Which columns of the `index`-th foreign key the policy `null` empties: the nullable ones that no other key uses.

    A column that a key of some table points at counts as used: emptying it would make orphans of the rows that point at it.
    """
    used = set(table.primary_key).union(*(fk.columns for i, fk in enumerate(table.foreign_keys) if i != index))
    used.update(c for t in metadata.tables.values() for fk in t.foreign_keys if fk.parent_table == table.name for c in fk.parent_columns)
    return tuple(c for c in table.foreign_keys[index].columns if c not in used and c in nullable)


def can_be_emptied(metadata: Metadata, table: Table, index: int, shape: Shape) -> bool:
    """Whether the policy of the `index`-th foreign key, where it is `null`, has a column to empty."""
    return table.foreign_keys[index].orphans != "null" or bool(columns_to_null(metadata, table, index, {name for name, _, can in shape if can}))


def nearest(name: str, names: Iterable[str]) -> str:
    """A hint for a name that does not exist: the nearest one that does, or what there is."""
    known = list(names)
    same = [k for k in known if k.casefold() == name.casefold()]
    close = same or difflib.get_close_matches(name, known, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    more = f" and {len(known) - SHOWN_NAMES} more" if len(known) > SHOWN_NAMES else ""
    return f"there are {', '.join(repr(k) for k in known[:SHOWN_NAMES])}{more}." if known else "there are none."


def _types(shape: Shape) -> dict[str, str]:
    return {name: spark_type for name, spark_type, _ in shape}


def _repeated(names: Iterable[str]) -> list[str]:
    # A list, since Counter takes the values of a mapping for counts.
    return [name for name, count in Counter(list(names)).items() if count > 1]


def _table_faults(metadata: Metadata, shapes: Mapping[str, Shape]) -> list[str]:
    faults = [] if metadata.tables else ["the metadata has no tables; add one with add_table"]
    extra = [name for name in shapes if name not in metadata.tables]
    for name in metadata.tables:
        if name not in shapes:
            faults.append(
                f"table {name!r} is in the metadata and not in the data; {nearest(name, extra or shapes)} Pass its DataFrame, or leave it out of the metadata"
            )
    for name in extra:
        faults.append(f"table {name!r} is in the data and not in the metadata; {nearest(name, metadata.tables)} Add it with add_table, or do not pass it")
    for folded in _repeated(name.casefold() for name in metadata.tables):
        alike = [n for n in metadata.tables if n.casefold() == folded]
        faults.append(f"the tables {alike} differ in case only, which catalogs do not tell apart; rename one")
    return faults


def _name_faults(shape: Shape) -> list[str]:
    if not shape:
        return ["it has no columns; expected at least one"]
    names = [name for name, _, _ in shape]
    faults = [f"{fault}; rename it" for name in names for fault in column_name_faults(name)]
    faults += [f"{count} columns are named {name!r}; rename or drop all but one" for name, count in Counter(names).items() if count > 1]
    for folded in _repeated(name.casefold() for name in dict.fromkeys(names)):
        alike = [n for n in dict.fromkeys(names) if n.casefold() == folded]
        faults.append(f"the columns {alike} differ in case only, which Spark does not tell apart; rename one")
    return faults


def _type_faults(table: Table, shape: Shape) -> list[str]:
    if table.role == "reference":
        return _reference_type_faults(table, shape)
    way_out = "set `unsupported` of this table to null (the column stays, without values) or drop (it is left out), or cast it to a supported type"
    found = [(name, spark_type) for name, spark_type, _ in shape if not is_supported(spark_type)]
    return [f"the column {name!r} has the unsupported type {_short_type(spark_type)}; {way_out}" for name, spark_type in found]


def _reference_type_faults(table: Table, shape: Shape) -> list[str]:
    """Columns of a reference table are copied, whatever their types; keys are compared."""
    keys = table.key_columns
    faults = [f"the column {n!r} has the type {_short_type(t)}, which Delta does not store; cast it or drop it" for n, t, _ in shape if not is_stored(t)]
    wrong = [(n, t) for n, t, _ in shape if n in keys and is_stored(t) and not is_supported(t)]
    return faults + [f"the column {n!r} of a key has the unsupported type {_short_type(t)}; cast it to a supported type" for n, t in wrong]


def _short_type(spark_type: str) -> str:
    return spark_type if len(spark_type) <= 40 else base_type(spark_type)


def _column_faults(table: Table, shape: Shape) -> list[str]:
    known = _types(shape)
    named: list[tuple[str, Collection[str]]] = [("primary key", table.primary_key)]
    named += [(f"foreign key {fk}", fk.columns) for fk in table.foreign_keys]
    named += [("constraints", table.constraints), ("pii_cols", table.pii_cols), ("high_cardinality_cols", table.high_cardinality_cols)]
    named += [("order_by", (table.order_by,) if table.order_by else ())]
    faults = []
    for where, columns in named:
        faults += [f"{where}: the column {c!r} is named twice; name it once" for c in _repeated(columns)]
        faults += [f"{where}: the column {c!r} does not exist; {nearest(c, known)}" for c in dict.fromkeys(columns) if c not in known]
    return faults


def _pii_faults(table: Table, shape: Shape) -> list[str]:
    types = _types(shape)
    keys = table.key_columns
    return [
        f"pii_cols: the column {c!r} is part of a key; keys are generated or copied from other rows, never made by a provider"
        for c in table.pii_cols
        if c in keys
    ] + [
        f"pii_cols: the column {c!r} has the type {types[c]}, and only text can be made up; cast it to string, or drop it from the DataFrame"
        for c in table.pii_cols
        if c in types and is_supported(types[c]) and base_type(types[c]) not in ("string", "varchar", "char")
    ]


def _constraint_faults(table: Table, shape: Shape) -> list[str]:
    types = _types(shape)
    return [f"constraints: the column {c!r}: {fault}" for c, limits in table.constraints.items() if c in types for fault in constraint_faults(limits, types[c])]


def _context_faults(metadata: Metadata, table: Table, shapes: Mapping[str, Shape]) -> list[str]:
    if not table.parent_context_cols:
        return []
    if not table.foreign_keys:
        return ["parent_context_cols needs a parent, and the table has no foreign key; leave it out, or add the key"]
    parents = list(dict.fromkeys(fk.parent_table for fk in table.foreign_keys))
    if any(p not in metadata.tables or p not in shapes for p in parents):
        return []  # reported as a missing table
    known = list(dict.fromkeys(name for p in parents for name, _, _ in shapes[p]))
    where = " or ".join(repr(p) for p in parents)
    return [f"parent_context_cols: the column {c!r} is not in {where}; {nearest(c, known)}" for c in table.parent_context_cols if c not in known]


def _key_faults(metadata: Metadata, table: Table, index: int, shapes: Mapping[str, Shape]) -> list[str]:
    key = table.foreign_keys[index]
    where = f"foreign key {key}"
    parent = metadata.tables.get(key.parent_table)
    if parent is None:
        return [f"{where}: the parent table {key.parent_table!r} is not in the metadata; {nearest(key.parent_table, metadata.tables)}"]
    faults = []
    if table.role == "reference" and parent.role != "reference":
        faults.append(
            f"{where}: a reference table is copied as it is, and {parent.name!r} is learnt, so that its keys change; "
            f"give {parent.name!r} the role reference too, or make {table.name!r} learnt"
        )
    child_shape, parent_shape = shapes.get(table.name), shapes.get(parent.name)
    if parent_shape is not None:
        above = _types(parent_shape)
        faults += [f"{where}: {parent.name!r} has no column {c!r}; {nearest(c, above)}" for c in dict.fromkeys(key.parent_columns) if c not in above]
        faults += [f"{where}: the parent's column {c!r} is named twice; name it once" for c in _repeated(key.parent_columns)]
    if child_shape is None:
        return faults
    if parent_shape is not None:
        faults += _mismatches(where, key, _types(child_shape), _types(parent_shape))
        above = _types(parent_shape)
        odd = [c for c in key.parent_columns if parent.role == "reference" and c in above and not is_supported(above[c]) and c not in parent.key_columns]
        faults += [f"{where}: {parent.name}.{c} has the unsupported type {_short_type(above[c])}; cast both columns to a supported one" for c in odd]
    if set(key.columns) <= set(_types(child_shape)) and not key.by_default and not can_be_emptied(metadata, table, index, child_shape):
        faults.append(f"{where}: the orphan policy null {NOTHING_TO_EMPTY}; use drop or error")
    return faults


def _mismatches(where: str, key: ForeignKey, below: Mapping[str, str], above: Mapping[str, str]) -> list[str]:
    return [
        f"{where}: {c!r} has the type {below[c]} and {key.parent_table}.{p} the type {above[p]}; expected the same kind; cast one to the other's type"
        for c, p in zip(key.columns, key.parent_columns, strict=True)
        if c in below and p in above and is_supported(below[c]) and is_supported(above[p]) and not key_types_match(below[c], above[p])
    ]


def _deferred_drop_faults(metadata: Metadata, graph: SchemaGraph) -> list[str]:
    keys = [(ref.table, metadata.tables[ref.table].foreign_keys[ref.index]) for ref in graph.deferred]
    faulty = [(table, key) for table, key in keys if key.orphans == "drop" and not key.by_default]
    return [f"table {table!r}: foreign key {key}: the orphan policy drop {NOT_IN_CIRCLES}; use null or error" for table, key in faulty]


_SHAPE_CHECKS: tuple[Callable[[Shape], list[str]], ...] = (_name_faults,)
_TABLE_CHECKS: tuple[Callable[[Table, Shape], list[str]], ...] = (_type_faults, _column_faults, _pii_faults, _constraint_faults)
