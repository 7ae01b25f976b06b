"""What each rank of a distributed run executes: all tables, one after the other."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

import fsspec

from .loop import TrainJob, run_job
from .world import WORLDS


def fault_path(job: TrainJob, rank: int) -> str:
    """Where `rank` leaves the error that it met in `job`: only what rank 0 returns reaches the driver."""
    return f"{job.state_path}.fault{rank}.json"


def forget_faults(jobs: Sequence[TrainJob], ranks: int) -> None:
    """Remove what an earlier run has left: it would be taken for the fault of the next one."""
    for job in jobs:
        for rank in range(ranks):
            filesystem, path = fsspec.core.url_to_fs(fault_path(job, rank))
            if filesystem.exists(path):
                filesystem.rm_file(path)


def train_rank(jobs: Sequence[TrainJob], group: str = "gloo") -> list[dict[str, Any]]:
    """Train `jobs` in one process group, of the kind that `WORLDS` names, and return their results as data; those after a failed one are left out.

    Going on after an error would hang: the other ranks wait inside that table's all-reduce. Leaving the group wakes them with an error of their own.
    """
    results: list[dict[str, Any]] = []
    with WORLDS[group]() as world:
        for job in jobs:
            result = run_job(job, world)
            results.append(result)
            if result["error"]:
                filesystem, path = fsspec.core.url_to_fs(fault_path(job, world.rank))
                filesystem.pipe_file(path, json.dumps({"at": time.time(), "rank": world.rank, **result}, default=str).encode())
                break
    return results


def first_fault(jobs: Sequence[TrainJob], ranks: int) -> tuple[str, str] | None:
    """Table and text of the error that came first on any rank; those of the other ranks are only its echo."""
    faults = []
    for job in jobs:
        for rank in range(ranks):
            filesystem, path = fsspec.core.url_to_fs(fault_path(job, rank))
            if filesystem.exists(path):
                faults.append(json.loads(filesystem.cat_file(path)))
    if not faults:
        return None
    first = min(faults, key=lambda f: f["at"])
    return first["table"], f"{first['error']} (rank {first['rank']})"
