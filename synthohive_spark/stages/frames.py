"""`mapInPandas` for columns of any name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from pyspark.sql import DataFrame

from ..kernels.staging import renamed_frames

Kernel = Callable[[Iterator[Any]], Iterator[Any]]


def map_frames(data: DataFrame, kernel: Kernel, ddl: str) -> DataFrame:
    """`data.mapInPandas(kernel, ddl)`. PySpark looks its columns up by unquoted names there, and takes a dot for a field: such names travel as positions."""
    if not any("." in name or "`" in name for name in data.columns):
        return data.mapInPandas(kernel, ddl)
    plain = data.toDF(*(f"c{i}" for i in range(len(data.columns))))
    return plain.mapInPandas(partial(renamed_frames, kernel=kernel, names=tuple(data.columns)), ddl)
