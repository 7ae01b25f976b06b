"""Rows with whom they tell of, and how many different ones a group of rows has, as far as it matters.

The sketch: of random numbers `c`, the entity whose hash is least after an exclusive or with `c`. The different ones among them are never more than there are,
so that what one entity has never counts as more; of few more than those asked for, it can find one too few.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from ..kernels.seeds import derive_seed
from ..spec.hidden import hidden
from ..spec.identifiers import quoted
from ..spec.metadata import ForeignKey
from .frames import all_there, plain_value

ENTITY = hidden("entity")  # bigint: a hash; of the row where it has no parent
FEW = 10  # entities that are told exactly
MARGIN = 1.2  # over the estimate, whose standard error is a twentieth: fewer entities must not count as more
DRAWS = 3  # of entities, for each that has to be different


def with_entity(rows: DataFrame, keys: Sequence[ForeignKey], data: Mapping[str, DataFrame]) -> DataFrame:
    """`rows` with `ENTITY`; one join of keys alone for each table between them and it.

    Args:
        keys: from the table of the rows up to its entity, one or more.
        data: the tables between them.
    """
    link, own = hidden("link"), F.xxhash64(F.lit("row"), *(F.col(quoted(c)) for c in rows.columns))
    first = _hash(rows, keys[0].columns)
    if len(keys) == 1:
        return rows.withColumn(ENTITY, F.coalesce(first, own))
    above = _led_to(data[keys[-2].parent_table], keys[-2], keys[-1], None)
    for key, up in zip(keys[-3::-1], keys[-2:0:-1], strict=True):
        above = _led_to(data[key.parent_table], key, up, above)
    joined = rows.withColumn(link, first).join(above, link, "left")
    return joined.withColumn(ENTITY, F.coalesce(ENTITY, link, own)).drop(link)


def _led_to(rows: DataFrame, key: ForeignKey, up: ForeignKey, above: DataFrame | None) -> DataFrame:
    """The rows that `key` leads to, by the hash of it, with the entity of the row that `up` leads to, as `above` has it; None where that is the entity."""
    link, further = hidden("link"), hidden("further")
    keyed = (
        rows.select(_hash(rows, key.parent_columns).alias(link), _hash(rows, up.columns).alias(further)).where(F.col(link).isNotNull()).dropDuplicates([link])
    )
    if above is None:
        return keyed.withColumnRenamed(further, ENTITY)
    joined = keyed.join(above.withColumnRenamed(link, further), further, "left")
    return joined.select(link, F.coalesce(ENTITY, further).alias(ENTITY))


def sketch(entity: Column, least: int) -> dict[str, Column]:
    """Aggregates by which `has_entities` tells whether there are `least` different ones: of many, one estimate, as their number must not grow with `least`."""
    if least > FEW:
        return {"entity0": F.approx_count_distinct(entity)}
    return {f"entity{i}": F.min(entity.bitwiseXOR(_mask(i))) for i in range(DRAWS * least - 1)}


def has_entities(least: int) -> Column:
    """Whether a group of rows has `least` entities, as far as its sketch tells; always where its rows have none."""
    if least > FEW:
        return (F.col("entity0") == 0) | (F.col("entity0") >= MARGIN * least)
    found = [F.col(f"entity{i}").bitwiseXOR(_mask(i)) for i in range(DRAWS * least - 1)]
    return found[0].isNull() | (F.size(F.array_distinct(F.array(*found))) >= least)


def _mask(number: int) -> Column:
    # All 64 bits, the sign among them: with one that is never turned the least would always be of the same half.
    bits = derive_seed(0, "entity", number) << 1 | number % 2
    return F.lit(bits - 2**64 if bits >= 2**63 else bits).cast("bigint")


def _hash(rows: DataFrame, columns: Sequence[str]) -> Column:
    """Of a key, the same on both sides of it; null where a part of it is."""
    types = dict(rows.dtypes)
    return F.when(all_there(columns), F.xxhash64(*(plain_value(c, types[c]) for c in columns)))
