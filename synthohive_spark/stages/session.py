"""A local Spark session with Delta and settings that fit one machine."""

from __future__ import annotations

from delta import configure_spark_with_delta_pip
from pyspark.sql import SparkSession


def spark_session(name: str = "synthohive_spark", *, master: str | None = None, config: dict[str, str] | None = None) -> SparkSession:
    """Local session with Delta (first draft, to be replaced)."""
    builder = (
        SparkSession.builder.appName(name)
        .master(master or "local[2]")
        .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
        .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.execution.arrow.pyspark.enabled", "true")
        .config("spark.sql.shuffle.partitions", "4")
        .config("spark.ui.enabled", "false")
        .config("spark.databricks.delta.snapshotPartitions", "2")
        .config("spark.executorEnv.OMP_NUM_THREADS", "1")
    )
    for key, value in (config or {}).items():
        builder = builder.config(key, value)
    return configure_spark_with_delta_pip(builder).getOrCreate()
