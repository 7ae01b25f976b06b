"""Trains one row model per table on the executors, and shows how it goes."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import fsspec
from pyspark.sql import SparkSession

from ..causes import step
from ..errors import TrainingError
from ..events import TRAINING_DONE, TRAINING_PROGRESS, TRAINING_STARTED, Progress, get_logger
from ..kernels.loop import TrainJob
from ..spec.config import TrainingConfig
from .backends import BACKENDS, finished, read_history, read_state

log = get_logger(__name__)

POLL_SECONDS = 1.0


@dataclass(frozen=True)
class TrainedModel:
    """One table's trained model.

    Attributes:
        weights: its best state in safetensors form.
        epochs: that were trained.
        best_distance: mean marginal plus mean pair distance of that state on held-out rows, in [0, 2].
        history: one entry per evaluation, with epoch, losses, and `held_out` (the model's own loss) or `distance`.
        siblings: rows look at their siblings.
    """

    weights: bytes = field(repr=False)
    epochs: int
    best_distance: float
    history: tuple[dict[str, Any], ...]
    siblings: bool = False


def train_models(spark: SparkSession, jobs: Sequence[TrainJob], config: TrainingConfig) -> dict[str, TrainedModel]:
    """Train `jobs` with `config.backend`, but for those that are trained already; the driver only waits and shows progress.

    Returns:
        The models by table.

    Raises:
        TrainingError: a table could not be trained; names it and the cause.
    """
    results = {job.table: result for job in jobs if (result := finished(job)) is not None}
    left = [job for job in jobs if job.table not in results]
    if left:
        with ProgressMonitor(left), step("training"):
            results |= {r["table"]: r for r in BACKENDS[config.backend](spark, left, config)}
    failed = [f"table {r['table']!r}: training failed: {r['error']}" for r in results.values() if r["error"]]
    missing = [f"table {job.table!r}: no result came back" for job in jobs if job.table not in results]
    if failed or missing:
        raise TrainingError("; ".join([*failed, *missing]))
    return {job.table: _trained(job, results[job.table]) for job in jobs}


def _trained(job: TrainJob, result: dict[str, Any]) -> TrainedModel:
    return TrainedModel(
        weights=read_state(job), epochs=result["epochs"], best_distance=result["distance"], history=read_history(result), siblings=result["siblings"]
    )


class ProgressMonitor:
    """While the Spark job runs, reads the workers' progress files in a thread, and emits their lines as events and one bar.

    Trouble in reading them never stops a run: they are only for the eye.
    """

    def __init__(self, jobs: Sequence[TrainJob]) -> None:
        self._jobs = tuple(jobs)
        self._seen = dict.fromkeys((job.table for job in jobs), 0)
        self._shares = dict.fromkeys((job.table for job in jobs), 0.0)
        self._started = time.monotonic()
        self._stop = threading.Event()
        self._progress = Progress("training", total=len(self._jobs))
        self._thread = threading.Thread(target=self._watch, name="synthohive-progress", daemon=True)

    def __enter__(self) -> ProgressMonitor:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join(timeout=10 * POLL_SECONDS)
        self.poll()
        self._progress.close()

    def _watch(self) -> None:
        while not self._stop.wait(POLL_SECONDS):
            self.poll()

    def poll(self) -> None:
        """Emit what is new."""
        for job in self._jobs:
            lines = _complete_lines(job.progress_path)
            for line in lines[self._seen[job.table] :]:
                self._emit(line)
            self._seen[job.table] = max(self._seen[job.table], len(lines))
        done = sum(self._shares.values())
        spent = time.monotonic() - self._started
        eta = spent * (len(self._jobs) - done) / done if done else None
        shown = ", ".join(t for t, s in self._shares.items() if 0 < s < 1)
        self._progress.update(done, {"tables": shown} if shown else None, eta)

    def _emit(self, event: dict[str, Any]) -> None:
        name, table = event.pop("event"), event["table"]
        self._shares[table] = 1.0 if name == TRAINING_DONE else event["epoch"] / max(event["of"], 1)
        if name in (TRAINING_STARTED, TRAINING_DONE) or "best" in event:
            log.info(name, **event)
        else:
            log.debug(TRAINING_PROGRESS, **event)


def _complete_lines(path: str) -> list[dict[str, Any]]:
    """The lines of a progress file that are whole; a worker may be in the middle of writing it."""
    filesystem, inner = fsspec.core.url_to_fs(path)
    try:
        text = filesystem.cat_file(inner).decode()
        return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]
    except (OSError, ValueError):
        return []
