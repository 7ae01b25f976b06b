"""Names in SQL and on disk. No other module builds SQL text or a path from a name.

Databases that we create must match an allow-list. Tables and columns keep the names that the data brings, whatever letters they have: in SQL they are quoted,
and folders and tables of a catalog get safe names made from them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import SchemaError
from .expressions import checked_expression

MAX_NAME = 255  # bytes; object stores and file systems refuse longer path segments
SAFE_LETTERS, HASH_DIGITS = 48, 8  # of a safe name: readable, and two of 1,000 tables share the hash in one of 10,000 schemas
_CREATED = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}", re.ASCII)
_UNSAFE = re.compile(r"[^A-Za-z0-9_]+", re.ASCII)
_MAPPED_IN_COLUMNS = re.compile(r"[ ,;{}()\n\t=]")  # Delta stores these in names of columns only with column mapping
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_CONTROL_IN_COLUMNS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")  # exports have names with line breaks and tabs
_BACKTICKED_PART = re.compile(r"`((?:[^`]|``)+)`|([^`.]+)")
# Types whose text holds no names, so that nothing of a schema can reach SQL text unquoted.
_SCALAR_TYPE = re.compile(r"[a-z_]{1,32}(\(\d{1,5}(,\d{1,5})?\))?", re.ASCII)
_SQL_TYPES = {"integer": "int", "long": "bigint", "short": "smallint", "byte": "tinyint"}  # SQL's words where Spark's JSON has others
# What a connection to a database is told first: times in UTC, no value cut to fit its column; a transaction that holds `CREATE TABLE` too; keys on.
MYSQL_SESSION_SQL = "SET time_zone = '+00:00', sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES')"
SQLITE_BEGIN_SQL = "BEGIN"
SQLITE_KEYS_SQL = "PRAGMA foreign_keys = ON"
SQLITE_KEYS_LATER_SQL = "PRAGMA defer_foreign_keys = ON"
SQLITE_BROKEN_KEYS_SQL = "PRAGMA foreign_key_check"
HIDDEN_PREFIX = "\x1f"  # of columns of ours: row numbers, counts, keys of other tables. No column of the data can start so


def table_name_faults(name: object) -> list[str]:
    """Why `name` cannot name a table; empty where it can."""
    if not isinstance(name, str) or not name.strip():
        return [f"the table name {_shown(name)} must be a non-empty string"]
    faults = [f"the table name {_shown(name)} holds a control character"] if _CONTROL.search(name) else []
    return faults + _length_faults("table", name)


def column_name_faults(name: object) -> list[str]:
    """Why `name` cannot name a column; empty where it can."""
    if not isinstance(name, str) or not name:
        return [f"the column name {_shown(name)} must be a non-empty string"]
    faults = [f"the column name {_shown(name)} holds a control character"] if _CONTROL_IN_COLUMNS.search(name) else []
    return faults + _length_faults("column", name)


def _length_faults(kind: str, name: str) -> list[str]:
    too_long = len(name.encode("utf-8", "replace")) > MAX_NAME
    return [f"the {kind} name {_shown(name)} is longer than {MAX_NAME} bytes"] if too_long else []


def needs_mapping(column: str) -> bool:
    """Whether Delta stores a column of this name only with column mapping."""
    return bool(_MAPPED_IN_COLUMNS.search(column))


def safe_name(name: str) -> str:
    """What a table is called where not every name can be: its folder, and its table in a catalog.

    A name of ASCII letters, digits and `_` stays as it is; of another one such a name is made, with a hash, so that no two tables get the same.

    Raises:
        SchemaError: it cannot name a table.
    """
    faults = table_name_faults(name)
    if faults:
        raise SchemaError(faults[0])
    if _CREATED.fullmatch(name):
        return name
    plain = _UNSAFE.sub("_", name)[:SAFE_LETTERS].strip("_")
    return f"{plain if plain and not plain[0].isdigit() else f't_{plain}'}_{hashlib.sha256(name.encode('utf-8', 'replace')).hexdigest()[:HASH_DIGITS]}"


def checked_name(name: str) -> str:
    """Return `name` if it is on the allow-list of names that we create.

    Raises:
        SchemaError: it is not.
    """
    if not isinstance(name, str) or not _CREATED.fullmatch(name):
        raise SchemaError(f"the name {_shown(name)} must start with a letter or _ and hold only ASCII letters, digits and _, at most 128 of them")
    return name


def checked_qualified_name(name: str) -> str:
    """Quote `table`, `schema.table` or `catalog.schema.table` (or the same without the table) for SQL.

    Raises:
        SchemaError: it has more than three parts, or a part is not on the allow-list.
    """
    parts = name.split(".") if isinstance(name, str) else []
    if not 1 <= len(parts) <= 3:
        raise SchemaError(f"the name {_shown(name)} must have one to three parts, separated by dots")
    return ".".join(quoted(checked_name(part)) for part in parts)


def quoted(name: str) -> str:
    """A name that exists already, in backticks."""
    return "`" + name.replace("`", "``") + "`"


def create_schema_sql(database: str) -> str:
    """`CREATE SCHEMA IF NOT EXISTS` for a checked name.

    Raises:
        SchemaError: the name is not allowed.
    """
    return f"CREATE SCHEMA IF NOT EXISTS {checked_qualified_name(database)}"


def drop_schema_sql(database: str) -> str:
    """`DROP SCHEMA ... RESTRICT` for a checked name: a schema that holds anything stays.

    Raises:
        SchemaError: the name is not allowed.
    """
    return f"DROP SCHEMA IF EXISTS {checked_qualified_name(database)} RESTRICT"


def path_table(path: str) -> str:
    """The Delta table in a folder, as SQL names it.

    Raises:
        SchemaError: the path holds control characters or wildcards.
    """
    return f"delta.{quoted(checked_path(path))}"


def describe_table_sql(table: str) -> str:
    """`DESCRIBE TABLE EXTENDED`: columns, then what the catalog knows: type, location, provider, properties. `table` is quoted already."""
    return f"DESCRIBE TABLE EXTENDED {table}"


def describe_detail_sql(table: str) -> str:
    """`DESCRIBE DETAIL`: one row of format, id, location, properties, features. `table` is quoted already, as by `path_table`."""
    return f"DESCRIBE DETAIL {table}"


def describe_history_sql(table: str, commits: int) -> str:
    """`DESCRIBE HISTORY`: the last `commits` commits, the latest first. `table` is quoted already."""
    return f"DESCRIBE HISTORY {table} LIMIT {int(commits)}"


def restore_sql(table: str, version: int) -> str:
    """`RESTORE TABLE` to a version, as a new commit. `table` is quoted already."""
    return f"RESTORE TABLE {table} TO VERSION AS OF {int(version)}"


def drop_table_sql(table: str) -> str:
    """`DROP TABLE IF EXISTS`. `table` is quoted already."""
    return f"DROP TABLE IF EXISTS {table}"


def define_table_sql(
    table: str,
    columns: Iterable[Mapping[str, Any]],
    properties: Mapping[str, str],
    *,
    partitions: Iterable[str] = (),
    comment: str | None = None,
    generated: Mapping[str, str] | None = None,
    replace: bool = False,
) -> str:
    """`CREATE TABLE` of an empty Delta table; with `replace`, of one that is there: it becomes empty, its history stays.

    Args:
        table: quoted already.
        columns: the fields of a schema, as Spark's JSON has them; none for a table that gets its columns later.
        properties: of the table.
        partitions: its partition columns.
        comment: on it.
        generated: expressions of generated columns.

    Raises:
        SchemaError: a column has a name, a type or an expression that cannot be written.
    """
    columns = list(columns)
    known = {column["name"] for column in columns}
    clauses_of = {name: f" GENERATED ALWAYS AS {checked_expression(text, known, name)}" for name, text in (generated or {}).items()}
    parts = [_column_sql(column, generated=clauses_of.get(column["name"], "")) for column in columns]
    listed = _pairs_sql(properties)
    body = f" ({', '.join(parts)})" if parts else ""
    apart = ", ".join(quoted(column) for column in partitions)
    clauses = (f" PARTITIONED BY ({apart})" if apart else "") + (f" COMMENT {_text_sql(comment)}" if comment else "")
    return f"{'REPLACE' if replace else 'CREATE'} TABLE {table}{body} USING delta{clauses}{f' TBLPROPERTIES ({listed})' if listed else ''}"


def set_properties_sql(table: str, properties: Mapping[str, str]) -> str:
    """`ALTER TABLE` that sets properties. `table` is quoted already."""
    return f"ALTER TABLE {table} SET TBLPROPERTIES ({_pairs_sql(properties)})"


def set_tags_sql(table: str, tags: Mapping[str, str]) -> str:
    """`ALTER TABLE` that sets tags, as Unity Catalog knows them. `table` is quoted already."""
    return f"ALTER TABLE {table} SET TAGS ({_pairs_sql(tags)})"


def metastore_sql() -> str:
    """A query that only a session with Unity Catalog can answer."""
    return "SELECT current_metastore()"


def rename_tables_sql(names: Iterable[tuple[str, str]]) -> str:
    """MySQL's `RENAME TABLE` of several tables in one step; old and new names are quoted already, in its own way."""
    return "RENAME TABLE " + ", ".join(f"{old} TO {new}" for old, new in names)


def subquery_sql(select: str) -> str:
    """A query where Spark's JDBC reader wants a table; its names are quoted already, in the database's own way."""
    return f"({select}) synthohive_rows"


def _column_sql(column: Mapping[str, Any], separator: str = " ", generated: str = "") -> str:
    said = column.get("metadata", {})
    length = said.get("__CHAR_VARCHAR_TYPE_STRING", "")
    kind = length if _SCALAR_TYPE.fullmatch(length) else column["type"]  # of a struct it has names, which are not quoted there
    note = f" COMMENT {_text_sql(said['comment'])}" if said.get("comment") else ""
    return f"{quoted(column['name'])}{separator}{_type_sql(kind, column['name'])}{'' if column['nullable'] else ' NOT NULL'}{generated}{note}"


def _type_sql(kind: Any, column: str) -> str:
    """A type of Spark's JSON as SQL; names inside are quoted."""
    if isinstance(kind, str) and _SCALAR_TYPE.fullmatch(kind):
        return _SQL_TYPES.get(kind, kind)
    if isinstance(kind, Mapping) and kind.get("type") == "struct":
        return f"struct<{', '.join(_column_sql(f, ': ') for f in kind['fields'])}>"
    if isinstance(kind, Mapping) and kind.get("type") == "array":
        return f"array<{_type_sql(kind['elementType'], column)}>"
    if isinstance(kind, Mapping) and kind.get("type") == "map":
        return f"map<{_type_sql(kind['keyType'], column)}, {_type_sql(kind['valueType'], column)}>"
    raise SchemaError(f"the column {_shown(column)} has a type that a Delta table cannot be made with: {_shown(kind)}; cast it first")


def _pairs_sql(pairs: Mapping[str, str]) -> str:
    return ", ".join(f"{_text_sql(key)} = {_text_sql(value)}" for key, value in pairs.items())


def _text_sql(text: str) -> str:
    """A string literal."""
    # A dollar would begin a variable of the session, which Spark puts in before it reads the statement.
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("$", "\\u0024") + "'"


def existing_table_name(name: object) -> str:
    """Quote the name of a table that is there already: `table`, `schema.table` or `catalog.schema.table`; parts may come in backticks.

    Raises:
        SchemaError: it has more than three parts, an empty part, a stray backtick or a control character.
    """
    parts: list[str] = []
    rest = name if isinstance(name, str) and not _CONTROL.search(name) else ""
    while match := _BACKTICKED_PART.match(rest):
        parts.append(match[2] if match[1] is None else match[1].replace("``", "`"))
        rest = rest[match.end() :]
        if not rest.startswith("."):
            break
        rest = rest[1:] or "."  # a dot at the end leaves an empty part, which must not pass
    if rest or not 1 <= len(parts) <= 3:
        raise SchemaError(f"{_shown(name)} is no table name: expected one to three parts, separated by dots, with backticks around a part that holds a dot")
    return ".".join(quoted(part) for part in parts)


def checked_path(path: object) -> str:
    """Return `path` if it can name one file or folder, local or with a protocol.

    Raises:
        SchemaError: it is empty, no text, or holds control characters or wildcards (which Spark would expand).
    """
    if not isinstance(path, str) or not path.strip():
        raise SchemaError(f"the path {_shown(path)} must be non-empty text")
    if _CONTROL.search(path) or any(c in path for c in "*?[]{}`"):
        raise SchemaError(f"the path {_shown(path)} holds a control character, a backtick or a wildcard (* ? [ ] {{ }})")
    return path


def _shown(name: object) -> str:
    text = repr(name)
    return text if len(text) <= 60 else text[:57] + "..."
