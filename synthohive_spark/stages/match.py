"""Pair the rows of a table with free places of another parent, by an equi-join on their ranks.

A parent has as many places as it was drawn children along this key. Children and places are each put in an order that depends on their identity only, numbered
densely, and joined on the number.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from ..errors import GenerationError
from ..kernels.seeds import derive_seed
from ..spec.identifiers import quoted
from ..spec.metadata import ForeignKey
from ..spec.program import PARENT_ROW, POSITION, ROW, SIBLINGS, TableProgram, count_column, status_column
from .link import key_present

Stage = Callable[[DataFrame, str], DataFrame]

BUCKETS = 64  # the rank within a bucket is a window sort; one bucket for a whole table would sort it in one task
RUN = 10_000  # rows of a bucket where the order is that of the rows
REPAIR_ROUNDS = 16  # each leaves a fraction of the repeats; more do not help where the parents are too few

PLACE, RANK, PLACES, TAKEN = "__place", "__rank", "__places", "__taken"


@dataclass(frozen=True)
class Order:
    """A total order: `coarse` splits the rows into runs that are small enough to sort, `fine` orders a run."""

    coarse: tuple[Column, ...]
    fine: tuple[Column, ...]


def match_key(children: DataFrame, parents: DataFrame, *, program: TableProgram, index: int, seed: int, stage: Stage) -> DataFrame:
    """`children` with the columns of their `index`-th foreign key filled in.

    Args:
        children: staged rows; columns of the key that another key uses are there already and stay.
        parents: staged rows of the parent, with their hidden count of places.
        stage: writes rows under a name and reads them back.

    Raises:
        GenerationError: there is no place at all and the key must not be null, or primary keys repeat however they are paired.
    """
    key = program.foreign_keys[index]
    fixed = tuple(c for c in key.columns if c in children.columns)
    if len(fixed) == len(key.columns):
        return _without_orphans(children, parents, key, program)
    salt = derive_seed(seed, program.table, index)
    places = _places(parents, key, count_column(program.table, index))
    wanted = F.col(status_column(index)) if index in program.statuses else F.lit(True)
    seekers = children.where(wanted)
    in_order = key.parent_table == program.table
    unique = _makes_the_key_unique(program, key)
    child_order, place_order = _orders(in_order, unique, salt)
    seekers = numbered(seekers, fixed, child_order)
    places = numbered(places, fixed, place_order)
    paired = _join(seekers, places, fixed)
    if in_order:
        paired = paired.withColumn(TAKEN, F.when(F.col(TAKEN) < F.col(ROW), F.col(TAKEN)))
    if unique:
        paired = _without_repeats(paired, places, fixed, salt, program, stage)
    return _finish(children, paired, places, key, fixed, program)


def _makes_the_key_unique(program: TableProgram, key: ForeignKey) -> bool:
    """Whether rows of one driving parent are told apart by this key: nothing else of the primary key could."""
    if program.driver is None or not set(key.columns) & set(program.primary_key):
        return False
    return set(program.primary_key) <= {*program.driver.columns, *key.columns}


def _without_orphans(children: DataFrame, parents: DataFrame, key: ForeignKey, program: TableProgram) -> DataFrame:
    """Rows whose key is filled by other keys already: where that parent is not there, the columns are emptied.

    Raises:
        GenerationError: one is not there, and the columns must not be null.
    """
    found = [f"__key_{i}" for i in range(len(key.columns))]
    known = parents.select(*(F.col(quoted(p)).alias(f) for p, f in zip(key.parent_columns, found, strict=True)), F.lit(True).alias("__known"))
    joined = children.join(known, [F.col(quoted(c)) == F.col(f) for c, f in zip(key.columns, found, strict=True)], "left")
    orphan = F.col("__known").isNull()
    for column in key.columns:
        orphan = orphan & F.col(quoted(column)).isNotNull()
    nullable = {name for name, _, can_be_null in program.columns if can_be_null and name not in program.primary_key}
    emptied = [c for c in key.columns if c in nullable]
    if not emptied and not joined.where(orphan).isEmpty():
        raise GenerationError(
            f"table {program.table!r}: all columns of the key {key} belong to other keys too, which lead to rows that {key.parent_table!r} does not have; "
            "leave one of these keys out of the metadata"
        )
    for column in emptied:
        joined = joined.withColumn("__orphan", orphan) if "__orphan" not in joined.columns else joined
        joined = joined.withColumn(column, F.when(~F.col("__orphan"), F.col(quoted(column))))
    return joined.drop(*found, "__known", "__orphan")


def _places(parents: DataFrame, key: ForeignKey, count: str) -> DataFrame:
    """One row per free place: the parent's row, its key, the number of the place."""
    columns = [F.col(quoted(p)).alias(c) for c, p in zip(key.columns, key.parent_columns, strict=True)]
    some = parents.select(F.col(ROW).alias(TAKEN), F.col(quoted(count)).cast("int").alias(SIBLINGS), *columns)
    # A sequence from 1 to 0 counts down.
    return some.where(F.col(SIBLINGS) > 0).withColumn(PLACE, F.explode(F.sequence(F.lit(1), F.col(SIBLINGS))))


def _orders(in_order: bool, unique: bool, salt: int) -> tuple[Order, Order]:
    """Orders of children and places.

    By row for a self reference: so a row's parent comes before it, as in a breadth-first numbering of a forest. For a key that is part of the primary key:
    places of one parent in a run, most first, and children by their position within their driving parent, so that a run meets each driving parent once
    (Gale and Ryser's construction). Else at random.
    """
    if in_order:
        return (
            Order((F.floor(F.col(ROW) / RUN),), (F.col(ROW),)),
            Order((F.floor(F.col(TAKEN) / RUN),), (F.col(TAKEN), F.col(PLACE))),
        )
    if unique:
        by_driver, by_parent = F.xxhash64(F.col(PARENT_ROW), F.lit(salt)), F.xxhash64(F.col(TAKEN), F.lit(salt + 1))
        return (
            Order((F.col(POSITION), -F.col(SIBLINGS), _bucket(by_driver)), (by_driver, F.col(ROW))),
            Order((-F.col(SIBLINGS), _bucket(by_parent)), (by_parent, F.col(TAKEN), F.col(PLACE))),
        )
    by_row, by_place = F.xxhash64(F.col(ROW), F.lit(salt)), F.xxhash64(F.col(TAKEN), F.col(PLACE), F.lit(salt + 1))
    return Order((_bucket(by_row),), (by_row, F.col(ROW))), Order((_bucket(by_place),), (by_place, F.col(TAKEN), F.col(PLACE)))


def _bucket(hashed: Column) -> Column:
    return F.pmod(F.shiftright(hashed, 32), F.lit(BUCKETS))


def numbered(data: DataFrame, groups: tuple[str, ...], order: Order) -> DataFrame:
    """`data` with its dense rank (from 0) within `groups` and the group's size, without sorting a whole group in one task."""
    coarse = [f"__c{i}" for i in range(len(order.coarse))]
    keyed = data.withColumns(dict(zip(coarse, order.coarse, strict=True)))
    runs = keyed.groupBy(*map(quoted, groups), *coarse).agg(F.count(F.lit(1)).alias("__n"))
    before = Window.partitionBy(*map(quoted, groups)).orderBy(*coarse).rowsBetween(Window.unboundedPreceding, -1)
    runs = runs.withColumn("__before", F.coalesce(F.sum("__n").over(before), F.lit(0)))
    runs = runs.withColumn(PLACES, F.sum("__n").over(Window.partitionBy(*map(quoted, groups)))).drop("__n")
    runs = runs.select(*(F.col(quoted(g)).alias(f"__g{i}") for i, g in enumerate(groups)), *(F.col(c).alias(f"_{c}") for c in coarse), "__before", PLACES)
    on = [F.col(quoted(g)).eqNullSafe(F.col(f"__g{i}")) for i, g in enumerate(groups)] + [F.col(c).eqNullSafe(F.col(f"_{c}")) for c in coarse]
    within = Window.partitionBy(*map(quoted, groups), *coarse).orderBy(*order.fine)
    # Without groups there are few runs; with them there can be as many as groups, and Spark chooses.
    ranked = keyed.withColumn(RANK, F.row_number().over(within) - 1).join(runs if groups else F.broadcast(runs), on)
    helpers = [*coarse, *(f"_{c}" for c in coarse), "__before", *(f"__g{i}" for i in range(len(groups)))]
    return ranked.withColumn(RANK, F.col(RANK) + F.col("__before")).drop(*helpers)


def _join(seekers: DataFrame, places: DataFrame, fixed: tuple[str, ...]) -> DataFrame:
    """Children that have no place left start over with the first one."""
    sizes = places.groupBy(*(F.col(quoted(c)).alias(f"__g{i}") for i, c in enumerate(fixed))).agg(F.count(F.lit(1)).alias("__free"))
    on = [F.col(quoted(c)) == F.col(f"__g{i}") for i, c in enumerate(fixed)]
    sized = seekers.drop(PLACES)
    sized = sized.join(sizes, on, "left") if on else sized.crossJoin(F.broadcast(sizes))
    sized = sized.withColumn(RANK, F.when(F.col("__free") > 0, F.pmod(F.col(RANK), F.col("__free"))))
    return _take(sized.drop(*(f"__g{i}" for i in range(len(fixed)))), places, fixed)


def _take(children: DataFrame, places: DataFrame, fixed: tuple[str, ...]) -> DataFrame:
    """The place with the children's rank, per group of the fixed columns."""
    free = places.select(*(F.col(quoted(c)).alias(f"__g{i}") for i, c in enumerate(fixed)), F.col(RANK).alias("__at"), TAKEN)
    on = [F.col(quoted(c)) == F.col(f"__g{i}") for i, c in enumerate(fixed)] + [F.col(RANK) == F.col("__at")]
    return children.drop(TAKEN).join(free, on, "left").drop("__at", *(f"__g{i}" for i in range(len(fixed))))


def _without_repeats(paired: DataFrame, places: DataFrame, fixed: tuple[str, ...], salt: int, program: TableProgram, stage: Stage) -> DataFrame:
    """Rows that meet their driving parent's other rows at the same parent draw another place."""
    for attempt in range(REPAIR_ROUNDS):
        paired = stage(paired, f"round{attempt}")  # each round would else compute all rounds before it again
        same = Window.partitionBy(PARENT_ROW, TAKEN).orderBy(ROW)
        flagged = paired.withColumn("__again", (F.row_number().over(same) > 1) & F.col(TAKEN).isNotNull())
        if flagged.where("__again").isEmpty():
            return paired
        again = flagged.where("__again").drop("__again")
        again = again.withColumn(RANK, F.pmod(F.xxhash64(F.col(ROW), F.lit(salt), F.lit(attempt)), F.col("__free")))
        paired = flagged.where(~F.col("__again")).drop("__again").unionByName(_take(again, places, fixed))
    raise GenerationError(
        f"table {program.table!r}: primary keys {list(program.primary_key)} repeat however rows are paired; the parents are too few for so many rows: "
        "sample more rows of them"
    )


def _finish(children: DataFrame, paired: DataFrame, places: DataFrame, key: ForeignKey, fixed: tuple[str, ...], program: TableProgram) -> DataFrame:
    """The key's free columns joined on; rows without a place have nulls there."""
    free = [c for c in key.columns if c not in fixed]
    found = places.where(F.col(PLACE) == 1).select(F.col(TAKEN).alias("__found"), *(F.col(quoted(c)) for c in free))
    chosen = paired.where(F.col(TAKEN).isNotNull()).select(F.col(ROW).alias("__chooser"), F.col(TAKEN).alias("__chosen"))
    chosen = chosen.join(found, F.col("__chosen") == F.col("__found")).drop("__chosen", "__found")
    joined = children.join(chosen, F.col(ROW) == F.col("__chooser"), "left").drop("__chooser")
    required = [name for name, _, nullable in program.columns if name in free and not nullable]
    if required and not joined.where(~key_present(tuple(required))).isEmpty():
        raise GenerationError(
            f"table {program.table!r}: the key {key} must not be null and no row of {key.parent_table!r} has a place for it; sample more rows of it"
        )
    return joined
