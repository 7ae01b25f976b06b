"""What a row knows of the rows of its family before it. Legend: `B` batch, `D` drawn columns, `H` width of the state, `L` earlier rows."""

from __future__ import annotations

from typing import NamedTuple

import torch


class Past(NamedTuple):
    """Of one column.

    Attributes:
        last: the code of the sibling before, int64 (B,), -1 for none.
        earlier: the codes of all earlier ones, int64 (B, L), -1 for none.
        first: 1 where a code stands for the first time among them, else 0, float (B, L).
        share: of each of them, 0 for none, float (B, L).
    """

    last: torch.Tensor
    earlier: torch.Tensor
    first: torch.Tensor
    share: torch.Tensor

    def lifted(self, odds: torch.Tensor, last: torch.Tensor, seen: torch.Tensor, often: torch.Tensor) -> torch.Tensor:
        """Odds (B, codes), with what speaks for the code of the one before, for a code that any earlier one has, and for one by its share; (B, 1) each."""
        codes = torch.cat([self.last.unsqueeze(1), self.earlier], 1).clamp(min=0)  # (B, 1 + L)
        lifts = torch.cat([last * (self.last >= 0).unsqueeze(1), self.first * seen + self.share * often], 1)
        return odds.scatter_add(1, codes, lifts)

    def has(self, codes: torch.Tensor) -> torch.Tensor:
        """Whether an earlier one has the code, bool (B,)."""
        return (self.earlier == codes.unsqueeze(1)).any(1)


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

    def pasts(self) -> list[Past]:
        """One per column."""
        earlier = self.earlier.permute(2, 0, 1).contiguous()  # (D, B, L)
        there = earlier >= 0
        again = (earlier.unsqueeze(3) == earlier.unsqueeze(2)).tril(-1).any(3)  # (D, B, L), from (D, B, L, L)
        share = there / there.any(0).sum(1, keepdim=True).clamp(min=1)
        parts = (self.before.T.contiguous(), earlier, (there & ~again).to(share.dtype), share)
        return [Past(*of_column) for of_column in zip(*(part.unbind(0) for part in parts), strict=True)]
