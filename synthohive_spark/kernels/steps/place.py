"""Where each row stands among the rows of its parent."""

from __future__ import annotations

from ...spec.steps import Place
from ..block import Block


def apply(step: Place, block: Block) -> None:
    """Give the hidden columns."""
    hidden = block.hidden()
    block.columns |= {name: hidden[name] for name in step.columns}
