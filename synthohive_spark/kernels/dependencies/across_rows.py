"""Columns that follow from other rows of the family: their values for a block of rows.

Legend: `n` rows, those of a family together; `f` the number of each row's family, `p` its place there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ...spec.across_rows import AcrossRule, Ascending, Lagged, Mirrored, Running, Shared
from ...spec.family_shapes import FamilyShape
from ..columns.types import decimal_scale
from .family_order import FamilyRows, order_of, ranks_by
from .family_shapes import LAST_TURN, shaped, turn_of
from .lookups import stored
from .units import LARGEST, from_units, plain, to_floats, to_units


def across_rows(
    columns: Mapping[str, pa.Array], rules: Sequence[AcrossRule], types: Mapping[str, str], rows: FamilyRows, held: Mapping[str, np.ndarray]
) -> dict[str, pa.Array]:
    """The rules' columns: sorted ones, mirrored ones, then the others, each after those that make what it reads.

    Args:
        columns: what the rules read, and the drawn values of their own columns, (n,) each.
        types: Spark types.
        held: for columns that must stay in some rows, which rows those are, bool (n,): other rows of the family follow them.
    """
    there = dict(columns)
    ascending, mirrored = [r for r in rules if isinstance(r, Ascending)], [r for r in rules if isinstance(r, Mirrored)]
    there |= {r.column: _ascending(there[r.column], rows, held.get(r.column)) for r in ascending}
    there |= _mirrored(there, mirrored, types, rows, held)
    nowhere = np.zeros(len(rows.family), dtype=bool)
    # Shared columns follow one row, so that what holds between them in that row holds in all.
    fast = np.logical_or.reduce([nowhere, *(held[r.column] for r in rules if isinstance(r, Shared) and r.column in held)])
    for rule in _in_turn([r for r in rules if not isinstance(r, Ascending | Mirrored)]):
        mine = held.get(rule.column, nowhere)
        if isinstance(rule, FamilyShape):
            there |= shaped(there, rule, types, rows, held)
            continue
        if isinstance(rule, Shared):
            own = np.isin(rows.start, rows.start[mine])
            value = there[rule.column].take(pa.array(np.where(own, _leader(rows, mine), _leader(rows, fast))))
        else:
            value = _lagged(rule, there, rows) if isinstance(rule, Lagged) else _running(rule, there, types, rows)
        there[rule.column] = pc.if_else(pa.array(mine), there[rule.column], value)
    return {name: there[name] for rule in rules for name in rule.made}


def _in_turn(rules: Sequence[Shared | FamilyShape | Lagged | Running]) -> list[Shared | FamilyShape | Lagged | Running]:
    """Shapes of families first, but each rule after those that make what it reads; of rules that wait for each other the first one goes on."""
    waiting = sorted(rules, key=lambda rule: turn_of(rule) if isinstance(rule, FamilyShape) else len(rules) + LAST_TURN)
    out = []
    while waiting:
        free = (r for r in waiting if not any(set(r.inputs) & set(other.made) for other in waiting if other is not r))
        rule = next(free, waiting[0])
        waiting.remove(rule)
        out.append(rule)
    return out


def _ascending(column: pa.Array, rows: FamilyRows, held: np.ndarray | None) -> pa.Array:
    """The values of each family in order, nulls last; families with given values stay as they are."""
    order = rows.sorted_by(order_of(column))
    stay = np.isin(rows.start, rows.start[held]) if held is not None else np.zeros(len(column), dtype=bool)
    return column.take(pa.array(np.where(stay, np.arange(len(column)), order)))


def _leader(rows: FamilyRows, held: np.ndarray) -> np.ndarray:
    """The row that the others of its family follow, int64 (n,): the first that is held, or the first."""
    n = len(rows.family)
    first_held = np.full(n + 1, n)
    np.minimum.at(first_held, rows.start[held], np.flatnonzero(held))
    return np.where(first_held[rows.start] < n, first_held[rows.start], rows.start)


def _mirrored(
    columns: Mapping[str, pa.Array], rules: Sequence[Mirrored], types: Mapping[str, str], rows: FamilyRows, held: Mapping[str, np.ndarray]
) -> dict[str, pa.Array]:
    """All at once: the second row of a pair takes what the first had before any of them changed."""
    if not rules:
        return {}
    n = len(rows.family)
    pair = rows.size == 2
    asked = np.zeros(n, dtype=bool)
    for rule in rules:
        asked |= held.get(rule.column, asked)
    follows = pair & (np.arange(n) != _leader(rows, asked & pair))
    other = np.where(pair, 2 * rows.start + 1 - np.arange(n), np.arange(n))
    out = {}
    for rule in rules:
        mine = held.get(rule.column, np.zeros(n, dtype=bool))
        value = counterpart(rule, columns[rule.of].take(pa.array(other)), types)
        out[rule.column] = pc.if_else(pa.array((pair if rule.both else follows) & ~mine), value, columns[rule.column])
    return out


def counterpart(rule: Mirrored, values: pa.Array, types: Mapping[str, str]) -> pa.Array:
    """What the row has whose partner has `values` in `rule.of`, in the exact type of `rule.column`."""
    spark_type = types[rule.column]
    if rule.total is not None:
        array = plain(values)
        if pa.types.is_floating(values.type):
            return pa.array(rule.total - to_floats(array), from_pandas=True).cast(values.type)
        digits = values.type.scale if pa.types.is_decimal(values.type) else 0
        units, null = to_units(array, digits)
        return from_units(round(rule.total * 10**digits) - units, null, spark_type, digits)
    if not rule.keys:
        return values
    keys, theirs = plain(stored(rule.keys, types[rule.of])), stored(rule.values, spark_type)
    array = plain(values)
    place = pc.index_in(array, value_set=keys.cast(array.type))
    known = place.is_valid()
    return pc.if_else(known, theirs.take(place.fill_null(0)), values)


def _lagged(rule: Lagged, columns: Mapping[str, pa.Array], rows: FamilyRows) -> pa.Array:
    before = rows.before(ranks_by(rule.ordered_by, columns))
    value = columns[rule.of].take(pa.array(np.maximum(before, 0)))
    first = columns[rule.column] if rule.first == "drawn" else pa.nulls(len(value), columns[rule.column].type)
    return pc.if_else(pa.array(before >= 0), value, first)


def _running(rule: Running, columns: Mapping[str, pa.Array], types: Mapping[str, str], rows: FamilyRows) -> pa.Array:
    """Exact in whole units where the column has digits; a family that begins with null counts from 0."""
    own = plain(columns[rule.column])
    start, _ = amounts_of(own, rule.digits)
    steps = step_of(rule, columns, types, len(own))
    order = ranks_by(rule.ordered_by, columns)
    n = len(own)
    by = rows.sorted_by(order)
    first = rows.before(order) < 0
    steps = steps if rule.first == "zero" else np.where(first, start, steps)
    total = np.cumsum(steps[by])
    begins = np.maximum.accumulate(np.where(first[by], np.arange(n), 0))
    summed = np.empty_like(total)
    # Differences of one sum over all families would leave small ones with the rounding of large ones.
    summed[by] = total - (total - steps[by])[begins] if rule.digits is not None else pd.Series(steps[by]).groupby(np.cumsum(first[by])).cumsum()
    return _typed(summed, types[rule.column], rule.digits)


def step_of(rule: Running, columns: Mapping[str, pa.Array], types: Mapping[str, str], n: int) -> np.ndarray:
    """What each of `n` rows adds, in units of `rule.digits` int64, or float64 (n,)."""
    scale = 1 if rule.digits is None else 10**rule.digits
    total = np.zeros(n, dtype=np.float64 if rule.digits is None else np.int64)
    for factor, name in zip(rule.factors, rule.terms, strict=True):
        total = total + factor * amounts_of(plain(columns[name]), rule.digits)[0]
    if rule.by is not None:
        array = plain(columns[rule.by])
        place = pc.index_in(array, value_set=plain(stored(rule.keys, types[rule.by])).cast(array.type)).fill_null(-1).to_numpy(zero_copy_only=False)
        total = total * np.append(np.asarray(rule.signs), 1)[place]
    added = rule.constant if rule.digits is None else round(rule.constant * scale)
    return (total.astype(object) if abs(added) > LARGEST else total) + added


def amounts_of(array: pa.Array, digits: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Units of `digits` after the point int64, or float64, 0 for null; and where it is null, bool; (n,) each."""
    if digits is None:
        x = to_floats(array)
        return np.nan_to_num(x), np.isnan(x)
    own = array.type.scale if pa.types.is_decimal(array.type) else digits if pa.types.is_floating(array.type) else 0
    units, null = to_units(array, own)
    units = np.where(null, 0, units)
    if own > digits:
        part = 10 ** (own - digits)
        return (units + part // 2) // part, null
    grain = 10 ** (digits - own)
    most = int(np.abs(units).max(initial=0)) * grain
    return (units.astype(object) if most > LARGEST else units) * grain, null


def _typed(values: np.ndarray, spark_type: str, digits: int | None) -> pa.Array:
    if digits is None:
        return pa.array(values, type=pa.float64()).cast(pa.float32() if spark_type == "float" else pa.float64())
    null = np.zeros(len(values), dtype=bool)
    if spark_type in ("float", "double"):
        return from_units(values, null, spark_type, digits)
    scale = decimal_scale(spark_type) or 0
    return from_units(values * 10 ** (scale - digits), null, spark_type, scale)
