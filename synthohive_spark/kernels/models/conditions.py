"""Training by sampling (Xu et al. 2019, section 4.3): which code a training row is conditioned on.

Legend: `B` batch, `N` rows, `D` drawn columns, `W` width of all one-hot blocks.
"""

from __future__ import annotations

import numpy as np
import torch


class ConditionSampler:
    """Draws a column evenly, one of its codes by the logarithm of its frequency, and a training row that has it.

    Args:
        rows: training rows, int64 (N, D).
        cardinalities: codes per column.
    """

    def __init__(self, rows: np.ndarray, cardinalities: tuple[int, ...]) -> None:
        self._columns, self._width = len(cardinalities), sum(cardinalities)
        counts = [np.bincount(rows[:, d], minlength=k) for d, k in enumerate(cardinalities)]
        # Column d takes the interval [d, d + 1): one search serves all columns.
        steps = [d + np.cumsum(np.log1p(c)) / np.log1p(c).sum() for d, c in enumerate(counts)]
        self._cumulated = torch.from_numpy(np.concatenate(steps))
        ends = np.cumsum(cardinalities)
        # Rounding must neither leave a column nor land on a code without rows.
        last = [end - k + int(np.flatnonzero(c)[-1]) for end, k, c in zip(ends, cardinalities, counts, strict=True)]
        self._last = torch.from_numpy(np.asarray(last))
        self._counts = torch.from_numpy(np.concatenate(counts))
        self._starts = torch.from_numpy(np.concatenate([np.cumsum(c) - c for c in counts]))
        self._by_code = torch.from_numpy(np.argsort(rows, axis=0, kind="stable").astype(np.int32))  # (N, D)

    def draw(self, batch: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Conditions, int64 (B,) as places among the `W`, and for each the number of a row that has it, int64 (B,)."""
        column = torch.randint(self._columns, (batch,))
        place = torch.searchsorted(self._cumulated, column + torch.rand(batch, dtype=torch.float64), right=True)
        place = torch.minimum(place, self._last[column])
        nth = (torch.rand(batch, dtype=torch.float64) * self._counts[place]).long()
        return place, self._by_code[self._starts[place] + nth, column].long()


class TrueConditions:
    """Conditions for sampling: a column evenly, one of its codes by its true share."""

    def __init__(self, weights: tuple[np.ndarray, ...]) -> None:
        shares = [np.asarray(w, dtype=np.float64) for w in weights]
        self._cumulated = np.concatenate([d + np.cumsum(s) / s.sum() for d, s in enumerate(shares)])
        self._last = np.cumsum([len(s) for s in shares]) - 1
        self._columns = len(shares)

    def draw(self, batch: int, rng: np.random.Generator) -> np.ndarray:
        """Places among the `W`, int64 (B,)."""
        column = rng.integers(0, self._columns, batch)
        return np.minimum(np.searchsorted(self._cumulated, column + rng.random(batch), side="right"), self._last[column])
