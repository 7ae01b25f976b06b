"""The network of the autoregressive model: states as running sums of vectors of codes, a head per column, and what rows see of their siblings.

Legend: `B` batch, `D` drawn columns, `C` context columns, `H` width of the state, `K` width of a head, `V` codes of all columns, the context's first.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from .base import CodeLayout, Memory

RARE = 1e-6  # least share that the odds start from
OF_SIBLINGS = ("sibling", "before", "earlier", "same")
History = tuple[torch.Tensor, torch.Tensor]  # what siblings add to the states of rows, (B, H), and the codes of those before them, int64 (B, D)
PARTS = ("vectors", "start", *OF_SIBLINGS, "hidden", "hidden_bias", "odds", "odds_bias")


class RunningSum(torch.autograd.Function):
    """States of all columns of a batch, each row in an order of its own: `D` additions instead of a `D` by `D` mask per row."""

    @staticmethod
    def forward(ctx: Any, vectors: torch.Tensor, first: torch.Tensor, places: torch.Tensor, order: torch.Tensor) -> torch.Tensor:
        """Vectors (V, H), first states (B, H), places of the rows' codes among the `V` and the column at each step, both int64 (B, D), to (D, B, H)."""
        batch, columns = places.shape
        places = places.gather(1, order).T.contiguous()  # (D, B), by step
        slots = (order.T * batch + torch.arange(batch)).contiguous()  # (D, B), where a step's state belongs
        states = vectors.new_empty(columns * batch, vectors.shape[1])
        state = first
        for step in range(columns):
            states.index_copy_(0, slots[step], state)
            if step < columns - 1:
                state = state + vectors.index_select(0, places[step])
        ctx.save_for_backward(places, slots)
        ctx.codes = len(vectors)
        return states.view(columns, batch, -1)

    @staticmethod
    def backward(ctx: Any, slopes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, None, None]:
        places, slots = ctx.saved_tensors
        columns, batch = places.shape
        slopes = slopes.reshape(columns * batch, -1)
        of_vectors, later = slopes.new_zeros(ctx.codes, slopes.shape[1]), slopes.new_zeros(batch, slopes.shape[1])
        for step in range(columns - 1, -1, -1):
            later += slopes.index_select(0, slots[step])
            if step:
                of_vectors.index_add_(0, places[step - 1], later)
        return of_vectors, later, None, None


class Head(NamedTuple):
    """What turns states into the odds of a column's codes: weights (H, K) and (K,), then (codes, K) and (codes,); (K,) for the code of the sibling before."""

    hidden: torch.Tensor
    hidden_bias: torch.Tensor
    odds: torch.Tensor
    odds_bias: torch.Tensor
    same: torch.Tensor | None

    def logits(self, state: torch.Tensor, last: torch.Tensor | None) -> torch.Tensor:
        """(B, H) to (B, codes); `last` are the codes of the siblings before, int64 (B,), -1 for none."""
        inner = torch.addmm(self.hidden_bias, state, self.hidden).relu_()
        odds = torch.addmm(self.odds_bias, inner, self.odds.T)
        if last is None or self.same is None:
            return odds
        lift = (inner @ self.same) * (last >= 0)
        return odds.scatter_add(1, last.clamp(min=0).unsqueeze(1), lift.unsqueeze(1))


class Network(nn.Module):
    """Vectors of codes, and a head per column."""

    def __init__(self, layout: CodeLayout, state: int, head: int) -> None:
        super().__init__()
        columns, known = len(layout.row), len(layout.context)
        self.vectors = nn.Parameter(torch.randn(sum(layout.context) + sum(layout.row), state) / max(columns + known, 1) ** 0.5)
        self.start = nn.Parameter(torch.zeros(state))
        kept = state if layout.siblings else 0
        # Of siblings: their codes, and what the last one and the mean of the earlier ones add to the state.
        self.sibling = nn.Parameter(torch.randn(sum(layout.row) if layout.siblings else 0, state) / max(columns, 1) ** 0.5)
        self.before = nn.Parameter(torch.randn(kept, kept) * 0.1 / state**0.5)
        self.earlier = nn.Parameter(torch.randn(kept, kept) * 0.1 / state**0.5)
        self.same = nn.Parameter(torch.zeros(columns if layout.siblings else 0, head))  # what speaks for the code of the sibling before
        self.hidden = nn.Parameter(torch.randn(columns, state, head) * (2 / state) ** 0.5)
        self.hidden_bias = nn.Parameter(torch.zeros(columns, head))
        # Small, so that training starts from the real shares.
        self.odds = nn.Parameter(torch.randn(sum(layout.row), head) * 0.1 / head**0.5)
        self.odds_bias = nn.Parameter(torch.from_numpy(np.log(np.maximum(np.concatenate([*layout.weights, []]), RARE))).float())
        self.sizes = list(layout.row)

    def heads(self) -> list[Head]:
        """One per column. In training each call computes them."""
        odds, biases = self.odds.split(self.sizes), self.odds_bias.split(self.sizes)
        last = self.same.unbind(0) if len(self.same) else [None] * len(self.sizes)
        return [Head(*parts) for parts in zip(self.hidden.unbind(0), self.hidden_bias.unbind(0), odds, biases, last, strict=True)]

    def first(self, context: torch.Tensor, vectors: torch.Tensor, kept: torch.Tensor | None = None) -> torch.Tensor:
        """States (B, H) of rows of which only the context is known, int64 (B, C) as places among the `V` vectors; `kept`, (B, C), is 0 where it is not."""
        if not context.shape[1]:
            return self.start.expand(len(context), -1)
        return self.start + functional.embedding_bag(context, vectors, per_sample_weights=kept, mode="sum")

    def history(self, codes: torch.Tensor, offsets: torch.Tensor, place: torch.Tensor, forget: float = 0.0) -> History:
        """Of rows that come in order; `place` 0 begins a stretch.

        Args:
            codes: int64 (B, D).
            offsets: where each column's codes begin among those of all drawn columns, int64 (D,).
            place: int64 (B,).
            forget: share of the rows without each part.
        """
        number = torch.arange(len(place))
        first = torch.where(place == 0, number, 0).cummax(0).values  # where each row's stretch begins in the batch
        count = (number - first).unsqueeze(1)
        there = (count > 0).float()
        before = torch.where(count > 0, codes.roll(1, 0), -1)
        seen = self.summary(codes + offsets)
        last = seen.roll(1, 0) * there
        sums = seen.cumsum(0)
        sums = torch.cat([sums.new_zeros(1, sums.shape[1]), sums[:-1]])
        mean = (sums - sums.index_select(0, first)) / count.clamp(min=1)
        if forget:
            kept = (torch.rand(2, len(place), 1) >= forget).float()
            last, mean, before = last * kept[0], mean * kept[1], torch.where(kept[0] > 0, before, -1)
        return last @ self.before + mean @ self.earlier, before

    def summary(self, places: torch.Tensor) -> torch.Tensor:
        """(B, H) of rows as their siblings see them; int64 (B, D) as in `history`."""
        return functional.embedding_bag(places, self.sibling, mode="sum").relu_()

    def losses(
        self,
        places: torch.Tensor,
        codes: torch.Tensor,
        context: torch.Tensor,
        order: torch.Tensor,
        history: History | None,
        kept: torch.Tensor | None = None,
    ) -> list[torch.Tensor]:
        """Mean negative log likelihood in nats of each column given those before it in `order`.

        Args:
            places: of the rows' codes among the `V`, int64 (B, D).
            codes: the same as codes, int64 (B, D).
            context: int64 (B, C) as places.
            order: the column at each step, int64 (B, D).
            history: what `history` gave.
            kept: what is known of the context, as in `first`.
        """
        vectors = self.vectors
        first = self.first(context, vectors, kept)
        first = first if history is None else first + history[0]
        before = [None] * codes.shape[1] if history is None else history[1].T.contiguous().unbind(0)
        states = RunningSum.apply(vectors, first, places, order).unbind(0)  # D times (B, H)
        targets = codes.T.contiguous().unbind(0)
        columns = zip(self.heads(), states, before, targets, strict=True)
        return [functional.cross_entropy(head.logits(state, last), target) for head, state, last, target in columns]


class VectorMemory(Memory):
    """Vectors of the last row and of the earlier rows of each stretch."""

    def __init__(self, network: Network, offsets: torch.Tensor, stretches: int) -> None:
        self._network, self._offsets = network, offsets
        width = network.start.shape[0]
        self._codes = torch.full((stretches, len(offsets)), -1)
        self._last, self._sum, self._count = torch.zeros(stretches, width), torch.zeros(stretches, width), torch.zeros(stretches, 1)

    @torch.no_grad()
    def recall(self, stretches: np.ndarray) -> History:
        which = torch.from_numpy(stretches)
        mean = self._sum[which] / self._count[which].clamp(min=1)
        return self._last[which] @ self._network.before + mean @ self._network.earlier, self._codes[which]

    @torch.no_grad()
    def remember(self, stretches: np.ndarray, rows: np.ndarray) -> None:
        which = torch.from_numpy(stretches)
        codes = torch.from_numpy(rows)
        seen = self._network.summary(codes + self._offsets)
        self._codes[which] = codes
        self._last[which] = seen
        self._sum[which] += seen
        self._count[which] += 1
