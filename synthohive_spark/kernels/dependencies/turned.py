"""Rows whose asked values are those of columns that are drawn as a distance from others: what they are drawn from follows. Legend: `n` rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...spec.dependencies import Absence, AnyDependency, Calendar, Order, Unequal
from .orders import distance_between, turned_round

Asked = Mapping[str, tuple[pa.Array, np.ndarray]]  # column -> values (n,), and the rows that must have them, bool (n,)


def turn_round(columns: Mapping[str, pa.Array], dependencies: Sequence[AnyDependency], asked: Asked, types: Mapping[str, str]) -> dict[str, pa.Array]:
    """The columns of which the asked values follow, as far as they change.

    A base is moved by as much as its target would be, and so is what that one is drawn from; where the base is asked for too, the distance follows.

    Args:
        columns: drawn so far, distances without nulls in the rows of `asked`.
        dependencies: in the order in which they are evaluated.
    """
    there, wanted = dict(columns), dict(asked)
    changed: dict[str, pa.Array] = {}
    targets = {d.target for d in dependencies if not isinstance(d, Unequal | Calendar | Absence)}
    for order in reversed([d for d in dependencies if isinstance(d, Order)]):
        if order.base is None or order.distance is None or order.target not in wanted:
            continue
        value, rows = wanted[order.target]
        base, fixed = wanted.get(order.base, (there.get(order.base), np.zeros(len(rows), dtype=bool)))
        found = turned_round(order, value, there, types)
        moves = rows & ~fixed & ~_null(value)
        base = _where(moves, found, found if base is None else base)
        wanted[order.base] = (base, fixed | moves)
        apart = distance_between(order, value, {**there, order.base: base}, types).cast(there[order.distance].type)
        changed[order.distance] = _where(rows & ~moves, apart, there[order.distance])
    changed |= {name: _where(rows, value, there[name]) for name, (value, rows) in wanted.items() if name in there and name not in targets}
    return changed


def _where(rows: np.ndarray, values: pa.Array, otherwise: pa.Array) -> pa.Array:
    return pc.if_else(pa.array(rows), values.cast(otherwise.type), otherwise)


def _null(array: pa.Array) -> np.ndarray:
    return np.asarray(array.is_null().to_numpy(zero_copy_only=False))
