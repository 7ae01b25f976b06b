"""One local session for the whole suite."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from synthohive_spark.stages.session import spark_session


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory, run_once: dict[str, str]) -> Iterator[SparkSession]:
    """A local session with Delta; its warehouse goes with the test run."""
    warehouse = tmp_path_factory.mktemp("warehouse")
    config = {
        **run_once,
        "spark.sql.warehouse.dir": str(warehouse),
        "spark.executorEnv.PYTHONPATH": str(Path(__file__).parent),  # functions of test modules travel by name
    }
    session = spark_session("tests", config=config)
    yield session
    session.stop()


@pytest.fixture
def compiled(spark: SparkSession) -> Iterator[None]:
    """With generated code: without it Spark cannot list the tables of a catalog."""
    before = spark.conf.get("spark.sql.codegen.factoryMode")
    spark.conf.set("spark.sql.codegen.factoryMode", "FALLBACK")
    yield
    spark.conf.set("spark.sql.codegen.factoryMode", str(before))
