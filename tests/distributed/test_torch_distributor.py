"""Two ranks in two executors of a standalone cluster: they train one model between them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from pyspark.sql import SparkSession
from safetensors.torch import load

from synthohive_spark.errors import TrainingError
from synthohive_spark.kernels.loop import TrainJob
from synthohive_spark.kernels.models import restore_model
from synthohive_spark.kernels.models.independent import Independent
from synthohive_spark.kernels.staging import ORDER, PLACE
from synthohive_spark.spec.config import TrainingConfig
from synthohive_spark.spec.fitted import ModelSpec
from synthohive_spark.stages.train import train_models

CONFIG = TrainingConfig(backend="torch_distributor", num_workers=2)


def staged(folder: Path, table: str, rows: int) -> TrainJob:
    """A table whose first column copies its context. `rows` is odd in the tests: the ranks' shards differ in length."""
    rng = np.random.default_rng(3)
    context = rng.integers(0, 3, rows)
    frame = pd.DataFrame({"r0": context, "r1": rng.integers(0, 4, rows), "x0": context, ORDER: rng.integers(-(2**62), 2**62, rows), PLACE: 0})
    (folder / table).mkdir()
    frame.to_parquet(folder / table / "part-0.parquet")
    return TrainJob(
        table=table,
        path=str(folder / table),
        model=ModelSpec(name="ctgan", settings={"hidden": 32, "critic_hidden": 32}, row=(3, 4), context=(4,)),
        weights=((1 / 3,) * 3, (0.25,) * 4),
        seed=11,
        epochs=30,
        batch_size=100,
        holdout=0.1,
        evaluations=2,
        progress_path=str(folder / f"{table}.progress"),
        state_path=str(folder / f"{table}.state"),
    )


def test_two_ranks_learn_two_tables_in_one_run(cluster_spark: SparkSession, tmp_path: Path) -> None:
    jobs = [staged(tmp_path, "first", 601), staged(tmp_path, "second", 333)]
    # Stops early: rank 0 alone sees its held-out loss, and the other has to stop with it.
    early = replace(staged(tmp_path, "third", 401), model=ModelSpec(name="autoregressive", row=(3, 4), context=(4,)), epochs=200, evaluations=100)
    models = train_models(cluster_spark, [*jobs, early], CONFIG)
    drawn = restore_model(early.model, models["third"].weights, early.weights).sample(np.repeat([[0], [1], [2]], 300, axis=0), np.random.default_rng(0))
    assert (drawn[:, 0] == np.repeat([0, 1, 2], 300)).mean() > 0.9 and models["third"].epochs < 200
    for job in jobs:
        asked = np.repeat([[0], [1], [2]], 300, axis=0)
        drawn = restore_model(job.model, models[job.table].weights, job.weights).sample(asked, np.random.default_rng(0))
        assert (drawn[:, 0] == asked[:, 0]).mean() > 0.6  # a third if nothing were learnt
        assert models[job.table].epochs == 30 and len(models[job.table].history) == 2
    again = train_models(cluster_spark, [replace(jobs[1], state_path=str(tmp_path / "again.state"))], CONFIG)
    assert again["second"].weights == models["second"].weights


def test_a_class_of_a_notebook_reaches_the_ranks_and_the_executors(cluster_spark: SparkSession, tmp_path: Path) -> None:
    # No module holds a class that `type` makes here, so it travels by value.
    own = {"state": lambda self: {"shift": torch.ones(1)}, "load_state": lambda self, state: None}
    cls = type("Shifted", (Independent,), {"name": "shifted", "__module__": "__main__", **own})
    job = replace(staged(tmp_path, "own", 601), row_model=cls, epochs=1)
    job = replace(job, model=ModelSpec(name="shifted", row=(3, 4), context=(4,)))
    assert list(load(train_models(cluster_spark, [job], CONFIG)["own"].weights)) == ["shift"]
    local = replace(job, state_path=str(tmp_path / "local.state"))
    assert list(load(train_models(cluster_spark, [local], TrainingConfig())["own"].weights)) == ["shift"]


def test_the_cause_of_a_failed_rank_reaches_the_driver(cluster_spark: SparkSession, tmp_path: Path) -> None:
    tiny, empty = staged(tmp_path, "tiny", 1), staged(tmp_path, "empty", 0)
    with pytest.raises(TrainingError, match="table 'empty': training failed: .*no rows to train on"):
        train_models(cluster_spark, [tiny, empty], CONFIG)
    assert (tmp_path / "tiny.state").exists()  # one row is enough for two ranks
