"""An independent look at row programs: can each be carried out, and do all keys hold afterwards? Nothing here asks the planner or its helpers.

A walk goes through the phases of one program as the executors do, with the set of columns that a row has so far, and remembers where each column comes from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from generated_schemas import uniques_of

from synthohive_spark.spec.graph import SchemaGraph
from synthohive_spark.spec.hidden import PARENT_ROW, status_column
from synthohive_spark.spec.identifiers import HIDDEN_PREFIX
from synthohive_spark.spec.metadata import ForeignKey, Metadata
from synthohive_spark.spec.planning.programs import SchemaPlan
from synthohive_spark.spec.program import Apart, Match, Phase, TableProgram
from synthohive_spark.spec.steps import Carry, Combine, Distinct, Draw, NumberKey, ParentKey, Position, Series, Step


@dataclass
class Walk:
    """One table's program.

    Attributes:
        there: columns that a row has at this point.
        giver: what gave each column last: a step's kind, or the index of the key whose parent it comes from.
        guards: steps and matches that keep rows apart, in order, with the columns that they tell apart.
        changes: all steps, with the columns that they give or move.
        faults: what is wrong, in sentences.
    """

    metadata: Metadata
    graph: SchemaGraph
    plan: SchemaPlan
    program: TableProgram
    there: set[str] = field(default_factory=set)
    giver: dict[str, str | int] = field(default_factory=dict)
    guards: list[tuple[object, frozenset[str]]] = field(default_factory=list)
    changes: list[tuple[Step, frozenset[str]]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.table = self.metadata.tables[self.program.table]
        self.types = self.program.types
        self.required = {name for name, _, nullable in self.program.columns if not nullable} | set(self.table.primary_key)
        self.hints = {hint.name: hint for hint in self.plan.hints[self.table.name]}
        self.uniques = uniques_of(self.metadata, self.table)

    def go(self) -> list[str]:
        """The faults of the whole program."""
        last = len(self.program.phases) - 1
        passed: set[str] = set()
        for number, phase in enumerate(self.program.phases):
            self.there = set()
            for step in phase.steps:
                self._step(step, passed)
            if number == last:
                self._complete(phase)
            passed |= self._passed_on(phase)
            for match in phase.matches:
                self._match(match, passed, deferred=number == last)
        self._keys_hold()
        self._uniques_hold()
        self._nothing_required_is_emptied()
        return self.faults

    def _check(self, fine: bool, fault: str) -> None:
        if not fine:
            self.faults.append(f"{self.table.name}: {fault}")

    def _need(self, columns: Iterable[str], there: set[str], what: object) -> None:
        missing = [c for c in columns if c not in there]
        self._check(not missing, f"{what} needs {missing}")

    # ---- steps

    def _step(self, step: Step, passed: set[str]) -> None:
        driver = self.program.driver
        if isinstance(step, Carry):
            self._need(step.columns, passed, step.kind)
        elif isinstance(step, Combine):
            self._combine(step)
        elif isinstance(step, Distinct):
            self._need(step.columns, self.there, step.kind)
            self._check(driver is not None, "distinct without a driving parent")
            self._check(set(step.columns) <= set(self.hints), f"distinct moves columns {step.columns} that are not modelled")
            self._guard(step, {PARENT_ROW, *step.columns} if not step.later else set())
        elif isinstance(step, Draw):
            self._need(step.conditions, self.there, "draw")
            self._need((*step.columns, *step.conditions), set(self.hints), "draw: hints")
        elif isinstance(step, ParentKey):
            self._check(driver is not None and not self._is_late(driver), "the driving parent comes later")
            self._check(
                driver is not None and (step.columns, step.parent_columns) == (driver.columns, driver.parent_columns), "another key than the driving one"
            )
        elif isinstance(step, Position):
            self._check(driver is not None, "position without a driving parent")
            self._guard(step, {PARENT_ROW, step.column})
        elif isinstance(step, Series):
            self._need(step.within, self.there, step.kind)
            self._need(step.columns, set(self.hints), "series: hints")
            self._guard(step, {*step.columns, *step.within})
        elif isinstance(step, NumberKey):
            self._guard(step, {step.column})
        self._given(step)

    def _given(self, step: Step) -> None:
        """Each column comes from one step; what was drawn for a match and carried over stays, and so does what rows alone have of the driving key."""
        twice = self.there & set(step.columns)
        if isinstance(step, Carry):
            twice -= set(self.program.fallback) | {c for m in self.program.early for c in m.filled}
        if isinstance(step, Draw):
            carried = {c for s in self.program.phases[-1].steps if isinstance(s, Carry) for c in s.columns}
            twice -= carried | set(self.program.fallback)
        if not isinstance(step, Distinct | Combine):
            self._check(not twice, f"{step.kind} gives {sorted(twice)}, which are there already")
        for c in step.columns:
            if c not in self.there and not isinstance(step, Carry):
                self.giver[c] = self.program.driving if isinstance(step, ParentKey) and self.program.driving is not None else step.kind
        moved = set(step.columns) if isinstance(step, Distinct) else set(step.columns) - self.there if not isinstance(step, Carry) else set()
        if isinstance(step, Combine):
            moved = set(self.program.foreign_keys[step.key].columns) - set(step.fixed)
        self.changes.append((step, frozenset(moved)))
        self.there |= set(step.columns)

    def _combine(self, step: Combine) -> None:
        key = self.program.foreign_keys[step.key]
        self._need(key.columns, self.there, step.kind)
        moved = set(key.columns) - set(step.fixed)
        broken = [columns for _, columns in self.guards if columns & moved]
        self._check(not broken, f"combine moves {sorted(moved)} after they were told apart")

    def _guard(self, what: object, columns: set[str]) -> None:
        self.guards.append((what, frozenset(columns)))

    def _complete(self, phase: Phase) -> None:
        late = {c for m in phase.matches for c in self.program.foreign_keys[m.key].columns if c not in (*m.fixed, *m.wished, *m.filled)}
        self._need([c for c in self.program.names if c not in late], self.there, "the whole row")
        strangers = [c for c in self.there if c not in self.types and not c.startswith(HIDDEN_PREFIX)]
        self._check(not strangers, f"unknown columns {strangers}")

    def _passed_on(self, phase: Phase) -> set[str]:
        if phase is self.program.phases[-1]:
            return set(self.there)
        wanted = {c for m in phase.matches for c in (*m.fixed, *m.wished, *m.filled)} | {c for m in phase.matches for a in m.apart for c in a.before}
        drawn = {c for s in phase.steps if isinstance(s, Draw) for c in s.columns}
        return self.there & (wanted | drawn)

    # ---- matches

    def _match(self, match: Match, there: set[str], *, deferred: bool) -> None:
        key = self.program.foreign_keys[match.key]
        what = f"match of {key}"
        self._check(self._is_late(key) == deferred, f"{what}: its parent is not there then")
        self._need((*match.fixed, *match.wished, *match.filled), there, what)
        self._check(set(match.fixed) <= set(key.columns) and set(match.wished) <= set(key.columns) - set(match.fixed), f"{what}: fixed and wished")
        if match.status:
            self._need([status_column(match.key)], there, what)
        self._need(match.carried, there, f"{what}: traits")
        self._need(match.carried, set(self.hints), f"{what}: hints of traits")
        self._check(match.forest <= (key.parent_table == self.table.name), f"{what}: a forest of two tables")
        free = set(key.columns) - set(match.fixed)
        over = {c for c in free - set(match.wished) if c in self.giver and not (match.filled and self._covers(self.giver[c], key))}
        self._check(not over, f"{what}: overwrites {sorted(over)}")
        self._check(not (deferred and match.required and match.fixed and key.parent_table != self.table.name), f"{what}: may find no partner, and must")
        self._check(set(match.emptied) <= (free or set(key.columns)), f"{what}: empties {match.emptied}")
        for apart in match.apart:
            self._apart(match, apart, there, what)
        for index in match.needs:
            self._check(deferred or not self._is_late(self.program.foreign_keys[index]), f"{what}: needs a key to a later parent")
        for c in free:
            self.giver[c] = match.key
        there |= free

    def _covers(self, giver: str | int, key: ForeignKey) -> bool:
        return isinstance(giver, int) and set(key.columns) <= set(self.program.foreign_keys[giver].columns)

    def _apart(self, match: Match, apart: Apart, there: set[str], what: str) -> None:
        self._need([c for c in apart.before if c != PARENT_ROW], there, f"{what}: apart")
        self._check(set(apart.own) <= set(self.program.foreign_keys[match.key].columns) - set(match.fixed), f"{what}: own {apart.own}")
        self._check(bool(apart.own), f"{what}: keeps nothing apart")
        self._guard(match, {*apart.before, *apart.own} if not apart.later else set())

    def _is_late(self, key: ForeignKey) -> bool:
        order = self.graph.order
        return order.index(key.parent_table) >= order.index(self.table.name)

    # ---- what must hold afterwards

    def _keys_hold(self) -> None:
        for index, key in enumerate(self.program.foreign_keys):
            if self.metadata.tables[key.parent_table].role == "reference":
                self._check(self._reference_holds(index, key), f"the reference key {key} is not seen to")
            else:
                self._check(self._key_holds(index, key), f"the key {key} is not seen to")

    def _key_holds(self, index: int, key: ForeignKey) -> bool:
        if index == self.program.driving or any(m.key == index and not m.filled for m in self.program.matches):
            return True
        return any(self._follows(index, key, giver) for giver in self._relations())

    def _relations(self) -> Iterator[int]:
        """Keys that bring values of a parent's row."""
        if self.program.driving is not None:
            yield self.program.driving
        yield from (m.key for m in self.program.matches)

    def _follows(self, index: int, key: ForeignKey, giver: int) -> bool:
        """Whether the key holds wherever the key `giver` does, and where that one is null."""
        other = self.program.foreign_keys[giver]
        if not set(key.columns) <= set(other.columns) or giver == index:
            return False
        above = dict(zip(other.columns, other.parent_columns, strict=True))
        wanted = {(above[c], p) for c, p in zip(key.columns, key.parent_columns, strict=True)}
        same = other.parent_table == key.parent_table and all(a == p for a, p in wanted)
        needs = self.program.needs if giver == self.program.driving else next(m.needs for m in self.program.matches if m.key == giver)
        if not (same or index in needs or _has_key(self.metadata, other.parent_table, key.parent_table, wanted)):
            return False
        if not self.program.linkages[giver].null_rate:
            return True
        return any(m.key == index and m.filled for m in self.program.matches) or bool(self._emptied(giver) & set(key.columns))

    def _emptied(self, giver: int) -> set[str]:
        """What is null in rows without this key."""
        if giver == self.program.driving:
            return set(self.program.foreign_keys[giver].columns) - set(self.program.fallback)
        return {c for m in self.program.matches if m.key == giver for c in m.emptied}

    def _reference_holds(self, index: int, key: ForeignKey) -> bool:
        givers = {self.giver.get(c) for c in key.columns}
        local = {"draw", "distinct", "series"}
        if len(key.columns) == 1 and givers <= local:
            return self.hints[key.columns[0]].kind == "category" and self.hints[key.columns[0]].keep_rare
        last = next((step for step, moved in reversed(self.changes) if moved & set(key.columns)), None)
        same = {i for i, other in enumerate(self.program.foreign_keys) if other == key}
        if isinstance(last, Combine) and last.key in same:
            return True
        if isinstance(last, Distinct | Series) and same & set(last.references) and set(key.columns) <= set(last.columns):
            return True
        if any(set(key.columns) <= set(m.wished) for m in self.program.matches):
            return True
        return any(self._follows(index, key, giver) for giver in self._relations())

    def _uniques_hold(self) -> None:
        for unique in self.uniques:
            self._check(self._is_unique(frozenset(unique)), f"nothing keeps ({', '.join(unique)}) unique")

    def _is_unique(self, unique: frozenset[str]) -> bool:
        driver = self.program.driver
        alone = False
        if driver is not None:
            above = {p for c, p in zip(driver.columns, driver.parent_columns, strict=True) if c in unique}
            alone = any(set(known) <= above for known in uniques_of(self.metadata, self.metadata.tables[driver.parent_table]))
        for what, columns in self.guards:
            within = isinstance(what, Series) and bool(what.within)
            if (
                columns
                and columns - {PARENT_ROW} <= unique
                and (PARENT_ROW not in columns or alone)
                and not ((PARENT_ROW in columns or within) and self._also_alone(unique))
            ):
                return True
        # Nothing tells rows apart: then a parent (or all parents that agree in the key) may have one only.
        few = (u for u in self.program.uniques if set(u.columns) <= unique and not u.parts and not u.matches)
        return any(u.per == "group" or (u.per == "parent" and alone) for u in few)

    def _also_alone(self, unique: frozenset[str]) -> bool:
        """Whether rows without a driving parent have this key, too: then families alone do not tell rows apart."""
        if self.program.driver is None or not self.program.linkages[self.program.driving or 0].null_rate:
            return False
        return not unique & (set(self.program.driver.columns) - set(self.program.fallback))

    def _nothing_required_is_emptied(self) -> None:
        for match in self.program.matches:
            key = self.program.foreign_keys[match.key]
            emptied = set(match.emptied) & self.required
            self._check(not emptied, f"match of {key}: empties {sorted(emptied)}")
            must = (set(key.columns) - set(match.fixed)) & self.required
            self._check(match.required or not must or match.filled, f"match of {key}: {sorted(must)} are null where it finds no partner")
        if self.program.driving is not None and self.program.linkages[self.program.driving].null_rate:
            filled = {c for m in self.program.matches if m.filled and m.required for c in m.filled}
            kept = (set(self.program.foreign_keys[self.program.driving].columns) - set(self.program.fallback) - filled) & self.required
            self._check(not kept, f"rows without the driving parent have no {sorted(kept)}")


def _has_key(metadata: Metadata, child: str, parent: str, wanted: set[tuple[str, str]]) -> bool:
    """Whether each row of `child` leads to a row of `parent` by columns of its own, over any number of keys."""
    seen: set[tuple[str, frozenset[tuple[str, str]]]] = set()
    left = [(child, frozenset(wanted))]
    while left:
        table, asked = left.pop()
        for key in metadata.tables[table].foreign_keys:
            above = dict(zip(key.columns, key.parent_columns, strict=True))
            if not {c for c, _ in asked} <= set(above):
                continue
            further = frozenset((above[c], p) for c, p in asked)
            if key.parent_table == parent and all(a == p for a, p in further):
                return True
            if (key.parent_table, further) not in seen:
                seen.add((key.parent_table, further))
                left.append((key.parent_table, further))
    return False


def program_faults(metadata: Metadata, graph: SchemaGraph, plan: SchemaPlan) -> list[str]:
    """What is wrong with the programs of a plan."""
    return [fault for program in plan.programs.values() for fault in Walk(metadata, graph, plan, program).go()]
