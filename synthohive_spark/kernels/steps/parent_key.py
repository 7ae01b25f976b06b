"""The driving parent's key."""

from __future__ import annotations

import pyarrow as pa

from ...spec.steps import ParentKey
from ..block import Block
from ..columns.types import to_typed


def apply(step: ParentKey, block: Block) -> None:
    """Give the key's columns; without a driving parent they are null, or left to be drawn."""
    for name, parent_name in zip(step.columns, step.parent_columns, strict=True):
        if block.parents is not None:
            values = to_typed(block.parents.frame[parent_name], name, block.types[name])
            block.columns[name] = values.take(pa.array(block.parents.of_child))
        elif name not in step.fallback:
            block.columns[name] = pa.nulls(len(block), block.arrow_type(name))
