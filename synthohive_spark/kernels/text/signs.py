"""The signs of a shape.

    A, a, 9         an upper case letter, a lower case one (or one of a script without case), a digit: each is drawn
    LITERAL + c     the letter or digit `c` itself
    LEADING         a digit that is drawn, but no zero
    CHECK           a digit that follows from the rest (or a letter for ten, as in "0-8044-2957-X")
    SPARE           a digit that is drawn, and gives way where no CHECK follows from the others
    LIMITED + 2k    a digit of a number in the natural range `k`, without zeros in front; LIMITED + 2k + 1: with them
    CHOSEN + k      one of the few characters of the set `k` of the column
Any other character stands for itself. The signs lie in the private planes of Unicode, whose characters are taken out of the texts that shapes are made of.
"""

from __future__ import annotations

from typing import NamedTuple

LITERAL = 0xF0000
LAST_LITERAL = 0xFFFD  # of the characters that a sign of plane 15 can stand for
LIMITED = 0x100000
CHOSEN, LAST_CHOSEN = 0x101000, 0x101FFF
LEADING = chr(0x100100)
CHECK = chr(0x100101)
SPARE = chr(0x100104)
# In words vowels alternate with the others, so that they can be spoken; signs that only code points have.
CONSONANT, VOWEL = chr(0x100102), chr(0x100103)
DRAWN = 0x200000  # beyond Unicode: added to what is drawn already


class Range(NamedTuple):
    """Numbers that mean something of their own.

    Attributes:
        low, high: the least and the greatest.
        reached: share of the range that the numbers of a column have to span.
    """

    low: int
    high: int
    reached: float = 0.8

    @property
    def digits(self) -> int:
        """Of the greatest number."""
        return len(str(self.high))


# Months, hours, days, minutes, bytes, degrees, years: the real limits of a column are not told, only the range that they lie in.
RANGES = (
    *(Range(0, 1), Range(1, 12), Range(0, 23), Range(1, 31), Range(1, 53), Range(0, 59), Range(0, 90), Range(0, 100), Range(0, 180)),
    *(Range(0, 255), Range(0, 360), Range(1, 366), Range(1900, 2099, 0.02)),
)


def literal(char: str) -> str:
    """The sign for a letter or digit itself; the character where there is none."""
    return chr(LITERAL + ord(char)) if ord(char) <= LAST_LITERAL else char


def plain_sign(sign: str) -> str:
    """`A`, `a` or `9` for a sign that says more; other characters as they are."""
    code = ord(sign)
    if code >= LIMITED:
        return "a" if code >= CHOSEN else "9"
    if code < LITERAL:
        return sign
    char = chr(code - LITERAL)
    return "9" if char.isnumeric() else "A" if char.isupper() else "a"


def range_of(sign: str) -> tuple[Range, bool] | None:
    """The natural range of a digit's number, and whether zeros stand in front; None for other signs."""
    place = ord(sign) - LIMITED
    return (RANGES[place // 2], bool(place % 2)) if 0 <= place < 2 * len(RANGES) else None
