"""Letters of texts that are syntax: names of fields (JSON, `key=value`, tags), codes and units beside numbers (`PT13H41M`, `EUR/USD 1.08`, `1e-05`).

They say what a text is, and nothing of whom it is about. Texts without them are of no use to whatever reads them: a query for a field finds nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TypeVar

from .signs import literal

T = TypeVar("T")

LEAST_ALIKE = 20  # distinct texts that have it: what fewer have may be somebody's own
COMMON = 0.05  # of the texts have it
# Names that end with what makes them names; words of JSON that are no text.
_FIELD = re.compile(r'(?<=")[^"\\:{}\[\],]{1,40}(?="\s*:)|(?<![^\W])[A-Za-z_][\w.-]{0,39}(?==(?!=))|(?<=<)/?[A-Za-z_][\w:.-]{0,39}(?=[\s/>])')
_WORD_OF_JSON = re.compile(r"(?<=[:\[,])\s*(?:true|false|null)(?=\s*[,\]}])")
_LETTERS = re.compile(r"[^\W\d_]+")
# Capitals, and small letters right after a digit: longer ones are words.
_CODE = re.compile(r"(?<![^\W\d_])(?:[A-Z]{1,4}|(?<=\d)[a-z]{1,3})(?![^\W\d_])")


def with_syntax(texts: Sequence[str], shapes: Sequence[str]) -> list[str]:
    """Shapes (V,) in which the syntax of the texts (V,), as long as they are, stands for itself."""
    least = max(LEAST_ALIKE, COMMON * len(texts))
    fields = [{word.start(): word[0] for pattern in (_FIELD, _WORD_OF_JSON) for word in pattern.finditer(text)} for text in texts]
    told = _common((set(found.values()) for found in fields), least)
    made = [_literally(shape, {place: word for place, word in found.items() if word in told}) for shape, found in zip(shapes, fields, strict=True)]
    codes = [_codes(text) for text in texts]
    frames = _common(([frame] for frame, _ in codes), least)
    return [_literally(shape, found) if frame in frames else shape for shape, (frame, found) in zip(made, codes, strict=True)]


def _common(found: Iterable[Iterable[T]], least: float) -> set[T]:
    """What at least so many of the texts have."""
    counts = Counter(name for names in found for name in names)
    return {name for name, n in counts.items() if n >= least}


def _codes(text: str) -> tuple[tuple[str, ...], dict[int, str]]:
    """All letters of a text, and its codes by place; none of a text without digits, and of an address of a person."""
    if "@" in text or not any(map(str.isdecimal, text)):
        return (), {}
    return tuple(_LETTERS.findall(text)), {found.start(): found[0] for found in _CODE.finditer(text)}


def _literally(shape: str, words: dict[int, str]) -> str:
    for place, word in words.items():
        signs = "".join(literal(char) if shape[place + i] in "Aa9" else shape[place + i] for i, char in enumerate(word))
        shape = shape[:place] + signs + shape[place + len(word) :]
    return shape
