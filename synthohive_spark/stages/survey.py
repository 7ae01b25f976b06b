"""Look at the real data once: every fact that a later decision needs, from a few aggregates per table.

Spark jobs, for many tables or keys each: one that counts all keys, one for the patterns of keys, one for sequences; and one per table whose primary key is
natural and has several columns. They read keys, columns that may order rows, and for what repeats a parent's values a sample of the others.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import combinations
from operator import add, and_
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from ..errors import SchemaError
from ..kernels.keys import DIGITS, HEX, MAIL, NUMBERED, PADDED, UUID, TextKeys, key_pattern
from ..kernels.kinship import LEAST_ROWS
from ..spec.column_names import is_time
from ..spec.graph import KeyRef
from ..spec.identifiers import quoted
from ..spec.metadata import ForeignKey, Metadata, Table
from ..spec.planning.view import generated_candidates, unique_keys
from ..spec.steps import KeyPattern
from ..spec.structure import Shape, key_usable, names_in_order, usable
from ..spec.survey import MOST_LOOKUP_ROWS, EntityFacts, KeyFacts, OrderFacts, RelativeFacts, SequenceFacts, SiblingFacts, Survey, TableFacts, UniqueFacts
from ..spec.types import type_family
from .intraclass import likeness_of_siblings
from .jobs import collect_all, one_row
from .kinship import Kinship, kinship_of_parents
from .labels import label_facts, labels_of
from .orphans import drop_orphans
from .profile import with_plain_times
from .relatives import relatives_of_parents
from .tally import KeyCount, Tally, count_keys, total
from .twins import has_pairs, mirrored_keys

MAX_ENTITIES = 100_000  # combinations of natural key values that travel in the program; where there are more, columns are combined freely
ROWS, KEPT = "rows", "kept"  # of a table: its rows as they were read, and those that the policy `drop` leaves
YEARS = (1700, 2200)  # whole numbers between them can be years
UNIX_TIMES = (300_000_000, 4_102_444_800)  # seconds since 1970: from the middle of 1979 to 2099
PER_SECOND = (1, 10**3, 10**6, 10**9)  # units of Unix times
DATED = (  # how dates in text or whole numbers begin
    "^((1[6-9]|2[0-3])[0-9]{2}[-/.](0[1-9]|1[0-2])[-/.][0-3][0-9]|[0-3][0-9][-/.][0-3][0-9][-/.](1[6-9]|2[0-3])[0-9]{2}"
    "|[0-3][0-9][ -][A-Z][a-z]{2,8}[ -][0-9]{4}$|[A-Z][a-z]{2,8} [0-3][0-9], [0-9]{4}$|(1[6-9]|2[0-3])[0-9]{2}(0[1-9]|1[0-2])[0-3][0-9]([0-9]{6})?$)"
)
MOST_EXCLUSIVE = 6  # keys of a table of which each row may have one: their pairs grow with the square
HOLDS = 0.995  # share of the parents in which a column must count without a gap to be taken for a sequence


def shape_of(frame: DataFrame) -> Shape:
    """The columns of a DataFrame: (name, type as a simple string, nullable)."""
    return tuple((field.name, field.dataType.simpleString(), field.nullable) for field in frame.schema.fields)


def survey_schema(metadata: Metadata, data: Mapping[str, DataFrame], *, min_rows: int) -> Survey:
    """All facts of the tables that are both in the metadata and in the data. What cannot be looked at (a column that is not there) is left out.

    Args:
        min_rows: values of text that fewer rows have are never told.
    """
    return _Surveyor(metadata, {name: data[name] for name in metadata.tables if name in data and data[name].columns}, min_rows).survey()


def surveyed_again(before: Survey, metadata: Metadata, data: Mapping[str, DataFrame], changed: Collection[str], *, min_rows: int) -> Survey:
    """`before`, where some tables have more columns by now: only these, what is above them and their children are looked at.

    Args:
        changed: the tables that have more.
        min_rows: as for `survey_schema`.
    """
    leads = {name: [key.parent_table for key in table.foreign_keys] for name, table in metadata.tables.items()}
    below = [name for name, parents in leads.items() if name not in changed and not set(changed).isdisjoint(parents)]
    near, above = {*changed, *below}, set(changed)
    while above:  # a policy that drops orphans drops what is below them, too
        near |= above
        above = {parent for name in above for parent in leads[name]} - near
    seen = survey_schema(metadata, {name: data[name] for name in data if name in near}, min_rows=min_rows).tables
    tables = before.tables | {name: seen[name] for name in changed}
    for name in below:
        # Not all keys of these tables were followed: rows that the policy of another one drops are still there.
        keys = [
            old.model_copy(update={"copies": new.copies, "traits": new.traits, "since": new.since}) if old and new and parent in changed else old
            for old, new, parent in zip(before.tables[name].keys, seen[name].keys, leads[name], strict=True)
        ]
        tables[name] = before.tables[name].model_copy(update={"keys": tuple(keys)})
    return Survey(tables=tables)


@dataclass(frozen=True)
class _Surveyor:
    metadata: Metadata
    data: Mapping[str, DataFrame]
    min_rows: int

    def survey(self) -> Survey:
        shapes = {name: shape_of(frame) for name, frame in self.data.items()}
        followed = self._followed(shapes)
        kept = self._kept(shapes, followed)
        asked = self._questions(shapes, kept, followed)
        frames: dict[Any, DataFrame] = {**self.data, **{(KEPT, name): frame for name, frame in kept.items()}}
        tallies = dict(zip(asked, count_keys(list(asked.values()), frames), strict=True))
        rows = {name: total(tallies[name, KEPT if (name, KEPT) in tallies else ROWS], "parents") for name in shapes}
        facts = self._facts(shapes, self._small_parents(rows))
        sequences = self._sequences(kept, shapes, followed)
        repeated = {name: {frozenset(key) for key in self._uniques(name, shape) if total(tallies[name, key], "repeats")} for name, shape in shapes.items()}
        kin = kinship_of_parents(self.metadata, kept, shapes, followed, rows, repeated)
        children = {ref: _children(tallies[ref.table, ref.index]) for ref in followed}
        paired = {ref: sum(found.values()) for ref, found in children.items() if has_pairs(found)}
        families = {ref: (sum(n for size, n in found.items() if size), sum(size * n for size, n in found.items())) for ref, found in children.items()}
        related = relatives_of_parents(self.metadata, kept, shapes, followed, rows, repeated)
        alike = likeness_of_siblings(self.metadata, kept, shapes, followed, families, min_rows=self.min_rows)
        twins = mirrored_keys(self.metadata, kept, shapes, followed, paired)
        tables = {}
        for name, shape in shapes.items():
            table = self.metadata.tables[name]
            uniques = self._uniques(name, shape)
            tables[name] = TableFacts(
                table=name,
                columns=shape,
                rows=rows[name],
                read=total(tallies[name, ROWS], "parents"),
                uniques=tuple(_unique(key, tallies[name, key], facts[name], place) for place, key in enumerate(uniques)),
                keys=tuple(
                    _key_facts(fk, KeyRef(table=name, index=index), tallies[name, index], facts[name], kin, twins, alike, related)
                    if (name, index) in tallies
                    else None
                    for index, fk in enumerate(table.foreign_keys)
                ),
                sequences=tuple(sequences.get(name, ())),
                orders=_orders(shape, facts[name]),
                entities=self._entities(table, kept[name], shape, facts[name], rows[name]),
                labels=labels_of(shape, facts[name]),
                one_of=_one_of(table, facts[name], total(tallies[name, ROWS], "parents")),
            )
        return Survey(tables=tables)

    def _questions(self, shapes: Mapping[str, Shape], kept: Mapping[str, DataFrame], followed: Mapping[KeyRef, ForeignKey]) -> dict[tuple[str, Any], KeyCount]:
        """What to count, by table and `ROWS`, `KEPT`, columns of a unique key or place of a foreign key.

        Unique keys are counted before anything is dropped: what repeats must be mended where it is.
        """
        asked: dict[tuple[str, Any], KeyCount] = {}
        for name, shape in shapes.items():
            asked[name, ROWS] = KeyCount(name)
            asked |= {(name, key): KeyCount(name, key) for key in self._uniques(name, shape)}
            if kept[name] is not self.data[name]:
                asked[name, KEPT] = KeyCount((KEPT, name))
            for ref, fk in followed.items():
                if ref.table == name:
                    asked[name, ref.index] = KeyCount((KEPT, fk.parent_table), fk.parent_columns, (KEPT, name), fk.columns)
        return asked

    def _followed(self, shapes: Mapping[str, Shape]) -> dict[KeyRef, ForeignKey]:
        """The foreign keys whose columns are there and compare."""
        return {
            KeyRef(table=t.name, index=i): fk
            for t in self.metadata.tables.values()
            for i, fk in enumerate(t.foreign_keys)
            if t.name in shapes and fk.parent_table in shapes and key_usable(fk, shapes[t.name], shapes[fk.parent_table])
        }

    def _kept(self, shapes: Mapping[str, Shape], followed: Mapping[KeyRef, ForeignKey]) -> dict[str, DataFrame]:
        """The tables without the rows that the policy `drop` leaves out; lazy."""
        every = {KeyRef(table=t.name, index=i) for t in self.metadata.tables.values() for i in range(len(t.foreign_keys))}
        unable = {ref for ref in every if ref not in followed or not names_in_order(shapes[ref.table])}
        try:
            return drop_orphans(self.metadata, self.data, skip=unable)
        except SchemaError:
            return dict(self.data)  # a cycle, reported with the structure

    def _uniques(self, name: str, shape: Shape) -> list[tuple[str, ...]]:
        return [key for key in unique_keys(self.metadata, name) if usable(shape, key)]

    def _small_parents(self, rows: Mapping[str, int]) -> set[str]:
        """Learnt tables of few rows that others point at."""
        pointed = {key.parent_table for name, table in self.metadata.tables.items() for key in table.foreign_keys if key.parent_table != name}
        return {name for name, n in rows.items() if name in pointed and n <= MOST_LOOKUP_ROWS and self.metadata.tables[name].role == "learnt"}

    def _facts(self, shapes: Mapping[str, Shape], small: set[str]) -> dict[str, dict[str, Any]]:
        """Of each table what `_asked` names, and of the small ones how often texts repeat."""
        asked = {name: self._asked(name, shapes[name]) | (label_facts(shapes[name]) if name in small else {}) for name in self.data}
        found: dict[str, dict[str, Any]] = {name: {} for name in self.data}
        for row in collect_all([one_row(name, self.data[name], columns) for name, columns in asked.items() if columns]):
            found[row["name"]] |= json.loads(row["facts"])
        return found

    def _asked(self, name: str, shape: Shape) -> dict[str, Column]:
        asked: dict[str, Column] = {}
        types = {column: spark_type for column, spark_type, _ in shape}
        generated = generated_candidates(self.metadata, name, types)
        for place, key in enumerate(self._uniques(name, shape)):
            columns = [F.col(quoted(c)) for c in key]
            if len(key) == 1 and key[0] in generated:
                is_text = type_family(types[key[0]]) == "text"
                asked |= _pattern_facts(columns[0], place) if is_text else {f"top{place}": _top(columns[0], types[key[0]])}
            elif len(key) > 1:
                asked |= {f"values{place}_{i}": F.approx_count_distinct(c) for i, c in enumerate(columns)}
        for index, fk in enumerate(self.metadata.tables[name].foreign_keys):
            if len(fk.columns) > 1 and usable(shape, fk.columns):
                whole = reduce(and_, (F.col(quoted(c)).isNotNull() for c in fk.columns))
                asked |= {f"stray{index}_{i}": F.count_if(~whole & F.col(quoted(c)).isNotNull()) for i, c in enumerate(fk.columns)}
        if self.metadata.tables[name].role == "learnt" and self.metadata.tables[name].foreign_keys:
            asked |= _order_facts(shape) | _one_of_facts(self.metadata.tables[name], shape)
        return asked

    def _sequences(self, kept: Mapping[str, DataFrame], shapes: Mapping[str, Shape], followed: Mapping[KeyRef, ForeignKey]) -> dict[str, list[SequenceFacts]]:
        """Whole-number columns of primary keys that count the rows of each parent (1, 2, 3 ...)."""
        candidates = []
        for ref, fk in followed.items():
            table, types = self.metadata.tables[ref.table], {name: spark_type for name, spark_type, _ in shapes[ref.table]}
            foreign = {c for other in table.foreign_keys for c in other.columns}
            roles = {table.role, self.metadata.tables[fk.parent_table].role}
            if roles != {"learnt"} or not set(fk.columns) & set(table.primary_key) or not usable(shapes[ref.table], table.primary_key):
                continue
            candidates += [(ref, fk, c) for c in table.primary_key if c not in foreign and type_family(types[c]) == "integer"]
        frames = [_families(kept[ref.table], fk, column).withColumn("key", F.lit(i)) for i, (ref, fk, column) in enumerate(candidates)]
        found: dict[str, list[SequenceFacts]] = {}
        for row in collect_all(frames):
            ref, _, column = candidates[row["key"]]
            if row["start"] is not None and row["dense"] >= HOLDS * row["families"]:
                found.setdefault(ref.table, []).append(SequenceFacts(key=ref.index, column=column, start=int(row["start"])))
        return found

    def _entities(self, table: Table, frame: DataFrame, shape: Shape, facts: Mapping[str, Any], kept: int) -> EntityFacts | None:
        """The column with the most values runs, the others are its entities; told only where text is published or has enough rows."""
        key, types = table.primary_key, {name: spark_type for name, spark_type, _ in shape}
        learnt = {c for fk in table.foreign_keys if self.metadata.tables[fk.parent_table].role == "learnt" for c in fk.columns}
        if len(key) < 2 or not usable(shape, key) or set(key) & learnt or table.role == "reference":
            return None
        published = {c for fk in table.foreign_keys for c in fk.columns}
        numeric = [c for c in key if types[c] not in ("string", "boolean")]
        runs = max(numeric or key, key=lambda c: facts[f"values0_{key.index(c)}"])
        columns = tuple(c for c in key if c != runs)
        groups = (
            with_plain_times(frame.dropna(subset=[quoted(c) for c in key]))
            .groupBy(*(F.col(quoted(c)).cast("string").alias(f"e{i}") for i, c in enumerate(columns)))
            .count()
        )
        if any(types[c] == "string" and c not in published for c in columns):
            groups = groups.where(F.col("count") >= self.min_rows)
        rows = groups.orderBy(*(f"e{i}" for i in range(len(columns)))).limit(MAX_ENTITIES + 1).collect()
        told = sum(row["count"] for row in rows)
        if len(rows) > MAX_ENTITIES or 2 * told < kept:
            return EntityFacts(columns=(*columns, runs))  # most rows belong to entities that cannot be told
        return EntityFacts(columns=(*columns, runs), entities=tuple(tuple(row)[:-1] for row in rows), counts=tuple(row["count"] for row in rows))


def _sets_of_keys(table: Table) -> list[tuple[int, ...]]:
    """Keys of which each row may have exactly one: any two, or all of them."""
    keys = range(len(table.foreign_keys))
    pairs = list(combinations(keys, 2)) if len(keys) <= MOST_EXCLUSIVE else []
    return [*pairs, *([tuple(keys)] if 2 < len(keys) <= MOST_EXCLUSIVE else [])]


def _one_of_facts(table: Table, shape: Shape) -> dict[str, Column]:
    """In how many rows exactly one of some keys is there, where all of them can be null."""
    nullable = {name for name, _, empty in shape if empty}
    asked = {}
    for place, keys in enumerate(_sets_of_keys(table)):
        columns = [table.foreign_keys[i].columns for i in keys]
        if all(usable(shape, names) and set(names) & nullable for names in columns):
            there = (reduce(and_, (F.col(quoted(c)).isNotNull() for c in names)) for names in columns)
            asked[f"one_of{place}"] = F.count_if(reduce(add, (is_there.cast("int") for is_there in there)) == 1)
    return asked


def _one_of(table: Table, facts: Mapping[str, Any], rows: int) -> tuple[tuple[int, ...], ...]:
    """Sets of keys of which each row has exactly one; few rows would have so by chance."""
    return tuple(keys for place, keys in enumerate(_sets_of_keys(table)) if rows >= LEAST_ROWS and facts.get(f"one_of{place}", 0) >= HOLDS * rows)


def _order_facts(shape: Shape) -> dict[str, Column]:
    """For columns of times, of whole numbers and of dates in text, how many rows have a fitting value, and how many values there are."""
    asked: dict[str, Column] = {}
    for place, (name, spark_type, _) in enumerate(shape):
        family = type_family(spark_type) if usable(shape, (name,)) else None
        value = F.col(quoted(name))
        if family in ("date", "timestamp", "timestamp_ntz", "integer", "text"):
            dated = value.cast("string").rlike(DATED) if family in ("integer", "text") else value.isNotNull()
            asked |= {f"dated{place}": F.count_if(dated), f"orders{place}": F.approx_count_distinct(value)}
        if family == "integer":
            asked |= {f"years{place}": F.count_if(value.between(*YEARS))}
        if family == "integer" and is_time(name):
            units = (F.count_if(value.between(*(bound * unit for bound in UNIX_TIMES))) for unit in PER_SECOND)
            asked |= {f"epochs{place}": F.greatest(*units)}
    return asked


def _orders(shape: Shape, facts: Mapping[str, Any]) -> tuple[OrderFacts, ...]:
    return tuple(
        OrderFacts(column=name, rows=facts[f"{kind}{place}"], values=facts[f"orders{place}"], years=kind == "years")
        for place, (name, _, _) in enumerate(shape)
        for kind in ("dated", "years", "epochs")
        if facts.get(f"{kind}{place}")
    )


def _unique(key: tuple[str, ...], tallies: Sequence[Tally], facts: Mapping[str, Any], place: int) -> UniqueFacts:
    nulls = total(tallies, "hollow")
    pattern = _pattern(facts, place, total(tallies, "parents") - nulls)
    return UniqueFacts(columns=key, nulls=nulls, repeats=total(tallies, "repeats"), pattern=pattern)


def _children(tallies: Sequence[Tally]) -> Counter[int]:
    """How many parents have how many children."""
    children: Counter[int] = Counter()
    for tally in tallies:
        if tally.parents:
            children[round(tally.links / tally.parents)] += tally.parents  # large numbers come in groups
    return children


def _key_facts(
    key: ForeignKey,
    ref: KeyRef,
    tallies: Sequence[Tally],
    facts: Mapping[str, Any],
    kin: Kinship,
    twins: Collection[KeyRef],
    alike: Mapping[KeyRef, tuple[SiblingFacts, ...]],
    related: Mapping[KeyRef, tuple[RelativeFacts, ...]],
) -> KeyFacts:
    return KeyFacts(
        matched=total(tallies, "matched"),
        orphans=total(tallies, "orphans"),
        nulls=total(tallies, "nulls"),
        children=tuple(sorted(_children(tallies).items())),
        stray=tuple(c for i, c in enumerate(key.columns) if facts.get(f"stray{ref.index}_{i}")),
        copies=kin.copies.get(ref, ()),
        since=kin.since.get(ref, ()),
        traits=kin.traits.get(ref, ()),
        mirrored=ref in twins,
        siblings=alike.get(ref, ()),
        relatives=related.get(ref, ()),
    )


def _pattern_facts(text: Column, place: int) -> dict[str, Column]:
    return {
        f"low{place}": F.min(text),
        f"high{place}": F.max(text),
        f"length{place}": F.percentile_approx(F.length(text), 0.5, F.lit(1000)),
        f"lengths{place}": F.max(F.length(text)) - F.min(F.length(text)),
        f"uuids{place}": F.count_if(text.rlike(f"^{UUID}$")),
        f"hashes{place}": F.count_if(text.rlike(f"^{HEX}$")),
        f"mails{place}": F.count_if(text.rlike(f"^{MAIL}$")),
        f"numbered{place}": F.count_if(text.rlike(f"^{NUMBERED}$")),
        f"padded{place}": F.count_if(text.rlike(f"^{PADDED}$")),
        f"top{place}": F.max(F.regexp_extract(text, f"([0-9]{{1,{DIGITS}}})$", 1).try_cast("bigint")),
    }


def _top(number: Column, spark_type: str) -> Column:
    """The greatest of a whole key; past int64 as text, as JSON would make a float of it."""
    return F.max(number).cast("string") if type_family(spark_type) == "decimal" else F.max(number.try_cast("bigint"))


def _pattern(found: Mapping[str, Any], place: int, whole: int) -> KeyPattern | None:
    top = max(int(found.get(f"top{place}") or 0), 0)
    if f"low{place}" not in found:
        return KeyPattern(after=top) if top else None
    seen = TextKeys(
        low=found[f"low{place}"],
        high=found[f"high{place}"],
        length=found[f"length{place}"],
        even=not found[f"lengths{place}"],
        uuids=found[f"uuids{place}"] == whole,
        hashes=found[f"hashes{place}"] == whole,
        mails=found[f"mails{place}"] == whole,
        numbered=found[f"numbered{place}"] == whole,
        padded=found[f"padded{place}"] > 0,
        top=top,
    )
    return key_pattern(seen)


def _families(frame: DataFrame, key: ForeignKey, column: str) -> DataFrame:
    """One row: the commonest first number of a family (`start`), how many families there are, and how many count from it without a gap."""
    value = F.col(quoted(column)).cast("double")  # a difference of two integers can be too large for their type
    grouped = frame.groupBy(*(F.col(quoted(c)) for c in key.columns)).agg(F.min(value).alias("low"), F.max(value).alias("high"), F.count(value).alias("n"))
    dense = F.count_if(F.col("high") - F.col("low") + 1 == F.col("n"))
    starts = grouped.groupBy("low").agg(F.count(F.lit(1)).alias("families"), dense.alias("dense"))
    best = F.max_by(F.struct(F.col("low"), F.col("dense")), F.struct(F.col("families"), -F.col("low")))
    return starts.agg(best.alias("best"), F.sum("families").alias("families")).select(
        F.col("best.low").alias("start"), F.col("families"), F.col("best.dense").alias("dense")
    )
