"""An autoregressive model over integer codes, in any order of the columns.

The state of a row is the running sum of one learnt vector per known (column, code), the context's included. Each column has its own two-layer head that
turns a state into the odds of its codes. Training draws an order per row and asks every column for its code given those before it, with one
cross-entropy (any-order training: Uria, Murray, Larochelle 2014, arXiv 1310.1757; Hoogeboom et al. 2022, arXiv 2110.02037). So any columns can be given
at sampling, and the others follow from them without rejection. Where some are always drawn before others, most rows are trained in such orders: of all
orders hardly any has the same columns first, and what follows from these would be learnt on few rows.

Rows of one family (the children of one parent) see those before them: the codes of the last one and the mean over the earlier ones of their stretch, each as
one more vector of the state. Codes that earlier ones have get a lift, and having one adds to the state, so that what follows knows of it. Some rows are
trained without a part of it, since drawn families drift from real ones.

Legend: `B` batch, `D` drawn columns, `C` context columns, `H` width of the state, `K` width of a head, `V` codes of all columns, the context's first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch.optim.swa_utils import AveragedModel

from .any_order import OF_SIBLINGS, PARTS, Network, VectorMemory
from .averages import averaged
from .base import CodeLayout, ConditionalGenerativeModel, Reduce, read_settings
from .draws import Ready, drawn, patterns
from .history import History, Past
from .known import Known, States, Sums
from .schedules import batch_size, epochs, linear, one_cycle
from .smooth import LEAST_CODES, smooth

ROWS_PER_STEP = 25  # that one more step is for
SMALL = 20_000  # rows; smaller tables take smaller steps, or they are learnt by heart within some hundred
LEAST_RATE = 0.25  # of the learning rate, for the smallest
MAX_DECAY = 0.004  # of the weights in one step
DRAWN = 2_000  # rows that are drawn at a time: of more, layers leave the processor's cache; where the layout leaves the order open, each block has its own
BLOCK = 500  # rows that see siblings, which are drawn at a time, or held-out ones that are judged: each has the codes, or the states, of many
ANY_ORDER = 0.25  # share of the rows that are trained in any order, where columns have their turns: users may ask for values of any of them
FORGET = 0.1  # share of the rows that are trained without the row before, and without the earlier ones
HELD_OUT_SEED = 0  # orders in which held-out rows are read: the same at every evaluation


@dataclass(frozen=True)
class AutoregressiveSettings:
    """What can be set.

    Attributes:
        state: width of the state.
        head: width of a head.
        learning_rate: peak rate of a large table; it rises and falls along half a cosine.
        decay_rows: weight decay: at the peak rate a step shrinks weights by `decay_rows / training rows`, as if so many rows spoke for none at all.
        ema: share of the averaged weights that a step keeps.
    """

    state: int = 128
    head: int = 128
    learning_rate: float = 8e-3
    decay_rows: float = 80.0
    ema: float = 0.99


class Autoregressive(ConditionalGenerativeModel):
    """Draws column by column, each given those before it."""

    name = "autoregressive"
    any_order = True
    sees_siblings = True

    def __init__(self, layout: CodeLayout, settings: Mapping[str, Any]) -> None:
        super().__init__(layout, settings)
        self.options = read_settings(AutoregressiveSettings, self.name, settings)
        offsets = torch.from_numpy(np.cumsum([0, *layout.context, *layout.row])[:-1].astype(np.int64))
        self._context_offsets, self._row_offsets = offsets[: len(layout.context)], offsets[len(layout.context) :]
        self._own_offsets = self._row_offsets - sum(layout.context)
        self.network = Network(layout, self.options.state, self.options.head)
        self._averaged: AveragedModel | None = None  # only while training
        self._ready: Ready | None = None  # only after it

    @classmethod
    def default_epochs(cls, rows: int) -> int:
        return epochs(rows, ROWS_PER_STEP)

    @classmethod
    def default_batch_size(cls, rows: int) -> int:
        return batch_size(rows)

    def parameters(self) -> Iterator[torch.nn.Parameter]:
        yield from self.network.parameters()

    def prepare(self, rows: np.ndarray, context: np.ndarray, steps: int, total: int) -> None:
        options = self.options
        self._smooth()
        self._averaged = averaged(self.network, options.ema)
        rate = options.learning_rate * float(np.clip((total / SMALL) ** 0.5, LEAST_RATE, 1))
        self._optimiser = torch.optim.AdamW(self._groups(min(MAX_DECAY, options.decay_rows / total) / rate), lr=rate, betas=(0.9, 0.99), fused=True)
        self._schedule = torch.optim.lr_scheduler.LambdaLR(self._optimiser, partial(one_cycle, steps=steps))

    def _smooth(self) -> None:
        """Codes in an order have like vectors."""
        layout = self.layout
        starts = np.cumsum([0, *layout.context, *layout.row])[:-1]
        first = len(layout.context)
        placed = [(column, order + start) for column, (order, start) in enumerate(zip(layout.orders, starts, strict=False)) if len(order) >= LEAST_CODES]
        drawn = [order - sum(layout.context) for column, order in placed if column >= first]
        smooth(self.network, "vectors", [order for _, order in placed])
        smooth(self.network, "odds", drawn)
        smooth(self.network, "sibling", drawn if layout.siblings else [])

    def _groups(self, decay: float) -> list[dict[str, Any]]:
        """The weights and their decay; what starts from the real shares keeps to them."""
        shares = [p for name, p in self.network.named_parameters() if name.startswith("odds_bias")]
        rest = [p for name, p in self.network.named_parameters() if not name.startswith("odds_bias")]
        return [{"params": shares, "weight_decay": 0.0}, {"params": rest, "weight_decay": decay}]

    def training_step(self, rows: torch.Tensor, context: torch.Tensor, reduce: Reduce, place: torch.Tensor | None = None) -> dict[str, float]:
        if self._averaged is None:
            raise RuntimeError("autoregressive: training_step was called before prepare")
        order = self._orders(len(rows), ANY_ORDER)
        loss = torch.stack(self._losses(self.network, rows, context, order, place, FORGET)).sum()
        self._optimiser.zero_grad()
        loss.backward()
        reduce(self.network.parameters())
        self._optimiser.step()
        self._schedule.step()
        self._averaged.update_parameters(self.network)
        return {"nats": float(loss.detach())}

    def _orders(self, count: int, loose: float = 0.0, generator: torch.Generator | None = None) -> torch.Tensor:
        """Orders of the columns, int64 (count, D), in which rows are drawn; a share `loose` of the rows in any order at all."""
        keys = torch.rand(count, len(self.layout.row), generator=generator)
        if self.layout.turns:
            turns, known = torch.tensor(self.layout.turns).repeat(count, 1), list(self.layout.known)
            # In half of the rows, as if it were there from the start; rows that do not have it draw it in its turn.
            turns[:, known] = torch.where(torch.rand(count, 1, generator=generator) < 0.5, -1, turns[:, known])
            keys += turns * (torch.rand(count, 1, generator=generator) >= loose)  # keys are below 1
        return keys.argsort(1)

    def anneal(self, steps: int) -> bool:
        schedule = self._schedule
        first, height = schedule.last_epoch, schedule.lr_lambdas[0](schedule.last_epoch)
        schedule.lr_lambdas = [partial(linear, first=first, steps=steps, height=height)] * len(schedule.lr_lambdas)
        return True

    def _losses(
        self, network: Network, rows: torch.Tensor, context: torch.Tensor, order: torch.Tensor, place: torch.Tensor | None, forget: float = 0.0
    ) -> list[torch.Tensor]:
        history = network.history(rows, self._own_offsets, place, forget) if self.layout.siblings and place is not None else None
        return network.losses(rows + self._row_offsets, rows, context + self._context_offsets, order, history)

    def _kept(self) -> Network:
        """What is kept, and so what is judged in the middle of training."""
        return self.network if self._averaged is None else self._averaged.module  # type: ignore[return-value]

    @torch.no_grad()
    def held_out_loss(self, rows: torch.Tensor, context: torch.Tensor, place: torch.Tensor | None = None) -> float:
        """Nats per row; without a look at siblings where `place` is None."""
        orders = self._orders(len(rows), generator=torch.Generator().manual_seed(HELD_OUT_SEED))
        total = 0.0
        places = [None] * len(rows.split(BLOCK)) if place is None else place.split(BLOCK)
        for part, above, order, stretch in zip(rows.split(BLOCK), context.split(BLOCK), orders.split(BLOCK), places, strict=True):
            total += float(torch.stack(self._losses(self._kept(), part, above, order, stretch)).sum()) * len(part)
        return total / max(len(rows), 1)

    def sample(self, context: np.ndarray, rng: np.random.Generator, given: np.ndarray | None = None) -> np.ndarray:
        return self.sample_columns(context, rng, given, range(len(self.layout.row)))

    @torch.inference_mode()
    def sample_columns(
        self, context: np.ndarray, rng: np.random.Generator, given: np.ndarray | None, columns: Sequence[int], history: History | None = None
    ) -> np.ndarray:
        rows = np.full((len(context), len(self.layout.row)), -1, dtype=np.int64) if given is None else given.astype(np.int64)
        for there, alike in patterns(rows >= 0):
            wanted = np.array([d for d in columns if not there[d]], dtype=np.int64)
            size = DRAWN if history is None else BLOCK
            for start in range(0, len(alike), size):
                block = alike[start : start + size]
                past = None if history is None else history.of(torch.from_numpy(block))
                rows[block] = self._sample_block(context[block], rows[block], there, wanted, rng, past)
        return rows[:, list(columns)]

    @torch.no_grad()
    def shares(self, context: np.ndarray, given: np.ndarray, column: int) -> np.ndarray:
        found = np.empty((len(context), self.layout.row[column]))
        head = self._kept().heads()[column]
        for there, alike in patterns(given >= 0):
            for start in range(0, len(alike), BLOCK):
                block = alike[start : start + BLOCK]
                found[block] = head.logits(self._told(context[block], given[block], there), None).double().softmax(1).numpy()
        return found

    def _told(self, context: np.ndarray, rows: np.ndarray, known: np.ndarray) -> torch.Tensor:
        """The states (B, H) of rows of which the context, int64 (B, C), and the columns that are `known`, bool (D,), of `rows` are given."""
        network = self._kept()
        state = network.first(torch.from_numpy(context) + self._context_offsets, network.vectors).clone()
        for d in np.flatnonzero(known):
            state += network.vectors.index_select(0, torch.from_numpy(rows[:, d]) + self._row_offsets[d])
        return state

    def memory(self, stretches: int) -> VectorMemory:
        return VectorMemory(self._kept(), self._own_offsets, stretches)

    def _sample_block(
        self,
        context: np.ndarray,
        rows: np.ndarray,
        known: np.ndarray,
        wanted: np.ndarray,
        rng: np.random.Generator,
        history: History | None,
    ) -> np.ndarray:
        """Fill the columns `wanted` of `rows`, int64 (B, D), given those that are `known`, bool (D,), in their turns, or in an order chosen for the block."""
        ready = self._drawing()
        pasts: list[Past | None] = [None] * rows.shape[1] if history is None else list(history.pasts())
        state = self._known(ready, context, rows, known, len(wanted), history, pasts)
        for d in self._in_turns(rng.permutation(wanted)).tolist():
            codes = drawn(ready.heads[d].odds_of(state.layer(d).relu_(), pasts[d]), pasts[d], rng)
            rows[:, d] = codes.numpy()
            self._add(state, d, codes, pasts[d])
        return rows

    def _known(
        self, ready: Ready, context: np.ndarray, rows: np.ndarray, known: np.ndarray, coming: int, history: History | None, pasts: Sequence[Past | None]
    ) -> Known:
        """What rows know before any column is drawn, as in `_sample_block`."""
        there = np.flatnonzero(known).tolist()
        places = torch.from_numpy(context) + self._context_offsets
        found: Known | None = None
        if history is None and ready.sums is not None:
            found = ready.sums.of(places, len(there) + coming)
        if found is None:
            network = self._kept()
            state = network.first(places, ready.vectors).clone()
            found = States(state if history is None else state.add_(history.vectors), ready.vectors, network.hidden, network.hidden_bias)
        for d in there:
            self._add(found, d, torch.from_numpy(rows[:, d]), pasts[d])
        return found

    def _add(self, state: Known, column: int, codes: torch.Tensor, past: Past | None) -> None:
        """From now on rows know the codes of a column, int64 (B,), and which of them siblings before have too."""
        state.add(codes + self._row_offsets[column])
        if past is not None:
            state.add(self._kept().alike_places(codes, past, column))

    def _drawing(self) -> Ready:
        """What drawing needs of the weights: computed once, unless they still change."""
        if self._ready is not None:
            return self._ready
        network = self._kept()
        vectors = network.table() if self.layout.siblings else network.vectors
        if self._averaged is not None:
            return Ready([head.centred() for head in network.heads()], vectors, None)
        small = Sums.fit(len(network.vectors), len(self.layout.row), self.options.head)
        sums = Sums(network.vectors, network.start, network.hidden, network.hidden_bias) if small else None
        self._ready = Ready([head.centred() for head in network.heads()], vectors, sums)
        return self._ready

    def _in_turns(self, columns: np.ndarray) -> np.ndarray:
        return columns[np.argsort(np.array(self.layout.turns)[columns], kind="stable")] if self.layout.turns else columns

    @torch.no_grad()
    def lift_repeats(self, last: np.ndarray, seen: np.ndarray) -> bool:
        self._ready = None
        self._kept().lifts.data += torch.from_numpy(np.stack([last, seen], 1)).float()
        return True

    def forget_siblings(self) -> None:
        """From now on rows are learnt and drawn one by one."""
        self.layout, self._ready = replace(self.layout, siblings=False), None

    def state(self) -> dict[str, torch.Tensor]:
        kept = {name: getattr(self._kept(), name).detach().clone() for name in PARTS}
        if self.layout.siblings:
            return kept
        square = ("before", "earlier")
        return kept | {name: kept[name][:0, :0].clone() if name in square else kept[name][:0].clone() for name in OF_SIBLINGS}

    def load_state(self, state: Mapping[str, torch.Tensor]) -> None:
        self._ready = None
        if self._averaged is not None:
            self._averaged = None
            self.network = Network(self.layout, self.options.state, self.options.head)  # it may have forgotten siblings
        self.network.load_state_dict(dict(state))
        self.network.eval()
