"""A real Spark Connect server: a process of its own, with Delta's extension and catalog and no other setting."""

from __future__ import annotations

import os
import socket
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from spark_processes import START_SECONDS, free_port, logs, start, stop

from synthohive_spark.stages.jvm.jars import delta_jars

SERVER = "org.apache.spark.sql.connect.service.SparkConnectServer"
DELTA = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test in this folder needs the server."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.distributed)


@pytest.fixture(scope="session")
def connect_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`sc://127.0.0.1:port` of a server whose workers run this Python, without the package."""
    folder = tmp_path_factory.mktemp("server")
    port = free_port()
    settings = {**DELTA, "spark.connect.grpc.binding.address": "127.0.0.1", "spark.connect.grpc.binding.port": str(port)}
    options = [option for key, value in settings.items() for option in ("--conf", f"{key}={value}")]
    options += ["--master", "local[2]", "--jars", ",".join(str(jar) for jar in delta_jars()), "--class", SERVER, "spark-internal"]
    environment = {"PYSPARK_PYTHON": str(_python_without_the_package(folder)), "PYTHONPATH": "", "OMP_NUM_THREADS": "1", "SPARK_DAEMON_MEMORY": "1g"}
    server = start("spark-submit", options, folder, "server", environment)
    try:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and server.poll() is None and not _listens(port):
            time.sleep(0.5)
        if not _listens(port):
            pytest.fail(f"the Connect server does not listen after {START_SECONDS} s\n{logs(folder)}")
        yield f"sc://127.0.0.1:{port}"
    finally:
        stop(server)


@pytest.fixture
def new_session(connect_url: str) -> Iterator[Callable[[], SparkSession]]:
    """Makes a client session of its own: what one ships, others do not have."""
    active = SparkSession.getActiveSession()
    if active is not None:  # a process has sessions of one kind
        active.stop()
    made: list[SparkSession] = []

    def make() -> SparkSession:
        made.append(SparkSession.builder.remote(connect_url).create())
        return made[-1]

    yield make
    for session in made:
        session.stop()
    os.environ.pop("SPARK_CONNECT_MODE_ENABLED", None)  # the functions of pyspark would go on to make columns of Connect


def _python_without_the_package(folder: Path) -> Path:
    """Folders that PYTHONPATH names are not searched for the .pth file of an editable installation."""
    wrapper = folder / "python"
    wrapper.write_text(f'#!/bin/sh\nPYTHONPATH="{sysconfig.get_path("purelib")}:$PYTHONPATH" exec "{sys.executable}" -S "$@"\n')
    wrapper.chmod(0o755)
    return wrapper


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
