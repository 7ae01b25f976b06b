"""A generated key: a function of the row's number."""

from __future__ import annotations

from ...spec.steps import NumberKey
from ..block import Block
from ..keys import key_values


def apply(step: NumberKey, block: Block) -> None:
    """Give the key's column."""
    block.columns[step.column] = key_values(step.pattern, block.rows, block.arrow_type(step.column), block.plan.seed)
