"""Vectors of codes that have an order: a smooth function of their rank, and something of their own.

Numbers are cut into codes, and what is true of one code is nearly true of the next. A vector of its own for each would have to learn that from the rows of
each; here those of all codes of a column speak for the same few coefficients. It is a matter of training only: the sum is what is kept.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import nn
from torch.nn.utils import parametrize

WAVES = 16  # of the basis: the fastest has a length of an eighth of the column's range
SMOOTHNESS = 0.15  # of the range: codes that are nearer than that have like vectors
SHARE = 0.95  # of the variance at the start that is smooth; the rest is each code's own
PACE = 3.0  # how much faster than a code's own the smooth part learns
LEAST_CODES = 12  # of a column; fewer are learnt as well without


class Smooth(nn.Module):
    """A parametrisation of vectors of codes, (V, H): each code's own, (V, H), and coefficients of waves over the ranks of ordered columns, (O, WAVES, H).

    Args:
        orders: of each of the O columns with an order, the places among the `V` of its codes, from the lowest value to the highest.
    """

    basis: torch.Tensor
    places: torch.Tensor
    cells: torch.Tensor

    def __init__(self, orders: Sequence[np.ndarray]) -> None:
        super().__init__()
        longest = max(len(order) for order in orders)
        basis = torch.zeros(len(orders), longest, WAVES)
        for i, order in enumerate(orders):
            basis[i, : len(order)] = _waves(len(order))
        cells = [i * longest + np.arange(len(order)) for i, order in enumerate(orders)]
        self.register_buffer("basis", basis * PACE, persistent=False)
        self.register_buffer("places", torch.from_numpy(np.concatenate(orders).astype(np.int64)), persistent=False)
        self.register_buffer("cells", torch.from_numpy(np.concatenate(cells)), persistent=False)

    def forward(self, own: torch.Tensor, slopes: torch.Tensor) -> torch.Tensor:
        smooth = torch.bmm(self.basis, slopes).flatten(0, 1).index_select(0, self.cells)
        return own.index_add(0, self.places, smooth)

    @torch.no_grad()
    def right_inverse(self, vectors: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Where training starts from: vectors of about the same size as the given ones."""
        own = vectors.clone()
        own[self.places] *= (1 - SHARE) ** 0.5
        slopes = torch.randn(len(self.basis), WAVES, vectors.shape[1]) * vectors.std() * SHARE**0.5 / PACE
        return own, slopes


def _waves(codes: int) -> torch.Tensor:
    """(codes, WAVES): cosines of growing frequency and falling height, so that their random sums are about as smooth as asked; of mean square 1 per code."""
    number = torch.arange(WAVES)
    rank = (torch.arange(codes) + 0.5) / codes
    height = torch.exp(-((math.pi * number * SMOOTHNESS) ** 2) / 2)
    waves = torch.cos(math.pi * number * rank[:, None]) * height
    return waves / waves.square().sum(1).mean().sqrt()


def smooth(network: nn.Module, name: str, orders: Sequence[np.ndarray]) -> None:
    """Train the vectors of codes `name` of a network as smooth ones; `orders` as in `Smooth`."""
    if orders:
        parametrize.register_parametrization(network, name, Smooth(orders))
