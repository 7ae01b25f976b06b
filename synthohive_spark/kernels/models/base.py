"""What a row model is: it draws rows of integer codes given a context of integer codes.

A row is `D` codes, one per drawn column; a context is `C` codes, one per known column (own natural key parts and the driving parent's columns).
Legend for shapes: `N` rows, `B` batch, `D` drawn columns, `C` context columns.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, TypeVar

import numpy as np
import torch

Settings = TypeVar("Settings")
Reduce = Callable[[Iterable[torch.nn.Parameter]], None]


def no_reduction(parameters: Iterable[torch.nn.Parameter]) -> None:
    """For one worker: gradients stay as they are."""


def read_settings(kind: type[Settings], model: str, settings: Mapping[str, Any]) -> Settings:
    """The settings of `model` as `kind`, a dataclass.

    Raises:
        ValueError: it has no setting of that name.
    """
    known = [f.name for f in fields(kind)]  # type: ignore[arg-type]
    unknown = sorted(set(settings) - set(known))
    if unknown:
        raise ValueError(f"{model}: unknown settings {', '.join(unknown)}; there are {', '.join(known)}")
    return kind(**settings)


@dataclass(frozen=True)
class CodeLayout:
    """How many codes each column has.

    Attributes:
        row: cardinality of each drawn column, length D.
        context: cardinality of each context column, length C; the last code of each means "there is no parent".
        weights: share of the real rows per code, one array of shape (row[d],) per drawn column.
        siblings: rows are drawn family by family, and see the rows of their family before them.
        turns: when each drawn column is drawn, length D: those of a lower number first, those of one number in any order. Nothing where all are alike.
        known: for training, places of drawn columns that most rows have from the start.
        orders: for training, of each context column and then of each drawn one its codes from the lowest value to the highest, int64; none where they have
            no order. Nothing where it is not known.
    """

    row: tuple[int, ...]
    context: tuple[int, ...]
    weights: tuple[np.ndarray, ...] = field(repr=False)
    siblings: bool = False
    turns: tuple[int, ...] = ()
    known: tuple[int, ...] = ()
    orders: tuple[np.ndarray, ...] = field(default=(), repr=False)


class Memory(ABC):
    """What a model keeps of the earlier rows of stretches of families, while it draws the next ones."""

    @abstractmethod
    def recall(self, stretches: np.ndarray) -> Any:
        """What `sample_columns` takes as `history` for a next row of each of these stretches, int64 (B,)."""

    @abstractmethod
    def remember(self, stretches: np.ndarray, rows: np.ndarray) -> None:
        """The next rows, int64 (B, D), of these stretches, int64 (B,), all of them different."""


class ConditionalGenerativeModel(ABC):
    """Draws rows given a context. Found by its registered `name`, or passed as a class.

    `__init__` only stores; parameters are initialised from torch's global generator, which the training loop seeds. A model that has nothing to learn
    may leave `training_step` to return an empty mapping.
    """

    name: ClassVar[str]
    sees_siblings: ClassVar[bool] = False
    """Where the layout says `siblings`: `training_step` and `held_out_loss` take `place`, int64 (B,), of rows that come family by family (0 begins a stretch),
    `sample_columns` takes `history`, which is what `memory` recalls, and `forget_siblings` ends all that. Such a class implements the last two."""
    any_order: ClassVar[bool] = False  # some columns can be drawn first by `sample_columns` and the rest given them, alike to drawing all at once

    def __init__(self, layout: CodeLayout, settings: Mapping[str, Any]) -> None:
        self.layout = layout
        self.settings = dict(settings)

    @classmethod
    def default_epochs(cls, rows: int) -> int:
        """How many epochs to train at most for that many rows."""
        return 100

    @classmethod
    def default_batch_size(cls, rows: int) -> int:
        """How many rows a step takes."""
        return 500

    def parameters(self) -> Iterable[torch.nn.Parameter]:
        """All that training changes, in a fixed order: workers start from rank 0's. Called after `prepare`."""
        return ()

    def prepare(self, rows: np.ndarray, context: np.ndarray, steps: int, total: int) -> None:  # noqa: B027 - a model may have nothing to prepare
        """Called once, before the first step.

        Args:
            rows: this worker's training rows, int64 (N, D).
            context: their contexts, int64 (N, C).
            steps: number of steps to come.
            total: training rows of all workers.
        """

    @abstractmethod
    def training_step(self, rows: torch.Tensor, context: torch.Tensor, reduce: Reduce) -> dict[str, float]:
        """One optimiser step on int64 (B, D) and (B, C).

        Args:
            reduce: to be called on the parameters after each backward pass and before the optimiser's step; it averages gradients over workers.

        Returns:
            The losses, by name.
        """

    def held_out_loss(self, rows: torch.Tensor, context: torch.Tensor) -> float | None:
        """How badly the model predicts held-out rows, int64 (N, D) and (N, C); lower is better.

        Training keeps the state where it is lowest, and ends early once it no longer falls. None where the model has no such loss: then states are
        judged by the distance of their samples from the held-out rows, and all epochs are trained.
        """
        return None

    def anneal(self, steps: int) -> bool:
        """Asked once where the held-out loss no longer falls: let the learning rate fall to nothing over so many steps, the last ones.

        Returns:
            False where the model has no such way: then training ends here.
        """
        return False

    @abstractmethod
    def sample(self, context: np.ndarray, rng: np.random.Generator, given: np.ndarray | None = None) -> np.ndarray:
        """Draw one row, int64 (N, D), for each context, int64 (N, C). All randomness comes from `rng`. N is at most 10,000.

        Args:
            given: codes that rows must have, int64 (N, D), and -1 where the model draws; None where it draws all.
        """

    def sample_columns(self, context: np.ndarray, rng: np.random.Generator, given: np.ndarray | None, columns: Sequence[int]) -> np.ndarray:
        """Draw some columns only, int64 (N, len(columns)); asked of models with `any_order`, where it must not cost as much as `sample`.

        Args:
            given: as for `sample`; columns that are neither given nor drawn stay open.
            columns: places in the row.
        """
        return self.sample(context, rng, given)[:, list(columns)]

    def shares(self, context: np.ndarray, given: np.ndarray, column: int) -> np.ndarray | None:
        """How likely each code of a column is, float64 (N, codes), each row summing to 1; None where the model cannot tell.

        Args:
            given: codes that rows have, int64 (N, D), and -1 where nothing is known.
            column: its place in the row.
        """
        return None

    def memory(self, stretches: int) -> Memory:
        """An empty memory of so many stretches of families; asked of models with `sees_siblings`."""
        raise RuntimeError(f"{self.name} has no memory of siblings: it was asked although sees_siblings is {self.sees_siblings}")

    def lift_repeats(self, last: np.ndarray, seen: np.ndarray) -> bool:
        """Change the log odds of codes that siblings have by so much per column, float64 (D,); asked of models with `sees_siblings` after training.

        Args:
            last: of the code of the sibling before.
            seen: of the codes of any earlier sibling, that one included.

        Returns:
            False where the model has no such way.
        """
        return False

    def forget_siblings(self) -> None:  # noqa: B027 - most models never look at them
        """Training goes on without a look at siblings; asked of models with `sees_siblings`."""

    @abstractmethod
    def state(self) -> dict[str, torch.Tensor]:
        """Everything that sampling needs, as tensors (a copy: training goes on afterwards)."""

    @abstractmethod
    def load_state(self, state: Mapping[str, torch.Tensor]) -> None:
        """Restore what `state` gave; training does not go on after it. Raises `ValueError` or `RuntimeError` where names or shapes do not fit."""
