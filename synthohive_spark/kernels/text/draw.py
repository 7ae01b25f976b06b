"""Texts from shapes: every sign that stands for a letter or a digit is drawn. Legend: `S` shapes, `L` their length, `N` texts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from ..columns.rows import Rows
from ..spread import shuffled
from .checks import set_check
from .signs import CHECK, CHOSEN, CONSONANT, DRAWN, LAST_LITERAL, LEADING, LIMITED, LITERAL, RANGES, SPARE, VOWEL, range_of

ROOM = 10**18  # of a number that 64 bits hold
MOST_LETTERS = 6  # of a code: longer words hardly meet, and would look odd with each letter as likely
CHUNK = 8_192  # rows generated at a time: 13 MB at the greatest length
WORD = 3  # letters: codes of digits and letters have shorter runs
_ZERO = ord("0")
# Letters by their frequency in English text, so that words are not all q and x.
_LOWER = "e" * 12 + "t" * 9 + "a" * 8 + "o" * 8 + "i" * 7 + "n" * 7 + "s" * 6 + "r" * 6 + "h" * 6 + "l" * 4 + "d" * 4 + "ccuummffppggwwyybbvk"


def _points(letters: str) -> np.ndarray:
    return np.array([ord(char) for char in letters], dtype=np.uint32)


_DIGITS = {"9": _points("0123456789"), LEADING: _points("123456789"), SPARE: _points("0123456789")}
_SPOKEN = {sign: _points("".join(c for c in _LOWER if (c in "aeiou") == vowel)) for sign, vowel in ((CONSONANT, False), (VOWEL, True))}


class Letters(NamedTuple):
    """What signs stand for beside digits, where it is not the letters of English.

    Attributes:
        upper, lower: letters, each as often as it is drawn.
        sets: the few characters that some places have.
        check: the name of the check digits.
    """

    upper: str = ""
    lower: str = ""
    sets: tuple[str, ...] = ()
    check: str = ""


class _Unit(NamedTuple):
    """Digits of a shape that are one number, or a letter: their places, the least number and how many there are, and the letters that it counts."""

    places: list[int]
    low: int
    size: int
    letters: np.ndarray | None = None


def code_points(shapes: tuple[str, ...], *, spoken: bool = True) -> np.ndarray:
    """The code points of each shape, uint32 (S, L), zeros after its end.

    Args:
        spoken: words of lower case letters get vowels in every second place.
    """
    padded = np.array([_spoken(shape) if spoken else shape for shape in shapes], dtype=np.str_)
    return padded.view(np.uint32).reshape(len(shapes), -1) if padded.itemsize else np.zeros((len(shapes), 1), dtype=np.uint32)


def text_from_shapes(shapes: np.ndarray, chosen: np.ndarray, rng: np.random.Generator, rows: Rows | None = None, letters: Letters | None = None) -> pa.Array:
    """A string for each of `chosen`, int64 (N,), indices into `shapes`, the code points of `code_points`, uint32 (S, L).

    Args:
        rows: no two of the table's rows get the same text, where the digits of their shape leave room, or its letters with them.
        letters: what else is drawn.
    """
    letters = letters or Letters()
    drawn = {"A": _points(letters.upper or _LOWER.upper()), "a": _points(letters.lower or _LOWER), **_DIGITS, **_SPOKEN}
    drawn |= {chr(CHOSEN + place): _points(few) for place, few in enumerate(letters.sets)}
    points = shapes[chosen] if rows is None else _numbered(shapes, chosen, rows, drawn)
    parts = [_text(points[i : i + CHUNK], drawn, letters.check, rng) for i in range(0, len(chosen), CHUNK)]
    return pa.array(np.concatenate(parts) if parts else np.empty(0, dtype="<U1"), type=pa.string())


def _numbered(shapes: np.ndarray, chosen: np.ndarray, rows: Rows, drawn: Mapping[str, np.ndarray]) -> np.ndarray:
    """The code points of each string, uint32 (N, L), with digits that tell the row: a permutation of all numbers that they can make.

    Codes of letters (of airports, currencies, countries) tell it by those: then each letter is as likely as any other.
    """
    points = shapes[chosen]
    for shape in np.unique(chosen):
        one = shapes[shape]
        units = next((u for u in (_units(one), _units(_freed(one)), [*_letters(one, drawn), *_units(one)]) if rows.total <= _room(u) <= ROOM), None)
        if units is None:
            continue
        which = np.flatnonzero(chosen == shape)
        number = shuffled(rows.numbers[which], _room(units), rows.salt)
        for unit in reversed(units):
            if unit.letters is None:
                _write(points, which, unit.places, unit.low + number % unit.size)
            else:
                points[which, unit.places[0]] = DRAWN + unit.letters[number % unit.size]
            number //= unit.size
    return points


def _room(units: list[_Unit]) -> int:
    room = 1
    for unit in units:
        room *= unit.size
    return room


def _units(shape: np.ndarray) -> list[_Unit]:
    """The numbers that the digits of a shape, uint32 (L,), can make, in their order: the last ones, where there are more than 64 bits hold."""
    text = "".join(map(chr, shape))
    units: list[_Unit] = []
    for found in re.finditer(rf"9|{LEADING}|([{chr(LIMITED)}-{chr(LIMITED + 2 * len(RANGES) - 1)}])\1*", text):
        limits = range_of(found[0][0])
        low, high = _span(len(found[0]), *limits) if limits else (int(found[0] == LEADING), 9)
        units.append(_Unit(list(range(*found.span())), low, high - low + 1))
    room, kept = 1, []
    for unit in reversed(units):
        if room * unit.size > ROOM:
            break
        room *= unit.size
        kept.append(unit)
    return kept[::-1]


def _letters(shape: np.ndarray, drawn: Mapping[str, np.ndarray]) -> list[_Unit]:
    """The letters of a shape, uint32 (L,), that is a code; none of one with words."""
    signs = [(place, sign) for place, sign in enumerate(map(chr, shape)) if sign in drawn and sign not in _DIGITS]
    alphabets = [(place, np.unique(drawn[sign])) for place, sign in signs] if len(signs) <= MOST_LETTERS else []
    return [_Unit([place], 0, len(letters), letters) for place, letters in alphabets]


def _freed(shape: np.ndarray) -> np.ndarray:
    """A shape whose digits are all drawn: more rows than the real ones may need those that all real texts share."""
    digit = (shape >= LITERAL + _ZERO) & (shape <= LITERAL + _ZERO + 9)
    return np.where(digit, np.uint32(ord("9")), shape)


def _span(digits: int, natural: tuple[int, int, float], padded: bool) -> tuple[int, int]:
    """The least and the greatest number of so many digits in a range."""
    low, high = natural[0], min(natural[1], 10**digits - 1)
    return min(high, max(low, 0 if padded or digits == 1 else 10 ** (digits - 1))), high


def _write(points: np.ndarray, rows: np.ndarray, places: list[int] | np.ndarray, number: np.ndarray) -> None:
    """Write numbers, int64 (n,), digit by digit."""
    for place in reversed(places):
        points[rows, place] = (DRAWN + _ZERO + number % 10).astype(np.uint32)
        number = number // 10


def _text(points: np.ndarray, drawn: dict[str, np.ndarray], check: str, rng: np.random.Generator) -> np.ndarray:
    points = np.ascontiguousarray(points)  # (N, L), a copy
    last = points == ord(CHECK)
    for sign, letters in drawn.items():
        places = points == ord(sign)
        # The letters drawn for an earlier sign may be signs themselves ("a" is a letter): mark them beyond Unicode until all are drawn.
        points[places] = letters[rng.integers(len(letters), size=int(places.sum()))] + np.uint32(DRAWN)
    for sign in sorted(set(np.unique(points).tolist()) & set(range(LIMITED, LIMITED + 2 * len(RANGES)))):
        _draw_limited(points, sign, rng)
    points[points >= DRAWN] -= np.uint32(DRAWN)
    literal = (points >= LITERAL) & (points <= LITERAL + LAST_LITERAL)
    points[literal] -= np.uint32(LITERAL)
    if last.any():
        rows = np.flatnonzero(last.any(axis=1))
        checked = points[rows]
        set_check(checked, last[rows], check)
        points[rows] = checked
    return points.view(f"<U{points.shape[1]}").ravel()


def _draw_limited(points: np.ndarray, sign: int, rng: np.random.Generator) -> None:
    """Numbers of one natural range: digits side by side are one number."""
    natural, padded = range_of(chr(sign)) or (RANGES[0], False)
    while (here := points == sign).any():
        rows = np.flatnonzero(here.any(axis=1))
        first = here[rows].argmax(axis=1)  # of the first number of each text
        after = np.concatenate([~here[rows], np.ones((len(rows), 1), dtype=bool)], axis=1)
        after[np.arange(after.shape[1]) < first[:, None]] = False
        digits = after.argmax(axis=1) - first
        for length in np.unique(digits):
            these = digits == length
            low, high = _span(int(length), natural, padded)
            number = rng.integers(low, high + 1, size=int(these.sum()))
            for back in range(int(length)):
                points[rows[these], first[these] + length - 1 - back] = (DRAWN + _ZERO + number % 10).astype(np.uint32)
                number = number // 10


def _spoken(shape: str) -> str:
    """The shape with signs for consonants and vowels in its words."""
    return re.sub(rf"A?a{{{WORD - 1},}}", lambda word: _alternating(word[0]) if len(word[0]) >= WORD else word[0], shape)


def _alternating(word: str) -> str:
    return "".join(sign if sign == "A" else (CONSONANT, VOWEL)[place % 2] for place, sign in enumerate(word))
