"""Training on a local session: what reaches the driver."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession

from synthohive_spark import events
from synthohive_spark.errors import MissingDependencyError, TrainingError
from synthohive_spark.kernels import models
from synthohive_spark.kernels.loop import TrainJob, train
from synthohive_spark.kernels.models import restore_model
from synthohive_spark.kernels.staging import ORDER, PLACE
from synthohive_spark.kernels.world import World
from synthohive_spark.spec.config import TrainingConfig
from synthohive_spark.spec.fitted import ModelSpec
from synthohive_spark.stages.backends import check_slots
from synthohive_spark.stages.models import check_models
from synthohive_spark.stages.train import train_models


def staged(folder: Path, table: str, rows: int) -> TrainJob:
    rng = np.random.default_rng(rows)
    context = rng.integers(0, 3, rows)
    frame = pd.DataFrame({"r0": context, "r1": rng.integers(0, 5, rows), "x0": context, ORDER: rng.integers(-(2**62), 2**62, rows), PLACE: 0})
    (folder / table).mkdir()
    frame.to_parquet(folder / table / "part-0.parquet")
    return TrainJob(
        table=table,
        path=str(folder / table),
        model=ModelSpec(name="ctgan", settings={"hidden": 16, "critic_hidden": 16}, row=(3, 5), context=(4,)),
        weights=((1 / 3,) * 3, (0.2,) * 5),
        seed=11,
        epochs=5,
        batch_size=100,
        holdout=0.1,
        evaluations=2,
        progress_path=str(folder / f"{table}.progress"),
        state_path=str(folder / f"{table}.state"),
    )


def test_tables_train_on_executors_and_report(spark: SparkSession, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    jobs = [staged(tmp_path, "small", 60), staged(tmp_path, "large", 600)]
    events.configure("json")
    try:
        models = train_models(spark, jobs, TrainingConfig())
    finally:
        events.configure("console")
    told = [json.loads(line) for line in capfd.readouterr().err.splitlines() if line.startswith("{")]
    done = {e["table"] for e in told if e["event"] == events.TRAINING_DONE}
    assert done == {"small", "large"}
    scored = [e for e in told if e["event"] == events.TRAINING_PROGRESS]
    assert scored and all("distance" in e and "moments" in e["losses"] and e["eta_s"] >= 0 for e in scored)
    for job in jobs:
        model = models[job.table]
        assert model.epochs == 5 and [h["epoch"] for h in model.history] == [2, 4, 5]
        assert model.best_distance == min(h["distance"] for h in model.history)
        assert model.weights == train(job, World()).weights  # the executor's result is that of the loop, to the bit
        drawn = restore_model(job.model, model.weights, job.weights).sample(np.zeros((50, 1), dtype=int), np.random.default_rng(0))
        assert drawn.shape == (50, 2) and drawn.max(axis=0)[1] < 5


def test_a_failed_table_is_named_with_its_cause(spark: SparkSession, tmp_path: Path) -> None:
    good, bad = staged(tmp_path, "good", 60), staged(tmp_path, "bad", 60)
    for part in (tmp_path / "bad").iterdir():
        pd.read_parquet(part).iloc[:0].to_parquet(part)
    with pytest.raises(TrainingError, match=r"table 'bad': training failed: .*no rows"):
        train_models(spark, [good, bad], TrainingConfig())


def test_nothing_to_train(spark: SparkSession) -> None:
    assert train_models(spark, [], TrainingConfig()) == {}


def test_a_class_whose_module_the_executors_lack_is_told_before_training(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "only_on_the_driver.py").write_text(
        "from synthohive_spark.kernels.models.independent import Independent\n\n\nclass Mine(Independent):\n    name = 'mine'\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(models, "_MODELS", dict(models._MODELS))
    models.register_model(import_module("only_on_the_driver").Mine)
    with pytest.raises(MissingDependencyError, match="'mine' does not reach the executors.*'only_on_the_driver' is not there.*--py-files"):
        check_models(spark, ["ctgan", "mine"])
    check_models(spark, ["ctgan"])


def test_too_few_slots_are_told_at_once(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="num_workers is 64, but only .* set num_workers to"):
        train_models(spark, [staged(tmp_path, "t", 60)], TrainingConfig(backend="torch_distributor", num_workers=64))


class DynamicSession:
    class conf:
        @staticmethod
        def get(name: str, default: str = "") -> str:
            return "true" if name == "spark.dynamicAllocation.enabled" else default


def test_dynamic_allocation_is_refused() -> None:
    with pytest.raises(TrainingError, match="SPARK-24942"):
        check_slots(DynamicSession(), TrainingConfig(backend="torch_distributor"))  # type: ignore[arg-type]
