"""What drawn rows know, as the hidden layers of the autoregressive model's heads see it: two ways to the same numbers, up to rounding.

A state is a sum of vectors of codes, and a hidden layer is linear in it before its rectifier. So what a code adds to a layer can be multiplied out once
(`Sums`), and a layer of a row be added up from as many rows of a table as the row knows codes, which takes a fifth of the product of its state. Where rows
know too many codes for that, or a table has too many columns, the states themselves are kept and multiplied (`States`).

Legend: `B` batch, `D` drawn columns, `C` context columns, `H` width of the state, `K` width of a head, `V` codes of all columns, the context's first.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch.nn import functional

MOST_BYTES = 64 * 2**20  # of the tables of one model: each Python worker holds its own, and two or three of them (the parent's table is sampled first)
MOST_ADDED = 40  # rows of a table that are added per layer, on average: of more, one product of the state is as fast
STEADY = 0.5  # changes per row, below which columns of the context are taken together: those of the driving parent


class Known(Protocol):
    """What a batch of rows knows so far."""

    def layer(self, column: int) -> torch.Tensor:
        """The hidden layer of a column's head before its rectifier, (B, K); the caller's to change."""

    def add(self, places: torch.Tensor) -> None:
        """From now on rows know these codes of one more column: places among the `V`, int64 (B,)."""


class Sums:
    """What each code adds to the hidden layer of each head.

    Args:
        vectors: of the codes, (V, H).
        start: the state of a row of which nothing is known, (H,).
        hidden: weights of the heads, (D, H, K).
        bias: (D, K).
    """

    def __init__(self, vectors: torch.Tensor, start: torch.Tensor, hidden: torch.Tensor, bias: torch.Tensor) -> None:
        self.vectors, self.start, self.hidden, self.bias = vectors, start, hidden, bias
        self._tables: dict[int, torch.Tensor] = {}

    @staticmethod
    def fit(codes: int, columns: int, width: int) -> bool:
        """Whether tables of so many codes, for so many columns with heads of this width, are small enough."""
        return codes * columns * width * 4 <= MOST_BYTES

    def table(self, column: int) -> torch.Tensor:
        """(V, K) of a column."""
        if column not in self._tables:
            self._tables[column] = self.vectors @ self.hidden[column]
        return self._tables[column]

    def of(self, context: torch.Tensor, coming: int) -> Added | None:
        """What rows know of which the context is known, int64 (B, C) as places among the `V`; None where that takes longer than products of states.

        Args:
            coming: columns that they come to know.
        """
        steady, rows = _steady(context)
        if context.shape[1] - int(steady.sum()) + coming / 2 > MOST_ADDED:
            return None
        which, first = _runs(context[:, steady])
        alone = context[first][:, steady]
        state = self.start + functional.embedding_bag(alone, self.vectors, mode="sum") if alone.shape[1] else self.start.unsqueeze(0)
        return Added(self, state, which if alone.shape[1] else None, context[:, ~steady], rows, coming)


class Added:
    """Rows whose layers are added up: (U, H) states of runs of rows that share most of their context, and places of what else they know."""

    def __init__(self, sums: Sums, states: torch.Tensor, which: torch.Tensor | None, own: torch.Tensor, rows: int, coming: int) -> None:
        self._sums, self._states, self._which = sums, states, which
        self._places = torch.empty(rows, own.shape[1] + coming, dtype=torch.int64)
        self._places[:, : own.shape[1]] = own
        self._used = own.shape[1]

    def layer(self, column: int) -> torch.Tensor:
        """As `Known`."""
        layer = torch.addmm(self._sums.bias[column], self._states, self._sums.hidden[column])  # (U, K)
        layer = layer.expand(len(self._places), -1) if self._which is None else layer.index_select(0, self._which)  # (B, K)
        if not self._used:
            return layer.clone()
        return functional.embedding_bag(self._places[:, : self._used], self._sums.table(column), mode="sum").add_(layer)

    def add(self, places: torch.Tensor) -> None:
        """As `Known`."""
        self._places[:, self._used] = places
        self._used += 1


class States:
    """Rows by their states, (B, H)."""

    def __init__(self, state: torch.Tensor, vectors: torch.Tensor, hidden: torch.Tensor, bias: torch.Tensor) -> None:
        self.state, self._vectors, self._hidden, self._bias = state, vectors, hidden, bias

    def layer(self, column: int) -> torch.Tensor:
        """As `Known`."""
        return torch.addmm(self._bias[column], self.state, self._hidden[column])

    def add(self, places: torch.Tensor) -> None:
        """As `Known`."""
        self.state += self._vectors.index_select(0, places)


def _steady(context: torch.Tensor) -> tuple[torch.Tensor, int]:
    """The columns of a context that hardly change from row to row, bool (C,), and how many rows there are."""
    rows = len(context)
    if rows < 2:
        return torch.ones(context.shape[1], dtype=torch.bool), rows
    return (context[1:] != context[:-1]).sum(0) < STEADY * rows, rows


def _runs(context: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The run of equal rows in which each row is, int64 (B,), and the first row of each run."""
    begins = torch.ones(len(context), dtype=torch.bool)
    if len(context) > 1:
        begins[1:] = (context[1:] != context[:-1]).any(1)
    return begins.cumsum(0) - 1, begins.nonzero().squeeze(1)
