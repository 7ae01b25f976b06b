"""Decimals and whole numbers of more digits than a float64 holds, as whole numbers of a unit that all of them are multiples of.

They are counted from the least of them on, or from the one nearest to 0 where that would be past what a float64 counts by ones; and gaps so wide that the
numbers on their two sides could not be told apart are left out: 0 beside account numbers of 30 digits. So most columns are exact, and of the rest only digits
past the sixteenth are lost.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

_MARK = "decimal "


class DecimalForm(NamedTuple):
    """How decimals are counted; all numbers are of the smallest digit that the type has.

    Attributes:
        largest: number that the type holds.
        unit: 1 or more.
        first: the number of the least value, 0 or less.
        starts, ends: the least and the greatest value of each run of values, ascending; each a multiple of `unit` from the first of all on.
    """

    largest: int
    unit: int
    first: int
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    @property
    def offsets(self) -> tuple[int, ...]:
        """The number of the first value of each run."""
        found = [self.first]
        for start, end in zip(self.starts[:-1], self.ends[:-1], strict=True):
            found.append(found[-1] + (end - start) // self.unit + 1)
        return tuple(found)

    @property
    def range(self) -> tuple[int, int]:
        """The numbers of the least and the greatest value that the type holds."""
        return self.first - (self.largest + self.starts[0]) // self.unit, self.offsets[-1] + (self.largest - self.starts[-1]) // self.unit

    def __str__(self) -> str:
        runs = ",".join(f"{start}:{end}" for start, end in zip(self.starts, self.ends, strict=True))
        return f"{_MARK}{self.largest} {self.unit} {self.first} {runs}"


def is_decimal_form(form: str) -> bool:
    """Whether a form is one of numbers, not of dates or times."""
    return form.startswith(_MARK)


@lru_cache(maxsize=256)
def decimal_form(text: str) -> DecimalForm:
    """The inverse of `str`."""
    largest, unit, first, runs = text.removeprefix(_MARK).split(" ")
    starts, ends = zip(*((int(a), int(b)) for a, b in (run.split(":") for run in runs.split(","))), strict=True)
    return DecimalForm(int(largest), int(unit), int(first), starts, ends)
