"""Labels in columns of text that hold something else: what stands for a missing value (`\\N`, `n/a`, `0000-00-00`), or for one that is not of their form."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pandas as pd

from .marks import MOST_LABELS

COMMON_SHARE = 0.02  # of the rows from which a text is a label: a name that two of a hundred rows have names none of them
COMMON_ROWS = 20  # of a label: fewer would be an accident
OTHER_SHARE = 0.05  # of the rows from which those beside the labels count: fewer are typing errors
STRAY_SHARE = 0.005  # of the rows that may have a label that is too rare to be told: they get a number
USUAL_SHARE = 0.01  # of the texts from which on an outline is one of theirs
MISSING = frozenset({"na", "none", "null", "nan", "nil", "missing", "unknown", "undefined"})  # words for nothing, which can look like any other
_WORD = re.compile(r"[^\W\d_]{3}")
_DIGIT, _NOT_ZERO = "[0-9]", "[1-9]"


def common_labels(seen: pd.DataFrame) -> np.ndarray:
    """Which lines of a counted frame, (L,), are labels that many rows have in place of a text; none where hardly a row has another one.

    A label says nothing, and does not look like the texts: the commonest of the cities is one of them.
    """
    rows = seen["n"].to_numpy(dtype=np.float64)
    common = _told(seen) & (rows >= max(COMMON_ROWS, COMMON_SHARE * rows.sum()))
    if not common.any() or rows[~common].sum() < OTHER_SHARE * rows.sum():
        return np.zeros(len(seen), dtype=bool)
    others = Counter(_outline(text) for text in seen["text"][~common].dropna())
    usual = {outline for outline, n in others.items() if n >= USUAL_SHARE * others.total()}
    told = [_says_nothing(text) and (bool(_WORD.search(text)) or _outline(text) not in usual) for text in seen["text"][common]]
    common[np.flatnonzero(common)] = told
    return common


def _says_nothing(text: str) -> bool:
    return not _WORD.search(text) or re.sub(r"[\W_]+", "", text).casefold() in MISSING


def _outline(text: str) -> str:
    """The text with a sign for each run of capitals, other letters and digits."""
    return re.sub(r"[^\W\d_]+", lambda run: "A" if run[0].isupper() else "a", re.sub(r"\d+", "9", text))


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
