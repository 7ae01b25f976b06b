"""Metadata as text: YAML for people, with short forms, nothing that is the default, and notes as comments."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from .metadata import ForeignKey, Metadata, Table

_WIDTH = 160


def yaml_text(metadata: Metadata, *, notes: Mapping[str, Sequence[str]] | None = None, sections: Mapping[str, Any] | None = None) -> str:
    """The text of a file.

    Args:
        notes: comments over each table.
        sections: what else the file has, after the tables (`source`, ...).
    """
    policies = {name: value for name, value in metadata.model_dump(exclude={"tables"}).items() if value != type(metadata).model_fields[name].default}
    parts = [_dumped(policies, flow=False)] if policies else []
    parts.append("tables:\n" if metadata.tables else "tables: {}\n")
    for name, table in metadata.tables.items():
        parts += [f"  # {_one_line(note)}\n" for note in (notes or {}).get(name, ())]
        parts.append(textwrap.indent(_dumped({name: _fields(table, metadata)}), "  "))
    return "".join([*parts, *(["\n" + _dumped(dict(sections), flow=False)] if sections else [])])


def _dumped(value: Any, *, flow: bool | None = None) -> str:
    return str(yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=_WIDTH, default_flow_style=flow))


def _one_line(note: str) -> str:
    """A comment ends with its line, whatever the names in it."""
    return "".join(c if c.isprintable() else " " for c in note)


def _fields(table: Table, metadata: Metadata) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if table.primary_key:
        fields["pk"] = table.primary_key[0] if len(table.primary_key) == 1 else list(table.primary_key)
    fields |= _keys(table.foreign_keys, metadata.orphans)
    if table.role != "learnt" or "role" in table.model_fields_set:
        fields["role"] = table.role
    for name in ("parent_context_cols", "high_cardinality_cols"):
        if getattr(table, name):
            fields[name] = list(getattr(table, name))
    if table.parent_context_cols == ():
        fields["parent_context_cols"] = []
    if table.constraints:
        fields["constraints"] = {column: limits.model_dump(exclude_none=True) for column, limits in table.constraints.items()}
    if table.pii_cols:
        fields["pii_cols"] = dict(table.pii_cols) if any(table.pii_cols.values()) else list(table.pii_cols)
    for name, default in (("linkage_method", "conditional"), ("order_by", None), ("duplicates", metadata.duplicates), ("unsupported", metadata.unsupported)):
        if getattr(table, name) != default:
            fields[name] = getattr(table, name)
    return fields


def _keys(keys: Sequence[ForeignKey], default: str) -> dict[str, Any]:
    """The short form for keys of one column that come first: the order of keys stays."""
    singles = next((place for place, key in enumerate(keys) if len(key.columns) > 1), len(keys))
    count = singles if len({key.columns for key in keys[:singles]}) == singles else 0
    fields: dict[str, Any] = {}
    if count:
        fields["fk"] = {key.columns[0]: f"{_parent(key.parent_table)}.{key.parent_columns[0]}" for key in keys[:count]}
        policies = {key.columns[0]: key.orphans for key in keys[:count] if _says_policy(key, default)}
        fields |= {"orphans": policies} if policies else {}
    if keys[count:]:
        fields["foreign_keys"] = [_long(key, default) for key in keys[count:]]
    return fields


def _parent(table: str) -> str:
    return f"`{table}`" if "." in table else table


def _long(key: ForeignKey, default: str) -> dict[str, Any]:
    fields: dict[str, Any] = {"columns": list(key.columns), "parent_table": key.parent_table}
    if key.parent_columns != key.columns:
        fields["parent_columns"] = list(key.parent_columns)
    return fields | ({"orphans": key.orphans} if _says_policy(key, default) else {})


def _says_policy(key: ForeignKey, default: str) -> bool:
    """Whether the key has a policy of its own: it has to be possible even where there are no orphans."""
    return key.orphans != default or (default != "error" and not key.by_default)
