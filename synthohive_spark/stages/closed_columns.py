"""Columns that no condition can name, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..kernels.asked import can_be_asked
from ..kernels.dependencies.pools import roots_of, rules_of
from ..spec.across_rows import Mirrored
from ..spec.dependencies import Order
from ..spec.fitted import FittedSchema, FittedTable
from ..spec.identifiers import HIDDEN_PREFIX
from ..spec.planning.across import adds_up
from ..spec.relations import inherited_columns
from ..spec.steps import Distinct, NumberKey, ParentKey, Position, Series, Settle
from ..spec.structure import SHOWN_NAMES

_KNOWN: dict[type[Any], str] = {
    NumberKey: "is a generated key",
    ParentKey: "is the key of the parent that brings the row",
    Series: "is part of a key that is drawn without repeats",
    Position: "counts the rows of a parent",
}
_MATCHED = "is a key that is matched with the rows of another table"


def closed_columns(table: FittedTable, fitted: FittedSchema) -> dict[str, str]:
    """The columns that cannot be conditioned on, and why."""
    program = table.program
    closed = {c: why for kind, why in _KNOWN.items() for step in program.of_kind(kind) for c in step.columns} | dict.fromkeys(program.matched, _MATCHED)
    for column, parent, above in inherited_columns(program):
        closed[column] = f"repeats the column {above!r} of its row in {parent!r}: name a value of that"
    for total in program.totals:
        closed[total.column] = f"is the {'number' if total.what == 'rows' else total.what} of its rows in {total.child!r}"
    for rule in (r for r in program.across if adds_up(r)):
        closed[rule.column] = "follows from other rows of its parent: name values of other columns, or fit without exact_dependencies"
    for column in program.drawn:
        if column.startswith(HIDDEN_PREFIX):
            continue
        if column in program.primary_key:
            closed.setdefault(column, "is part of the primary key")
        elif not can_be_asked(table.encoding.column(column)):
            closed.setdefault(column, "holds text or pii, which is not learnt")
    for struct in (s for step in program.of_kind(Settle) if isinstance(step, Settle) for s in step.structs if s.keys):
        closed.setdefault(struct.flag, "says whether a struct is there that holds a key")
    for moved in program.of_kind(Distinct):
        closed = dict.fromkeys(moved.columns, "is part of a unique key, and moved where it repeats") | closed
    for key in program.foreign_keys:
        if key.parent_table not in fitted.references:
            closed = {c: f"is part of the key to {key.parent_table!r}" for c in key.columns} | closed
    for key in program.foreign_keys:
        known = [c for c in key.columns if c in closed]
        if known:
            why = f"is part of a key to {key.parent_table!r} with {shown(known)}, which is known before the row is drawn"
            closed = dict.fromkeys(key.columns, why) | closed
    ruled = rules_of(program.dependencies)
    for order in (d for d in program.dependencies if isinstance(d, Order)):  # each after those of its determinants
        if order.base in closed or order.base in ruled:
            why = closed.get(order.base) or f"follows from {', '.join(map(repr, ruled[order.base].determinants))}"
            closed[order.target] = f"is drawn as a distance from {order.base!r}, which {why}"
        elif order.base is not None and order.base == program.draw.ordered_by:
            closed[order.target] = f"is drawn as a distance from {order.base!r}, which orders the rows of a parent"
        elif order.base in {rule.column for rule in program.across}:
            closed[order.target] = f"is drawn as a distance from {order.base!r}, which other rows of its parent follow"
    return {c: why for c, why in (_derived(table, closed) | closed).items() if c in program.names}


def _derived(table: FittedTable, closed: Mapping[str, str]) -> dict[str, str]:
    """The columns that follow from others of which one cannot be chosen, and why."""
    program = table.program
    rules = rules_of(program.dependencies)
    distances = {d.target for d in program.dependencies if isinstance(d, Order) and d.base is not None}
    across = {name for rule in program.across for name in (rule.column, *(rule.inputs if isinstance(rule, Mirrored) else ()))}
    found = {}
    for target in rules:
        for root in roots_of(target, rules):
            if root in closed:
                found[target] = f"follows from {root!r}, which {closed[root]}"
            elif root not in program.drawn and root not in distances:
                found[target] = f"follows from {root!r}, which is known before the row is drawn"
            elif root in across:
                found[target] = f"follows from {root!r}, which other rows of its parent follow: name a value of that"
            elif any(root in key.columns for key in program.foreign_keys if len(key.columns) > 1):
                found[target] = f"follows from {root!r}, which is part of a key of several columns: name a value of that"
    return found


def shown(names: Iterable[str]) -> str:
    names = list(names)
    more = f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
    return ", ".join(repr(n) for n in names[:SHOWN_NAMES]) + more if names else "none"
