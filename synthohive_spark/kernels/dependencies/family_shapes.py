"""What holds of all rows of a family together, in a block of generated rows. Legend: `n` rows, those of a family together."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...spec.family_shapes import Apart, FamilyShape, Following, Forward, Marked, Numbered, Separate, Split
from ..columns.types import decimal_scale
from .family_order import FamilyRows, order_of, ranks_by
from .lookups import stored
from .units import LARGEST, from_units, plain, to_floats, to_units

ROUNDS = 24  # of looking for a value that the family does not have yet; what is left takes the first that is free
_TURNS: tuple[type[FamilyShape], ...] = (Separate, Apart, Forward, Following, Marked, Numbered, Split)
LAST_TURN = len(_TURNS)


def turn_of(rule: FamilyShape) -> int:
    """Times come first, then what is said of their order, numbers last."""
    return _TURNS.index(type(rule))


def shaped(
    columns: Mapping[str, pa.Array], rule: FamilyShape, types: Mapping[str, str], rows: FamilyRows, held: Mapping[str, np.ndarray]
) -> dict[str, pa.Array]:
    """The columns that the rule makes, (n,) each. Given values stay."""
    if not len(rows.family):
        return {}
    nowhere = np.zeros(len(rows.family), dtype=bool)
    stays = np.logical_or.reduce([held.get(name, nowhere) for name in rule.made])
    found = _separate(rule, columns, types, rows) if isinstance(rule, Separate) else {rule.column: _shape(rule, columns, types, rows, stays)}
    if isinstance(rule, Forward | Separate):  # moved past given values, others would break the rule with them
        stays = np.isin(rows.start, rows.start[stays])
    return {name: pc.if_else(pa.array(stays), columns[name], values) for name, values in found.items()}


def _shape(rule: FamilyShape, columns: Mapping[str, pa.Array], types: Mapping[str, str], rows: FamilyRows, held: np.ndarray) -> pa.Array:
    if isinstance(rule, Marked):
        return _marked(rule, columns, types, rows, held)
    if isinstance(rule, Following):
        return _following(rule, columns, types, rows)
    if isinstance(rule, Numbered):
        return _numbered(rule, columns, types, rows)
    if isinstance(rule, Split):
        return _split(rule, columns, types, rows)
    if isinstance(rule, Forward):
        return _forward(rule, columns, types, rows)
    return apart(columns[rule.column], rows, held)


def is_value(column: pa.Array, value: object, spark_type: str) -> np.ndarray:
    """Which rows have the value, null being one; bool (n,)."""
    array = plain(column)
    if value is None:
        return np.asarray(array.is_null().to_numpy(zero_copy_only=False), dtype=bool)
    same = pc.equal(array, plain(stored([value], spark_type))[0].cast(array.type))  # type: ignore[list-item]
    return np.asarray(same.fill_null(False).to_numpy(zero_copy_only=False), dtype=bool)


def _marked(rule: Marked, columns: Mapping[str, pa.Array], types: Mapping[str, str], rows: FamilyRows, held: np.ndarray) -> pa.Array:
    column, n = columns[rule.column], len(rows.family)
    there = is_value(column, rule.value, types[rule.column])
    by = rows.sorted_by(ranks_by(rule.ordered_by, columns))
    firsts = rows.start[by] == np.arange(n)  # rows that are sorted within their families begin where those do
    if rule.at == "one":
        wanted = np.where(there, np.where(held, rows.place - n, rows.place), n)  # given ones come first
        least = np.minimum.reduceat(wanted, np.flatnonzero(firsts))[np.cumsum(firsts) - 1]
        least = np.where(least < 0, least + n, least)
        # Of a family without the value any row may have it that has no other given one, always the same row.
        before = np.cumsum(~held) - ~held
        free = np.add.reduceat((~held).astype(np.int64), np.flatnonzero(firsts))[np.cumsum(firsts) - 1]
        other = ~held & (before - before[rows.start] == (rows.family * 2_654_435_761) % np.maximum(free, 1))
        chosen = np.where(least < n, rows.place == least, other)
    else:
        ends = firsts if rule.at == "first" else np.append(firsts[1:], True)
        chosen = np.zeros(n, dtype=bool)
        chosen[by[ends]] = True
    if not rule.always:
        some = np.maximum.reduceat(there, np.flatnonzero(firsts))[np.cumsum(firsts) - 1]
        chosen &= some
    value = stored([rule.value], types[rule.column]).take(pa.array(np.zeros(n, dtype=np.int64)))
    return pc.if_else(pa.array(chosen), value, _without(column, there, stored(rule.others, types[rule.column]) if rule.others else None))


def _without(column: pa.Array, unwanted: np.ndarray, others: pa.Array | None) -> pa.Array:
    """`column` with those of the next wanted row, in a circle, in place of unwanted ones; with the first of `others` where there is no wanted row."""
    good = np.flatnonzero(~unwanted)
    if not len(good):
        return column if others is None else others.take(pa.array(np.zeros(len(column), dtype=np.int64)))
    at = np.searchsorted(good, np.arange(len(column))) % len(good)
    return column.take(pa.array(np.where(unwanted, good[at], np.arange(len(column)))))


def _following(rule: Following, columns: Mapping[str, pa.Array], types: Mapping[str, str], rows: FamilyRows) -> pa.Array:
    by = rows.sorted_by(ranks_by(rule.ordered_by, columns))
    n = len(by)
    after = np.full(n, -1)
    after[by[:-1]] = np.where(rows.family[by[:-1]] == rows.family[by[1:]], by[1:], -1)
    theirs = columns[rule.of].take(pa.array(np.maximum(after, 0)))
    if rule.plus or theirs.type != columns[rule.column].type:
        units, null = to_units(plain(theirs), 0)
        theirs = from_units(units + rule.plus, null, types[rule.column], 0)
    drawn = columns[rule.column]
    if rule.ends:
        end = stored([rule.end], types[rule.column]).take(pa.array(np.zeros(n, dtype=np.int64)))
    else:
        end = _late_enough(drawn, columns[rule.of], after < 0) if rule.rising else drawn
    return pc.if_else(pa.array(after >= 0), theirs, end)


def _late_enough(drawn: pa.Array, begin: pa.Array, last: np.ndarray) -> pa.Array:
    """Ends of last rows, those before their own begin replaced by that of the next last row, or by the latest one."""
    ends, begins = order_of(drawn), order_of(begin)
    good, bad = np.flatnonzero(last & (ends >= begins)), np.flatnonzero(last & (ends < begins))
    if not len(good) or not len(bad):
        return drawn
    following = good[np.searchsorted(good, bad) % len(good)]
    latest = good[ends[good].argmax()]
    took = np.arange(len(drawn))
    took[bad] = np.where(ends[following] >= begins[bad], following, latest)
    return drawn.take(pa.array(took))


def _numbered(rule: Numbered, columns: Mapping[str, pa.Array], types: Mapping[str, str], rows: FamilyRows) -> pa.Array:
    numbers = rule.start + places(rule, columns, rows)
    return from_units(numbers, np.zeros(len(numbers), dtype=bool), types[rule.column], decimal_scale(types[rule.column]) or 0)


def places(rule: Numbered, columns: Mapping[str, pa.Array], rows: FamilyRows) -> np.ndarray:
    """The place of each row in its family by the rule, from 0, int64 (n,); rows alike come in the order of the numbers that they have."""
    if rule.ordered_by is None:
        return rows.place
    order = order_of(columns[rule.ordered_by])
    order = -order if rule.falling else order
    by = rows.sorted_by(order, order_of(columns[rule.column]))
    place = np.empty(len(by), dtype=np.int64)
    place[by] = rows.place
    if rule.tied:
        new = np.append(True, (order[by[1:]] != order[by[:-1]]) | (rows.family[by[1:]] != rows.family[by[:-1]]))
        place[by] = rows.place[np.maximum.accumulate(np.where(new, np.arange(len(by)), 0))]
    return place


def apart(column: pa.Array, rows: FamilyRows, held: np.ndarray | None = None) -> pa.Array:
    """Other values of the block for those that a row before has in the same family, or one that is held."""
    codes = plain(column).dictionary_encode(null_encoding="encode")
    code = codes.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    n, values = len(code), len(codes.dictionary)
    taken = code.copy()
    for turn in range(1, ROUNDS + 1):
        again = repeated(taken, rows, held)
        if not again.any():
            break
        step = np.random.default_rng(turn).integers(1, max(n, 2))  # values come as often as the block has them
        taken[again] = code[(np.flatnonzero(again) + step) % n]
    left = np.flatnonzero(repeated(taken, rows, held))
    for start in np.unique(rows.start[left]).tolist():
        mine = left[rows.start[left] == start]
        free = np.setdiff1d(np.arange(values), taken[start : start + int(rows.size[start])])
        some = min(len(free), len(mine))
        taken[mine[:some]] = np.roll(free, -start % max(len(free), 1))[:some]
    first = np.zeros(values, dtype=np.int64)
    first[code[::-1]] = np.arange(n)[::-1]
    return column.take(pa.array(np.where(taken == code, np.arange(n), first[taken])))


def repeated(codes: np.ndarray, rows: FamilyRows, held: np.ndarray | None = None) -> np.ndarray:
    """Rows whose value one before them in the family has, bool (n,); those that are held count as before all others."""
    by = rows.sorted_by(codes, None if held is None else ~held)
    again = np.zeros(len(codes), dtype=bool)
    again[by[1:]] = (codes[by[1:]] == codes[by[:-1]]) & (rows.family[by[1:]] == rows.family[by[:-1]])
    return again


def _separate(rule: Separate, columns: Mapping[str, pa.Array], types: Mapping[str, str], rows: FamilyRows) -> dict[str, pa.Array]:
    """Rows that begin before an earlier one has ended are moved to its end, with their own length."""
    (start, no_start), (stop, no_stop) = (to_units(plain(columns[name]), 0) for name in (rule.column, rule.stop))
    by = rows.sorted_by(order_of(columns[rule.column]))
    begin, end = start[by], np.where(no_stop, start, stop)[by]
    known = ~no_start[by]
    for place in range(1, int(rows.size.max(initial=1))):
        later = np.flatnonzero((rows.place == place) & known)
        late = np.maximum(end[later - 1] - begin[later], 0)
        begin[later] += late
        end[later] += late
    moved = {}
    for name, units, null, found in ((rule.column, start, no_start, begin), (rule.stop, stop, no_stop, end)):
        units = units.copy()
        units[by] = np.where(null[by], 0, found)
        moved[name] = from_units(units, null, types[name], 0)
    return moved


def _split(rule: Split, columns: Mapping[str, pa.Array], types: Mapping[str, str], rows: FamilyRows) -> pa.Array:
    """Shares of the total in proportion to what was drawn; what rounding leaves goes to the largest remainders."""
    scale = 10**rule.digits
    drawn = np.nan_to_num(to_floats(plain(columns[rule.column]))) * scale
    whole = round(rule.total * scale)
    first = np.flatnonzero(rows.place == 0)
    group = np.cumsum(rows.place == 0) - 1
    summed = np.add.reduceat(drawn, first)[group]
    if (np.rint(drawn) == drawn).all() and (summed == whole).all():
        return columns[rule.column]
    fair = np.where(summed > 0, drawn / np.where(summed > 0, summed, 1), 1.0 / rows.size) * whole
    units = np.floor(fair + 1e-9)
    left = whole - np.add.reduceat(units, first)[group]
    rank = np.empty(len(units), dtype=np.int64)
    rank[rows.sorted_by(-(fair - units))] = rows.place
    units = units + (rank < left)
    null = np.zeros(len(units), dtype=bool)
    own = decimal_scale(types[rule.column])
    digits = rule.digits if own is None else own
    whole_units, grain = np.rint(units).astype(np.int64), 10 ** (digits - rule.digits)
    exact = whole_units.astype(object) if rule.total * 10**digits > LARGEST else whole_units
    return from_units(exact * grain, null, types[rule.column], digits)


def _forward(rule: Forward, columns: Mapping[str, pa.Array], types: Mapping[str, str], rows: FamilyRows) -> pa.Array:
    """The steps of each family in their order; other values stay in their rows."""
    column = columns[rule.column]
    by = rows.sorted_by(ranks_by(rule.ordered_by, columns))
    steps = stored(rule.steps, types[rule.column])
    if rule.way == "each":
        place = np.empty(len(by), dtype=np.int64)
        place[by] = rows.place
        return steps.take(pa.array(np.minimum(place, len(steps) - 1)))
    if rule.way == "skip":
        column = apart(column, rows)
    rank = pc.index_in(plain(column), value_set=plain(steps).cast(plain(column).type)).fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    known = rank[by] >= 0
    inside = np.lexsort((rank[by], rows.family[by]))
    there = by[known]
    took = np.arange(len(by))
    took[there] = by[inside][rank[by][inside] >= 0]
    return column.take(pa.array(took))
