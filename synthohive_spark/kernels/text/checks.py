"""Check digits, which follow from the rest of a code: of cards, bar codes, books, accounts, vehicles and numbers of persons or companies.

Legend: `N` texts, `L` their length.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

LEAST_DIGITS = 8  # of a text: shorter ones are rarely protected
FIRST = 20  # texts of a first look
_ZERO, _A = ord("0"), ord("A")


class _Weighted(NamedTuple):
    """Digits at the end that make the weighted sum of all digits a multiple of the modulus.

    Attributes:
        modulus: of the sum.
        cycle: weights of the digits before the check digit, from the right, which come again; none for 2, 3, 4 and on.
        across: a product adds its digits, as Luhn has it.
        ten: what stands for ten; "" where no code has it.
        digits: that are checks; the second counts the first in.
    """

    modulus: int
    cycle: tuple[int, ...] = ()
    across: bool = False
    ten: str = ""
    digits: int = 1


# Luhn: ISO/IEC 7812-1. GTIN and ISBN-13: GS1. Modulus 11: ISBN-10, ISSN and NHS numbers (weights 2 to 10); RUT and organisation numbers (2 to 7); CPF, CNPJ.
_WEIGHTED = {
    "luhn": _Weighted(10, (2, 1), across=True),
    "gtin": _Weighted(10, (3, 1)),
    "mod11": _Weighted(11),
    "isbn10": _Weighted(11, ten="X"),
    "mod11-7": _Weighted(11, tuple(range(2, 8))),
    "rut": _Weighted(11, tuple(range(2, 8)), ten="K"),
    "cpf": _Weighted(11, ten="0", digits=2),
    "cnpj": _Weighted(11, tuple(range(2, 10)), ten="0", digits=2),
}
_IBAN = re.compile(r"[A-Z]{2}\d\d(?: ?[A-Z0-9]){10,32}")  # ISO 13616: the first four characters count last
_MOD97 = re.compile(r"[A-Z0-9]{10,32}\d\d")  # ISO/IEC 7064, as in the LEI of ISO 17442
_VIN = re.compile(r"[A-HJ-NPR-Z0-9]{8}[0-9X][A-HJ-NPR-Z0-9]{8}")  # 49 CFR 565.15
_VIN_WEIGHTS = np.array([8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2])
_VIN_LETTERS = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", (1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9), strict=True))
# The letters that a code is made of, where a check digit is told of no others.
LETTERS = {"vin": "".join(_VIN_LETTERS)}


def check_of(texts: Sequence[str]) -> str:
    """The name of the check digits that all texts (V,) have; "" for none."""
    return next((name for name in _NAMES if all(_pass(some, name) for some in (texts[:FIRST], texts))), "")


def is_spare(name: str) -> bool:
    """Whether some numbers have no check digit, so that the digit before it gives way."""
    return name in _WEIGHTED and _WEIGHTED[name].modulus > 10 and not _WEIGHTED[name].ten


def check_places(text: str, name: str) -> list[int]:
    """Where the check digits of a text stand; none where it cannot have them."""
    if name in _WEIGHTED:
        scheme = _WEIGHTED[name]
        digits = [place for place, char in enumerate(text) if "0" <= char <= "9"]
        last = len(text.rstrip()) - 1
        if scheme.ten.isalpha() and last >= 0 and text[last] == scheme.ten:
            digits.append(last)
        return digits[-scheme.digits :] if len(digits) >= LEAST_DIGITS else []
    pattern, start, end = {"iban": (_IBAN, 2, 4), "mod97": (_MOD97, len(text) - 2, len(text)), "vin": (_VIN, 8, 9)}[name]
    return list(range(start, end)) if pattern.fullmatch(text) else []


def set_check(points: np.ndarray, places: np.ndarray, name: str) -> None:
    """Set the check digits of texts, code points uint32 (N, L), at their places, bool (N, L), so that they follow from the rest."""
    setter: Callable[[np.ndarray, np.ndarray], None] = _SETTERS.get(name) or (lambda p, at: _set_weighted(p, at, _WEIGHTED[name]))
    setter(points, places)


def _pass(texts: Sequence[str], name: str) -> bool:
    at = [check_places(text, name) for text in texts]
    if not all(at):
        return False
    points = np.array(texts, dtype=np.str_).view(np.uint32).reshape(len(texts), -1)
    places = np.zeros(points.shape, dtype=bool)
    for row, some in enumerate(at):
        places[row, some] = True
    made = points.copy()
    set_check(made, places, name)
    return bool((made == points).all())


def _set_weighted(points: np.ndarray, places: np.ndarray, scheme: _Weighted) -> None:
    first = places.argmax(axis=1)
    last = points.shape[1] - 1 - places[:, ::-1].argmax(axis=1)
    for place in (first, last)[: scheme.digits]:
        digit = _check_digit(points, place, scheme)
        if scheme.modulus > 10 and not scheme.ten:
            rows = np.flatnonzero(digit == 10)
            _give_way(points, rows, place[rows])
            digit[rows] = _check_digit(points[rows], place[rows], scheme)
        tens = ord(scheme.ten) if scheme.ten else _ZERO
        points[np.arange(len(points)), place] = np.where(digit == 10, tens, _ZERO + digit).astype(np.uint32)


def _digits_before(points: np.ndarray, place: np.ndarray) -> np.ndarray:
    return (points >= _ZERO) & (points <= _ZERO + 9) & (np.arange(points.shape[1]) < place[:, None])


def _check_digit(points: np.ndarray, place: np.ndarray, scheme: _Weighted) -> np.ndarray:
    """What the digits before the place, int64 (N,), lack of a multiple; int64 (N,)."""
    digit = _digits_before(points, place)
    values = np.where(digit, points.astype(np.int64) - _ZERO, 0)
    from_right = np.cumsum(digit[:, ::-1], axis=1)[:, ::-1] - 1  # 0 for the digit before the last
    weights = np.asarray(scheme.cycle)[from_right % len(scheme.cycle)] if scheme.cycle else from_right + 2
    added = weights * values
    added = np.where(added > 9, added - 9, added) if scheme.across else added
    found: np.ndarray = -added.sum(axis=1, where=digit) % scheme.modulus
    return found


def _give_way(points: np.ndarray, rows: np.ndarray, place: np.ndarray) -> None:
    """Another digit before the place, int64 (n,), in these rows: it counts twice, so that what was ten is no longer."""
    before = _digits_before(points[rows], place)
    at = points.shape[1] - 1 - before[:, ::-1].argmax(axis=1)
    points[rows, at] = _ZERO + (points[rows, at] - _ZERO + 1) % 10


def _set_iban(points: np.ndarray, places: np.ndarray) -> None:
    _set_mod97(points, places, [*range(4, points.shape[1]), *range(4)])


def _set_mod97(points: np.ndarray, places: np.ndarray, order: Sequence[int] | None = None) -> None:
    """Two digits that leave 1 of the number modulo 97; letters count as 10 to 35."""
    points[places] = _ZERO
    rest = np.zeros(len(points), dtype=np.int64)
    for column in range(points.shape[1]) if order is None else order:
        char = points[:, column].astype(np.int64)
        digit, letter = (char >= _ZERO) & (char <= _ZERO + 9), (char >= _A) & (char < _A + 26)
        rest = np.where(digit, rest * 10 + char - _ZERO, np.where(letter, rest * 100 + char - _A + 10, rest)) % 97
    rows, first = np.arange(len(points)), places.argmax(axis=1)
    points[rows, first], points[rows, first + 1] = _ZERO + (98 - rest) // 10, _ZERO + (98 - rest) % 10


def _set_vin(points: np.ndarray, places: np.ndarray) -> None:
    values = np.zeros(max(_ZERO + 10, ord("Z") + 1), dtype=np.int64)
    values[_ZERO : _ZERO + 10] = np.arange(10)
    values[[ord(char) for char in _VIN_LETTERS]] = list(_VIN_LETTERS.values())
    code = points[:, : len(_VIN_WEIGHTS)]
    rest = (values[np.where(places[:, : len(_VIN_WEIGHTS)] | (code >= len(values)), 0, code)] * _VIN_WEIGHTS).sum(axis=1) % 11
    points[places] = np.where(rest == 10, ord("X"), _ZERO + rest).astype(np.uint32)


_SETTERS: dict[str, Callable[[np.ndarray, np.ndarray], None]] = {"iban": _set_iban, "mod97": _set_mod97, "vin": _set_vin}
_NAMES = (*_WEIGHTED, *_SETTERS)
