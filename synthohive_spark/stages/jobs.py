"""Small results of many frames by few Spark jobs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import reduce
from itertools import islice
from typing import TypeVar

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

T = TypeVar("T")
FRAMES_PER_JOB = 16  # aggregates that run as one Spark job; planning a union grows faster than its length


def collect_all(frames: Sequence[DataFrame]) -> Iterator[Row]:
    """The rows of all frames, which have one schema, by one Spark job for each `FRAMES_PER_JOB` of them."""
    for batch in _batches(frames, FRAMES_PER_JOB):
        yield from reduce(DataFrame.union, batch).collect()


def one_row(name: str, frame: DataFrame, asked: Mapping[str, Column]) -> DataFrame:
    """Aggregates of a frame as one row (`name`, `facts`), in which facts are a JSON object by label, so that different frames can be asked together."""
    return frame.agg(F.to_json(F.struct(*(column.alias(label) for label, column in asked.items()))).alias("facts")).select(F.lit(name).alias("name"), "facts")


def _batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
