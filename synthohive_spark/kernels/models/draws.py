"""How the autoregressive model draws codes by their odds. Legend: `B` batch, `N` rows, `D` drawn columns, `V` codes of all columns, `H` width of the state."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from .any_order import Head
from .history import Past
from .known import Sums

MOST_ODDS = 80.0  # in nats over the mean of a column's codes: exp of more, added up, is past what a float holds


@dataclass(frozen=True)
class Ready:
    """What drawing needs of the weights: heads, the vectors of codes (V, H), and layers as sums; None where the tables for those are too large."""

    heads: list[Head]
    vectors: torch.Tensor
    sums: Sums | None


def drawn(odds: torch.Tensor, past: Past | None, rng: np.random.Generator) -> torch.Tensor:
    """A code for each row, int64 (B,), by centred log odds (B, codes), which are overwritten."""
    # Around their mean, the greatest of the odds is at least 0, and only the upper end of exp can be passed; what siblings lift is not around it.
    odds = odds.clamp_(max=MOST_ODDS) if past is None else odds.sub_(odds.amax(1, keepdim=True))
    cumulated = odds.exp_().cumsum(1)  # (B, codes)
    # Inverse distribution function: the code is the number of cumulated odds at or below the draw.
    draws = torch.from_numpy(stratified(len(odds), rng)) * cumulated[:, -1]
    return torch.searchsorted(cumulated, draws.unsqueeze(1), right=True).squeeze(1).clamp_(max=odds.shape[1] - 1)


def stratified(count: int, rng: np.random.Generator) -> np.ndarray:
    """Draws in [0, 1], float32 (count,), each uniform by itself, one in each of `count` equal parts: shares of codes scatter less than those of real rows."""
    return ((rng.permutation(count) + rng.random(count)) / count).astype(np.float32)


def patterns(known: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Each row of `known`, bool (N, D), that is there, and the places of the rows that equal it."""
    if not len(known) or (known == known[0]).all():  # nearly always, and sorting rows is slow
        return [(known[0], np.arange(len(known)))] if len(known) else []
    patterns, which = np.unique(known, axis=0, return_inverse=True)
    return [(pattern, np.flatnonzero(which.reshape(-1) == i)) for i, pattern in enumerate(patterns)]
