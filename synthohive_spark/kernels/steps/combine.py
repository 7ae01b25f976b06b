"""Keys of several columns to reference tables: their combinations must be among the table's."""

from __future__ import annotations

from ...spec.steps import Combine
from ..block import Block
from ..given import repair_around
from ..repair import ReferenceKey


def apply(step: Combine, block: Block) -> None:
    """Move rows whose combination does not exist to one that does."""
    columns = block.plan.fitted.program.foreign_keys[step.key].columns
    key = ReferenceKey(columns=columns, fixed=step.fixed, combinations=block.plan.combinations[step.key])
    block.columns |= repair_around(block.columns, key, block.rng("repair"), block.plan.given, block.which)
