"""TVAE on integer codes, written from the paper (Xu et al. 2019, arXiv 1907.00503, section 4.5), conditioned on the parents' context.

From the paper: an encoder of two hidden layers gives mean and variance of a latent vector (Kingma, Welling 2013, arXiv 1312.6114), a decoder of two the odds of
all columns, which are independent of each other given that vector; both are trained by the evidence lower bound. Every column is one code here, numbers
too, so that all of them are a softmax. The context goes into the first layer of both networks.

Different, because it measured better per CPU-second: the decoder starts at the real marginals, the divergence gets its weight by and by (Bowman et al. 2015,
arXiv 1511.06349; else latent vectors say nothing at all), the learning rate rises and falls, and sampling uses an exponential average of the weights.

Given codes: latent vectors are drawn from the prior and one of them is kept by how likely it makes what is given (sampling importance resampling, Rubin 1987),
so that the other columns follow without rejection.

Legend: `B` batch, `D` drawn columns, `C` context columns, `H` width of a layer, `Z` width of the latent vector, `V` codes of all drawn columns, `K` candidates.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel

from .averages import averaged
from .base import CodeLayout, ConditionalGenerativeModel, Reduce, read_settings
from .draws import drawn
from .networks import RARE
from .schedules import batch_size, epochs, linear, one_cycle

ROWS_PER_STEP = 10  # that one more step is for
BLOCK = 2_000  # rows of one forward pass: odds that stay in the processor's cache
WARM_UP = 0.25  # share of the steps in which the divergence gets its whole weight: from the start, latent vectors would say nothing
CANDIDATES = 100  # latent vectors per row with given codes; of fewer, rare codes rarely find one that suits them
HELD_OUT_SEED = 0  # the noise with which held-out rows are judged: the same at every evaluation


@dataclass(frozen=True)
class TVAESettings:
    """What can be set.

    Attributes:
        latent: width of the latent vector.
        hidden: width of the layers of encoder and decoder.
        reconstruction_weight: of the cross-entropy beside the divergence from the prior.
        learning_rate: peak rate; it rises and falls along half a cosine.
        weight_decay: of AdamW.
        ema: share of the averaged weights that a step keeps.
    """

    latent: int = 32
    hidden: int = 128
    reconstruction_weight: float = 1.0
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    ema: float = 0.99


class Codes(nn.Module):
    """A sum of one vector per code: what a linear layer makes of one-hot blocks."""

    offsets: torch.Tensor

    def __init__(self, cardinalities: tuple[int, ...], width: int) -> None:
        super().__init__()
        self.vectors = nn.EmbeddingBag(sum(cardinalities), width, mode="sum")
        self.register_buffer("offsets", torch.from_numpy(np.cumsum([0, *cardinalities])[:-1].astype(np.int64)), persistent=False)
        nn.init.normal_(self.vectors.weight, std=1 / math.sqrt(len(cardinalities)))

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        """int64 (B, columns) to (B, width)."""
        vectors: torch.Tensor = self.vectors(codes + self.offsets)
        return vectors


class Encoder(nn.Module):
    """Rows and contexts to mean and log variance of their latent vectors."""

    def __init__(self, layout: CodeLayout, hidden: int, latent: int) -> None:
        super().__init__()
        self.row = Codes(layout.row, hidden)
        self.context = Codes(layout.context, hidden) if layout.context else None
        self.bias = nn.Parameter(torch.zeros(hidden))
        self.block = nn.Linear(hidden, hidden)
        self.latent = nn.Linear(hidden, 2 * latent)

    def forward(self, rows: torch.Tensor, context: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """int64 (B, D) and (B, C) to (B, Z) twice."""
        first = self.row(rows) + self.bias if self.context is None else self.row(rows) + self.context(context) + self.bias
        mean, log_variance = self.latent(torch.relu(self.block(torch.relu(first)))).chunk(2, 1)
        return mean, log_variance


class Decoder(nn.Module):
    """Latent vectors and contexts to the log odds of all codes."""

    def __init__(self, layout: CodeLayout, hidden: int, latent: int) -> None:
        super().__init__()
        self.row = layout.row
        self.latent = nn.Linear(latent, hidden)
        self.context = Codes(layout.context, hidden) if layout.context else None
        self.block = nn.Linear(hidden, hidden)
        self.odds = nn.Linear(hidden, sum(layout.row))
        with torch.no_grad():
            # Training starts at the real marginals: what is left to learn is how columns hang together.
            shares = np.concatenate([np.asarray(w, dtype=np.float64) for w in layout.weights])
            self.odds.bias.copy_(torch.from_numpy(np.log(np.maximum(shares, RARE))))

    def state(self, latent: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
        """(B, Z) and int64 (B, C) to (B, H)."""
        first = self.latent(latent) if self.context is None else self.latent(latent) + self.context(context)
        return torch.relu(self.block(torch.relu(first)))

    def forward(self, latent: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
        """(B, Z) and int64 (B, C) to (B, V)."""
        odds: torch.Tensor = self.odds(self.state(latent, context))
        return odds


class Pair(nn.Module):
    """Both networks, as they are trained."""

    def __init__(self, encoder: Encoder, decoder: Decoder) -> None:
        super().__init__()
        self.encoder, self.decoder = encoder, decoder

    def forward(self, rows: torch.Tensor, context: torch.Tensor, noise: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The two parts of the evidence lower bound, nats per row: cross-entropy of the columns, and divergence of the latent vectors from the prior.

        Args:
            rows: int64 (B, D).
            context: int64 (B, C).
            noise: of the latent vectors, (B, Z).
        """
        mean, log_variance = self.encoder(rows, context)
        odds = self.decoder(mean + (log_variance / 2).exp() * noise, context)
        columns = zip(odds.split(self.decoder.row, 1), rows.unbind(1), strict=True)
        nats = torch.stack([functional.cross_entropy(block, codes) for block, codes in columns]).sum()
        return nats, (log_variance.exp() + mean.square() - 1 - log_variance).sum(1).mean() / 2


class TVAE(ConditionalGenerativeModel):
    """Draws whole rows at once."""

    name = "tvae"

    def __init__(self, layout: CodeLayout, settings: Mapping[str, Any]) -> None:
        super().__init__(layout, settings)
        self.options = read_settings(TVAESettings, self.name, settings)
        self.decoder = Decoder(layout, self.options.hidden, self.options.latent)
        self._pair: Pair | None = None  # only while training
        self._averaged: AveragedModel | None = None  # the same

    @classmethod
    def default_epochs(cls, rows: int) -> int:
        return epochs(rows, ROWS_PER_STEP)

    @classmethod
    def default_batch_size(cls, rows: int) -> int:
        return batch_size(rows)

    def parameters(self) -> Iterator[torch.nn.Parameter]:
        yield from (self.decoder if self._pair is None else self._pair).parameters()

    def prepare(self, rows: np.ndarray, context: np.ndarray, steps: int, total: int) -> None:
        options = self.options
        self._pair = Pair(Encoder(self.layout, options.hidden, options.latent), self.decoder)
        self._averaged = averaged(self._pair, options.ema)
        self._optimiser = torch.optim.AdamW(self.parameters(), lr=options.learning_rate, weight_decay=options.weight_decay, betas=(0.9, 0.99))
        self._schedule = torch.optim.lr_scheduler.LambdaLR(self._optimiser, partial(one_cycle, steps=steps))
        self._warm_up = max(1.0, WARM_UP * steps)

    def training_step(self, rows: torch.Tensor, context: torch.Tensor, reduce: Reduce) -> dict[str, float]:
        if self._pair is None or self._averaged is None:
            raise RuntimeError("tvae: training_step was called before prepare")
        nats, divergence = self._pair(rows, context, torch.randn(len(rows), self.options.latent))
        self._optimiser.zero_grad()
        share = min(1.0, self._schedule.last_epoch / self._warm_up)
        (self.options.reconstruction_weight * nats + share * divergence).backward()
        reduce(self.parameters())
        self._optimiser.step()
        self._schedule.step()
        self._averaged.update_parameters(self._pair)
        return {"nats": float(nats.detach()), "divergence": float(divergence.detach())}

    def anneal(self, steps: int) -> bool:
        schedule = self._schedule
        first, height = schedule.last_epoch, schedule.lr_lambdas[0](schedule.last_epoch)
        schedule.lr_lambdas = [partial(linear, first=first, steps=steps, height=height)]
        return True

    @torch.no_grad()
    def held_out_loss(self, rows: torch.Tensor, context: torch.Tensor) -> float | None:
        """The bound that is trained, in nats per row."""
        if self._averaged is None:
            return None
        noise = torch.randn(len(rows), self.options.latent, generator=torch.Generator().manual_seed(HELD_OUT_SEED))
        total = 0.0
        for part, above, own in zip(rows.split(BLOCK), context.split(BLOCK), noise.split(BLOCK), strict=True):
            nats, divergence = self._averaged.module(part, above, own)
            total += float(self.options.reconstruction_weight * nats + divergence) * len(part)
        return total / max(len(rows), 1)

    @torch.no_grad()
    def sample(self, context: np.ndarray, rng: np.random.Generator, given: np.ndarray | None = None) -> np.ndarray:
        rows = np.full((len(context), len(self.layout.row)), -1, dtype=np.int64) if given is None else given.astype(np.int64)
        asked = (rows >= 0).any(1)
        for which, size in ((~asked, BLOCK), (asked, BLOCK // CANDIDATES)):
            left = np.flatnonzero(which)
            for start in range(0, len(left), size):
                block = left[start : start + size]
                rows[block] = self._sample_block(torch.from_numpy(context[block]), rows[block], rng)
        return rows

    def _sample_block(self, context: torch.Tensor, rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Fill what is -1 of rows, int64 (B, D), of which all or none have given codes."""
        latent = self._suited(context, rows, rng) if (rows >= 0).any() else self._prior(len(rows), rng)
        for d, odds in enumerate(self._kept()(latent, context).split(self.layout.row, 1)):
            open_ = rows[:, d] < 0
            if open_.any():
                rows[open_, d] = drawn((odds - odds.mean(1, keepdim=True))[torch.from_numpy(open_)], None, rng).numpy()
        return rows

    def _suited(self, context: torch.Tensor, rows: np.ndarray, rng: np.random.Generator) -> torch.Tensor:
        """A latent vector per row, (B, Z): one of `CANDIDATES` from the prior, by how likely it makes the given codes."""
        candidates = self._prior(len(rows) * CANDIDATES, rng)  # (B * K, Z)
        odds = self._kept()(candidates, context.repeat_interleave(CANDIDATES, 0))  # (B * K, V)
        likely = torch.zeros(len(rows), CANDIDATES)
        for block, codes in zip(odds.split(self.layout.row, 1), torch.from_numpy(rows).unbind(1), strict=True):
            given = codes >= 0
            nats = block.log_softmax(1).view(len(rows), CANDIDATES, -1)[given]  # (given rows, K, codes)
            likely[given] += nats.gather(2, codes[given, None, None].expand(-1, CANDIDATES, 1)).squeeze(2)
        chosen = drawn(likely - likely.mean(1, keepdim=True), None, rng)  # (B,)
        return candidates.view(len(rows), CANDIDATES, -1)[torch.arange(len(rows)), chosen]

    def _prior(self, count: int, rng: np.random.Generator) -> torch.Tensor:
        return torch.from_numpy(rng.standard_normal((count, self.options.latent), dtype=np.float32))

    def _kept(self) -> Decoder:
        """What is kept, and so what is judged in the middle of training."""
        return self.decoder if self._averaged is None else self._averaged.module.decoder  # type: ignore[return-value]

    def state(self) -> dict[str, torch.Tensor]:
        return {name: value.detach().clone() for name, value in self._kept().state_dict().items()}

    def load_state(self, state: Mapping[str, torch.Tensor]) -> None:
        self._averaged = self._pair = None
        self.decoder.load_state_dict(dict(state))
        self.decoder.eval()
