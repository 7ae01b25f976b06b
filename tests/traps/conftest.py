"""Small hard inputs, each from a thread in which somebody met it: one session, and a way to a copy of whatever a test makes up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from synthohive_spark import Metadata, Synthesizer
from synthohive_spark.stages.session import spark_session

FIT_SEED, SAMPLE_SEED = 1, 2


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory, run_once: dict[str, str]) -> Iterator[SparkSession]:
    """A local session with Delta, in a zone that puts its clocks forward; its warehouse goes with the test run."""
    config = {**run_once, "spark.sql.warehouse.dir": str(tmp_path_factory.mktemp("warehouse")), "spark.sql.session.timeZone": "America/New_York"}
    session = spark_session("traps", config=config)
    yield session
    session.stop()


@pytest.fixture(scope="session")
def copied(spark: SparkSession) -> Callable[..., dict[str, DataFrame]]:
    """Learn tables and sample a copy: columns on their own by default, as these tests are not about the row model."""

    def copy(metadata: Metadata, data: Any, *, model: str = "independent", **asked: Any) -> dict[str, DataFrame]:
        learnt = Synthesizer(metadata, spark=spark, model=model).fit(data, seed=FIT_SEED)
        return learnt.sample(**{"seed": SAMPLE_SEED, **asked})

    return copy


@pytest.fixture(scope="session")
def frame(spark: SparkSession) -> Callable[..., DataFrame]:
    """A frame of columns, each given as `(type, values)`; the names as they are."""

    def made(columns: dict[str, tuple[str, list[Any]]]) -> DataFrame:
        ddl = ", ".join(f"`{name.replace('`', '``')}` {kind}" for name, (kind, _) in columns.items())
        return spark.createDataFrame(list(zip(*(values for _, values in columns.values()), strict=True)), ddl)

    return made
