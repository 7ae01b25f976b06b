"""The training loop on one worker."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load

from synthohive_spark.errors import TrainingError
from synthohive_spark.kernels.loop import TrainJob, run_job, train, train_frames
from synthohive_spark.kernels.models import restore_model
from synthohive_spark.kernels.models.base import ConditionalGenerativeModel, Reduce
from synthohive_spark.kernels.ranks import fault_path, first_fault
from synthohive_spark.kernels.splits import read_rows
from synthohive_spark.kernels.staging import ORDER, PLACE
from synthohive_spark.kernels.world import World
from synthohive_spark.spec.fitted import ModelSpec


def stage(folder: Path, rows: np.ndarray, context: np.ndarray, files: int = 1, shuffle: int | None = None) -> None:
    frame = pd.DataFrame({f"r{i}": rows[:, i].astype("int32") for i in range(rows.shape[1])})
    for i in range(context.shape[1]):
        frame[f"x{i}"] = context[:, i].astype("int32")
    frame[ORDER] = np.random.default_rng(9).integers(-(2**62), 2**62, len(frame))
    frame[PLACE] = 0
    if shuffle is not None:
        frame = frame.sample(frac=1, random_state=shuffle)
    folder.mkdir(parents=True)
    for i in range(files):
        frame.iloc[i::files].to_parquet(folder / f"part-{i}.parquet")
    (folder / "_SUCCESS").touch()


def job_for(tmp_path: Path, path: Path, row: tuple[int, ...], context: tuple[int, ...] = (), model: str = "ctgan", **changes: object) -> TrainJob:
    settings = {"hidden": 16, "critic_hidden": 16} if model == "ctgan" else {}
    fields: dict[str, object] = {
        "table": "t",
        "path": str(path),
        "model": ModelSpec(name=model, settings=settings, row=row, context=context),
        "weights": tuple((1 / k,) * k for k in row),
        "seed": 5,
        "epochs": 4,
        "batch_size": 50,
        "holdout": 0.2,
        "evaluations": 2,
        "progress_path": str(tmp_path / f"{path.name}.progress"),
        "state_path": str(tmp_path / f"{path.name}.state"),
    }
    return TrainJob(**(fields | changes))  # type: ignore[arg-type]


@pytest.fixture()
def table(tmp_path: Path) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    context = rng.integers(0, 3, (400, 1))
    return np.concatenate([context, rng.integers(0, 4, (400, 1))], axis=1), context


def test_the_split_does_not_depend_on_files_or_their_order(tmp_path: Path, table: tuple[np.ndarray, np.ndarray]) -> None:
    stage(tmp_path / "a", *table)
    stage(tmp_path / "b", *table, files=3, shuffle=1)
    first, second = (read_rows(str(tmp_path / name), "t", job_for(tmp_path, tmp_path / name, (3, 4), (4,)).model, 0.2) for name in "ab")
    for name in ("rows", "context", "held_rows", "held_context"):
        assert np.array_equal(getattr(first, name), getattr(second, name))
    assert (len(first.rows), len(first.held_rows)) == (320, 80)
    both = np.concatenate([first.rows, first.held_rows])
    assert np.array_equal(np.bincount(both[:, 1]), np.bincount(table[0][:, 1]))
    assert (both[:, 0] == np.concatenate([first.context, first.held_context])[:, 0]).all()  # rows keep their contexts


def test_same_seed_same_bytes_and_no_global_state_touched(tmp_path: Path, table: tuple[np.ndarray, np.ndarray]) -> None:
    stage(tmp_path / "a", *table)
    stage(tmp_path / "b", *table, files=2, shuffle=3)
    torch.manual_seed(77)
    before, threads, numpy_before = torch.get_rng_state(), torch.get_num_threads(), np.random.get_state()[1].copy()
    first = train(job_for(tmp_path, tmp_path / "a", (3, 4), (4,)), World())
    torch.manual_seed(78)
    after_other_seed = torch.get_rng_state()
    second = train(job_for(tmp_path, tmp_path / "b", (3, 4), (4,)), World())
    third = train(job_for(tmp_path, tmp_path / "a", (3, 4), (4,), seed=6), World())
    assert first.weights == second.weights and first.best_distance == second.best_distance
    assert first.weights != third.weights
    assert torch.equal(torch.get_rng_state(), after_other_seed) and not torch.equal(before, after_other_seed)
    assert torch.get_num_threads() == threads and not torch.are_deterministic_algorithms_enabled()
    assert np.array_equal(np.random.get_state()[1], numpy_before)


def test_the_best_state_is_kept_and_told(tmp_path: Path, table: tuple[np.ndarray, np.ndarray]) -> None:
    stage(tmp_path / "a", *table)
    job = job_for(tmp_path, tmp_path / "a", (3, 4), (4,), epochs=9, evaluations=3)
    result = train(job, World())
    assert [h["epoch"] for h in result.history] == [3, 6, 9]
    assert result.best_distance == min(h["distance"] for h in result.history)
    assert 0 < result.best_distance < 2 and result.epochs == 9
    assert set(load(result.weights)) and all(torch.isfinite(v).all() for v in load(result.weights).values())
    lines = [json.loads(line) for line in Path(job.progress_path).read_text().splitlines()]
    assert lines[0]["event"] == "training.started" and lines[-1]["event"] == "training.done"
    scored = [line for line in lines if line["event"] == "training.progress" and "distance" in line]
    assert [line["epoch"] for line in scored] == [3, 6, 9]
    assert all(line["table"] == "t" and line["of"] == 9 and "moments" in line["losses"] and line["eta_s"] >= 0 for line in scored)


def test_training_beats_independent_draws(tmp_path: Path, table: tuple[np.ndarray, np.ndarray]) -> None:
    stage(tmp_path / "a", *table)
    floor = train(job_for(tmp_path, tmp_path / "a", (3, 4), (4,), model="independent"), World())
    learnt = train(job_for(tmp_path, tmp_path / "a", (3, 4), (4,), epochs=30), World())
    assert learnt.best_distance < 0.6 * floor.best_distance
    assert load(floor.weights) == {}


@pytest.mark.parametrize("rows", [1, 2, 30])
@pytest.mark.parametrize("model", ["ctgan", "independent", "tvae"])
def test_tiny_tables(tmp_path: Path, rows: int, model: str) -> None:
    stage(tmp_path / "a", np.zeros((rows, 1), dtype=int), np.zeros((rows, 0), dtype=int))
    job = job_for(tmp_path, tmp_path / "a", (1,), model=model, batch_size=None)
    result = train(job, World())
    assert result.best_distance == 0.0
    restored = restore_model(job.model, result.weights, job.weights)
    assert restored.sample(np.zeros((3, 0), dtype=int), np.random.default_rng(0)).tolist() == [[0], [0], [0]]


def test_an_error_comes_back_as_data(tmp_path: Path) -> None:
    stage(tmp_path / "a", np.zeros((0, 1), dtype=int), np.zeros((0, 0), dtype=int))
    empty = run_job(job_for(tmp_path, tmp_path / "a", (1,)), World())
    assert empty["error"].startswith("table 't': no rows to train on")
    assert math.isnan(empty["distance"])
    stage(tmp_path / "b", np.full((30, 1), 7), np.zeros((30, 0), dtype=int))
    broken = run_job(job_for(tmp_path, tmp_path / "b", (2,)), World())  # a code past the cardinality
    assert broken["error"]
    absent = run_job(job_for(tmp_path, tmp_path / "nowhere", (2,)), World())
    assert "FileNotFoundError" in absent["error"]


class Standing(ConditionalGenerativeModel):
    """Has nothing to learn, and says so."""

    name = "standing"

    def training_step(self, rows: torch.Tensor, context: torch.Tensor, reduce: Reduce) -> dict[str, float]:
        return {}

    def held_out_loss(self, rows: torch.Tensor, context: torch.Tensor) -> float:
        return 1.0

    def sample(self, context: np.ndarray, rng: np.random.Generator, given: np.ndarray | None = None) -> np.ndarray:
        return np.zeros((len(context), len(self.layout.row)), dtype=np.int64)

    def state(self) -> dict[str, torch.Tensor]:
        return {}

    def load_state(self, state: Mapping[str, torch.Tensor]) -> None:
        pass


class Annealed(Standing):
    asked: ClassVar[list[int]] = []

    def anneal(self, steps: int) -> bool:
        self.asked.append(steps)
        return True


def test_a_loss_that_stands_ends_the_training_or_begins_its_last_part(tmp_path: Path, table: tuple[np.ndarray, np.ndarray]) -> None:
    stage(tmp_path / "a", *table)
    job = replace(job_for(tmp_path, tmp_path / "a", (3, 4), (4,)), epochs=20, evaluations=20, row_model=Standing)
    assert train(job, World()).epochs == 4  # the first evaluation and three that are no better
    assert train(replace(job, row_model=Annealed), World()).epochs == 6
    assert Annealed.asked == [2 * 7]  # 320 rows in steps of 50
    assert train(replace(job, row_model=Annealed, epochs=5, evaluations=5), World()).epochs == 5


def test_losses_that_are_not_finite_stop_the_run(tmp_path: Path, table: tuple[np.ndarray, np.ndarray]) -> None:
    stage(tmp_path / "a", *table)
    model = ModelSpec(name="ctgan", settings={"hidden": 16, "learning_rate": 1e38}, row=(3, 4), context=(4,))
    with pytest.raises(TrainingError, match="not finite by epoch"):
        train(replace(job_for(tmp_path, tmp_path / "a", (3, 4), (4,)), model=model), World())


def test_frames_of_ids_become_results_and_weights_in_files(tmp_path: Path, table: tuple[np.ndarray, np.ndarray]) -> None:
    stage(tmp_path / "a", *table)
    stage(tmp_path / "b", *table)
    jobs = [job_for(tmp_path, tmp_path / name, (3, 4), (4,), table=name) for name in "ab"]
    (out,) = train_frames(iter([pd.DataFrame({"id": [1]})]), jobs=jobs)
    assert out["table"].tolist() == ["b"] and out["error"].tolist() == [""] and out["epochs"].tolist() == [4]
    assert len(json.loads(out["history"][0])) == 2
    assert load(Path(jobs[1].state_path).read_bytes()) and not Path(jobs[0].state_path).exists()


def test_the_first_fault_of_any_rank_is_told(tmp_path: Path) -> None:
    job = job_for(tmp_path, tmp_path / "a", (1,))
    assert first_fault([job], 2) is None
    for rank, at, error in ((0, 2.0, "RuntimeError: connection closed by peer"), (1, 1.0, "ValueError: bad")):
        Path(fault_path(job, rank)).write_text(json.dumps({"at": at, "rank": rank, "table": "t", "error": error}))
    assert first_fault([job], 2) == ("t", "ValueError: bad (rank 1)")


def test_what_speaks_for_labels_of_siblings_is_settled_after_training(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    mine = np.where(rng.random((150, 4)) < 0.8, rng.integers(0, 4, (150, 1)), rng.integers(0, 4, (150, 4)))
    rows = np.stack([mine.ravel(), rng.integers(0, 4, 600)], 1)
    stage(tmp_path / "a", rows, np.zeros((600, 0), dtype=np.int64))
    frame = pd.read_parquet(tmp_path / "a" / "part-0.parquet").assign(**{ORDER: np.repeat(np.arange(150) * 7, 4), PLACE: np.tile(np.arange(4), 150)})
    frame.to_parquet(tmp_path / "a" / "part-0.parquet")
    job = job_for(tmp_path, tmp_path / "a", (4, 4), model="autoregressive", epochs=2, evaluations=2, orders=((0, 1, 2, 3), (0, 1, 2, 3)))
    numbers = replace(job, model=job.model.model_copy(update={"siblings": True}))
    labels = replace(numbers, orders=((), (0, 1, 2, 3)))
    trained, settled = (train(job, World()) for job in (numbers, labels))
    assert settled.siblings and settled.weights == train(labels, World()).weights
    before, after = load(trained.weights), load(settled.weights)
    assert [name for name in before if not torch.equal(before[name], after[name])] == ["lifts"]
    assert not torch.equal(before["lifts"][0], after["lifts"][0]) and torch.equal(before["lifts"][1], after["lifts"][1])


@pytest.mark.parametrize("epochs", [1, 60])
def test_siblings_that_say_nothing_are_forgotten_wherever_training_ends(tmp_path: Path, epochs: int) -> None:
    rows = np.random.default_rng(3).integers(0, 4, (400, 2))
    stage(tmp_path / "a", rows, np.zeros((400, 0), dtype=np.int64))
    frame = pd.concat([pd.read_parquet(path) for path in (tmp_path / "a").glob("*.parquet")])
    frame = frame.assign(**{ORDER: np.repeat(np.arange(100) * 7, 4), PLACE: np.tile(np.arange(4), 100)})
    frame.to_parquet(tmp_path / "a" / "part-0.parquet")
    job = job_for(tmp_path, tmp_path / "a", (4, 4), model="autoregressive", epochs=epochs, evaluations=epochs)
    job = replace(job, model=job.model.model_copy(update={"siblings": True}))
    result = train(job, World())
    assert not result.siblings and result.epochs < 60 and result.history[-1]["held_out"] < 2 * math.log(4) + 0.2
    restore_model(job.model.model_copy(update={"siblings": False}), result.weights, job.weights)
