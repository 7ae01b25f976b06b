"""`spark.read.format("synthohive")` gives the rows of `sample`."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd
import pytest
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, DataFrameReader, SparkSession
from pyspark.sql import functions as F

from synthohive_spark import FitConfig, Metadata, Synthesizer, TrainingConfig, register_data_source

CONFIG = FitConfig(training=TrainingConfig(epochs=3, evaluations=1))
SCALE = 36.0  # more parents than one block has
SEED = 7


def schools(spark: SparkSession) -> tuple[Metadata, dict[str, DataFrame]]:
    """A chain of three learnt tables below each other, keys to a reference table, and a table that a second parent is matched to."""
    rng = np.random.default_rng(0)
    places = pd.DataFrame({"country": ["de", "de", "fr", "it"], "city": ["Ulm", "Bonn", "Lyon", "Rome"], "since": [datetime(1500, 1, 1)] * 4}, dtype=object)
    at = rng.integers(0, 4, 300)
    pupils = pd.DataFrame({"id": np.arange(300) + 7000, "country": places.country[at].values, "city": places.city[at].values})
    pupils["score"] = np.where(rng.random(300) < 0.1, np.nan, rng.normal(size=300).round(2))
    pupils["born"] = (pd.Timestamp("2010-01-01") + pd.to_timedelta(rng.integers(0, 900, 300), unit="D")).date
    pupils["name"] = [f"Pupil {i} of the school" for i in range(300)]
    of = np.repeat(pupils.id.values, rng.integers(0, 4, 300))
    tests = pd.DataFrame({"test_id": [f"T{i:06d}" for i in range(len(of))], "pupil": of, "points": rng.integers(0, 30, len(of), dtype="int32")})
    tests["taken"] = pd.Timestamp("2024-01-01 08:00", tz="UTC") + pd.to_timedelta(rng.integers(0, 9000, len(of)), unit="h")
    tests["pupil"] = tests.pupil.where(rng.random(len(of)) > 0.05).astype("Int64")
    answers = pd.DataFrame({"test_id": np.repeat(tests.test_id.values, 2), "number": np.tile([1, 2], len(tests)), "right": rng.random(2 * len(tests)) < 0.6})
    friends = pd.DataFrame({"one": rng.choice(pupils.id, 200), "other": rng.choice(pupils.id, 200)})
    metadata = Metadata()
    metadata.add_table("places", pk=["country", "city"], role="reference")
    metadata.add_table("pupils", pk="id", foreign_keys=[{"columns": ["country", "city"], "parent_table": "places"}])
    metadata.add_table("tests", pk="test_id", fk={"pupil": "pupils.id"})
    metadata.add_table("answers", pk=["test_id", "number"], fk={"test_id": "tests.test_id"})
    metadata.add_table("friends", fk={"one": "pupils.id", "other": "pupils.id"})
    frames = {"places": places, "pupils": pupils, "tests": tests, "answers": answers, "friends": friends}
    return metadata, {name: spark.createDataFrame(frame) for name, frame in frames.items()}


@pytest.fixture(scope="module")
def model(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> str:
    metadata, data = schools(spark)
    path = str(tmp_path_factory.mktemp("source") / "model")
    return Synthesizer(metadata, spark=spark, model="autoregressive", config=CONFIG).fit(data, seed=1).save(path)


@pytest.fixture(scope="module")
def sampled(spark: SparkSession, model: str) -> dict[str, DataFrame]:
    return Synthesizer.load(model, spark=spark).sample(scale=SCALE, seed=SEED)


def reader(spark: SparkSession, model: str, **options: object) -> DataFrameReader:
    register_data_source(spark)
    read = spark.read.format("synthohive").option("model", model)
    for name, value in options.items():
        read = read.option(name, value)
    return read


def summed(rows: DataFrame) -> tuple[int, object]:
    """How many rows there are, and the sum of their hashes: the same rows in whatever order."""
    row = rows.select(F.xxhash64(*rows.columns).cast("decimal(38,0)").alias("h")).agg(F.count("h"), F.sum("h")).first()
    assert row is not None
    return row[0], row[1]


@pytest.mark.parametrize("table", ["places", "pupils", "tests", "answers"])
def test_rows_are_those_of_sample(spark: SparkSession, model: str, sampled: dict[str, DataFrame], table: str) -> None:
    rows = reader(spark, model, table=table, seed=SEED, scale=SCALE).load()
    assert [(f.name, f.dataType, f.nullable) for f in rows.schema.fields] == [(f.name, f.dataType, f.nullable) for f in sampled[table].schema.fields]
    found = summed(rows)
    assert found == summed(sampled[table])
    assert found[0] > (0 if table == "places" else 10_000)


def test_rows_do_not_depend_on_partitions_and_a_schema_of_the_readers_own_narrows_them(spark: SparkSession, model: str, sampled: dict[str, DataFrame]) -> None:
    narrow = reader(spark, model, table="TESTS", seed=SEED, scale=SCALE, partitions=2).schema("points int, test_id string").load()
    assert narrow.columns == ["points", "test_id"] and narrow.rdd.getNumPartitions() == 2
    assert summed(narrow) == summed(sampled["tests"].select("points", "test_id"))
    with pytest.raises(AnalysisException, match="'points' has the type int"):
        reader(spark, model, table="tests").schema("points string").load().count()


def test_what_needs_the_rows_of_other_tables_is_refused_with_the_way_out(spark: SparkSession, model: str) -> None:
    with pytest.raises(AnalysisException, match=r"'friends'.* is matched with the rows of 'pupils'.*; write the tables with Synthesizer\.sample"):
        reader(spark, model, table="friends").load()
    with pytest.raises(AnalysisException, match="'scale' must be a number above 0.*'colour' is not known|'colour' is not known.*'scale' must be"):
        reader(spark, model, table="pupils", scale=-1, colour="red").load()
    with pytest.raises(AnalysisException, match="no table 'pupil'; it has"):
        reader(spark, model, table="pupil").load()
