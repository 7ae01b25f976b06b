"""A real standalone cluster: one master and two workers, each a process of its own, with one core and one executor each."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from pyspark.sql import SparkSession
from spark_processes import START_SECONDS, free_port, logs, start, stop

from synthohive_spark.stages.session import spark_session

WORKERS = 2


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test in this folder needs the cluster."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.distributed)


@pytest.fixture(scope="session")
def cluster_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`spark://127.0.0.1:port` of a cluster that lives as long as the test run."""
    folder = tmp_path_factory.mktemp("cluster")
    port, page = free_port(), free_port()
    url = f"spark://127.0.0.1:{port}"
    processes: list[subprocess.Popen[bytes]] = []
    try:
        master = ["org.apache.spark.deploy.master.Master", "--host", "127.0.0.1", "--port", str(port), "--webui-port", str(page)]
        processes.append(start("spark-class", master, folder, "master"))
        for number in range(WORKERS):
            limits = ["--cores", "1", "--memory", "2g", "--webui-port", "0", "--work-dir", str(folder / f"work{number}")]
            worker = ["org.apache.spark.deploy.worker.Worker", *limits, "--host", "127.0.0.1", url]
            processes.append(start("spark-class", worker, folder, f"worker{number}"))
        _wait_for_workers(page, processes, folder)
        yield url
    finally:
        for process in reversed(processes):
            stop(process)


@pytest.fixture(scope="module")
def cluster_spark(cluster_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """A session whose two executors are processes of their own; it goes with the module, since they hold the workers' cores."""
    config = {
        "spark.executor.memory": "1g",
        "spark.executor.cores": "1",
        "spark.cores.max": str(WORKERS),
        "spark.executorEnv.PYTHONPATH": str(Path(__file__).parent),  # functions of test modules travel by name
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.warehouse.dir": str(tmp_path_factory.mktemp("cluster_warehouse")),
    }
    active = SparkSession.getActiveSession()
    if active is not None:  # a process has one context: a local session of another suite must go first
        active.stop()
    session = spark_session("distributed tests", master=cluster_url, config=config)
    yield session
    session.stop()


def _wait_for_workers(page: int, processes: list[subprocess.Popen[bytes]], folder: Path) -> None:
    alive = 0
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and all(process.poll() is None for process in processes):
        try:
            with urlopen(f"http://127.0.0.1:{page}/json/", timeout=5) as answer:
                alive = json.load(answer)["aliveworkers"]
        except (URLError, OSError, ValueError, KeyError):
            alive = 0
        if alive == WORKERS:
            return
        time.sleep(0.5)
    pytest.fail(f"the cluster has {alive} of {WORKERS} workers after {START_SECONDS} s\n{logs(folder)}")
