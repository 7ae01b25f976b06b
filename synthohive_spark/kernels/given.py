"""Rows that must have given values: which rows they are, the codes that the model is given, and the exact values afterwards.

Legend: `n` rows of a block, `K` conditions, `M` modelled columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa

from .dependencies.pools import Pool
from .models.base import ConditionalGenerativeModel
from .repair import ReferenceKey, repair_reference


@dataclass(frozen=True)
class GivenValues:
    """One condition.

    Attributes:
        rows: how many rows have the values.
        codes: column -> code.
        values: column -> its exact value, an array of one in the column's type.
        pools: what columns can be of which asked ones follow.
    """

    rows: int
    codes: Mapping[str, int]
    values: Mapping[str, pa.Array] = field(repr=False)
    pools: tuple[Pool, ...] = ()


@dataclass(frozen=True)
class Given:
    """All conditions of one table.

    Attributes:
        conditions: in the order in which they were asked for.
        among: rows of the table over which those of each condition are spread evenly; None where they are its first rows, one condition after the other.
    """

    conditions: tuple[GivenValues, ...]
    among: int | None = None

    @property
    def rows(self) -> int:
        return sum(c.rows for c in self.conditions)


def condition_of(given: Given | None, rows: np.ndarray) -> np.ndarray | None:
    """The condition of each row, int64 (n,), -1 for none; None where no row has one.

    A function of the row numbers alone, so that it does not depend on blocks and partitions.

    Args:
        rows: numbers of the rows in their table, int64 (n,), ascending; some may be missing.
    """
    if given is None or not len(rows):
        return None
    if given.among is None:
        ends = np.cumsum([c.rows for c in given.conditions])
        which = np.searchsorted(ends, rows, side="right")
        which = np.where(which < len(ends), which, -1)
    else:
        which = _spread(given, int(rows[0]), int(rows[-1] - rows[0]) + 1, given.among)[rows - rows[0]]
    return which if (which >= 0).any() else None


def _spread(given: Given, first: int, count: int, total: int) -> np.ndarray:
    """Each condition takes its share evenly from the rows that those before it left."""
    which = np.full(count, -1, dtype=np.int64)
    left = np.arange(count)
    for index, condition in enumerate(given.conditions):
        if not len(left):
            break
        # Row r is taken where floor(r k / t) makes a step. As Python integers first: r k is past int64 for large tables.
        whole, rest = divmod(first * condition.rows, total)
        before = whole + (rest + np.arange(len(left) + 1, dtype=np.int64) * condition.rows) // total
        taken = np.diff(before) > 0
        which[left[taken]] = index
        left, first, total = left[~taken], first - whole, total - condition.rows
    return which


def given_codes(given: Given | None, which: np.ndarray | None, names: Sequence[str]) -> np.ndarray | None:
    """What the model is given: int64 (n, M) for the columns `names`, -1 where it draws; None where it draws all."""
    if given is None or which is None:
        return None
    codes = np.array([[c.codes.get(name, -1) for name in names] for c in given.conditions] + [[-1] * len(names)], dtype=np.int64)  # (K + 1, M)
    return codes[which]


def draw_given(model: ConditionalGenerativeModel, context: np.ndarray, rng: np.random.Generator, given: np.ndarray | None, size: int) -> np.ndarray:
    """Rows of codes, int64 (N, M), for contexts (N, C), in batches of at most `size`; those given are kept whatever the model does."""
    parts = []
    for i in range(0, len(context), size):
        part = None if given is None else given[i : i + size]
        rows = model.sample(context[i : i + size], rng, part)
        parts.append(rows if part is None else np.where(part < 0, rows, part))
    return np.concatenate(parts)


def with_given_values(columns: Mapping[str, pa.Array], given: Given | None, which: np.ndarray | None) -> dict[str, pa.Array]:
    """The columns, with the exact value in the rows of each condition: a code can stand for several values."""
    out = dict(columns)
    if given is None or which is None:
        return out
    for name in dict.fromkeys(name for c in given.conditions for name in c.values if name in out):
        take = np.arange(len(which))
        asked: list[pa.Array] = []
        for index, condition in enumerate(given.conditions):
            if name in condition.values:
                take[which == index] = len(which) + len(asked)
                asked.append(condition.values[name])
        out[name] = pa.concat_arrays([out[name], *asked]).take(pa.array(take))
    return out


def held_rows(given: Given | None, which: np.ndarray | None) -> dict[str, np.ndarray]:
    """For each column with given values the rows that have one, bool (n,): there it must stay."""
    if given is None or which is None:
        return {}
    names = dict.fromkeys(name for c in given.conditions for name in c.values)
    asked = {name: [i for i, c in enumerate(given.conditions) if name in c.values] for name in names}
    return {name: np.isin(which, places) for name, places in asked.items()}


def repair_around(
    columns: Mapping[str, pa.Array], key: ReferenceKey, rng: np.random.Generator, given: Given | None, which: np.ndarray | None
) -> dict[str, pa.Array]:
    """`repair_reference`, where rows with given values in the key keep them and only its other columns move."""
    out = repair_reference(columns, key, rng)
    if given is None or which is None:
        return out
    for index, condition in enumerate(given.conditions):
        asked = tuple(c for c in key.columns if c in condition.values)
        rows = np.flatnonzero(which == index)
        if not asked or not len(rows):
            continue
        take = pa.array(rows)
        own = {c: columns[c].take(take) for c in key.columns}
        own |= repair_reference(own, replace(key, fixed=asked), rng)
        place = np.arange(len(which))
        place[rows] = len(which) + np.arange(len(rows))
        out = {c: pa.concat_arrays([values, own[c]]).take(pa.array(place)) for c, values in out.items()}
    return out
