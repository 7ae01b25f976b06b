"""CTGAN on integer codes, written from the paper (Xu et al. 2019, arXiv 1907.00503), conditioned on the parents' context.

From the paper: a condition per row, drawn by training-by-sampling with log frequencies; Gumbel softmax; cross-entropy on the conditioned column; the condition
drawn by true frequencies at sampling. Different, because it measured better per CPU-second: a logistic critic with a lazy gradient penalty on real rows
(Mescheder et al. 2018, arXiv 1801.04406; laziness from Karras et al. 2020, arXiv 1912.04958) in place of packing and WGAN-GP, an exponential average of the
generator's weights for sampling, and a moment loss (`moments.py`) that compares marginals and pair tables with the real ones.

With a context, rows are drawn without a condition: its value would have to be drawn given the context, which is what the model is there for.

Legend: `B` batch, `D` drawn columns, `C` context columns, `W` width of all one-hot blocks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel

from .averages import averaged
from .base import CodeLayout, ConditionalGenerativeModel, Reduce, read_settings
from .conditions import ConditionSampler, TrueConditions
from .moments import MomentLoss
from .networks import Critic, Generator

STEPS = 5_000  # of a large table; past that the held-out distance hardly falls
LOGIT_LIMIT = 30.0  # exp of it is still far inside float32, and the odds it allows are beyond any table
LEAST_MOMENT_ROWS = 200  # a tiny table's rows are repeated with other noise, or its moments would be noise alone
TRIES = 20  # draws of a row that is to have given codes, without a condition and then with one
BLOCK = 2_000  # rows of one forward pass: logits that stay in the processor's cache


@dataclass(frozen=True)
class CTGANSettings:
    """What can be set.

    Attributes:
        noise: width of the noise.
        hidden: width of the generator.
        layers: residual layers of the generator.
        critic_hidden: width of the critic.
        tau: temperature of the Gumbel softmax.
        learning_rate: peak rate of the generator; it warms up over 5 % of the steps and falls to 2 % over the second half.
        critic_learning_rate: the same of the critic.
        critic_every: steps per adversarial step; the moment loss takes part in all.
        critic_weight: of the adversarial loss.
        moment_weight: of the moment loss.
        condition_weight: of the cross-entropy on the conditioned column.
        gradient_penalty: weight of the squared gradient on real rows.
        penalty_every: critic steps per penalty.
        ema: share of the averaged weights that a step keeps.
        legacy_context_conditioning: the generator's step takes the conditions and contexts of the critic's step instead of its own.
    """

    noise: int = 64
    hidden: int = 128
    layers: int = 2
    critic_hidden: int = 128
    tau: float = 0.2
    learning_rate: float = 3e-3
    critic_learning_rate: float = 1e-3
    critic_every: int = 2
    critic_weight: float = 0.3
    moment_weight: float = 10.0
    condition_weight: float = 1.0
    gradient_penalty: float = 1.0
    penalty_every: int = 8
    ema: float = 0.995
    legacy_context_conditioning: bool = False


class CTGAN(ConditionalGenerativeModel):
    """Draws whole rows at once."""

    name = "ctgan"

    def __init__(self, layout: CodeLayout, settings: Mapping[str, Any]) -> None:
        super().__init__(layout, settings)
        self.options = read_settings(CTGANSettings, self.name, settings)
        self.width = sum(layout.row)
        self.offsets = np.concatenate([[0], np.cumsum(layout.row)]).astype(np.int64)  # (D + 1,)
        self._row_offsets = torch.from_numpy(self.offsets[:-1].copy())
        self._context_offsets = torch.from_numpy(np.cumsum([0, *layout.context])[:-1].astype(np.int64))
        self.generator = Generator(layout, self.options.noise, self.options.hidden, self.options.layers)
        self.critic: Critic | None = None  # only while training
        self._averaged: AveragedModel | None = None  # the same
        self._conditions = TrueConditions(layout.weights)

    @classmethod
    def default_epochs(cls, rows: int) -> int:
        """Steps grow with the rows up to `STEPS`, from some hundred on."""
        steps = min(STEPS, 300 + rows // 5)
        return max(1, round(steps / max(1, -(-rows // cls.default_batch_size(rows)))))

    @classmethod
    def default_batch_size(cls, rows: int) -> int:
        return 250

    def parameters(self) -> Iterator[torch.nn.Parameter]:
        yield from self.generator.parameters()
        if self.critic is not None:
            yield from self.critic.parameters()

    def prepare(self, rows: np.ndarray, context: np.ndarray, steps: int, total: int) -> None:
        options = self.options
        self.critic = Critic(self.layout, options.critic_hidden)
        self._averaged = averaged(self.generator, options.ema)
        self._rows, self._context = torch.from_numpy(rows), torch.from_numpy(context)
        self._by_frequency = ConditionSampler(rows, self.layout.row)
        self._moments = MomentLoss(self.layout, rows, context)
        self._steps, self._step = steps, 0
        self._generator_optimiser = torch.optim.Adam(self.generator.parameters(), lr=options.learning_rate, betas=(0.5, 0.99))
        self._critic_optimiser = torch.optim.Adam(self.critic.parameters(), lr=options.critic_learning_rate, betas=(0.5, 0.99))

    def training_step(self, rows: torch.Tensor, context: torch.Tensor, reduce: Reduce) -> dict[str, float]:
        self._step += 1
        self._schedule()
        losses: dict[str, torch.Tensor] = {}
        adversarial = self.options.critic_weight > 0 and self._step % self.options.critic_every == 0
        if adversarial:
            batch = self._by_frequency.draw(len(rows))
            losses["critic"] = self._critic_step(*batch, reduce)
            if not self.options.legacy_context_conditioning:
                batch = self._by_frequency.draw(len(rows))
            losses |= self._adversarial_losses(*batch)
        losses["moments"] = self._moment_loss(rows, context)
        options = self.options
        weights = {"moments": options.moment_weight, "adversarial": options.critic_weight, "condition": options.condition_weight}
        total = sum((weights[name] * loss for name, loss in losses.items() if name in weights), torch.zeros(()))
        self._generator_optimiser.zero_grad()
        total.backward()
        reduce(self.generator.parameters())
        self._generator_optimiser.step()
        if self._averaged is not None:
            self._averaged.update_parameters(self.generator)
        return {name: float(loss.detach()) for name, loss in losses.items()}

    def _critic_step(self, condition: torch.Tensor, numbers: torch.Tensor, reduce: Reduce) -> torch.Tensor:
        options, critic = self.options, self._trained_critic()
        context = self._context[numbers] + self._context_offsets
        with torch.no_grad():
            drawn = self._gumbel(self._logits(condition, context))
        real = self._one_hot(self._rows[numbers])
        penalised = options.gradient_penalty > 0 and (self._step // options.critic_every) % options.penalty_every == 0
        real.requires_grad_(penalised)
        scores = critic(real, condition, context)
        loss = functional.softplus(-scores).mean() + functional.softplus(critic(drawn, condition, context)).mean()
        total = loss
        if penalised:
            (slope,) = torch.autograd.grad(scores.sum(), real, create_graph=True)
            total = loss + options.gradient_penalty * options.penalty_every / 2 * slope.square().sum(1).mean()
        self._critic_optimiser.zero_grad()
        total.backward()
        reduce(critic.parameters())
        self._critic_optimiser.step()
        return loss.detach()

    def _adversarial_losses(self, condition: torch.Tensor, numbers: torch.Tensor) -> dict[str, torch.Tensor]:
        """The generator's side: fool the critic, and draw the code that it was conditioned on."""
        context = self._context[numbers] + self._context_offsets
        logits = self._logits(condition, context)
        score = self._trained_critic()(self._gumbel(logits), condition, context)
        chosen = torch.cat([block.log_softmax(1) for block in logits.split(self.layout.row, 1)], 1).gather(1, condition[:, None])
        return {"adversarial": functional.softplus(-score).mean(), "condition": -chosen.mean()}

    def _moment_loss(self, rows: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
        if len(rows) < LEAST_MOMENT_ROWS:
            times = -(-LEAST_MOMENT_ROWS // len(rows))
            rows, context = rows.repeat(times, 1), context.repeat(times, 1)
        places = context + self._context_offsets
        if self.layout.context:
            condition = torch.full((len(rows),), self.width)
        else:
            # Conditions that come from rows chosen at random have their true frequencies, as at sampling.
            column = torch.randint(len(self.layout.row), (len(rows),))
            condition = rows.gather(1, column[:, None])[:, 0] + self._row_offsets[column]
        logits = self._logits(condition, places)
        probabilities = torch.cat([block.softmax(1) for block in logits.split(self.layout.row, 1)], 1)  # (B, W)
        return self._moments(probabilities, places)

    def _logits(self, condition: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.generator(torch.randn(len(condition), self.options.noise), condition, context)
        return logits

    def _gumbel(self, logits: torch.Tensor) -> torch.Tensor:
        """Soft one-hot blocks (B, W)."""
        uniform = torch.rand_like(logits).clamp_(min=1e-12)  # four times as fast here as torch's exponential_
        noisy = (logits - uniform.log_().neg_().log_()) / self.options.tau
        return torch.cat([block.softmax(1) for block in noisy.split(self.layout.row, 1)], 1)

    def _one_hot(self, rows: torch.Tensor) -> torch.Tensor:
        return torch.zeros(len(rows), self.width).scatter_(1, rows + self._row_offsets, 1.0)  # (B, W)

    def _trained_critic(self) -> Critic:
        if self.critic is None:
            raise RuntimeError("ctgan: training_step was called before prepare")
        return self.critic

    def _schedule(self) -> None:
        share = self._step / max(self._steps, 1)
        factor = min(1.0, share / 0.05) * max(0.02, min(1.0, (1 - share) / 0.5))
        for optimiser, rate in ((self._generator_optimiser, self.options.learning_rate), (self._critic_optimiser, self.options.critic_learning_rate)):
            for group in optimiser.param_groups:
                group["lr"] = rate * factor

    @torch.no_grad()
    def sample(self, context: np.ndarray, rng: np.random.Generator, given: np.ndarray | None = None) -> np.ndarray:
        if given is not None and (given >= 0).any():
            return self._sample_given(context, given, rng)
        return self._sample_blocks(context, None, rng)

    def _sample_given(self, context: np.ndarray, given: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Rows drawn again until they have the given codes; those that never do are conditioned on the rarest one, and what differs then is overwritten.

        Conditions come last: each column's condition is as frequent in training, so that they lean towards rows that are rare.
        """
        asked = given >= 0
        shares = np.stack([w[np.maximum(given[:, d], 0)] for d, w in enumerate(self.layout.weights)], axis=1)
        column = np.where(asked, shares, np.inf).argmin(1)  # (N,)
        places = np.take_along_axis(given, column[:, None], 1)[:, 0] + self.offsets[column]
        condition = np.where(asked.any(1), places, self.width)
        rows = np.empty_like(given)
        left = np.arange(len(given))
        for conditions in (None, condition):
            for _ in range(TRIES):
                rows[left] = self._sample_blocks(context[left], None if conditions is None else conditions[left], rng)
                left = left[(asked[left] & (rows[left] != given[left])).any(1)]
        return np.where(asked, given, rows)

    def _sample_blocks(self, context: np.ndarray, condition: np.ndarray | None, rng: np.random.Generator) -> np.ndarray:
        """Rows for contexts (N, C) under conditions (N,), places among the `W`; None draws them."""
        parts = [
            self._sample_block(context[i : i + BLOCK], None if condition is None else condition[i : i + BLOCK], rng) for i in range(0, len(context), BLOCK)
        ]
        return np.concatenate(parts) if parts else np.zeros((0, len(self.layout.row)), dtype=np.int64)

    def _sample_block(self, context: np.ndarray, condition: np.ndarray | None, rng: np.random.Generator) -> np.ndarray:
        count = len(context)
        if condition is None:
            condition = np.full(count, self.width) if self.layout.context else self._conditions.draw(count, rng)
        noise = torch.from_numpy(rng.standard_normal((count, self.options.noise), dtype=np.float32))
        uniform = rng.random((len(self.layout.row), count), dtype=np.float32)
        places = torch.from_numpy(np.ascontiguousarray(context, dtype=np.int64)) + self._context_offsets
        odds = self._kept()(noise, torch.from_numpy(condition), places).clamp_(-LOGIT_LIMIT, LOGIT_LIMIT).exp_()  # (B, W)
        rows = np.empty((count, len(self.layout.row)), dtype=np.int64)
        for d, (start, end) in enumerate(zip(self.offsets[:-1], self.offsets[1:], strict=True)):
            cumulated = odds[:, start:end].cumsum(1).numpy()
            # Inverse distribution function: the code is the number of cumulated odds at or below the draw.
            rows[:, d] = (cumulated[:, :-1] <= (uniform[d] * cumulated[:, -1])[:, None]).sum(1)
        return rows

    def _kept(self) -> Generator:
        """What is kept, and so what is judged in the middle of training."""
        return self.generator if self._averaged is None else self._averaged.module  # type: ignore[return-value]

    def state(self) -> dict[str, torch.Tensor]:
        return {name: value.detach().clone() for name, value in self._kept().state_dict().items()}

    def load_state(self, state: Mapping[str, torch.Tensor]) -> None:
        self._averaged = None
        self.generator.load_state_dict(dict(state))
        self.generator.eval()
