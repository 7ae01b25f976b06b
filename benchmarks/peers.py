"""Fit and sample one table with a peer, in the peer's own environment; `row_models.py` starts it.

    python benchmarks/peers.py tabularargn REAL.parquet SYNTHETIC.parquet --rows 48842

Peers are not dependencies of this project. An environment for each: `pip install mostlyai-engine==2.7.3`, and `pip install ctgan==0.12.1`. Both run with
their defaults, on one thread. CPU seconds are those of this process and its children. Prints one line of JSON.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported

import argparse
import json
import resource
import sys
import tempfile
from pathlib import Path

import pandas as pd
import torch


def cpu_seconds() -> float:
    """Of this process and its children that have ended."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def tabularargn(real: pd.DataFrame, rows: int, epochs: int | None) -> tuple[pd.DataFrame, float, float]:
    """TabularARGN; `epochs` at most, 100 by default, with its own early stop."""
    from mostlyai import engine

    with tempfile.TemporaryDirectory() as folder:
        start = cpu_seconds()
        engine.split(real, workspace_dir=folder)
        engine.analyze(workspace_dir=folder)
        engine.encode(workspace_dir=folder)
        engine.train(workspace_dir=folder, **({} if epochs is None else {"max_epochs": epochs}))
        fitted = cpu_seconds()
        engine.generate(sample_size=rows, workspace_dir=folder)
        sampled = cpu_seconds()
        parts = sorted((Path(folder) / "SyntheticData").glob("*.parquet"))
        return pd.concat([pd.read_parquet(p) for p in parts], ignore_index=True), fitted - start, sampled - fitted


def ctgan(real: pd.DataFrame, rows: int, epochs: int | None) -> tuple[pd.DataFrame, float, float]:
    """The public CTGAN; 300 epochs by default. It takes no nulls in numbers: they become the mean, in categories a value of their own."""
    from ctgan import CTGAN

    discrete = [c for c in real if not pd.api.types.is_numeric_dtype(real[c])]
    filled = real.assign(**{c: real[c].astype("string").fillna("<null>").astype(object) if c in discrete else real[c].fillna(real[c].mean()) for c in real})
    start = cpu_seconds()
    model = CTGAN(epochs=epochs or 300)
    model.fit(filled, discrete)
    fitted = cpu_seconds()
    drawn = model.sample(rows)
    return drawn.assign(**{c: drawn[c].replace("<null>", None) for c in discrete}), fitted - start, cpu_seconds() - fitted


PEERS = {"tabularargn": tabularargn, "ctgan": ctgan}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peer", choices=sorted(PEERS))
    parser.add_argument("real", type=Path)
    parser.add_argument("synthetic", type=Path)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--epochs", type=int)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    drawn, fit, sample = PEERS[arguments.peer](pd.read_parquet(arguments.real), arguments.rows, arguments.epochs)
    drawn.to_parquet(arguments.synthetic)
    sys.stdout.write(json.dumps({"fit_cpu_s": round(fit, 2), "sample_cpu_s": round(sample, 2)}) + "\n")


if __name__ == "__main__":
    main()
