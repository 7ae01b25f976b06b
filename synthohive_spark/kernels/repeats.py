"""How often rows repeat a label of their siblings, set right for families that the model draws itself.

In training all earlier rows of a family are real; in sampling they are drawn, and small faults of the first ones make the later ones stray. Each draw given a
real past can be right and drawn families still change their labels too often. So families are drawn once more with the contexts of real ones, and what speaks
for a label that the family has is lifted until they repeat labels as often as those. Legend: `N` rows, `D` drawn columns.
"""

from __future__ import annotations

import numpy as np

from .models.base import ConditionalGenerativeModel
from .staging import STRETCH

ROWS = 9_000  # that are drawn each time: a share of them is known to half a per cent
ROUNDS = 6
FIRST = 2  # rounds whose step is whole; later ones are shorter, so that the noise of the draws wears off
LEAST = 0.5  # rows, so that shares have finite odds


def settle_repeats(
    model: ConditionalGenerativeModel, rows: np.ndarray, context: np.ndarray, place: np.ndarray, labels: np.ndarray, rng: np.random.Generator
) -> None:
    """Lift what speaks for the labels of siblings until drawn families repeat them as often as real ones.

    Args:
        rows: of whole stretches of families in their order, int64 (N, D).
        place: of each row in its stretch, int64 (N,).
        labels: whether a column's codes have no order, bool (D,): of numbers it is not equality that matters.
    """
    rows, context, place = _some(rows, context, place, rng)
    if not labels.any() or not place.any():
        return
    real = _odds(rows, place)
    for round_ in range(ROUNDS):
        drawn = _odds(_drawn(model, context, place, rng), place)
        last, seen = (real - drawn) * labels / max(1, round_ + 2 - FIRST)
        if not model.lift_repeats(last - seen, seen):  # the last one is among those that are seen
            return


def _some(rows: np.ndarray, context: np.ndarray, place: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """About `ROWS` rows of stretches chosen at random."""
    stretch = np.cumsum(place == 0) - 1
    kept = (rng.random(stretch[-1] + 1) < ROWS / len(rows))[stretch]
    return rows[kept], context[kept], place[kept]


def _odds(rows: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Log odds, per column, that a row has the code of the one before, and, where not, that of any before that, float64 (2, D)."""
    later = np.flatnonzero(place > 0)
    last = rows[later] == rows[later - 1]
    seen = np.zeros_like(last)
    for back in range(2, STRETCH):
        there = place[later] >= back
        seen[there] |= rows[later[there]] == rows[later[there] - back]
    others = np.where(place[later][:, None] > 1, ~last, False)
    return np.stack([_log_odds(last.sum(0), len(later)), _log_odds((seen & others).sum(0), others.sum(0))])


def _log_odds(found: np.ndarray, of: np.ndarray | int) -> np.ndarray:
    return np.log((found + LEAST) / (of - found + LEAST))


def _drawn(model: ConditionalGenerativeModel, context: np.ndarray, place: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Codes int64 (N, D) of rows that come stretch by stretch, each drawn after those before it."""
    stretch = np.cumsum(place == 0) - 1
    memory = model.memory(int(stretch.max(initial=-1)) + 1)
    codes = np.zeros((len(place), len(model.layout.row)), dtype=np.int64)
    for turn in range(int(place.max(initial=-1)) + 1):
        now = np.flatnonzero(place == turn)
        history = {"history": memory.recall(stretch[now])}
        codes[now] = model.sample_columns(context[now], rng, None, range(codes.shape[1]), **history)
        memory.remember(stretch[now], codes[now])
    return codes
