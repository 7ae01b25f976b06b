"""Columns that repeat the driving parent's row in some rows."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...spec.steps import Inherit
from ..block import Block
from ..columns.types import to_typed


def apply(step: Inherit, block: Block) -> None:
    """Give the columns where the hidden column says so; elsewhere what was drawn stays, or they are null."""
    same = pc.fill_null(block.columns[step.status], False) if block.parents is not None else pa.array(np.zeros(len(block), dtype=bool))
    for name, parent_name in zip(step.columns, step.parent_columns, strict=True):
        drawn = block.columns[name] if name in block.columns else pa.nulls(len(block), block.arrow_type(name))
        if block.parents is not None:
            theirs = to_typed(block.parents.frame[parent_name], name, block.types[name]).take(pa.array(block.parents.of_child))
            drawn = pc.if_else(same, theirs, drawn)
        block.columns[name] = drawn
