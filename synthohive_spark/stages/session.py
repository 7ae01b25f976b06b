"""A Spark session with Delta and settings that fit one machine, or the one that is there already."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from pyspark import SparkConf, SparkContext
from pyspark.sql import SparkSession

from ..causes import step
from ..errors import MissingDependencyError
from .jvm.jars import JarsNotFound, delta_jars, package_jars
from .jvm.java import JavaNotFound, java_home

QUIET_LOGS = Path(__file__).with_name("log4j2.properties")
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_LOOPBACK = "127.0.0.1"
_CONNECT = "sc://"


def spark_session(
    name: str = "synthohive_spark",
    *,
    master: str | None = None,
    config: dict[str, str] | None = None,
    jars: str | Path | None = None,
    packages: Sequence[str] = (),
) -> SparkSession:
    """A session with Delta: the active one where there is one, what `spark-submit` started, or a local one.

    Args:
        name: shown in Spark's UI and logs.
        master: by default what `SPARK_REMOTE` or `spark-submit` says, else all cores of this machine; `sc://host` is a Spark Connect server, whose session
            has the server's settings and no others than `config`.
        config: further settings; they win over the defaults here.
        jars: folder of Delta's jars for a machine without a network; by default `SYNTHOHIVE_JARS`, else they are fetched once and kept.
        packages: more jars by their Maven names, such as `Database.jdbc_package`; `SYNTHOHIVE_PACKAGES` names some too. A folder of jars holds them already.

    Raises:
        MissingDependencyError: there is no Java 17 or 21, or jars cannot be had; or `packages` has some and a session runs already, which can load no more.
    """
    chosen = {key: str(value) for key, value in (config or {}).items()}
    active = SparkSession.getActiveSession()
    if active is not None:
        if packages and not is_connect(active):
            _check_loaded(active, packages)
        return _with_settings(active, name, chosen)
    server = master if master and master.startswith(_CONNECT) else chosen.pop("spark.remote", None) or os.environ.get("SPARK_REMOTE")
    if server:
        with step(f"connecting to {server.partition(';')[0]}"):  # what follows can be a token
            return _configured(SparkSession.builder.appName(name).remote(server), chosen).getOrCreate()
    submitted = _submitted()
    master = master or chosen.pop("spark.master", None) or submitted.get("spark.master") or f"local[{_cores()}]"
    settings = {**{key: value for key, value in session_settings(master).items() if key not in submitted}, **chosen}
    if "PYSPARK_GATEWAY_PORT" not in os.environ:  # the Java process is ours to start; under spark-submit it runs already, with its class path
        try:
            settings = _with_java(settings, jars, packages)
        except (JavaNotFound, JarsNotFound) as error:
            raise MissingDependencyError(str(error)) from error
        if master.startswith("local"):
            os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # the python3 on PATH is often another one, without this package
    with step(f"starting Spark with the master {master!r}"):
        return _configured(SparkSession.builder.appName(name).master(master), settings).getOrCreate()


def is_connect(spark: SparkSession) -> bool:
    """Whether the session is a client of a Spark Connect server: its driver, and what that is set to, are elsewhere."""
    return not isinstance(spark, SparkSession)  # the client has a class of its own, with the same methods


def session_settings(master: str) -> dict[str, str]:
    """The settings that differ from Spark's defaults.

    Args:
        master: where it runs: only a driver beside its executors may hide behind the loopback address.
    """
    cores = _cores()
    settings = {
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.databricks.delta.snapshotPartitions": "2",  # the default of 50 makes a small commit two to three times slower
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        # One task per core, one thread per task: torch and BLAS would otherwise start a pool of all cores in every task.
        **{f"spark.executorEnv.{variable}": "1" for variable in _THREAD_VARIABLES},
    }
    if master.startswith("local"):
        settings["spark.sql.shuffle.partitions"] = str(max(4, 2 * cores))
    if master.startswith("local") or f"//{_LOOPBACK}" in master or "//localhost" in master:
        # Both: with one of them alone a driver cannot fetch its own jars where the host's name resolves to another address.
        settings["spark.driver.host"] = _LOOPBACK
        settings["spark.driver.bindAddress"] = _LOOPBACK
    return settings


def _with_settings(active: SparkSession, name: str, chosen: dict[str, str]) -> SparkSession:
    if not is_connect(active):
        return _configured(SparkSession.builder.appName(name), chosen).getOrCreate()
    for key, value in chosen.items():  # the builder would ask for the server's address again
        active.conf.set(key, value)
    return active


def _submitted() -> dict[str, str]:
    """What `spark-submit` was told; empty without it."""
    if "PYSPARK_GATEWAY_PORT" not in os.environ:
        return {}
    SparkContext._ensure_initialized()  # only connects to the Java process that runs already; SparkConf reads its settings through it
    return dict(SparkConf().getAll())


def _with_java(settings: dict[str, str], jars: str | Path | None, packages: Sequence[str]) -> dict[str, str]:
    home, _ = java_home()
    os.environ["JAVA_HOME"] = str(home)
    options = [settings.get("spark.driver.extraJavaOptions", ""), f"-Dlog4j2.configurationFile={QUIET_LOGS.as_uri()}"]
    result = {**settings, "spark.driver.extraJavaOptions": " ".join(option for option in options if option)}
    if "delta-spark" not in settings.get("spark.jars.packages", ""):
        own = [settings["spark.jars"]] if settings.get("spark.jars") else []
        more = [] if jars else package_jars(packages)
        result["spark.jars"] = ",".join(dict.fromkeys([*own, *(str(jar) for jar in (*delta_jars(jars), *more))]))
    return result


def _check_loaded(active: SparkSession, packages: Sequence[str]) -> None:
    """Refuse packages that a running session does not have."""
    loaded = active.conf.get("spark.jars", "") or ""
    loaded += active.conf.get("spark.jars.packages", "") or ""
    if missing := [name for name in packages if name.split(":")[1] not in loaded]:
        raise MissingDependencyError(f"a Spark session runs already, without {', '.join(missing)}: stop it first (spark.stop()), then start one with packages=")


def _configured(builder: SparkSession.Builder, settings: dict[str, str]) -> SparkSession.Builder:
    for key, value in settings.items():
        builder = builder.config(key, value)
    return builder


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):  # a container's share, not the machine's
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
