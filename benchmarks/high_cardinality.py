"""Strings of 300,000 distinct values: memory, time, and how far the sampled marginals are from the real ones.

    ./spark-submit.sh --driver-memory 1g benchmarks/high_cardinality.py --model independent --rows 2000000 --values 300000

`skewed` is Zipf-like (the commonest of 300,000 values has 2 % of the rows), `flat` nearly uniform, `kind` follows from `skewed` in 90 % of the rows. The
peak is the largest sum of resident memory over the driver, its JVM (which runs the tasks too) and all Python workers. The yardstick is the TVD of as many
rows drawn afresh from the true distribution: no synthetic data can be expected to come closer. Values that fewer than 3 rows have are never reproduced.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time

from process_tree import TreeWatch
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from synthohive_spark import FitConfig, Metadata, Synthesizer, TrainingConfig, spark_session

KINDS = 12
SKEW = 0.7  # exponent of the Zipf law: at 1 most of the values would not occur in 2 million rows
CLASSES = (1, 3, 10, 100, 1_000, 10_000)  # real rows of a value
COMMONEST = 100


def table(spark: SparkSession, rows: int, values: int, salt: int) -> DataFrame:
    """Rows of the true distribution; another `salt` draws them afresh."""

    def uniform(column: int) -> Column:
        return F.pmod(F.xxhash64("id", F.lit(salt), F.lit(column)), F.lit(2**40)) / float(2**40)

    rank = F.floor(F.pow(uniform(0), 1 / (1 - SKEW)) * values).cast("long")
    flat = F.floor(F.pow(uniform(1), F.lit(1.2)) * values).cast("long")
    kind = F.when(uniform(2) < 0.9, F.pmod(F.xxhash64(rank), F.lit(KINDS))).otherwise(F.floor(uniform(3) * KINDS))
    return spark.range(rows).select(
        F.concat(F.lit("item-"), F.pmod(F.xxhash64(rank), F.lit(10**9)), F.lit("-"), rank).alias("skewed"),
        F.concat(F.lit("part/"), F.lpad(flat.cast("string"), 7, "0")).alias("flat"),
        F.concat(F.lit("kind "), kind).alias("kind"),
        F.round(F.ln(1 + rank) * 10 + uniform(4) * 5, 2).alias("price"),
    )


def compare(real: DataFrame, other: DataFrame, column: str) -> dict[str, tuple[float, float, float]]:
    """By frequency class of the real values, for the commonest, and over all: shares of the rows, real and other, and the part of the TVD."""
    sides = [frame.groupBy(column).count().withColumnRenamed("count", name) for frame, name in ((real, "a"), (other, "b"))]
    cells = sides[0].join(sides[1], column, "full").na.fill(0, ["a", "b"])
    n, m = real.count(), other.count()
    shares = [F.sum(F.col("a") / n), F.sum(F.col("b") / m), F.sum(F.abs(F.col("a") / n - F.col("b") / m)) / 2]
    band = F.coalesce(*(F.when(F.col("a") >= low, F.lit(low)) for low in reversed(CLASSES)), F.lit(0))
    found = {f"{row[0]:,} rows or more": tuple(row[1:]) for row in cells.groupBy(band.alias("band")).agg(*shares).orderBy("band").collect()}
    found[f"commonest {COMMONEST}"] = tuple(cells.orderBy(F.desc("a"), column).limit(COMMONEST).agg(*shares).first())
    found["all"] = tuple(cells.agg(*shares).first())
    return found


def kind_kept(frame: DataFrame) -> float:
    """Share of the rows whose kind follows from the value."""
    rank = F.regexp_extract("skewed", r"-(\d+)$", 1).cast("long")
    return frame.agg(F.avg((F.col("kind") == F.concat(F.lit("kind "), F.pmod(F.xxhash64(rank), F.lit(KINDS)))).cast("double"))).first()[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="independent")
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--values", type=int, default=300_000)
    parser.add_argument("--epochs", type=int)
    options = parser.parse_args()
    spark = spark_session("high cardinality")
    out = sys.stdout.write
    with tempfile.TemporaryDirectory() as folder:
        table(spark, options.rows, options.values, 1).write.parquet(f"{folder}/real")
        real = spark.read.parquet(f"{folder}/real")
        distinct = real.agg(F.countDistinct("skewed"), F.countDistinct("flat")).first()
        out(f"{options.rows:,} rows; distinct values: skewed {distinct[0]:,}, flat {distinct[1]:,}; model {options.model}\n")
        metadata = Metadata().add_table("items", high_cardinality_cols=["skewed", "flat"])
        config = FitConfig(training=TrainingConfig(epochs=options.epochs))
        steps = {}
        synthesizer = Synthesizer(metadata, spark=spark, model=options.model, config=config)
        for step in ("fit", "sample"):
            start = time.monotonic()
            with TreeWatch() as watch:
                if step == "fit":
                    synthesizer.fit({"items": real}, seed=1)
                else:
                    made = synthesizer.sample({"items": options.rows}, seed=2, output=f"{folder}/made")["items"]
            steps[step] = (time.monotonic() - start, watch.cpu_seconds(), watch.mib, watch.shared_once_mib)
        for step, (wall, cpu, total, once) in steps.items():
            out(f"{step:<8} {wall:>6.0f} s  {cpu:>6.0f} CPU s  peak {total:>6.0f} MiB in all processes, {once:>6.0f} MiB with shared pages once\n")
        fresh = table(spark, options.rows, options.values, 2)
        for column in ("skewed", "flat", "kind"):
            found, yardstick = compare(real, made, column), compare(real, fresh, column)
            out(f"\n{column:<22} {'real':>8} {'made':>8} {'TVD':>8} {'yardstick':>10}\n")
            for name, (a, b, gap) in found.items():
                out(f"{name:<22} {a:>8.4f} {b:>8.4f} {gap:>8.4f} {yardstick.get(name, (0, 0, 0))[2]:>10.4f}\n")
        out(f"\nkind follows from the value: real {kind_kept(real):.3f}, made {kind_kept(made):.3f}\n")


if __name__ == "__main__":
    main()
