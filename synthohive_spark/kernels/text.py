"""Text by shape: in "Aaaaa aaaa 99" every `A`, `a` and `9` is drawn at random, so that no real text can come out.

In a shape `A` is an upper case letter, `a` a lower case letter (or one of a script without case), `9` a digit; the rest is literal. The capitals
that all texts of a column begin with ("AB-" of codes) are literal too: noncharacters of Unicode, which no text has, stand for them.
"""

from __future__ import annotations

import os
import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .columns.rows import Rows
from .spread import shuffled

MAX_LENGTH = 400  # characters of a shape
MAX_SHAPES = 200  # shapes kept as they are
LITERAL = 0xFDD0  # the first of 32 noncharacters, the first 26 of which stand for literal capitals
DRAWN = 0x200000  # beyond Unicode: added to what is drawn already
CODE = r"[A-Z]{1,4}(?![A-Za-z])"  # capitals before a digit or a separator: longer ones are words
LEAST_ALIKE = 20  # distinct texts of a column that begin alike: of fewer it may be somebody's own
MAX_WORDS = 60  # words of a generic shape
DIGITS = 18  # of a number that 64 bits hold
MIXTURES = 8  # shapes made for one outline
CHUNK = 8_192  # rows generated at a time: 13 MB at MAX_LENGTH
# Letters by their frequency in English text, so that words are not all q and x.
_LOWER = "e" * 12 + "t" * 9 + "a" * 8 + "o" * 8 + "i" * 7 + "n" * 7 + "s" * 6 + "r" * 6 + "h" * 6 + "l" * 4 + "d" * 4 + "ccuummffppggwwyybbvk"
_DRAWN = {"A": np.array([ord(c.upper()) for c in _LOWER], dtype=np.uint32), "a": np.array([ord(c) for c in _LOWER], dtype=np.uint32)}
_DRAWN["9"] = np.arange(ord("0"), ord("9") + 1, dtype=np.uint32)
# In words vowels alternate with the others, so that they can be spoken; private signs that only code points have.
WORD = 3  # letters: codes of digits and letters have shorter runs
_CONSONANT, _VOWEL = (chr(0xF000 + i) for i in range(2))
_DRAWN |= {sign: np.array([ord(c) for c in _LOWER if (c in "aeiou") == vowel], dtype=np.uint32) for sign, vowel in ((_CONSONANT, False), (_VOWEL, True))}


def shapes_of(texts: pa.Array) -> pa.Array:
    """The shape of each string."""
    cut = pc.utf8_slice_codeunits(texts, 0, MAX_LENGTH)
    for pattern, sign in ((r"\p{M}|\x00|[\x{FDD0}-\x{FDEF}]", ""), (r"\p{Lu}|\p{Lt}", "A"), (r"[^\P{L}A]", "a"), (r"\p{N}", "9")):
        cut = pc.replace_substring_regex(cut, pattern=pattern, replacement=sign)
    return cut


def fit_shapes(texts: pa.Array, counts: np.ndarray, min_rows: int, rng: np.random.Generator) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Shapes to generate from, commonest first, and the rows they stand for.

    A shape of at least `min_rows` rows is kept, with the capitals that all texts begin with ("AB-" of codes). Of the others those with the same
    outline (lengths of words, punctuation) are mixed position by position; what is left becomes generic words of the same number and mean length.

    Args:
        texts: distinct strings without null (V,), at least one.
        counts: rows per string, int64 (V,).
        rng: for the mixtures only; texts may come in any order.
    """
    exact = _sums(_with_common(shapes_of(texts).to_pylist(), texts.to_pylist()), counts)
    kept = dict(sorted(((s, n) for s, n in exact.items() if n >= min_rows), key=lambda item: (-item[1], item[0]))[:MAX_SHAPES])
    rest = {s: n for s, n in sorted(exact.items()) if s not in kept}
    outlines: dict[str, list[str]] = {}
    for shape in rest:
        outlines.setdefault(_outline(shape), []).append(shape)
    generic: dict[str, int] = {}
    for members in outlines.values():
        rows = sum(rest[m] for m in members)
        if rows >= min_rows and len(members) > 1:
            _add(kept, _mixtures(members, [rest[m] for m in members], rows, rng))
        else:
            _add(generic, _sums([_generic(m) for m in members], np.array([rest[m] for m in members])))
    _add(kept, dict(sorted(generic.items(), key=lambda item: (-item[1], item[0]))[:MAX_SHAPES]))
    ordered = sorted(kept.items(), key=lambda item: (-item[1], item[0]))
    return tuple(s for s, _ in ordered), tuple(n for _, n in ordered)


def _with_common(shapes: list[str], texts: list[str]) -> list[str]:
    """The shapes with the capitals that all texts of a column begin with as literals: what only some of them have may be somebody's own."""
    common = re.match(CODE, os.path.commonprefix(texts)) if len(texts) >= LEAST_ALIKE else None
    if common is None:
        return shapes
    literal = "".join(chr(LITERAL + ord(char) - ord("A")) for char in common[0])
    return [literal + shape[len(literal) :] for shape in shapes]


def share_of_outlines(texts: pa.Array, counts: np.ndarray, min_rows: int) -> float:
    """Share of the rows of texts (V,) whose outline (lengths of words, punctuation) at least `min_rows` rows have, in [0, 1]."""
    rows = np.array(list(_sums([_outline(shape) for shape in shapes_of(texts).to_pylist()], counts).values()))
    return float(rows[rows >= min_rows].sum() / rows.sum())


def text_from_shapes(shapes: np.ndarray, chosen: np.ndarray, rng: np.random.Generator, rows: Rows | None = None) -> pa.Array:
    """A string for each of `chosen`, int64 (N,), indices into `shapes`, the code points of `code_points`, uint32 (S, L).

    Args:
        rows: no two of the table's rows get the same text, where the digits of their shape leave room.
    """
    points = shapes[chosen] if rows is None else _numbered(shapes, chosen, rows)
    parts = [_letters(points[i : i + CHUNK], rng) for i in range(0, len(chosen), CHUNK)]
    return pa.array(np.concatenate(parts) if parts else np.empty(0, dtype="<U1"), type=pa.string())


def _numbered(shapes: np.ndarray, chosen: np.ndarray, rows: Rows) -> np.ndarray:
    """The code points of each string, uint32 (N, L), with digits that tell the row: a permutation of all numbers of so many digits."""
    points = shapes[chosen]
    for shape in np.unique(chosen):
        places = np.flatnonzero(shapes[shape] == ord("9"))[-DIGITS:]
        room = 10 ** len(places)
        if room < rows.total:
            continue
        which = np.flatnonzero(chosen == shape)
        number = shuffled(rows.numbers[which], room, rows.salt)
        for place in reversed(places):
            points[which, place] = (DRAWN + ord("0") + number % 10).astype(np.uint32)
            number //= 10
    return points


def code_points(shapes: tuple[str, ...]) -> np.ndarray:
    """The code points of each shape, uint32 (S, L), zeros after its end."""
    padded = np.array([_spoken(shape) for shape in shapes], dtype=np.str_)
    return padded.view(np.uint32).reshape(len(shapes), -1) if padded.itemsize else np.zeros((len(shapes), 1), dtype=np.uint32)


def _spoken(shape: str) -> str:
    """The shape with signs for consonants and vowels in its words."""
    return re.sub(rf"A?a{{{WORD - 1},}}", lambda word: _alternating(word[0]) if len(word[0]) >= WORD else word[0], shape)


def _alternating(word: str) -> str:
    return "".join(sign if sign == "A" else (_CONSONANT, _VOWEL)[place % 2] for place, sign in enumerate(word))


def _letters(points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    points = np.ascontiguousarray(points)  # (N, L), a copy
    for sign, drawn in _DRAWN.items():
        places = points == ord(sign)
        # The letters drawn for an earlier sign may be signs themselves ("a" is a letter): mark them beyond Unicode until all are drawn.
        points[places] = drawn[rng.integers(len(drawn), size=int(places.sum()))] + np.uint32(DRAWN)
    points[points >= DRAWN] -= np.uint32(DRAWN)
    literal = (points >= LITERAL) & (points < LITERAL + 26)
    points[literal] -= np.uint32(LITERAL - ord("A"))
    return points.view(f"<U{points.shape[1]}").ravel()


def _sums(names: list[str], counts: np.ndarray) -> dict[str, int]:
    sums: dict[str, int] = {}
    for name, count in zip(names, counts.tolist(), strict=True):
        sums[name] = sums.get(name, 0) + count
    return sums


def _add(sums: dict[str, int], more: dict[str, int]) -> None:
    for name, count in more.items():
        sums[name] = sums.get(name, 0) + count


def _outline(shape: str) -> str:
    return shape.translate({ord("A"): "x", ord("a"): "x", ord("9"): "x"})


def _mixtures(members: list[str], rows: list[int], total: int, rng: np.random.Generator) -> dict[str, int]:
    """Shapes whose every position comes from a random member: codes such as "3f-a9" keep their look, and no rare shape is copied."""
    signs = np.array([list(m) for m in members])  # (M, L)
    share = np.asarray(rows, dtype=np.float64) / total
    made = min(MIXTURES, total)
    picked = rng.choice(len(members), size=(made, signs.shape[1]), p=share)
    mixed = ["".join(row) for row in signs[picked, np.arange(signs.shape[1])]]
    counts = [total // made + (i < total % made) for i in range(made)]
    return _sums(mixed, np.asarray(counts))


def _generic(shape: str) -> str:
    words = shape.split()[:MAX_WORDS] or [shape]
    length = max(1, round(sum(map(len, words)) / len(words)))
    letters = sum(c in "Aa" for c in shape)
    sign = "9" if letters < sum(c == "9" for c in shape) else "a"
    word = sign * length
    first = "A" + word[1:] if shape[:1] == "A" and sign == "a" else word
    return " ".join([first] + [word] * (len(words) - 1))
