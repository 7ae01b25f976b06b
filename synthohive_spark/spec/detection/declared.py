"""Keys that tables declare: constraints as the catalog describes them, and words in comments on columns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from .facts import DeclaredKey

_NAME = r"`(?:[^`]|``)+`|[^\s`(),.]+"
_LIST = rf"\(\s*((?:{_NAME})(?:\s*,\s*(?:{_NAME}))*)\s*\)"
_PRIMARY = re.compile(rf"\bPRIMARY\s+KEY\s*{_LIST}", re.IGNORECASE)
_FOREIGN = re.compile(rf"\bFOREIGN\s+KEY\s*{_LIST}\s*REFERENCES\s+((?:{_NAME})(?:\.(?:{_NAME}))*)\s*(?:{_LIST})?", re.IGNORECASE)
_PRIMARY_COMMENT = re.compile(r"^\W*(?:the\s+)?(?:primary\s+key|pk)\b(?!\s+(?:of|in|from)\b)", re.IGNORECASE)
_FOREIGN_COMMENT = re.compile(
    r"\b(?:foreign\s+key|fk|references?|refers\s+to|points\s+(?:to|at)|links?\s+to|joins?\s+(?:to|with|on))\b\W{0,4}(?:(?:to|of|the|table)\s+)*"
    rf"((?:{_NAME})(?:\.(?:{_NAME}))*)\s*(?:\(\s*({_NAME})\s*\))?",
    re.IGNORECASE,
)


def declared_in(lines: Iterable[str]) -> list[DeclaredKey]:
    """The keys in what `DESCRIBE TABLE EXTENDED` tells of constraints, one text each.

    Names of tables are given without their catalog and schema.
    """
    found = []
    for line in lines:
        if match := _FOREIGN.search(line):
            found.append(DeclaredKey(_names(match[1]), _parts(match[2])[-1], _names(match[3] or ""), "a constraint of the catalog"))
        elif match := _PRIMARY.search(line):
            found.append(DeclaredKey(_names(match[1]), by="a constraint of the catalog"))
    return found


def told_in_comments(comments: Mapping[str, str], tables: Mapping[str, Iterable[str]]) -> list[DeclaredKey]:
    """The keys that comments on columns tell: `primary key`, `references customers(id)`, `FK to customers.id`.

    Args:
        comments: by column.
        tables: the columns of all tables of the schema: words that name none of them are only words.
    """
    folded = {name.casefold(): name for name in tables}
    found, primary = [], []
    for column, comment in comments.items():
        if _PRIMARY_COMMENT.search(comment):
            primary.append(column)
        for match in _FOREIGN_COMMENT.finditer(comment):
            parts = _parts(match[1].rstrip(".;:"))
            key = _pointed_at(parts, _names(match[2] or ""), folded, tables)
            if key is not None:
                found.append(DeclaredKey((column,), key[0], key[1], "the comment on the column", binding=False))
                break
    return [*([DeclaredKey(tuple(primary), by="comments on columns", binding=False)] if primary else []), *found]


def _pointed_at(
    parts: list[str], columns: tuple[str, ...], folded: Mapping[str, str], tables: Mapping[str, Iterable[str]]
) -> tuple[str, tuple[str, ...]] | None:
    """The table and column that a dotted name means."""
    table = folded.get(parts[-1].casefold())
    if table is None and len(parts) > 1 and not columns:
        table, columns = folded.get(parts[-2].casefold()), (parts[-1],)
    if table is None:
        return None
    known = {c.casefold(): c for c in tables[table]}
    return (table, tuple(known[c.casefold()] for c in columns)) if all(c.casefold() in known for c in columns) else None


def _names(listed: str) -> tuple[str, ...]:
    return tuple(_plain(name) for name in re.findall(_NAME, listed))


def _parts(dotted: str) -> list[str]:
    return [_plain(name) for name in re.findall(_NAME, dotted)]


def _plain(name: str) -> str:
    return name[1:-1].replace("``", "`") if name.startswith("`") else name
