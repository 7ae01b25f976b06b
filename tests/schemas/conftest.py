"""One small local session for all generated schemas."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession

from synthohive_spark.spec.planning import siblings
from synthohive_spark.stages.session import spark_session


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory, run_once: dict[str, str]) -> Iterator[SparkSession]:
    """Two cores and few partitions: the tables have some hundred rows, and get what larger ones get."""
    siblings.LEAST_ROWS = 2
    config = {**run_once, "spark.sql.warehouse.dir": str(tmp_path_factory.mktemp("warehouse")), "spark.sql.shuffle.partitions": "2"}
    session = spark_session("schemas", master="local[2]", config=config)
    yield session
    session.stop()
