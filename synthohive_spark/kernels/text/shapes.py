"""The shapes of a column's texts: "Aaaaa aaaa 99", with signs for what many texts have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .common import RUNS, outline, skeleton, with_common
from .signs import plain_sign

MAX_LENGTH = 400  # characters of a shape
MAX_SHAPES = 200  # shapes kept as they are, and groups of others that are mixed
LOOKED_AT = 10_000  # texts that shapes are learnt from: 5 seconds where they are long
MAX_WORDS = 60  # words of a generic shape
MIXTURES = 8  # shapes made for one outline
_LEFT_OUT = r"\p{M}|\x00|[\x{F0000}-\x{10FFFF}]"  # marks, and the private planes whose characters are signs
_SIGNS = ((r"\p{Lu}|\p{Lt}", "A"), (r"[^\P{L}A]", "a"), (r"\p{N}", "9"))


class TextShapes(NamedTuple):
    """What texts are made from.

    Attributes:
        shapes: commonest first (see `signs`).
        counts: the rows that they stand for.
        sets: the characters of signs that stand for one of few, each as often as its share in hundredths.
        upper, lower: the letters to draw from, each as often as its share in hundredths; "" for those of English.
        check: the name of the check digits that all texts have; "" for none.
    """

    shapes: tuple[str, ...]
    counts: tuple[int, ...]
    sets: tuple[str, ...] = ()
    upper: str = ""
    lower: str = ""
    check: str = ""


def shapes_of(texts: pa.Array) -> pa.Array:
    """The shape of each string, of letters and digits only."""
    return _signed(_cut(texts))


def fit_shapes(texts: pa.Array, counts: np.ndarray, min_rows: int, rng: np.random.Generator, real: int = 0) -> TextShapes:
    """Shapes to generate from, with what is common to many texts (see `common`).

    A shape of at least `min_rows` rows is kept. Of the others those with the same outline (lengths of words, punctuation) are mixed position by position, then
    those with the same skeleton (an outline without lengths) word by word. What is left gets the commonest shape of its skeleton, or generic words of the same
    number and mean length.

    Args:
        texts: distinct strings without null (V,), at least one.
        counts: rows per string, int64 (V,).
        rng: for the mixtures only; texts may come in any order.
        real: how many different texts the column has, where they are more than these.
    """
    real = max(real, len(texts))
    if len(texts) > LOOKED_AT:
        some = pc.array_sort_indices(texts).to_numpy()[:: -(-len(texts) // LOOKED_AT)]
        texts, counts = texts.take(pa.array(some)), counts[some]
    cut = _cut(texts)
    common = with_common(cut.to_pylist(), _signed(cut).to_pylist(), real)
    exact = _sums(common.shapes, counts)
    kept = dict(sorted(((s, n) for s, n in exact.items() if n >= min_rows), key=lambda item: (-item[1], item[0]))[:MAX_SHAPES])
    rest = {s: n for s, n in sorted(exact.items()) if s not in kept}
    for alike, parts in ((outline, list), (skeleton, RUNS.findall)):
        rest = _mix(rest, kept, alike, parts, min_rows, rng)
    commonest: dict[str, str] = {}
    for shape in sorted(kept, key=lambda s: (-kept[s], s)):
        commonest.setdefault(skeleton(shape), shape)
    _add(kept, _sums([commonest[skeleton(s)] for s in rest if skeleton(s) in commonest], np.array([n for s, n in rest.items() if skeleton(s) in commonest])))
    rest = {s: n for s, n in rest.items() if skeleton(s) not in commonest}
    if kept and common.check:
        rest = {}  # words would have no check digit
    generic = _sums([_generic(shape) for shape in rest], np.array(list(rest.values())))
    _add(kept, dict(sorted(generic.items(), key=lambda item: (-item[1], item[0]))[:MAX_SHAPES]))
    ordered = sorted(kept.items(), key=lambda item: (-item[1], item[0]))
    return TextShapes(tuple(s for s, _ in ordered), tuple(n for _, n in ordered), common.sets, common.upper, common.lower, common.check)


def share_of_outlines(texts: pa.Array, counts: np.ndarray, min_rows: int) -> float:
    """Share of the rows of texts (V,) whose outline (lengths of words, punctuation) at least `min_rows` rows have, in [0, 1]."""
    rows = np.array(list(_sums([outline(shape) for shape in shapes_of(texts).to_pylist()], counts).values()))
    return float(rows[rows >= min_rows].sum() / rows.sum())


def _cut(texts: pa.Array) -> pa.Array:
    return pc.replace_substring_regex(pc.utf8_slice_codeunits(texts, 0, MAX_LENGTH), pattern=_LEFT_OUT, replacement="")


def _signed(cut: pa.Array) -> pa.Array:
    for pattern, sign in _SIGNS:
        cut = pc.replace_substring_regex(cut, pattern=pattern, replacement=sign)
    return cut


def _sums(names: list[str], counts: np.ndarray) -> dict[str, int]:
    sums: dict[str, int] = {}
    for name, count in zip(names, counts.tolist(), strict=True):
        sums[name] = sums.get(name, 0) + count
    return sums


def _add(sums: dict[str, int], more: dict[str, int]) -> None:
    for name, count in more.items():
        sums[name] = sums.get(name, 0) + count


def _mix(
    rest: dict[str, int], kept: dict[str, int], alike: Callable[[str], str], parts: Callable[[str], list[str]], min_rows: int, rng: np.random.Generator
) -> dict[str, int]:
    """Put mixtures of shapes that are alike to those that are kept; what is left of the rest."""
    groups: dict[str, list[str]] = {}
    for shape in rest:
        groups.setdefault(alike(shape), []).append(shape)
    left: dict[str, int] = {}
    sizes = {key: sum(rest[m] for m in members) for key, members in groups.items()}
    ordered = sorted((key for key, members in groups.items() if sizes[key] >= min_rows and len(members) > 1), key=lambda key: (-sizes[key], key))
    told = set(ordered[:MAX_SHAPES])
    for key, members in groups.items():
        rows = sizes[key]
        if key in told:
            _add(kept, _mixtures([parts(m) for m in members], [rest[m] for m in members], rows, rng))
        else:
            left |= {m: rest[m] for m in members}
    return left


def _mixtures(members: list[list[str]], rows: list[int], total: int, rng: np.random.Generator) -> dict[str, int]:
    """Shapes whose every part comes from a random member (M, L): codes such as "3f-a9" keep their look, and no rare shape is copied."""
    signs = np.array(members)  # (M, L)
    share = np.asarray(rows, dtype=np.float64) / total
    made = min(MIXTURES, total)
    picked = rng.choice(len(members), size=(made, signs.shape[1]), p=share)
    mixed = ["".join(row) for row in signs[picked, np.arange(signs.shape[1])]]
    counts = [total // made + (i < total % made) for i in range(made)]
    return _sums(mixed, np.asarray(counts))


def _generic(shape: str) -> str:
    words = "".join(map(plain_sign, shape)).split()[:MAX_WORDS] or [shape]
    length = max(1, round(sum(map(len, words)) / len(words)))
    letters = sum(c in "Aa" for word in words for c in word)
    sign = "9" if letters < sum(c == "9" for word in words for c in word) else "a"
    word = sign * length
    first = "A" + word[1:] if words[0][:1] == "A" and sign == "a" else word
    return " ".join([first] + [word] * (len(words) - 1))
