"""Pair the rows of a table with rows of another parent, while they are narrow.

Both sides are cut into buckets by their identity, and one kernel pairs each bucket (`kernels/match.py`). One match is one Spark job of two narrow
shuffles and the joins that bring the partner's key; its result is staged, so that no plan grows with the number of keys.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from operator import and_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from ..kernels.cardinality import CountRule
from ..kernels.match import match_bucket
from ..kernels.match_rule import BUCKET, COPIES, DEPTH, SINCE, TAKEN, ApartRule, MatchRule
from ..kernels.places import PlaceRule, place_frames
from ..kernels.seeds import derive_seed
from ..spec.date_forms import step_micros
from ..spec.hidden import PARENT_ROW, POSITION, ROW, SIBLINGS, hidden, partner_column, status_column
from ..spec.identifiers import quoted
from ..spec.metadata import ForeignKey
from ..spec.program import Apart, Match, TableProgram
from .forest import Forest
from .frames import all_there, map_frames, map_groups
from .hidden import trait_group
from .profile import plain_number

BUCKET_ROWS = 200_000  # of either side; a bucket of so many is paired in about a second
FIXED, AGREE, WITHIN = hidden("fixed"), hidden("agree"), hidden("within")
SPREAD = hidden("first_bucket"), hidden("buckets"), hidden("least_buckets")
FEW = 5_000  # rows of a level that all buckets of the next one know


@dataclass(frozen=True)
class Partner:
    """The other parent of a match.

    Attributes:
        frame: its rows, with `ROW`, the columns that the key points at, and the hidden number that was drawn for this key.
        rows: one more than the greatest row number.
        count: how many rows there are.
        rule: how many children each has along this key.
        drawn: name of that hidden column; None where there is none.
    """

    frame: DataFrame
    rows: int
    count: int
    rule: CountRule
    drawn: str | None


@dataclass(frozen=True)
class Pairing:
    """One match of one table.

    Attributes:
        program: of the table.
        match: what the program says of it.
        partner: the other parent.
        partners: by later key, how many different partners it has.
        unique: whether the columns that a unique key takes from the parent tell its rows apart, per entry of `match.apart`.
        seekers: rows to match, about.
        seed: of the run.
        open_fixed: the fixed columns can be null in some rows, which then agree with any partner.
        restricted: the partner's frame holds only those of its rows that may be taken.
        shaped: rows of the table have given values.
    """

    program: TableProgram
    match: Match
    partner: Partner
    partners: Mapping[int, int]
    unique: tuple[bool, ...]
    seekers: int
    seed: int
    open_fixed: bool = False
    restricted: bool = False
    shaped: bool = False

    @property
    def key(self) -> ForeignKey:
        return self.program.foreign_keys[self.match.key]

    @property
    def above(self) -> dict[str, str]:
        """The parent's column of each of the key's."""
        return dict(zip(self.key.columns, self.key.parent_columns, strict=True))

    @property
    def free(self) -> tuple[str, ...]:
        """The columns that the partner gives."""
        return tuple(c for c in self.key.columns if c not in self.match.fixed)

    @property
    def _given(self) -> dict[str, str]:
        """The columns that a partner's row gives, and its own columns that they come from."""
        return {c: self.above[c] for c in self.free} | dict(self.match.brings)

    @property
    def _levels(self) -> list[tuple[str, ...]]:
        """Columns in which a partner should agree: all of them if one does, else fewer. In a forest it should be one step nearer to the top in any case."""
        wished, traits = self.match.wished, tuple(trait.name for trait in self.match.traits)
        return [level for n in range(len(traits), -1, -1) if (level := (*wished, *traits[:n])) or self.match.forest or self.match.agree]

    def run(self, rows: DataFrame) -> DataFrame:
        """`rows` with the key's columns filled in; rows that must have a partner and find none are left out."""
        if not self.free:
            return self._emptied_orphans(rows)
        forest = Forest.of(rows, self.match, real=not self.shaped) if self.match.forest else None
        pairs = self._pairs(self._seekers(rows, forest), forest)
        return self._joined(rows, pairs, forest)

    def _seekers(self, rows: DataFrame, forest: Forest | None) -> DataFrame:
        """The rows that need a partner: those whose key is there, or keeps some columns where it is not."""
        match = self.match
        seekers = rows
        if match.status and set(self.free) <= set(match.emptied):
            seekers = seekers.where(F.col(status_column(match.key)) if forest is None else forest.level() > 0)
        if match.filled:
            seekers = seekers.where(~all_there(self.key.columns))
        return seekers

    def _pairs(self, seekers: DataFrame, forest: Forest | None) -> DataFrame:
        """(`ROW`, `TAKEN`) of each seeker."""
        if not self.match.fixed or not self.open_fixed:
            return self._matched(seekers, self.match.fixed, forest)
        there = all_there(self.match.fixed)
        return self._matched(seekers.where(there), self.match.fixed, forest).unionByName(self._matched(seekers.where(~there), (), forest))

    def _matched(self, seekers: DataFrame, fixed: Sequence[str], forest: Forest | None) -> DataFrame:
        match = self.match
        limited = bool(fixed or match.wished or match.agree) or self.restricted
        once = any(not apart.before for apart in match.apart)
        rule = MatchRule(
            identity=(self.program.table, match.key),
            seed=self.seed,
            fixed=FIXED if fixed else None,
            wished=tuple(_wished(i) for i in range(len(self._levels))),
            never=tuple(_never(i) for i in range(len(match.never))),
            apart=tuple(self._apart(i, apart) for i, apart in enumerate(match.apart)),
            agree=AGREE if match.agree else None,
            in_time=bool(match.since),
            within=WITHIN if forest else None,
            forest=forest is not None,
            # Columns that stay where the key is null need somebody's values, if only the row's own.
            required=match.required or not self.program.linkages[match.key].null_rate or not set(self.free) <= set(match.emptied),
            partners=self.partner.rows,
            closed=once or limited or forest is not None or self.partner.count < self.partner.rows or not all(self.unique),
        )
        buckets = self._buckets()
        left = self._left(seekers, fixed, buckets, forest)
        right = self._right(fixed, buckets, once, rule.closed and not once, forest)
        return map_groups(left, right, BUCKET, partial(match_bucket, rule=rule), f"{quoted(ROW)} bigint, {quoted(TAKEN)} bigint")

    def _buckets(self) -> int:
        anchors = {apart.before[:1] for apart in self.match.apart}
        if len(anchors) > 1:
            return 1  # rows that one unique key compares would be apart for the other
        if any(not apart.before and not unique for apart, unique in zip(self.match.apart, self.unique, strict=True)):
            return 1  # parents that give the same values would be apart
        return max(1, math.ceil(max(self.seekers, 1) / BUCKET_ROWS))

    def _apart(self, i: int, apart: Apart) -> ApartRule:
        times = math.prod(self.partners.get(key, 1) for key in apart.later)
        return ApartRule(before=_before(i) if apart.before else None, cell=None if self.unique[i] else _cell(i), times=times)

    def _left(self, seekers: DataFrame, fixed: Sequence[str], buckets: int, forest: Forest | None) -> DataFrame:
        columns: dict[str, Column] = {c: F.col(c) for c in (ROW, PARENT_ROW, POSITION, SIBLINGS)}
        if fixed:
            columns[FIXED] = _hash(F.col(quoted(c)) for c in fixed)
        same = [F.col(quoted(c)) for c in (*fixed, *(own for own, _ in self.match.agree))]
        if self.match.agree:
            columns[AGREE] = _hash(same)
        if self.match.since:
            columns[SINCE] = _moment(F.col(quoted(self.match.since[0])), self.program.types[self.match.since[0]])
        above = [] if forest is None else [forest.level() - 1]
        if forest is not None:
            within = _hash([*same, *above])
            if forest.is_endless:  # rows of the last level have parents on it, and need not have one on the level above
                within = F.when(forest.level() < len(forest.ends) - 1, within).otherwise(F.xxhash64(F.lit("anybody"), F.col(ROW)))
            columns |= {DEPTH: forest.level(), WITHIN: within}
        for i, level in enumerate(self._levels):
            columns[_wished(i)] = _hash([*same, *(F.col(quoted(c)) for c in level), *above])
        for i, apart in enumerate(self.match.apart):
            if apart.before:
                # A null in a unique key makes it equal to no other.
                whole = all_there([c for c in apart.before if c != PARENT_ROW])
                columns[_before(i)] = F.when(whole, _hash(F.col(quoted(c)) for c in apart.before)).otherwise(F.xxhash64(F.lit(i), F.col(ROW)))
        for i, key in enumerate(self.match.never):
            taken = F.col(PARENT_ROW if key == self.program.driving else partner_column(key))
            columns[_never(i)] = F.coalesce(taken, F.lit(-1)).cast("bigint")
        anchor = next((apart.before[0] for apart in self.match.apart if apart.before), None)
        bucket = F.pmod(F.col(ROW) if anchor is None else F.xxhash64(F.col(quoted(anchor))), F.lit(buckets))
        if forest is not None and not self.match.apart:
            bucket = self._spread(forest, buckets, columns.get(AGREE, columns.get(FIXED)), forest.level())[0]
        return seekers.select(*(column.alias(name) for name, column in columns.items()), bucket.cast("bigint").alias(BUCKET))

    @staticmethod
    def _spread(forest: Forest, buckets: int, fixed: Column | None, level: Column) -> tuple[Column, tuple[Column, Column, Column]]:
        """The bucket of a seeker; for a possible parent of seekers of `level` the first of their buckets, how many there are, and how many must know of it."""
        if buckets == 1 or fixed is not None:
            bucket = F.lit(0) if fixed is None else F.pmod(fixed, F.lit(buckets))
            return bucket, (bucket, F.lit(1), F.lit(1))
        first, many = forest.buckets(BUCKET_ROWS)
        few = tuple(n if above <= FEW else 1 for n, above in zip(many, (0, *forest.sizes), strict=False))  # or a bucket might have none of them
        begin, number, least = (F.element_at(F.array(*(F.lit(n) for n in numbers)), (level + 1).cast("int")) for numbers in (first, many, few))
        return begin + F.pmod(F.col(ROW), number), (begin, number, least)

    def _right(self, fixed: Sequence[str], buckets: int, once: bool, everybody: bool, forest: Forest | None) -> DataFrame:
        types, partner = self.program.types | self.program.borrowed, self.partner
        own = {c: F.col(quoted(self.above[c])).cast(types[c]) for c in self.key.columns} | {t.name: trait_group(t) for t in self.match.traits}
        columns: dict[str, Column] = {TAKEN: F.col(ROW), ROW: F.col(ROW)}
        if partner.drawn is not None:
            columns[partner.drawn] = F.col(quoted(partner.drawn))
        if fixed:
            columns[FIXED] = _hash(own[c] for c in fixed)
        same = [*(own[c] for c in fixed), *(F.col(quoted(theirs)).cast(types[c]) for c, theirs in self.match.agree)]
        if self.match.agree:
            columns[AGREE] = _hash(same)
        if self.match.since:
            theirs = quoted(self.match.since[1])
            columns[SINCE] = _moment(F.col(theirs), dict(partner.frame.dtypes)[self.match.since[1]])
        depth = [] if forest is None else [forest.level()]
        if forest is not None:
            columns |= {DEPTH: forest.level(), WITHIN: _hash([*same, *depth])}
        for i, level in enumerate(self._levels):
            columns[_wished(i)] = _hash([*same, *(own[c] for c in level), *depth])
        for i, apart in enumerate(self.match.apart):
            if not self.unique[i]:
                columns[_cell(i)] = _hash(own[c] for c in apart.own)
        frame, told = partner.frame, {}
        if forest is not None and not self.match.apart:
            below, deepest = forest.level() + 1, F.lit(len(forest.ends) - 1)
            if not forest.is_endless:
                frame = frame.where(below <= deepest) if buckets > 1 and not same else frame  # nobody is below the deepest
            told = dict(zip(SPREAD, self._spread(forest, buckets, columns.get(AGREE, columns.get(FIXED)), F.least(below, deepest))[1], strict=True))
        parents = frame.select(*(column.alias(name) for name, column in (columns | told).items()))
        keep = tuple(c for c in columns if c not in (ROW, partner.drawn))
        salt = derive_seed(self.seed, self.program.table, self.match.key, "buckets")
        rule = PlaceRule(
            counts=partner.rule,
            drawn=partner.drawn,
            keep=keep,
            buckets=buckets,
            salt=salt,
            everybody=everybody and not told,
            once=once,
            own=SPREAD if told else None,
        )
        return map_frames(parents, partial(place_frames, rule=rule), ", ".join(f"{quoted(c)} bigint" for c in (*keep, BUCKET, COPIES)))

    def _joined(self, rows: DataFrame, pairs: DataFrame, forest: Forest | None) -> DataFrame:
        """The partner's columns on the rows; what the key leaves null where it is not there, is emptied."""
        types, match = self.program.types, self.match
        found = self.partner.frame.select(
            F.col(ROW).alias(hidden("parent")),
            *(F.col(quoted(above)).cast(types[c]).alias(_found(i)) for i, (c, above) in enumerate(self._given.items())),
            *(trait_group(trait).alias(_carried(i)) for i, trait in enumerate(match.traits)),
        )
        chosen = pairs.where(F.col(TAKEN) >= 0).withColumnRenamed(ROW, hidden("seeker")).join(found, F.col(TAKEN) == F.col(hidden("parent")))
        joined = rows.join(chosen.drop(TAKEN), F.col(ROW) == F.col(hidden("seeker")), "left")
        partnered = F.col(hidden("seeker")).isNotNull()
        here = (F.col(status_column(match.key)) if forest is None else forest.level() > 0) if match.status else F.lit(True)
        new = {}
        for i, column in enumerate(self._given):
            value = F.col(_found(i))
            if column in match.emptied or column in match.brought:
                value = F.when(here, value)
            there = F.col(quoted(column)) if column in rows.columns else F.lit(None).cast(types[column])
            kept = there if match.filled or (column in match.wished and column not in match.emptied) else F.lit(None).cast(types[column])
            new[column] = F.when(partnered, value).otherwise(kept)
        if any(match.key in other.never for other in self.program.matches):
            new[partner_column(match.key)] = F.col(hidden("parent"))
        new |= {trait.name: F.when(partnered & here, F.col(_carried(i))) for i, trait in enumerate(match.traits)}
        if match.required:
            joined = joined.where(partnered | all_there([c for c in self.key.columns if c in rows.columns])) if match.filled else joined.where(partnered)
        return joined.withColumns(new).drop(
            hidden("seeker"), hidden("parent"), *(_found(i) for i in range(len(self._given))), *(_carried(i) for i in range(len(match.traits)))
        )

    def _emptied_orphans(self, rows: DataFrame) -> DataFrame:
        """Other keys have filled all columns: where their combination has no parent, the columns that may be null are emptied."""
        types = self.program.types
        known = self.partner.frame.select(
            *(F.col(quoted(p)).cast(types[c]).alias(_found(i)) for i, (c, p) in enumerate(self.above.items())), F.lit(True).alias(hidden("known"))
        )
        joined = rows.join(known, reduce(and_, (F.col(quoted(c)) == F.col(_found(i)) for i, c in enumerate(self.above))), "left")
        orphan = F.col(hidden("known")).isNull() & all_there(self.key.columns)
        emptied = {c: F.when(~orphan, F.col(quoted(c))) for c in self.match.emptied}
        return joined.withColumns(emptied).drop(hidden("known"), *(_found(i) for i in range(len(self.above))))


def _hash(columns: Iterable[Column]) -> Column:
    """One number for a combination of values. Two combinations meet by chance once in 10**19; keys are checked before anything is published."""
    return F.xxhash64(*columns)


def _moment(cell: Column, spark_type: str) -> Column:
    """A time in microseconds; none is after all others."""
    return F.coalesce(plain_number(cell, spark_type).cast("bigint") * F.lit(step_micros(spark_type)), F.lit(2**63 - 1))


def _wished(i: int) -> str:
    return hidden(f"wished_{i}")


def _never(i: int) -> str:
    return hidden(f"never_{i}")


def _before(i: int) -> str:
    return hidden(f"before_{i}")


def _cell(i: int) -> str:
    return hidden(f"cell_{i}")


def _found(i: int) -> str:
    return hidden(f"found_{i}")


def _carried(i: int) -> str:
    return hidden(f"carried_{i}")
