"""Keys of which each row has exactly one: whether the others are there follows. Legend: `n` rows of the block, `S` statuses."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...spec.steps import OneOf
from ..block import Block


def apply(step: OneOf, block: Block) -> None:
    """No status is true where the driving key is there; elsewhere one is: the first that was drawn so, or one by how often the keys are there."""
    n = len(block)
    driven = np.zeros(n, dtype=bool)
    if step.driving:
        driven = np.logical_and.reduce([block.columns[name].is_valid().to_numpy(zero_copy_only=False) for name in step.driving])
    drawn = np.stack([pc.fill_null(block.columns[name], False).to_numpy(zero_copy_only=False) for name in step.statuses], axis=1)  # (n, S)
    shares = np.cumsum(step.shares) / sum(step.shares)
    by_share = np.minimum(np.searchsorted(shares, block.rng(f"one of {step.statuses}").random(n), side="right"), len(shares) - 1)
    chosen = np.where(drawn.any(axis=1), drawn.argmax(axis=1), by_share)
    for i, name in enumerate(step.statuses):
        block.columns[name] = pa.array(~driven & (chosen == i))
