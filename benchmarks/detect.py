"""How much of the declared metadata of datasets `detect` finds: keys found and wrong, seconds, CPU seconds, Spark jobs.

    python benchmarks/detect.py ../shared/data
    python benchmarks/detect.py ../shared/data --only sakila baseball --show

Each folder is of the form that `schemas.py` takes; its `metadata.json` is the truth. A key counts as found where columns, parent and the parent's columns
are the declared ones. Seconds are those of the second of two runs in one session: the first one compiles.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from process_tree import TreeWatch
from pyspark.sql import SparkSession
from sessions import WATCHED, _done

from synthohive_spark import Detected, Metadata, detect, spark_session

DATASETS = ("chinook", "sakila", "northwind", "nycflights13_100k", "baseball")
Keys = set[tuple[object, ...]]


def main() -> None:
    options = _arguments()
    spark = spark_session("detect", config=WATCHED)
    spark.sparkContext.setLogLevel("ERROR")
    total = [0] * 6
    for name in options.only:
        counts = _measured(spark, options.folder / name, options)
        total = [a + b for a, b in zip(total, counts, strict=True)]
    sys.stdout.write(_line("all", total, "") + "\n")
    spark.stop()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a folder of schemas")
    parser.add_argument("--only", nargs="*", default=DATASETS, help="names of the schemas")
    parser.add_argument("--once", action="store_true", help="one run, with what it takes to compile")
    parser.add_argument("--show", action="store_true", help="print all findings")
    return parser.parse_args()


def _measured(spark: SparkSession, folder: Path, options: argparse.Namespace) -> list[int]:
    raw = json.loads((folder / "metadata.json").read_text(encoding="utf-8"))
    data = {name: str(folder / spec["file"]) for name, spec in raw["tables"].items()}
    if not options.once:
        detect(data, spark=spark)
    jobs, watch, start = len(_done(spark, "jobs")), TreeWatch(), time.monotonic()
    with watch:
        found = detect(data, spark=spark)
        seconds, spent = time.monotonic() - start, watch.cpu_seconds()
    jobs = len(_done(spark, "jobs")) - jobs
    (primary, foreign), (primary_told, foreign_told) = _declared(raw), _proposed(found.metadata)
    counts = [n for told, said in ((primary, primary_told), (foreign, foreign_told)) for n in (len(told), len(told & said), len(said - told))]
    sys.stdout.write(_line(folder.name, counts, f"  {seconds:6.1f} s  CPU {spent:5.1f} s  {jobs:3} jobs, {len(data)} tables") + "\n")
    _show(found, primary | foreign, primary_told | foreign_told, whole=options.show)
    return counts


def _declared(raw: dict[str, Any]) -> tuple[Keys, Keys]:
    primary: Keys = {(name, tuple(spec["primary_key"])) for name, spec in raw["tables"].items() if spec["primary_key"]}
    foreign: Keys = {(k["table"], tuple(k["columns"]), k["parent_table"], tuple(k["parent_columns"])) for k in raw["foreign_keys"]}
    return primary, foreign


def _proposed(metadata: Metadata) -> tuple[Keys, Keys]:
    tables = metadata.tables.items()
    primary: Keys = {(name, table.primary_key) for name, table in tables if table.primary_key}
    foreign: Keys = {(name, key.columns, key.parent_table, key.parent_columns) for name, table in tables for key in table.foreign_keys}
    return primary, foreign


def _line(name: str, counts: list[int], more: str) -> str:
    told = [f"{what} keys {found:3} of {there:3}, {wrong} wrong" for what, (there, found, wrong) in (("primary", counts[:3]), ("foreign", counts[3:]))]
    return f"{name:20}{told[0]}   {told[1]}{more}"


def _show(found: Detected, declared: Keys, proposed: Keys, *, whole: bool) -> None:
    for word, keys in (("MISSED", declared - proposed), ("WRONG", proposed - declared)):
        for key in sorted(keys, key=str):
            sys.stdout.write(f"  {word} {key}\n")
    sys.stdout.write(f"{found}\n" * whole)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
