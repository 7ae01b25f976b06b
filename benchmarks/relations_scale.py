"""Relations at size: CPU seconds, memory and what holds in the copy.

    python benchmarks/relations_scale.py organisation --rows 100000
    python benchmarks/relations_scale.py keys --rows 10000000
    python benchmarks/relations_scale.py growth ../shared/data/nycflights13_100k --scales 1 10 30

`organisation`: employees in eight levels, most of them in their manager's department. `keys`: a table with eight keys to eight others. `growth`: samples of one
fitted schema, in CPU seconds per million rows. All figures are those of the driver with all its processes, in a session with default memory.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any

from process_tree import TreeWatch
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from schemas import metadata_of

from synthohive_spark import Metadata, Synthesizer, spark_session

TITLES = ("chief", "vice president", "director", "head", "manager", "lead", "engineer", "intern")
SHARES = (0.0, 0.0002, 0.002, 0.01, 0.05, 0.13, 0.3)  # of the levels below the chief's; the rest are interns
KEYS, PARENTS = 8, 100_000


def main() -> None:
    options = _arguments()
    spark = spark_session("relations_scale")
    with tempfile.TemporaryDirectory() as folder:
        options.work(spark, options, Path(folder))
    spark.stop()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = parser.add_subparsers(required=True)
    for name, work, rows in (("organisation", organisation, 100_000), ("keys", keys, 10_000_000)):
        kind = kinds.add_parser(name)
        kind.add_argument("--rows", type=int, default=rows)
        kind.set_defaults(work=work)
    kind = kinds.add_parser("growth")
    kind.add_argument("folder", type=Path, help="a schema as `schemas.py` takes it")
    kind.add_argument("--scales", type=float, nargs="+", default=[1, 10, 30])
    kind.set_defaults(work=growth)
    return parser.parse_args()


def _timed(what: str, work: Callable[[], Any], rows: float | None = None) -> Any:
    watch, start = TreeWatch(), time.monotonic()
    with watch:
        result = work()
    cpu = watch.cpu_seconds()
    each = f", {cpu / rows * 1e6:.0f} per million rows" if rows else ""
    sys.stdout.write(f"{what}: {time.monotonic() - start:.0f} s, CPU {cpu:.0f} s{each}, peak of all processes {watch.shared_once_mib / 1024:.1f} GiB\n")
    sys.stdout.flush()
    return result


def _noise(salt: int, values: int) -> Column:
    return F.pmod(F.xxhash64(F.col("id"), F.lit(salt)), F.lit(values))


def organisation(spark: SparkSession, options: argparse.Namespace, folder: Path) -> None:
    """Rows are numbered level by level; a manager is any row of the level above."""
    sizes = [1, *(max(1, round(share * options.rows)) for share in SHARES[1:])]
    ends = [sum(sizes[: i + 1]) for i in range(len(sizes))] + [options.rows]
    level = reduce(lambda found, end: found + (F.col("id") >= end).cast("int"), ends[:-1], F.lit(0))
    first, size = (F.element_at(F.array(*map(F.lit, numbers)), F.greatest(F.col("level"), F.lit(1))) for numbers in ([0, *ends[:-2]], sizes))
    rows = spark.range(options.rows).withColumn("level", level)
    rows = rows.withColumn("boss", F.when(F.col("level") > 0, first + F.pmod(F.xxhash64("id"), size)))
    rows = rows.withColumn("department", F.when(F.col("level") < 2, _noise(1, 12)))
    for depth in range(2, len(TITLES)):
        above = rows.select(F.col("id").alias("__id"), F.col("department").alias("__theirs"))
        follows = F.when(_noise(2, 20) > 0, F.col("__theirs")).otherwise(_noise(3, 12))
        rows = rows.join(above, F.col("boss") == F.col("__id"), "left")
        rows = rows.withColumn("department", F.when(F.col("level") == depth, follows).otherwise(F.col("department"))).drop("__id", "__theirs")
    title = F.element_at(F.array(*map(F.lit, TITLES)), F.col("level") + 1)
    pay = F.round(F.exp(12.5 - 0.35 * F.col("level") + _noise(4, 1000) / 4000))
    real = rows.select("id", F.col("boss").alias("manager"), title.alias("title"), F.concat(F.lit("d"), "department").alias("department"), pay.alias("pay"))
    real.write.parquet(str(folder / "employees"))
    real = spark.read.parquet(str(folder / "employees"))
    synthesizer = Synthesizer(Metadata().add_table("employees", pk="id", fk={"manager": "employees.id"}), spark=spark, model="autoregressive")
    _timed("fit", lambda: synthesizer.fit({"employees": real}, seed=1))
    copy = _timed("sample", lambda: synthesizer.sample(seed=2, output=str(folder / "copy")), options.rows)["employees"]
    for name, frame in (("real", real), ("copy", copy)):
        sys.stdout.write(f"{name}: {_chain(frame)}\n")


def _chain(rows: DataFrame) -> str:
    """Rows per level, and how well rows suit those above them."""
    above = rows.select(F.col("id").alias("up"), F.col("manager").alias("next"), F.col("title").alias("their_title"), F.col("department").alias("theirs"))
    joined = rows.join(above, rows["manager"] == above["up"])
    rank = F.array_position(F.array(*map(F.lit, TITLES)), F.col("title")) - F.array_position(F.array(*map(F.lit, TITLES)), F.col("their_title"))
    shares = joined.agg(F.avg((rank == 1).cast("int")).alias("next"), F.avg((F.col("department") == F.col("theirs")).cast("int")).alias("same")).collect()[0]
    levels, left = [], rows.where("manager is null").select("id")
    while count := left.count():
        levels.append(count)
        left = rows.join(left.select(F.col("id").alias("up")), F.col("manager") == F.col("up"), "left_semi").select("id").localCheckpoint()
    return f"levels {levels}, one title below the manager {shares['next']:.3f}, in the manager's department {shares['same']:.3f}"


def keys(spark: SparkSession, options: argparse.Namespace, folder: Path) -> None:
    """Each key leads to a parent whose kind fits a column of the row."""
    metadata, names = Metadata(), [f"p{i}" for i in range(KEYS)]
    frames: dict[str, DataFrame] = {}
    for i, name in enumerate(names):
        metadata.add_table(name, pk="id")
        frames[name] = spark.range(PARENTS).select("id", F.pmod("id", F.lit(5 + i)).alias("kind"), _noise(i, 1000).alias("size"))
    metadata.add_table("facts", pk="id", fk={f"k{i}": f"{name}.id" for i, name in enumerate(names)})
    keys = [(_noise(100 + i, PARENTS)).alias(f"k{i}") for i in range(KEYS)]
    facts = spark.range(options.rows).select("id", *keys, (_noise(50, 10_000) / 100).alias("amount"))
    facts = facts.withColumns({f"a{i}": F.pmod(F.col(f"k{i}"), F.lit(5 + i)) + _noise(60 + i, 2) for i in range(3)})
    for name, frame in (*frames.items(), ("facts", facts)):
        frame.write.parquet(str(folder / name))
    data = {name: spark.read.parquet(str(folder / name)) for name in (*names, "facts")}
    synthesizer = Synthesizer(metadata, spark=spark, model="autoregressive")
    _timed("fit", lambda: synthesizer.fit(data, seed=1))
    copy = _timed("sample", lambda: synthesizer.sample(seed=2, output=str(folder / "copy")), options.rows)
    orphans = sum(copy["facts"].join(copy[name], F.col(f"k{i}") == copy[name]["id"], "left_anti").count() for i, name in enumerate(names))
    sys.stdout.write(f"rows {copy['facts'].count():,}, orphans {orphans}\n")


def growth(spark: SparkSession, options: argparse.Namespace, folder: Path) -> None:
    raw = json.loads((options.folder / "metadata.json").read_text(encoding="utf-8"))
    data = {name: spark.read.parquet(str(options.folder / spec["file"])) for name, spec in raw["tables"].items()}
    synthesizer = Synthesizer(metadata_of(raw, options.folder.name), spark=spark, model="autoregressive")
    _timed("fit", lambda: synthesizer.fit(data, seed=1))
    learnt = sum(spec["rows"] for name, spec in raw["tables"].items() if synthesizer.metadata.tables[name].role == "learnt")
    for scale in options.scales:
        _timed(f"sample at scale {scale:g}", lambda scale=scale: synthesizer.sample(scale=scale, seed=1, output=str(folder / f"x{scale:g}")), learnt * scale)


if __name__ == "__main__":
    main()
