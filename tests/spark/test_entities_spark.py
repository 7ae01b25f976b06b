"""How many persons have a value, counted beside its rows."""

from __future__ import annotations

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from synthohive_spark.spec.config import EncodingConfig
from synthohive_spark.spec.encoding import CategoryEncoding, ColumnHint, NumberEncoding
from synthohive_spark.spec.metadata import ForeignKey
from synthohive_spark.stages.entities import ENTITY, has_entities, sketch, with_entity
from synthohive_spark.stages.profile import profile_table

KEYS = (
    ForeignKey(columns=("order",), parent_table="orders", parent_columns=("id",)),
    ForeignKey(columns=("customer",), parent_table="customers", parent_columns=("id",)),
)


def test_rows_know_their_entity_over_two_keys(spark: SparkSession) -> None:
    """Keys of other types than what they lead to; without a parent a row is alone, and a parent without one is the entity."""
    orders = spark.createDataFrame([(1, 7), (2, 7), (3, 8), (4, None)], "id bigint, customer int")
    lines = spark.createDataFrame([("a", 1), ("b", 2), ("c", 3), ("d", 4), ("e", 4), ("f", None), ("g", None)], "line string, `order` int")
    found = {r["line"]: r[ENTITY] for r in with_entity(lines, KEYS, {"orders": orders}).collect()}
    assert found["a"] == found["b"] and found["d"] == found["e"] and len(set(found.values())) == 5 and None not in found.values()


def test_one_entity_never_counts_as_more_and_many_as_enough(spark: SparkSession) -> None:
    groups = spark.range(300).select((F.col("id") + 1).alias("entities")).crossJoin(spark.range(200)).where(F.col("id") < F.col("entities"))
    hashed = groups.select("entities", F.xxhash64("entities", "id").alias("e"))
    told = hashed.groupBy("entities").agg(*(c.alias(n) for n, c in sketch(F.col("e"), 3).items())).where(has_entities(3)).select("entities")
    found = {r["entities"] for r in told.collect()}
    assert not found & {1, 2} and len(set(range(10, 201)) - found) <= 2


def test_what_one_person_has_in_many_rows_is_not_told(spark: SparkSession) -> None:
    rows = spark.range(3_000).select(
        (F.col("id") % 300).alias("order"),
        F.when(F.col("id") % 300 == 5, "Erna's cat").otherwise(F.concat(F.lit("kind "), F.col("id") % 7)).alias("note"),
        F.when(F.col("id") % 300 == 5, 77_777).otherwise(F.col("id") % 11).cast("int").alias("size"),
    )
    hints = [ColumnHint(name=name, spark_type=kind, by_entity=True) for name, kind in (("note", "string"), ("size", "int"))]
    found = profile_table(with_entity(rows, KEYS[:1], {}), table="t", rows=3_000, hints=hints, config=EncodingConfig(), seed=1)
    plain = profile_table(rows, table="t", rows=3_000, hints=[h.model_copy(update={"by_entity": False}) for h in hints], config=EncodingConfig(), seed=1)
    note, size = found.columns
    assert isinstance(note, CategoryEncoding) and set(note.values) == {f"kind {i}" for i in range(7)}
    assert isinstance(size, NumberEncoding) and size.tokens == tuple(range(11))
    assert "Erna's cat" in plain.column("note").values and 77_777 in plain.column("size").tokens  # type: ignore[union-attr]
