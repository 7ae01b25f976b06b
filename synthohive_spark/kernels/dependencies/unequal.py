"""Columns that never have the same value in a row: which rows break that, and other values for those. Legend: `n` rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...spec.dependencies import Unequal
from ...spec.encoding import TableEncoding
from ...spec.types import decimal_digits, type_family
from ..columns import decode_codes
from .units import plain

TRIES = 12  # values that a row model draws for a row before the commonest ones of its column are gone through
Redraw = Callable[[str, np.ndarray, Mapping[str, pa.Array]], pa.Array]  # column, places of rows (m,), columns (n,) -> values (m,)


def is_apart(unequal: Unequal, columns: Mapping[str, pa.Array], types: Mapping[str, str]) -> np.ndarray:
    """On which rows the target differs from all others, bool (n,): a null differs from everything."""
    own = _comparable(columns[unequal.target], types[unequal.target])
    apart = np.ones(len(own), dtype=bool)
    for name in unequal.determinants:
        same = pc.equal(own, _comparable(columns[name], types[name]))
        apart &= ~same.fill_null(False).to_numpy(zero_copy_only=False)
    return apart


def _comparable(array: pa.Array, spark_type: str) -> pa.Array:
    """In the widest type of its kind."""
    digits = decimal_digits(spark_type)
    if digits is not None:
        return array.cast(pa.decimal128(38, digits[1]))
    return array.cast(pa.int64()) if type_family(spark_type) == "integer" else array


def keep_apart(
    unequal: Unequal,
    columns: Mapping[str, pa.Array],
    types: Mapping[str, str],
    encoding: TableEncoding,
    redraw: Redraw,
    held: Mapping[str, np.ndarray],
    rng: np.random.Generator,
) -> dict[str, pa.Array]:
    """The columns that change, (n,) each: the target, and where that must stay a determinant that need not.

    Args:
        encoding: of the table.
        redraw: other values for some rows, given the rest of each.
        held: for columns that must stay in some rows, which rows those are, bool (n,).
        rng: where the row model draws the same value again and again.
    """
    there, changed = dict(columns), {}
    for name in (unequal.target, *unequal.free):
        others = unequal.determinants if name == unequal.target else (unequal.target,)
        pair = Unequal(target=name, determinants=others)
        rows = np.flatnonzero(~is_apart(pair, there, types) & ~held.get(name, np.zeros(len(columns[name]), dtype=bool)))
        if len(rows):
            there[name] = changed[name] = _moved(pair, rows, there, types, encoding, redraw, rng)
    return changed


def _moved(
    pair: Unequal,
    rows: np.ndarray,
    there: Mapping[str, pa.Array],
    types: Mapping[str, str],
    encoding: TableEncoding,
    redraw: Redraw,
    rng: np.random.Generator,
) -> pa.Array:
    """The target with other values in `rows`, none of them null: whether there is a value is not what was wrong."""
    array = there[pair.target]
    for _ in range(TRIES):
        if not len(rows):
            return array
        array, rows = _with_values(pair, array, rows, plain(redraw(pair.target, rows, {**there, pair.target: array})), there, types)
    column = encoding.select((pair.target,))
    codes = np.argsort(-np.asarray(column.columns[0].weights), kind="stable")
    for code in codes[: len(pair.determinants) + 2]:  # one of these is neither null nor the value of another
        if len(rows):
            values = decode_codes(np.full((len(rows), 1), code), column, rng)[pair.target]
            array, rows = _with_values(pair, array, rows, plain(values), there, types)
    return array


def _with_values(
    pair: Unequal, array: pa.Array, rows: np.ndarray, values: pa.Array, there: Mapping[str, pa.Array], types: Mapping[str, str]
) -> tuple[pa.Array, np.ndarray]:
    """The target with those of `values`, one for each of `rows`, that differ from the others; and the rows that are left."""
    part = {name: there[name].take(pa.array(rows)) for name in pair.determinants}
    values = values.cast(array.type) if values.type != array.type and not pa.types.is_temporal(array.type) else values.view(array.type)
    fine = is_apart(pair, {**part, pair.target: values}, types) & values.is_valid().to_numpy(zero_copy_only=False)
    place = np.arange(len(array))
    place[rows[fine]] = len(array) + np.flatnonzero(fine)
    return pa.concat_arrays([array, values]).take(pa.array(place)), rows[~fine]
