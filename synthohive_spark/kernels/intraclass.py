"""How much one row of a family says of another: what is lost where rows of one parent are drawn apart from each other.

Of a column, the larger of two estimates from pairs of siblings: of numbers, the mutual information of two normal scores with the correlation of their ranks
(-log(1 - r^2) / 2, r being the intraclass correlation, Fisher 1925); of labels, what a mixture gains that gives the sibling's label the share that
siblings repeat more often than chance has them do.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.stats import rankdata

FAMILY, ROW, HASHES, NUMBERS, KEY = "family", "row", "hashes", "numbers", "key"
INTRACLASS_DDL = "key int, place int, nats double, repeated double, chance double, told double"
LEAST_PAIRS = 200  # fewer tell nothing
MOST_NATS = 4.0  # of a column: more is the same, it could be derived
SURE = 3.0  # standard errors that a likeness must be away from chance


def intraclass(frame: pd.DataFrame, *, least: int) -> pd.DataFrame:
    """The sampled rows of one key in, what a sibling tells of each column out (`INTRACLASS_DDL`); columns of which it tells nothing are left out.

    Out come nats, the share of the pairs of siblings that have the same value, what that share would be for any two rows (nulls are equal), and the share of
    the rows whose value `least` families have, or fewer rows: it can be told as well if each family counts once.

    Args:
        frame: `KEY` (the same in all rows), `FAMILY` and `ROW` (hashes), `HASHES` and `NUMBERS` (arrays, one value per column; NaN where there is no number).
        least: values of fewer rows are never told.
    """
    order = np.lexsort((frame[ROW], frame[FAMILY]))
    family = frame[FAMILY].to_numpy()[order]
    first = np.flatnonzero(family[1:] == family[:-1])
    key = int(frame[KEY].iloc[0])
    lines: list[tuple[int, int, float, float, float, float]] = []
    if len(first) >= LEAST_PAIRS:
        hashes, numbers = (np.stack(frame[name].to_list())[order] for name in (HASHES, NUMBERS))
        lines = [(key, place, *facts) for place, facts in _columns(hashes, numbers, first, family, least)]
    return pd.DataFrame(lines, columns=["key", "place", "nats", "repeated", "chance", "told"])


def _columns(
    hashes: np.ndarray, numbers: np.ndarray, first: np.ndarray, family: np.ndarray, least: int
) -> Iterator[tuple[int, tuple[float, float, float, float]]]:
    for place in range(hashes.shape[1]):
        which, counts = np.unique(hashes[:, place], return_inverse=True, return_counts=True)[1:]
        shares, same = counts / len(which), which[first] == which[first + 1]
        nats = max(_of_labels(shares, same, which[first + 1]), _of_numbers(numbers[:, place], first))
        if nats:
            families = np.bincount(np.unique(np.stack([which, family]), axis=1)[0], minlength=len(counts))
            told = ((families >= least) | (counts < least))[which].mean()
            yield place, (round(min(nats, MOST_NATS), 6), round(float(same.mean()), 6), round(float(shares @ shares), 6), round(float(told), 6))


def _of_labels(shares: np.ndarray, same: np.ndarray, second: np.ndarray) -> float:
    """Of labels with these shares, in pairs that are the same or not; `second` is the label of the later one of each."""
    chance, repeated = float(shares @ shares), float(same.mean())
    if repeated - chance <= SURE * np.sqrt(chance * (1 - chance) / len(same)):
        return 0.0
    copied = min((repeated - chance) / (1 - chance), 1 - 1 / len(same))
    here = shares[second]
    return float(np.where(same, np.log((copied + (1 - copied) * here) / here), np.log(1 - copied)).mean())


def _of_numbers(values: np.ndarray, first: np.ndarray) -> float:
    pairs = first[~(np.isnan(values[first]) | np.isnan(values[first + 1]))]
    if len(pairs) < LEAST_PAIRS:
        return 0.0
    ranks = rankdata(values, nan_policy="omit")
    one, two = ranks[pairs], ranks[pairs + 1]
    middle, spread = np.nanmean(ranks), np.nanvar(ranks)
    r = float(((one - middle) * (two - middle)).mean() / spread) if spread else 0.0
    if r <= SURE / np.sqrt(len(pairs)):
        return 0.0
    return -0.5 * np.log(max(1 - r * r, np.exp(-2 * MOST_NATS))) * len(pairs) / len(first)
