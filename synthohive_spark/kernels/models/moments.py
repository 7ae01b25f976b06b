"""How far the generator's columns and pairs of columns are from the real ones, as a loss.

Given its noise the generator draws its columns independently, so the mean over a batch of the outer products of its probabilities is exactly the
expected pair table of its rows: no Gumbel noise, no temperature. The real tables are counted once, over all training rows.

Legend: `B` batch, `W` width of the drawn columns' one-hot blocks, `V` width of the context's, `D` and `C` their numbers of columns.
"""

from __future__ import annotations

import numpy as np
import torch

from .base import CodeLayout

PAIR_WIDTH = 384  # pair tables cost B * width^2: beyond it each step takes some of the columns
LEAST_SHARE = 1e-3  # rarer codes are not weighted up further: a batch of some hundred rows hardly holds them


class MomentLoss:
    """Squared differences of marginals and pair tables, each cell over the root of what independence would put there.

    That weight lies between squares (which see only big cells) and chi squared (which sees mostly the noise of small ones).

    Args:
        layout: the columns.
        rows: training rows, int64 (N, D).
        context: their contexts, int64 (N, C).
    """

    def __init__(self, layout: CodeLayout, rows: np.ndarray, context: np.ndarray) -> None:
        self._row, self._context = layout.row, layout.context
        cardinalities = (*layout.context, *layout.row)
        codes = np.concatenate([context, rows], axis=1)
        offsets = np.cumsum([0, *cardinalities])
        width = int(offsets[-1])
        self._table = torch.zeros(width, width)
        for a in range(len(cardinalities)):
            for b in range(max(a, len(layout.context)), len(cardinalities)):
                ka, kb = cardinalities[a], cardinalities[b]
                counts = np.bincount(codes[:, a] * kb + codes[:, b], minlength=ka * kb).reshape(ka, kb) / len(codes)
                self._table[offsets[a] : offsets[a + 1], offsets[b] : offsets[b + 1]] = torch.from_numpy(counts)
        shares = np.concatenate([np.bincount(codes[:, d], minlength=k) / len(codes) for d, k in enumerate(cardinalities)])
        self._shares = torch.from_numpy(shares).float()
        self._column = torch.repeat_interleave(torch.arange(len(cardinalities)), torch.tensor(cardinalities))
        # A mean over partners, on either side. Cells above the diagonal once each; those of a column with itself are the marginal's business.
        drawn = self._column >= len(layout.context)
        weight = torch.where(drawn, 2 / max(len(layout.row) - 1, 1), 1 / max(len(layout.context), 1))
        above = (self._column[:, None] < self._column[None, :]) & drawn[None, :]
        root = self._shares.clamp(min=LEAST_SHARE).sqrt()
        self._scale = above * weight[:, None] / (root[:, None] * root[None, :])

    def __call__(self, probabilities: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
        """The loss of probabilities (B, W) drawn for the contexts of training rows chosen at random, int64 (B, C) as places among the `V`.

        Each difference is multiplied by that of another half of the batch rather than by itself: a square would add the batch's own noise, and
        the generator would learn to lower that noise by drawing less varied rows.
        """
        known = sum(self._context)
        root = self._shares[known:].clamp(min=LEAST_SHARE).sqrt()
        kept = self._columns()
        scale, table, first = self._scale, self._table, known
        if kept is not None:
            scale, table, first = (
                scale.index_select(0, kept).index_select(1, kept),
                table.index_select(0, kept).index_select(1, kept),
                int((kept < known).sum()),
            )
        marginals, pairs = [], []
        half = max(1, len(probabilities) // 2)
        for part, places in zip(probabilities.split(half)[:2], context.split(half)[:2], strict=True):
            marginals.append(part.mean(0) - self._shares[known:])
            if known:
                part = torch.cat([torch.zeros(len(part), known).scatter_(1, places, 1.0), part], 1)  # (B / 2, V + W)
            part = part if kept is None else part.index_select(1, kept)
            pairs.append(part.T @ part[:, first:] / len(part) - table[:, first:])
        return (marginals[0] * marginals[-1] / root).sum() + (pairs[0] * pairs[-1] * scale[:, first:]).sum()

    def _columns(self) -> torch.Tensor | None:
        """Places of some columns chosen at random, whole, at most `PAIR_WIDTH` wide (two columns at least); None for all."""
        widths = (*self._context, *self._row)
        if sum(widths) <= PAIR_WIDTH:
            return None
        first = len(self._context)
        chosen = [first + int(torch.randint(len(self._row), (1,)))]  # one drawn column at least
        total = widths[chosen[0]]
        for d in torch.randperm(len(widths)).tolist():
            if d not in chosen and (total + widths[d] <= PAIR_WIDTH or len(chosen) < 2):
                chosen.append(d)
                total += widths[d]
        return torch.isin(self._column, torch.tensor(chosen)).nonzero()[:, 0]
