"""The rows of a driving parent beside what its children are told of the rows above it; of real rows as of made ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ..spec.hidden import hidden
from ..spec.identifiers import quoted
from ..spec.program import AboveColumn, TableProgram


def with_ancestors(
    rows: DataFrame, parent: str, above: Sequence[AboveColumn], programs: Mapping[str, TableProgram], frames: Mapping[str, DataFrame]
) -> DataFrame:
    """`rows` of the table `parent` with the columns `above`, null where a key on the way is; one join for each table on the way.

    Args:
        frames: the rows of all tables above.
    """
    return _joined(rows, parent, [(column.path, column) for column in above], programs, frames)


def _joined(
    rows: DataFrame,
    table: str,
    wanted: Sequence[tuple[tuple[int, ...], AboveColumn]],
    programs: Mapping[str, TableProgram],
    frames: Mapping[str, DataFrame],
) -> DataFrame:
    ways: dict[int, list[tuple[tuple[int, ...], AboveColumn]]] = defaultdict(list)
    for path, column in wanted:
        ways[path[0]].append((path[1:], column))
    for index, columns in ways.items():
        key = programs[table].foreign_keys[index]
        links = [hidden(f"link_{i}") for i in range(len(key.columns))]
        own = [F.col(quoted(column.column)).alias(column.name) for path, column in columns if not path]
        further = [(path, column) for path, column in columns if path]
        theirs = _joined(frames[key.parent_table], key.parent_table, further, programs, frames)
        linked = [F.col(quoted(p)).alias(link) for p, link in zip(key.parent_columns, links, strict=True)]
        theirs = theirs.select(*linked, *own, *(F.col(quoted(column.name)) for _, column in further))
        rows = rows.join(theirs, [F.col(quoted(c)) == F.col(link) for c, link in zip(key.columns, links, strict=True)], "left").drop(*links)
    return rows
