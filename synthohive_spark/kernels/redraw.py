"""The row model of a block, what it is told, and values that it draws once more. Legend: `n` rows, `m` of them, `C` context columns."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import pandas as pd
import pyarrow as pa
import torch

from ..spec.steps import Draw
from .block import Block, GenerationPlan, as_series
from .columns import decode_codes, encode_frame
from .columns.marks import marked
from .conditioning import context_codes
from .models import restore_model
from .models.base import ConditionalGenerativeModel

BATCH = 10_000  # rows that a model draws at once


def model_of(block: Block) -> ConditionalGenerativeModel | None:
    """The table's row model, ready to draw; None where nothing was learnt."""
    return _restored(_Plan(block.plan)) if block.plan.fitted.model is not None else None


class _Plan:
    """Compares by identity: what restoring compares are all weights, for each block anew."""

    def __init__(self, plan: GenerationPlan) -> None:
        self.plan = plan

    def __hash__(self) -> int:
        return id(self.plan)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Plan) and self.plan is other.plan


@lru_cache(maxsize=4)  # a chain of tables takes turns
def _restored(key: _Plan) -> ConditionalGenerativeModel | None:
    fitted = key.plan.fitted
    if fitted.model is None:
        return None
    marginals = tuple(fitted.encoding.column(name).weights for name in fitted.model_columns)
    torch.set_num_threads(1)  # more would fight over the cores with the other tasks, and sum in another order
    return restore_model(fitted.model, fitted.weights, marginals, key.plan.row_model)


def context_of(step: Draw, block: Block) -> np.ndarray:
    """What the model is told, int64 (n, C): own known columns, then the driving parent's row."""
    fitted, n = block.plan.fitted, len(block)
    conditions = fitted.encoding.select(step.conditions)
    own = block.frame(conditions.names) if conditions.columns else None
    if block.parents is None:
        return context_codes(own, conditions, None, fitted.context_encoding, n)
    # Parents are encoded once each, and their codes repeated for every child.
    parents = block.parents
    above = context_codes(None, conditions.select(()), parents.frame, fitted.context_encoding, len(parents.frame))[parents.of_child]
    return np.concatenate([context_codes(own, conditions, None, None, n), above], axis=1)


class Redrawing:
    """Values of single columns, drawn by the row model given the rest of their rows; by their own distribution where the model has no say."""

    def __init__(self, block: Block) -> None:
        self._block = block
        self._context: np.ndarray | None = None

    def __call__(self, name: str, rows: np.ndarray, columns: Mapping[str, pa.Array]) -> pa.Array:
        """Values (m,) of the column `name` for the rows at these places, int64 (m,), whose other columns, (n,) each, stay."""
        block, fitted = self._block, self._block.plan.fitted
        encoding, rng = fitted.encoding.select((name,)), block.rng("redraw")
        modelled, model = fitted.model_columns, model_of(block)
        if model is None or name not in modelled:
            shares = np.asarray(encoding.columns[0].weights)
            codes = rng.choice(len(shares), size=len(rows), p=shares / shares.sum())
        else:
            given = self._given(name, rows, columns)
            context, place = self._told(block.plan.fitted.program.draw)[rows], modelled.index(name)
            parts = [_drawn(model, context[i : i + BATCH], given[i : i + BATCH], place, rng) for i in range(0, len(rows), BATCH)]
            codes = np.concatenate(parts)
        return decode_codes(codes[:, None], encoding, rng)[name]

    def _given(self, name: str, rows: np.ndarray, columns: Mapping[str, pa.Array]) -> np.ndarray:
        """Codes that stay, int64 (m, M), -1 where the model may draw."""
        modelled = self._block.plan.fitted.model_columns
        there = tuple(n for n in modelled if n in columns and n != name)
        frame = pd.DataFrame({n: as_series(marked(columns[n].take(pa.array(rows)))) for n in there}, copy=False)
        codes = np.full((len(rows), len(modelled)), -1, dtype=np.int64)
        if there:
            codes[:, [modelled.index(n) for n in there]] = encode_frame(frame, self._block.plan.fitted.encoding.select(there))
        return codes

    def _told(self, draw: Draw) -> np.ndarray:
        if self._context is None:
            self._context = context_of(draw, self._block)
        return self._context


def _drawn(model: ConditionalGenerativeModel, context: np.ndarray, given: np.ndarray, place: int, rng: np.random.Generator) -> np.ndarray:
    if model.any_order:
        return model.sample_columns(context, rng, given, [place])[:, 0]
    return model.sample(context, rng, given)[:, place]
