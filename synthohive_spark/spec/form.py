"""What a real table says of itself beside its rows, and its copy says too: partition columns, comments, lengths of text, rules that Delta keeps."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from pydantic import Field

from .base import Spec

Json = dict[str, Any]

COMMENT, LENGTH = "comment", "__CHAR_VARCHAR_TYPE_STRING"  # Spark's words for them in the metadata of a column
_LENGTH = re.compile(r"(var)?char\((\d{1,9})\)")


class ColumnNote(Spec):
    """What is said of one column.

    Attributes:
        path: its name; of a field of a struct, those of the columns around it first.
        comment: in words.
        length: `varchar(n)` or `char(n)`, of a column that is no struct's.
    """

    path: tuple[str, ...]
    comment: str | None = None
    length: str | None = None


class TableRules(Spec):
    """Rules of a Delta table that every row keeps, in SQL of whoever made it: run only what passes `expression_fault`.

    Attributes:
        generated: expressions by column, which has their values.
        checks: expressions by name of the constraint, which are true.
    """

    generated: dict[str, str] = Field(default_factory=dict)
    checks: dict[str, str] = Field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.generated or self.checks)

    def without(self, generated: Collection[str], checks: Collection[str]) -> TableRules:
        """The other rules."""
        return TableRules(
            generated={name: text for name, text in self.generated.items() if name not in generated},
            checks={name: text for name, text in self.checks.items() if name not in checks},
        )


class TableForm(Spec):
    """What is said of one table.

    Attributes:
        partitions: columns by whose values its files lie in folders, the outer first.
        comment: in words.
        columns: those of which something is said.
        rules: what every row keeps.
        left: what its copy does not have, in words.
    """

    partitions: tuple[str, ...] = ()
    comment: str | None = None
    columns: tuple[ColumnNote, ...] = ()
    rules: TableRules = Field(default_factory=TableRules)
    left: tuple[str, ...] = ()

    @property
    def lengths(self) -> dict[str, str]:
        """`varchar(n)` or `char(n)` by column."""
        return {note.path[0]: note.length for note in self.columns if note.length is not None and len(note.path) == 1}

    def without_columns(self) -> TableForm:
        """What is said of the table as a whole; rows from elsewhere need not keep to lengths and rules."""
        return self.model_copy(update={"columns": (), "rules": TableRules()})

    def without_rules(self, generated: Mapping[str, str], checks: Mapping[str, str]) -> TableForm:
        """The form without some of its rules, which are told among what its copy does not have; why not, by column and by name."""
        told = [f"that the column {name!r} is generated ({why})" for name, why in generated.items() if name in self.rules.generated]
        told += [f"the check constraint {name!r} ({why})" for name, why in checks.items() if name in self.rules.checks]
        return self.model_copy(update={"rules": self.rules.without(generated, checks), "left": tuple(dict.fromkeys([*self.left, *told]))})


def longest(length: str) -> int:
    """The characters of a `varchar(n)` or `char(n)`."""
    return int(length.partition("(")[2].rstrip(")"))


def noted(schema: Json) -> tuple[ColumnNote, ...]:
    """What the columns of a schema (Spark's JSON) say."""
    return tuple(_noted(schema, ()))


def _noted(schema: Json, above: tuple[str, ...]) -> Iterator[ColumnNote]:
    for column in schema["fields"]:
        path, said, length = (*above, column["name"]), column.get("metadata", {}), None
        if column["type"] == "string" and _LENGTH.fullmatch(str(said.get(LENGTH, ""))):
            length = str(said[LENGTH])
        if said.get(COMMENT) or length:
            yield ColumnNote(path=path, comment=said.get(COMMENT) or None, length=length)
        if _is_struct(column["type"]):
            yield from _noted(column["type"], path)


def annotated(schema: Json, form: TableForm) -> Json:
    """The inverse of `noted`: a schema with what a form says of those of its columns that are there."""
    return _annotated(schema, {note.path: note for note in form.columns}, ())


def _annotated(schema: Json, notes: dict[tuple[str, ...], ColumnNote], above: tuple[str, ...]) -> Json:
    fields = []
    for column in schema["fields"]:
        path = (*above, column["name"])
        note = notes.get(path, ColumnNote(path=path))
        said = {COMMENT: note.comment} if note.comment else {}
        if note.length and column["type"] == "string":
            said[LENGTH] = note.length
        kind = _annotated(column["type"], notes, path) if _is_struct(column["type"]) else column["type"]
        fields.append({**column, "type": kind, "metadata": {**column.get("metadata", {}), **said}})
    return {**schema, "fields": fields}


def partition_columns(schema: Json, form: TableForm) -> tuple[str, ...]:
    """The partition columns that a table with this schema can have: all of the form's, or none."""
    plain = [column["name"] for column in schema["fields"] if isinstance(column["type"], str)]
    # Spark does not see folders that begin with a dot.
    able = all(name in plain and not name.startswith(".") for name in form.partitions)
    return form.partitions if able and len(form.partitions) < len(schema["fields"]) else ()


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, dict) and kind.get("type") == "struct"
