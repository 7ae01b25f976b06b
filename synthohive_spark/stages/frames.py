"""`mapInPandas` for columns of any name, and unions of many frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar

from pyspark.sql import DataFrame

from ..kernels.staging import renamed_frames

T = TypeVar("T")
Kernel = Callable[[Iterator[Any]], Iterator[Any]]


def map_frames(data: DataFrame, kernel: Kernel, ddl: str) -> DataFrame:
    """`data.mapInPandas(kernel, ddl)`. PySpark looks its columns up by unquoted names there, and takes a dot for a field: such names travel as positions."""
    if not any("." in name or "`" in name for name in data.columns):
        return data.mapInPandas(kernel, ddl)
    plain = data.toDF(*(f"c{i}" for i in range(len(data.columns))))
    return plain.mapInPandas(partial(renamed_frames, kernel=kernel, names=tuple(data.columns)), ddl)


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
