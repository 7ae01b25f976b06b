"""Keys of which each row has exactly one: whether the others are there follows. Legend: `n` rows of the block, `S` statuses."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...spec.steps import OneOf
from ..block import Block


def apply(step: OneOf, block: Block) -> None:
    """No status is true where the driving key is there; elsewhere one is: of those that were drawn so, else of all, one by how often the keys are there."""
    n = len(block)
    driven = np.zeros(n, dtype=bool)
    if step.driving:
        driven = np.logical_and.reduce([block.columns[name].is_valid().to_numpy(zero_copy_only=False) for name in step.driving])
    drawn = np.stack([pc.fill_null(block.columns[name], False).to_numpy(zero_copy_only=False) for name in step.statuses], axis=1)  # (n, S)
    weights = np.where(drawn.any(axis=1, keepdims=True), drawn, True) * np.asarray(step.shares)
    upto = np.cumsum(weights, axis=1)
    chosen = (upto <= block.rng(f"one of {step.statuses}").random(n)[:, None] * upto[:, -1:]).sum(axis=1)
    for i, name in enumerate(step.statuses):
        block.columns[name] = pa.array(~driven & (chosen == i))
