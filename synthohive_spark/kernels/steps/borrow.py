"""Columns of the driving parent that rows have for a match alone."""

from __future__ import annotations

import pyarrow as pa

from ...spec.steps import Borrow
from ..block import Block
from ..columns.types import arrow_type, to_typed


def apply(step: Borrow, block: Block) -> None:
    """Give the columns; null without a driving parent."""
    for name, parent_name, spark_type in zip(step.columns, step.parent_columns, step.types, strict=True):
        if block.parents is None:
            block.columns[name] = pa.nulls(len(block), arrow_type(spark_type))
        else:
            block.columns[name] = to_typed(block.parents.frame[parent_name], name, spark_type).take(pa.array(block.parents.of_child))
