"""Columns that an earlier phase made."""

from __future__ import annotations

import numpy as np

from ...spec.encoding import ColumnEncoding
from ...spec.steps import Carry
from ..block import Block
from ..columns.types import to_typed


def apply(step: Carry, block: Block) -> None:
    """Give the columns as they came in; those that no partner has given are left open."""
    if block.carried is None:
        return
    for name in step.columns:
        spark_type = block.types[name] if name in block.types else _hidden(name, block).spark_type
        block.columns[name] = to_typed(block.carried[name], name, spark_type)
    block.open |= {name: ~np.asarray(block.columns[status].to_numpy(zero_copy_only=False), dtype=bool) for name, status in step.unless}


def _hidden(name: str, block: Block) -> ColumnEncoding:
    return block.plan.fitted.encoding.column(name)
