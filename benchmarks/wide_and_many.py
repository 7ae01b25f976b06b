"""How fit, sample and report grow with the columns of a table and the tables of a schema, on few rows: what Spark and the driver do per column and per table.

    python benchmarks/wide_and_many.py --columns 50 200 1000
    python benchmarks/wide_and_many.py --columns --tables 10 50 300 --driver-memory 2g

One process per size, so that no size finds a warm Java. CPU seconds are those of the driver with all its processes, jobs are Spark's, and driver memory is the
most that Java and this Python have had resident. `growth` is the power of the size that CPU seconds grow with since the size before: 1 is linear.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from process_tree import TreeWatch

from synthohive_spark import Metadata, Synthesizer, spark_session

STEPS = ("fit", "sample", "report")
LINKED = 3  # tables that point at each table, about
START = pd.Timestamp("2021-01-01")


def main() -> None:
    options = _arguments()
    if options.one:
        sys.stdout.write(json.dumps(_measured(options.one[0], int(options.one[1]), options)) + "\n")
        return
    for kind, sizes in (("columns", options.columns), ("tables", options.tables)):
        before: dict[str, Any] = {}
        for size in sizes:
            found = _apart(kind, size, options)
            _print(kind, size, found, before)
            before = {"size": size, **found}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--columns", type=int, nargs="*", default=[50, 200, 1000])
    parser.add_argument("--tables", type=int, nargs="*", default=[10, 50, 300])
    parser.add_argument("--rows", type=int, help="of each table; 60 of wide ones and 50 of many by default")
    parser.add_argument("--model", default="autoregressive")
    parser.add_argument("--driver-memory", default="2g")
    parser.add_argument("--master", default="local[2]")
    parser.add_argument("--limit", type=int, default=1800, help="seconds for one size")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    return parser.parse_args()


def _apart(kind: str, size: int, options: argparse.Namespace) -> dict[str, Any]:
    """One size in a process of its own."""
    passed = ["--model", options.model, "--driver-memory", options.driver_memory, "--master", options.master]
    rows = ["--rows", str(options.rows)] if options.rows else []
    command = [sys.executable, __file__, "--one", kind, str(size), *passed, *rows]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, timeout=options.limit)
    except subprocess.TimeoutExpired:
        return {"failed": f"not done in {options.limit} s"}
    lines = done.stdout.splitlines()
    found: dict[str, Any] = json.loads(lines[-1]) if not done.returncode and lines else {"failed": f"exit status {done.returncode}"}
    return found


def _measured(kind: str, size: int, options: argparse.Namespace) -> dict[str, Any]:
    """Each step of one size."""
    frames, metadata = (_wide if kind == "columns" else _many)(size, options.rows or (60 if kind == "columns" else 50))
    spark = spark_session("wide_and_many", master=options.master, config={"spark.driver.memory": options.driver_memory})
    with tempfile.TemporaryDirectory() as folder:
        for name, frame in frames.items():
            frame.to_parquet(f"{folder}/{name}.parquet", coerce_timestamps="us")
        data = {name: spark.read.parquet(f"{folder}/{name}.parquet") for name in frames}
        synthesizer = Synthesizer(metadata, spark=spark, model=options.model)
        tables: dict[str, Any] = {}

        def sample() -> None:
            tables.update(synthesizer.sample(seed=1, output=f"{folder}/out"))

        work: dict[str, Callable[[], Any]] = {
            "fit": lambda: synthesizer.fit(data, seed=1),
            "sample": sample,
            "report": lambda: synthesizer.generate_validation_report(data, tables, f"{folder}/report.html"),
        }
        return {step: _timed(spark, work[step]) for step in STEPS}


def _timed(spark: Any, work: Callable[[], Any]) -> dict[str, float]:
    tracker = spark.sparkContext.statusTracker()
    jobs = set(tracker.getJobIdsForGroup(None))
    watch, memory, start = TreeWatch(), _DriverMemory(), time.monotonic()
    with watch, memory:
        work()
    wall = time.monotonic() - start
    run = set(tracker.getJobIdsForGroup(None)) - jobs
    return {"wall_s": round(wall, 1), "cpu_s": round(watch.cpu_seconds(), 1), "jobs": len(run), "driver_mib": round(memory.mib)}


class _DriverMemory:
    """The most that this process and its Java have had resident while the block ran."""

    def __init__(self) -> None:
        self.mib = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> _DriverMemory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.5):
            self.mib = max(self.mib, sum(_resident(path) for path in _driver()))


def _driver() -> list[Path]:
    own = Path("/proc/self")
    children = (own / f"task/{own.resolve().name}/children").read_text().split()
    return [own, *(p for c in children if (p := Path("/proc") / c).is_dir() and (p / "comm").read_text().startswith("java"))]


def _resident(process: Path) -> float:
    try:
        lines = (process / "status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmRSS:")), 0) / 1024


def _wide(columns: int, rows: int) -> tuple[dict[str, pd.DataFrame], Metadata]:
    """One table of columns of all types, some with nulls, some that follow from others."""
    rng = np.random.default_rng(columns)
    made = {f"c{i}": _column(i, rows, rng) for i in range(columns)}
    for i in range(20, columns, 25):
        made[f"c{i}"] = made[f"c{i - 20}"] + made[f"c{i - 10}"]  # a rule here and there
    metadata = Metadata()
    metadata.add_table("wide", pk="id")
    return {"wide": pd.DataFrame({"id": np.arange(rows), **made})}, metadata


def _column(i: int, rows: int, rng: np.random.Generator) -> pd.Series:
    kind = i % 10
    if kind == 0:
        return pd.Series(rng.integers(0, 50, rows))
    if kind in (1, 6):
        return pd.Series(np.round(rng.normal(10 * kind, 5, rows), 2))
    if kind in (2, 7):
        return pd.Series(rng.choice([f"k{j}" for j in range(3 + i % 5)], rows))
    if kind == 3:
        return pd.Series([(START + pd.Timedelta(days=int(d))).date() for d in rng.integers(0, 700, rows)])
    if kind == 4:
        return pd.Series(START + pd.to_timedelta(rng.integers(0, 10_000_000, rows), unit="s"))
    if kind == 5:
        return pd.Series(rng.random(rows) < 0.3)
    if kind == 8:
        return pd.Series([f"text {n}" for n in rng.integers(0, 10**6, rows)])
    return pd.Series(np.where(rng.random(rows) < 0.2, np.nan, rng.gamma(2, 3, rows)))


def _many(tables: int, rows: int) -> tuple[dict[str, pd.DataFrame], Metadata]:
    """A tree of tables, where every fourth has a second key."""
    rng, metadata, frames = np.random.default_rng(tables), Metadata(), {}
    for t in range(tables):
        parents = [] if t == 0 else [(t - 1) // LINKED] + ([int(rng.integers(t))] if t % 4 == 0 and t > LINKED else [])
        keys = [{"columns": [f"k{i}"], "parent_table": f"t{p}", "parent_columns": ["id"]} for i, p in enumerate(parents)]
        metadata.add_table(f"t{t}", pk="id", foreign_keys=keys)
        own = {f"c{i}": _column(int(rng.integers(10)), rows, rng) for i in range(6)}
        frames[f"t{t}"] = pd.DataFrame({"id": np.arange(rows), **{f"k{i}": rng.integers(0, rows, rows) for i in range(len(parents))}, **own})
    return frames, metadata


def _print(kind: str, size: int, found: dict[str, Any], before: dict[str, Any]) -> None:
    out = sys.stdout.write
    if "failed" in found:
        out(f"{size} {kind}: FAILED, {found['failed']}\n")
        return
    for step in STEPS:
        told = found[step]
        out(f"{size} {kind}, {step}: CPU {told['cpu_s']} s, wall {told['wall_s']} s, {told['jobs']} jobs, driver {told['driver_mib']} MiB")
        if step in before:
            out(f", growth {math.log(max(told['cpu_s'], 0.1) / max(before[step]['cpu_s'], 0.1)) / math.log(size / before['size']):.2f}")
        out("\n")
    out(f"{size} {kind}, all: CPU {sum(found[s]['cpu_s'] for s in STEPS):.1f} s, wall {sum(found[s]['wall_s'] for s in STEPS):.1f} s\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
