"""Two keys of a row that lead to rows below one row of a third table: both atoms of a bond are of one molecule, both teams of a match of one league.

A sample of about 10,000 rows of the table, joined with both parents: a pass over them for each pair of ways.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ..kernels.kinship import LEAST_ROWS
from ..spec.graph import KeyRef
from ..spec.hidden import hidden
from ..spec.metadata import ForeignKey, Metadata
from ..spec.structure import Shape
from ..spec.survey import RelativeFacts
from .frames import all_there, plain_value
from .jobs import collect_all
from .kinship import HASH_RANGE, SAMPLE_ROWS, row_hash, sound_keys

HOLDS = 0.995
BY_CHANCE = 0.9  # of two rows in any pairs, which lead to one row of the third table
MOST_ASKED = 16  # pairs of ways
MINE, THEIRS, ONE, OTHER = (hidden(name) for name in ("mine", "theirs", "one", "other"))


@dataclass(frozen=True)
class _Ways:
    """Keys `one` and `other` of a table, and keys of the parents that they lead to, both to the same columns of a third table."""

    one: KeyRef
    other: KeyRef
    above_one: ForeignKey
    above_other: ForeignKey


def relatives_of_parents(
    metadata: Metadata,
    data: Mapping[str, DataFrame],
    shapes: Mapping[str, Shape],
    followed: Mapping[KeyRef, ForeignKey],
    rows: Mapping[str, int],
    repeated: Mapping[str, Collection[frozenset[str]]],
) -> dict[KeyRef, tuple[RelativeFacts, ...]]:
    """By key, other keys of the table whose parents always have a parent in common with its own.

    Args:
        rows, repeated: as `kinship_of_parents` takes them.
    """
    learnt = {name for name, table in metadata.tables.items() if table.role == "learnt"}
    keys = {ref: key for ref, key in followed.items() if {ref.table, key.parent_table} <= learnt and key.parent_table != ref.table}
    sound = sound_keys(keys, rows, repeated)
    asked = list(_ways(sound, followed))[:MOST_ASKED]
    found: dict[KeyRef, list[RelativeFacts]] = defaultdict(list)
    frames = [_compared(place, ways, sound, data, shapes, min(1.0, SAMPLE_ROWS / rows[ways.one.table])) for place, ways in enumerate(asked)]
    for row in collect_all(frames):
        ways = asked[row["place"]]
        if row["n"] >= LEAST_ROWS and row["same"] >= HOLDS * row["n"] and row["chance"] <= BY_CHANCE:
            for mine, theirs, own, others in (
                (ways.one, ways.other, ways.above_one, ways.above_other),
                (ways.other, ways.one, ways.above_other, ways.above_one),
            ):
                apart = not row["one_row"] and _target(sound[mine]) == _target(sound[theirs])
                found[mine].append(RelativeFacts(by=theirs.index, above=others.columns, parent_columns=_in_order(own, others), apart=apart))
    return {ref: tuple(facts) for ref, facts in found.items()}


def _ways(sound: Mapping[KeyRef, ForeignKey], followed: Mapping[KeyRef, ForeignKey]) -> Iterator[_Ways]:
    """Each pair of keys that share no column, and of keys above them; not where the table itself has a key to the third table."""
    for one, key in sound.items():
        direct = {(k.parent_table, frozenset(k.parent_columns)) for ref, k in followed.items() if ref.table == one.table}
        for other, another in sound.items():
            if other.table != one.table or other.index <= one.index or set(key.columns) & set(another.columns):
                continue
            for above_one in _keys_of(followed, key.parent_table):
                for above_other in _keys_of(followed, another.parent_table):
                    third = (above_one.parent_table, frozenset(above_one.parent_columns))
                    if third == (above_other.parent_table, frozenset(above_other.parent_columns)) and third not in direct:
                        yield _Ways(one, other, above_one, above_other)


def _keys_of(followed: Mapping[KeyRef, ForeignKey], table: str) -> list[ForeignKey]:
    return [key for ref, key in followed.items() if ref.table == table and key.parent_table != table]


def _target(key: ForeignKey) -> tuple[str, tuple[str, ...]]:
    return key.parent_table, key.parent_columns


def _in_order(own: ForeignKey, others: ForeignKey) -> tuple[str, ...]:
    """The columns of `own` in the order of those of `others`."""
    place = dict(zip(own.parent_columns, own.columns, strict=True))
    return tuple(place[c] for c in others.parent_columns)


def _compared(
    place: int, ways: _Ways, keys: Mapping[KeyRef, ForeignKey], data: Mapping[str, DataFrame], shapes: Mapping[str, Shape], share: float
) -> DataFrame:
    """One row: `place`, rows that lead to a third table both ways (`n`), those that lead to one row of it (`same`) and to one parent
    (`one_row`), and the `chance` that two rows lead to one row of the third table."""
    one, other = keys[ways.one], keys[ways.other]
    shape = shapes[ways.one.table]
    kinds = {c: kind for c, kind, _ in shape}
    chosen = data[ways.one.table].where(F.pmod(row_hash(shape), F.lit(HASH_RANGE)) < int(HASH_RANGE * share)).where(all_there((*one.columns, *other.columns)))
    rows = chosen.select(*(F.xxhash64(*(plain_value(c, kinds[c]) for c in key.columns)).alias(name) for key, name in ((one, ONE), (other, OTHER))))
    for key, link, name, above in ((one, ONE, MINE, ways.above_one), (other, OTHER, THEIRS, _turned(ways.above_other, ways.above_one))):
        theirs = {c: kind for c, kind, _ in shapes[key.parent_table]}
        hashed = F.xxhash64(*(plain_value(c, theirs[c]) for c in key.parent_columns)).alias(link)
        third = F.xxhash64(*(plain_value(c, theirs[c]) for c in above.columns)).alias(name)
        parents = data[key.parent_table].where(all_there(key.parent_columns)).select(hashed, third)  # that both have none counts, too, as in the match
        rows = parents.join(F.broadcast(rows), link)
    alike, one_row = F.count_if(F.col(MINE) == F.col(THEIRS)), F.count_if(F.col(ONE) == F.col(OTHER))
    counted = rows.groupBy(MINE).agg(F.count(F.lit(1)).alias("rows"), alike.alias("alike"), one_row.alias("one_row"))
    total = F.sum("rows")
    chance = F.sum(F.col("rows").cast("double") * F.col("rows")) / (total * total)
    facts = {"n": F.coalesce(total, F.lit(0)), "same": F.coalesce(F.sum("alike"), F.lit(0)), "one_row": F.coalesce(F.sum("one_row"), F.lit(0))}
    return counted.agg(*(column.alias(name) for name, column in facts.items()), F.coalesce(chance, F.lit(1.0)).alias("chance")).select(
        F.lit(place).alias("place"), "*"
    )


def _turned(key: ForeignKey, like: ForeignKey) -> ForeignKey:
    """The key with its columns in the order in which `like` names those of the parent."""
    place = dict(zip(key.parent_columns, key.columns, strict=True))
    return key.model_copy(update={"columns": tuple(place[c] for c in like.parent_columns), "parent_columns": like.parent_columns})
