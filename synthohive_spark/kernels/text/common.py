"""What texts of a column have in common, and may therefore be told: words, characters at a place, ranges of numbers, check digits, an alphabet."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from .base64 import SETS as BASE64
from .base64 import base64_shapes
from .checks import LETTERS as LETTERS_OF
from .checks import check_of, check_places, is_spare
from .signs import CHECK, CHOSEN, LAST_CHOSEN, LEADING, LIMITED, RANGES, SPARE, literal
from .syntax import with_syntax

LEAST_ALIKE = 20  # distinct texts that have it: what fewer have may be somebody's own
COMMON = 0.05  # of the texts have a common word
LEAST_LETTERS = 200  # of an alphabet: fewer tell nothing of those that are not there
NARROW = 16  # letters of an alphabet that is no language's: hexadecimal digits, bases of DNA
PER_LETTER = 100  # shares of letters are told in hundredths
FEW = 4  # characters of one place
LEAST_OF_FEW = 3  # texts that have each of them
NUMBER = 4  # digits of the longest number that has a natural range
MOST_REAL = 1e-4  # of the texts that are made may be real ones by chance
LETTERS = 26  # of English
_CODE = r"[A-Za-z]{1,4}(?![A-Za-z])"  # letters before a digit or a separator: longer ones are words
# A word of letters alone, or letters before a number; in "3fa9" there is none.
_WORD = re.compile(r"(?<![^\W_])(?:[^\W\d_]{2,}(?=\d)|[^\W\d_]+(?![^\W_]))")
_DIGITS = re.compile("9+")
_NUMBERS = re.compile(rf"[9{LEADING}{CHECK}{SPARE}{chr(LIMITED)}-{chr(LIMITED + 2 * len(RANGES) - 1)}]+")
_LIMITED = re.compile(rf"([{chr(LIMITED)}-{chr(LIMITED + 2 * len(RANGES) - 1)}])\1*")
_FREE = re.compile(f"[Aa9{LEADING}{CHECK}{SPARE}{chr(CHOSEN)}-{chr(LAST_CHOSEN)}]")
RUNS = re.compile(rf"(?s)[Aa]+|{_NUMBERS.pattern}|.")  # what a skeleton is made of


class Common(NamedTuple):
    """The shapes of texts (V,) with signs for what is common.

    Attributes:
        shapes: as long as the texts.
        sets: characters that one place of some texts has, each as often as its share in hundredths.
        upper, lower: the letters to draw from, each as often as its share in hundredths; "" for those of English.
        check: the name of the check digits that all texts have; "" for none.
    """

    shapes: list[str]
    sets: tuple[str, ...] = ()
    upper: str = ""
    lower: str = ""
    check: str = ""


def with_common(texts: Sequence[str], shapes: Sequence[str], real: int) -> Common:
    """Look for what is common to texts. The more of it is told, the likelier is a real text by chance: only as much is as keeps that rare.

    Syntax is told in any case, as what reads the texts stops without it.

    Args:
        texts: distinct strings (V,), as long as their shapes.
        shapes: of letters and digits only (V,).
        real: how many different texts the column has; `texts` can be some of them.
    """
    if len(texts) < LEAST_ALIKE:
        return Common(list(shapes))
    bytes_of = base64_shapes(texts)
    if bytes_of is not None:
        return Common(bytes_of, BASE64)
    check = check_of(texts)
    plain = with_syntax(texts, _with_checks(texts, list(shapes), check))
    ranges = _checked(texts, Common(_with_prefix(texts, _with_ranges(texts, list(plain))), check=check))
    few, sets = _with_few(texts, _with_checks(texts, _with_ranges(texts, _with_words(texts, plain)), check))
    full = _checked(texts, Common(_with_first_part(texts, _with_prefix(texts, few)), sets, check=check))
    tries = (_with_alphabets(texts, full), full, _with_alphabets(texts, ranges))
    return next((found for found in tries if chance_of_real(found, real) <= MOST_REAL), ranges)


def chance_of_real(found: Common, real: int) -> float:
    """Share of the texts that are made which are real ones, by chance: of each shape, how many of all its texts are among the `real` ones."""
    part = math.log(max(1.0, real / len(found.shapes)))  # of the texts was looked at
    sizes = {"9": 10, SPARE: 10, LEADING: 9, "A": len(set(found.upper)) or LETTERS, "a": len(set(found.lower)) or LETTERS}
    sizes |= {chr(CHOSEN + place): len(set(few)) for place, few in enumerate(found.sets)}
    chance = 0.0
    for shape, texts in Counter(found.shapes).items():
        limited = [RANGES[(ord(run[0][0]) - LIMITED) // 2] for run in _LIMITED.finditer(shape)]
        logs = [shape.count(sign) * math.log(size) for sign, size in sizes.items()] + [math.log(limits.high - limits.low + 1) for limits in limited]
        chance += texts / len(found.shapes) * min(1.0, math.exp(math.log(texts) + part - sum(logs)))
    return chance


def _with_alphabets(texts: Sequence[str], found: Common) -> Common:
    return found._replace(upper=found.upper or alphabet_of(texts, found.shapes, "A"), lower=alphabet_of(texts, found.shapes, "a"))


def alphabet_of(texts: Sequence[str], shapes: Sequence[str], sign: str) -> str:
    """The letters that are drawn for `A` or `a`, each as often as its share in hundredths; "" for those of English."""
    found: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    for text, shape in zip(texts, shapes, strict=True):
        drawn = [char for char, of in zip(text, shape, strict=True) if of == sign]
        found.update(drawn)
        seen.update(set(drawn))
    letters = {char: found[char] for char in sorted(found) if seen[char] >= LEAST_ALIKE}
    total, latin = sum(letters.values()), sum(n for char, n in letters.items() if char.isascii())
    if total < LEAST_LETTERS or len(letters) < 2 or (latin > total / 2 and len(letters) > NARROW):
        return ""
    return _shares({char: n for char, n in letters.items() if latin <= total / 2 or char.isascii()})


def outline(shape: str) -> str:
    """A shape without the difference of letters and digits: what is left are lengths, punctuation and what is common."""
    return _FREE.sub("x", shape)


def skeleton(shape: str) -> str:
    """An outline without the lengths of words and numbers."""
    return _NUMBERS.sub("9", re.sub("[Aa]+", "a", shape))


def _with_words(texts: Sequence[str], shapes: Sequence[str]) -> list[str]:
    count: Counter[str] = Counter()
    for text in texts:
        count.update(set(_WORD.findall(text)))
    common = {word: "".join(map(literal, word)) for word, n in count.items() if n >= max(LEAST_ALIKE, COMMON * len(texts))}
    return [_marked_words(text, shape, common) for text, shape in zip(texts, shapes, strict=True)] if common else list(shapes)


def _marked_words(text: str, shape: str, common: dict[str, str]) -> str:
    parts, end = [], 0
    for word in _WORD.finditer(text):
        if word[0] in common:
            parts += [shape[end : word.start()], common[word[0]]]
            end = word.end()
    return "".join(parts) + shape[end:]


def _groups(keys: Iterable[str]) -> list[list[int]]:
    """The places of equal keys, where they are enough to tell something."""
    places: dict[str, list[int]] = {}
    for place, key in enumerate(keys):
        places.setdefault(key, []).append(place)
    return [members for members in places.values() if len(members) >= LEAST_ALIKE]


def _with_ranges(texts: Sequence[str], shapes: list[str]) -> list[str]:
    """Digits of numbers that lie in a natural range in all texts of one form, and first digits that are no zero in any of them."""
    # A check digit inside of a number parts it in two, which its skeleton does not show.
    for members in _groups(f"{skeleton(shape)}\0{len(_DIGITS.findall(shape))}" for shape in shapes):
        spans = {m: [number.span() for number in _DIGITS.finditer(shapes[m])] for m in members}
        signs = [_signs_of([texts[m][slice(*spans[m][k])] for m in members]) for k in range(len(spans[members[0]]))]
        for m in members:
            chars = list(shapes[m])
            for (start, end), (first, others) in zip(spans[m], signs, strict=True):
                chars[start:end] = [first if end - start > 1 or first == others else others, *others * (end - start - 1)]
            shapes[m] = "".join(chars)
    return shapes


def _signs_of(numbers: list[str]) -> tuple[str, str]:
    """The signs of the first and of the other digits of numbers in one place of texts (G,)."""
    padded = any(len(number) > 1 and number[0] == "0" for number in numbers)
    longest = max(map(len, numbers))
    if longest <= NUMBER and all(map(str.isdecimal, numbers)):
        values = [int(number) for number in numbers]
        low, high = min(values), max(values)
        if low < high and not (longest == NUMBER and low // 100 == high // 100):  # years of one century
            for place, natural in enumerate(RANGES):
                if natural.low <= low and high <= natural.high and high - low >= natural.reached * (natural.high - natural.low) and natural.digits == longest:
                    sign = chr(LIMITED + 2 * place + padded)
                    return sign, sign
    return ("9" if padded or longest == 1 else LEADING), "9"


def _with_few(texts: Sequence[str], shapes: list[str]) -> tuple[list[str], tuple[str, ...]]:
    """Letters and digits of places where all texts of one outline have the same, or one of few; and these few."""
    changes: list[tuple[list[int], int, str]] = []
    for members in _groups(map(outline, shapes)):
        chars = np.array([list(texts[m]) for m in members])  # (G, L)
        for place in np.flatnonzero(np.array(list(outline(shapes[members[0]]))) == "x"):
            found, rows = np.unique(chars[:, place], return_counts=True)
            if len(found) <= FEW and min(rows) >= LEAST_OF_FEW and not any(shapes[m][place] == CHECK for m in members):
                changes.append((members, int(place), _shares(dict(zip(found.tolist(), rows.tolist(), strict=True)))))
    sets = tuple(sorted({few for _, _, few in changes if few.strip(few[0])}))[: LAST_CHOSEN - CHOSEN]
    signs = {few: chr(CHOSEN + place) for place, few in enumerate(sets)}
    for members, at, few in changes:
        sign = signs.get(few) if few.strip(few[0]) else literal(few[0])
        for m in members:
            shapes[m] = shapes[m][:at] + (sign or shapes[m][at]) + shapes[m][at + 1 :]
    return shapes, sets


def _shares(rows: dict[str, int]) -> str:
    """Characters, each as often as its share in hundredths."""
    total = sum(rows.values())
    return "".join(char * max(1, round(PER_LETTER * n / total)) for char, n in sorted(rows.items()))


def _with_prefix(texts: Sequence[str], shapes: list[str]) -> list[str]:
    """The few letters that all texts of a column begin with, whatever their outline ("AB-" of codes)."""
    least, greatest = min(texts), max(texts)
    both = next((i for i, (a, b) in enumerate(zip(least, greatest, strict=False)) if a != b), min(len(least), len(greatest)))
    common = re.match(_CODE, least[:both])
    if common is None:
        return shapes
    prefix = "".join(map(literal, common[0]))
    return [prefix + shape[len(prefix) :] for shape in shapes]


def _with_first_part(texts: Sequence[str], shapes: list[str]) -> list[str]:
    """What all texts of a column begin with, up to a sign that is no letter or digit ("10." of addresses, "+49 "), whatever their outline."""
    least, greatest = min(texts), max(texts)
    both = next((i for i, (a, b) in enumerate(zip(least, greatest, strict=False)) if a != b), min(len(least), len(greatest)))
    part = re.match(r"(?s).*[\W_]", least[:both])
    if part is None:
        return shapes
    signs = "".join(literal(char) if char.isalnum() else char for char in part[0])
    return [signs + shape[len(signs) :] for shape in shapes]


def _checked(texts: Sequence[str], found: Common) -> Common:
    """With the signs of check digits, whatever else was told of their places, and the letters that codes with them are made of."""
    return found._replace(shapes=_with_checks(texts, found.shapes, found.check), upper=LETTERS_OF.get(found.check, ""))


def _with_checks(texts: Sequence[str], shapes: list[str], check: str) -> list[str]:
    if not check:
        return shapes
    made = []
    for text, shape in zip(texts, shapes, strict=True):
        signs, places = list(shape), check_places(text, check)
        for place in places:
            signs[place] = CHECK
        if is_spare(check):
            signs[max(place for place in range(places[0]) if text[place].isdecimal())] = SPARE
        made.append("".join(signs))
    return made
