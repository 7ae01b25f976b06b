"""Find columns that say in which range a number or a date lies (a bracket by an income, an age by a birth date), or which of two numbers is larger.

One sort of the sample per number, and one per pair of few numbers. Legend: `n` rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import combinations

import numpy as np

from ...spec.dependencies import Bands
from ..columns.types import is_integer
from .combinations import to_scalar
from .sample import MIN_SURPRISES, Sample, Search
from .units import plain

MOST_BANDS = 200
LEAST_IN_BAND = 3  # rows of a range
ROWS_PER_BAND = 8  # on average: fewer would be the rows themselves
VALUES_PER_BAND = 3  # of the number, on average: with fewer it is a list of values
MOST_SIDES = 3  # ranges of a difference: below, equal, above
MOST_LABELS = 5  # of a column that says which of two numbers is larger
MOST_PAIRED = 12  # numbers that are paired: their pairs grow with the square


def find_bands(sample: Sample, search: Search, explained: Collection[str]) -> list[Bands]:
    """The rule with the fewest ranges for each column. `explained` are columns that follow from others already."""
    targets = [n for n in search.targets if n not in explained and n not in search.bounded and _can_be_banded(sample, search, n)]
    numbers = [n for n in search.inputs if sample.varies(n)]
    found = []
    for target in targets:
        candidates = [rule for name in numbers if name != target for rule in _by(sample, target, (name,), MOST_BANDS, search.min_rows)]
        if not candidates and len(np.unique(sample.codes(target))) <= MOST_LABELS:
            pairs = [(a, b) for a, b in combinations(numbers[:MOST_PAIRED], 2) if search.types[a] == search.types[b] and target not in (a, b)]
            candidates = [rule for pair in pairs for rule in _by(sample, target, pair, MOST_SIDES, search.min_rows)]
        judged = [held for rule in sorted(candidates, key=lambda r: len(r.edges))[:4] if (held := sample.judged(rule)) is not None]
        found += judged[:1]
    return found


def _can_be_banded(sample: Sample, search: Search, name: str) -> bool:
    kind = search.types[name]
    whole = is_integer(kind) or (kind in ("string", "boolean") and name in search.discrete)
    return whole and sample.varies(name) and len(np.unique(sample.codes(name))) <= MOST_BANDS


def _by(sample: Sample, target: str, names: tuple[str, ...], most: int, min_rows: int) -> Iterator[Bands]:
    x = sample.numbers(names[0]) - (sample.numbers(names[1]) if len(names) > 1 else 0)
    quick = _changes(x[sample.quick], sample.codes(target)[sample.quick])
    if quick is None or len(quick[1]) > most + len(sample.quick) // 50:
        return
    known = np.flatnonzero(np.isfinite(x) & ~sample.nulls(target))
    whole = _changes(x[known], sample.codes(target)[known])
    if whole is None or len(known) < MIN_SURPRISES:
        return
    values, places, codes = whole
    counts = np.diff(np.append(places, len(values)))
    rows = np.diff(np.append(np.searchsorted(np.sort(x[known]), values[places], side="left"), len(known)))
    kept = rows >= max(LEAST_IN_BAND, min_rows)  # ranges of fewer rows would tell of those
    places, codes, rows = places[kept], codes[kept], rows[kept]
    same = np.append(False, codes[1:] == codes[:-1])[: len(codes)]
    places, codes = places[~same], codes[~same]
    if not 1 < len(places) <= min(most, len(known) // ROWS_PER_BAND) or (len(names) == 1 and counts.mean() < VALUES_PER_BAND):
        return
    edges = tuple(_between(float(values[p - 1]), float(values[p])) for p in places[1:])
    first = [int(np.flatnonzero(sample.codes(target) == code)[0]) for code in codes]
    texts = [str(v) if v is not None else None for v in plain(sample.columns[target]).take(first).cast("string").to_pylist()]
    yield Bands(target=target, determinants=names, edges=edges, values=tuple(to_scalar(t, sample.types[target]) for t in texts))


def _changes(x: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """The values of `x` in order, where among them a new label begins, and the label; None where one value has several."""
    known = np.isfinite(x)
    x, codes = x[known], codes[known]
    order = np.lexsort((codes, x))
    x, codes = x[order], codes[order]
    new = np.append(True, x[1:] != x[:-1]) if len(x) else np.zeros(0, dtype=bool)
    if not len(x) or (~new[1:] & (codes[1:] != codes[:-1])).any():
        return None
    x, codes = x[new], codes[new]
    begins = np.flatnonzero(np.append(True, codes[1:] != codes[:-1]))
    return x, begins, codes[begins]


def _between(low: float, high: float) -> float:
    """The shortest number above `low` and not above `high`: where one range ends is mostly a round number."""
    size = 10.0 ** np.ceil(np.log10(max(abs(low), abs(high), 1e-300)))
    for _ in range(18):
        rounded = float(np.floor(high / size + 1e-12) * size)
        if low < (short := float(f"{rounded:.15g}")) <= high:
            return short
        size /= 10
    return (low + high) / 2 if low < (low + high) / 2 else high  # no value of a row
