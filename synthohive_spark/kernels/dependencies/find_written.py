"""Find texts that are put together of other columns: codes of year, region and number, full names, amounts and dates in text.

A walk along a few texts at once: where a form of a column stands in all of them, or one letter does. Legend: `m` rows of a first look.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice

import numpy as np
import pyarrow as pa

from ...spec.dependencies import Piece, Written
from .sample import Sample, Search
from .units import plain
from .written import forms_of, shown

ROWS = 24  # of a first look
LOOKS = 2  # at other rows, where an exception spoils the first
MOST_COLUMNS = 40  # that may be part of a text
MOST_STEPS = 400  # of a walk: texts that nothing explains end at once
LONGEST = 200  # characters of a text


def find_written(sample: Sample, search: Search, explained: Collection[str]) -> list[Written]:
    """The rule for each column of text. `explained` are columns that follow from others already."""
    names = [n for n in search.watched if n not in search.said and sample.varies(n)][:MOST_COLUMNS]
    found: list[Written] = []
    for target in (n for n in search.targets if search.types[n] == "string" and n not in explained and sample.varies(n)):
        others = [n for n in names if n != target]
        ways = (pieces for look in range(LOOKS) for pieces in _ways(sample, search, target, others, look))
        found += islice((rule for pieces in ways for rule in _judged(sample, search, target, pieces)), 1)
    return found


def _ways(sample: Sample, search: Search, target: str, names: list[str], look: int) -> Iterator[tuple[Piece, ...]]:
    """What the text can be put together of; where it is another text in other letters, that may be put together of the same columns: both are, then."""
    pieces = _pieces(sample, search, target, names, look)
    read = _read(pieces or ())
    if len(read) == 1 and search.types[read[0]] == "string":
        again = _pieces(sample, search, target, [n for n in names if n not in read], look)
        yield from [again] if again is not None else []
    yield from [pieces] if pieces is not None else []


def _judged(sample: Sample, search: Search, target: str, pieces: tuple[Piece, ...]) -> Iterator[Written]:
    if any(form == "%V" for _, _, form in pieces):  # the year of a week is another one than that of its day on a few days
        pieces = tuple((name, text, "%G" if form == "%Y" else form) for name, text, form in pieces)
    read = _read(pieces)
    zone = search.zone if any(search.types[n] == "timestamp" for n in read) else None
    held = sample.judged(Written(target=target, determinants=read, pieces=pieces, zone=zone))
    if held is not None:
        yield held


def _read(pieces: Iterable[Piece]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name, _, _ in pieces if name))


def _pieces(sample: Sample, search: Search, target: str, names: list[str], look: int) -> tuple[Piece, ...] | None:
    known = np.flatnonzero(~sample.nulls(target))
    for name in names:
        some = known[~sample.nulls(name)[known]]
        known = some if len(some) >= ROWS * LOOKS else known
    rows = known[np.linspace(look, max(len(known) - 1, 0), ROWS).astype(np.int64)] if len(known) >= ROWS else known
    if len(rows) < ROWS:
        return None
    texts = plain(sample.columns[target]).take(pa.array(rows)).to_pylist()
    if max(map(len, texts)) > LONGEST or len(set(texts)) < 2:
        return None
    forms: dict[tuple[str, str], list[str]] = {}
    for name in names:
        column = sample.columns[name].take(pa.array(rows))
        for form in forms_of(column, search.types[name], max(map(len, texts))):
            made = shown(column, search.types[name], form, search.zone)
            parts = [part for part in made if part]
            if len(parts) == len(texts) and len(set(parts)) > 1 and all(part in text for part, text in zip(parts, texts, strict=True)):
                forms[name, form] = parts
    return _Walk(texts, forms).path() if forms else None


class _Walk:
    """Along texts (m,), by what forms of columns show, (m,) each."""

    def __init__(self, texts: list[str], forms: Mapping[tuple[str, str], list[str]]) -> None:
        self._texts = texts
        self._forms = sorted(forms.items(), key=lambda f: -sum(map(len, f[1])))
        self._left = MOST_STEPS

    def path(self) -> tuple[Piece, ...] | None:
        found = self._from([0] * len(self._texts))
        return None if found is None or not any(name for name, _, _ in found) else tuple(_joined(found))

    def _from(self, at: list[int]) -> list[Piece] | None:
        self._left -= 1
        if all(a == len(t) for a, t in zip(at, self._texts, strict=True)):
            return []
        if self._left < 0 or any(a >= len(t) for a, t in zip(at, self._texts, strict=True)):
            return None
        for (name, form), made in self._forms:
            if all(t.startswith(part, a) for t, part, a in zip(self._texts, made, at, strict=True)):
                rest = self._from([a + len(part) for a, part in zip(at, made, strict=True)])
                if rest is not None:
                    return [(name, "", form), *rest]
        letters = {t[a] for t, a in zip(self._texts, at, strict=True)}
        if len(letters) > 1:
            return None
        rest = self._from([a + 1 for a in at])
        return None if rest is None else [("", letters.pop(), ""), *rest]


def _joined(pieces: list[Piece]) -> list[Piece]:
    out: list[Piece] = []
    for name, text, form in pieces:
        if out and not name and not out[-1][0]:
            out[-1] = ("", out[-1][1] + text, "")
        else:
            out.append((name, text, form))
    return out
