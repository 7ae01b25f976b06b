"""The training loop, the same on one worker and on many.

Legend: `N` rows, `B` batch, `D` drawn columns, `C` context columns.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import fsspec
import numpy as np
import pandas as pd
import torch
from safetensors.torch import save

from ..causes import describe
from ..errors import TrainingError
from ..spec.fitted import ModelSpec
from .distances import HeldOutDistance
from .models import model_class
from .models.base import CodeLayout, ConditionalGenerativeModel
from .progress import ProgressFile
from .repeats import settle_repeats
from .seeds import derive_seed, generator
from .splits import order_of_epoch, read_rows, shard
from .world import World

MIN_SHARD = 50  # a smaller table is not cut: each rank sees all of it, with noise of its own
SETTLED = 0.25  # share of the epochs after which looking at siblings must have paid
LEAST_GAIN = 0.01  # of the held-out loss, that it must pay
PATIENCE = 3  # evaluations in a row without a lower held-out loss, and the last part of training begins
ANNEALING = 0.4  # how long that part is, of the epochs before it
DRAWN_PER_EVALUATION = 2_000  # at least, so that the noise of a state's own draw does not decide


@dataclass(frozen=True)
class TrainJob:
    """One table's training run: everything that a worker needs.

    Attributes:
        table: its name.
        path: folder of Parquet files with integer columns `r0...`, `x0...`, `__order` and `__place`.
        model: how to build the model.
        weights: share of the real rows per code, per drawn column.
        seed: of the whole run.
        epochs: at most; None lets the model choose.
        batch_size: rows per step over all workers; None lets the model choose.
        holdout: share of the rows held out.
        evaluations: how often the model is scored on them.
        progress_path: file for progress, JSON lines.
        state_path: file for the best state, safetensors.
        row_model: class of the model, which executors need where importing the package does not register it; None looks its name up.
        orders: codes from the lowest value to the highest, per context column and then per drawn one; none where they have no order.
    """

    table: str
    path: str
    model: ModelSpec
    weights: tuple[tuple[float, ...], ...] = field(repr=False)
    seed: int
    epochs: int | None
    batch_size: int | None
    holdout: float
    evaluations: int
    progress_path: str
    state_path: str
    row_model: type[ConditionalGenerativeModel] | None = None
    orders: tuple[tuple[int, ...], ...] = field(default=(), repr=False)

    @property
    def layout(self) -> CodeLayout:
        weights = tuple(np.asarray(w, dtype=np.float64) for w in self.weights)
        orders = tuple(np.asarray(order, dtype=np.int64) for order in self.orders)
        model = self.model
        return CodeLayout(row=model.row, context=model.context, weights=weights, siblings=model.siblings, turns=model.turns, known=model.known, orders=orders)


@dataclass(frozen=True)
class TrainResult:
    """What a run gave.

    Attributes:
        table: its name.
        weights: the best state in safetensors form; empty on ranks other than 0.
        epochs: that were trained.
        best_distance: between the held-out rows and rows drawn with the best state, in [0, 2].
        history: one entry per evaluation; with `held_out`, the model's own loss, or `distance`.
        siblings: whether the model looks at siblings.
    """

    table: str
    weights: bytes = field(repr=False)
    epochs: int
    best_distance: float
    history: tuple[dict[str, Any], ...]
    siblings: bool = False


@contextmanager
def private_torch(seed: int) -> Iterator[None]:
    """One thread, deterministic kernels and a generator of our own; all are as they were afterwards."""
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    debug: Any = torch.utils.deterministic  # its switch is a property that type checkers do not see
    filled = debug.fill_uninitialized_memory
    deterministic, warn_only = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    try:
        torch.set_num_threads(1)
        torch.use_deterministic_algorithms(True, warn_only=True)
        debug.fill_uninitialized_memory = False  # a tenth of the time, to find bugs that we do not have
        torch.manual_seed(seed)
        yield
    finally:
        torch.set_rng_state(state)
        torch.set_num_threads(threads)
        debug.fill_uninitialized_memory = filled
        torch.use_deterministic_algorithms(deterministic, warn_only=warn_only)


@dataclass
class _Best:
    """The state with the lowest score so far: the model's own held-out loss where it has one, else the distance."""

    score: float = math.inf
    state: dict[str, torch.Tensor] | None = None
    history: list[dict[str, Any]] = field(default_factory=list)
    worse: int = 0  # evaluations since


class _Run:
    """One table on one rank."""

    def __init__(self, job: TrainJob, world: World) -> None:
        self.job, self.world = job, world
        split = read_rows(job.path, job.table, job.model, job.holdout)
        rows, context, place = split.rows, split.context, split.place
        if len(rows) >= MIN_SHARD * world.size:
            mine = shard(place, world) if job.model.siblings else slice(world.rank, None, world.size)
            rows, context, place = rows[mine], context[mine], place[mine]
        self.rows, self.context = torch.from_numpy(np.ascontiguousarray(rows)), torch.from_numpy(np.ascontiguousarray(context))
        self.place = np.ascontiguousarray(place)
        self.siblings = job.model.siblings
        cls = job.row_model or model_class(job.model.name)
        self.total_rows = len(split.rows)
        self.epochs = job.epochs or cls.default_epochs(len(split.rows))
        batch = max(1, math.ceil((job.batch_size or cls.default_batch_size(len(split.rows))) / world.size))
        # Every rank must take the same number of steps of some rows, or the all-reduce hangs.
        self.batch = min(batch, world.minimum(len(rows)))
        self.steps_per_epoch = world.minimum(math.ceil(len(rows) / self.batch))
        self.model: ConditionalGenerativeModel = cls(job.layout, job.model.settings)
        self.distance = HeldOutDistance(split.held_rows, split.held_context, job.model.row, job.model.context, derive_seed(job.seed, job.table, "pairs"))
        self.held = torch.from_numpy(np.ascontiguousarray(split.held_rows)), torch.from_numpy(np.ascontiguousarray(split.held_context))
        self.held_place = torch.from_numpy(np.ascontiguousarray(split.held_place))
        self.held_context = np.tile(split.held_context, (math.ceil(DRAWN_PER_EVALUATION / len(split.held_rows)), 1))
        self.progress = ProgressFile(job.progress_path) if world.rank == 0 else None
        self.best = _Best()
        self.settled, self.annealing = False, False
        self.started = time.monotonic()

    def train(self) -> TrainResult:
        job, world = self.job, self.world
        self.model.prepare(self.rows.numpy(), self.context.numpy(), self.epochs * self.steps_per_epoch, self.total_rows)
        world.copy_from_first(self.model.parameters())
        torch.manual_seed(derive_seed(job.seed, job.table, "rank", world.rank))
        self._say("training.started", 0, {}, {"rows": self.total_rows})
        every = max(1, self.epochs // job.evaluations)
        epoch, losses, go_on = 0, {}, True
        while epoch < self.epochs and go_on:
            losses = self._epoch(epoch)
            epoch += 1
            if epoch % every == 0 or epoch == self.epochs:
                go_on = world.decide(self._evaluate(epoch, losses))
                if not self._siblings_pay(epoch, go_on):
                    self._forget_siblings()
                    go_on = world.decide(self._evaluate(epoch, losses))  # the blind model needs a state, even where no epoch is left
                if not go_on and not self.annealing:
                    go_on = self._anneal(epoch, losses)
        if world.rank:
            return TrainResult(job.table, b"", epoch, math.nan, ())
        self.model.load_state(self._best_state(epoch))
        if self.siblings:
            labels = np.array([len(order) == 0 for order in job.orders[len(job.model.context) :]], dtype=bool)
            settle_repeats(self.model, self.rows.numpy(), self.context.numpy(), self.place, labels, generator(job.seed, job.table, "repeats"))
        state = self.model.state()
        distance = self._distance()
        self._say("training.done", epoch, losses, {"distance": round(distance, 5)})
        return TrainResult(
            job.table, save({name: tensor.contiguous() for name, tensor in state.items()}), epoch, distance, tuple(self.best.history), self.siblings
        )

    def _epoch(self, epoch: int) -> dict[str, float]:
        order = torch.from_numpy(order_of_epoch(self.place, generator(self.job.seed, self.job.table, "order", self.world.rank, epoch), self.siblings))
        seen: dict[str, list[float]] = {}  # a loss need not be in every step
        for step in range(self.steps_per_epoch):
            chosen = order[step * self.batch : (step + 1) * self.batch]
            if len(chosen) == 0:
                chosen = order[: self.batch]
            stretch = {"place": torch.from_numpy(self.place)[chosen]} if self.siblings else {}
            for name, value in self.model.training_step(self.rows[chosen], self.context[chosen], self.world.reduce, **stretch).items():
                seen.setdefault(name, []).append(value)
            self._say("training.progress", epoch + (step + 1) / self.steps_per_epoch, {}, {}, force=False)
        return {name: float(np.mean(values)) for name, values in seen.items()}

    def _siblings_pay(self, epoch: int, go_on: bool) -> bool:
        """Asked once, after a part of the training or where it would end: whether a look at siblings has paid. True where that is no question."""
        if not self.siblings or self.settled or (go_on and epoch < SETTLED * self.epochs):
            return True
        self.settled = True
        pays = True
        if not self.world.rank:
            seeing = self.model.held_out_loss(*self.held, **self._held_stretch())
            blind = self.model.held_out_loss(*self.held)
            pays = seeing is None or blind is None or not blind - seeing < LEAST_GAIN * abs(seeing)
        return self.world.decide(pays)

    def _forget_siblings(self) -> None:
        """The rest is trained without a look at siblings."""
        self.siblings = False
        self.model.forget_siblings()
        self.best = _Best(history=self.best.history)

    def _anneal(self, epoch: int, losses: dict[str, float]) -> bool:
        """What is left of the training is short, and the model's steps become small: at a high learning rate the loss stands before all is learnt.

        False where training ends: the model has no such way, or no epoch is left.
        """
        left = min(self.epochs - epoch, math.ceil(ANNEALING * epoch))
        finite = self.world.decide(all(math.isfinite(v) for v in losses.values()))
        self.annealing = bool(finite and left and self.model.anneal(left * self.steps_per_epoch))
        self.epochs = epoch + left if self.annealing else self.epochs
        return self.annealing

    def _held_stretch(self) -> dict[str, torch.Tensor]:
        return {"place": self.held_place} if self.siblings else {}

    def _evaluate(self, epoch: int, losses: dict[str, float]) -> bool:
        """On rank 0, score the model and keep its state where it is the best so far. False where going on is of no use.

        That is where a loss is not finite, or the model's held-out loss has stopped falling.
        """
        if self.world.rank:
            return True
        if not all(math.isfinite(v) for v in losses.values()):
            return False
        best, held_out = self.best, self.model.held_out_loss(*self.held, **self._held_stretch())
        measure, score = ("distance", self._distance()) if held_out is None else ("held_out", held_out)
        best.history.append({"epoch": epoch, measure: score, **losses})
        best.worse += 1
        if score < best.score:
            best.score, best.state, best.worse = score, self.model.state(), 0
        self._say("training.progress", epoch, losses, {measure: round(score, 5), "best": round(best.score, 5)})
        return held_out is None or self.annealing or best.worse < PATIENCE

    def _distance(self) -> float:
        """Of rows drawn now from the held-out rows."""
        return self.distance(draw(self.model, self.held_context, generator(self.job.seed, self.job.table, "evaluation")), self.held_context)

    def _best_state(self, epoch: int) -> dict[str, torch.Tensor]:
        if self.best.state is None:
            raise TrainingError(f"table {self.job.table!r}: the losses were not finite by epoch {epoch}; try a smaller learning rate or larger batches")
        return self.best.state

    def _say(self, event: str, epoch: float, losses: dict[str, float], measured: dict[str, float], force: bool = True) -> None:
        if self.progress is None:
            return
        spent = time.monotonic() - self.started
        left = spent * (self.epochs - epoch) / epoch if epoch else None
        told = {"losses": {k: round(v, 4) for k, v in losses.items()}} if losses else {}
        entry = {"event": event, "table": self.job.table, "epoch": round(epoch, 2), "of": self.epochs, **told, **measured}
        self.progress.write(entry | ({} if left is None else {"eta_s": round(left, 1)}), force)


def draw(model: ConditionalGenerativeModel, context: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """`model.sample` in blocks of 10,000 rows."""
    return np.concatenate([model.sample(context[i : i + 10_000], rng) for i in range(0, len(context), 10_000)])


def train(job: TrainJob, world: World) -> TrainResult:
    """Train one table; every rank of `world` calls it with the same `job`.

    The same data, seed and number of workers give the same bytes of weights.

    Raises:
        TrainingError: there are no rows, too few for the workers, or no state with finite losses.
    """
    with private_torch(derive_seed(job.seed, job.table, "parameters")):
        return _Run(job, world).train()


def run_job(job: TrainJob, world: World) -> dict[str, Any]:
    """`train` for executors: rank 0 leaves the weights in `job.state_path`, and after them the result in `result_path(job)`.

    An error comes back as data, since its text would not reach the driver.
    """
    try:
        result = train(job, world)
        told = {
            "table": job.table,
            "error": "",
            "epochs": result.epochs,
            "distance": result.best_distance,
            "history": json.dumps(result.history),
            "siblings": result.siblings,
        }
        if world.rank == 0:
            filesystem, path = fsspec.core.url_to_fs(job.state_path)
            filesystem.pipe_file(path, result.weights)
            # A writer can be killed in the middle of either file.
            whole = told | {"sha256": hashlib.sha256(result.weights).hexdigest()}
            filesystem.pipe_file(result_path(job, path), json.dumps(whole).encode())
    except Exception as error:  # noqa: BLE001 - whatever a worker meets has to reach the driver
        return {"table": job.table, "error": describe(error), "epochs": 0, "distance": math.nan, "history": "[]", "siblings": False}
    return told


def result_path(job: TrainJob, state_path: str | None = None) -> str:
    """The file beside the weights that says how training went; it is there once the table is trained."""
    return f"{state_path or job.state_path}.json"


RESULT_DDL = "table string, error string, epochs int, distance double, history string, siblings boolean"


def train_frames(frames: Iterator[pd.DataFrame], *, jobs: Sequence[TrainJob]) -> Iterator[pd.DataFrame]:
    """For `mapInPandas`: rows with the index `id` of a job in, one row of results each out (`RESULT_DDL`)."""
    for frame in frames:
        for index in frame["id"]:
            yield pd.DataFrame([run_job(jobs[int(index)], World())])
