"""Which columns repeat others of the row that a key leads to: keys that two ways lead to, and copies of a parent's values.

One narrow sample per key, joined with the rows of its parent; many keys share a Spark job.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from ..kernels.kinship import MINE, PAIRING, SHARED_DDL, THEIRS, WEIGHT, Candidate, shared_values
from ..spec.graph import KeyRef
from ..spec.identifiers import quoted
from ..spec.metadata import ForeignKey, Metadata
from ..spec.planning.view import unique_keys
from ..spec.structure import Shape, usable
from ..spec.survey import CopyFacts
from ..spec.types import base_type, decimal_digits, key_types_match, type_family
from .frames import all_there, bound
from .jobs import FRAMES_PER_JOB, batches, collect_all, one_row, union_all

SAMPLE_ROWS = 10_000  # of a table, for each of its keys: 99.5 % of so many is told from 99 %
HASH_RANGE = 1_000_000
LEAST_ROWS = 50  # fewer tell nothing
BY_CHANCE = 0.98  # columns that random rows share as often say nothing of kinship


@dataclass(frozen=True)
class _Pairing:
    """A table and the parent that one of its keys leads to.

    Attributes:
        columns: those of the table and of the parent, in the order of the candidates' places.
        candidates: what may be equal.
    """

    ref: KeyRef
    key: ForeignKey
    columns: tuple[tuple[str, ...], tuple[str, ...]]
    candidates: tuple[Candidate, ...]

    def facts(self, number: int, share: float, chance: float) -> CopyFacts:
        candidate = self.candidates[number]
        return CopyFacts(
            columns=tuple(self.columns[0][i] for i in candidate.mine),
            parent_columns=tuple(self.columns[1][i] for i in candidate.theirs),
            share=share,
            chance=chance,
        )


def copies_of_parents(
    metadata: Metadata, data: Mapping[str, DataFrame], shapes: Mapping[str, Shape], followed: Mapping[KeyRef, ForeignKey], rows: Mapping[str, int]
) -> dict[KeyRef, tuple[CopyFacts, ...]]:
    """By key to another learnt table, what is equal in both rows more often than by chance.

    Args:
        data: the tables.
        followed: keys whose columns are there and compare.
        rows: of each table.
    """
    pairings = [p for ref, key in followed.items() if (p := _pairing(metadata, shapes, followed, ref, key)) is not None and rows[ref.table] >= LEAST_ROWS]
    sides = [_Sides(pairing, data, shapes) for pairing in pairings]
    shares = _shares(sides, [rows[p.ref.table] for p in pairings])
    found: dict[KeyRef, list[CopyFacts]] = defaultdict(list)
    for batch in batches(list(enumerate(pairings)), FRAMES_PER_JOB):
        frames = [sides[place].sampled(place, shares[place]) for place, _ in batch]
        kernel = bound(shared_values, candidates={place: pairing.candidates for place, pairing in batch})
        for row in union_all(frames).groupBy(PAIRING).applyInPandas(kernel, SHARED_DDL).collect():
            if row["rows"] >= LEAST_ROWS and row["chance"] <= BY_CHANCE and row["equal"] / row["rows"] > row["chance"]:
                pairing = pairings[row["pairing"]]
                found[pairing.ref].append(pairing.facts(row["candidate"], round(row["equal"] / row["rows"], 6), round(row["chance"], 6)))
    return {ref: tuple(sorted(facts, key=lambda f: (f.columns, f.parent_columns))) for ref, facts in found.items()}


def _pairing(metadata: Metadata, shapes: Mapping[str, Shape], followed: Mapping[KeyRef, ForeignKey], ref: KeyRef, key: ForeignKey) -> _Pairing | None:
    parent = metadata.tables[key.parent_table]
    if {metadata.tables[ref.table].role, parent.role} != {"learnt"} or parent.name == ref.table:
        return None
    ways = [
        (other.columns, tuple(above.columns[above.parent_columns.index(p)] for p in other.parent_columns))
        for own, other in followed.items()
        for theirs, above in followed.items()
        if own.table == ref.table and own != ref and theirs.table == parent.name and other.parent_table == above.parent_table
        if set(other.parent_columns) == set(above.parent_columns) and not set(other.columns) & set(key.columns)
    ]
    pairs = [*ways, *(((mine,), (theirs,)) for mine, theirs in _alike(metadata, shapes, ref.table, parent.name))]
    if not pairs:
        return None
    mine, theirs = (tuple(dict.fromkeys(c for pair in pairs for c in pair[side])) for side in (0, 1))
    places = tuple(Candidate(tuple(mine.index(c) for c in own), tuple(theirs.index(c) for c in other)) for own, other in pairs)
    return _Pairing(ref, key, (mine, theirs), places)


def _alike(metadata: Metadata, shapes: Mapping[str, Shape], table: str, parent: str) -> Iterator[tuple[str, str]]:
    """Pairs of columns that are no keys and hold values of one kind."""
    own, above = (_attributes(metadata, shapes, name) for name in (table, parent))
    for mine, its_type in own.items():
        yield from ((mine, theirs) for theirs, their_type in above.items() if key_types_match(its_type, their_type))


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
        return [f"__link_{i}" for i in range(len(self.pairing.key.columns))]

    def rows(self) -> DataFrame:
        """`MINE` and `links` of the rows whose key is there."""
        return self._side(self.pairing.ref.table, self.pairing.columns[0], self.pairing.key.columns, MINE)

    def sampled(self, place: int, share: float) -> DataFrame:
        """`PAIRING`, `MINE`, `THEIRS` and `WEIGHT` of a share of the rows. Equal ones have equal hashes, stay or go together, and are counted."""
        chosen = self.rows().where(F.pmod(self._hash(), F.lit(HASH_RANGE)) < int(HASH_RANGE * share))
        counted = chosen.groupBy(MINE, *self.links).agg(F.count(F.lit(1)).cast("double").alias(WEIGHT))
        theirs = self._side(self.pairing.key.parent_table, self.pairing.columns[1], self.pairing.key.parent_columns, THEIRS)
        return counted.join(theirs, self.links).select(F.lit(place).alias(PAIRING), MINE, THEIRS, WEIGHT)

    def different(self, place: int) -> DataFrame:
        """One row with about how many different rows there are."""
        return one_row(str(place), self.rows(), {"n": F.approx_count_distinct(self._hash())})

    def _hash(self) -> Column:
        return F.xxhash64(MINE, *self.links)

    def _side(self, table: str, columns: tuple[str, ...], key: tuple[str, ...], name: str) -> DataFrame:
        kinds = {c: kind for c, kind, _ in self.shapes[table]}
        hashes = F.array(*(F.when(F.col(quoted(c)).isNotNull(), F.xxhash64(_plain(c, kinds[c]))) for c in columns))
        there = self.data[table].where(all_there(key))
        return there.select(hashes.alias(name), *(_plain(c, kinds[c]).alias(link) for c, link in zip(key, self.links, strict=True)))


def _shares(sides: Sequence[_Sides], rows: Sequence[int]) -> list[float]:
    """The share of each table's rows to sample: all, where few of them differ."""
    large = [place for place, n in enumerate(rows) if n > SAMPLE_ROWS]
    differ = {int(row["name"]): json.loads(row["facts"])["n"] for row in collect_all([sides[place].different(place) for place in large])}
    return [min(1.0, SAMPLE_ROWS / rows[place]) if differ.get(place, 0) > SAMPLE_ROWS else 1.0 for place in range(len(sides))]


def _plain(column: str, spark_type: str) -> Column:
    """Values of one kind in one type."""
    value = F.col(quoted(column))
    digits = decimal_digits(spark_type)
    if digits is not None:
        return value.cast(f"decimal(38,{digits[1]})")
    family = type_family(spark_type)
    return value.cast("bigint") if family == "integer" else value.cast("string") if family == "text" else value.cast(base_type(spark_type))
