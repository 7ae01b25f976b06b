"""Small results of many frames by few Spark jobs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

T = TypeVar("T")
FRAMES_PER_JOB = 16  # aggregates that run as one Spark job; planning a union grows faster than its length


def collect_all(frames: Sequence[DataFrame]) -> Iterator[Row]:
    """The rows of all frames, which have one schema, by one Spark job for each `FRAMES_PER_JOB` of them."""
    for batch in batches(frames, FRAMES_PER_JOB):
        yield from union_all(batch).collect()


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
