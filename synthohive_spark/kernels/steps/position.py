"""A column that counts the rows of each parent."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from ...spec.steps import Position
from ..block import Block


def apply(step: Position, block: Block) -> None:
    """Give the column."""
    position = np.zeros(len(block), dtype="int64") if block.parents is None else block.parents.position
    block.columns[step.column] = pa.array(position + step.start).cast(block.arrow_type(step.column))
