"""Driver memory against rows: fit and sample flights-like tables of growing size, and print the peak memory of the driver's processes.

    ./spark-submit.sh --driver-memory 1g benchmarks/driver_memory.py --rows 100000 1000000

With a local master the driver's JVM runs the executors' tasks too, so the figure is an upper bound. Peaks only rise within a run: sizes go from small to large.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from synthohive_spark import FitConfig, Metadata, Synthesizer, TrainingConfig, spark_session

PLANES, HOURS = 3_000, 26_000


def flights_like(spark: SparkSession, rows: int) -> dict[str, DataFrame]:
    """Planes, hours of weather, and `rows` flights with keys to both, some of them null."""

    def noise(salt: int, values: int):  # noqa: ANN202
        return F.pmod(F.xxhash64(F.col("id"), F.lit(salt)), F.lit(values))

    planes = spark.range(PLANES).select(F.format_string("N%05d", "id").alias("tailnum"), (noise(1, 40) + 1970).alias("year"), noise(2, 4).alias("engines"))
    weather = spark.range(HOURS).select(
        F.element_at(F.array(*map(F.lit, ("EWR", "JFK", "LGA"))), (F.col("id") % 3 + 1).cast("int")).alias("origin"),
        F.timestamp_seconds(F.floor(F.col("id") / 3) * 3600 + 1_356_998_400).alias("time_hour"),
        (noise(3, 700) / 10 + 20).alias("temp"),
        noise(4, 100).alias("humid"),
    )
    hour = noise(5, HOURS)
    flights = spark.range(rows).select(
        F.element_at(F.array(*map(F.lit, ("EWR", "JFK", "LGA"))), (hour % 3 + 1).cast("int")).alias("origin"),
        F.timestamp_seconds(F.floor(hour / 3) * 3600 + 1_356_998_400).alias("time_hour"),
        F.when(noise(6, 50) > 0, F.format_string("N%05d", noise(7, PLANES))).alias("tailnum"),
        F.concat(F.lit("C"), noise(8, 16)).alias("carrier"),
        noise(9, 5000).alias("flight"),
        F.when(noise(10, 40) > 0, noise(11, 300) - 30).alias("dep_delay"),
        (noise(12, 2000) + 80).alias("distance"),
        (noise(13, 4000) / 10).alias("air_time"),
    )
    return {"planes": planes, "weather": weather, "flights": flights}


def metadata() -> Metadata:
    schema = Metadata()
    schema.add_table("planes", pk="tailnum")
    schema.add_table("weather", pk=["origin", "time_hour"])
    schema.add_table("flights", fk={"tailnum": "planes.tailnum"}, foreign_keys=[{"columns": ["origin", "time_hour"], "parent_table": "weather"}])
    return schema


def peak_mib(spark: SparkSession) -> tuple[float, float]:
    """Peak resident memory in MiB of the driver's Python process and of its JVM."""
    python = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    pid = spark.sparkContext._jvm.java.lang.ProcessHandle.current().pid()
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return python, next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--epochs", type=int, default=1)
    options = parser.parse_args()
    spark = spark_session("driver memory")
    out = sys.stdout.write
    heap = spark.sparkContext._jvm.java.lang.Runtime.getRuntime().maxMemory() / 2**20
    out(f"driver heap limit {heap:.0f} MiB\n{'rows':>10} {'fit s':>7} {'sample s':>9} {'written':>10} {'python MiB':>11} {'JVM MiB':>8}\n")
    for rows in sorted(options.rows):
        with tempfile.TemporaryDirectory() as folder:
            start = time.monotonic()
            config = FitConfig(training=TrainingConfig(epochs=options.epochs, evaluations=1))
            synthesizer = Synthesizer(metadata(), spark=spark, config=config).fit(flights_like(spark, rows), seed=1)
            fitted = time.monotonic()
            written = synthesizer.sample(seed=1, output=folder)["flights"].count()
            python, jvm = peak_mib(spark)
            out(f"{rows:>10,} {fitted - start:>7.0f} {time.monotonic() - fitted:>9.0f} {written:>10,} {python:>11.0f} {jvm:>8.0f}\n")


if __name__ == "__main__":
    main()
