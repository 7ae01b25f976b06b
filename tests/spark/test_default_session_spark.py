"""A session as somebody else made it, with Spark's own defaults: all works there, and its settings stay as they were."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from synthohive_spark.stages.jvm.jars import delta_jars
from synthohive_spark.stages.jvm.java import java_home

ROOT = Path(__file__).resolve().parents[2]
# A process has one session: this one has its own.
RUN = """
import json, sys
import numpy as np
import pandas as pd
from pyspark.sql import SparkSession
from synthohive_spark import FitConfig, Metadata, Synthesizer, TrainingConfig

jars, folder = sys.argv[1:]
spark = (
    SparkSession.builder.master("local[2]")
    .config("spark.jars", jars)
    .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
    .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
    .getOrCreate()
)
settings = lambda: {row["key"]: row["value"] for row in spark.sql("SET").collect()}
before = settings()
rng = np.random.default_rng(0)
customers = pd.DataFrame({"customer_id": np.arange(120) + 7000, "segment": rng.choice(["a", "b"], 120), "joined": pd.Timestamp("2024-03-31 02:30:00")})
customers["joined"] += pd.to_timedelta(rng.integers(0, 86_400 * 90, 120), unit="s")
orders = pd.DataFrame({"order_id": np.arange(300), "customer_id": rng.choice(customers.customer_id, 300), "amount": rng.gamma(2.0, 10.0, 300).round(2)})
real = {"customers": spark.createDataFrame(customers), "orders": spark.createDataFrame(orders)}
metadata = Metadata()
metadata.add_table("customers", pk="customer_id")
metadata.add_table("orders", pk="order_id", fk={"customer_id": "customers.customer_id"})
config = FitConfig(training=TrainingConfig(epochs=2, evaluations=1))
synthesizer = Synthesizer(metadata, spark=spark, model="autoregressive", config=config).fit(real, seed=1)
tables = synthesizer.sample(seed=7, output=f"{folder}/synthetic")
report = synthesizer.generate_validation_report(real, tables, f"{folder}/report.html")
after = settings()
result = {
    "rows": {name: frame.count() for name, frame in tables.items()},
    "same_schemas": all(tables[name].schema == real[name].schema for name in real),
    "distinct": tables["orders"].select("order_id").distinct().count(),
    "orphans": tables["orders"].join(tables["customers"], "customer_id", "left_anti").count(),
    "faults": report.findings.faults,
    "changed": {key: [before.get(key), after.get(key)] for key in before.keys() | after.keys() if before.get(key) != after.get(key)},
    "partitions": spark.conf.get("spark.sql.shuffle.partitions"),
}
sys.stdout.write("RESULT" + json.dumps(result))
"""


@pytest.mark.slow
def test_fit_sample_and_report_in_a_session_of_spark_s_defaults(tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYSPARK_GATEWAY", "SPARK_"))}
    environment = {**kept, "PYTHONPATH": str(ROOT), "JAVA_HOME": str(java_home()[0]), "PYSPARK_PYTHON": sys.executable}
    command = [sys.executable, "-c", RUN, ",".join(str(jar) for jar in delta_jars()), str(tmp_path)]
    answer = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=900, stdin=subprocess.DEVNULL)
    assert answer.returncode == 0, answer.stderr[-4000:]
    found = json.loads(answer.stdout.partition("RESULT")[2])
    found["changed"].pop("spark.databricks.delta.lastCommitVersionInSession", None)  # Delta's own note of a commit
    assert found["changed"] == {} and found["partitions"] == "200"
    assert found["rows"]["customers"] == 120 and found["rows"]["orders"] == pytest.approx(300, rel=0.2)
    assert found["same_schemas"] and found["distinct"] == found["rows"]["orders"] and found["orphans"] == 0
    assert found["faults"] == [] and (tmp_path / "report.html").stat().st_size > 1000
