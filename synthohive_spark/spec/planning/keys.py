"""Which key drives a table, and in what order and how the other keys are matched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ..program import Match
from .agreeing import with_agreement
from .inherited import HOLDS, Inherited, can_bring, plan_inherited, told_by_one_of
from .view import TableView

MOSTLY_NULL = 0.5  # a key that is null more often says too little to drive
MUCH = 1.0  # nats, for which a coarser key drives


@dataclass
class KeyPlan:
    """The keys of one table.

    Attributes:
        driving: index of the key that drives.
        matches: the others to learnt tables, in the order in which they are matched; those that wait for a later parent come last.
        needs: by key (the driving one too) the later keys that must find a partner beside it.
        inherited: what rows take over from the rows that their keys lead to.
        faults: what cannot be carried out, in sentences.
    """

    driving: int | None = None
    matches: list[Match] = field(default_factory=list)
    needs: dict[int, list[int]] = field(default_factory=dict)
    inherited: tuple[Inherited, ...] = ()
    faults: list[str] = field(default_factory=list)

    @property
    def implied(self) -> frozenset[int]:
        """Keys that follow from others in every row: they drive nothing and are not matched."""
        return frozenset(i.key for i in self.inherited if i.key is not None and i.whole)

    def taken_over(self, by: int | None) -> Iterator[Inherited]:
        """What always repeats the row that the key `by` leads to."""
        return (i for i in self.inherited if i.by == by and i.always)


def plan_keys(view: TableView) -> KeyPlan:
    """Choose the driving key, order the matches."""
    driving = driving_key(view)
    plan = KeyPlan(driving=driving, inherited=plan_inherited(view, driving))
    filled = set(view.columns(plan.driving)) if plan.driving is not None else set()
    done = [] if plan.driving is None else [plan.driving]
    rest = [i for i in view.learnt if i != plan.driving and i not in plan.implied]
    # A key that contains another one goes first, so that the other follows from it.
    repeated = {i.key for i in plan.inherited}  # what other keys have filled by then
    for index in sorted(rest, key=lambda i: (view.is_deferred(i), i in repeated, -len(view.columns(i)), i)):
        _add(view, plan, index, filled, done)
        filled |= view.columns(index)
        done.append(index)
    plan.matches = [
        m.model_copy(update={"needs": tuple(plan.needs.get(m.key, ())), "brings": _brought(plan, m.key), "never": _never(view, plan, m.key)})
        for m in plan.matches
    ]
    plan.matches = with_agreement(view, plan.matches, driving, plan.inherited)
    plan.faults += [fault for i in view.learnt if (fault := _unfinished_fault(view, i, view.every_opaque[view.key(i).parent_table]))]
    return plan


def _unfinished_fault(view: TableView, index: int, opaque: frozenset[str]) -> str | None:
    """A key that points at columns which the parent's rows get last. `opaque` are the parent's columns without a meaning of their own."""
    key = view.key(index)
    parent = view.metadata.tables[key.parent_table]
    there = {c for i, fk in enumerate(parent.foreign_keys) if not view.graph.is_deferred(parent.name, i) for c in fk.columns} | set(parent.primary_key)
    late = {c for i, fk in enumerate(parent.foreign_keys) if view.graph.is_deferred(parent.name, i) for c in fk.columns} - there
    pointed = late & set(key.parent_columns) & opaque
    if not pointed:
        return None
    listed = ", ".join(sorted(pointed))
    return f"foreign key {key}: ({listed}) of {parent.name!r} is filled in last, since keys run in a circle there; point at the primary key instead"


def driving_key(view: TableView) -> int | None:
    """The finest learnt parent; one inside the primary key goes first, and then one whose rows mirror each other, as only its own family could keep that.

    One whose rows are far more alike than those of the finest goes before it, too.

    A natural primary key that no learnt parent is part of makes the table a root.
    """
    primary = frozenset(view.table.primary_key)
    candidates = [i for i in view.learnt if not view.is_deferred(i) and _can_drive(view, i)]
    inside = [i for i in candidates if view.columns(i) & primary]
    if primary and not inside and not primary & set(view.generated):
        return None
    whole = [i for i in inside if view.columns(i) <= primary]
    other = [i for i in candidates if any(view.columns(i) & set(key) for key in view.unique_keys)]
    choice = whole or inside or other or [i for i in candidates if view.null_rate(i) < MOSTLY_NULL] or candidates
    choice = [i for i in choice if not any(view.columns(i) < view.columns(j) and view.null_rate(j) < MOSTLY_NULL for j in choice)]
    finest = max(choice, key=lambda i: (view.seen(i).mirrored, view.parent_rows(i), -i), default=None)
    return None if finest is None else _most_alike(view, finest, choice)


def _most_alike(view: TableView, finest: int, choice: Sequence[int]) -> int:
    """Another key than the finest, where a match would lose far more of what siblings have in common (the ratings of one user, made within an hour)."""
    if view.seen(finest).mirrored or not view.columns(finest) <= view.opaque:
        return finest
    lost = {i: _lost_by_match(view, i) for i in choice if view.columns(i) <= view.opaque}
    best = max(lost, key=lambda i: (lost[i], i == finest, -i))
    return best if lost[best] >= lost[finest] + MUCH else finest


def _lost_by_match(view: TableView, index: int) -> float:
    """Nats that siblings tell of each other, less what a match by the parent's columns keeps and copies bring; and what the parent tells of other keys."""
    seen = view.seen(index)
    copied = {c for copy in seen.copies if copy.share >= HOLDS for c in copy.columns}
    # What is the same in all rows of a parent becomes a hidden column of it, which they take over.
    told = sum(s.nats for s in seen.siblings if s.column not in copied and not (s.constant and can_bring(view, index)))
    return max(told - sum(t.gain for t in seen.traits), 0.0) + told_by_one_of(view, index)


def _can_drive(view: TableView, index: int) -> bool:
    """Rows without a driving parent need values for what must not be null: only what has a meaning of its own can be drawn for them."""
    if not view.null_rate(index):
        return True
    kept = view.stray(index) | {c for c in view.columns(index) if c not in view.facts.nullable}
    # Nothing would keep what they draw apart from what the families have.
    return not kept & (view.opaque | {c for key in view.unique_keys for c in key})


def _brought(plan: KeyPlan, index: int) -> tuple[tuple[str, str], ...]:
    return tuple(pair for i in plan.taken_over(index) for pair in zip(i.columns, i.parent_columns, strict=True))


def _never(view: TableView, plan: KeyPlan, index: int) -> tuple[int, ...]:
    """Keys that are filled before this one and never lead to the same row, although chance would have it so."""
    if view.is_deferred(index):
        return ()
    earlier = [m.key for m in plan.matches[: [m.key for m in plan.matches].index(index)] if not m.filled]
    before = [j for j in (plan.driving, *earlier) if j is not None and view.key(j).parent_table == view.key(index).parent_table]
    same = {j for j in before for found in view.seen(j).copies if not found.share and found.columns == view.key(index).columns}
    same |= {j for j in before for found in view.seen(index).relatives if found.by == j and found.apart}
    return tuple(sorted(j for j in same if set(view.key(j).parent_columns) == set(view.key(index).parent_columns)))


def _add(view: TableView, plan: KeyPlan, index: int, filled: set[str], done: Sequence[int]) -> None:
    columns = view.columns(index)
    if index in {i.key for i in plan.inherited}:
        plan.matches.append(_match(view, index, (), filled=True))  # rows that do not repeat their parent's
        return
    if view.is_deferred(index):
        filled = filled | _early(view, index)
    covering = [j for j in done if columns <= view.columns(j)]
    if covering:
        _covered(view, plan, index, covering[0])
        return
    free = columns - filled
    if not free:
        _spanned(view, plan, index)
        return
    if columns & filled and not view.null_rate(index):
        _need(view, plan, index, [j for j in done if columns & view.columns(j)])
    match = _match(view, index, tuple(c for c in view.key(index).columns if c in filled))
    fault = _late_fault(view, match, done)
    if fault:
        plan.faults.append(fault)
    plan.matches.append(match)


def _early(view: TableView, index: int) -> frozenset[str]:
    """Columns of a key that waits for a later parent which its rows have before: what is part of their unique keys."""
    unique = {c for key in view.unique_keys for c in key if c not in view.opaque}
    return view.columns(index) & (unique | set(view.table.primary_key))


def _late_fault(view: TableView, match: Match, done: Sequence[int]) -> str | None:
    """A key that waits for a later parent: what it shares with the rows that are there is not chosen with that parent in mind."""
    key = view.key(match.key)
    if not view.is_deferred(match.key) or not match.fixed:
        return None
    alone = view.opaque & set(match.fixed) - {c for j in done for c in view.columns(j)}
    if not alone and (not match.required or key.parent_table == view.table.name):
        return None
    why = f"({', '.join(sorted(alone))}) is part of no other key" if alone else "none of its other columns can be null"
    return (
        f"foreign key {key}: the keys run in a circle, so that the rows of {view.table.name!r} come before those of {key.parent_table!r}, "
        f"with ({', '.join(match.fixed)}) already filled in, and {why}; let its other columns be null, or leave this key out"
    )


def _need(view: TableView, plan: KeyPlan, index: int, before: Sequence[int]) -> None:
    """What comes before must leave this key a partner; that can only be seen to once its parent's rows are there."""
    for j in before:
        if view.is_deferred(j) or not view.is_deferred(index):
            plan.needs.setdefault(j, []).append(index)


def _match(view: TableView, index: int, fixed: tuple[str, ...], *, filled: bool = False) -> Match:
    key = view.key(index)
    free = [c for c in key.columns if c not in fixed]
    can_be_null = [c for c in free if _can_be_emptied(view, index, c)]
    emptied = [c for c in can_be_null if c not in view.stray(index)] or can_be_null
    return Match(
        key=index,
        fixed=fixed,
        wished=tuple(c for c in free if c in view.reference_columns),
        status=bool(view.null_rate(index)),
        required=len(can_be_null) < len(free),
        emptied=tuple(emptied),
        filled=tuple(free) if filled else (),
    )


def _can_be_emptied(view: TableView, index: int, column: str) -> bool:
    """What rows of other tables may point at already must stay."""
    pointed = {c for key in view.unique_keys for c in key} if view.is_deferred(index) else view.table.primary_key
    return column in view.facts.nullable and column not in pointed


def _covered(view: TableView, plan: KeyPlan, index: int, by: int) -> None:
    """All columns belong to another key, too: its partners must lead to rows of this key's parent."""
    if not implied(view, index, by):
        if view.is_deferred(index) and not view.is_deferred(by):  # its parent's rows are not there yet to choose partners by
            _spanned(view, plan, index)
            return
        _need(view, plan, index, [by])
    if not view.null_rate(by):
        return
    other = next((m for m in plan.matches if m.key == by), None)
    emptied = set(other.emptied if other else view.columns(by)) - view.stray(by)
    if view.columns(index) & emptied:
        return  # null wherever the other key is
    fixed = tuple(c for c in view.key(index).columns if other and c in other.fixed)
    if len(fixed) < len(view.columns(index)):
        plan.matches.append(_match(view, index, fixed, filled=True))  # rows without the other key
    else:
        _spanned(view, plan, index)


def implied(view: TableView, index: int, by: int) -> bool:
    """Whether every partner of the key `by` leads to a row of the other key's parent, as their parents' own keys say."""
    key, cover = view.key(index), view.key(by)
    above = dict(zip(cover.columns, cover.parent_columns, strict=True))
    wanted = {(above[c], p) for c, p in zip(key.columns, key.parent_columns, strict=True)}
    if cover.parent_table == key.parent_table:
        return all(a == b for a, b in wanted)
    return any(
        fk.parent_table == key.parent_table and set(zip(fk.columns, fk.parent_columns, strict=True)) == wanted
        for fk in view.metadata.tables[cover.parent_table].foreign_keys
    )


def _spanned(view: TableView, plan: KeyPlan, index: int) -> None:
    """Several other keys fill all columns: rows whose combination has no parent can only be emptied."""
    key = view.key(index)
    emptied = tuple(c for c in key.columns if _can_be_emptied(view, index, c))
    if emptied:
        plan.matches.append(Match(key=index, fixed=key.columns, emptied=emptied))
        return
    others = sorted({str(view.key(j)) for j in view.learnt if j != index and view.columns(j) & view.columns(index)})
    shared = "; ".join(others) or "those that other tables point at"
    plan.faults.append(
        f"foreign key {key}: its columns all belong to other keys ({shared}), which lead to rows on their own, and none of them can be null; "
        f"leave one of these keys out, or let the table of one of them point at {key.parent_table!r}"
    )
