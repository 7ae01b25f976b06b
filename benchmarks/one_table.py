"""One table through the kernels alone, in this process: what a Spark task does, without Spark around it, so that CPU seconds compare with other tools'.

Numbers are of `time.process_time`, on one thread.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from synthohive_spark.kernels.columns import decode_codes, encode_frame
from synthohive_spark.kernels.columns.fit import fit_encoding
from synthohive_spark.kernels.columns.likeness import compared, placed_frames, regrouped_frames, shared_from
from synthohive_spark.kernels.columns.order import ordered_codes
from synthohive_spark.kernels.columns.types import to_float64
from synthohive_spark.kernels.loop import TrainJob, train
from synthohive_spark.kernels.models import restore_model
from synthohive_spark.kernels.models.base import ConditionalGenerativeModel
from synthohive_spark.kernels.seeds import generator
from synthohive_spark.kernels.staging import ORDER, PLACE
from synthohive_spark.kernels.world import World
from synthohive_spark.spec.config import EncodingConfig, TrainingConfig
from synthohive_spark.spec.encoding import CategoryEncoding, ColumnHint, TableEncoding
from synthohive_spark.spec.fitted import ModelSpec

SPARK_TYPES = {"b": "boolean", "i": "bigint", "u": "bigint", "f": "double", "M": "timestamp"}
BLOCK = 10_000


@dataclass(frozen=True)
class Fitted:
    """A fitted table and what it cost."""

    encoding: TableEncoding
    model: ConditionalGenerativeModel
    epochs: int
    cpu_s: float


def fit(real: pd.DataFrame, model: str, epochs: int | None = None, seed: int = 1) -> Fitted:
    """Fit encodings and a row model with default settings."""
    torch.set_num_threads(1)
    start = time.process_time()
    encoding = encode(real)
    spec = ModelSpec(name=model, row=encoding.cardinalities, context=(), turns=tuple(range(len(encoding.columns))))
    weights = tuple(c.weights for c in encoding.columns)
    with tempfile.TemporaryDirectory() as folder:
        rows = pd.DataFrame(encode_frame(real, encoding), columns=[f"r{i}" for i in range(len(encoding.columns))]).astype("int32")
        rows[PLACE] = 0
        rows[ORDER] = pd.util.hash_pandas_object(rows, index=True).to_numpy().view("int64")
        rows.to_parquet(Path(folder) / "rows.parquet")
        training = TrainingConfig(epochs=epochs)
        job = TrainJob(
            table="table",
            path=f"{folder}/rows.parquet",
            model=spec,
            weights=weights,
            seed=seed,
            epochs=training.epochs,
            batch_size=training.batch_size,
            holdout=training.holdout,
            evaluations=training.evaluations,
            progress_path=f"{folder}/progress",
            state_path=f"{folder}/state",
            orders=tuple(tuple(ordered_codes(column).tolist()) for column in encoding.columns),
        )
        result = train(job, World())
    return Fitted(encoding, restore_model(spec, result.weights, weights), result.epochs, time.process_time() - start)


def sample(fitted: Fitted, rows: int, seed: int = 7) -> tuple[pd.DataFrame, float, float]:
    """Rows, and the CPU seconds of drawing codes and of decoding them."""
    frames, drawing, decoding = [], 0.0, 0.0
    for start in range(0, rows, BLOCK):
        rng = generator(seed, "table", "rows", start)
        began = time.process_time()
        codes = fitted.model.sample(np.zeros((min(BLOCK, rows - start), 0), dtype=np.int64), rng)
        drawn = time.process_time()
        frames.append(pd.DataFrame({name: values.to_pandas() for name, values in decode_codes(codes, fitted.encoding, rng).items()}))
        decoding += time.process_time() - drawn
        drawing += drawn - began
    return pd.concat(frames, ignore_index=True), drawing, decoding


def encode(real: pd.DataFrame) -> TableEncoding:
    """The encodings that `stages/profile.py` would fit, counted with pandas."""
    config = EncodingConfig()
    columns = []
    for name in real:
        hint = ColumnHint(name=name, spark_type=SPARK_TYPES.get(real[name].dtype.kind, "string"))
        columns.append(fit_encoding(_counted(real[name], hint, config), hint=hint, config=config, rows=len(real), seed=1))
    encoding = TableEncoding(table="table", rows=len(real), columns=tuple(columns))
    large = encoding.select(tuple(c.name for c in columns if isinstance(c, CategoryEncoding) and shared_from(c) < len(c.starts)))
    if not large.columns:
        return encoding
    others = compared(encoding)
    (found,) = regrouped_frames(placed_frames(iter([real]), large=large, others=others), large=large, others=others)
    new = {large.names[row.column]: CategoryEncoding.model_validate_json(row.encoding) for row in found.itertuples()}
    return encoding.model_copy(update={"columns": tuple(new.get(c.name, c) for c in columns)})


def _counted(column: pd.Series, hint: ColumnHint, config: EncodingConfig) -> pd.DataFrame:
    seen, nulls = column.dropna(), int(column.isna().sum())
    if hint.spark_type in ("string", "boolean"):
        found = seen.astype(str).str.lower() if hint.spark_type == "boolean" else seen.astype(str)
        counts = found.value_counts()
        frame = pd.DataFrame({"text": counts.index.astype(object), "number": np.nan, "n": counts.to_numpy()})
    else:
        values = pd.Series(to_float64(seen, hint.name, hint.spark_type)).value_counts()
        frame = pd.DataFrame({"text": None, "number": values.index, "n": values.to_numpy()})
    frame = frame.assign(is_null=False, kept=frame["n"] >= config.min_category_rows)
    if nulls:
        frame = pd.concat([frame, pd.DataFrame({"text": [None], "number": [np.nan], "n": [nulls], "is_null": [True], "kept": [True]})], ignore_index=True)
    return frame.assign(column=0, sampled=frame["n"], distinct=1)


def nearer_to_first(synthetic: pd.DataFrame, first: pd.DataFrame, second: pd.DataFrame, rows: int = 2_000) -> float:
    """Share of synthetic rows whose nearest row is in `first` rather than in `second`; ties count half. 0.5 where nothing is memorised.

    The distance adds up the difference in rank of numbers, in [0, 1], and 1 per category that differs.
    """
    numbers = [c for c in first if pd.api.types.is_numeric_dtype(first[c]) or pd.api.types.is_datetime64_any_dtype(first[c])]
    both = pd.concat([first, second], ignore_index=True)
    sides = [_places(frame, both, numbers) for frame in (synthetic.sample(min(rows, len(synthetic)), random_state=0), first, second)]
    nearest = np.stack([_nearest(*sides[0], *side) for side in sides[1:]])
    return float(((nearest[0] < nearest[1]) + 0.5 * (nearest[0] == nearest[1])).mean())


def _places(frame: pd.DataFrame, both: pd.DataFrame, numbers: list[str]) -> tuple[np.ndarray, np.ndarray]:
    ranks, labels = [], []
    for name in both:
        if name in numbers:
            known = np.sort(both[name].dropna().to_numpy())
            rank = np.searchsorted(known, frame[name].fillna(known[0]).to_numpy(), side="right") / len(known)
            ranks.append(np.where(frame[name].isna(), -1.0, rank))
        else:
            labels.append(pd.Categorical(frame[name].astype("string"), categories=sorted(both[name].dropna().astype("string").unique())).codes)
    return np.array(ranks, dtype="float32").T, np.array(labels).T


def _nearest(ranks: np.ndarray, labels: np.ndarray, to_ranks: np.ndarray, to_labels: np.ndarray) -> np.ndarray:
    """The distance to the nearest row, float (N,)."""
    found = np.empty(len(ranks) or len(labels))
    for i in range(len(found)):
        distance = np.zeros(len(to_ranks) or len(to_labels))
        if ranks.size:
            distance += np.abs(to_ranks - ranks[i]).sum(1)
        if labels.size:
            distance += (to_labels != labels[i]).sum(1)
        found[i] = distance.min()
    return found
