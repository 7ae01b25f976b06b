"""The short ways in which users write the fields of a table: one name for many, keys as `{column: table.column}`, one policy for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from ..errors import SchemaError

DEFAULT: Literal["default"] = "default"  # what the metadata says for all tables


def names_of(value: Any) -> Any:
    """A name as a tuple of one; what is of the wrong kind as it is."""
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else value


def providers_of(value: Any) -> Any:
    """Private columns without a provider as a mapping to None; what is of the wrong kind as it is."""
    names = names_of(value)
    if isinstance(names, Sequence) and all(isinstance(n, str) for n in names):
        return dict.fromkeys(names)
    # An empty name of a provider is none.
    return {name: None if provider == "" else provider for name, provider in names.items()} if isinstance(names, Mapping) else names


def _pointed_at(target: str) -> tuple[str, str, str]:
    """`table.column` in its parts; a table's name that holds a dot stands in backticks."""
    if target.startswith("`") and "`." in target[1:]:
        parent, _, column = target[1:].partition("`.")
        return parent, ".", column
    return target.partition(".")


def short_keys(where: str, fk: Any, orphans: Any, default: str) -> list[dict[str, Any]]:
    """The long form of keys of one column; `default` is the policy of the metadata.

    Raises:
        SchemaError: `fk` is no mapping to `table.column`, or a policy is that of no key; `where` begins the message.
    """
    if not isinstance(fk, Mapping):
        raise SchemaError(f"{where}: fk must map columns to parent_table.column, found {type(fk).__name__}; composite keys go under foreign_keys")
    if isinstance(orphans, Mapping) and (strays := sorted(str(c) for c in orphans if c not in fk)):
        raise SchemaError(f"{where}: orphans names {strays}, which fk does not have; the policy of a key under foreign_keys stands in that key")
    keys = []
    for column, target in fk.items():
        parent, dot, parent_column = _pointed_at(str(target))
        if not dot or not parent or not parent_column:
            raise SchemaError(f"{where}: fk {column!r} points at {target!r}; write it as parent_table.column, a table's name with a dot in backticks")
        policy = orphans.get(column, default) if isinstance(orphans, Mapping) else orphans
        said = _default_policy(default) if policy == DEFAULT or (isinstance(orphans, Mapping) and column not in orphans) else {"orphans": policy}
        keys.append({"columns": (column,), "parent_table": parent, "parent_columns": (parent_column,), **said})
    return keys


def long_keys(where: str, keys: Any, default: str) -> list[Any]:
    """Keys with the columns and the policy that they leave out.

    Raises:
        SchemaError: `keys` is no list.
    """
    if not isinstance(keys, Sequence) or isinstance(keys, str):
        raise SchemaError(f"{where}: foreign_keys must be a list of keys, found {type(keys).__name__}")
    return [_long_key(key, default) for key in keys]


def _long_key(key: Any, default: str) -> Any:
    if not isinstance(key, Mapping):
        return key
    columns = names_of(key.get("columns"))
    return {
        **({} if "orphans" in key else _default_policy(default)),
        **key,
        "columns": columns,
        "parent_columns": names_of(key.get("parent_columns")) or columns,
    }


def _default_policy(default: str) -> dict[str, Any]:
    return {"orphans": default, **({} if default == "error" else {"by_default": True})}
