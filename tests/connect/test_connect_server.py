"""Fit, sample and report through a Spark Connect server; the package reaches its workers with the session."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from synthohive_spark import (
    FitConfig,
    Metadata,
    MissingDependencyError,
    Synthesizer,
    TrainingConfig,
    TrainingError,
    detect,
    register_data_source,
    spark_session,
)
from synthohive_spark.errors import raises
from synthohive_spark.stages.executors import check_executors
from synthohive_spark.stages.session import is_connect
from synthohive_spark.stages.workspace import Workspace, WorkspaceError

ROOT = Path(__file__).resolve().parents[2]
CONFIG = FitConfig(training=TrainingConfig(epochs=3, evaluations=1))
NewSession = Callable[[], SparkSession]


@pytest.fixture(scope="session")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The package as a zip."""
    target = tmp_path_factory.mktemp("zip") / "synthohive_spark.zip"
    subprocess.run([sys.executable, str(ROOT / "scripts" / "environment.py"), "package", str(target)], check=True, capture_output=True)
    return str(target)


def shop(spark: SparkSession) -> tuple[Metadata, dict[str, DataFrame]]:
    rng = np.random.default_rng(0)
    customers = pd.DataFrame({"customer_id": np.arange(300) + 7000, "segment": rng.choice(["a", "b", "c"], 300), "age": rng.integers(18, 80, 300)})
    orders = pd.DataFrame({"order_id": np.arange(900), "customer_id": rng.choice(customers.customer_id[:250], 900)})
    orders["placed"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 365, 900), unit="D")
    metadata = Metadata()
    metadata.add_table("customers", pk="customer_id")
    metadata.add_table("orders", pk="order_id", fk={"customer_id": "customers.customer_id"})
    return metadata, {"customers": spark.createDataFrame(customers), "orders": spark.createDataFrame(orders)}


def test_a_schema_is_fitted_sampled_and_reported(new_session: NewSession, shipped: str, tmp_path: Path) -> None:
    spark = new_session()
    assert is_connect(spark)
    spark.addArtifacts(shipped, pyfile=True)
    metadata, real = shop(spark)
    synthesizer = Synthesizer(metadata, spark=spark, model="autoregressive", config=CONFIG).fit(real, seed=1)
    synthesizer.save(str(tmp_path / "model"))
    output = str(tmp_path / "synthetic")
    tables = Synthesizer.load(str(tmp_path / "model"), spark=spark).sample(scale=2, seed=7, output=output)

    assert {name: frame.schema for name, frame in tables.items()} == {name: frame.schema for name, frame in real.items()}
    assert tables["customers"].count() == 600
    assert tables["orders"].count() == pytest.approx(1800, rel=0.15)
    for name, key in metadata.tables.items():
        assert tables[name].select(*key.primary_key).distinct().count() == tables[name].count()
    assert tables["orders"].join(tables["customers"], "customer_id", "left_anti").count() == 0
    assert 0.9 < tables["orders"].select("customer_id").distinct().count() / (2 * real["orders"].select("customer_id").distinct().count()) < 1.1
    assert spark.read.format("delta").load(f"{output}/orders").count() == tables["orders"].count()

    register_data_source(spark)
    for name, table in tables.items():
        made = spark.read.format("synthohive").option("model", str(tmp_path / "model")).option("table", name).option("seed", 7).option("scale", 2).load()
        assert sorted(map(str, made.collect())) == sorted(map(str, table.collect()))

    report = synthesizer.generate_validation_report(real, {name: f"{output}/{name}" for name in tables}, str(tmp_path / "report.html"))
    assert not report.findings.faults and report.findings.shapes is not None and report.findings.shapes > 0.7


def test_rules_of_a_delta_table_are_kept(new_session: NewSession, shipped: str, tmp_path: Path) -> None:
    spark = new_session()
    spark.addArtifacts(shipped, pyfile=True)
    real, copy = f"delta.`{tmp_path}/real`", f"delta.`{tmp_path}/out/t`"
    columns = "id BIGINT NOT NULL, a INT, b INT, c INT GENERATED ALWAYS AS (a * 10 + b)"
    spark.sql(f"CREATE TABLE {real} ({columns}) USING delta TBLPROPERTIES ('delta.constraints.odd' = '(a + b) % 2 = 1')").collect()
    spark.sql(f"INSERT INTO {real} (id, a, b) SELECT id, id % 9, id % 9 + 2 * (id % 5) + 1 FROM range(200)").collect()
    learnt = Synthesizer(Metadata().add_table("t", pk="id"), spark=spark, model="independent").fit({"t": f"{tmp_path}/real"}, seed=1)
    rows = learnt.sample(seed=1, output=f"{tmp_path}/out")["t"]
    assert rows.where("(a + b) % 2 = 1 AND c = a * 10 + b").count() == rows.count() >= 190
    spark.sql(f"INSERT INTO {copy} (id, a, b) VALUES (-1, 3, 4)").collect()
    assert spark.sql(f"SELECT c FROM {copy} WHERE id = -1").first()[0] == 34
    with pytest.raises(Exception, match="odd"):
        spark.sql(f"INSERT INTO {copy} (id, a, b) VALUES (-2, 3, 5)").collect()


def test_metadata_is_detected_by_a_server_that_does_not_have_the_package(new_session: NewSession) -> None:
    spark = new_session()
    metadata, real = shop(spark)
    found = detect(real, spark=spark)
    described = {name: (table.primary_key, table.foreign_keys) for name, table in found.metadata.tables.items()}
    assert described == {name: (table.primary_key, table.foreign_keys) for name, table in metadata.tables.items()}
    assert found.metadata.tables["orders"].order_by == "placed"


def test_a_package_that_was_not_shipped_is_named_with_what_to_do(new_session: NewSession) -> None:
    spark = new_session()
    metadata, real = shop(spark)
    lacks = rf"the executors cannot run the package: .* lacks synthohive_spark; the driver runs {sys.executable} "
    ship = r"ship it: `python scripts/environment\.py package synthohive_spark\.zip`, then spark\.addArtifacts\('synthohive_spark\.zip', pyfile=True\)"
    with pytest.raises(MissingDependencyError, match=f"{lacks}.*; {ship}"):
        Synthesizer(metadata, spark=spark, model="independent").fit(real, seed=1)


def test_what_a_worker_or_the_server_met_is_in_the_message(new_session: NewSession) -> None:
    spark = new_session()
    by_value = lambda frame: frame["Jane Doe"]  # noqa: E731 - the server has no module of tests

    @raises(TrainingError, "fitting")
    def fit(frame: DataFrame) -> None:
        frame.collect()

    with pytest.raises(TrainingError, match=r"^fitting failed: KeyError at tests/connect/test_connect_server\.py:\d+ \(<lambda>\), in pandas/"):
        fit(spark.range(1).groupBy("id").applyInPandas(by_value, "id long"))
    with pytest.raises(TrainingError, match=r"^fitting failed: SparkNumberFormatException \(CAST_INVALID_INPUT\) at cast called in tests/connect/") as error:
        fit(spark.range(1).select(F.concat(F.lit("Jane Doe"), "id").cast("int")))
    assert "Jane Doe" not in str(error.value) and error.value.__cause__ is not None


def test_a_server_that_does_not_see_the_files_of_this_machine_needs_a_folder(new_session: NewSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spark = new_session()
    assert Path(Workspace(spark).path).is_dir()
    monkeypatch.setattr("synthohive_spark.stages.workspace.Path.write_text", lambda *_: None)  # what the server reads is not what was written here
    monkeypatch.setattr("synthohive_spark.stages.workspace.Path.unlink", lambda *_: None)
    with pytest.raises(WorkspaceError, match=r"does not see the files of this machine.*work_dir="):
        Workspace(spark)
    assert Path(Workspace(spark, str(tmp_path)).path).is_dir()


def test_the_session_is_made_from_the_address_and_the_active_one_given_back(connect_url: str, new_session: NewSession) -> None:
    del new_session  # it puts the process in order
    made = spark_session("first", master=connect_url, config={"spark.sql.shuffle.partitions": "3"})
    try:
        assert is_connect(made) and made.conf.get("spark.sql.shuffle.partitions") == "3"
        assert spark_session("second", config={"spark.sql.shuffle.partitions": "5"}) is made
        assert made.conf.get("spark.sql.shuffle.partitions") == "5"
    finally:
        made.stop()


def test_executors_are_asked_in_each_session(new_session: NewSession, shipped: str) -> None:
    first, second = new_session(), new_session()
    first.addArtifacts(shipped, pyfile=True)
    check_executors(first)
    with pytest.raises(MissingDependencyError):
        check_executors(second)
