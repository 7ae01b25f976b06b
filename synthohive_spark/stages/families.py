"""Who has how many rows in a child table: the parents that may have some, their numbers, and where each block of them begins."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial, reduce
from operator import and_, mul

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from ..kernels.cardinality import CountRule, within_groups
from ..kernels.generate import Families, count_children, with_counts
from ..kernels.seeds import derive_seed
from ..spec.fitted import FittedSchema, FittedTable
from ..spec.hidden import BLOCK, CHILDREN, FIRST, ROW, SIZE, count_column, depth_column, hidden, status_column
from ..spec.identifiers import quoted
from ..spec.metadata import ForeignKey
from ..spec.planning.room import Room, TableRows
from ..spec.planning.view import unique_keys
from ..spec.program import Match, TableProgram
from ..spec.steps import NumberKey
from .ancestors import with_ancestors
from .blocks import Above, parent_columns
from .counts import LIMIT, Wanted, children_per_block, per_block, settle, wanted_of, with_offsets, without_parent
from .frames import map_frames
from .match import Pairing, Partner

GROUP = hidden("group")


@dataclass(frozen=True)
class Made:
    """A table whose rows are there.

    Attributes:
        frame: its rows with their hidden columns; a reference table has none.
        rows: one more than the greatest row number.
        count: how many rows there are; fewer where some were left out.
        shaped: its rows, or those that they come from, have given values: their numbers of children are not those of the real ones.
    """

    frame: DataFrame
    rows: int
    count: int
    shaped: bool = False

    @property
    def whole(self) -> bool:
        return self.count == self.rows


@dataclass
class Kin:
    """The tables that are there, and how many children their rows have in the next one.

    Attributes:
        fitted: the schema.
        room: what its keys have room for.
        planned: rows of each table, as planned.
        seed: of the run.
        scale: of rows without any parent.
        stage: writes narrow rows under a table's name and a word, and reads them back.
        made: tables by name.
    """

    fitted: FittedSchema
    room: Room
    planned: Mapping[str, TableRows]
    seed: int
    scale: float
    stage: Callable[[DataFrame, str, str], DataFrame]
    made: dict[str, Made] = field(default_factory=dict)
    _counted: dict[tuple[object, ...], tuple[Made, int]] = field(default_factory=dict, init=False, repr=False)

    def above(self, fitted: FittedTable) -> tuple[Above, int]:
        """The driving parent's rows with their numbers of children, and how many rows have no driving parent."""
        program = fitted.program
        if program.driver is None or program.driving is None:
            raise ValueError(f"table {program.table!r} has no driving key")
        made = self.made[program.driver.parent_table]
        frame, whole = self._with_whole_key(program.driver)
        frame = self._leaving_partners(frame, program.needs, dict(zip(program.driver.columns, program.driver.parent_columns, strict=True)), program)
        frame = self._limited(program, frame)
        possible = self.room.possible(program, {name: m.count for name, m in self.made.items()})
        drawn = self._drawn(program.driver.parent_table, program.table, program.driving)
        wanted = wanted_of(program, made.count, drawn=drawn, possible=possible, at_most=self._at_most(program), seed=self.seed, shaped=made.shaped)
        rule = settle(frame, made.rows, whole and not program.needs, wanted)
        by_level = rule.by_row is None
        limits = LIMIT if by_level and LIMIT in frame.columns else None
        families = Families(rule, drawn if by_level else None, limits, per_block(wanted.linkage))
        if any(unique.per == "group" for unique in program.uniques):
            frame, families = self._ranked(program, frame, families)
        counted = [c for c in (families.drawn, families.limits, FIRST, SIZE) if c and c in frame.columns]
        narrow = frame.select(*(F.col(quoted(c)) for c in dict.fromkeys([ROW, *counted])))
        families, children = self._with_offsets(narrow, replace(families, room=wanted.room))
        kept = dict.fromkeys([ROW, *parent_columns(fitted), *counted])
        frame = self._with_ancestors(frame, program).select(*(F.col(quoted(c)) for c in kept))
        alone = without_parent(program, wanted, children, possible, self.scale)
        return Above(frame, families, children, len(families.offsets), wanted.total), alone

    def _with_ancestors(self, parents: DataFrame, program: TableProgram) -> DataFrame:
        programs = {name: table.program for name, table in self.fitted.tables.items()}
        frames = {name: made.frame for name, made in self.made.items()}
        return with_ancestors(parents, program.driver.parent_table, program.above, programs, frames) if program.driver else parents

    def _with_whole_key(self, key: ForeignKey) -> tuple[DataFrame, bool]:
        """The rows of a parent that a key can point at, and whether they are all that there were to be: a unique key may be null."""
        made, parent = self.made[key.parent_table], self.fitted.tables[key.parent_table].program
        never = {*parent.primary_key, *(c for step in parent.of_kind(NumberKey) for c in step.columns)}
        can_be_null = [c for c, _, nullable in parent.columns if nullable and c in key.parent_columns and c not in never]
        if not can_be_null:
            return made.frame, made.whole
        return made.frame.where(reduce(and_, (F.col(quoted(c)).isNotNull() for c in can_be_null))), False

    @staticmethod
    def _with_offsets(frame: DataFrame, families: Families) -> tuple[Families, int]:
        """Number of the first child of each block of parents that has some, and of all children."""
        if families.rule.by_row is not None:
            return with_offsets(families, children_per_block(families.rule.by_row, families.per_block))
        counted = map_frames(frame, partial(count_children, families=families), f"{quoted(BLOCK)} bigint, n bigint")
        return with_offsets(families, sorted((row[0], row[1]) for row in counted.groupBy(BLOCK).agg(F.sum("n")).collect()))

    def _drawn(self, parent: str, child: str, key: int) -> str | None:
        """The parent's hidden column with the number of children that was drawn along a key."""
        name = count_column(child, key)
        return name if parent in self.fitted.tables and name in self.fitted.tables[parent].program.drawn else None

    # ---- room

    def partners(self, program: TableProgram) -> dict[int, int]:
        """By matched key that is part of a unique one, how many different partners there are; the fewest, where they depend on other columns."""
        found: dict[int, int] = {}
        for unique in program.uniques:
            for index, own in unique.matches:
                n = self._different(program, self._match(program, index), own)
                found[index] = min(n, found.get(index, n))
        return found

    @staticmethod
    def _match(program: TableProgram, index: int) -> Match:
        return next(m for m in program.matches if m.key == index)

    def tells_apart(self, program: TableProgram, index: int, own: Sequence[str]) -> bool:
        """Whether these columns of a key lead to one row of its parent."""
        key = program.foreign_keys[index]
        above = {p for c, p in zip(key.columns, key.parent_columns, strict=True) if c in own}
        match = self._match(program, index)
        fixed = {p for c, p in zip(key.columns, key.parent_columns, strict=True) if c in match.fixed}
        return any(set(unique) <= above | fixed for unique in unique_keys(self.fitted.metadata, key.parent_table))

    def _different(self, program: TableProgram, match: Match, own: Sequence[str]) -> int:
        key = program.foreign_keys[match.key]
        made = self.made.get(key.parent_table)
        if made is None:
            return self.planned[key.parent_table].rows
        asked = (key.parent_table, match.key, program.table, tuple(own))
        if asked not in self._counted or self._counted[asked][0] is not made:
            self._counted[asked] = (made, self._count_different(program, match, own, made))
        return self._counted[asked][1]

    def _count_different(self, program: TableProgram, match: Match, own: Sequence[str], made: Made) -> int:
        key = program.foreign_keys[match.key]
        if not match.fixed and self.tells_apart(program, match.key, own) and self._with_whole_key(key)[0] is made.frame:
            return made.count
        above = dict(zip(key.columns, key.parent_columns, strict=True))
        groups = self._group_sizes(made.frame, [above[c] for c in match.fixed], [above[c] for c in own])
        row = groups.agg(F.min("n")).first()
        return int(row[0] or 0) if row is not None else 0

    @staticmethod
    def _group_sizes(frame: DataFrame, group: Sequence[str], own: Sequence[str]) -> DataFrame:
        """Different values of `own` in each `group`, as `n`."""
        values = frame.select(*(F.col(quoted(c)).alias(f"g{i}") for i, c in enumerate(group)), *(F.col(quoted(c)).alias(f"o{i}") for i, c in enumerate(own)))
        return values.dropna().distinct().groupBy(*(f"g{i}" for i in range(len(group)))).agg(F.count(F.lit(1)).alias("n"))

    def _at_most(self, program: TableProgram) -> int | None:
        """Children that every parent may have at most."""
        limits = []
        for unique in program.uniques:
            if unique.per == "parent" and not any(self._match(program, i).fixed for i, _ in unique.matches):
                limits.append(self.room.per_anchor(program, unique, {i: self._different(program, self._match(program, i), own) for i, own in unique.matches}))
        return min((n for n in limits if n is not None), default=None)

    def _limited(self, program: TableProgram, frame: DataFrame) -> DataFrame:
        """The driving parents with `LIMIT`, where partners must agree with the parent's own key: then each parent has as many as its group."""
        driver = program.driver
        if driver is None:
            return frame
        above = dict(zip(driver.columns, driver.parent_columns, strict=True))
        for unique in program.uniques:
            tied = [(i, own) for i, own in unique.matches if self._match(program, i).fixed and set(self._match(program, i).fixed) <= set(above)]
            if unique.per != "parent" or not tied:
                continue
            rest = {i: self._different(program, self._match(program, i), own) for i, own in unique.matches if (i, own) not in tied}
            room = self.room.per_anchor(program, unique, rest)
            if room is None:
                continue
            for place, (i, own) in enumerate(tied):
                frame = self._with_group_size(frame, program, self._match(program, i), own, above, hidden(f"size_{place}"))
            sizes = [F.coalesce(F.col(hidden(f"size_{place}")), F.lit(0)) for place in range(len(tied))]
            limit = reduce(mul, sizes, F.lit(room).cast("double"))
            limit = F.least(limit, F.lit(2**53).cast("double"), *([F.col(LIMIT).cast("double")] if LIMIT in frame.columns else []))
            frame = frame.withColumn(LIMIT, limit.cast("bigint")).drop(*(hidden(f"size_{place}") for place in range(len(tied))))
        return frame

    def _with_group_size(self, frame: DataFrame, program: TableProgram, match: Match, own: Sequence[str], above: Mapping[str, str], name: str) -> DataFrame:
        key = program.foreign_keys[match.key]
        theirs = dict(zip(key.columns, key.parent_columns, strict=True))
        sizes = self._group_sizes(self.made[key.parent_table].frame, [theirs[c] for c in match.fixed], [theirs[c] for c in own]).withColumnRenamed("n", name)
        renamed = sizes.withColumnsRenamed({f"g{i}": hidden(f"tie_{i}") for i in range(len(match.fixed))})
        same = reduce(and_, (F.col(quoted(above[c])) == F.col(hidden(f"tie_{i}")) for i, c in enumerate(match.fixed)))
        return frame.join(renamed, same, "left").drop(*(hidden(f"tie_{i}") for i in range(len(match.fixed))))

    def _leaving_partners(self, frame: DataFrame, needs: Sequence[int], above: Mapping[str, str], program: TableProgram) -> DataFrame:
        """The rows of one parent that leave later keys a partner of their own. `above` is the parent's column of each of the table's."""
        for index in needs:
            other = program.foreign_keys[index]
            theirs = dict(zip(other.columns, other.parent_columns, strict=True))
            frame = _found_in(frame, self.made[other.parent_table].frame, {above[c]: theirs[c] for c in other.columns if c in above})
        return frame

    def _ranked(self, program: TableProgram, frame: DataFrame, families: Families) -> tuple[DataFrame, Families]:
        """Rows of parents that share part of their key are told apart among one another: each parent with the rank of its first child in its group.

        One window over each group, on two numbers per parent.
        """
        unique = next(u for u in program.uniques if u.per == "group")
        above = dict(zip(program.driver.columns, program.driver.parent_columns, strict=True)) if program.driver else {}
        group = F.xxhash64(*(F.col(quoted(above[c])) for c in unique.group)).alias(GROUP)
        limit = self._per_group(program)
        if limit is not None and families.rule.by_row is not None and LIMIT not in frame.columns:
            rows, groups = (column.to_numpy() for column in frame.select(ROW, group).toArrow().columns)
            by_row = families.rule.by_row.copy()
            by_row[rows] = within_groups(by_row[rows], groups, limit, self._at_most(program))
            families = replace(families, rule=CountRule(by_row=by_row))
            limit = None
        keys = [c for c in (families.drawn, families.limits) if c]
        narrow = map_frames(
            frame.select(ROW, group, *(F.col(quoted(c)) for c in keys)),
            partial(with_counts, families=families, keep=(ROW, GROUP)),
            f"{quoted(ROW)} bigint, {quoted(GROUP)} bigint, {quoted(CHILDREN)} bigint",
        )
        everyone = Window.partitionBy(GROUP)
        if limit is not None:
            share = F.least(F.lit(1.0), F.lit(float(limit)) / F.greatest(F.lit(1), F.sum(CHILDREN).over(everyone)))
            ends = F.floor(F.sum(CHILDREN).over(everyone.orderBy(ROW)) * share)
            begins = F.floor((F.sum(CHILDREN).over(everyone.orderBy(ROW)) - F.col(CHILDREN)) * share)
            narrow = narrow.withColumn(CHILDREN, (ends - begins).cast("bigint"))
        before = F.coalesce(F.sum(CHILDREN).over(everyone.orderBy(ROW).rowsBetween(Window.unboundedPreceding, -1)), F.lit(0))
        narrow = narrow.withColumns({FIRST: before.cast("bigint"), SIZE: F.sum(CHILDREN).over(everyone).cast("bigint")}).drop(GROUP)
        staged = self.stage(narrow, program.table, "families").withColumnRenamed(ROW, hidden("mine"))
        joined = frame.join(staged, F.col(ROW) == F.col(hidden("mine"))).drop(hidden("mine"))
        return joined, Families(CountRule(), CHILDREN, None, families.per_block)

    def _per_group(self, program: TableProgram) -> int | None:
        limits = []
        for unique in (u for u in program.uniques if u.per == "group"):
            limits.append(self.room.per_anchor(program, unique, {i: self._different(program, self._match(program, i), own) for i, own in unique.matches}))
        return min((n for n in limits if n is not None), default=None)

    # ---- matches

    def pairing(self, program: TableProgram, match: Match, seekers: int) -> Pairing:
        """How one key finds its partners.

        Args:
            seekers: rows of the table.
        """
        key = program.foreign_keys[match.key]
        made = self.made[key.parent_table]
        linkage = program.linkages[match.key]
        above = dict(zip(key.columns, key.parent_columns, strict=True))
        frame, whole = self._with_whole_key(key)
        frame = self._leaving_partners(frame, match.needs, above, program)
        frame = self._published(frame, program, match, above)
        drawn = self._drawn(key.parent_table, program.table, match.key)
        total = round(seekers * (1 - linkage.null_rate))
        wanted = Wanted(linkage, drawn, total, self._per_partner(program, match), derive_seed(self.seed, program.table, match.key, "places"))
        names = dict.fromkeys(
            [
                ROW,
                *key.parent_columns,
                *(theirs for _, theirs in (*match.agree, *match.brings, *([match.since] if match.since else []))),
                *(trait.column for trait in match.traits),
                *_standing(match),
                *([drawn] if drawn else []),
            ]
        )
        frame = frame.select(*(F.col(quoted(c)) for c in names))
        rule = settle(frame, made.rows, whole and not (match.needs or match.wished), wanted)
        return Pairing(
            program=program,
            match=match,
            partner=Partner(frame, made.rows, made.count, rule, drawn if rule.by_row is None else None),
            partners=self.partners(program) if match.apart else {},
            unique=tuple(self.tells_apart(program, match.key, apart.own) for apart in match.apart),
            seekers=total,
            seed=self.seed,
            open_fixed=self._open_fixed(program, match),
            restricted=bool(match.needs) or bool(match.wished) or whole != made.whole,
            shaped=made.shaped,
        )

    def _published(self, frame: DataFrame, program: TableProgram, match: Match, above: Mapping[str, str]) -> DataFrame:
        """The partners whose values reference tables have, where the key's columns are keys to those, too."""
        for other in program.foreign_keys:
            if other.parent_table in self.fitted.references and set(other.columns) <= set(match.wished):
                theirs = dict(zip(other.columns, other.parent_columns, strict=True))
                frame = _found_in(frame, self.made[other.parent_table].frame, {above[c]: theirs[c] for c in other.columns})
        return frame

    def _per_partner(self, program: TableProgram, match: Match) -> int | None:
        """Rows that one partner may have at most: a unique key may have it once with each of its other parts."""
        limits = []
        for unique in program.uniques:
            if match.key not in [i for i, _ in unique.matches] or unique.per == "group":
                continue
            others = {i: self._different(program, self._match(program, i), own) for i, own in unique.matches if i != match.key}
            room = self.room.per_anchor(program, unique, others)
            anchors = self.made[program.driver.parent_table].count if unique.per == "parent" and program.driver else 1
            limits.append(None if room is None else room * anchors)
        return min((n for n in limits if n is not None), default=None)

    def _open_fixed(self, program: TableProgram, match: Match) -> bool:
        """Whether a key that fills columns of this one can be null."""
        earlier = [program.driving, *(m.key for m in program.matches[: program.matches.index(match)])]
        giving = [i for i in earlier if i is not None and set(program.foreign_keys[i].columns) & set(match.fixed)]
        return any(program.linkages[i].null_rate for i in giving)


def _found_in(frame: DataFrame, other: DataFrame, columns: Mapping[str, str]) -> DataFrame:
    """The rows of `frame` whose `columns` are together in those of `other`: mine -> theirs."""
    names = {mine: hidden(f"needed_{i}") for i, mine in enumerate(columns)}
    known = other.select(*(F.col(quoted(theirs)).alias(names[mine]) for mine, theirs in columns.items())).distinct()
    return frame.join(known, reduce(and_, (F.col(quoted(mine)) == F.col(name) for mine, name in names.items())), "left_semi")


def _standing(match: Match) -> tuple[str, ...]:
    """Hidden columns that say how many rows are above a row of the table itself."""
    return (depth_column(match.key), *([status_column(match.key)] if match.status else [])) if match.forest else ()
