"""Row programs changed by what fit finds out: columns that no model draws, and the levels of forests."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from ..date_forms import is_date_form
from ..encoding import NumberEncoding, TableEncoding
from ..hidden import GAP, depth_column
from ..program import Match, TableProgram
from ..steps import Carry, Draw, Inherit, NumberKey, Step
from ..types import type_family


def without_drawn(program: TableProgram, columns: Collection[str]) -> TableProgram:
    """The program without some hidden columns that a model would draw; without `GAP`, the column that orders siblings is drawn as it is."""
    phases = []
    for phase in program.phases:
        steps = [_without(step, columns) if isinstance(step, Draw | Carry) else step for step in phase.steps]
        matches = [_unaided(m, columns) for m in phase.matches]
        kept = [step for step in steps if not isinstance(step, Draw | Carry) or step.columns or phase is program.phases[-1]]
        phases.append(phase.model_copy(update={"steps": tuple(kept), "matches": tuple(matches)}))
    return program.model_copy(update={"phases": tuple(phases)})


def without_inherited(program: TableProgram, pairs: Collection[tuple[str, str]]) -> TableProgram:
    """The program in which some columns no longer repeat the parent's in part of the rows: it is the parent's that is made of theirs.

    Args:
        pairs: own column and the parent's.
    """
    gone = {step.status: step for step in program.inherited if set(pairs) & set(zip(step.columns, step.parent_columns, strict=True))}
    if not gone:
        return program
    phases = [p.model_copy(update={"steps": tuple(s for s in p.steps if not isinstance(s, Inherit) or s.status not in gone)}) for p in program.phases]
    return without_drawn(program.model_copy(update={"phases": tuple(phases)}), set(gone))


def with_form_of_order(program: TableProgram, encoding: TableEncoding, declared: str | None) -> tuple[TableProgram, TableEncoding]:
    """Both, told whether the column that orders siblings holds dates or times in text or whole numbers: 20210201 is one day after 20210131.

    Where it does, `GAP` is left out of the encoding, as it has to be looked at again. Other text has no distances: `GAP` is left out of both, and the column
    orders nothing unless it was declared to.

    Args:
        declared: the column that users named.
    """
    order = program.draw.ordered_by
    if not program.draw.stepwise or order is None:
        return program, encoding
    column = encoding.column(order)
    form = column.form if isinstance(column, NumberEncoding) and is_date_form(column.form) and not column.labels else ""
    if not form and type_family(program.types[order]) != "text":
        return program, encoding
    kept = encoding.select(tuple(name for name in encoding.names if name != GAP))
    if form:
        return _with_draw(program, {"form": form}), kept
    return _with_draw(without_drawn(program, {GAP}), {} if order == declared else {"ordered_by": None}), kept


def _with_draw(program: TableProgram, changes: Mapping[str, object]) -> TableProgram:
    """The program whose last draw has these fields."""
    last = program.phases[-1]
    steps = tuple(step.model_copy(update=changes) if isinstance(step, Draw) else step for step in last.steps)
    return program.model_copy(update={"phases": (*program.phases[:-1], last.model_copy(update={"steps": steps}))})


def with_levels(program: TableProgram, levels: Mapping[int, tuple[int, ...]]) -> TableProgram:
    """The program with the real levels of its forests, by key."""
    phases = []
    for phase in program.phases:
        matches = [m.model_copy(update={"levels": levels[m.key]}) if m.key in levels else m for m in phase.matches]
        phases.append(phase.model_copy(update={"matches": tuple(matches)}))
    return program.model_copy(update={"phases": tuple(phases)})


def with_key_lengths(program: TableProgram, programs: Iterable[TableProgram], lengths: Mapping[str, Mapping[str, int]]) -> TableProgram:
    """The program with the most characters that its generated keys can have in their own column and in those that point at it.

    Args:
        programs: of all tables.
        lengths: of columns by table; none of those that have no limit.
    """
    limits = {c: [n] for c, n in lengths.get(program.table, {}).items()}
    for other in programs:
        for key in (key for key in other.foreign_keys if key.parent_table == program.table):
            for column, parent in zip(key.columns, key.parent_columns, strict=True):
                limits.setdefault(parent, []).extend([n for c, n in lengths.get(other.table, {}).items() if c == column])

    def limited(step: Step) -> Step:
        if not isinstance(step, NumberKey) or step.pattern.form != "text" or not limits.get(step.column):
            return step
        pattern = step.pattern.model_copy(update={"longest": min(limits[step.column])})
        if (pattern.most or 0) < program.rows:  # letters take the room of digits
            pattern = pattern.model_copy(update={"prefix": "", "suffix": "", "width": 1, "after": 0})
        return step.model_copy(update={"pattern": pattern})

    phases = [phase.model_copy(update={"steps": tuple(limited(step) for step in phase.steps)}) for phase in program.phases]
    return program.model_copy(update={"phases": tuple(phases)})


def _unaided(match: Match, columns: Collection[str]) -> Match:
    traits = tuple(t for t in match.traits if t.name not in columns)
    return match.model_copy(update={"traits": traits, "forest": match.forest and depth_column(match.key) not in columns})


def _without(step: Draw | Carry, columns: Collection[str]) -> Draw | Carry:
    kept = tuple(c for c in step.columns if c not in columns)
    return step.model_copy(update={"columns": kept} | ({"stepwise": step.stepwise and GAP in kept} if isinstance(step, Draw) else {}))
