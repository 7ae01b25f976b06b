"""How far the figures of our report are from those of an independent judge on the same copy, and what the report costs.

    python benchmarks/report.py ../shared/data/chinook /tmp/schemas/chinook --judge ../shared/tools/score.py --seeds 3
    python benchmarks/report.py ../shared/data/nycflights13_100k /tmp/schemas/nycflights13_100k --markdown

Folders and judge as for `schemas.py`, whose copies it takes. Both are compared case by case (table, key, column) where both have one: the judge counts
reference tables, our report does not. Each line has the figure, the cases, our mean, the judge's, the difference, the largest difference of a case, how far
the judge's own seeds are apart (of the mean, of a case: with few rows an AUC is a matter of which rows fell into which fold), and the judge's other cases.

Both sides are laid before the judge with their rows in random order: it draws rows and folds by one seed, so that its folds are stretches of a table that it
takes whole. Of rows in the order of time its classifier then learns one time and is asked of another (chinook, c2st of invoices: 0.54 instead of 0.83).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from deltalake import DeltaTable
from process_tree import TreeWatch
from schemas import SCORES, metadata_of

from synthohive_spark import Report, Synthesizer, spark_session

AUCS = ("c2st", "c2st_parent", "c2st_agg")
MAY_DIFFER = {score: 0.02 if score in AUCS else 0.01 for score in SCORES}
Cases = dict[str, dict[str, float]]  # by figure and by what it is of


def main() -> None:
    options = _arguments()
    raw = json.loads((options.folder / "metadata.json").read_text(encoding="utf-8"))
    ours = _cases_of(_reported(raw, options))
    for side, folder in (("real", options.folder), ("copy", options.copy)):
        _shuffle(raw, folder, options.out / side)
    theirs = [_judged_cases(_judged(seed, options), raw) for seed in range(options.seeds)]
    for score in SCORES:
        _print(score, ours.get(score, {}), [judge.get(score, {}) for judge in theirs], markdown=options.markdown)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a schema")
    parser.add_argument("copy", type=Path, help="its copy, as Delta tables")
    parser.add_argument("--judge", type=Path, default=Path("../shared/tools/score.py"))
    parser.add_argument("--python", default=sys.executable, help="Python of the judge")
    parser.add_argument("--seeds", type=int, default=1, help="runs of the judge")
    parser.add_argument("--times", type=int, default=1, help="reports; the first one finds a cold Java")
    parser.add_argument("--markdown", action="store_true", help="print lines of a table")
    parser.add_argument("--out", type=Path, default=Path("/tmp/report"))
    return parser.parse_args()


def _reported(raw: dict[str, Any], options: argparse.Namespace) -> Report:
    spark = spark_session("report")
    real = {table: spark.read.parquet(str(options.folder / spec["file"])) for table, spec in raw["tables"].items()}
    copied = {table: str(options.copy / table) for table in raw["tables"]}
    synthesizer = Synthesizer(metadata_of(raw, options.folder.name), spark=spark)
    options.out.mkdir(parents=True, exist_ok=True)
    for _ in range(options.times):
        watch, start = TreeWatch(), time.monotonic()
        with watch:
            report = synthesizer.generate_validation_report(real, copied, str(options.out / options.folder.name) + ".html")
        sys.stdout.write(f"{options.folder.name}: CPU {watch.cpu_seconds():.1f} s, {time.monotonic() - start:.1f} s\n")
    report.save(options.out / f"{options.folder.name}.json")
    sys.stdout.write(f"{report}\n")
    return report


def _cases_of(report: Report) -> Cases:
    found: Cases = defaultdict(dict)
    f = report.findings
    for t in f.tables:
        found["shapes"] |= {f"{t.table}.{c.column}": 1 - c.distance for c in t.columns}
        if t.pairs:
            found["pairs"][t.table] = 1 - sum(p.distance for p in t.pairs) / len(t.pairs)
        for name, told in (("c2st", t.c2st), ("c2st_parent", t.c2st_parent)):
            if told:
                found[name][t.table] = told.auc
        above = [k.parent_pairs for k in f.keys if k.table == t.table and k.parent_pairs]
        if above:
            found["parent_pairs"][t.table] = 1 - sum(a.distance * a.possible for a in above) / sum(a.possible for a in above)
    for k in (k for k in f.keys if not k.copied):
        found["cardinality"][k.key] = 1 - k.distance
        if k.c2st_agg:
            found["c2st_agg"][k.key] = k.c2st_agg.auc
        for name, across in (("siblings", k.siblings), ("sequence", k.sequence)):
            found[name] |= {f"{k.key}.{p.first}": 1 - p.distance for p in (across.pairs if across else ())}
    found["paths"] = _by_rank([1 - p.distance for p in f.paths])
    return found


def _shuffle(raw: dict[str, Any], folder: Path, target: Path) -> None:
    """The tables of a folder with their rows in random order."""
    target.mkdir(parents=True, exist_ok=True)
    for i, (name, spec) in enumerate(raw["tables"].items()):
        whole = folder / name if (folder / name).is_dir() else folder / spec["file"]
        table = DeltaTable(str(whole)).to_pandas() if (whole / "_delta_log").is_dir() else pd.read_parquet(whole)
        table.sample(frac=1, random_state=1000 + i + (target.name == "copy")).to_parquet(target / f"{name}.parquet")


def _judged(seed: int, options: argparse.Namespace) -> dict[str, Any]:
    out = options.out / f"{options.folder.name}.judge{seed}.json"
    command = [options.python, str(options.judge), str(options.folder / "metadata.json"), str(options.out / "real"), str(options.out / "copy")]
    subprocess.run([*command, "--seed", str(seed), "--json", str(out)], check=False, stdout=subprocess.DEVNULL)
    found: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    return found


def _judged_cases(found: dict[str, Any], raw: dict[str, Any]) -> Cases:
    cases: Cases = defaultdict(dict)
    for name, table in found["tables"].items():
        cases["shapes"] |= {f"{name}.{c}": v for c, v in table.get("shapes", {}).items()}
        for score in ("pairs", "parent_pairs", "c2st", "c2st_parent"):
            if table.get(score) is not None:
                cases[score][name] = table[score]
    for key, judged in zip(raw["foreign_keys"], found["foreign_keys"], strict=True):
        name = f"{key['table']}({', '.join(key['columns'])}) -> {key['parent_table']}({', '.join(key['parent_columns'])})"
        for score in ("cardinality", "c2st_agg"):
            if judged[score] is not None:
                cases[score][name] = judged[score]
        columns = list(found["tables"][key["table"]].get("shapes", {}))
        for score in ("siblings", "sequence"):
            cases[score] |= {f"{name}.{c}": v for c, v in zip(columns, judged[score], strict=False)}
    cases["paths"] = _by_rank(found["paths"])
    return cases


def _by_rank(values: list[float]) -> dict[str, float]:
    """The judge does not name its paths."""
    return {f"path {i}": value for i, value in enumerate(sorted(values))}


def _print(score: str, ours: dict[str, float], judges: list[dict[str, float]], *, markdown: bool) -> None:
    both = [name for name in ours if all(name in judge for judge in judges)]
    left_out = sum(name not in ours for name in judges[0])
    if not both:
        sys.stdout.write(f"{score}: nothing to compare; {len(ours)} of ours, {left_out} of the judge's\n")
        return
    means = [_mean(judge[name] for name in both) for judge in judges]
    judge = {name: _mean(j[name] for j in judges) for name in both}
    worst = max(both, key=lambda name: abs(ours[name] - judge[name]))
    apart = _mean(ours[name] for name in both) - _mean(means)
    spread = max(max(j[name] for j in judges) - min(j[name] for j in judges) for name in both)
    mark = "" if abs(apart) <= MAY_DIFFER[score] else " !"
    line = [score, f"{len(both)}", f"{_mean(ours[name] for name in both):.4f}", f"{_mean(means):.4f}", f"{apart:+.4f}{mark}"]
    line += [f"{ours[worst] - judge[worst]:+.4f} ({worst})", f"{max(means) - min(means):.4f}, {spread:.4f}", f"{left_out}"]
    sys.stdout.write(f"| {' | '.join(line)} |\n" if markdown else "  ".join(line) + "\n")


def _mean(values: Iterator[float] | list[float]) -> float:
    found = list(values)
    return sum(found) / len(found)


if __name__ == "__main__":
    main()
