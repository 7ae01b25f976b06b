"""Find sums on clocks that start again: `dep_time = sched_dep_time + dep_delay` where 23:50 and 15 minutes are 00:05.

Legend: `n` rows, `m` rows of a first look, `W` columns.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pyarrow.compute as pc

from ...spec.dependencies import Clock, Reading
from ..columns.types import is_integer
from .clocks import DIGITS, FORMS, read_clock
from .find_linear import FEW, MOST
from .formulas import is_clock, is_formula_input
from .sample import MIN_SURPRISES, Sample, Search

CYCLES = {86_400: (1, 60, 3_600), 1_440: (1, 60), 360: (1,), 60: (1,), 24: (1,), 12: (1,), 7: (1,)}  # turns of clocks, and what numbers that are added count
MOST_CLOCKS = 40  # columns that are looked at per turn: the search is cubic
MOST_NUMBERS = 100
COVERED = 0.9  # of its turn that a column of plain numbers spans at least
SPAN = 0.95  # of a turn that a number can span at most to be the difference of two clocks


class _Face(NamedTuple):
    """A column read as a clock."""

    name: str
    reading: Reading
    values: np.ndarray  # float64 (n,), nan for null


def find_clocks(sample: Sample, search: Search) -> list[Clock]:
    """Sums of a time and a number that hold on the sample on the clock, and not without one."""
    numbers = [n for n in search.inputs if _is_whole(sample, search, n) and sample.varies(n)][:MOST_NUMBERS]
    found: list[Clock] = []
    for cycle in CYCLES:
        faces = list(_faces(sample, search, numbers, cycle))[:MOST_CLOCKS]
        for place, face in enumerate(faces):
            for other in faces[place + 1 :]:
                if face.name != other.name:
                    found += [c for c in _between(sample, search, numbers, cycle, face, other) if c is not None]
    return found


def _is_whole(sample: Sample, search: Search, name: str) -> bool:
    kind = search.types[name]
    return is_formula_input(kind) and not is_clock(kind) and (is_integer(kind) or sample.digits(name) == 0)


def _faces(sample: Sample, search: Search, numbers: list[str], cycle: int) -> Iterator[_Face]:
    """The columns that could show this clock."""
    for reading, (form, _) in FORMS.items():
        if cycle == (1_440 if reading == "HH:MM" else 86_400):
            yield from (_face(sample, name, reading) for name, own in search.forms.items() if own == form and sample.varies(name))
    if cycle == 1_440:
        texts = [n for n in dict.fromkeys((*search.targets, *search.apart)) if search.types[n] == "string"]
        yield from (_face(sample, name, "HHMM") for name in texts if _is_digits(sample, name))
    for name in (n for n in numbers if n not in search.forms):
        values = sample.numbers(name)
        low, high = float(np.nanmin(values)), float(np.nanmax(values))
        if low < 0:
            continue
        if cycle == 1_440 and 100 < high <= 2_400 and np.nanmax(values % 100) < 60:
            yield _face(sample, name, "hhmm")
        if high <= cycle and high - low >= COVERED * (cycle - 1) - 1 and not (low == 0 and high == cycle):
            yield _face(sample, name, "number")


def _is_digits(sample: Sample, name: str) -> bool:
    """Whether a text always has the hour and the minute as four digits."""
    array = sample.columns[name].drop_null()
    return sample.varies(name) and len(array) > 0 and bool(pc.all(pc.match_substring_regex(array, DIGITS)).as_py())


def _face(sample: Sample, name: str, reading: Reading) -> _Face:
    def read() -> np.ndarray:
        values, null = read_clock(sample.columns[name], reading)
        return np.where(null, np.nan, values.astype(np.float64))

    return _Face(name, reading, sample.once(f"clock {reading}", name, lambda _: read()))


def _between(sample: Sample, search: Search, numbers: list[str], cycle: int, face: _Face, other: _Face) -> Iterator[Clock | None]:
    """What the two clocks are apart: always the same, or a number."""
    apart = (face.values - other.values)[sample.quick] % cycle
    known = ~np.isnan(apart)
    if known.sum() < FEW:
        return
    steps, counts = np.unique(apart[known], return_counts=True)
    shift = int(steps[np.argmax(counts)])
    if (shift or face.reading != other.reading) and counts.max() >= MOST * known.sum():
        for one, two, constant in ((face, other, shift), (other, face, -shift % cycle)):
            yield _held(sample, search, _clock(cycle, one, two, constant), {two.name: 1})
    names = [n for n in numbers if n not in (face.name, other.name)]
    if not names:
        return
    looked = np.stack([sample.quick_numbers(n) for n in names], axis=1)  # (m, W)
    both = known[:, None] & ~np.isnan(looked)
    for factor in (sign * unit for unit in CYCLES[cycle] for sign in (1, -1)):
        same = ((apart[:, None] - factor * looked) % cycle == 0) & both
        for k in np.flatnonzero((both.sum(axis=0) >= FEW) & (same.sum(axis=0) >= MOST * both.sum(axis=0))):
            yield from _solved(sample, search, cycle, (face, other), names[k], factor)


def _solved(sample: Sample, search: Search, cycle: int, faces: tuple[_Face, _Face], number: str, factor: int) -> Iterator[Clock | None]:
    """`face = other + factor * number`, for each of the three."""
    face, other = faces
    for one, two, sign in ((face, other, factor), (other, face, -factor)):
        clock = _clock(cycle, one, two)
        added = {"determinants": (two.name, number), "readings": (*clock.readings, "number"), "factors": (1, sign)}
        clock = clock.model_copy(update=added)
        yield _held(sample, search, clock, {two.name: 1, number: sign})
    values = sample.numbers(number)
    low, high = int(np.nanmin(values)), int(np.nanmax(values))
    if abs(factor) == 1 and high - low < SPAN * cycle:
        first = low - (cycle - 1 - (high - low)) // 2  # rows that the sample does not show may lie a bit outside
        later, earlier = (face, other) if factor > 0 else (other, face)
        readings: tuple[Reading, ...] = ("number", later.reading, earlier.reading)
        names = (later.name, earlier.name)
        span = Clock(target=number, determinants=names, factors=(1, -1), cycle=cycle, first=first, is_span=True, readings=readings)
        yield _held(sample, search, span, {later.name: 1, earlier.name: -1})


def _clock(cycle: int, target: _Face, other: _Face, constant: int = 0) -> Clock:
    """`target = other + constant`."""
    top = np.nanmax(target.values) == cycle and not (target.values == 0).any()
    readings = (target.reading, other.reading)
    return Clock(target=target.name, determinants=(other.name,), factors=(1,), constant=constant, cycle=cycle, first=int(top), readings=readings)


def _held(sample: Sample, search: Search, clock: Clock, terms: dict[str, int]) -> Clock | None:
    """The rule, where it holds and a sum without a clock would not: plain numbers have to go past the end of a turn."""
    if clock.target not in search.targets or clock.target in search.bounded:
        return None
    found = sample.judged(clock)
    if found is None:
        return None
    if set(clock.readings) == {"number"}:
        plain_sum = sum(factor * sample.numbers(name) for name, factor in terms.items()) + clock.constant
        apart = np.abs(plain_sum - sample.numbers(clock.target)) > 0
        if (apart & ~np.isnan(plain_sum)).sum() < MIN_SURPRISES:
            return None
    return found
