"""Columns that follow from others by exact dependencies."""

from __future__ import annotations

from ...spec.steps import Derive
from ..block import Block
from ..dependencies.derive import derive_columns
from ..given import held_rows


def apply(step: Derive, block: Block) -> None:
    """Give the targets, and change drawn determinants whose combination no real row has."""
    fitted = block.plan.fitted
    held = held_rows(block.plan.given, block.which)
    block.columns |= derive_columns(
        block.columns, step.dependencies, fitted.program, fitted.encoding, block.rng("dependencies"), held=held, stand_ins=block.stand_ins
    )
