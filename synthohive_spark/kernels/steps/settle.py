"""Structs that can be null: what is inside agrees with whether they are there. Legend: `n` rows of the block."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...spec.steps import Presence, Settle
from ..block import Block
from ..columns import decode_codes


def apply(step: Settle, block: Block) -> None:
    """Settle the flags, empty what is inside structs that are not there, and fill what must have a value inside those that are."""
    held = block.held()
    for struct in step.structs:
        there = _there(struct, block, held)
        block.columns[struct.flag] = pa.array(there)
        for name in (*struct.fields, *struct.flags):
            if name in block.columns and name not in struct.keys:
                values = block.columns[name]
                block.columns[name] = pc.if_else(pa.array(there), values, pa.scalar(False if name in struct.flags else None, values.type))
        for name in struct.required:
            if name in block.columns and name not in struct.keys:
                _fill(name, there & ~_known(block.columns[name]), block)


def _there(struct: Presence, block: Block, held: Mapping[str, np.ndarray]) -> np.ndarray:
    """Whether a struct is there, bool (n,): as drawn, but for what its keys and given values demand."""
    there = _true(block.columns[struct.flag])
    for status in struct.statuses:
        there |= True if status is None else _true(block.columns[status])
    nowhere = np.zeros(len(block), dtype=bool)
    fields = {name: _known(block.columns[name]) for name in struct.fields if name in block.columns}
    decided = {name: ~nowhere if name in struct.keys else held.get(name, nowhere) for name in fields}
    for name, known in fields.items():
        there |= known & decided[name]
    for flag in struct.flags:
        if flag in block.columns:
            there |= _true(block.columns[flag]) & held.get(flag, nowhere)
    for name in struct.required:
        if name in fields:
            there &= fields[name] | ~decided[name]
    return there


def _fill(name: str, rows: np.ndarray, block: Block) -> None:
    """Values of the column's own distribution in `rows`, bool (n,), of a column that is null there."""
    encoding = block.plan.fitted.encoding
    if not rows.any() or name not in encoding.names:
        return
    shares = np.array(encoding.column(name).weights)
    shares[0] = 0.0  # null
    if not shares.sum():
        return
    rng = block.rng("structs")
    codes = rng.choice(len(shares), size=int(rows.sum()), p=shares / shares.sum())
    made = decode_codes(codes[:, None], encoding.select((name,)), rng)[name]
    place = np.where(rows, len(block) + np.cumsum(rows) - 1, np.arange(len(block)))
    block.columns[name] = pa.concat_arrays([block.columns[name], made]).take(pa.array(place))


def _known(values: pa.Array) -> np.ndarray:
    return np.array(values.is_valid().to_numpy(zero_copy_only=False))


def _true(values: pa.Array) -> np.ndarray:
    return np.array(pc.fill_null(values, False).to_numpy(zero_copy_only=False))
