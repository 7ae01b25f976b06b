"""Numbers, dates and times: frequent values are tokens, the rest falls in bins of about equal mass, decoded along their quantiles.

NaN and the infinities are tokens by their marks (see `types`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from ...spec.config import EncodingConfig
from ...spec.date_forms import has_time
from ...spec.encoding import NumberEncoding
from ..spread import grid_bounds, numbers_at, shuffled
from .cache import once_per_encoding
from .grid import EXACT, Coarse, decimals_of, find_coarse, find_grid, on_coarse, with_last_digits
from .rows import Rows
from .types import MARKS, from_float64, is_integer

TOKEN_SHARE = 0.005  # a value with less of the rows is told well enough by its bin
MAX_TOKENS = 64  # beside the bins: more would starve the model of rows per code
MIN_BIN_ROWS = 10  # a bin of fewer rows tells noise
MIN_BIN_SHARE = 0.001  # of the rows that are not null, for the same reason in large tables
TAIL_SHARE = 0.0002  # the same in a long tail, where a few rows weigh much
MAX_SPLITS = 14  # more bins for long tails
WORTH_SPLITTING = 0.04  # of the squares inside all bins: a bin with less loses little of any correlation
INNER = 15  # quantiles inside a bin: 50 bins place a value to 0.15 % of the mass
MAX_PICKS = 64  # quantiles inside a bin of discrete values
LEAST_DISTINCT = 50  # rows: of fewer it cannot be told whether values differ by accident
LEAST_MEETINGS = 10.0  # pairs of equal values that chance would give
DISCRETE_SHARE = 0.98  # of the rest in values that are no accident: then no value in between is made up


class Measured(NamedTuple):
    """What was seen of a column.

    Attributes:
        values: distinct values in the float64 domain, (D,), ascending; marks among them.
        counts: sampled rows per value, int64 (D,), each at least 1.
        null_share: share of all rows that are null, in [0, 1].
    """

    values: np.ndarray
    counts: np.ndarray
    null_share: float


def measured(values: np.ndarray, counts: np.ndarray, null_share: float) -> Measured:
    """Sort and merge raw (value, count) pairs, float64 and int64 (M,), in any order."""
    if not len(values):
        return Measured(np.empty(0), np.empty(0, dtype=np.int64), 1.0)
    distinct, inverse = np.unique(values + 0.0, return_inverse=True)  # -0.0 becomes 0.0
    return Measured(distinct, np.bincount(inverse, weights=counts).astype(np.int64), null_share)


def fit_numbers(name: str, spark_type: str, seen: Measured, config: EncodingConfig, form: str = "") -> NumberEncoding:
    """Learn tokens, bins and granularity. A column without any value has the code for null only.

    Args:
        form: of dates or times in text or whole numbers.
    """
    # A mark has no place between numbers: one that is too rare to be told is left out.
    marked = np.isin(seen.values, MARKS)
    known = ~marked | (seen.counts >= config.min_category_rows)
    seen, marked = Measured(seen.values[known], seen.counts[known], seen.null_share), marked[known]
    if not len(seen.values):
        return NumberEncoding(name=name, spark_type=spark_type, has_null=True, weights=(1.0,))
    has_null = seen.null_share > 0
    domain = spark_type if not form else "timestamp" if has_time(form) else "date"
    step, origin = find_grid(seen.values[~marked], domain) if not marked.all() else (0.0, 0.0)
    token = marked | _tokens(seen, config.max_codes - has_null - int(marked.sum()), config)
    values, counts = seen.values[~token], seen.counts[~token]
    budget = config.max_codes - has_null - int(token.sum())
    bin_of = _split_tails(values, counts, _bins(counts, int(seen.counts.sum()), budget, config), budget, config)
    discrete = _is_discrete(values, counts, bin_of, config)
    knots, per_bin = _knots(values, counts, bin_of, step, discrete, config) if len(values) else (np.empty(0), 1)
    coarse = find_coarse(values, counts, step, origin) if not discrete else Coarse()
    rows = np.concatenate([seen.counts[token], np.bincount(bin_of, weights=counts)]).astype(np.float64)
    weights = rows / rows.sum() * (1 - seen.null_share)
    return NumberEncoding(
        name=name,
        spark_type=spark_type,
        has_null=has_null,
        weights=tuple(([seen.null_share] if has_null else []) + weights.tolist()),
        tokens=tuple(seen.values[token].tolist()),
        knots=tuple(knots.tolist()),
        knots_per_bin=per_bin,
        discrete=discrete,
        step=step,
        origin=origin,
        coarse=coarse.step,
        coarse_origin=coarse.origin,
        coarse_share=coarse.share,
        distinct=_is_distinct(seen.values, seen.counts, step),
        form=form,
    )


def _is_distinct(values: np.ndarray, counts: np.ndarray, step: float) -> bool:
    """Whether no value occurs twice though many would by chance: `n` values on `c` cells meet in about n^2 / 2c pairs (the birthday problem)."""
    if not step or len(values) < LEAST_DISTINCT or counts.max() > 1:
        return False
    cells = (values[-1] - values[0]) / step + 1
    return cells < EXACT and len(values) ** 2 / 2 / cells >= LEAST_MEETINGS


def _tokens(seen: Measured, budget: int, config: EncodingConfig) -> np.ndarray:
    """Which values have a code of their own, bool (D,)."""
    frequent = seen.counts >= config.min_category_rows
    if frequent.sum() + (not frequent.all()) <= budget and len(seen.values) <= config.max_codes:
        return frequent
    bins = min(config.bins, max(1, budget // 2))
    limit = min(MAX_TOKENS, budget - bins)
    candidates = np.flatnonzero(frequent & (seen.counts >= TOKEN_SHARE * seen.counts.sum()))
    chosen = candidates[np.argsort(-seen.counts[candidates], kind="stable")[:limit]]
    token = np.zeros(len(seen.values), dtype=bool)
    token[chosen] = True
    return token


def _bins(counts: np.ndarray, total: int, budget: int, config: EncodingConfig) -> np.ndarray:
    """The bin of each of the remaining values, int64 (R,), ascending without gaps; equal values are never split."""
    if not len(counts):
        return np.empty(0, dtype=np.int64)
    bins = min(config.bins, budget, max(1, int(counts.sum() / max(MIN_BIN_ROWS, MIN_BIN_SHARE * total))))
    middle = (np.cumsum(counts) - counts / 2) / counts.sum()
    return np.unique(np.floor(middle * bins), return_inverse=True)[1].astype(np.int64)


def _split_tails(values: np.ndarray, counts: np.ndarray, bin_of: np.ndarray, budget: int, config: EncodingConfig) -> np.ndarray:
    """Halve, again and again, the bin with the largest sum of squared deviations: in a long tail bins of equal mass would lose what is far out.

    Returns:
        The bin of each value, int64 (R,), as `_bins` gives it.
    """
    if not len(bin_of):
        return bin_of
    # Fewer rows between two quantiles would give real values back, one by one.
    least = max(TAIL_SHARE * int(counts.sum()), INNER * max(2, config.min_category_rows))
    starts = [0, *(np.flatnonzero(np.diff(bin_of)) + 1).tolist()]
    squares = [_squares(values[a:b], counts[a:b]) for a, b in zip(starts, [*starts[1:], len(values)], strict=True)]
    floor, most = WORTH_SPLITTING * sum(squares), len(starts) + MAX_SPLITS
    while len(starts) < min(most, budget) and max(squares) > floor:
        worst = int(np.argmax(squares))
        first, last = starts[worst], [*starts[1:], len(values)][worst]
        rows = np.cumsum(counts[first:last])
        cut = int(np.argmin(np.abs(rows[:-1] - rows[-1] / 2))) + 1 if last - first > 1 else 0
        if not cut or min(rows[cut - 1], rows[-1] - rows[cut - 1]) < least:
            squares[worst] = 0.0  # it stays whole
            continue
        starts.insert(worst + 1, first + cut)
        squares[worst : worst + 1] = [_squares(values[a:b], counts[a:b]) for a, b in ((first, first + cut), (first + cut, last))]
    return np.searchsorted(np.array(starts), np.arange(len(values)), side="right") - 1


def _squares(values: np.ndarray, counts: np.ndarray) -> float:
    return float(np.average((values - np.average(values, weights=counts)) ** 2, weights=counts) * counts.sum())


def _is_discrete(values: np.ndarray, counts: np.ndarray, bin_of: np.ndarray, config: EncodingConfig) -> bool:
    if not len(values) or len(values) > (bin_of[-1] + 1) * MAX_PICKS // 2:
        return False
    return bool(counts[counts >= config.min_category_rows].sum() >= DISCRETE_SHARE * counts.sum())


def _knots(values: np.ndarray, counts: np.ndarray, bin_of: np.ndarray, step: float, discrete: bool, config: EncodingConfig) -> tuple[np.ndarray, int]:
    """Edges and quantiles inside the bins, in the layout that `NumberEncoding.knots` documents, and how many there are per bin."""
    bins = int(bin_of[-1]) + 1
    if discrete:
        inner = min(MAX_PICKS, max(INNER, 3 * -(-len(values) // bins)))
    else:
        # Fewer rows between two quantiles would give real values back, one by one.
        inner = 1 + int(np.clip(counts.sum() // (bins * max(2, config.min_category_rows)), 1, INNER - 1))
    starts = np.searchsorted(bin_of, np.arange(bins + 1))
    half = 0.0 if discrete else step / 2
    quantiles = np.empty((bins, inner))
    for b in range(bins):
        part = slice(starts[b], starts[b + 1])
        quantiles[b] = _picks(values[part], counts[part], inner) if discrete else _quantiles(values[part], counts[part], half, inner)
    between = values[starts[1:-1] - 1] / 2 + values[starts[1:-1]] / 2
    edges = np.concatenate([[quantiles[0, 0]], between, [quantiles[-1, -1]]])
    knots = np.concatenate([np.column_stack([edges[:-1], quantiles]).ravel(), edges[-1:]])
    return knots, inner + 1


def _picks(values: np.ndarray, counts: np.ndarray, inner: int) -> np.ndarray:
    """Real values, as often as they are frequent, (inner,)."""
    at = (np.arange(inner) + 0.5) / inner * counts.sum()
    return values[np.searchsorted(np.cumsum(counts), at)]


def _quantiles(values: np.ndarray, counts: np.ndarray, half: float, inner: int) -> np.ndarray:
    """Quantiles at equal distances, (inner,). On a grid a value stands for its cell, so that rounding gives its share back."""
    after = np.cumsum(counts).astype(np.float64)
    ends = np.column_stack([after - counts, after]) if half else np.column_stack([after - counts + 0.5, after - 0.5])
    cells = np.column_stack([values - half, values + half])
    quantiles = np.interp(np.linspace(0, after[-1], inner), ends.ravel(), cells.ravel())
    quantiles[0], quantiles[-1] = values[0] - half, values[-1] + half
    return quantiles


class _Tables(NamedTuple):
    tokens: np.ndarray  # (T,)
    edges: np.ndarray  # (bins - 1,) inner edges
    inner: np.ndarray  # (bins, I)
    commonest: int
    decimals: int


@once_per_encoding
def _tables(encoding: NumberEncoding) -> _Tables:
    knots = np.asarray(encoding.knots, dtype=np.float64)
    grid = knots[:-1].reshape(encoding.bins, encoding.knots_per_bin) if encoding.bins else np.empty((0, 2))  # (bins, 1 + I)
    tokens = np.asarray(encoding.tokens, dtype=np.float64)
    return _Tables(tokens, grid[1:, 0], grid[:, 1:], int(np.argmax(encoding.weights)), decimals_of(encoding.step, encoding.origin))


def encode_numbers(x: np.ndarray, encoding: NumberEncoding) -> np.ndarray:
    """Codes int64 (N,) of float64 (N,). Unseen values go to their bin, those outside to the first or last one, or to the nearest token."""
    tables, first = _tables(encoding), int(encoding.has_null)
    null = np.isnan(x)
    codes = np.full(len(x), 0 if encoding.has_null else tables.commonest, dtype=np.int64)
    if not len(tables.tokens) and not encoding.bins:
        return codes
    known = x[~null]
    found = np.zeros(len(known), dtype=np.int64)
    exact = np.zeros(len(known), dtype=bool)
    if len(tables.tokens):
        middles = tables.tokens[:-1] / 2 + tables.tokens[1:] / 2
        found = np.searchsorted(middles, known, side="right")
        exact = tables.tokens[found] == known
    if encoding.bins:
        found = np.where(exact, found, len(tables.tokens) + np.searchsorted(tables.edges, known, side="right"))
    codes[~null] = first + found
    return codes


def decode_numbers(codes: np.ndarray, encoding: NumberEncoding, rng: np.random.Generator, rows: Rows | None = None) -> pa.Array:
    """Values of codes int64 (N,): tokens exactly, values of a bin along its quantiles, on the column's grid.

    Args:
        rows: which rows of the table they are, so that what is distinct stays so.
    """
    tables, first = _tables(encoding), int(encoding.has_null)
    null = codes < first
    x = np.zeros(len(codes))
    position = codes - first
    token = ~null & (position < len(tables.tokens))
    x[token] = tables.tokens[position[token]]
    binned = ~null & ~token
    if binned.any():
        x[binned] = _inside(position[binned] - len(tables.tokens), encoding, tables, rng)
    if not len(tables.tokens) and not encoding.bins:
        null = np.ones(len(codes), dtype=bool)
    if encoding.distinct and rows is not None and rows.total <= _room(encoding):
        x[~null] = _apart(x[~null], encoding, rows.only(~null))
    array = from_float64(x, null, encoding.spark_type, encoding.form)
    return with_last_digits(array, binned, rng) if is_integer(encoding.spark_type) and not encoding.form else array


def _room(encoding: NumberEncoding) -> float:
    """Values between the least and the greatest real one: past them nothing is made only to be different."""
    first, last, _, _ = grid_bounds(encoding)
    return last - first + 1


def _apart(x: np.ndarray, encoding: NumberEncoding, rows: Rows) -> np.ndarray:
    """Values that no other row of the table has, float64 (N,), in the order of `x`: what was drawn says which of them a row gets."""
    ranks = shuffled(rows.numbers, rows.total, rows.salt)
    x_order = np.empty(len(x), dtype=np.int64)
    x_order[np.argsort(x, kind="stable")] = np.arange(len(x))
    return numbers_at(encoding, np.sort(ranks), rows.total, rows.salt)[x_order]


def _inside(b: np.ndarray, encoding: NumberEncoding, tables: _Tables, rng: np.random.Generator) -> np.ndarray:
    """One value, float64 (N,), in each of the bins `b`, int64 (N,)."""
    u = rng.random(len(b))
    inner = tables.inner.shape[1]
    if encoding.discrete:
        return tables.inner[b, (u * inner).astype(np.int64)]
    at = u * (inner - 1)
    low = at.astype(np.int64)
    part = at - low
    x = tables.inner[b, low] * (1 - part) + tables.inner[b, np.minimum(low + 1, inner - 1)] * part
    if not encoding.step:
        return x
    half = encoding.step / 2
    ends = [np.rint((tables.inner[:, 0] + half - encoding.origin) / encoding.step), np.rint((tables.inner[:, -1] - half - encoding.origin) / encoding.step)]
    whole = np.clip(np.rint((x - encoding.origin) / encoding.step), ends[0][b], ends[1][b])
    if encoding.coarse:
        whole = on_coarse(whole, (ends[0][b], ends[1][b]), encoding, rng)
    x = np.round(encoding.origin + whole * encoding.step, tables.decimals)
    taken = np.flatnonzero(np.isin(x, tables.tokens))
    if len(taken):
        x[taken] = _beside_tokens(tables.inner[b[taken], low[taken]], x[taken], (ends[0][b[taken]], ends[1][b[taken]]), encoding, tables)
    return x


def _beside_tokens(quantile: np.ndarray, x: np.ndarray, ends: tuple[np.ndarray, np.ndarray], encoding: NumberEncoding, tables: _Tables) -> np.ndarray:
    """The value that the quantile below stands for, where rounding hit a token: it would come back as another code. All float64 (N,).

    Args:
        ends: first and last step of each value's bin: on the border of the lowest cell rounding could fall out of it.
    """
    for shift in (0.0, 0.25, -0.25):  # a quantile lies in the cell of its value or on its border
        whole = np.rint((quantile - encoding.origin) / encoding.step + shift)
        free = np.round(encoding.origin + whole * encoding.step, tables.decimals)
        x = np.where(np.isin(x, tables.tokens) & (whole >= ends[0]) & (whole <= ends[1]), free, x)
    return x
