"""What the local session is set to, and that its settings reach the tasks."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pandas as pd
import pytest
from pyspark.sql import SparkSession

from synthohive_spark.errors import SchemaError
from synthohive_spark.spec.run_config import FileSource
from synthohive_spark.stages.jvm.java import java_home
from synthohive_spark.stages.session import session_settings, spark_session
from synthohive_spark.storage.files import read_sources


def environment_of_task(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """The Python and the thread settings of a task."""
    for _ in frames:
        yield pd.DataFrame({"python": [sys.executable], "threads": [",".join(os.environ.get(f"{n}_NUM_THREADS", "") for n in ("OMP", "OPENBLAS", "MKL"))]})


def test_tasks_have_this_python_and_one_thread(spark: SparkSession) -> None:
    row = spark.range(1).mapInPandas(environment_of_task, "python string, threads string").first()
    assert row is not None and row["threads"] == "1,1,1"
    assert Path(row["python"]).samefile(sys.executable)


def test_times_are_utc_and_arrow_is_on(spark: SparkSession) -> None:
    seconds = spark.createDataFrame([("2013-01-01 06:00:00",)], "t string").selectExpr("unix_timestamp(cast(t as timestamp)) s").first()
    assert seconds is not None and seconds["s"] == datetime(2013, 1, 1, 6, tzinfo=timezone.utc).timestamp()
    assert spark.conf.get("spark.sql.execution.arrow.pyspark.enabled") == "true"
    assert spark.conf.get("spark.databricks.delta.snapshotPartitions") == "2"
    assert spark.conf.get("spark.driver.host") == spark.conf.get("spark.driver.bindAddress") == "127.0.0.1"


def test_the_active_session_is_given_back_and_takes_settings(spark: SparkSession) -> None:
    before = spark.conf.get("spark.sql.shuffle.partitions")
    again = spark_session("another", config={"spark.sql.shuffle.partitions": "3"})
    assert again is spark and spark.conf.get("spark.sql.shuffle.partitions") == "3"
    spark.conf.set("spark.sql.shuffle.partitions", str(before))


def test_only_a_driver_beside_its_executors_binds_to_the_loopback_address() -> None:
    assert "spark.driver.host" not in session_settings("spark://10.0.0.1:7077")
    assert "spark.driver.host" not in session_settings("yarn")
    assert session_settings("spark://127.0.0.1:7077")["spark.driver.bindAddress"] == "127.0.0.1"
    assert session_settings("local[2]")["spark.driver.host"] == "127.0.0.1"


def test_sources_are_read_with_their_schema_null_value_and_types(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "w.csv").write_text("origin,temp,time_hour\nEWR,39.02,2013-01-01T06:00:00Z\nJFK,NA,2013-07-01T06:00:00Z\n")
    options = {"header": True, "nullValue": "NA", "enforceSchema": False, "mode": "FAILFAST"}
    by_schema = FileSource(path=str(tmp_path / "w.csv"), format="csv", options=options, schema="origin string, temp double, time_hour timestamp")
    by_cast = FileSource(
        path=str(tmp_path / "w.csv"), format="csv", options=options, types={"temp": "double", "time_hour": "timestamp"}, columns=("temp", "time_hour")
    )
    frames = read_sources(spark, {"a": by_schema, "b": by_cast})
    assert frames["a"].dtypes == [("origin", "string"), ("temp", "double"), ("time_hour", "timestamp")]
    assert frames["b"].dtypes == [("temp", "double"), ("time_hour", "timestamp")]
    expected = [(39.02, 1357020000), (None, 1372658400)]
    for frame in frames.values():
        assert [tuple(r) for r in frame.selectExpr("temp", "unix_timestamp(time_hour) s").orderBy("s").collect()] == expected


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ({"path": "/nowhere/a.csv", "format": "csv"}, "PATH_NOT_FOUND"),
        ({"path": "{csv}", "format": "csv", "schema": "a strin g"}, "no valid Spark type"),
        ({"path": "{csv}", "format": "csv", "options": {"header": True}, "columns": ["b"]}, r"no columns \['b'\]; it has \['a'\]"),
    ],
)
def test_sources_that_cannot_be_read_are_named(spark: SparkSession, tmp_path: Path, source: dict[str, object], fault: str) -> None:
    (tmp_path / "a.csv").write_text("a\n1\n")
    filled = {key: value.replace("{csv}", str(tmp_path / "a.csv")) if isinstance(value, str) else value for key, value in source.items()}
    with pytest.raises(SchemaError, match=f"source of table 'orders'.*{fault}"):
        read_sources(spark, {"orders": FileSource.model_validate(filled)})


JOB = """
import sys
from synthohive_spark.stages.session import spark_session
spark = spark_session("submitted")
spark.range(0, 100, 1, 2).write.format("delta").save(sys.argv[1])
count = spark.read.format("delta").load(sys.argv[1]).count()
keys = ("spark.sql.shuffle.partitions", "spark.sql.session.timeZone", "spark.driver.memory")
sys.stdout.write(" ".join([str(count), *(str(spark.conf.get(k)) for k in keys)]) + "\\n")
"""


@pytest.mark.slow
def test_spark_submit_runs_a_job_quietly_and_its_options_win(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    (tmp_path / "job.py").write_text(JOB)
    # A local Maven cache with a dependency's description and no jar stops Spark's own resolver.
    poisoned = tmp_path / "home" / ".m2" / "repository" / "io" / "delta" / "delta-storage" / "4.4.0"
    poisoned.mkdir(parents=True)
    (poisoned / "delta-storage-4.4.0.pom").write_text("<project/>")
    environment = {**os.environ, "SYNTHOHIVE_PYTHON": sys.executable, "JAVA_TOOL_OPTIONS": f"-Duser.home={tmp_path / 'home'}", "JAVA_HOME": str(java_home()[0])}
    for name in ("PYSPARK_GATEWAY_PORT", "PYSPARK_GATEWAY_SECRET"):
        environment.pop(name, None)
    command = [
        str(root / "spark-submit.sh"),
        "--driver-memory",
        "600m",
        "--conf",
        "spark.sql.shuffle.partitions=3",
        str(tmp_path / "job.py"),
        str(tmp_path / "out"),
    ]
    answer = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=600, stdin=subprocess.DEVNULL)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.strip() == "100 3 UTC 600m"
    noise = [line for line in answer.stderr.splitlines() if "JAVA_TOOL_OPTIONS" not in line]
    assert noise == []
