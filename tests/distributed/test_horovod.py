"""Two ranks that Horovod starts in two executors of a standalone cluster; skipped where it is not built (`make horovod`)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from test_torch_distributor import staged

from synthohive_spark import FitConfig, Metadata, Synthesizer, TrainingConfig
from synthohive_spark.errors import TrainingError
from synthohive_spark.kernels.models import restore_model
from synthohive_spark.stages.train import train_models

pytest.importorskip("horovod.torch", reason="Horovod is not built here: make horovod", exc_type=ImportError)

CONFIG = TrainingConfig(backend="horovod", num_workers=2)


def test_two_ranks_learn_two_tables_in_one_run(cluster_spark: SparkSession, tmp_path: Path) -> None:
    jobs = [staged(tmp_path, "first", 601), staged(tmp_path, "second", 333)]
    models = train_models(cluster_spark, jobs, CONFIG)
    for job in jobs:
        asked = np.repeat([[0], [1], [2]], 300, axis=0)
        drawn = restore_model(job.model, models[job.table].weights, job.weights).sample(asked, np.random.default_rng(0))
        assert (drawn[:, 0] == asked[:, 0]).mean() > 0.6  # a third if nothing were learnt
    again = train_models(cluster_spark, [replace(jobs[1], state_path=str(tmp_path / "again.state"))], CONFIG)
    assert again["second"].weights == models["second"].weights


def test_the_cause_of_a_failed_rank_reaches_the_driver(cluster_spark: SparkSession, tmp_path: Path) -> None:
    tiny, empty = staged(tmp_path, "tiny", 1), staged(tmp_path, "empty", 0)
    with pytest.raises(TrainingError, match="table 'empty': training failed: .*no rows to train on"):
        train_models(cluster_spark, [tiny, empty], CONFIG)


def test_a_table_is_fitted_sampled_and_like_the_real_one(cluster_spark: SparkSession, tmp_path: Path) -> None:
    kind = F.pmod(F.xxhash64("id"), F.lit(4))
    real = cluster_spark.range(3000).select(kind.alias("kind"), (kind * 10 + F.pmod(F.xxhash64("id", F.lit(1)), F.lit(5))).alias("size"))
    synth = Synthesizer(
        Metadata().add_table("things"), spark=cluster_spark, model="autoregressive", config=FitConfig(training=CONFIG), work_dir=str(tmp_path / "work")
    )
    made = synth.fit({"things": real}, seed=1).sample(seed=2, output=str(tmp_path / "out"))
    report = synth.generate_validation_report({"things": real}, made)
    assert report.findings.shapes > 0.95
    assert made["things"].where(F.floor(F.col("size") / 10) == F.col("kind")).count() > 0.95 * made["things"].count()
