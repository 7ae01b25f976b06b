"""The two networks of CTGAN (Xu et al. 2019, arXiv 1907.00503, section 4.4), on codes.

Legend: `B` batch, `W` width of all drawn columns' one-hot blocks together, `H` hidden width, `Z` noise width, `C` context columns.
A condition is one code of one drawn column, as its place among the `W`, or `W` for none. A context is `C` codes, as places among all context codes.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import nn

from .base import CodeLayout

RARE = 1e-6  # keeps the first logits of codes that training rows lack finite


class Given(nn.Module):
    """Condition and context as one vector: a sum of embeddings, so that a wide context costs no more than its columns."""

    def __init__(self, layout: CodeLayout, hidden: int) -> None:
        super().__init__()
        self.condition = nn.Embedding(sum(layout.row) + 1, hidden)
        self.context = nn.EmbeddingBag(sum(layout.context), hidden, mode="sum") if layout.context else None
        nn.init.normal_(self.condition.weight, std=0.5)
        if self.context is not None:
            nn.init.normal_(self.context.weight, std=1 / math.sqrt(len(layout.context)))

    def forward(self, condition: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
        """int64 (B,) and (B, C) to (B, H)."""
        vector = self.condition(condition)
        return vector if self.context is None else vector + self.context(context)


class Generator(nn.Module):
    """Noise, condition and context to the logits of every column, through residual layers."""

    def __init__(self, layout: CodeLayout, noise: int, hidden: int, layers: int) -> None:
        super().__init__()
        self.noise = nn.Linear(noise, hidden)
        self.given = Given(layout, hidden)
        self.norms = nn.ModuleList(nn.LayerNorm(hidden) for _ in range(layers + 1))
        self.blocks = nn.ModuleList(nn.Linear(hidden, hidden) for _ in range(layers))
        self.logits = nn.Linear(hidden, sum(layout.row))
        with torch.no_grad():
            # Training starts at the real marginals: what is left to learn is how columns hang together.
            shares = np.concatenate([np.asarray(w, dtype=np.float64) for w in layout.weights])
            self.logits.bias.copy_(torch.from_numpy(np.log(np.maximum(shares, RARE))))
            self.logits.weight.mul_(0.5)

    def forward(self, noise: torch.Tensor, condition: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
        """Noise (B, Z), condition int64 (B,), context int64 (B, C) to logits (B, W)."""
        hidden = self.noise(noise) + self.given(condition, context)  # (B, H)
        for norm, block in zip(self.norms, self.blocks, strict=False):
            hidden = hidden + block(nn.functional.leaky_relu(norm(hidden), 0.1))
        return self.logits(nn.functional.leaky_relu(self.norms[-1](hidden), 0.1))  # (B, W)


class Critic(nn.Module):
    """One-hot blocks, real or soft, with their condition and context, to a score: higher is more real."""

    def __init__(self, layout: CodeLayout, hidden: int) -> None:
        super().__init__()
        self.row = nn.Linear(sum(layout.row), hidden)
        self.given = Given(layout, hidden)
        self.block = nn.Linear(hidden, hidden)
        self.score = nn.Linear(hidden, 1)
        # Exactly one entry of each block is set: with torch's default the first layer would hardly see its input.
        nn.init.normal_(self.row.weight, std=1 / math.sqrt(len(layout.row)))

    def forward(self, rows: torch.Tensor, condition: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
        """(B, W), int64 (B,) and (B, C) to (B,)."""
        hidden = nn.functional.leaky_relu(self.row(rows) + self.given(condition, context), 0.2)  # (B, H)
        hidden = nn.functional.leaky_relu(self.block(hidden), 0.2)
        return self.score(hidden)[:, 0]
