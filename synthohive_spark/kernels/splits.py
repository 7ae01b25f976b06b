"""Staged training rows: read, split by family, and put in order. Legend: `N` rows, `D` drawn columns, `C` context columns."""

from __future__ import annotations

from dataclasses import dataclass

import fsspec
import numpy as np
import pyarrow.dataset

from ..errors import TrainingError
from ..spec.fitted import ModelSpec
from .staging import ORDER, PLACE, STRETCH
from .world import World

MAX_HELD_OUT = 5_000  # the distance of 5,000 rows to the truth is about 1 % per column; more costs training rows and time
MIN_HELD_OUT = 20  # fewer tell nothing: the training rows are the yardstick then


@dataclass(frozen=True)
class Split:
    """Training rows and held-out rows with their contexts; int64 (N, D) and (N, C). All rows of a family are on one side.

    Attributes:
        place: of each row in its stretch of a family, int64 (N,): it begins where that is 0.
    """

    rows: np.ndarray
    context: np.ndarray
    place: np.ndarray
    held_rows: np.ndarray
    held_context: np.ndarray
    held_place: np.ndarray


def read_rows(path: str, table: str, model: ModelSpec, holdout: float) -> Split:
    """Read and split the staged rows of a table. The result does not depend on how they lie in files.

    Args:
        path: folder of Parquet files with integer columns `r0...`, `x0...`, `__order` and `__place`.
        holdout: share of the rows held out.

    Raises:
        TrainingError: there are no rows.
    """
    filesystem, folder = fsspec.core.url_to_fs(path)
    frame = pyarrow.dataset.dataset(folder, filesystem=filesystem, format="parquet").to_table().to_pandas()
    if frame.empty:
        raise TrainingError(f"table {table!r}: no rows to train on at the staged path; a table that is learnt needs one row at least")
    drawn = [f"r{i}" for i in range(len(model.row))]
    known = [f"x{i}" for i in range(len(model.context))]
    # Rows whose hashes are equal are told apart by their codes, or their order would be that of the files.
    frame = frame.sort_values([ORDER, PLACE, *drawn, *known], kind="stable")
    rows = frame[drawn].to_numpy(dtype=np.int64).reshape(len(frame), len(drawn))
    context = frame[known].to_numpy(dtype=np.int64).reshape(len(frame), len(known))
    family = frame[ORDER].to_numpy(dtype=np.int64)
    place = _in_stretches(family, frame[PLACE].to_numpy(dtype=np.int64))
    held = _end_of_family(family, place, min(int(len(frame) * holdout), MAX_HELD_OUT))
    if held < MIN_HELD_OUT:
        return Split(rows, context, place, rows[:MAX_HELD_OUT], context[:MAX_HELD_OUT], place[:MAX_HELD_OUT])
    return Split(rows[held:], context[held:], place[held:], rows[:held], context[:held], place[:held])


def _in_stretches(family: np.ndarray, place: np.ndarray) -> np.ndarray:
    """The place of each row in its stretch, int64 (N,), of rows sorted by family and place in it."""
    if not len(place):
        return place
    follows = (np.diff(family) == 0) & (np.diff(place) == 1) & (place[1:] % STRETCH != 0)
    starts = np.flatnonzero(np.concatenate([[True], ~follows]))
    return np.arange(len(place)) - np.repeat(starts, np.diff(np.append(starts, len(place))))


def _end_of_family(family: np.ndarray, place: np.ndarray, held: int) -> int:
    """The first row from `held` on that begins a family, or, where that one is long, a stretch; `held` where there is none in reach."""
    if not 0 < held < len(family):
        return held
    reach = slice(held, min(held + max(held, STRETCH), len(family) - 1) + 1)
    families = np.flatnonzero(family[reach] != family[held - 1 : reach.stop - 1])
    stretches = np.flatnonzero(place[reach] == 0)
    return held + int(families[0] if len(families) else stretches[0] if len(stretches) else 0)


def order_of_epoch(place: np.ndarray, rng: np.random.Generator, in_stretches: bool) -> np.ndarray:
    """The rows of an epoch, int64 (N,): one by one in any order, or stretch by stretch where they see each other."""
    if not in_stretches:
        return rng.permutation(len(place))
    starts = np.flatnonzero(place == 0)
    lengths = np.diff(np.append(starts, len(place)))
    chosen = rng.permutation(len(starts))
    starts, lengths = starts[chosen], lengths[chosen]
    return np.repeat(starts - (np.cumsum(lengths) - lengths), lengths) + np.arange(len(place))


def shard(place: np.ndarray, world: World) -> np.ndarray:
    """The rows of one rank, bool (N,): every so many-th stretch."""
    return (np.cumsum(place == 0) - 1) % world.size == world.rank
