"""Columns that are null exactly where another column says so: in which rows, and what is drawn made to agree. Legend: `n` rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...spec.dependencies import Absence
from .lookups import stored
from .units import plain

TRIES = 50  # of drawing a determinant that lets an asked value be: a value of 5 % of the rows is missed in one of ten such rows

Draw = Callable[[str], pa.Array | None]  # values of a column's marginal, none of them null, (n,); None where it has none


def expected_null(absence: Absence, columns: Mapping[str, pa.Array], types: Mapping[str, str]) -> np.ndarray:
    """Where the target must be null, bool (n,)."""
    array = plain(columns[absence.determinants[0]])
    values = [v for v in absence.values if v is not None]
    found = np.zeros(len(array), dtype=bool)
    if values:
        known = plain(stored(values, types[absence.determinants[0]]))
        found |= pc.is_in(array, value_set=known.cast(array.type), skip_nulls=True).to_numpy(zero_copy_only=False)
    if None in absence.values:
        found |= array.is_null().to_numpy(zero_copy_only=False)
    return found if absence.within else ~found


def broken(absence: Absence, columns: Mapping[str, pa.Array], types: Mapping[str, str]) -> np.ndarray:
    """Which rows of real data do not agree, bool (n,)."""
    null = plain(columns[absence.target]).is_null().to_numpy(zero_copy_only=False)
    return np.asarray(null != expected_null(absence, columns, types))


def settled(absence: Absence, columns: Mapping[str, pa.Array], types: Mapping[str, str], draw: Draw, kept: np.ndarray) -> pa.Array:
    """The column that the target is drawn as, (n,): null where it must be, and with a value of its marginal where it must not.

    Args:
        kept: rows that stay as they are, bool (n,).
    """
    array = columns[absence.drawn_as]
    null = plain(array).is_null().to_numpy(zero_copy_only=False)
    empty = expected_null(absence, columns, types)
    missing = null & ~empty & ~kept
    values = draw(absence.drawn_as) if missing.any() else None
    if values is not None:
        array = pc.if_else(pa.array(missing), values.cast(array.type), array)
    return pc.if_else(pa.array(empty & ~kept), pa.scalar(None, array.type), array)


def turned(absence: Absence, columns: Mapping[str, pa.Array], types: Mapping[str, str], draw: Draw, rows: np.ndarray) -> pa.Array:
    """The determinant, (n,), with other values in those of `rows`, bool (n,), in which it would not let the target be what it is."""
    name = absence.determinants[0]
    array = columns[name]
    null = plain(columns[absence.drawn_as]).is_null().to_numpy(zero_copy_only=False)
    for attempt in range(TRIES):
        wrong = rows & (expected_null(absence, {**columns, name: array}, types) != null)
        if not wrong.any():
            break
        # A null is tried where the rule names it: the column may have none.
        values = pa.nulls(len(array), array.type) if not attempt and None in absence.values else draw(name)
        if values is None:
            break
        agrees = expected_null(absence, {**columns, name: values.cast(array.type)}, types) == null
        array = pc.if_else(pa.array(wrong & agrees), values.cast(array.type), array)
    return array
