"""Each column from its own real distribution, whatever the context: the floor that a learnt model has to beat, and what tiny tables get."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from .base import ConditionalGenerativeModel, Reduce


class Independent(ConditionalGenerativeModel):
    """Needs no training: the shares of the codes are part of the encoding."""

    name = "independent"

    @classmethod
    def default_epochs(cls, rows: int) -> int:
        return 1

    def training_step(self, rows: torch.Tensor, context: torch.Tensor, reduce: Reduce) -> dict[str, float]:
        return {}

    def sample(self, context: np.ndarray, rng: np.random.Generator, given: np.ndarray | None = None) -> np.ndarray:
        columns = []
        for weights in self.layout.weights:
            cumulated = np.cumsum(weights)
            # `right` never lands on a code of no weight; the limit is for draws that rounding puts past the end.
            last = int(np.flatnonzero(weights)[-1]) if np.any(weights) else 0
            columns.append(np.minimum(np.searchsorted(cumulated / cumulated[-1], rng.random(len(context)), side="right"), last))
        rows = np.stack(columns, axis=1).astype(np.int64) if columns else np.zeros((len(context), 0), dtype=np.int64)
        return rows if given is None else np.where(given < 0, rows, given)

    def state(self) -> dict[str, torch.Tensor]:
        return {}

    def load_state(self, state: Mapping[str, torch.Tensor]) -> None:
        if state:
            raise ValueError(f"independent: a state without tensors was expected, not {sorted(state)}")
