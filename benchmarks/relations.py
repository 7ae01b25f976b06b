"""What the parts that keep rows of several tables together buy and cost: scores of whole copies, with each part left out, between two floors.

    python benchmarks/relations.py ../shared/data/baseball --judge ../shared/tools/score.py --python /env/with/deltalake/bin/python
    python benchmarks/relations.py ../shared/data/nycflights13_100k --only defaults shuffled --markdown

Folders and judge as for `schemas.py`. The floors: `shuffled`, the real tables with every column that is no key shuffled; `apart`, the defaults with
other parents at random and rows that do not see their siblings. Lines of one call compare with one another; a seed moves an AUC by about 0.01.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
from process_tree import TreeWatch
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from schemas import SCORES, judged, metadata_of

from synthohive_spark import Metadata, Synthesizer, spark_session
from synthohive_spark.spec.config import FitConfig
from synthohive_spark.spec.identifiers import quoted
from synthohive_spark.spec.planning import ancestors, joint, keys
from synthohive_spark.stages import encode

VARIANTS: dict[str, FitConfig] = {
    "defaults": FitConfig(),
    "siblings unseen": FitConfig(siblings=False),
    "partners at random": FitConfig(partners=False),
    "rows held out": FitConfig(siblings=False),  # beside "siblings unseen": rows of one parent see each other over the split
    "empirical counts": FitConfig(),
    "parents only": FitConfig(),
    "finest key drives": FitConfig(),
    "declared keys only": FitConfig(),
    "apart": FitConfig(siblings=False, partners=False),
}
SHUFFLED = "shuffled"
PATCHES: dict[str, tuple[Any, str, Any]] = {
    "rows held out": (encode, "family_hash", lambda program, seed: F.xxhash64(F.lit(seed), *(F.col(quoted(c)) for c in program.names))),
    "parents only": (ancestors, "MOST_ABOVE", 0),
    "finest key drives": (keys, "MUCH", math.inf),
    "declared keys only": (joint, "MOST_ASKED", 0),
}


def main() -> None:
    options = _arguments()
    options.out.mkdir(parents=True, exist_ok=True)
    raw = json.loads((options.folder / "metadata.json").read_text(encoding="utf-8"))
    wanted = options.only or [SHUFFLED, *VARIANTS]
    results: dict[str, dict[str, Any]] = {}
    if SHUFFLED in wanted:
        results[SHUFFLED] = _told(SHUFFLED, _shuffled(raw, options), options)
    spark = spark_session("relations")
    for name in (v for v in VARIANTS if v in wanted):
        results[name] = _told(name, _variant(spark, raw, name, options), options)
    spark.stop()
    (options.out / "relations.json").write_text(json.dumps(results, indent=1))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a schema")
    parser.add_argument("--judge", type=Path, default=Path("../shared/tools/score.py"))
    parser.add_argument("--python", default=sys.executable, help="Python of the judge")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rows", type=int, default=10_000, help="rows of each side that the judge's classifiers see")
    parser.add_argument("--only", nargs="*", choices=[SHUFFLED, *VARIANTS], help="lines to print")
    parser.add_argument("--markdown", action="store_true", help="print lines of a table")
    parser.add_argument("--out", type=Path, default=Path("/tmp/relations"))
    parser.set_defaults(scale=1.0)
    return parser.parse_args()


def _shuffled(raw: dict[str, Any], options: argparse.Namespace) -> Path:
    output = options.out / SHUFFLED
    output.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(options.seed)
    for name, spec in raw["tables"].items():
        table = pd.read_parquet(options.folder / spec["file"])
        keys = {*(spec["primary_key"] or ()), *(c for key in raw["foreign_keys"] if key["table"] == name for c in key["columns"])}
        mixed = {c: table[c].to_numpy()[rng.permutation(len(table))] for c in table if c not in keys}
        table.assign(**mixed).astype(table.dtypes).to_parquet(output / f"{name}.parquet")
    return output


def _variant(spark: SparkSession, raw: dict[str, Any], name: str, options: argparse.Namespace) -> Callable[[], Path]:
    data = {table: spark.read.parquet(str(options.folder / spec["file"])) for table, spec in raw["tables"].items()}
    metadata = metadata_of(raw, options.folder.name)
    if name == "empirical counts":
        metadata = Metadata(tables={t: table.model_copy(update={"linkage_method": "empirical"}) for t, table in metadata.tables.items()})

    def run() -> Path:
        output = options.out / name.replace(" ", "_")
        synthesizer = Synthesizer(metadata, spark=spark, model="autoregressive", config=VARIANTS[name])
        with patch.object(*PATCHES[name]) if name in PATCHES else nullcontext():
            synthesizer.fit(data, seed=options.seed)
        synthesizer.sample(seed=options.seed, output=str(output))
        return output

    return run


def _told(name: str, made: Path | Callable[[], Path], options: argparse.Namespace) -> dict[str, Any]:
    """Make the copy, judge it, and print its line."""
    watch, start = TreeWatch(), time.monotonic()
    with watch:
        output = made if isinstance(made, Path) else made()
    result = {"s": round(time.monotonic() - start, 1), "cpu_s": round(watch.cpu_seconds(), 1)} | judged(options.folder, output, options)
    scores = {score: "" if result[score] is None else f"{result[score]:.3f}" for score in SCORES}
    if options.markdown:
        line = f"| {name} | " + " | ".join(scores.values()) + f" | {result['cpu_s']:.0f} |"
    else:
        line = f"{name}: " + "  ".join(f"{score} {value}" for score, value in scores.items() if value) + f"  CPU {result['cpu_s']:.0f} s"
    sys.stdout.write(line + f"  FAULTS {result['faults']}\n" * bool(result["faults"]) + "\n" * (not result["faults"]))
    sys.stdout.flush()
    return result


if __name__ == "__main__":
    main()
