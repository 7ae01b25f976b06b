"""What rows share with the rows that their keys lead to: how often columns of both are equal, and how often they would be by chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

PAIRING, MINE, THEIRS, WEIGHT = "pairing", "mine", "theirs", "weight"
SHARED_DDL = "pairing int, candidate int, rows double, equal double, chance double"


@dataclass(frozen=True)
class Candidate:
    """Columns that may be equal, as places in the arrays of both sides.

    Attributes:
        mine: of the row.
        theirs: their counterparts in the parent's row.
    """

    mine: tuple[int, ...]
    theirs: tuple[int, ...]


def shared_values(frame: pd.DataFrame, *, candidates: Mapping[int, Sequence[Candidate]]) -> pd.DataFrame:
    """The rows of one pairing in, one line per candidate out (`SHARED_DDL`); nulls are equal to each other.

    Args:
        frame: `PAIRING` (the same in all rows), `MINE` and `THEIRS` (arrays of hashes), `WEIGHT` (how many rows it stands for).
        candidates: by pairing.
    """
    pairing = int(frame[PAIRING].iloc[0])
    mine, theirs = _columns(frame[MINE]), _columns(frame[THEIRS])
    weight = frame[WEIGHT].to_numpy(dtype="float64")
    lines = []
    for number, candidate in enumerate(candidates[pairing]):
        both = np.concatenate([mine[:, list(candidate.mine)], theirs[:, list(candidate.theirs)]])
        value = pd.DataFrame(both).groupby(list(range(both.shape[1])), sort=False, dropna=False).ngroup().to_numpy()
        own, other = value[: len(frame)], value[len(frame) :]
        shares = [np.bincount(side, weights=weight, minlength=value.max() + 1) / weight.sum() for side in (own, other)]
        lines.append((pairing, number, weight.sum(), weight[own == other].sum(), float(shares[0] @ shares[1])))
    return pd.DataFrame(lines, columns=["pairing", "candidate", "rows", "equal", "chance"])


def _columns(arrays: pd.Series) -> np.ndarray:
    """(N, columns) objects: hashes, and None for null."""
    return np.array([list(array) for array in arrays], dtype=object)
