"""What makes each unique key unique: a step, a match, or the number of children alone."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..hidden import PARENT_ROW
from ..program import Apart, Match, UniqueKey
from ..steps import Distinct, Position, Series
from .keys import KeyPlan
from .view import TableView


@dataclass
class UniquePlan:
    """The unique keys of one table that are not generated.

    Attributes:
        uniques: all of them.
        known: steps that give natural parts before the row is drawn.
        moved: drawn natural parts that are moved where they repeat.
        apart: by matched key, what it must keep apart.
        faults: what cannot be carried out, in sentences.
    """

    uniques: list[UniqueKey] = field(default_factory=list)
    known: list[Position | Series] = field(default_factory=list)
    moved: list[Distinct] = field(default_factory=list)
    apart: dict[int, list[Apart]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    @property
    def taken(self) -> set[str]:
        """Columns that a step of an earlier key looks after."""
        return {c for step in (*self.known, *self.moved) for c in step.columns}


def plan_uniques(view: TableView, keys: KeyPlan) -> UniquePlan:
    """One unique key after the other, the primary key first."""
    plan = UniquePlan()
    for columns in view.unique_keys:
        if not set(columns) & set(view.generated):
            _add(view, keys, plan, columns)
    return plan


def _add(view: TableView, keys: KeyPlan, plan: UniquePlan, columns: tuple[str, ...]) -> None:
    unique = _resolved(view, keys, columns)
    if unique.group and any(other.group not in ((), unique.group) for other in plan.uniques):
        plan.faults.append(f"the columns ({', '.join(columns)}) are unique, and share another part of the driving key than another unique key; leave one out")
    plan.uniques.append(unique)
    sequence = next((s for s in view.facts.sequences if s.key == keys.driving and s.column in unique.parts), None)
    if unique.per == "parent" and sequence is not None and sequence.column not in plan.taken:
        plan.known.append(Position(column=sequence.column, start=sequence.start))  # it alone tells the rows of a parent apart
        return
    for place, (index, own) in enumerate(unique.matches):
        earlier = [c for _, given in unique.matches[:place] for c in given]
        anchor = (PARENT_ROW,) if unique.per == "parent" else unique.group
        later = tuple(i for i, _ in unique.matches[place + 1 :])
        plan.apart.setdefault(index, []).append(Apart(before=(*anchor, *unique.parts, *earlier), own=own, later=later))
    if not unique.parts or (unique.matches and unique.per != "parent"):
        return
    if set(unique.parts) & plan.taken:
        _shared(view, plan, unique)
    elif unique.per == "parent":
        plan.moved.append(Distinct(columns=unique.parts, later=tuple(i for i, _ in unique.matches), references=unique.references))
    else:
        plan.known.append(_series(view, unique))


def _shared(view: TableView, plan: UniquePlan, unique: UniqueKey) -> None:
    """An earlier unique key moves some of the parts: one of the others must tell all rows apart."""
    free = [c for c in unique.parts if c not in plan.taken and _can_run(view, c)]
    if free:
        plan.known.append(Series(columns=(free[0],)))
        plan.uniques.append(UniqueKey(columns=(free[0],), per="table", parts=(free[0],)))
        return
    listed, parts = ", ".join(unique.columns), ", ".join(unique.parts)
    plan.faults.append(
        f"the columns ({listed}) are unique, and what tells their rows apart ({parts}) does so for another unique key too; "
        "point foreign keys at the primary key instead"
    )


def _resolved(view: TableView, keys: KeyPlan, columns: tuple[str, ...]) -> UniqueKey:
    driver = view.columns(keys.driving) if keys.driving is not None else frozenset()
    inside = tuple(c for c in columns if c in driver)
    filled, matches = set(driver), []
    for match in keys.matches:
        own = tuple(c for c in columns if c in view.columns(match.key) - filled - set(match.fixed))
        filled |= view.columns(match.key) - set(match.fixed)
        if own:
            matches.append((match.key, own))
    whole = keys.driving is not None and inside and _tells_parents_apart(view, keys.driving, inside)
    parts = tuple(c for c in columns if c not in filled)
    return UniqueKey(
        columns=columns,
        per="parent" if whole else "group" if inside else "table",
        group=inside if inside and not whole else (),
        parts=_movable_first(view, parts),
        matches=tuple(matches),
        references=tuple(i for i in view.references if len(view.columns(i)) > 1 and view.columns(i) <= set(parts)),
    )


def _tells_parents_apart(view: TableView, driving: int, inside: tuple[str, ...]) -> bool:
    key = view.key(driving)
    above = {p for c, p in zip(key.columns, key.parent_columns, strict=True) if c in inside}
    parent = view.metadata.tables[key.parent_table]
    known = [key.parent_columns, *([parent.primary_key] if parent.primary_key else [])]
    return any(set(unique) <= above for unique in known)


def _movable_first(view: TableView, parts: tuple[str, ...]) -> tuple[str, ...]:
    """Numbers and times have room past what was seen; text and booleans are moved last."""
    return tuple(sorted(parts, key=lambda c: (not _can_run(view, c), parts.index(c))))


def _can_run(view: TableView, column: str) -> bool:
    """Whether a column can have as many values as there are rows."""
    return view.facts.types[column] not in ("string", "boolean", "tinyint") and column not in view.reference_columns


def _series(view: TableView, unique: UniqueKey) -> Series:
    facts = view.facts.entities
    told = unique.per == "table" and facts is not None and set(facts.columns) == set(unique.parts)
    # The last column runs within an entity, and leads away from the combinations of a key that it is part of.
    if told and facts is not None and not any(facts.columns[-1] in view.columns(i) for i in unique.references):
        return Series(columns=facts.columns, entities=facts.entities, counts=facts.counts, references=unique.references)
    return Series(columns=tuple(reversed(unique.parts)), within=unique.group, references=unique.references)


def with_apart(matches: list[Match], plan: UniquePlan) -> list[Match]:
    """The matches, each with the unique keys that it keeps apart."""
    return [m.model_copy(update={"apart": tuple(plan.apart.get(m.key, ()))}) for m in matches]
