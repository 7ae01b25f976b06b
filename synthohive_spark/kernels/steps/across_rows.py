"""Columns that follow from other rows of the family."""

from __future__ import annotations

from ...spec.steps import AcrossRows
from ..block import Block
from ..dependencies.across_rows import across_rows
from ..dependencies.family_order import FamilyRows


def apply(step: AcrossRows, block: Block) -> None:
    """Give the columns; given values stay, and other rows follow them where they can."""
    if block.parents is None:
        return
    rows = FamilyRows(block.parents.of_child)
    block.columns |= across_rows(block.columns, step.rules, block.types, rows, block.held())
