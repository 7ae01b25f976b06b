"""Names in SQL and on disk. No other module builds SQL text or a path from a name.

Tables and databases that we create must match an allow-list; columns that exist already may hold anything that Delta can store, and are quoted.
"""

from __future__ import annotations

import re

from ..errors import SchemaError

MAX_NAME = 255  # bytes; object stores and file systems refuse longer path segments
_CREATED = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}", re.ASCII)
# Delta without column mapping refuses these in column names; control characters break logs.
_FORBIDDEN_IN_COLUMNS = re.compile(r"[ ,;{}()\n\t=\x00-\x1f\x7f`]")
HIDDEN_PREFIX = "__"  # ours: row numbers, counts, keys of other tables; never written to an output table


def table_name_faults(name: object) -> list[str]:
    """Why `name` cannot name a table that we create; empty where it can."""
    if not isinstance(name, str) or not _CREATED.fullmatch(name):
        return [f"the table name {_shown(name)} must start with a letter or _ and hold only ASCII letters, digits and _, at most 128 of them"]
    return []


def column_name_faults(name: object) -> list[str]:
    """Why `name` cannot name a column; empty where it can."""
    if not isinstance(name, str) or not name:
        return [f"the column name {_shown(name)} must be a non-empty string"]
    faults = []
    if _FORBIDDEN_IN_COLUMNS.search(name):
        faults.append(f"the column name {_shown(name)} holds a character that Delta cannot store (space , ; {{ }} ( ) = ` tab, line break or control)")
    if name.startswith(HIDDEN_PREFIX):
        faults.append(f"the column name {_shown(name)} starts with {HIDDEN_PREFIX}, which is kept for hidden columns")
    if len(name.encode("utf-8", "replace")) > MAX_NAME:
        faults.append(f"the column name {_shown(name)} is longer than {MAX_NAME} bytes")
    return faults


def checked_table_name(name: str) -> str:
    """Return `name` if it may name a table or a folder that we create.

    Raises:
        SchemaError: it may not.
    """
    faults = table_name_faults(name)
    if faults:
        raise SchemaError(faults[0])
    return name


def checked_qualified_name(name: str) -> str:
    """Quote `table`, `schema.table` or `catalog.schema.table` (or the same without the table) for SQL.

    Raises:
        SchemaError: it has more than three parts, or a part is not on the allow-list.
    """
    parts = name.split(".") if isinstance(name, str) else []
    if not 1 <= len(parts) <= 3:
        raise SchemaError(f"the name {_shown(name)} must have one to three parts, separated by dots")
    return ".".join(quoted(checked_table_name(part)) for part in parts)


def quoted(name: str) -> str:
    """A name that exists already, in backticks."""
    return "`" + name.replace("`", "``") + "`"


def create_schema_sql(database: str) -> str:
    """`CREATE SCHEMA IF NOT EXISTS` for a checked name.

    Raises:
        SchemaError: the name is not allowed.
    """
    return f"CREATE SCHEMA IF NOT EXISTS {checked_qualified_name(database)}"


def _shown(name: object) -> str:
    text = repr(name)
    return text if len(text) <= 60 else text[:57] + "..."
