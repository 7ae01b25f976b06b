"""Numbers, dates and times: frequent values are tokens, the rest falls in bins of about equal mass, decoded along their quantiles.

NaN, the infinities and labels among numbers in text are tokens by their marks (see `marks`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ...spec.config import EncodingConfig
from ...spec.date_forms import has_time
from ...spec.decimal_forms import decimal_form, is_decimal_form
from ...spec.encoding import NumberEncoding
from ...spec.number_forms import is_number_form
from ..spread import grid_bounds, numbers_at, shuffled
from .bins import is_discrete, knots_of, merged, rough_bins, split_tails
from .cache import once_per_encoding
from .decimals import from_units, values_of
from .grid import EXACT, Coarse, decimals_of, find_coarse, find_grid, on_coarse, typed_numbers, with_last_digits
from .marks import is_mark
from .measured import Measured, shared
from .rows import Rows
from .types import arrow_type, is_integer, to_float64, to_typed, type_range

TOKEN_SHARE = 0.005  # a value with less of the rows is told well enough by its bin
MAX_TOKENS = 64  # beside the bins: more would starve the model of rows per code
LEAST_DISTINCT = 50  # rows: of fewer it cannot be told whether values differ by accident
LEAST_MEETINGS = 10.0  # pairs of equal values that chance would give
DENSE = 0.5  # of the steps from the least to the greatest value, from which on values that differ are a sequence
BESIDE = 4  # steps at most that a value moves off a token


def fit_numbers(name: str, spark_type: str, seen: Measured, config: EncodingConfig, form: str = "", labels: Sequence[str] = ()) -> NumberEncoding:
    """Learn tokens, bins and granularity. A column without any value has the code for null only.

    Args:
        form: of dates, times or numbers in text, or of dates in whole numbers.
        labels: what stands beside them, each by its mark.
    """
    # A mark has no place between numbers: one that is too rare to be told is left out.
    marked = is_mark(seen.values)
    known = ~marked | (seen.counts >= config.min_category_rows)
    seen, marked = seen.only(known), marked[known]
    if not len(seen.values):
        return NumberEncoding(name=name, spark_type=spark_type, has_null=True, weights=(1.0,))
    has_null = seen.null_share > 0
    step, origin = _grid(seen.values[~marked], spark_type, form)
    seen = shared(seen, step, origin, config.min_category_rows)
    marked = is_mark(seen.values)
    token = marked | _tokens(seen, config.max_codes - has_null - int(marked.sum()), config)
    if has_null or token.any():
        token, seen = _without_few(token, seen, config)
    if not len(seen.values):
        return NumberEncoding(name=name, spark_type=spark_type, has_null=True, weights=(1.0,))
    distinct = _is_distinct(seen.values, seen.counts, step)
    bins = _binned(seen.values[~token], seen.counts[~token], seen, config.max_codes - has_null - int(token.sum()), step, distinct, config)
    coarse = find_coarse(seen.values[~token], seen.counts[~token], step, origin) if not bins.discrete else Coarse()
    encoding = NumberEncoding(
        name=name,
        spark_type=spark_type,
        has_null=has_null,
        weights=(0.0,) * (has_null + int(token.sum()) + max(0, len(bins.knots) - 1) // bins.per_bin),
        tokens=tuple(seen.values[token].tolist()),
        knots=tuple(bins.knots.tolist()),
        knots_per_bin=bins.per_bin,
        discrete=bins.discrete,
        step=step,
        origin=origin,
        coarse=coarse.step,
        coarse_origin=coarse.origin,
        coarse_share=coarse.share,
        distinct=distinct,
        form=form,
        labels=tuple(labels),
    )
    return encoding.model_copy(update={"weights": _weights(seen, encoding)})


def _weights(seen: Measured, encoding: NumberEncoding) -> tuple[float, ...]:
    """Share of the rows per code."""
    rows = np.bincount(encode_numbers(seen.values, encoding), weights=seen.counts, minlength=encoding.cardinality)[int(encoding.has_null) :]
    return tuple(([seen.null_share] if encoding.has_null else []) + (rows / rows.sum() * (1 - seen.null_share)).tolist())


def _without_few(token: np.ndarray, seen: Measured, config: EncodingConfig) -> tuple[np.ndarray, Measured]:
    """The values without those beside the tokens, where too few rows have one to tell anything of them."""
    if not 0 < seen.counts[~token].sum() < config.min_category_rows:
        return token, seen
    return token[token], seen.only(token)


class _Bins(NamedTuple):
    knots: np.ndarray
    per_bin: int
    discrete: bool


def _binned(values: np.ndarray, counts: np.ndarray, seen: Measured, budget: int, step: float, distinct: bool, config: EncodingConfig) -> _Bins:
    """The bins of the values that are no tokens, float64 and int64 (R,)."""
    if not len(values):
        return _Bins(np.empty(0), 1, discrete=False)
    least = config.min_category_rows
    bin_of = split_tails(values, counts, merged(counts, rough_bins(counts, int(seen.counts.sum()), budget, config), least), budget, config)
    discrete = is_discrete(values, counts, bin_of, config)
    if discrete:
        told = counts >= least
        values, counts, bin_of = values[told], counts[told], np.unique(bin_of[told], return_inverse=True)[1]
    # Of numbers without gaps (days, sequences) the ends tell how many there are, and nothing of a row.
    dense = distinct and len(values) >= DENSE * ((values[-1] - values[0]) / step + 1)
    knots, per_bin = knots_of(values, counts, bin_of, step, discrete, dense, least)
    return _Bins(knots, per_bin, discrete)


def _grid(values: np.ndarray, spark_type: str, form: str) -> tuple[float, float]:
    """The step and the origin of finite values, float64 (D,)."""
    if is_decimal_form(form):
        return 1.0, 0.0
    domain = spark_type if not form else "double" if is_number_form(form) else "timestamp" if has_time(form) else "date"
    return find_grid(values, domain) if len(values) else (0.0, 0.0)


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
    if is_decimal_form(encoding.form):
        return _decimals(x, null, np.where(token, position, -1), encoding, rng)
    array = typed_numbers(x, null, encoding)
    return with_last_digits(array, binned, rng) if is_integer(encoding.spark_type) and not encoding.form and encoding.step <= 1 else array


def number_codes(series: pd.Series, encoding: NumberEncoding) -> np.ndarray:
    """Codes int64 (N,) of a column of numbers, dates or times.

    Raises:
        ValueError: it holds values of another type.
    """
    codes = encode_numbers(to_float64(series, encoding.name, encoding.spark_type, encoding.form, encoding.labels), encoding)
    if not encoding.exact:
        return codes
    # A float64 could take a value for a token beside it, and one token for another.
    place = pc.index_in(to_typed(series, encoding.name, encoding.spark_type), value_set=exact_tokens(encoding), skip_nulls=True).fill_null(-1)
    place = place.to_numpy(zero_copy_only=False)
    return np.where(place >= 0, place + int(encoding.has_null), codes)


def exact_tokens(encoding: NumberEncoding) -> pa.Array:
    """The tokens of decimals that have a form; null for one that stands for several rare values."""
    texts = pa.array(encoding.exact, pa.string())
    return pc.if_else(pc.equal(texts, ""), None, texts).cast(arrow_type(encoding.spark_type))


def _decimals(x: np.ndarray, null: np.ndarray, token: np.ndarray, encoding: NumberEncoding, rng: np.random.Generator) -> pa.Array:
    """Decimals (N,) of their numbers: tokens exactly, others with last digits drawn where a float64 has none, inside the real range.

    Args:
        token: place of each among the tokens, int64 (N,), -1 for none.
    """
    told = np.array([bool(text) for text in encoding.exact] + [False])[token]  # -1 is the last
    spacing = np.where(~told, np.clip(np.spacing(np.abs(x)) / 2, 1.0, 2.0**62), 1.0)
    digits = rng.integers(0, spacing.astype(np.int64)) if (spacing > 1).any() else None
    runs, target = decimal_form(encoding.form), arrow_type(encoding.spark_type)
    low, high = type_range(encoding.spark_type, encoding.form)
    units = values_of(np.clip(np.where(null, 0.0, x), low, high), encoding.form, digits)
    inside = from_units(np.clip(units, runs.starts[0], runs.ends[-1]), null, target)
    if not told.any():
        return inside
    return pc.if_else(pa.array(told), exact_tokens(encoding).take(pa.array(np.maximum(token, 0))), inside)


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
        x[taken] = _beside_tokens(x[taken], (ends[0][b[taken]], ends[1][b[taken]]), encoding, tables)
    return x


def _beside_tokens(x: np.ndarray, ends: tuple[np.ndarray, np.ndarray], encoding: NumberEncoding, tables: _Tables) -> np.ndarray:
    """The next value that is no token, where rounding hit one: it would come back as another code. All float64 (N,); as they are where none is near.

    Args:
        ends: first and last step of each value's bin.
    """
    whole = np.rint((x - encoding.origin) / encoding.step)
    for shift in (s for near in range(1, BESIDE + 1) for s in (near, -near)):
        moved = np.clip(whole + shift, *ends)
        free = np.round(encoding.origin + moved * encoding.step, tables.decimals)
        x = np.where(np.isin(x, tables.tokens) & ~np.isin(free, tables.tokens), free, x)
    return x
