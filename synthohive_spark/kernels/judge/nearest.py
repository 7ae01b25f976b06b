"""How near synthetic rows are to real ones: distance to closest record (DCR), and rows that are the same. Legend: `Q` rows that look, `R` rows looked at.

The distance of two rows adds up, over their columns, the difference of ranks of numbers and times, in [0, 1], and 1 where labels, or nulls, differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import roc_auc_score

from .rows import Rows, Values

LOOKING = 4_000  # rows: a share of them is exact to 0.01
LOOKED_AT = 20_000  # rows, and of those held out as many as there are among them
CELLS = 1.5e9  # that are compared: some seconds
AT_ONCE = 3e5  # distances that are held in memory: more leave the cache
LEAST_HELD = 200  # rows, below which chance decides which side is nearer
LEAST_ROWS = 50
ATTACKED, LEAST_ATTACKED = 4_000, 1_000  # rows of each kind whose membership is guessed: of 1,000, chance moves the AUC by 0.013
QUANTILE = 0.05
NO_GUESS = 0.5  # an AUC
SAME = 1e-6  # of a distance: what rounding leaves between equal rows


@dataclass(frozen=True)
class Nearest:
    """What was found.

    Attributes:
        nearness: odds, as a share, that the nearest real row of a synthetic one is one that trained rather than one that was held out, each of them being as
            likely by itself: 0.5 where nothing was learnt by heart; None where it is not known which rows trained, or too few were held out.
        distance: the 5 % quantile of the distances of synthetic rows to their nearest real row, and that of real rows to others.
        same: share of the synthetic rows that are the same as a real one, and of real rows that are the same as another.
        rows: synthetic rows that were looked at.
        membership: AUC of a guess which real rows trained and which were held out, 0.5 at least: those that have a synthetic row nearer than real rows of a
            reference are taken for trained ones. None where it is not known which rows trained, where too few were held out, or whole families.
    """

    nearness: float | None
    distance: tuple[float, float]
    same: tuple[float, float]
    rows: int
    membership: float | None = None


def nearest_rows(real: Rows, synthetic: Rows, held: np.ndarray, *, alone: bool = True) -> Nearest | None:
    """The nearest real rows of synthetic rows, and of real rows among others: halves, or those held out among those that trained.

    Args:
        held: of the real rows, 1 where it was held out, 0 where it trained, -1 where that is not known, int64 (N,).
        alone: rows were held out one by one. Where whole families were, those of the reference would be near to their siblings among the attacked ones, and
            to no row that trained: that tells them apart without any synthetic row.

    Returns:
        None where there are too few rows, or no columns.
    """
    if min(len(real), len(synthetic)) < 2 * LEAST_ROWS or not real.columns:
        return None
    known = (held >= 0).sum() > len(held) / 2 and (held == 1).sum() >= LEAST_HELD
    sides = [np.flatnonzero(held == side) for side in (0, 1)] if known else [np.arange(0, len(real), 2), np.arange(1, len(real), 2)]
    most = min(LOOKED_AT, int(CELLS / LOOKING / len(real.columns)) + 2 * LEAST_ROWS)
    trained, others = sides[0][:most], sides[1][:most]
    places = _Places(real, synthetic)
    looking = np.arange(min(LOOKING, len(synthetic)))
    beside = [places.nearest(places.synthetic(looking), places.real(rows)) for rows in (trained, others)]
    among = places.nearest(places.real(others[:LOOKING]), places.real(trained))
    return Nearest(
        nearness=_odds(beside[0], beside[1], len(trained), len(others)) if known else None,
        distance=(float(np.quantile(beside[0][0], QUANTILE)), float(np.quantile(among[0], QUANTILE))),
        same=(float((beside[0][0] < SAME).mean()), float((among[0] < SAME).mean())),
        rows=len(looking),
        membership=_membership(places, sides, len(synthetic), most) if known and alone else None,
    )


def _membership(places: _Places, sides: list[np.ndarray], synthetic: int, most: int) -> float | None:
    """The AUC of `Nearest.membership`: a shadow-free attack, calibrated by how dense real rows are around a row (Watson et al. 2022, arXiv 2111.08440).

    Args:
        sides: numbers of the rows that trained, and of those held out.
        synthetic: number of synthetic rows.
        most: rows that are looked at on each side.
    """
    # Reference rows must be of neither attacked kind: half of those held out. All are in an order that says nothing.
    attacked = min(ATTACKED, len(sides[0]), len(sides[1]) // 2)
    if attacked < LEAST_ATTACKED:
        return None
    reference = places.real(sides[1][attacked:][:most])
    made = places.synthetic(np.arange(min(synthetic, most)))
    ratios = []
    for rows in sides:
        looking = places.real(rows[:attacked])
        near, usual = places.nearest(looking, made)[0], places.nearest(looking, reference)[0]
        ratios.append((near + SAME) / (usual + SAME))
    trained = np.r_[np.ones(attacked), np.zeros(attacked)]
    return max(NO_GUESS, float(roc_auc_score(trained, -np.concatenate(ratios))))


def _odds(trained: tuple[np.ndarray, np.ndarray], held: tuple[np.ndarray, np.ndarray], n: int, m: int) -> float:
    """The share of `Nearest.nearness`: of rows that are equally near each counts alike."""
    (d, ties), (e, others) = trained, held
    first = np.where(d < e - SAME, 1.0, np.where(d > e + SAME, 0.0, ties / (ties + others))).mean()
    weights = first / n, (1 - first) / m
    return float(weights[0] / sum(weights))


class _Places:
    """Both sides as ranks and labels, (rows, columns) each."""

    def __init__(self, real: Rows, synthetic: Rows) -> None:
        self._sides = [_placed(real.columns, real.columns), _placed(real.columns, synthetic.columns)]

    def real(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self._sides[0][0][rows], self._sides[0][1][rows]

    def synthetic(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self._sides[1][0][rows], self._sides[1][1][rows]

    @staticmethod
    def nearest(looking: tuple[np.ndarray, np.ndarray], looked_at: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """The distance of the nearest row, float64 (Q,), and how many rows are as near, int64 (Q,)."""
        found, ties = np.empty(len(looking[0])), np.empty(len(looking[0]), dtype=np.int64)
        step = max(1, int(AT_ONCE / max(len(looked_at[0]), 1)))
        for start in range(0, len(found), step):
            part = slice(start, start + step)
            apart = np.zeros((len(found[part]), len(looked_at[0])), dtype=np.float32)
            for mine, theirs in zip(looking[0][part].T, looked_at[0].T, strict=True):
                between = np.abs(mine[:, None] - theirs[None, :])
                # A null lies two ranks below the rest, and counts as 1 from any value.
                apart += np.minimum(between, 1, out=between) if min(mine.min(initial=0), theirs.min(initial=0)) < 0 else between
            for mine, theirs in zip(looking[1][part].T, looked_at[1].T, strict=True):
                apart += mine[:, None] != theirs[None, :]
            found[part] = apart.min(axis=1)
            ties[part] = (apart <= found[part][:, None] + SAME).sum(axis=1)
        return found, ties


def _placed(real: Mapping[str, Values], side: Mapping[str, Values]) -> tuple[np.ndarray, np.ndarray]:
    rows = len(next(iter(side.values())).data)
    numbers = [_ranks(values.data, side[name].data) for name, values in real.items() if not values.labels]
    labels = [side[name].data.astype(np.int32) for name, values in real.items() if values.labels]
    return (np.stack(numbers, axis=1) if numbers else np.empty((rows, 0), np.float32)), (np.stack(labels, axis=1) if labels else np.empty((rows, 0), np.int32))


def _ranks(real: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The middle of a value's ranks among the real ones, float32 in [0, 1]; -2 for null."""
    known = np.sort(real[~np.isnan(real)])
    both = [np.searchsorted(known, values, side=side) for side in ("left", "right")]
    return np.where(np.isnan(values), -2.0, (both[0] + both[1]) / max(2 * len(known), 1)).astype(np.float32)
