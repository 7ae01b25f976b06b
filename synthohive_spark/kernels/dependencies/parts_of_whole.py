"""Parts that add up to a constant: where those that were drawn are more than the whole, they give way. Legend: `n` rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import pyarrow as pa

from ...spec.dependencies import Linear
from ...spec.encoding import NumberEncoding, TableEncoding
from .units import from_units, plain, to_units


def within_whole(
    rule: Linear, columns: Mapping[str, pa.Array], types: Mapping[str, str], encoding: TableEncoding, fixed: Collection[str], held: Collection[str]
) -> dict[str, pa.Array]:
    """The parts, (n,) each, smaller in proportion in rows in which they would leave the last one less than nothing; none where they cannot change."""
    target = encoding.column(rule.target)
    is_whole = rule.constant > 0 and len(rule.determinants) > 1 and all(f == -1 for f in rule.factors)
    if not is_whole or not isinstance(target, NumberEncoding) or min((*target.tokens, *target.knots), default=-1) < 0:
        return {}
    digits = rule.digits[0]
    if digits is None or any(d != digits for d in rule.digits) or set(rule.determinants) & {*fixed, *held}:
        return {}
    whole = round(rule.constant * 10**digits)
    parts = [to_units(plain(columns[name]), digits) for name in rule.determinants]
    total = np.sum([units for units, _ in parts], axis=0)
    over = (total > whole) & np.all([units >= 0 for units, _ in parts], axis=0)
    if total.dtype == object or not over.any():
        return {}
    scale = np.where(over, whole / np.maximum(total, 1), 1.0)
    smaller = [(np.floor(units * scale).astype(np.int64), null) for units, null in parts]
    return {name: from_units(units, null, types[name], digits) for name, (units, null) in zip(rule.determinants, smaller, strict=True)}
