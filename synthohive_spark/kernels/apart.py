"""Move values that repeat too often inside their group to free ones. Legend: `n` rows, `V` labels, `k` columns."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from ..spec.encoding import NumberEncoding
from .spread import grid_bounds

TRIES = 32  # random labels that a row tries before all free ones are listed


def numbers_apart(group: np.ndarray, cells: np.ndarray, encoding: NumberEncoding, times: int = 1) -> np.ndarray:
    """Cells of a grid, none more than `times` in its group, float64 (n,): those that repeat move up to the next free one, and past the end where none is left.

    Args:
        group: int64 (n,).
        cells: float64 (n,), whole numbers.
    """
    first, last, start, end = grid_bounds(encoding)
    order = np.lexsort((np.arange(len(cells)), cells, group))
    frame = pd.DataFrame({"g": group[order], "c": np.clip(cells[order], first, last)})
    slot = frame.groupby("g", sort=False).cumcount() // times  # rows of one slot may share a cell, those of two never do
    slots = slot.groupby(frame["g"], sort=False).transform("max") + 1
    up = (frame["c"] - slot).groupby(frame["g"], sort=False).cummax() + slot
    # Where a group fits between the real ends it stays there, else it goes on as far as the type does.
    ceiling = np.where(slots <= last - first + 1, last, np.minimum(end, up.groupby(frame["g"], sort=False).transform("max")))
    moved = np.minimum(up, ceiling - (slots - 1 - slot))
    out = np.empty(len(cells))
    out[order] = np.maximum(moved, start + slot)
    return out


def labels_apart(group: np.ndarray, place: np.ndarray, weights: np.ndarray, times: int, rng: np.random.Generator) -> np.ndarray:
    """Labels, none more than `times` in its group, int64 (n,); -1 where a group has more rows than there are labels.

    Args:
        group: int64 (n,).
        place: the label of each row, int64 (n,).
        weights: of the labels, float64 (V,): commoner ones are taken first.
    """
    out = place.copy()
    keys = pd.DataFrame({"g": group, "p": place})
    again = np.flatnonzero((keys.groupby(["g", "p"], sort=False).cumcount() >= times).to_numpy())
    if not len(again):
        return out
    crowded = np.isin(group, group[again])
    used: dict[int, dict[int, int]] = {}
    kept = np.setdiff1d(np.flatnonzero(crowded), again)
    for g, p in zip(group[kept].tolist(), place[kept].tolist(), strict=True):
        mine = used.setdefault(g, {})
        mine[p] = mine.get(p, 0) + 1
    cumulated = np.cumsum(weights)
    for row in again.tolist():  # only the rows that met
        mine = used.setdefault(int(group[row]), {})
        label = _free_label(mine, weights, cumulated, times, rng)
        out[row] = label
        if label >= 0:
            mine[label] = mine.get(label, 0) + 1
    return out


def _free_label(used: dict[int, int], weights: np.ndarray, cumulated: np.ndarray, times: int, rng: np.random.Generator) -> int:
    for u in rng.random(TRIES):
        label = min(int(np.searchsorted(cumulated, u * cumulated[-1], side="right")), len(weights) - 1)
        if used.get(label, 0) < times:
            return label
    free = np.setdiff1d(np.arange(len(weights)), [label for label, n in used.items() if n >= times])
    if not len(free):
        return -1
    share = np.maximum(weights[free], 1e-12)
    return int(rng.choice(free, p=share / share.sum()))


def together_apart(group: np.ndarray, places: np.ndarray, sizes: tuple[int, ...], times: int, rng: np.random.Generator) -> np.ndarray:
    """Combinations of labels of several columns, none more than `times` in its group, int64 (n, k).

    Args:
        group: int64 (n,).
        places: int64 (n, k).
        sizes: labels of each column; their product has room for each group.
    """
    out = places.copy()
    code = np.ravel_multi_index(tuple(places.T), sizes)
    again = np.flatnonzero((pd.DataFrame({"g": group, "c": code}).groupby(["g", "c"], sort=False).cumcount() >= times).to_numpy())
    total = math.prod(sizes)
    used: dict[int, dict[int, int]] = {}
    for g, c in zip(np.delete(group, again).tolist(), np.delete(code, again).tolist(), strict=True):
        mine = used.setdefault(g, {})
        mine[c] = mine.get(c, 0) + 1
    for row in again.tolist():
        mine = used.setdefault(int(group[row]), {})
        tries = rng.integers(total, size=TRIES)
        free = next((int(c) for c in tries if mine.get(int(c), 0) < times), None)
        if free is None:
            left = np.setdiff1d(np.arange(total), [c for c, n in mine.items() if n >= times])
            free = int(rng.choice(left))
        mine[free] = mine.get(free, 0) + 1
        out[row] = np.unravel_index(free, sizes)
    return out
