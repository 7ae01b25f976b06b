"""Whether it can be guessed which rows trained: a half of a table is fitted, the other half held out, and the nearest synthetic rows tell.

    python benchmarks/membership.py ../shared/data/adult/adult.parquet --model autoregressive --model tvae

Each line has a model, the AUC of the guess over both halves (0.5: nothing tells), and nearness; then the same of the training half itself as if it were the
copy, which is what a leak looks like, and of rows of the half that was held out.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from synthohive_spark import Metadata, Synthesizer, spark_session
from synthohive_spark.kernels.judge.nearest import nearest_rows
from synthohive_spark.kernels.judge.rows import Rows, Values


def main() -> None:
    options = _arguments()
    frame = pd.read_parquet(options.table)
    frame = frame.loc[:, [c for c in frame if frame[c].nunique() < len(frame)]]
    order = np.random.default_rng(options.seed).permutation(len(frame))
    halves = [frame.iloc[part].reset_index(drop=True) for part in np.array_split(order, 2)]
    spark = spark_session("membership")
    for model in options.model:
        synthesizer = Synthesizer(Metadata().add_table("rows"), spark=spark, model=model)
        synthesizer.fit({"rows": halves[0]}, seed=options.seed)
        made = synthesizer.sample(seed=7, output=tempfile.mkdtemp())["rows"].toPandas()
        print(_line(model, halves, made), flush=True)
    print(_line("the training half", halves, halves[0]))
    print(_line("rows of the other", halves, halves[1].sample(frac=0.5, random_state=0).reset_index(drop=True)))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, help="a Parquet file")
    parser.add_argument("--model", action="append", required=True)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def _line(name: str, halves: list[pd.DataFrame], made: pd.DataFrame) -> str:
    real = pd.concat(halves, ignore_index=True)
    held = np.repeat([0, 1], [len(half) for half in halves])
    mixed = np.random.default_rng(0).permutation(len(real))
    sides = _rows(real.iloc[mixed].reset_index(drop=True), made[real.columns])
    found = nearest_rows(*sides, held[mixed])
    if found is None:
        raise SystemExit("there are too few rows")
    told = [f"{value:.3f}" if value is not None else "-" for value in (found.membership, found.nearness)]
    return f"{name:<20} membership {told[0]}  nearness {told[1]}  distance {found.distance[0]:.4f} / {found.distance[1]:.4f}  same {found.same[0]:.4f}"


def _rows(real: pd.DataFrame, made: pd.DataFrame) -> tuple[Rows, Rows]:
    columns: list[dict[str, Values]] = [{}, {}]
    for name in real:
        if pd.api.types.is_datetime64_any_dtype(real[name]):  # Spark gives them back without their zone
            moments = [pd.to_datetime(side[name], utc=True) for side in (real, made)]
            coded = [Values(((m - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(seconds=1)).to_numpy("float64"), 0, "time") for m in moments]
        elif pd.api.types.is_numeric_dtype(real[name]):
            coded = [Values(side[name].to_numpy("float64", na_value=np.nan)) for side in (real, made)]
        else:
            codes, labels = pd.factorize(pd.concat([real[name], made[name]]), sort=True)
            coded = [Values(part, len(labels), "label") for part in np.split(codes, [len(real)])]
        for found, values in zip(columns, coded, strict=True):
            found[str(name)] = values
    sides = [Rows(found, np.arange(n), np.empty((n, 0), dtype=np.int64)) for found, n in zip(columns, (len(real), len(made)), strict=True)]
    return sides[0], sides[1]


if __name__ == "__main__":
    main()
