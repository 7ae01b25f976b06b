"""From metadata and survey to one row program per table. Pure: whatever it accepts can be carried out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ..encoding import ColumnHint
from ..graph import SchemaGraph
from ..hidden import GAP, count_column, depth_column, same_column, shared_column, status_column
from ..metadata import Metadata
from ..program import Match, Phase, TableProgram, Trait
from ..steps import Borrow, Carry, Combine, Distinct, Draw, Inherit, NumberKey, OneOf, ParentKey, Place, Series, Step
from ..survey import Survey
from ..types import type_family
from .inherited import Inherited
from .keys import KeyPlan, plan_keys
from .references import is_aligned, reference_faults
from .siblings import plan_siblings
from .traits import with_traits
from .uniques import UniquePlan, plan_uniques, with_apart
from .view import TableView, opaque_columns


@dataclass
class SchemaPlan:
    """What the planner decided.

    Attributes:
        programs: of the learnt tables, parents first.
        hints: by table, what profiling should know of its columns, hidden ones included.
        references: rows of the reference tables.
        faults: what cannot be carried out, one sentence each; a table with a fault has no program.
    """

    programs: dict[str, TableProgram] = field(default_factory=dict)
    hints: dict[str, tuple[ColumnHint, ...]] = field(default_factory=dict)
    references: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def plan_schema(metadata: Metadata, graph: SchemaGraph, survey: Survey) -> SchemaPlan:
    """One program per learnt table that was surveyed."""
    plan = SchemaPlan(references={n: facts.rows for n, facts in survey.tables.items() if metadata.tables[n].role == "reference"})
    views = views_of(metadata, graph, survey)
    every = {name: plan_keys(view) for name, view in views.items()}
    for name, view in views.items():
        keys = every[name]
        uniques = plan_uniques(view, keys)
        faults = [*keys.faults, *uniques.faults, *reference_faults(view, keys, uniques.uniques)]
        plan.faults += [f"table {name!r}: {fault}" for fault in faults]
        if not faults:
            counts = drawn_counts(name, views, every)
            plan.programs[name] = _program(view, keys, uniques, counts)
            plan.hints[name] = _hints(view, plan.programs[name], counts)
    return plan


def views_of(metadata: Metadata, graph: SchemaGraph, survey: Survey) -> dict[str, TableView]:
    """The learnt tables as the planner sees them, parents first."""
    opaque = opaque_columns(metadata, survey)
    learnt = [name for name in graph.order if metadata.tables[name].role == "learnt" and name in survey.tables]
    return {name: TableView(metadata.tables[name], survey.tables[name], metadata, survey, graph, opaque) for name in learnt}


def drawn_counts(parent: str, views: Mapping[str, TableView], keys: Mapping[str, KeyPlan]) -> tuple[str, ...]:
    """Hidden columns of `parent` that are drawn with its row: its numbers of children along conditional keys that no other key implies."""
    return tuple(
        count_column(name, i)
        for name, view in views.items()
        for i, linkage in view.linkages.items()
        if view.key(i).parent_table == parent and linkage.method == "conditional" and i not in keys[name].implied
    )


def _program(view: TableView, keys: KeyPlan, uniques: UniquePlan, counts: tuple[str, ...]) -> TableProgram:
    matches = [with_traits(view, match) for match in with_apart(keys.matches, uniques)]
    early = tuple(m for m in matches if not view.is_deferred(m.key))
    late = tuple(m for m in matches if view.is_deferred(m.key))
    known = _known(view, keys, uniques)
    some = _inherits([i for i in keys.inherited if not i.always])
    drawn = (*_drawn(view, keys, matches, known, counts), *(step.status for step in some))
    conditions = tuple(c for step in uniques.known for c in step.columns)
    first = _first_phase(view, uniques, (*known, *_borrowed(view, keys, early)), early, drawn, conditions, some, keys.driving)
    siblings = plan_siblings(view, keys, uniques, drawn, first)
    if siblings.placed:
        known, conditions = (*known, Place()), (*conditions, *Place().columns)
        first = _placed(first)
    drawn = (*drawn, GAP) if siblings.stepwise else drawn
    carried = {c for m in early for c in (*view.key(m.key).columns, *m.brought, *m.carried) if c not in m.fixed} | (
        {c for s in first.steps if isinstance(s, Draw) for c in s.columns}
    )
    in_order = [*drawn, *(c for c, _, _ in view.facts.columns)]
    unless = tuple((c, status_column(m.key)) for m in early if m.status for c in m.brought if c in drawn)
    carry = (Carry(columns=tuple(dict.fromkeys(c for c in in_order if c in carried)), unless=unless),) if carried else ()
    steps = (
        *known,
        *carry,
        Draw(columns=drawn, conditions=conditions, ordered_by=siblings.ordered_by, stepwise=siblings.stepwise, since=_since(view, keys, siblings.since)),
        *(step for step in some if not set(step.columns) & carried),
        *_repairs(view, uniques, known, early),
    )
    last = Phase(steps=steps, matches=late)
    return TableProgram(
        table=view.table.name,
        rows=view.facts.rows,
        columns=view.facts.columns,
        primary_key=view.table.primary_key,
        foreign_keys=view.table.foreign_keys,
        phases=(first, last) if early else (last,),
        driving=keys.driving,
        needs=tuple(keys.needs.get(keys.driving, ())) if keys.driving is not None else (),
        linkages=view.linkages,
        uniques=tuple(uniques.uniques),
        opaque=tuple(sorted(view.opaque)),
        context=view.table.parent_context_cols,
    )


def _known(view: TableView, keys: KeyPlan, uniques: UniquePlan) -> tuple[Step, ...]:
    """What a row has before anything is drawn."""
    steps: list[Step] = [NumberKey(column=c, pattern=pattern) for c, pattern in view.generated.items()]
    if keys.driving is not None:
        key, nullable = view.key(keys.driving), view.null_rate(keys.driving)
        matched = {c for m in keys.matches if m.filled for c in view.key(m.key).columns}
        kept = [c for c in key.columns if c in view.stray(keys.driving) or c not in view.facts.nullable]
        pairs = [pair for i in keys.taken_over(keys.driving) for pair in zip(i.columns, i.parent_columns, strict=True)]
        own, theirs = tuple(c for c, _ in pairs), tuple(p for _, p in pairs)
        fallback = tuple(c for c in (*kept, *own) if c not in view.opaque | matched) if nullable else ()
        steps.append(ParentKey(columns=(*key.columns, *own), parent_columns=(*key.parent_columns, *theirs), fallback=fallback))
    return (*steps, *uniques.known)


def _borrowed(view: TableView, keys: KeyPlan, early: Iterable[Match]) -> tuple[Borrow, ...]:
    """What partners must share with the driving parent's row."""
    if keys.driving is None:
        return ()
    types = {shared_column(c): (c, kind) for c, kind in view.above(keys.driving).types.items()}
    columns = tuple(dict.fromkeys(own for match in early for own, _ in match.agree if own in types))
    found = [types[c] for c in columns]
    return (Borrow(columns=columns, parent_columns=tuple(c for c, _ in found), types=tuple(kind for _, kind in found)),) if columns else ()


def _inherits(inherited: Sequence[Inherited]) -> tuple[Inherit, ...]:
    """Each with a hidden column of its own, also where several fill the same columns."""
    steps: list[Inherit] = []
    for some in inherited:
        place = sum(step.columns == some.columns for step in steps)
        steps.append(Inherit(columns=some.columns, parent_columns=some.parent_columns, status=same_column(some.columns[0], place)))
    return tuple(steps)


def _drawn(view: TableView, keys: KeyPlan, matches: Iterable[Match], known: tuple[Step, ...], counts: tuple[str, ...]) -> tuple[str, ...]:
    there = {c for step in known for c in step.columns}
    matched = {c for m in matches for c in view.key(m.key).columns if c not in (*m.wished, *m.fixed)} | {c for i in keys.implied for c in view.columns(i)}
    visible = [c for c, _, _ in view.facts.columns if c not in there and c not in matched]
    statuses = [status_column(m.key) for m in matches if m.status]
    fallback = [c for step in known if isinstance(step, ParentKey) for c in step.fallback]
    return (*visible, *statuses, *(c for m in matches for c in m.carried), *counts, *fallback)


def _first_phase(
    view: TableView,
    uniques: UniquePlan,
    known: tuple[Step, ...],
    early: tuple[Match, ...],
    drawn: tuple[str, ...],
    conditions: tuple[str, ...],
    some: tuple[Inherit, ...],
    driving: int | None,
) -> Phase:
    """What the matches need: keys that are fixed, what tells rows apart, whether a key is there."""
    needed = {c for m in early for a in m.apart for c in a.before} | {c for m in early for c in (*m.fixed, *m.wished, *m.filled, *(own for own, _ in m.agree))}
    needed |= {status_column(m.key) for m in early if m.status} | {c for m in early for c in m.carried}
    keys = tuple(step for step in some if set(step.columns) & needed)
    needed |= {step.status for step in keys}
    moved = tuple(step for step in uniques.moved if set(step.columns) & needed)
    needed |= {c for step in moved for c in step.columns}
    columns = tuple(c for c in drawn if c in needed)
    # What is drawn depends on all that is known; generated keys say nothing.
    there = tuple(step for step in known if set(step.columns) & needed or (columns and not isinstance(step, NumberKey)))
    draw = (Draw(columns=columns, conditions=conditions),) if columns else ()
    return Phase(steps=(*there, *draw, *_one_of(view, driving, early), *keys, *_with_combinations(moved)), matches=early)


def _one_of(view: TableView, driving: int | None, early: tuple[Match, ...]) -> tuple[OneOf, ...]:
    """Keys of which each row has one: the largest sets first, each key in one set only, and none that is always or never there."""
    statuses = {m.key for m in early if m.status and not m.filled}
    steps: list[OneOf] = []
    done: set[int] = set()
    for keys in sorted(view.facts.one_of, key=len, reverse=True):
        matched = [i for i in keys if i in statuses]
        is_led = driving in keys and len(matched) == len(keys) - 1
        learnt = all(i in view.linkages and 0 < view.null_rate(i) < 1 for i in keys)
        # What stays without a parent says nothing of whether there is one.
        telling = () if driving is None else tuple(c for c in view.key(driving).columns if c in view.facts.nullable and c not in view.stray(driving))
        if learnt and not done & set(keys) and ((is_led and telling) or len(matched) == len(keys)):
            done |= set(keys)
            shares = tuple(1 - view.null_rate(i) for i in matched)
            steps.append(OneOf(driving=telling if is_led else (), statuses=tuple(status_column(i) for i in matched), shares=shares))
    return tuple(steps)


def _since(view: TableView, keys: KeyPlan, since: tuple[str, int] | None) -> tuple[str, str, int] | None:
    """The driving parent's column with its type, and its grain."""
    return None if since is None or keys.driving is None else (since[0], view.above(keys.driving).types[since[0]], since[1])


def _placed(phase: Phase) -> Phase:
    """The phase in which rows know their places, where a model draws some of them."""
    steps: list[Step] = []
    for step in phase.steps:
        if isinstance(step, Draw):
            steps += [Place(), step.model_copy(update={"conditions": (*step.conditions, *Place().columns)})]
        else:
            steps.append(step)
    return phase.model_copy(update={"steps": tuple(steps)})


def _with_combinations(moved: Iterable[Distinct]) -> tuple[Step, ...]:
    """Parts of a unique key are moved among combinations that exist: before that each row has one."""
    steps: list[Step] = []
    for step in moved:
        steps += [*(Combine(key=index) for index in step.references), step]
    return tuple(steps)


def _repairs(view: TableView, uniques: UniquePlan, known: tuple[Step, ...], early: tuple[Match, ...]) -> tuple[Step, ...]:
    """What moves drawn values so that keys hold."""
    in_first = {c for m in early for a in m.apart for c in a.before}
    moved = [step for step in uniques.moved if not set(step.columns) & in_first]
    unique = {c for key in view.unique_keys for c in key}
    fixed = {c for step in known for c in step.columns} | {c for m in early for c in view.key(m.key).columns}
    whole = {index for step in (*uniques.moved, *known) if isinstance(step, Distinct | Series) for index in step.references}
    steps = list(_with_combinations(moved))
    for index in sorted(view.references, key=lambda i: (not view.columns(i) & unique, i)):
        columns = view.key(index).columns
        if len(columns) > 1 and index not in whole and not set(columns) <= fixed:
            # One value that was drawn leads somewhere by each key that it is part of; two of them together need not.
            others = {c for i in view.references if i != index and not is_aligned(view, index, i) for c in view.columns(i) & set(columns)}
            kept = fixed | unique | others
            steps.append(Combine(key=index, fixed=tuple(c for c in columns if c in kept)))
            fixed |= set(columns)
    return tuple(steps)


def _hints(view: TableView, program: TableProgram, counts: tuple[str, ...]) -> tuple[ColumnHint, ...]:
    """What profiling should know: the columns to model, and the hidden statuses and counts."""
    hints = []
    for name, spark_type, _ in view.facts.columns:
        published = name in view.reference_columns
        if name in view.opaque:
            continue
        if name in view.table.pii_cols:
            hints.append(ColumnHint(name=name, spark_type=spark_type, kind="text", provider=view.table.pii_cols[name]))
        elif published or name in view.table.high_cardinality_cols:
            hints.append(ColumnHint(name=name, spark_type=spark_type, kind="category", keep_rare=published))
        else:
            hints.append(ColumnHint(name=name, spark_type=spark_type))
    statuses = {status_column(m.key) for m in program.matches} | {step.status for step in program.inherited}
    hints += [ColumnHint(name=name, spark_type="boolean", kind="category", keep_rare=True) for name in program.drawn if name in statuses]
    hints += [_trait_hint(trait) for m in program.matches for trait in m.traits]
    hints += [ColumnHint(name=depth_column(m.key), spark_type="bigint") for m in program.matches if m.forest]
    gap = "double" if GAP in program.drawn and type_family(program.types[program.draw.ordered_by or ""]) == "float" else "bigint"
    hints += [ColumnHint(name=GAP, spark_type=gap)] if GAP in program.drawn else []
    hints += [ColumnHint(name=name, spark_type="bigint") for name in Place().columns] if program.has_siblings else []
    return (*hints, *(ColumnHint(name=name, spark_type="bigint") for name in counts))


def _trait_hint(trait: Trait) -> ColumnHint:
    if trait.edges is None:
        return ColumnHint(name=trait.name, spark_type="bigint", kind="category", keep_rare=True)
    return ColumnHint(name=trait.name, spark_type="bigint")
