"""Shared by the tests of row models: layouts, contexts of nothing, and a short training."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import torch

from synthohive_spark.kernels.models.base import CodeLayout, ConditionalGenerativeModel, no_reduction

Model = TypeVar("Model", bound=ConditionalGenerativeModel)


def layout_of(rows: np.ndarray, row: tuple[int, ...], context: tuple[int, ...] = ()) -> CodeLayout:
    return CodeLayout(row, context, tuple(np.bincount(rows[:, d], minlength=k) / len(rows) for d, k in enumerate(row)))


def none(count: int) -> np.ndarray:
    return np.zeros((count, 0), dtype=np.int64)


def trained(kind: type[Model], layout: CodeLayout, rows: np.ndarray, context: np.ndarray, steps: int, batch: int = 200, **settings: object) -> Model:
    torch.manual_seed(0)
    model = kind(layout, settings)
    model.prepare(rows, context, steps, len(rows))
    rng = np.random.default_rng(0)
    for _ in range(steps):
        chosen = rng.integers(0, len(rows), min(batch, len(rows)))
        losses = model.training_step(torch.from_numpy(rows[chosen]), torch.from_numpy(context[chosen]), no_reduction)
        if not all(np.isfinite(v) for v in losses.values()):
            raise AssertionError(losses)
    return model
