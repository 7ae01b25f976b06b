"""Whether the files of a learnt table belong together: each can be sound by itself, and lead past the end of another."""

from __future__ import annotations

from collections.abc import Iterator

from ..spec.encoding import TableEncoding
from ..spec.fitted import ModelSpec, model_columns
from ..spec.program import TableProgram


def together_fault(table: str, program: TableProgram, encoding: TableEncoding, model: ModelSpec | None) -> str | None:
    """What is wrong between the files of `table`; None where they fit."""
    if (program.table, encoding.table) != (table, table):
        return "describes another table"
    if not program.phases:
        return "has a program without phases"
    if strays := sorted({key for key in _keys(program) if not 0 <= key < len(program.foreign_keys)}):
        return f"has {len(program.foreign_keys)} foreign keys, and its program names those of the numbers {strays[:3]}"
    if len(set(encoding.names)) < len(encoding.names) or len(set(program.names)) < len(program.names):
        return "has a column twice"
    if set(program.drawn) - set(encoding.names):
        return "draws columns that have no encoding"
    drawn = tuple(encoding.column(name).cardinality for name in model_columns(program, encoding))
    return "has a row model of other columns" if model is not None and model.row != drawn else None


def _keys(program: TableProgram) -> Iterator[int]:
    """The numbers of foreign keys that are named anywhere."""
    yield from () if program.driving is None else (program.driving,)
    yield from (*program.needs, *program.linkages)
    for match in program.matches:
        yield from (match.key, *match.needs, *match.never, *(key for apart in match.apart for key in apart.later))
    for unique in program.uniques:
        yield from (*unique.references, *(key for key, _ in unique.matches))
