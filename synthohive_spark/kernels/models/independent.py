"""Each column from its own real distribution: the floor that a learnt model has to beat, and what tiny tables get; with a Gaussian copula if asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from scipy.special import ndtr, ndtri

from ...errors import SchemaError
from ..copula import interval_cuts
from .base import CodeLayout, ConditionalGenerativeModel, Reduce

TAIL = 1e-9  # a latent value drawn at the very end of its interval would be infinite


@dataclass(frozen=True)
class IndependentSettings:
    """What can be set.

    Attributes:
        copula: keep how columns go together, with each other and with the context, as far as the correlations of a Gaussian copula can say it.
    """

    copula: bool = False

    @classmethod
    def read(cls, settings: Mapping[str, Any]) -> IndependentSettings:
        """Raises `SchemaError` for a name that is none of ours, or a value that is not true or false."""
        known = [f.name for f in fields(cls)]
        unknown = sorted(set(settings) - set(known))
        if unknown:
            raise SchemaError(f"independent: unknown settings {', '.join(unknown)}; there are {', '.join(known)}")
        wrong = sorted(name for name, value in settings.items() if not isinstance(value, bool))
        if wrong:
            raise SchemaError(f"independent: {', '.join(wrong)} must be true or false")
        return cls(**settings)


class Independent(ConditionalGenerativeModel):
    """Needs no training: the shares of the codes are part of the encoding, and the copula comes from Spark sums (`stages/copula.py`)."""

    name = "independent"

    def __init__(self, layout: CodeLayout, settings: Mapping[str, Any]) -> None:
        super().__init__(layout, settings)
        # A subclass has settings of its own.
        self.options = IndependentSettings.read(settings) if type(self) is Independent else IndependentSettings()
        self._copula: _Copula | None = None

    @classmethod
    def default_epochs(cls, rows: int) -> int:
        return 1

    def training_step(self, rows: torch.Tensor, context: torch.Tensor, reduce: Reduce) -> dict[str, float]:
        return {}

    def sample(self, context: np.ndarray, rng: np.random.Generator, given: np.ndarray | None = None) -> np.ndarray:
        if self._copula is not None:
            return self._copula.sample(context, rng, given)
        columns = []
        for weights in self.layout.weights:
            cumulated = np.cumsum(weights)
            # `right` never lands on a code of no weight; the limit is for draws that rounding puts past the end.
            last = int(np.flatnonzero(weights)[-1]) if np.any(weights) else 0
            columns.append(np.minimum(np.searchsorted(cumulated / cumulated[-1], rng.random(len(context)), side="right"), last))
        rows = np.stack(columns, axis=1).astype(np.int64) if columns else np.zeros((len(context), 0), dtype=np.int64)
        return rows if given is None else np.where(given < 0, rows, given)

    def state(self) -> dict[str, torch.Tensor]:
        return {} if self._copula is None else self._copula.state()

    def load_state(self, state: Mapping[str, torch.Tensor]) -> None:
        names = sorted(_STATE) if self.options.copula else []
        if sorted(state) != names:
            raise ValueError(f"independent: a state with the tensors {names} was expected, not {sorted(state)}")
        if self.options.copula:
            self._copula = _Copula(self.layout, {name: tensor.numpy() for name, tensor in state.items()})


_STATE = ("correlation", "order", "context_shares")


class _Copula:
    """Draws the latent variables of a row given those of its context.

    Args:
        state: `correlation` float64 (C + D, C + D), context first; `order`, for each of these columns its codes in the order of their intervals, one
            after another; `context_shares`, shares of the rows per code of each context column, one after another.

    Raises:
        ValueError: the shapes do not fit the layout.
    """

    def __init__(self, layout: CodeLayout, state: Mapping[str, np.ndarray]) -> None:
        sizes = (*layout.context, *layout.row)
        width = len(sizes)
        if state["correlation"].shape != (width, width) or len(state["order"]) != sum(sizes) or len(state["context_shares"]) != sum(layout.context):
            raise ValueError("independent: the copula belongs to other columns")
        if not np.isfinite(state["correlation"]).all():
            raise ValueError("independent: the copula's correlations are no numbers")
        self._state, self._known_width = dict(state), len(layout.context)
        orders = np.split(state["order"], np.cumsum(sizes)[:-1])
        shares = [*np.split(state["context_shares"], np.cumsum(layout.context)[:-1]), *layout.weights] if layout.context else list(layout.weights)
        if any(not np.array_equal(np.sort(order), np.arange(size)) for order, size in zip(orders, sizes, strict=True)):
            raise ValueError("independent: the copula's order of codes is none")
        self._orders = orders
        self._cuts = [interval_cuts(order, share) for order, share in zip(orders, shares, strict=True)]
        self._ranks = [np.argsort(order) for order in orders]

    def state(self) -> dict[str, torch.Tensor]:
        return {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in self._state.items()}

    def sample(self, context: np.ndarray, rng: np.random.Generator, given: np.ndarray | None) -> np.ndarray:
        """As `ConditionalGenerativeModel.sample`."""
        drawn = len(self._orders) - self._known_width
        asked = np.full((len(context), drawn), -1) if given is None else given
        codes = np.concatenate([context, asked], axis=1).astype(np.int64)  # (N, C + D)
        patterns, pattern_of = np.unique(codes >= 0, axis=0, return_inverse=True)
        for i, pattern in enumerate(patterns):
            rows = np.flatnonzero(pattern_of.ravel() == i)
            codes[rows] = self._fill(codes[rows], pattern, rng)
        return codes[:, self._known_width :]

    def _fill(self, codes: np.ndarray, known: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """`codes` (B, C + D) with those columns drawn that are not `known`, bool (C + D,)."""
        if known.all() or not len(codes):
            return codes
        have, want = np.flatnonzero(known), np.flatnonzero(~known)
        correlation = self._state["correlation"]
        spread = correlation[np.ix_(want, want)]
        mean: np.ndarray | float = 0.0
        if len(have):
            # A point inside the code's interval, not its middle: the latent variable would have too little variance, and the marginals would narrow.
            latent = np.stack([self._latent(codes[:, i], int(i), rng) for i in have], axis=1)  # (B, known)
            slopes = np.linalg.solve(correlation[np.ix_(have, have)], correlation[np.ix_(have, want)])  # (known, drawn)
            mean = latent @ slopes
            spread = spread - correlation[np.ix_(want, have)] @ slopes
        z = mean + rng.standard_normal((len(codes), len(want))) @ _root(spread)  # (B, drawn)
        for place, i in enumerate(want):
            codes[:, i] = self._orders[i][np.searchsorted(self._cuts[i][1:-1], z[:, place], side="right")]
        return codes

    def _latent(self, codes: np.ndarray, column: int, rng: np.random.Generator) -> np.ndarray:
        """A latent value, float64 (B,), inside the interval of each code."""
        edges: np.ndarray = ndtr(self._cuts[column])
        rank = self._ranks[column][codes]
        low, high = edges[rank], edges[rank + 1]
        z: np.ndarray = ndtri(np.clip(low + rng.random(len(codes)) * (high - low), TAIL, 1 - TAIL))
        return z


def _root(covariance: np.ndarray) -> np.ndarray:
    """A matrix whose transpose times itself is `covariance`, (k, k); conditioning can leave eigenvalues a rounding below 0."""
    values, vectors = np.linalg.eigh(covariance)
    root: np.ndarray = (vectors * np.sqrt(np.maximum(values, 0.0))).T
    return root
