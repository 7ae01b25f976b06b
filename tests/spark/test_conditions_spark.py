"""Rows with given values, end to end: exact, learnt around them, and the same under any partitioning."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from synthohive_spark import FitConfig, GenerationError, Metadata, Synthesizer, TrainingConfig
from synthohive_spark.spec.config import EncodingConfig

CONFIG = FitConfig(training=TrainingConfig(evaluations=3), encoding=EncodingConfig(max_codes=16))
TOWNS = [f"town {i}" for i in range(40)]


def real(spark: SparkSession) -> dict[str, DataFrame]:
    """Sellers with a `grade` that says their `rate`; their sales, with a zone of a reference table of two key columns, and a fee that follows the kind."""
    rng = np.random.default_rng(0)
    sellers = pd.DataFrame({"seller": np.arange(400), "grade": rng.choice(["gold", "tin", None], 400), "town": rng.choice(TOWNS, 400)})
    sellers["rate"] = np.where(sellers["grade"] == "gold", rng.integers(800, 1000, 400), rng.integers(0, 200, 400))
    sellers["since.day"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 1500, 400), unit="D")
    zones = pd.DataFrame({"land": ["de", "de", "fr", "fr"], "zone": ["n", "s", "n", "w"], "name": list("abcd")})
    sales = pd.DataFrame({"sale": np.arange(3000), "seller": rng.choice(400, 3000), "kind.of·sale": rng.choice(["web", "shop"], 3000)})
    sales[["land", "zone"]] = zones[["land", "zone"]].to_numpy()[rng.integers(0, 4, 3000)]
    sales["fee"] = [Decimal(int(v)) / 4 for v in rng.integers(0, 4000, 3000)]
    sales.loc[rng.random(3000) < 0.2, "fee"] = None
    frames = {"sellers": spark.createDataFrame(sellers), "zones": spark.createDataFrame(zones)}
    frames["sales"] = spark.createDataFrame(
        sales.astype({"fee": object}), "sale bigint, seller bigint, `kind.of·sale` string, land string, zone string, fee decimal(12,2)"
    )
    return frames


@pytest.fixture(scope="module")
def fitted(spark: SparkSession) -> Synthesizer:
    metadata = Metadata().add_table("sellers", pk="seller", constraints={"rate": {"max": 900}})
    metadata.add_table("zones", pk=["land", "zone"], role="reference")
    keys = [
        {"columns": ["seller"], "parent_table": "sellers", "parent_columns": ["seller"]},
        {"columns": ["land", "zone"], "parent_table": "zones", "parent_columns": ["land", "zone"]},
    ]
    metadata.add_table("sales", pk="sale", foreign_keys=keys)
    return Synthesizer(metadata, spark=spark, config=CONFIG).fit(real(spark), seed=1)


def rows_of(frame: DataFrame) -> list[tuple]:
    return sorted(map(tuple, frame.collect()), key=repr)


def seller(rows: int, **values: object) -> dict:
    return {"table": "sellers", "values": values, "rows": rows}


def sale(rows: int, **values: object) -> dict:
    return {"table": "sales", "values": values, "rows": rows}


def test_a_root_table_gets_exactly_the_rows_asked_for(fitted: Synthesizer) -> None:
    tables = fitted.sample(conditions=[seller(70, grade="gold"), seller(30, grade=None, town="town 7"), seller(40, town="town 8")], seed=3)
    found = tables["sellers"].orderBy("seller").toPandas()
    assert (found["seller"].diff().dropna() == 1).all() and len(found) == 140
    assert set(found["grade"][:70]) == {"gold"} and found["town"][:70].nunique() > 10
    assert (found["rate"][:70] > 500).mean() > 0.8  # the rest follows what was given
    assert found["grade"][70:100].isna().all() and set(found["town"][70:100]) == {"town 7"}
    assert set(found["town"][100:]) == {"town 8"}
    encoding = fitted._fitted.tables["sellers"].encoding.column("town")  # type: ignore[union-attr]
    assert encoding.cardinality < 40  # so that towns share codes
    assert tables["sales"].join(tables["sellers"], "seller").count() == tables["sales"].count() > 300


def test_a_root_table_gets_free_rows_too_where_they_are_named(fitted: Synthesizer) -> None:
    found = (
        fitted.sample(num_rows={"sellers": 50}, conditions=[seller(20, rate=123, **{"since.day": "2021-05-05"})], seed=3)["sellers"]
        .orderBy("seller")
        .toPandas()
    )
    assert len(found) == 70 and set(found["rate"][:20]) == {123} and found["rate"][20:].nunique() > 10
    assert set(found["since.day"][:20]) == {pd.Timestamp("2021-05-05")}


def test_a_child_table_has_them_among_its_rows(fitted: Synthesizer, spark: SparkSession) -> None:
    asked = [sale(500, **{"kind.of·sale": "web", "fee": Decimal("101.25")}), sale(200, fee=None), sale(100, land="de", zone="s"), sale(50, zone="w")]
    tables = fitted.sample(conditions=asked, seed=3)
    found = tables["sales"].orderBy("sale").toPandas()
    free = fitted.sample(seed=3)["sales"].orderBy("sale").toPandas()
    assert found[["sale", "seller"]].equals(free[["sale", "seller"]])  # the same parents with the same children
    exact = ((found["fee"] == Decimal("101.25")) & (found["kind.of·sale"] == "web")).to_numpy()
    assert 500 <= exact.sum() <= 510
    places = np.flatnonzero(exact) / len(found)
    assert np.abs(places - np.linspace(0, 1, len(places))).max() < 0.05
    assert found["seller"][exact].nunique() > 150
    zones = Counter(zip(found["land"], found["zone"], strict=True))
    assert set(zones) <= {("de", "n"), ("de", "s"), ("fr", "n"), ("fr", "w")}
    assert found["fee"].isna().sum() >= 200


@pytest.mark.parametrize("partitions", [1, 7])
def test_rows_do_not_depend_on_partitions(spark: SparkSession, fitted: Synthesizer, partitions: int) -> None:
    asked = [seller(12_000, grade="tin"), sale(20_000, zone="s")]
    before = spark.conf.get("spark.sql.shuffle.partitions")
    expected = fitted.sample(num_rows={"sellers": 3000}, conditions=asked, seed=5)
    expected_rows = {name: rows_of(frame) for name, frame in expected.items()}
    assert expected["sellers"].where("grade = 'tin'").count() >= 12_000 and expected["sales"].where("zone = 's'").count() >= 20_000
    spark.conf.set("spark.sql.shuffle.partitions", partitions)
    try:
        again = fitted.sample(num_rows={"sellers": 3000}, conditions=asked, seed=5)
        assert {name: rows_of(frame) for name, frame in again.items()} == expected_rows
    finally:
        spark.conf.set("spark.sql.shuffle.partitions", before)


def test_a_saved_model_takes_conditions_and_reads_them_the_same(fitted: Synthesizer, spark: SparkSession, tmp_path: Path) -> None:
    asked = [seller(40, town="town 3")]
    loaded = Synthesizer.load(fitted.save(str(tmp_path / "m")), spark=spark)
    assert rows_of(loaded.sample(conditions=asked, seed=4)["sellers"]) == rows_of(fitted.sample(conditions=asked, seed=4)["sellers"])


def test_faults_come_together_and_nothing_is_written(fitted: Synthesizer, tmp_path: Path) -> None:
    asked = [
        seller(1, seller=5, town="Atlantis"),
        sale(1, land="de", zone="w"),
        {"table": "zones", "values": {"land": "de"}, "rows": 1},
        seller(1, rate=950),
    ]
    with pytest.raises(
        GenerationError, match="5 faults.*generated key.*'grade', 'town'.*'Atlantis' was never seen.*no row with these values.*reference.*breaks max"
    ):
        fitted.sample(conditions=asked, seed=1, output=str(tmp_path / "out"), enforce_constraints=True)
    assert not (tmp_path / "out").exists()
    with pytest.raises(GenerationError, match=r"'sales' gets [\d,]+ rows from its parents, fewer than the 1,000,000 asked for; raise scale"):
        fitted.sample(conditions=[sale(1_000_000, zone="n")], seed=1)


def test_a_condition_is_not_judged_by_the_quality_threshold(fitted: Synthesizer) -> None:
    tables = fitted.sample(conditions=[seller(2000, grade="gold")], seed=1, quality_threshold=0.3)
    assert tables["sellers"].where(F.col("grade") == "gold").count() == 2000
