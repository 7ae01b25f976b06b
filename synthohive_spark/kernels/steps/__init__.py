"""One module per kind of step, each with `apply`: the columns that it gives to a block of rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...spec.steps import AcrossRows, Borrow, Carry, Combine, Derive, Distinct, Draw, Inherit, NumberKey, OneOf, ParentKey, Place, Position, Series, Settle
from ..block import Block
from . import across_rows, borrow, carry, combine, derive, distinct, draw, inherit, number_key, one_of, parent_key, place, position, series, settle

APPLY: dict[type[Any], Callable[[Any, Block], None]] = {
    AcrossRows: across_rows.apply,
    Borrow: borrow.apply,
    Carry: carry.apply,
    Combine: combine.apply,
    Derive: derive.apply,
    Distinct: distinct.apply,
    Draw: draw.apply,
    Inherit: inherit.apply,
    NumberKey: number_key.apply,
    OneOf: one_of.apply,
    ParentKey: parent_key.apply,
    Place: place.apply,
    Position: position.apply,
    Series: series.apply,
    Settle: settle.apply,
}
