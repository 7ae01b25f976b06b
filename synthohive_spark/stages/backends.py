"""Where training runs: one Spark task per table, or all tables over a group of ranks."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import fsspec
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from ..causes import describe
from ..errors import MissingDependencyError, TrainingError
from ..kernels.loop import RESULT_DDL, TrainJob, result_path, train_frames
from ..kernels.ranks import first_fault, forget_faults, train_rank
from ..kernels.world import COLLECTIVE_TIMEOUT
from ..spec.config import TrainingConfig
from .session import is_connect

Backend = Callable[[SparkSession, Sequence[TrainJob], TrainingConfig], list[dict[str, Any]]]

HOROVOD_START_SECONDS = 120  # for all ranks to be there; its own default of ten minutes is for clusters that grow
_SLOT_PROBE = 10_000  # ranges longer than any cluster has slots are cut into one partition per slot


def run_local(spark: SparkSession, jobs: Sequence[TrainJob], config: TrainingConfig) -> list[dict[str, Any]]:
    """Each table in one task, the biggest first, as many at a time as there are slots."""
    ordered = tuple(sorted(jobs, key=lambda job: -_staged_bytes(job)))
    # A range has exactly one row per partition; a repartition by hash could put two tables into one task.
    frame = spark.range(0, len(ordered), 1, numPartitions=len(ordered))
    rows = frame.mapInPandas(partial(train_frames, jobs=ordered), schema=RESULT_DDL).collect()
    return [row.asDict() for row in rows]


def run_torch_distributor(spark: SparkSession, jobs: Sequence[TrainJob], config: TrainingConfig) -> list[dict[str, Any]]:
    """All tables in one run over `config.num_workers` ranks: starting a run takes half a minute.

    Raises:
        TrainingError: dynamic allocation is on, there are too few slots, or a rank failed.
    """
    from pyspark.ml.torch.distributor import TorchDistributor

    def launch() -> list[dict[str, Any]]:
        distributor = TorchDistributor(num_processes=config.num_workers, local_mode=False, use_gpu=False)
        return distributor.run(train_rank, list(jobs)) or []

    return _over_ranks(spark, jobs, config, launch)


def run_horovod(spark: SparkSession, jobs: Sequence[TrainJob], config: TrainingConfig) -> list[dict[str, Any]]:
    """The same through `horovod.spark.run`.

    Raises:
        MissingDependencyError: Horovod is not built here.
        TrainingError: the session is one of Spark Connect, there are too few slots, or a rank failed.
    """
    if is_connect(spark):
        raise TrainingError(
            "backend horovod: horovod.spark needs a SparkContext, which a session of Spark Connect has not; use backend: torch_distributor or local"
        )
    try:
        import horovod.spark
        import horovod.torch  # noqa: F401 - built without torch, it fails here and not on each rank
    except ImportError as error:
        raise MissingDependencyError(
            f"backend horovod: Horovod is not built for this torch ({describe(error)}); build it on the driver and all executors with "
            "scripts/horovod.sh (make horovod), or use backend: torch_distributor"
        ) from error

    def launch() -> list[dict[str, Any]]:
        ranks = horovod.spark.run(
            train_rank,
            args=(list(jobs), "horovod"),
            num_proc=config.num_workers,
            use_gloo=True,
            start_timeout=HOROVOD_START_SECONDS,
            env={**os.environ, "HOROVOD_GLOO_TIMEOUT_SECONDS": str(int(COLLECTIVE_TIMEOUT.total_seconds()))},
            verbose=0,
        )
        return ranks[0] if ranks else []

    return _over_ranks(spark, jobs, config, launch)


def _over_ranks(spark: SparkSession, jobs: Sequence[TrainJob], config: TrainingConfig, launch: Callable[[], list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """What a launcher of ranks gives; the error that came first on any rank where one failed."""
    check_slots(spark, config)
    forget_faults(jobs, config.num_workers)
    try:
        returned = launch()
    except Exception as error:
        fault = first_fault(jobs, config.num_workers)
        if fault is None:
            raise TrainingError(f"the {config.backend} run failed before any rank could say why: {describe(error)}; see the executors' logs") from error
        raise TrainingError(f"table {fault[0]!r}: training failed: {fault[1]}") from error
    fault = first_fault(jobs, config.num_workers)
    if fault is not None:
        raise TrainingError(f"table {fault[0]!r}: training failed: {fault[1]}")
    return returned


BACKENDS: dict[str, Backend] = {"local": run_local, "torch_distributor": run_torch_distributor, "horovod": run_horovod}


def check_slots(spark: SparkSession, config: TrainingConfig) -> None:
    """Make sure that `config.num_workers` tasks can run at the same time: Spark itself would say so only after minutes (SPARK-24819).

    Raises:
        TrainingError: they cannot, and what to set.
    """
    workers = config.num_workers
    if spark.conf.get("spark.dynamicAllocation.enabled", "false") == "true":
        raise TrainingError(
            f"backend {config.backend}: spark.dynamicAllocation.enabled is true, and barrier stages refuse it (SPARK-24942); "
            "set it to false with a fixed spark.executor.instances, or use backend: local"
        )
    per_task = int(spark.conf.get("spark.task.cpus", "1") or 1)
    slots = _slots(spark) // per_task
    if slots < workers:
        more = "spark.cores.max, or spark.executor.instances times spark.executor.cores"
        raise TrainingError(
            f"backend {config.backend}: num_workers is {workers}, but only {slots} tasks can run at the same time; "
            f"set num_workers to {max(slots, 1)} or less, give the application more cores ({more}), or use backend: local"
        )


def _slots(spark: SparkSession) -> int:
    """Cores of the executors that are there: a range that names no number of partitions is cut into one per core."""
    return spark.range(_SLOT_PROBE).select(F.spark_partition_id().alias("p")).distinct().count()


def _staged_bytes(job: TrainJob) -> int:
    filesystem, path = fsspec.core.url_to_fs(job.path)
    return int(filesystem.du(path)) if filesystem.exists(path) else 0


def read_state(job: TrainJob) -> bytes:
    """The weights that rank 0 left.

    Raises:
        TrainingError: there are none, so the work folder is not one folder for driver and executors.
    """
    filesystem, path = fsspec.core.url_to_fs(job.state_path)
    try:
        return bytes(filesystem.cat_file(path))
    except FileNotFoundError as error:
        raise TrainingError(
            f"table {job.table!r}: trained, but its weights are not at {job.state_path}; the work folder must be one that driver and executors share"
        ) from error


def finished(job: TrainJob) -> dict[str, Any] | None:
    """The result of a table that was trained already, with its weights where they are to be; None where it was not, or not to the end."""
    filesystem, path = fsspec.core.url_to_fs(result_path(job))
    try:
        result: dict[str, Any] = json.loads(filesystem.cat_file(path))
        whole = result.pop("sha256") == hashlib.sha256(read_state(job)).hexdigest()
    except (FileNotFoundError, ValueError, KeyError, TrainingError):
        return None
    return result if whole else None


def read_history(result: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    return tuple(json.loads(result["history"]))
