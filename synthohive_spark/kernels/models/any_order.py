"""The network of the autoregressive model: states as running sums of vectors of codes, a head per column, and what rows see of their siblings.

Legend: `B` batch, `D` drawn columns, `C` context columns, `H` width of the state, `K` width of a head, `V` codes of all columns, the context's first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from .base import CodeLayout, Memory
from .history import History, Past

RARE = 1e-6  # least share that the odds start from
OF_SIBLINGS = ("sibling", "before", "earlier", "same", "seen", "lifts", "alike")
PARTS = ("vectors", "start", *OF_SIBLINGS, "hidden", "hidden_bias", "odds", "odds_bias")


class RunningSum(torch.autograd.Function):
    """States of all columns of a batch, each row in an order of its own: `D` additions instead of a `D` by `D` mask per row."""

    @staticmethod
    def forward(ctx: Any, vectors: torch.Tensor, first: torch.Tensor, places: torch.Tensor, order: torch.Tensor) -> torch.Tensor:
        """Vectors (V, H), first states (B, H), what each column adds and the column at each step to states (D, B, H).

        Args:
            places: of the vectors that each column adds, among the `V`, int64 (B, D, P).
            order: int64 (B, D).
        """
        batch, columns, parts = places.shape
        places = places.gather(1, order.unsqueeze(2).expand(-1, -1, parts)).permute(1, 2, 0).contiguous()  # (D, P, B), by step
        slots = (order.T * batch + torch.arange(batch)).contiguous()  # (D, B), where a step's state belongs
        states = vectors.new_empty(columns * batch, vectors.shape[1])
        state = first
        for step in range(columns):
            states.index_copy_(0, slots[step], state)
            if step < columns - 1:
                for part in places[step].unbind(0):
                    state = state + vectors.index_select(0, part)
        ctx.save_for_backward(places, slots)
        ctx.codes = len(vectors)
        return states.view(columns, batch, -1)

    @staticmethod
    def backward(ctx: Any, slopes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, None, None]:
        places, slots = ctx.saved_tensors
        columns, _, batch = places.shape
        slopes = slopes.reshape(columns * batch, -1)
        of_vectors, later = slopes.new_zeros(ctx.codes, slopes.shape[1]), slopes.new_zeros(batch, slopes.shape[1])
        for step in range(columns - 1, -1, -1):
            later += slopes.index_select(0, slots[step])
            if step:
                for part in places[step - 1].unbind(0):
                    of_vectors.index_add_(0, part, later)
        return of_vectors, later, None, None


class Head(NamedTuple):
    """What turns states into the odds of a column's codes: weights (H, K) and (K,), then (codes, K) and (codes,).

    Where rows see siblings, codes that those have get a lift: `same` (K,) of the one before, `seen` (2, K) of any and of many; `lifts` (2,) of the one before
    and of any, the same in all rows.
    """

    hidden: torch.Tensor
    hidden_bias: torch.Tensor
    odds: torch.Tensor
    odds_bias: torch.Tensor
    same: torch.Tensor | None
    seen: torch.Tensor | None
    lifts: torch.Tensor | None

    def logits(self, state: torch.Tensor, past: Past | None) -> torch.Tensor:
        """(B, H) to (B, codes)."""
        return self.odds_of(torch.addmm(self.hidden_bias, state, self.hidden).relu_(), past)

    def odds_of(self, inner: torch.Tensor, past: Past | None) -> torch.Tensor:
        """The hidden layer (B, K) to (B, codes)."""
        odds = torch.addmm(self.odds_bias, inner, self.odds.T)
        if past is None or self.same is None or self.seen is None or self.lifts is None:
            return odds
        seen = inner @ self.seen.T  # (B, 2)
        return past.lifted(odds, (inner @ self.same + self.lifts[0]).unsqueeze(1), seen[:, :1] + self.lifts[1], seen[:, 1:])

    def centred(self) -> Head:
        """The same shares by odds around their mean: what all codes have in common is free to grow in training, far past what exp can take."""
        return self._replace(odds=self.odds - self.odds.mean(0), odds_bias=self.odds_bias - self.odds_bias.mean())


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
        seeing = columns if layout.siblings else 0
        self.same = nn.Parameter(torch.zeros(seeing, head))  # what speaks for the code of the sibling before
        self.seen = nn.Parameter(torch.zeros(seeing, 2, head))  # what speaks for codes that any earlier one has, and for those that many have
        self.lifts = nn.Parameter(torch.zeros(seeing, 2))  # for the code of the one before and those of any, whatever else the row holds
        # What having such a code adds to the state. From vectors of codes alone, a network hardly learns whether two of many are the same.
        self.alike = nn.Parameter(torch.zeros(seeing, 2, state))
        self.hidden = nn.Parameter(torch.randn(columns, state, head) * (2 / state) ** 0.5)
        self.hidden_bias = nn.Parameter(torch.zeros(columns, head))
        # Small, so that training starts from the real shares.
        self.odds = nn.Parameter(torch.randn(sum(layout.row), head) * 0.1 / head**0.5)
        self.odds_bias = nn.Parameter(torch.from_numpy(np.log(np.maximum(np.concatenate([*layout.weights, []]), RARE))).float())
        self.sizes = list(layout.row)

    def alike_places(self, codes: torch.Tensor, past: Past, column: int) -> torch.Tensor:
        """Where in `table` stands what it adds that a column's codes, int64 (B,), are those of siblings: of the one before, of another, of none; int64 (B,)."""
        first = len(self.vectors) + 2 * column
        return torch.where(codes == past.last, first, torch.where(past.has(codes), first + 1, len(self.vectors) + 2 * len(self.sizes)))

    def table(self) -> torch.Tensor:
        """Vectors of codes, then of codes that siblings have, and nothing at the end, (V + 2 D + 1, H)."""
        return torch.cat([self.vectors, self.alike.flatten(0, 1), self.start.new_zeros(1, len(self.start))])

    def heads(self) -> list[Head]:
        """One per column. In training each call computes them."""
        odds, biases = self.odds.split(self.sizes), self.odds_bias.split(self.sizes)
        of_siblings = (of.unbind(0) if len(of) else [None] * len(self.sizes) for of in (self.same, self.seen, self.lifts))
        return [Head(*parts) for parts in zip(self.hidden.unbind(0), self.hidden_bias.unbind(0), odds, biases, *of_siblings, strict=True)]

    def first(self, context: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
        """States (B, H) of rows of which only the context is known, int64 (B, C) as places among the `V` vectors."""
        return self.start + functional.embedding_bag(context, vectors, mode="sum") if context.shape[1] else self.start.expand(len(context), -1)

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
        back = torch.arange(1, int(count.max()) + 1)  # (L,)
        earlier = torch.where((back <= count).unsqueeze(2), codes[(number.unsqueeze(1) - back).clamp(min=0)], -1)  # (B, L, D)
        if forget:
            kept = (torch.rand(2, len(place), 1) >= forget).float()
            last, mean, before = last * kept[0], mean * kept[1], torch.where(kept[0] > 0, before, -1)
            earlier = torch.where(kept[1].unsqueeze(2) > 0, earlier, -1)
        return History(last @ self.before + mean @ self.earlier, before, earlier)

    def summary(self, places: torch.Tensor) -> torch.Tensor:
        """(B, H) of rows as their siblings see them; int64 (B, D) as in `history`."""
        return functional.embedding_bag(places, self.sibling, mode="sum").relu_()

    def losses(self, places: torch.Tensor, codes: torch.Tensor, context: torch.Tensor, order: torch.Tensor, history: History | None) -> list[torch.Tensor]:
        """Mean negative log likelihood in nats of each column given those before it in `order`.

        Args:
            places: of the rows' codes among the `V`, int64 (B, D).
            codes: the same as codes, int64 (B, D).
            context: int64 (B, C) as places.
            order: the column at each step, int64 (B, D).
            history: what `history` gave.
        """
        vectors: torch.Tensor = self.vectors
        first = self.first(context, vectors) if history is None else self.first(context, vectors) + history.vectors
        pasts: Sequence[Past | None] = [None] * len(self.sizes)
        added = places.unsqueeze(2)  # (B, D, 1)
        if history is not None:
            vectors, seen = self.table(), history.pasts()
            alike = [self.alike_places(of_column, past, d) for d, (of_column, past) in enumerate(zip(codes.unbind(1), seen, strict=True))]
            added, pasts = torch.stack([places, torch.stack(alike, 1)], 2), seen  # (B, D, 2)
        states = RunningSum.apply(vectors, first, added, order).unbind(0)  # D times (B, H)
        targets = codes.T.contiguous().unbind(0)
        columns = zip(self.heads(), states, pasts, targets, strict=True)
        return [functional.cross_entropy(head.logits(state, past), target) for head, state, past, target in columns]


class VectorMemory(Memory):
    """Vectors of the last row and of the earlier rows of each stretch, and the codes of all of them."""

    def __init__(self, network: Network, offsets: torch.Tensor, stretches: int) -> None:
        self._network, self._offsets = network, offsets
        width = network.start.shape[0]
        self._rows = torch.full((1, len(offsets)), -1)  # grows; the first stands for none
        self._used = 1
        self._which = torch.zeros(stretches, 0, dtype=torch.int64)  # the places of the rows of each stretch; grows
        self._last, self._sum, self._count = torch.zeros(stretches, width), torch.zeros(stretches, width), torch.zeros(stretches, dtype=torch.int64)

    @torch.no_grad()
    def recall(self, stretches: np.ndarray) -> History:
        which = torch.from_numpy(stretches)
        count = self._count[which]
        mean = self._sum[which] / count.clamp(min=1).unsqueeze(1)
        places = self._which[which, : int(count.max())] if len(which) else self._which[which]
        last = places.gather(1, (count - 1).clamp(min=0).unsqueeze(1)).squeeze(1) if places.shape[1] else torch.zeros_like(count)
        return History(self._last[which] @ self._network.before + mean @ self._network.earlier, self._rows[last], self._rows[places])

    @torch.no_grad()
    def remember(self, stretches: np.ndarray, rows: np.ndarray) -> None:
        which = torch.from_numpy(stretches)
        codes = torch.from_numpy(rows)
        seen = self._network.summary(codes + self._offsets)
        turn = int(self._count[which].max()) + 1 if len(which) else 0
        if turn > self._which.shape[1]:
            self._which = functional.pad(self._which, (0, turn - self._which.shape[1]))
        end = self._used + len(which)
        if end > len(self._rows):
            self._rows = functional.pad(self._rows, (0, 0, 0, max(end, 2 * self._used) - len(self._rows)), value=-1)
        self._which[which, self._count[which]] = torch.arange(self._used, end)
        self._rows[self._used : end] = codes
        self._used = end
        self._last[which] = seen
        self._sum[which] += seen
        self._count[which] += 1
