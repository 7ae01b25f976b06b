"""Spark's own programs (master, worker, Connect server) as processes of the tests."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyspark

from synthohive_spark.stages.jvm.java import java_home
from synthohive_spark.stages.session import QUIET_LOGS

START_SECONDS = 120
_SPARK_HOME = Path(pyspark.__file__).parent


def start(program: str, arguments: Sequence[str], folder: Path, name: str, environment: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
    """Start `spark-class` or `spark-submit` in a session of its own, with its output in `folder`/`name`.log."""
    variables = {
        **os.environ,
        "JAVA_HOME": str(java_home()[0]),
        "SPARK_HOME": str(_SPARK_HOME),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_DAEMON_MEMORY": "256m",
        "SPARK_DAEMON_JAVA_OPTS": f"-Dlog4j2.configurationFile={QUIET_LOGS.as_uri()}",
        **(environment or {}),
    }
    for variable in ("SPARK_MASTER", "SPARK_REMOTE", "SPARK_CONNECT_MODE_ENABLED"):
        variables.pop(variable, None)
    with (folder / f"{name}.log").open("wb") as log:
        # A session of its own: stopping it takes the executors along, whatever happened to the worker.
        command = [str(_SPARK_HOME / "bin" / program), *arguments]
        return subprocess.Popen(command, env=variables, cwd=folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End the process and all that it started."""
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


def logs(folder: Path) -> str:
    """The end of each log."""
    return "\n".join(f"--- {log.name}\n{log.read_text(errors='replace')[-2000:]}" for log in sorted(folder.glob("*.log")))


def free_port() -> int:
    """A port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
