"""A real standalone cluster: one master and two workers, each a process of its own, with one core and one executor each."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pyspark
import pytest
from pyspark.sql import SparkSession

from synthohive_spark.stages.jvm.java import java_home
from synthohive_spark.stages.session import QUIET_LOGS, spark_session

WORKERS = 2
START_SECONDS = 120
_SPARK_HOME = Path(pyspark.__file__).parent


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
    port, page = _free_port(), _free_port()
    url = f"spark://127.0.0.1:{port}"
    processes: list[subprocess.Popen[bytes]] = []
    try:
        master = ["org.apache.spark.deploy.master.Master", "--host", "127.0.0.1", "--port", str(port), "--webui-port", str(page)]
        processes.append(_start(master, folder, "master"))
        for number in range(WORKERS):
            limits = ["--cores", "1", "--memory", "2g", "--webui-port", "0", "--work-dir", str(folder / f"work{number}")]
            processes.append(_start(["org.apache.spark.deploy.worker.Worker", *limits, "--host", "127.0.0.1", url], folder, f"worker{number}"))
        _wait_for_workers(page, processes, folder)
        yield url
    finally:
        for process in reversed(processes):
            _stop(process)


@pytest.fixture(scope="session")
def cluster_spark(cluster_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """A session whose two executors are processes of their own."""
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


def _start(command: list[str], folder: Path, name: str) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "JAVA_HOME": str(java_home()[0]),
        "SPARK_HOME": str(_SPARK_HOME),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_DAEMON_MEMORY": "256m",
        "SPARK_DAEMON_JAVA_OPTS": f"-Dlog4j2.configurationFile={QUIET_LOGS.as_uri()}",
    }
    environment.pop("SPARK_MASTER", None)
    with (folder / f"{name}.log").open("wb") as log:
        # A session of its own: stopping it takes the executors along, whatever happened to the worker.
        return subprocess.Popen([str(_SPARK_HOME / "bin" / "spark-class"), *command], env=environment, stdout=log, stderr=log, start_new_session=True)


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
    logs = "\n".join(f"--- {log.name}\n{log.read_text(errors='replace')[-2000:]}" for log in sorted(folder.glob("*.log")))
    pytest.fail(f"the cluster has {alive} of {WORKERS} workers after {START_SECONDS} s\n{logs}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
        except ProcessLookupError:
            break
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            continue
    process.wait(timeout=10)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
