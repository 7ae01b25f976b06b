"""Let values that share a code be alike: the second look at categories that have more values than codes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ..kernels.columns.likeness import compared, placed_frames, regrouped_frames, shared_from
from ..spec.encoding import CategoryEncoding, TableEncoding
from ..spec.identifiers import quoted
from .frames import map_frames


def with_alike_values(sampled: Callable[[], DataFrame], encoding: TableEncoding) -> TableEncoding:
    """`encoding` with the values of its large categories grouped by what the other columns say of them.

    Args:
        sampled: makes a bounded sample of the real rows with plain times: it comes to one task, as small integers.
    """
    large = encoding.select(tuple(c.name for c in encoding.columns if isinstance(c, CategoryEncoding) and shared_from(c) < len(c.starts)))
    others = compared(encoding)
    if not large.columns or len(others.columns) < 2:
        return encoding
    names = dict.fromkeys([*large.names, *others.names])
    fields = [*(f"p{i} int" for i in range(len(large.columns))), *(f"o{i} int" for i in range(len(others.columns)))]
    placed = map_frames(sampled().select(*(F.col(quoted(n)) for n in names)), partial(placed_frames, large=large, others=others), ", ".join(fields))
    kernel = partial(regrouped_frames, large=large, others=others)
    found = placed.repartition(1).mapInPandas(kernel, "column int, encoding string").collect()
    new = {large.names[row["column"]]: CategoryEncoding.model_validate_json(row["encoding"]) for row in found}
    return encoding.model_copy(update={"columns": tuple(new.get(c.name, c) for c in encoding.columns)})
