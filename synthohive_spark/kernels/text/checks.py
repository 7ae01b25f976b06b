"""Check digits: the last digit of card numbers (Luhn), of bar codes and books (GTIN, ISBN-13), which follows from the others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

LEAST_DIGITS = 8  # of a text: shorter ones are rarely protected
_ZERO = ord("0")
# What a digit adds to the sum at the even places before the last one; those between add themselves. The sum ends in zero.
_ADDED = {"luhn": np.array([0, 2, 4, 6, 8, 1, 3, 5, 7, 9]), "gtin": np.arange(10) * 3 % 10}


def check_of(texts: Sequence[str]) -> str:
    """The check digit that all texts end with; "" for none."""
    known = [[int(char) for char in text if "0" <= char <= "9"] for text in texts]
    if any(len(digits) < LEAST_DIGITS for digits in known):
        return ""
    return next((name for name in _ADDED if all(_sum(digits, name) % 10 == 0 for digits in known)), "")


def set_check(points: np.ndarray, place: np.ndarray, name: str) -> None:
    """Set the last digit of texts, code points uint32 (N, L), at its place, int64 (N,): the digits before it tell it."""
    digit = (points >= _ZERO) & (points <= _ZERO + 9) & (np.arange(points.shape[1]) < place[:, None])
    values = np.where(digit, points - _ZERO, 0).astype(np.int64)
    from_right = np.cumsum(digit[:, ::-1], axis=1)[:, ::-1]  # 1 for the digit before the last
    total = np.where(from_right % 2 == 1, _ADDED[name][values], values).sum(axis=1, where=digit)
    points[np.arange(len(points)), place] = (_ZERO + -total % 10).astype(np.uint32)


def _sum(digits: list[int], name: str) -> int:
    added = _ADDED[name]
    return sum(int(added[d]) if i % 2 else d for i, d in enumerate(reversed(digits)))
