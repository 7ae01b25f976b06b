"""Columns that follow from others by exact dependencies."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from ...spec.dependencies import Order
from ...spec.steps import Derive
from ..block import Block
from ..dependencies.derive import derive_columns, filled
from ..dependencies.formulas import unanswered
from ..dependencies.turned import turn_round
from ..redraw import Redrawing


def apply(step: Derive, block: Block) -> None:
    """Give the targets, and change drawn determinants whose combination no real row has."""
    fitted = block.plan.fitted
    held = block.held()
    asked = _asked(step, block, held)
    rng = block.rng("dependencies")
    if asked:
        distances = {d.distance: asked[d.target][1] for d in step.dependencies if isinstance(d, Order) and d.distance is not None and d.target in asked}
        block.columns |= {name: filled(name, block.columns[name], rows, fitted.encoding, rng) for name, rows in distances.items()}
        roots = {name: (block.columns[name], rows) for name, rows in held.items() if name in block.columns}
        block.columns |= turn_round(block.columns, step.dependencies, roots | asked, fitted.program.types)
    early = [d for d in step.dependencies if d.loose and d.target not in block.columns]
    block.columns |= derive_columns(
        block.columns, step.dependencies, fitted.program, fitted.encoding, rng, held=held, stand_ins=block.stand_ins, redraw=Redrawing(block)
    )
    block.open |= {d.target: unanswered(d, block.columns) & _null(block.columns[d.target]) for d in early}
    # A float that was asked for can differ from what its rule gives by its last bit.
    ruled = [d.target for d in step.dependencies if d.target in held and d.target not in asked]
    block.columns |= block.with_given({name: block.columns[name] for name in (*asked, *ruled)})


def _null(values: pa.Array) -> np.ndarray:
    return np.asarray(values.is_null().to_numpy(zero_copy_only=False))


def _asked(step: Derive, block: Block, held: Mapping[str, np.ndarray]) -> dict[str, tuple[pa.Array, np.ndarray]]:
    """The given values of columns that are drawn as a distance from others, and the rows that have one."""
    names = {d.target for d in step.dependencies if isinstance(d, Order) and d.base is not None} & set(held)
    empty = {name: pa.nulls(len(block), block.arrow_type(name)) for name in sorted(names)}
    values = block.with_given(empty)
    return {name: (values[name], held[name]) for name in empty}
