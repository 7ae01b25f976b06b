"""Different values in a column's own distribution: the value of rank `i` of `n` is a function of `i` and `n`, and no two ranks share one.

The real quantiles are a line of pieces that says how far rank `i` should be on the column's grid, q(i). Where it rises by less than one cell per
rank, values would repeat; so a rank is at least one cell past the one before: g(i) = i + max over j <= i of (q(j) - j), which the ends of the pieces
tell without going through all ranks. Past the greatest real value the grid goes on. Legend: `m` ranks, `K` pieces.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..spec.encoding import CategoryEncoding, NumberEncoding
from .columns.cache import once_per_encoding
from .columns.grid import decimals_of
from .columns.marks import is_mark
from .columns.types import type_range

FINE = 2.0**-40  # of the range: the grid of values that have none
HAIR = 1e-6  # of a cell: an edge on the grid can lie that much below it in binary
ROUNDS = 4  # of Feistel's network; three make a permutation look random


class _Line(NamedTuple):
    """The quantile function on the grid."""

    level: np.ndarray  # (K + 1,) where pieces begin and end, in [0, 1]
    low: np.ndarray  # (K,) in cells, at the piece's beginning
    high: np.ndarray  # (K,) at its end
    step: float
    first: float  # cell of the least real value
    last: float  # of the greatest
    end: float  # the greatest cell that the type can hold
    start: float  # the least


@once_per_encoding
def _line(encoding: NumberEncoding) -> _Line:
    weights = np.asarray(encoding.weights[int(encoding.has_null) :], dtype=np.float64)
    tokens = np.asarray(encoding.tokens, dtype=np.float64)
    numbers = np.concatenate([~is_mark(tokens), np.ones(encoding.bins, dtype=bool)])
    tokens, weights = tokens[numbers[: len(tokens)]], weights[numbers[: len(weights)]]
    inner = np.asarray(encoding.knots[:-1], dtype=np.float64).reshape(encoding.bins, -1)[:, 1:] if encoding.bins else np.empty((0, 2))  # (bins, I)
    step = grid_step(encoding)
    half = step / 2 if encoding.discrete or not encoding.step else 0.0  # a cell begins half a step before its value; quantiles on a grid do already
    pieces = inner.shape[1] - 1
    low = np.concatenate([tokens, (inner[:, :-1] + half).ravel()])
    high = np.concatenate([tokens, (inner[:, 1:] + half).ravel()])
    share = np.concatenate([weights[: len(tokens)], np.repeat(weights[len(tokens) :] / pieces, pieces)])
    nothing = [] if len(low) else [encoding.origin]  # a column without a value: its numbers start at the origin
    if nothing:
        low, high, share = np.array(nothing), np.array(nothing), np.ones(1)
    order = np.lexsort((high, low))
    level = np.concatenate([[0.0], np.cumsum(share[order])])
    cells = [(side[order] - encoding.origin) / step + 0.5 for side in (low, high)]
    least, most = type_range(encoding.spark_type, encoding.form)
    margin = 0.0 if encoding.discrete else encoding.step / 2
    ends = np.rint((np.concatenate([tokens, inner[:, 0] + margin, inner[:, -1] - margin, nothing]) - encoding.origin) / step)
    return _Line(
        level=level / max(level[-1], 1e-300),
        low=cells[0],
        high=cells[1],
        step=step,
        first=float(ends.min()),
        last=float(ends.max()),
        end=float(np.floor((most - encoding.origin) / step)),
        start=float(np.ceil((least - encoding.origin) / step)),
    )


def grid_step(encoding: NumberEncoding) -> float:
    """The distance of neighbouring values; past 2**53 neighbours that float64 can tell apart, and for values without a grid a tiny part of their range."""
    values = np.concatenate([encoding.tokens, encoding.knots]).astype(np.float64)
    values = values[~is_mark(values)]
    size = float(np.abs(values).max(initial=1.0))
    spread = float(np.ptp(values)) if len(values) else 1.0
    single = encoding.spark_type == "float"
    apart = 2 * float(np.spacing(np.float32(size)) if single else np.spacing(size))
    if encoding.step:
        return max(1.0, np.ceil(apart / encoding.step)) * encoding.step if apart > encoding.step else encoding.step
    return max(spread * FINE, apart, 1e-12)


def numbers_at(encoding: NumberEncoding, ranks: np.ndarray, n: int, salt: int) -> np.ndarray:
    """The values of `ranks`, int64 (m,), of a series of `n`: ascending with the rank, float64 (m,)."""
    line = _line(encoding)
    here, beyond = (_cells(line, ranks + shift, n) for shift in (0, 1))
    # Inside the gap to the next rank any cell will do, and evenly spaced ones would look made up.
    cells = here + hashed(ranks, salt) * np.maximum(0.0, beyond - here - 1)
    return grid_values(np.maximum(np.floor(cells + HAIR), line.start + ranks), encoding)


def grid_cells(values: np.ndarray, encoding: NumberEncoding) -> np.ndarray:
    """The cell of each value, whole numbers as float64 (m,)."""
    return np.rint((values - encoding.origin) / grid_step(encoding))


def grid_values(cells: np.ndarray, encoding: NumberEncoding) -> np.ndarray:
    """The inverse of `grid_cells`."""
    step = grid_step(encoding)
    return np.round(encoding.origin + cells * step, decimals_of(step, encoding.origin))


def grid_bounds(encoding: NumberEncoding) -> tuple[float, float, float, float]:
    """Cells of the least and the greatest real value, and of the least and the greatest that the type can hold."""
    line = _line(encoding)
    return line.first, line.last, line.start, line.end


def _cells(line: _Line, ranks: np.ndarray, n: int) -> np.ndarray:
    """g(rank), float64 (m,): at least one cell further than the rank before, and never past the greatest real value if all ranks fit before it."""
    at = np.clip(ranks / n, 0.0, 1.0)
    piece = np.clip(np.searchsorted(line.level, at, side="right") - 1, 0, len(line.low) - 1)
    width = np.maximum(line.level[piece + 1] - line.level[piece], 1e-300)
    wanted = line.low[piece] + (line.high[piece] - line.low[piece]) * np.clip((at - line.level[piece]) / width, 0.0, 1.0)
    # The largest q(j) - j up to the beginning of each piece: at the end of the one before, or at its own beginning.
    begins = line.level[:-1] * n
    before = np.concatenate([[-np.inf], line.high[:-1] - begins[1:]])
    lead = np.maximum.accumulate(np.maximum(before, line.low - begins))
    cells = np.maximum(ranks + lead[piece], wanted)
    last = line.last if n <= line.last - line.first + 1 else line.end
    return np.minimum(cells, last + 0.5 - (n - 1 - ranks))


def hashed(ranks: np.ndarray, salt: int) -> np.ndarray:
    """A number in [0, 1) for each whole number, float64 (m,), without any order in neighbouring ones."""
    x = ranks.astype(np.uint64) + np.uint64(salt % 2**63)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):  # SplitMix64 (Steele, Lea, Flood 2014)
        x = (x ^ (x >> np.uint64(shift))) * np.uint64(factor)
    return ((x ^ (x >> np.uint64(31))) >> np.uint64(11)).astype(np.float64) / 2.0**53


def labels_at(encoding: CategoryEncoding, ranks: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Places in `encoding.values` of `ranks` of `n` labels that differ, int64 (m,): a draw by frequency without replacement. `n` is at most their number."""
    counts = np.asarray(encoding.counts, dtype=np.float64)
    race = rng.exponential(size=len(counts)) / np.maximum(counts, 1e-9)  # the n smallest are such a draw
    chosen = np.sort(np.argsort(race, kind="stable")[:n])
    return chosen[ranks]


def shuffled(ranks: np.ndarray, n: int, salt: int) -> np.ndarray:
    """The ranks through a permutation of 0 ... n - 1, int64 (m,): a Feistel network that walks until it is inside.

    Raises:
        ValueError: a rank is `n` or more.
    """
    if len(ranks) and int(ranks.max()) >= n:
        raise ValueError(f"a rank is past the {n} that there are")  # the walk would never end
    bits = max(2, int(n - 1).bit_length() + (int(n - 1).bit_length() % 2)) // 2
    mask = np.uint64((1 << bits) - 1)
    out = ranks.astype(np.uint64)
    outside = np.ones(len(out), dtype=bool)
    while outside.any():
        x = out[outside]
        left, right = x >> np.uint64(bits), x & mask
        for turn in range(ROUNDS):
            mixed = (hashed(right.astype(np.int64), salt + turn) * 2.0**53).astype(np.uint64) & mask
            left, right = right, left ^ mixed
        out[outside] = (left << np.uint64(bits)) | right
        outside = out >= np.uint64(n)
    return out.astype(np.int64)
