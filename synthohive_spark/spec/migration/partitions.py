"""Partitions of tables in DDL: their rows are those of the table, so they are no tables of their own."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sqlglot import exp

_PART = r'(?:"(?:[^"]|"")+"|[\w$]+)'
_NAME = rf"(?:{_PART}\.)*(?P<{{}}>{_PART})"
_ATTACH = re.compile(rf"TABLE\s+(?:IF\s+EXISTS\s+)?(?:ONLY\s+)?{_NAME.format('whole')}\s+ATTACH\s+PARTITION\s+{_NAME.format('part')}", re.IGNORECASE)


def partition_of(statement: exp.Expr) -> tuple[str, str] | None:
    """The partition that a statement makes (`CREATE TABLE ... PARTITION OF`) or attaches, and the table that it is one of; None for other statements."""
    if isinstance(statement, exp.Command):
        # No dialect of sqlglot reads ATTACH PARTITION.
        found = _ATTACH.match(str(statement.args.get("expression") or "").strip()) if str(statement.this).upper() == "ALTER" else None
        return None if found is None else (_plain(found["part"]), _plain(found["whole"]))
    made = statement.find(exp.PartitionedOfProperty) if isinstance(statement, exp.Create) else None
    if made is None or not isinstance(statement.this, exp.Table):
        return None
    whole = made.this.this if isinstance(made.this, exp.Schema) else made.this
    return statement.this.name, whole.name


def whole_table(name: str, partitions: Mapping[str, str]) -> str:
    """The table that a partition, or one of its partitions, is of; other names as they are."""
    seen = {name}
    while name in partitions and partitions[name] not in seen:
        name = partitions[name]
        seen.add(name)
    return name


def _plain(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name
