"""What a row knows of the rows of its family before it. Legend: `B` batch, `D` drawn columns, `H` width of the state, `L` earlier rows."""

from __future__ import annotations

from typing import NamedTuple

import torch


class Past(NamedTuple):
    """Of one column: the code of the sibling before, int64 (B,), -1 for none, and the shares of the codes among all earlier ones, (B, codes)."""

    last: torch.Tensor
    shares: torch.Tensor


class History(NamedTuple):
    """Of all columns.

    Attributes:
        vectors: what siblings add to the states, (B, H).
        before: codes of the last one, int64 (B, D), -1 for none.
        earlier: codes of all of them, int64 (B, L, D), -1 for none.
    """

    vectors: torch.Tensor
    before: torch.Tensor
    earlier: torch.Tensor

    def of(self, rows: torch.Tensor) -> History:
        """Of some of the rows, int64 (b,)."""
        return History(self.vectors[rows], self.before[rows], self.earlier[rows])

    def pasts(self, sizes: list[int]) -> list[Past]:
        """One per column; `sizes` are their numbers of codes."""
        shares = self._shares(sizes).split(sizes, 1)
        return [Past(*parts) for parts in zip(self.before.T.contiguous().unbind(0), shares, strict=True)]

    def _shares(self, sizes: list[int]) -> torch.Tensor:
        """Which share of the earlier rows has each code of all columns, (B, codes)."""
        batch, codes = len(self.earlier), sum(sizes)
        firsts = torch.tensor([0, *sizes[:-1]]).cumsum(0)  # (D,)
        there = self.earlier >= 0
        places = torch.where(there, self.earlier + firsts, codes).view(batch, -1)
        counts = self.vectors.new_zeros(batch, codes + 1).scatter_add_(1, places, torch.ones_like(places, dtype=self.vectors.dtype))
        return counts[:, :codes] / there.any(2).sum(1, keepdim=True).clamp(min=1)
