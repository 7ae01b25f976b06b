"""Columns of generated rows by their dependencies, in the order of the program."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...spec.dependencies import Absence, AnyDependency, Calendar, Linear, Lookup, Order, Pick, Unequal
from ...spec.encoding import NumberEncoding, TableEncoding
from ...spec.hidden import status_column
from ...spec.program import TableProgram
from ..columns import decode_codes
from .absences import settled, turned
from .calendars import keep_on_calendar
from .formulas import Formula, evaluate, unanswered
from .lookups import expected, look_up
from .orders import follow_order, keep_order
from .parts_of_whole import within_whole
from .picks import nothing_there
from .unequal import Redraw, keep_apart
from .units import plain


def derive_columns(
    columns: Mapping[str, pa.Array],
    dependencies: Sequence[AnyDependency],
    program: TableProgram,
    encoding: TableEncoding,
    rng: np.random.Generator,
    held: Mapping[str, np.ndarray] | None = None,
    stand_ins: dict[str, pa.Array] | None = None,
    redraw: Redraw | None = None,
) -> dict[str, pa.Array]:
    """The targets of `dependencies`, and the drawn columns that had to change so that a combination is a real one.

    Args:
        columns: the rows' known and drawn columns, (n,) each.
        dependencies: those to evaluate, each after what it needs.
        encoding: of the table.
        rng: all randomness comes from it.
        held: for columns that must stay in some rows, which rows those are, bool (n,).
        redraw: other values for columns of which no two may be equal; None takes them from each column's marginal.
        stand_ins: what nulls were taken for in another call for the same rows; this call adds its own.
    """
    there = dict(columns)
    changed: dict[str, pa.Array] = {}
    fixed = fixed_columns(program)
    stand_ins = {} if stand_ins is None else stand_ins
    unequal: list[Unequal] = []
    for dependency in dependencies:
        if isinstance(dependency, Lookup):
            # A combination of a real row holds columns apart that are both in it.
            apart = {n for pair in unequal if {pair.target, *pair.determinants} - set(dependency.determinants) for n in (pair.target, *pair.determinants)}
            found, answered = look_up(dependency, there, program.types, fixed | apart, held or {}, rng, {c.name: c for c in encoding.columns})
            found[dependency.target] = _with_drawn(dependency, found[dependency.target], there.get(dependency.target), answered)
        elif isinstance(dependency, Unequal):
            unequal.append(dependency)
            there |= keep_apart(dependency, there, program.types, encoding, redraw or _marginal(encoding, rng), held or {}, rng)
            changed |= {name: there[name] for name in (dependency.target, *dependency.free)}
            continue
        elif isinstance(dependency, Calendar):
            found = keep_on_calendar(dependency, there, program.types, fixed, held or {}, rng)
        elif isinstance(dependency, Absence):
            found = _absent(dependency, there, program.types, encoding, fixed, held or {}, rng)
        elif isinstance(dependency, Order):
            found = {dependency.target: _ordered(dependency, there, program, encoding, stand_ins, rng, (held or {}).get(dependency.target))}
        else:
            needed, found = _complete_terms(dependency, there, program.types, encoding, fixed, held or {}, stand_ins, rng)
            answered = ~unanswered(dependency, needed)
            made = evaluate(dependency, needed, program.types)
            found[dependency.target] = _with_drawn(dependency, made, there.get(dependency.target), answered)
        there |= found
        changed |= found
        fixed |= {*dependency.determinants, *(() if isinstance(dependency, Absence) else (dependency.target,))}
    return changed


def _complete_terms(
    formula: Formula,
    there: Mapping[str, pa.Array],
    types: Mapping[str, str],
    encoding: TableEncoding,
    fixed: Collection[str],
    held: Mapping[str, np.ndarray],
    stand_ins: dict[str, pa.Array],
    rng: np.random.Generator,
) -> tuple[dict[str, pa.Array], dict[str, pa.Array]]:
    """The determinants, without nulls where the target has none, and those of them that change for good so that the target can be what it follows from."""
    needed, moved = {name: there[name] for name in formula.determinants}, {}
    is_filled = not encoding.column(formula.target).has_null and not formula.loose
    if isinstance(formula, Pick):
        return _with_one(formula, needed, {*fixed, *held}, encoding, stand_ins, rng) if is_filled else (needed, {})
    if is_filled:
        needed |= _all_complete({name: needed[name] for name in formula.required}, encoding, stand_ins, rng)
    if isinstance(formula, Linear):
        moved = within_whole(formula, needed, types, encoding, fixed, held)
    return needed | moved, moved


def _with_drawn(dependency: AnyDependency, made: pa.Array, drawn: pa.Array | None, answered: np.ndarray) -> pa.Array:
    """What the rule gives, (n,): in rows without its determinants what was drawn, and null where that was drawn in spite of them.

    Args:
        drawn: what the row model drew for the target; None where it has not yet.
        answered: rows in which the rule says something, bool (n,).
    """
    if drawn is None or not dependency.drawn:
        return made
    given = answered & ~(dependency.gaps & plain(drawn).is_null().to_numpy(zero_copy_only=False))
    otherwise = pc.if_else(pa.array(answered), pa.scalar(None, drawn.type), drawn) if dependency.loose else pa.nulls(len(drawn), drawn.type)
    return pc.if_else(pa.array(given), made, otherwise)


def derived_again(
    batches: Iterator[pa.RecordBatch],
    *,
    names: Sequence[str],
    dependencies: Sequence[Formula | Order | Lookup],
    types: Mapping[str, str],
    encoding: TableEncoding,
    drawn: Mapping[str, str],
) -> Iterator[pa.RecordBatch]:
    """Rows in, and out with the targets of formulas, lookups and orders whose determinants have changed.

    That of a formula stays where a determinant is null, that of a lookup where no combination tells it, and null where it may be.

    Args:
        names: of the batches' columns, which come and go under others.
        dependencies: in the order in which they are evaluated.
        types: of the columns that they read and give.
        encoding: of the targets of orders.
        drawn: for columns that have changed already, the column with what was drawn.
    """
    for batch in batches:
        columns = dict(zip(names, batch.columns, strict=True))
        before = {name: columns[old] for name, old in drawn.items()}
        for d in dependencies:
            target = columns[d.target]
            if isinstance(d, Order):
                column = encoding.column(d.target)
                if not isinstance(column, NumberEncoding):
                    raise TypeError(f"column {d.target!r} is no number, date or time")
                found = plain(follow_order(d, columns, before, types, column))
            else:
                value, told = expected(d, columns, types) if isinstance(d, Lookup) else (evaluate(d, columns, types), None)
                made, old = plain(value), plain(target)
                stays = made.is_null() if told is None else pa.array(~told)
                stays = pc.or_(stays, old.is_null()) if d.gaps else stays
                found = pc.if_else(stays, old.cast(made.type), made)
            before.setdefault(d.target, target)
            columns[d.target] = found.view(target.type) if pa.types.is_temporal(target.type) else found.cast(target.type)
        yield pa.RecordBatch.from_arrays(list(columns.values()), schema=batch.schema)


def fixed_columns(program: TableProgram) -> set[str]:
    """Columns whose values must stay: those that are known or derived, and keys, which have been made unique or joined to something."""
    kept = (
        set(program.names) - set(program.drawn)
        | {name for rule in program.across for name in rule.made}
        | {c for step in program.inherited for c in step.columns}
    )
    kept |= {d.target for d in program.dependencies if d.drawn}  # an earlier step may have derived them
    kept |= program.brought | {status_column(m.key) for m in program.early}
    return kept | set(program.primary_key) | set(program.fallback) | {c for key in program.foreign_keys if len(key.columns) > 1 for c in key.columns}


def _absent(
    absence: Absence,
    there: Mapping[str, pa.Array],
    types: Mapping[str, str],
    encoding: TableEncoding,
    fixed: Collection[str],
    held: Mapping[str, np.ndarray],
    rng: np.random.Generator,
) -> dict[str, pa.Array]:
    """What the target is drawn as, and the determinant where rows must keep a target that it would not let be."""
    name, rows = absence.determinants[0], len(there[absence.drawn_as])
    nowhere = np.zeros(rows, dtype=bool)
    types = {**types, name: encoding.column(name).spark_type} if absence.said else types
    kept = held.get(absence.target, nowhere)

    def draw(column: str) -> pa.Array | None:
        return _from_marginal(column, rows, encoding, rng)

    found = {}
    if kept.any() and name not in fixed:
        found[name] = turned(absence, there, types, draw, kept & ~held.get(name, nowhere))
    found[absence.drawn_as] = settled(absence, {**there, **found}, types, draw, kept)
    return found


def _ordered(
    order: Order,
    there: Mapping[str, pa.Array],
    program: TableProgram,
    encoding: TableEncoding,
    stand_ins: dict[str, pa.Array],
    rng: np.random.Generator,
    held: np.ndarray | None,
) -> pa.Array:
    needed = dict(there)
    target = encoding.column(order.target)
    if order.base is not None and order.distance is not None and not target.has_null:
        needed |= _all_complete({name: there[name] for name in (order.base, order.distance)}, encoding, stand_ins, rng)
    if not isinstance(target, NumberEncoding):
        raise TypeError(f"column {order.target!r} is no number, date or time")
    return keep_order(order, needed, program.types, target, held)


def _all_complete(columns: Mapping[str, pa.Array], encoding: TableEncoding, stand_ins: dict[str, pa.Array], rng: np.random.Generator) -> dict[str, pa.Array]:
    return {name: _complete(name, array, encoding, stand_ins, rng) for name, array in columns.items()}


def _with_one(
    pick: Pick, needed: dict[str, pa.Array], fixed: Collection[str], encoding: TableEncoding, stand_ins: dict[str, pa.Array], rng: np.random.Generator
) -> tuple[dict[str, pa.Array], dict[str, pa.Array]]:
    """The determinants, one of which is there in each row, and the last that may change where it had to: a target that is never null needs one."""
    empty = nothing_there(pick.determinants, needed)
    if not empty.any():
        return needed, {}
    name = next((n for n in reversed(pick.determinants) if n not in fixed), "")
    other = name or pick.determinants[-1]
    filled_in = pc.if_else(pa.array(empty), _complete(other, needed[other], encoding, stand_ins, rng), needed[other])
    return needed | {other: filled_in}, {name: filled_in} if name else {}


def _complete(name: str, array: pa.Array, encoding: TableEncoding, stand_ins: dict[str, pa.Array], rng: np.random.Generator) -> pa.Array:
    """`array` with its nulls filled from the column's marginal, the same for all targets: a row without a time still has one month, and a day that it has."""
    empty = plain(array).is_null()
    if not pc.any(empty).as_py():
        return array
    if name not in stand_ins:
        found = _from_marginal(name, len(array), encoding, rng)
        if found is None:
            return array
        stand_ins[name] = found
    return pc.if_else(empty, stand_ins[name].cast(array.type), array)


def _marginal(encoding: TableEncoding, rng: np.random.Generator) -> Redraw:
    def drawn(name: str, rows: np.ndarray, there: Mapping[str, pa.Array]) -> pa.Array:
        found = _from_marginal(name, len(rows), encoding, rng)
        return there[name].take(pa.array(rows)) if found is None else found

    return drawn


def filled(name: str, array: pa.Array, rows: np.ndarray, encoding: TableEncoding, rng: np.random.Generator) -> pa.Array:
    """`array` without nulls in `rows`, bool (n,): a value of the column's marginal is there instead."""
    empty = pc.and_(plain(array).is_null(), pa.array(rows))
    found = _from_marginal(name, len(array), encoding, rng) if pc.any(empty).as_py() else None
    return array if found is None else pc.if_else(empty, found.cast(array.type), array)


def _from_marginal(name: str, rows: int, encoding: TableEncoding, rng: np.random.Generator) -> pa.Array | None:
    """Values of a column that are not null, (n,); None where it has none."""
    column = encoding.column(name)
    shares = np.asarray(column.weights[int(column.has_null) :], dtype=np.float64)
    if not len(shares):
        return None
    codes = rng.choice(len(shares), size=rows, p=shares / shares.sum()) + int(column.has_null)
    return decode_codes(codes[:, None], encoding.select((name,)), rng)[name]
