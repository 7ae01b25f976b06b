"""How fit time and memory grow with the rows of one table of 15 mixed columns.

    ./spark-submit.sh --driver-memory 1g benchmarks/fit_scale.py --model independent --rows 50000 500000 5000000

Counts of categories are exact and see all rows, so `profile` grows with the table; encodings of numbers see `EncodingConfig.sample_rows`, and the row model
`TrainingConfig.sample_rows`: `train` stops growing there. The peak is the largest sum of resident memory over the driver, its JVM (which runs the tasks too)
and all Python workers, shared pages counted once. Steps are told apart by the package's own events.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Mapping
from typing import Any

from process_tree import TreeWatch
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

import synthohive_spark.stages.fit as fit_stage
from synthohive_spark import FitConfig, Metadata, Synthesizer, TrainingConfig, spark_session

WARM_UP_ROWS = 1_000  # a first fit starts the workers and loads the classes


def table(spark: SparkSession, rows: int) -> DataFrame:
    """15 columns of mixed types that depend on one another."""

    def uniform(salt: int) -> Column:
        return F.pmod(F.xxhash64("id", F.lit(salt)), F.lit(2**40)) / float(2**40)

    def normal(salt: int) -> Column:
        return F.sqrt(-2 * F.log(uniform(salt) + 1e-12)) * F.cos(uniform(salt + 100) * 6.283185307)

    wealth, age = normal(1), F.floor(18 + 70 * F.pow(uniform(2), F.lit(1.3)))
    region = F.floor(F.pow(uniform(3), F.lit(2.0)) * 40)
    income = F.exp(10 + 0.6 * wealth + 0.01 * age)
    seen = F.timestamp_seconds(1_600_000_000 + F.floor(uniform(4) * 1e8))
    return spark.range(rows).select(
        age.cast("int").alias("age"),
        F.concat(F.lit("region "), region).alias("region"),
        F.concat(F.lit("town "), region * 50 + F.floor(uniform(5) * 50)).alias("town"),
        F.round(income, 2).cast("decimal(12,2)").alias("income"),
        F.when(uniform(6) < 0.3, F.lit(0.0)).otherwise(F.round(income * uniform(7), 2)).alias("debt"),
        (wealth + normal(8) > 1).alias("owner"),
        F.when(age > 30, F.concat(F.lit("job "), F.floor(uniform(9) * 20))).alias("job"),
        F.floor(F.exp(normal(10) + 0.3 * wealth)).cast("int").alias("orders"),
        F.date_add(F.lit("1990-01-01").cast("date"), (uniform(11) * 12_000).cast("int")).alias("since"),
        seen.alias("seen"),
        seen.cast("timestamp_ntz").alias("local"),
        (normal(12) * 3 + wealth).cast("float").alias("score"),
        F.when(uniform(13) < 0.9, F.lit(None)).otherwise(normal(14)).alias("rare"),
        F.when(age < 25, "student").when(uniform(15) < 0.6, "single").otherwise("married").alias("status"),
        (uniform(16) * 100_000).cast("long").alias("code"),
    )


class Clock:
    """Seconds and CPU seconds between the `stage` events of a fit."""

    def __init__(self, watch: TreeWatch) -> None:
        self.steps: dict[str, tuple[float, float]] = {}
        self._watch = watch
        self.start("check")

    def start(self, step: str) -> None:
        self._step, self._wall, self._cpu = step, time.monotonic(), self._watch.cpu_seconds()

    def stop(self) -> None:
        wall, cpu = self.steps.get(self._step, (0.0, 0.0))
        self.steps[self._step] = (wall + time.monotonic() - self._wall, cpu + self._watch.cpu_seconds() - self._cpu)

    def info(self, event: str, **told: Any) -> None:
        """In place of the package's logger: a step ends where the next one begins."""
        if "stage" in told:
            self.stop()
            self.start(told["stage"])


def fit(spark: SparkSession, frame: DataFrame, model: str, config: FitConfig) -> tuple[Mapping[str, tuple[float, float]], float]:
    """Seconds by step, and the peak memory in MiB."""
    watch = TreeWatch()
    clock, logger, train = Clock(watch), fit_stage.log, fit_stage.train_models

    def timed(*args: Any) -> Any:
        clock.info("", stage="train")
        return train(*args)

    fit_stage.log, fit_stage.train_models = clock, timed
    try:
        with watch:
            Synthesizer(Metadata().add_table("people"), spark=spark, model=model, config=config).fit({"people": frame}, seed=1)
            clock.stop()
    finally:
        fit_stage.log, fit_stage.train_models = logger, train
    return clock.steps, watch.shared_once_mib


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="independent")
    parser.add_argument("--copula", action="store_true")
    parser.add_argument("--rows", type=int, nargs="+", default=[50_000, 500_000, 5_000_000])
    parser.add_argument("--epochs", type=int)
    options = parser.parse_args()
    config = FitConfig(training=TrainingConfig(epochs=options.epochs, settings={"copula": True} if options.copula else {}))
    spark = spark_session("fit scale")
    out = sys.stdout.write
    out(f"model {options.model}; encodings of numbers see {config.encoding.sample_rows:,} rows at most, the row model {config.training.sample_rows:,}\n")
    steps = ("check", "profile", "dependencies", "encode", "train")
    out(f"{'rows':>10} {'model sees':>10} {'fit s':>7} {'CPU s':>7} {'peak MiB':>9}   " + "".join(f"{step + ' s':>14} {'CPU s':>6}" for step in steps) + "\n")
    fit(spark, table(spark, WARM_UP_ROWS), options.model, config.model_copy(update={"training": config.training.model_copy(update={"epochs": 1})}))
    for rows in sorted(options.rows):
        with tempfile.TemporaryDirectory() as folder:
            table(spark, rows).write.parquet(folder, mode="overwrite")
            found, peak = fit(spark, spark.read.parquet(folder), options.model, config)
        seen = f"{min(rows, config.training.sample_rows):>10,}" if options.copula or options.model != "independent" else f"{'-':>10}"
        wall, cpu = (sum(values) for values in zip(*found.values(), strict=True))
        parts = "".join(f"{found.get(step, (0, 0))[0]:>14.0f} {found.get(step, (0, 0))[1]:>6.0f}" for step in steps)
        out(f"{rows:>10,} {seen} {wall:>7.0f} {cpu:>7.0f} {peak:>9.0f}   {parts}\n")


if __name__ == "__main__":
    main()
