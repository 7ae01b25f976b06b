"""Labels in columns of text that hold something else: what stands for a missing value (`\\N`, `n/a`, `0000-00-00`), or for one that is not of their form."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from .marks import MOST_LABELS

COMMON_SHARE = 0.02  # of the rows from which a text is a label: a name that two of a hundred rows have names none of them
COMMON_ROWS = 20  # of a label: fewer would be an accident
OTHER_SHARE = 0.05  # of the rows from which those beside the labels count: fewer are typing errors
STRAY_SHARE = 0.005  # of the rows that may have a label that is too rare to be told: they get a number
_DIGIT, _NOT_ZERO = "[0-9]", "[1-9]"


def common_labels(seen: pd.DataFrame) -> np.ndarray:
    """Which lines of a counted frame, (L,), are texts that many rows have among others; none where hardly a row has another one."""
    rows = seen["n"].to_numpy(dtype=np.float64)
    common = _told(seen) & (rows >= max(COMMON_ROWS, COMMON_SHARE * rows.sum()))
    return common & (rows[~common].sum() >= OTHER_SHARE * rows.sum())


def labels_beside(seen: pd.DataFrame) -> Iterator[np.ndarray]:
    """Lines of a counted frame, bool (L,), that may be labels among dates or numbers: none, those without a digit, those without one that is not 0."""
    yield np.zeros(len(seen), dtype=bool)
    known, rows = seen["text"].notna().to_numpy(), seen["n"].to_numpy(dtype=np.float64)
    last = 0
    for digit in (_DIGIT, _NOT_ZERO):
        beside = known & ~seen["text"].str.contains(digit, na=True).to_numpy(dtype=bool)
        told = beside & _told(seen)
        few = 0 < told.sum() <= MOST_LABELS and rows[beside & ~told].sum() <= STRAY_SHARE * rows.sum()
        if few and beside.sum() > last:
            last = beside.sum()
            yield beside


def told_labels(lines: pd.DataFrame) -> tuple[str, ...]:
    """The labels of such lines that may be reproduced."""
    return tuple(sorted(lines["text"][_told(lines)]))


def _told(seen: pd.DataFrame) -> np.ndarray:
    return seen["text"].notna().to_numpy() & seen["kept"].to_numpy(dtype=bool)
