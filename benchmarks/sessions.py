"""Fit, sample and report of one schema in a session with Spark's own defaults and in `spark_session()`: seconds, CPU seconds, jobs, stages and tasks.

    python benchmarks/sessions.py ../shared/data/sakila
    python benchmarks/sessions.py /my/schemas/shop --model autoregressive --repeat 2

The folder is of the form that `schemas.py` takes; `--delta` makes Delta tables of its files first.
Each session is a process of its own; the plain one is given Delta's jars, extension and catalog, and nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from process_tree import TreeWatch
from pyspark.sql import SparkSession
from schemas import metadata_of

from synthohive_spark import Synthesizer, spark_session
from synthohive_spark.stages.jvm.jars import delta_jars
from synthohive_spark.stages.jvm.java import java_home

SESSIONS = ("plain", "ours")
STEPS = ("fit", "sample", "report")
FIGURES = ("seconds", "cpu_s", "jobs", "stages", "tasks")
WATCHED = {"spark.ui.enabled": "true", "spark.ui.port": "0", "spark.ui.showConsoleProgress": "false"}
DELTA = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
}


def main() -> None:
    options = _arguments()
    if options.session:
        sys.stdout.write(json.dumps(_measure(options)) + "\n")
        return
    found: dict[str, list[dict[str, dict[str, float]]]] = {name: [] for name in SESSIONS}
    for _ in range(options.repeat):
        for name in SESSIONS:
            command = [sys.executable, __file__, str(options.folder), "--model", options.model, "--session", name, *(["--delta"] if options.delta else [])]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYSPARK_PYTHON": sys.executable})
            found[name].append(json.loads(done.stdout.splitlines()[-1]))
    _print(found)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a schema")
    parser.add_argument("--model", default="independent", help="independent, the default, leaves training out: it costs the same in any session")
    parser.add_argument("--delta", action="store_true", help="read the real tables from Delta tables")
    parser.add_argument("--repeat", type=int, default=1, help="runs of each session, in turns; the fastest of each step is told")
    parser.add_argument("--session", choices=SESSIONS, help=argparse.SUPPRESS)
    return parser.parse_args()


def _measure(options: argparse.Namespace) -> dict[str, dict[str, float]]:
    spark = _plain_session() if options.session == "plain" else spark_session("sessions", config=WATCHED)
    spark.sparkContext.setLogLevel("ERROR")
    raw = json.loads((options.folder / "metadata.json").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        real = {name: str(options.folder / spec["file"]) for name, spec in raw["tables"].items()}
        if options.delta:
            for name, file in real.items():
                spark.read.parquet(file).write.format("delta").save(f"{folder}/real/{name}")
            real = {name: f"{folder}/real/{name}" for name in real}
        synthesizer = Synthesizer(metadata_of(raw, options.folder.name), spark=spark, model=options.model)
        copy = f"{folder}/copy"
        steps: dict[str, Callable[[], object]] = {
            "fit": lambda: synthesizer.fit(real, seed=1),
            "sample": lambda: synthesizer.sample(seed=1, output=copy),
            "report": lambda: synthesizer.generate_validation_report(real, {name: f"{copy}/{name}" for name in raw["tables"]}, seed=1),
        }
        return {step: _figures(spark, work) for step, work in steps.items()}


def _plain_session() -> SparkSession:
    os.environ["JAVA_HOME"] = str(java_home()[0])
    builder = SparkSession.builder.master("local[2]").appName("plain")
    for key, value in {"spark.jars": ",".join(map(str, delta_jars())), **DELTA, **WATCHED}.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def _figures(spark: SparkSession, work: Callable[[], object]) -> dict[str, float]:
    jobs, stages = _done(spark, "jobs"), _done(spark, "stages")
    watch, start = TreeWatch(), time.monotonic()
    with watch:
        work()
        seconds, spent = time.monotonic() - start, watch.cpu_seconds()
    made = {key: stage for key, stage in _done(spark, "stages").items() if key not in stages}
    tasks = sum(stage["numCompleteTasks"] for stage in made.values())
    return dict(zip(FIGURES, (seconds, spent, len(_done(spark, "jobs")) - len(jobs), len(made), tasks), strict=True))


def _done(spark: SparkSession, what: str) -> dict[tuple[int, int], dict[str, Any]]:
    """Jobs or stages that ran, by number and attempt."""
    time.sleep(1)  # the listener that counts them is behind
    context = spark.sparkContext
    with urllib.request.urlopen(f"{context.uiWebUrl}/api/v1/applications/{context.applicationId}/{what}") as answer:
        found = json.load(answer)
    return {(x.get("jobId", x.get("stageId")), x.get("attemptId", 0)): x for x in found if x["status"] in ("SUCCEEDED", "COMPLETE")}


def _print(found: Mapping[str, list[dict[str, dict[str, float]]]]) -> None:
    out = sys.stdout.write
    out(f"{'':16}" + "".join(f"{figure:>10}" for figure in FIGURES) + "\n")
    for step in STEPS:
        best = {name: min((run[step] for run in runs), key=lambda figures: figures["seconds"]) for name, runs in found.items()}
        for name, figures in best.items():
            out(f"{step:8}{name:8}" + "".join(f"{figures[f]:10.1f}" if f in ("seconds", "cpu_s") else f"{figures[f]:10.0f}" for f in FIGURES) + "\n")
        out(f"{step:8}{'ratio':8}" + "".join(f"{best['plain'][f] / best['ours'][f]:10.2f}" for f in FIGURES) + "\n")


if __name__ == "__main__":
    main()
