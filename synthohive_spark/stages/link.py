"""Learn how tables hang together: children per parent, natural keys, positions within a parent."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from ..errors import SchemaError
from ..kernels.cardinality import fit_linkage
from ..kernels.keys import find_key_pattern
from ..spec.identifiers import quoted
from ..spec.metadata import ForeignKey, Table
from ..spec.program import KeyPattern, Linkage, SeriesPlan
from .profile import with_plain_times

MAX_ENTITIES = 100_000  # combinations of natural key values that travel in the program; more than that is no lookup but a table of its own
PATTERN_SAMPLE = 1000  # keys that are looked at to find a text key's form
FEW_ROWS = 500  # fewer parents or children tell their histogram, and no more: what the number of children depends on would be noise
HOLDS = 0.995  # share of the rows on which a rule must hold to be taken for one


def key_columns(columns: tuple[str, ...]) -> list[Column]:
    """The columns of a key, quoted."""
    return [F.col(quoted(c)) for c in columns]


def key_present(columns: tuple[str, ...]) -> Column:
    """Whether no part of a key is null."""
    present = F.lit(True)
    for column in key_columns(columns):
        present = present & column.isNotNull()
    return present


def learn_linkage(child: DataFrame, table: Table, key: ForeignKey, parents: int) -> Linkage:
    """Children per parent along `key`, from exact counts. `parents` counts the parent's rows, childless ones included."""
    per_parent = child.groupBy(*key_columns(key.columns)).agg(F.count(F.lit(1)).alias("__n"), F.first(key_present(key.columns)).alias("__there"))
    histogram = per_parent.groupBy("__there", F.when(F.col("__there"), F.col("__n")).alias("__children")).agg(
        F.count(F.lit(1)).alias("__parents"), F.sum("__n").alias("__rows")
    )
    counts, orphans, rows = {}, 0, 0
    for there, children, families, members in histogram.collect():  # one row per number of children
        rows += members
        if there:
            counts[children] = families
        else:
            orphans += members
    counts[0] = max(0, parents - sum(counts.values()))
    unique = set(table.primary_key) and set(table.primary_key) <= set(key.columns)
    few = min(parents, rows) < FEW_ROWS
    method = "empirical" if table.linkage_method == "conditional" and few else table.linkage_method
    return fit_linkage(list(counts), list(counts.values()), method=method, at_most=1 if unique else None, null_rate=orphans / rows if rows else 0.0)


def with_children_counted(parents: DataFrame, children: DataFrame, key: ForeignKey, name: str) -> DataFrame:
    """`parents` with a column `name`: how many `children` each has along `key`."""
    keys = [f"__key_{i}" for i in range(len(key.columns))]
    there = children.where(key_present(key.columns)).select(*(c.alias(k) for c, k in zip(key_columns(key.columns), keys, strict=True)))
    counts = there.groupBy(*keys).agg(F.count(F.lit(1)).alias(name))
    on = [F.col(quoted(c)) == F.col(k) for c, k in zip(key.parent_columns, keys, strict=True)]
    return parents.join(counts, on, "left").drop(*keys).withColumn(name, F.coalesce(name, F.lit(0)))


def learn_key_pattern(data: DataFrame, column: str, spark_type: str) -> KeyPattern:
    """The form of a generated primary key."""
    if spark_type != "string":  # a whole number
        return find_key_pattern(None)
    sample = data.select(F.col(quoted(column)).alias("k")).orderBy(F.xxhash64("k")).limit(PATTERN_SAMPLE)
    return find_key_pattern([row.k for row in sample.collect()])


def learn_series(data: DataFrame, table: Table, types: Mapping[str, str], published: Collection[str], min_rows: int) -> SeriesPlan:
    """How a natural primary key of a root comes about: the column with the most values runs, the others are its entities.

    Args:
        published: columns whose values may be told however rare they are.
        min_rows: entities of other text are told only from that many rows on.

    Raises:
        SchemaError: the other columns have too many combinations to be entities, or too few rows each.
    """
    distinct = data.agg(*(F.approx_count_distinct(F.col(quoted(c))).alias(f"c{i}") for i, c in enumerate(table.primary_key))).collect()[0]
    numeric = [c for c in table.primary_key if types[c] not in ("string", "boolean")]
    series = max(numeric or table.primary_key, key=lambda c: distinct[table.primary_key.index(c)])
    entity_columns = tuple(c for c in table.primary_key if c != series)
    groups = with_plain_times(data).groupBy(*(F.col(quoted(c)).cast("string").alias(f"e{i}") for i, c in enumerate(entity_columns))).count()
    if any(types[c] == "string" and c not in published for c in entity_columns):
        groups = groups.where(F.col("count") >= min_rows)
    entities = groups.orderBy(*(f"e{i}" for i in range(len(entity_columns)))).limit(MAX_ENTITIES + 1).collect()
    if len(entities) > MAX_ENTITIES:
        raise SchemaError(
            f"table {table.name!r}: the primary key {list(table.primary_key)} has more than {MAX_ENTITIES:,} combinations beside {series!r}; "
            "make a table of them and point a foreign key at it, so that it can drive"
        )
    if not entities:
        raise SchemaError(
            f"table {table.name!r}: no combination of {list(entity_columns)} has {min_rows} rows, so none may be reproduced; "
            "point a foreign key at the table of these entities, or set min_category_rows to 1"
        )
    return SeriesPlan(
        entity_columns=entity_columns, series_column=series, entities=tuple(tuple(row)[:-1] for row in entities), counts=tuple(row["count"] for row in entities)
    )


def is_sequence(data: DataFrame, key: ForeignKey, column: str) -> int | None:
    """The first number, where `column` counts the rows of each parent without a gap (1, 2, 3 ...); None where it does not."""
    value = F.col(quoted(column))
    value = value.cast("double")  # a difference of two integers can be too large for their type
    families = data.groupBy(*key_columns(key.columns)).agg(F.min(value).alias("__low"), F.max(value).alias("__high"), F.count(value).alias("__n"))
    families = families.select("__low", "__high", "__n")
    counted = families.agg(F.mode("__low", True).alias("start"), F.count(F.lit(1)).alias("all")).collect()[0]
    if counted["start"] is None:
        return None
    dense = families.where((F.col("__low") == counted["start"]) & (F.col("__high") - F.col("__low") + 1 == F.col("__n"))).count()
    return int(counted["start"]) if dense >= HOLDS * counted["all"] else None
