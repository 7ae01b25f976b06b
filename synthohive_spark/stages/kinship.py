"""What rows have in common with the rows that their keys lead to: keys that two ways lead to, copies of a parent's values, and what says most about a row.

A sample of about 10,000 different rows per key, joined with the rows of its parent: one pass over the rows of both tables. Many keys share a Spark job.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from ..kernels.kinship import KINSHIP_DDL, LEAST_ROWS, LINK, MINE, NULL, PAIRING, THEIRS, WEIGHT, Asked, Candidate, kinship
from ..spec.date_forms import step_micros
from ..spec.graph import KeyRef
from ..spec.hidden import hidden
from ..spec.identifiers import quoted
from ..spec.metadata import ForeignKey, Metadata
from ..spec.planning.view import unique_keys
from ..spec.structure import Shape, usable
from ..spec.survey import CopyFacts, SinceFacts, TraitFacts
from ..spec.types import holds_type, type_family
from .frames import all_there, bound, plain_value
from .jobs import FRAMES_PER_JOB, batches, collect_all, one_row, union_all
from .profile import plain_number

SAMPLE_ROWS = 10_000  # of a table, for each of its keys: 99.5 % of so many is told from 99 %
HASH_RANGE = 1_000_000_000
MOST_COLUMNS = 64  # of a side that are looked at for what says most about rows: the time grows with the product of both
TIMES = ("date", "timestamp", "timestamp_ntz")
LABELS = ("text", "boolean")  # kinds of values without an order
NEVER = 10  # rows that would be equal by chance: where none is, it is not by chance
BY_CHANCE = 0.98  # columns that random rows share as often say nothing of kinship


@dataclass(frozen=True)
class _Pairing:
    """A table and the parent that one of its keys leads to.

    Attributes:
        columns: those of the table and of the parent, in the order of the places in `asked`.
        asked: what may be equal, and what may say something about the row.
    """

    ref: KeyRef
    key: ForeignKey
    columns: tuple[tuple[str, ...], tuple[str, ...]]
    asked: Asked

    def copy(self, number: int, share: float, chance: float) -> CopyFacts:
        candidate = self.asked.candidates[number]
        return CopyFacts(
            columns=tuple(self.columns[0][i] for i in candidate.mine),
            parent_columns=tuple(self.columns[1][i] for i in candidate.theirs),
            share=round(share, 6),
            chance=round(chance, 6),
        )

    def since(self, number: int, distance: float, grain: float) -> SinceFacts:
        own, theirs, *_ = self.asked.times[number]
        return SinceFacts(column=self.columns[0][own], parent_column=self.columns[1][theirs], distance=round(distance, 3), grain=int(grain))

    def trait(self, place: int, gain: float, edges: Sequence[float] | None) -> TraitFacts:
        return TraitFacts(column=self.columns[1][place], gain=round(gain, 6), edges=None if edges is None else tuple(edges))


@dataclass(frozen=True)
class Kinship:
    """What rows have in common with their parents, by key.

    Attributes:
        copies: what is equal in both rows more often than by chance, or never.
        traits: the parent's columns that say most about the row, best first.
        since: times that are never before one of the parent's.
    """

    copies: Mapping[KeyRef, tuple[CopyFacts, ...]]
    traits: Mapping[KeyRef, tuple[TraitFacts, ...]]
    since: Mapping[KeyRef, tuple[SinceFacts, ...]]


def kinship_of_parents(
    metadata: Metadata,
    data: Mapping[str, DataFrame],
    shapes: Mapping[str, Shape],
    followed: Mapping[KeyRef, ForeignKey],
    rows: Mapping[str, int],
    repeated: Mapping[str, Collection[frozenset[str]]],
) -> Kinship:
    """For each key to another learnt table.

    Args:
        data: the tables.
        followed: keys whose columns are there and compare.
        rows: of each table.
        repeated: keys that should be unique and are not, by table: a row would have thousands of parents.
    """
    sound = sound_keys(followed, rows, repeated)
    pairings = [p for ref, key in sound.items() if (p := _pairing(metadata, shapes, followed, ref, key)) is not None]
    sides = [_Sides(pairing, data, shapes) for pairing in pairings]
    shares = _shares({p.ref.table: rows[p.ref.table] for p in pairings}, data, shapes)
    copies: dict[KeyRef, list[CopyFacts]] = defaultdict(list)
    traits: dict[KeyRef, list[TraitFacts]] = defaultdict(list)
    since: dict[KeyRef, list[SinceFacts]] = defaultdict(list)
    for batch in batches(list(enumerate(pairings)), FRAMES_PER_JOB):
        frames = [sides[place].sampled(place, shares[pairing.ref.table]) for place, pairing in batch]
        kernel = bound(kinship, asked={place: pairing.asked for place, pairing in batch})
        for row in union_all(frames).groupBy(PAIRING).applyInPandas(kernel, KINSHIP_DDL).collect():
            pairing = pairings[row["pairing"]]
            if row["since"] >= 0:
                since[pairing.ref].append(pairing.since(row["since"], row["gain"], *row["edges"]))
            elif row["trait"] >= 0:
                traits[pairing.ref].append(pairing.trait(row["trait"], row["gain"], row["edges"]))
            elif row["chance"] <= BY_CHANCE and (row["equal"] / row["rows"] > row["chance"] or (not row["equal"] and row["chance"] * row["rows"] >= NEVER)):
                copies[pairing.ref].append(pairing.copy(row["candidate"], row["equal"] / row["rows"], row["chance"]))
    return Kinship(
        copies={ref: tuple(sorted(facts, key=lambda f: (f.columns, f.parent_columns))) for ref, facts in copies.items()},
        traits={ref: tuple(facts) for ref, facts in traits.items()},
        since={ref: tuple(sorted(facts, key=lambda f: (f.column, f.parent_column))) for ref, facts in since.items()},
    )


def sound_keys(followed: Mapping[KeyRef, ForeignKey], rows: Mapping[str, int], repeated: Mapping[str, Collection[frozenset[str]]]) -> dict[KeyRef, ForeignKey]:
    """The keys of tables with enough rows that lead to one row each; arguments as `kinship_of_parents` takes them."""
    return {ref: key for ref, key in followed.items() if rows[ref.table] >= LEAST_ROWS and frozenset(key.parent_columns) not in repeated[key.parent_table]}


def _pairing(metadata: Metadata, shapes: Mapping[str, Shape], followed: Mapping[KeyRef, ForeignKey], ref: KeyRef, key: ForeignKey) -> _Pairing | None:
    parent = metadata.tables[key.parent_table]
    if {metadata.tables[ref.table].role, parent.role} != {"learnt"}:
        return None
    others = [other for other in _keys_of(metadata, followed, ref.table) if other != key and not set(other.columns) & set(key.columns)]
    ways = [
        (other.columns, tuple(above.columns[above.parent_columns.index(p)] for p in other.parent_columns))
        for other in others
        for above in _keys_of(metadata, followed, parent.name)
        if other.parent_table == above.parent_table and set(other.parent_columns) == set(above.parent_columns)
    ]
    ways += [
        (other.columns, other.parent_columns) for other in others if other.parent_table == parent.name and set(other.parent_columns) == set(key.parent_columns)
    ]
    # Rows of the table itself have no values to copy before all of them are there: only their keys can lead to one row.
    alike = [] if parent.name == ref.table else [((mine,), (theirs,)) for mine, theirs in _alike(metadata, shapes, ref.table, parent.name)]
    pairs = [*ways, *alike]
    telling, traits = meaningful(metadata, shapes, ref.table), meaningful(metadata, shapes, parent.name)
    natural = _natural_times(metadata, shapes, ref.table)
    if not pairs and not ((telling or natural) and traits):
        return None
    columns = tuple(tuple(dict.fromkeys([*(c for pair in pairs for c in pair[side]), *more])) for side, more in ((0, (*telling, *natural)), (1, traits)))
    mine, theirs = columns
    asked = Asked(
        candidates=tuple(
            Candidate(tuple(mine.index(c) for c in own), tuple(theirs.index(c) for c in other), number < len(ways)) for number, (own, other) in enumerate(pairs)
        ),
        telling=tuple(mine.index(c) for c in telling if not {c} & set(key.columns)),
        traits=tuple(theirs.index(c) for c in traits),
        numeric=(_numeric(shapes[ref.table], mine), _numeric(shapes[parent.name], theirs)),
        times=tuple(_times(shapes, (ref.table, mine), (parent.name, theirs))),
    )
    return _Pairing(ref, key, (mine, theirs), asked)


def _natural_times(metadata: Metadata, shapes: Mapping[str, Shape], name: str) -> list[str]:
    """Times that are part of a unique key: they mean nothing of the row, but rows come in their order."""
    table = metadata.tables[name]
    closed = {c for key in table.foreign_keys for c in key.columns} | set(table.pii_cols)
    keyed = {c for key in unique_keys(metadata, name) for c in key} - closed
    return [c for c, kind, _ in shapes[name] if c in keyed and type_family(kind) in TIMES]


def _keys_of(metadata: Metadata, followed: Mapping[KeyRef, ForeignKey], table: str) -> list[ForeignKey]:
    refs = (KeyRef(table=table, index=i) for i in range(len(metadata.tables[table].foreign_keys)))
    return [followed[ref] for ref in refs if ref in followed]


def _times(shapes: Mapping[str, Shape], own: tuple[str, Sequence[str]], above: tuple[str, Sequence[str]]) -> Iterator[tuple[int, int, int, int]]:
    """Places of times of both sides that can be compared: of one type, or one of them a date."""
    sides = []
    for name, columns in (own, above):
        kinds = {c: kind for c, kind, _ in shapes[name]}
        sides.append([(place, kinds[c]) for place, c in enumerate(columns) if type_family(kinds[c]) in TIMES])
    for place, kind in sides[0]:
        yield from ((place, other, step_micros(kind), step_micros(its)) for other, its in sides[1] if its == kind or "date" in (its, kind))


def _numeric(shape: Shape, columns: Sequence[str]) -> tuple[bool, ...]:
    kinds = {c: kind for c, kind, _ in shape}
    return tuple(type_family(kinds[c]) not in LABELS for c in columns)


def meaningful(metadata: Metadata, shapes: Mapping[str, Shape], name: str) -> list[str]:
    """Columns whose values mean something by themselves: no keys, but those to reference tables, and nothing private."""
    table = metadata.tables[name]
    closed = {c for fk in table.foreign_keys if metadata.tables[fk.parent_table].role == "learnt" for c in fk.columns}
    closed |= {c for key in unique_keys(metadata, name) for c in key} | set(table.pii_cols)
    return [c for c, _, _ in shapes[name] if c not in closed and usable(shapes[name], (c,))][:MOST_COLUMNS]


def _alike(metadata: Metadata, shapes: Mapping[str, Shape], table: str, parent: str) -> Iterator[tuple[str, str]]:
    """Pairs of columns that are no keys, of one kind, where the row's can hold all that the parent's can."""
    own, above = (_attributes(metadata, shapes, name) for name in (table, parent))
    for mine, its_type in own.items():
        yield from ((mine, theirs) for theirs, their_type in above.items() if holds_type(its_type, their_type))


def _attributes(metadata: Metadata, shapes: Mapping[str, Shape], name: str) -> dict[str, str]:
    table = metadata.tables[name]
    closed = {c for fk in table.foreign_keys for c in fk.columns} | {c for key in unique_keys(metadata, name) for c in key}
    return {c: kind for c, kind, _ in shapes[name] if c not in closed and type_family(kind) != "boolean" and usable(shapes[name], (c,))}


@dataclass(frozen=True)
class _Sides:
    """Both sides of a pairing as hashes."""

    pairing: _Pairing
    data: Mapping[str, DataFrame]
    shapes: Mapping[str, Shape]

    @property
    def links(self) -> list[str]:
        return [hidden(f"link_{i}") for i in range(len(self.pairing.key.columns))]

    def sampled(self, place: int, share: float) -> DataFrame:
        """`PAIRING`, `MINE`, `THEIRS`, `LINK` and `WEIGHT` of a share of the rows whose key is there; rows that are alike in all of it are counted."""
        table, key = self.pairing.ref.table, self.pairing.key
        chosen = self.data[table].where(F.pmod(row_hash(self.shapes[table]), F.lit(HASH_RANGE)) < int(HASH_RANGE * share))
        counted = self._side(chosen, table, 0, key.columns, MINE).groupBy(*MINE, *self.links).agg(F.count(F.lit(1)).cast("double").alias(WEIGHT))
        theirs = self._side(self.data[key.parent_table], key.parent_table, 1, key.parent_columns, THEIRS)
        return theirs.join(F.broadcast(counted), self.links).select(F.lit(place).alias(PAIRING), *MINE, *THEIRS, F.xxhash64(*self.links).alias(LINK), WEIGHT)

    def _side(self, rows: DataFrame, table: str, side: int, key: tuple[str, ...], names: tuple[str, str]) -> DataFrame:
        kinds, columns = {c: kind for c, kind, _ in self.shapes[table]}, self.pairing.columns[side]
        hashes, numbers = (hashed(c, kinds[c]) for c in columns), (number_of(c, kinds[c]) for c in columns)
        links = (plain_value(c, kinds[c]).alias(link) for c, link in zip(key, self.links, strict=True))
        return rows.where(all_there(key)).select(F.array(*hashes).alias(names[0]), F.array(*numbers).alias(names[1]), *links)


def hashed(column: str, kind: str) -> Column:
    """The hash of a value, `NULL` where there is none."""
    return F.when(F.col(quoted(column)).isNotNull(), F.xxhash64(plain_value(column, kind))).otherwise(F.lit(NULL))


def number_of(column: str, kind: str) -> Column:
    """The value of a number or a time, NaN where there is none."""
    if type_family(kind) in LABELS:
        return F.lit(math.nan)
    return F.coalesce(plain_number(F.col(quoted(column)), kind).cast("double"), F.lit(math.nan))


def row_hash(shape: Shape) -> Column:
    return F.xxhash64(*(F.col(quoted(c)) for c, _, _ in shape if usable(shape, (c,))))


def _shares(rows: Mapping[str, int], data: Mapping[str, DataFrame], shapes: Mapping[str, Shape]) -> dict[str, float]:
    """The share of each table's rows to sample, so that about `SAMPLE_ROWS` different ones are left: equal ones stay or go together."""
    large = [one_row(name, data[name], {"n": F.approx_count_distinct(row_hash(shapes[name]))}) for name, n in rows.items() if n > SAMPLE_ROWS]
    differ = {row["name"]: json.loads(row["facts"])["n"] for row in collect_all(large)}
    return {name: min(1.0, SAMPLE_ROWS / max(differ.get(name, 0), 1)) for name in rows}
