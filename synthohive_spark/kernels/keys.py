"""Primary keys: generated ones from row numbers, natural ones drawn so that they never repeat."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import GenerationError
from ..spec.encoding import CategoryEncoding, NumberEncoding
from ..spec.program import KeyPattern, SeriesPlan
from .seeds import derive_seed, generator

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
FIRST_KEY = 1  # generated keys count from 1, as most databases do


def find_key_pattern(values: Sequence[str] | None) -> KeyPattern:
    """The pattern of a text primary key, from some of its values; None stands for an integer key.

    The pattern keeps the letters that all keys begin with and their usual length, and nothing that tells one real key from another.
    """
    if values is None:
        return KeyPattern(form="integer")
    if values and all(_UUID.fullmatch(v) for v in values):
        return KeyPattern(form="uuid")
    prefix = re.match(r"[A-Za-z_\-]*", _common_prefix(values)).group() if len(values) > 1 else ""  # type: ignore[union-attr]
    length = int(np.median([len(v) for v in values])) if values else 0
    return KeyPattern(form="text", prefix=prefix, width=max(1, length - len(prefix)))


def _common_prefix(values: Sequence[str]) -> str:
    low, high = min(values), max(values)
    return low[: next((i for i, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), min(len(low), len(high)))]


def key_values(pattern: KeyPattern, rows: np.ndarray, arrow_type: pa.DataType, seed: int) -> pa.Array:
    """Primary keys for row numbers, dense from 0: dense and unique, and the same for a row under any partitioning.

    Args:
        rows: int64 (N,).
    """
    if pattern.form == "integer":
        return _whole(rows + FIRST_KEY, arrow_type)
    if pattern.form == "uuid":
        return pa.array([_uuid(seed, int(row)) for row in rows])
    digits = pc.utf8_lpad(pa.array(rows + FIRST_KEY).cast(pa.string()), pattern.width, "0")
    return pc.binary_join_element_wise(pattern.prefix, digits, "")


def _whole(keys: np.ndarray, arrow_type: pa.DataType) -> pa.Array:
    limit = 10**arrow_type.precision - 1 if pa.types.is_decimal(arrow_type) else np.iinfo(arrow_type.to_pandas_dtype()).max
    if len(keys) and keys[-1] > limit:
        raise GenerationError(f"a generated primary key of type {arrow_type} ends at {limit:,}; sample fewer rows, or widen the column before fit")
    if pa.types.is_decimal(arrow_type):
        return pa.array(keys).cast(pa.decimal128(19, 0)).cast(arrow_type)
    return pa.array(keys).cast(arrow_type)


def _uuid(seed: int, row: int) -> str:
    # The row number stands in the last 12 digits, so that no two rows can meet; the rest is a hash, so that runs differ.
    text = f"{derive_seed(seed, 'uuid', row):016x}"
    return f"{text[:8]}-{text[8:12]}-4{text[12:15]}-8{text[15]}00-{row:012x}"


def series_offsets(plan: SeriesPlan, rows: int) -> np.ndarray:
    """Rows of each entity so that they sum to `rows` in the real proportions, as offsets int64 (entities + 1,)."""
    share = np.cumsum(plan.counts) / max(1, sum(plan.counts))
    return np.concatenate([[0], np.rint(share * rows).astype("int64")])


def number_series(encoding: NumberEncoding, n: int, rng: np.random.Generator) -> np.ndarray:
    """`n` values of a natural key part that differ, ascending, float64 (n,).

    Systematic draws along the empirical quantiles keep the distribution; values that meet on the grid of the column's granularity move to the next free
    place; where the real range is full, the series goes on past its end.
    """
    values = np.sort(_quantiles(encoding, (np.arange(n) + rng.random()) / max(1, n)))
    step = encoding.step or 1.0
    low, high = _range(encoding)
    grid = np.rint((values - encoding.origin) / step).astype("int64")
    position = np.arange(n)
    # The outermost knots lie half a step outside the values.
    last, first = int(np.floor((high - encoding.origin) / step + 1e-9)), int(np.ceil((low - encoding.origin) / step - 1e-9))
    grid = np.maximum.accumulate(np.maximum(grid, first) - position) + position  # forwards: strictly ascending
    if n <= last - first + 1:
        grid = np.minimum(grid, last - (n - 1 - position))  # backwards: what was pushed past the end moves back
    return encoding.origin + grid * step


def _range(encoding: NumberEncoding) -> tuple[float, float]:
    ends = [*encoding.tokens[:1], *encoding.tokens[-1:], *encoding.knots[:1], *encoding.knots[-1:]]
    return (min(ends), max(ends)) if ends else (0.0, 0.0)


def _quantiles(encoding: NumberEncoding, u: np.ndarray) -> np.ndarray:
    """Values at the levels `u` of the mixture of tokens and bins, in which a bin's values lie along its inner quantiles; float64 (len(u),)."""
    weights = np.asarray(encoding.weights)[int(encoding.has_null) :]
    tokens = np.asarray(encoding.tokens, dtype="float64")
    inner = np.asarray(encoding.knots[:-1], dtype="float64").reshape(encoding.bins, -1)[:, 1:] if encoding.bins else np.empty((0, 2))  # (bins, I)
    if not len(weights):
        return np.zeros(len(u))
    order = np.argsort(np.concatenate([tokens, inner[:, 0]]), kind="stable")
    ends = np.cumsum(weights[order])
    level = u * ends[-1]
    place = np.minimum(np.searchsorted(ends, level, side="right"), len(order) - 1)
    part = order[place]
    share = np.clip((level - ends[place]) / weights[part] + 1, 0.0, 1.0)  # how far into the token or bin
    out = np.empty(len(u))
    is_token = part < len(tokens)
    out[is_token] = tokens[part[is_token]]
    at = share[~is_token] * (inner.shape[1] - 1)
    low = np.minimum(at.astype("int64"), inner.shape[1] - 1)
    b = part[~is_token] - len(tokens)
    out[~is_token] = inner[b, low] + (at - low) * (inner[b, np.minimum(low + 1, inner.shape[1] - 1)] - inner[b, low])
    return out


def label_series(encoding: CategoryEncoding, n: int, rng: np.random.Generator) -> np.ndarray:
    """Places in `encoding.values` of `n` labels that differ, int64 (n,): drawn by weight without replacement.

    Raises:
        GenerationError: there are fewer than `n` labels.
    """
    counts = np.asarray(encoding.counts, dtype="float64")
    if n > len(counts):
        raise GenerationError(f"{n} different values of the column {encoding.name} are needed and {len(counts)} are known")
    race = rng.exponential(size=len(counts)) / np.maximum(counts, 1e-9)  # the n smallest are a draw by weight without replacement
    return np.sort(np.argpartition(race, n - 1)[:n]) if n else np.zeros(0, dtype="int64")


def series_values(encoding: NumberEncoding | CategoryEncoding, n: int, seed: int, *identity: str | int) -> np.ndarray:
    """The whole series of one entity: float64 values of a number, or places in `values` of a category; the same in every task that asks."""
    rng = generator(seed, "series", *identity)
    return number_series(encoding, n, rng) if isinstance(encoding, NumberEncoding) else label_series(encoding, n, rng)


def without_repeats(groups: np.ndarray, values: np.ndarray, step: float, high: float) -> np.ndarray:
    """Move values that repeat inside their group to free places on the grid, and past `high` where the group fills it.

    Args:
        groups: int64 (N,), ids of the groups.
        values: float64 (N,).
        step: the grid; 0 counts as 1e-6.
        high: the greatest real value.

    Returns:
        float64 (N,); no value repeats in its group.
    """
    step = step or 1e-6
    out = values.copy()
    start = np.minimum(out, high)
    for attempt in range(1, 65):  # a dense group needs as many steps as its longest run; the rest goes past the end
        again = _repeats(groups, out, step)
        if not again.any():
            return out
        moved = start + step * attempt
        out[again] = np.where(moved > high, start - step * attempt, moved)[again]
    again = _repeats(groups, out, step)
    order = np.argsort(groups[again], kind="stable")
    sorted_groups = groups[again][order]
    _, first, inverse = np.unique(sorted_groups, return_index=True, return_inverse=True)
    beyond = np.empty(len(order))
    beyond[order] = np.arange(len(order)) - first[inverse] + 1
    top = max(high, float(out.max())) if len(out) else high
    out[again] = top + step * beyond
    return out


def _repeats(groups: np.ndarray, values: np.ndarray, step: float) -> np.ndarray:
    """All but the first of each (group, value)."""
    grid = np.rint(values / step).astype("int64")
    order = np.lexsort((np.arange(len(grid)), grid, groups))
    same = (groups[order][1:] == groups[order][:-1]) & (grid[order][1:] == grid[order][:-1])
    again = np.zeros(len(grid), dtype=bool)
    again[order[1:][same]] = True
    return again
