"""The cluster of these tests is real, and the package works on its executors."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from pyspark.sql import SparkSession

from synthohive_spark.kernels.seeds import derive_seed


def seen_by_task(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """The process, its parent, its thread setting, and a number from the package."""
    import time

    for frame in frames:
        time.sleep(1.0)  # long enough that one executor cannot take both tasks
        yield pd.DataFrame({"parent": [os.getppid()], "threads": [os.environ.get("OMP_NUM_THREADS")], "seed": [derive_seed(int(frame["id"].iloc[0]), "a")]})


def test_tasks_run_in_two_executor_processes_with_the_package_and_one_thread(cluster_spark: SparkSession) -> None:
    rows = cluster_spark.range(0, 2, 1, 2).mapInPandas(seen_by_task, "parent long, threads string, seed long").collect()
    assert len({row["parent"] for row in rows}) == 2
    assert os.getpid() not in {row["parent"] for row in rows}
    assert {row["threads"] for row in rows} == {"1"}
    assert {row["seed"] for row in rows} == {derive_seed(0, "a"), derive_seed(1, "a")}


def test_executors_write_delta(cluster_spark: SparkSession, tmp_path: Path) -> None:
    path = str(tmp_path / "numbers")
    cluster_spark.range(0, 1000, 1, 4).write.format("delta").save(path)
    cluster_spark.range(1000, 1500, 1, 2).write.format("delta").mode("append").save(path)
    assert cluster_spark.read.format("delta").load(path).count() == 1500
    assert cluster_spark.read.format("delta").option("versionAsOf", 0).load(path).count() == 1000
