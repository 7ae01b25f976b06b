"""Small results of many frames by few Spark jobs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import TypeVar

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from ..causes import step
from ..spec.hidden import hidden

T = TypeVar("T")
PLACE = hidden("place")
FRAMES_PER_JOB = 16  # aggregates that run as one Spark job; planning a union grows faster than its length


def collect_all(frames: Sequence[DataFrame]) -> Iterator[Row]:
    """The rows of all frames, which have one schema, by one Spark job for each `FRAMES_PER_JOB` of them."""
    for batch in batches(frames, FRAMES_PER_JOB):
        yield from union_all(batch).collect()


Search = Generator[DataFrame, list[Row], T]  # asks for the rows of frames, one after the other, and returns what it makes of them


def side_by_side(doing: str, searches: Mapping[str, Search[T]]) -> dict[str, T]:
    """What searches of several tables return: in each round, frames of one schema run as one Spark job for each `FRAMES_PER_JOB` of them.

    Args:
        doing: what is searched, for the note on an error.
        searches: by table.
    """
    found: dict[str, T] = {}
    answers: dict[str, list[Row] | None] = dict.fromkeys(searches)
    while answers:
        asked: dict[str, dict[str, DataFrame]] = defaultdict(dict)
        for table, answer in answers.items():
            try:
                frame = next(searches[table]) if answer is None else searches[table].send(answer)
                asked[frame.schema.simpleString()][table] = frame
            except StopIteration as done:
                found[table] = done.value
        answers = {
            table: rows for frames in asked.values() for batch in batches(list(frames.items()), FRAMES_PER_JOB) for table, rows in _answered(doing, batch)
        }
    return {table: found[table] for table in searches}


def _answered(doing: str, asked: Sequence[tuple[str, DataFrame]]) -> Iterator[tuple[str, list[Row]]]:
    tables, rows = [table for table, _ in asked], defaultdict(list)
    with step(*told(doing, tables)):
        for row in union_all([frame.select(F.lit(place).alias(PLACE), "*") for place, (_, frame) in enumerate(asked)]).collect():
            rows[row[PLACE]].append(row)
    return ((table, rows[place]) for place, table in enumerate(tables))


def told(doing: str, tables: Sequence[str]) -> tuple[str, str | None]:
    """`doing` something in one table or in several, as `step` takes it."""
    return (doing, tables[0]) if len(tables) == 1 else (f"{doing} the tables {', '.join(map(repr, tables))}", None)


def one_row(name: str, frame: DataFrame, asked: Mapping[str, Column]) -> DataFrame:
    """Aggregates of a frame as one row (`name`, `facts`), in which facts are a JSON object by label, so that different frames can be asked together."""
    return frame.agg(F.to_json(F.struct(*(column.alias(label) for label, column in asked.items()))).alias("facts")).select(F.lit(name).alias("name"), "facts")


def union_all(frames: Sequence[DataFrame]) -> DataFrame:
    """The rows of one or more frames with the same columns in the same order."""
    level = list(frames)
    while len(level) > 1:
        # By pairs: Spark analyses what it is given anew at every step, a chain of 100 would be gone through 100 times and nest 100 deep.
        level = [a.union(b) for a, b in zip(level[::2], level[1::2], strict=False)] + level[len(level) // 2 * 2 :]
    return level[0]


def batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """`items` in runs of at most `size`."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
