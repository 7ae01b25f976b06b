"""Rows of which a column is asked for that follows from others: a combination of those others for each, by the row model's own likelihoods.

A column's code is drawn from those of the pool; where a combination has several columns, some of them are drawn so, and one is taken by the likelihood of
its other codes (sampling and importance resampling: Rubin 1988). Legend: `n` rows of a block, `m` of them, `M` modelled columns, `P` combinations, `K` tries.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..spec.steps import Draw
from .block import Block
from .dependencies.pools import Pool
from .spread import hashed

TRIES = 32  # combinations that a row chooses from
ROWS = 250  # of which shares are held at once

Shares = Callable[[np.ndarray, np.ndarray, str], np.ndarray]  # rows (m,), their known codes (m, M) and a column -> shares of its codes, (m, codes)


def choose(step: Draw, block: Block, given: np.ndarray | None, shares: Shares) -> np.ndarray | None:
    """Choose for the block's rows, and note it there; what is given to the model, int64 (n, M), with the codes of that.

    What an earlier phase makes of a combination is chosen by the row's number alone, so that later ones choose the same.
    """
    if block.plan.given is None or block.which is None:
        return given
    modelled = block.plan.fitted.model_columns
    known = np.full((len(block), len(modelled)), -1, dtype=np.int64) if given is None else given.copy()
    early = {name for phase in block.plan.fitted.program.phases[:-1] for s in phase.steps if isinstance(s, Draw) for name in s.columns}
    for index, condition in enumerate(block.plan.given.conditions):
        rows = np.flatnonzero(block.which == index)
        for pool in condition.pools if len(rows) else ():
            if early & set(pool.names):
                entries = (hashed(block.rows[rows], block.salt("sought", *pool.names)) * len(pool)).astype(np.int64)
            elif block.plan.is_last:
                entries = _entries(pool, rows, known, modelled, shares, block.rng("sought"))
            else:
                continue
            for i, name in enumerate(pool.names):
                if name in modelled:
                    known[rows, modelled.index(name)] = pool.codes[entries, i]
            _note(pool, rows, entries, block)
    return known


def _entries(pool: Pool, rows: np.ndarray, known: np.ndarray, modelled: tuple[str, ...], shares: Shares, rng: np.random.Generator) -> np.ndarray:
    """The combination of each row, int64 (m,)."""
    parts = []
    order = np.argsort(pool.codes[:, 0], kind="stable")
    for start in range(0, len(rows), ROWS):
        part = rows[start : start + ROWS]
        tried = _first(pool, order, shares(part, known[part], pool.names[0]), 1 if len(pool.names) == 1 else TRIES, rng)  # (m, K)
        weights = pool.tilt[tried, 0] if len(pool.names) > 1 else np.ones(tried.shape)
        codes = np.repeat(known[part], tried.shape[1], axis=0)  # (m K, M)
        for i, name in enumerate(pool.names[1:], 1):
            if pool.names[i - 1] in modelled:
                codes[:, modelled.index(pool.names[i - 1])] = pool.codes[tried.ravel(), i - 1]
            likely = shares(np.repeat(part, tried.shape[1]), codes, name)
            weights = weights * (likely[np.arange(len(codes)), pool.codes[tried.ravel(), i]] * pool.tilt[tried.ravel(), i]).reshape(tried.shape)
        parts.append(tried[np.arange(len(part)), _drawn(weights, 1, rng)[:, 0]])
    return np.concatenate(parts)


def _first(pool: Pool, order: np.ndarray, likely: np.ndarray, tries: int, rng: np.random.Generator) -> np.ndarray:
    """Combinations by the likelihood of their first code, int64 (m, K); `order` sorts them by it."""
    first = pool.codes[order, 0]
    codes, starts, counts = np.unique(first, return_index=True, return_counts=True)
    weights = likely[:, codes]
    if len(pool.names) == 1:
        weights = weights * pool.tilt[order[starts], 0]
    chosen = _drawn(weights, tries, rng)
    return order[starts[chosen] + (rng.random(chosen.shape) * counts[chosen]).astype(np.int64)]


def _drawn(weights: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Places by weights (m, W), int64 (m, count); any, where all weights of a row are 0."""
    weights = np.where(weights.sum(axis=1, keepdims=True) > 0, weights, 1.0)
    upto = weights.cumsum(axis=1)
    level = rng.random((len(weights), count)) * upto[:, -1:]
    return np.stack([(upto[:, :-1] <= level[:, [i]]).sum(axis=1) for i in range(count)], axis=1)


def _note(pool: Pool, rows: np.ndarray, entries: np.ndarray, block: Block) -> None:
    place = np.zeros(len(block), dtype=np.int64)
    place[rows] = entries
    held = np.zeros(len(block), dtype=bool)
    held[rows] = True
    for name, values in pool.values.items():
        chosen = values.take(pa.array(place))
        if name in block.chosen:  # of another condition
            before, there = block.chosen[name]
            chosen, held_too = pc.if_else(pa.array(held), chosen, before), held | there
        else:
            held_too = held
        block.chosen[name] = (chosen, held_too)
