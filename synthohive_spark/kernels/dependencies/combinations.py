"""Lookups counted on all rows: how often the commonest value of each combination holds, and the combinations that are stored.

Legend: `L` lines (a combination with one of its values), `K` combinations.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from ...spec.dependencies import Bands, Lookup
from ...spec.encoding import CategoryEncoding, Scalar, TableEncoding
from ..columns.types import scalar_of
from .measures import HOLDS
from .sample import FEWER_ERRORS, MIN_SURPRISES, SUPPORTED_ROWS

COVERED = 0.98  # share of the rows that it speaks for whose combination of two may be stored: the others are drawn anew, which bends the marginals
COVERED_BY_ONE = 0.5  # the same of single determinants: what is rare among them is made up, or lies near what is stored
FACTS = pa.schema([("candidate", pa.int32()), ("measure", pa.string()), ("value", pa.string()), ("n", pa.int64())])
ENTRIES = pa.schema([("candidate", pa.int32()), ("first", pa.string()), ("second", pa.string()), ("value", pa.string()), ("n", pa.int64())])


class _Keys:
    """The combinations of sorted lines.

    Attributes:
        candidate: int (K,).
        first, second, value: the determinants' values and the commonest known one of the target, as text, object (K,).
        rows: int64 (K,).
        nulls: rows without a target.
        best: rows with the commonest value.
        has_null: whether a determinant is null, bool (K,).
    """

    def __init__(self, lines: pd.DataFrame, starts: np.ndarray, pairs: np.ndarray) -> None:
        key = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(lines))))
        n, null = lines["n"].to_numpy(dtype=np.int64), lines["value"].isna().to_numpy()
        heads = lines.iloc[starts]
        self.candidate = heads["candidate"].to_numpy()
        self.first, self.second = (heads[c].to_numpy(dtype=object) for c in ("first", "second"))
        self.rows, self.nulls = (np.bincount(key, weights=w, minlength=len(starts)).astype(np.int64) for w in (n, n * null))
        known = np.where(null, 0, n)
        top = np.lexsort((-known, key))[starts]  # of equal counts the first line, and lines come sorted
        self.best = known[top]
        self.value = lines["value"].to_numpy(dtype=object)[top]
        self.value[self.best == 0] = None
        self.has_null = heads["first"].isna().to_numpy() | (heads["second"].isna().to_numpy() & pairs[self.candidate])

    @property
    def free(self) -> np.ndarray:
        """Combinations with a null that say nothing of the target, bool (K,)."""
        return self.has_null & (np.maximum(self.best, self.nulls) < HOLDS * self.rows)

    def right(self, gaps: bool) -> tuple[np.ndarray, np.ndarray]:
        """Rows that speak, and rows with the commonest value among them, both int64 (K,); null is one of the values, but where there are `gaps`."""
        return (self.rows - self.nulls, self.best) if gaps else (self.rows, np.maximum(self.best, self.nulls))

    def values(self, gaps: bool) -> np.ndarray:
        """The target's value of each, object (K,)."""
        return np.array([None if null else value for value, null in zip(self.value, (self.best < self.nulls) & (not gaps), strict=True)], dtype=object)

    def stored(self, gaps: bool, min_rows: int) -> np.ndarray:
        """Combinations to store, bool (K,): those that show one value often enough."""
        return ~self.free & (np.where(gaps & (self.best > 0), self.best, np.maximum(self.best, self.nulls)) >= min_rows)


def summed_keys(batches: Iterator[pa.RecordBatch], *, candidates: Sequence[Lookup], min_rows: int, entries: bool) -> Iterator[pa.RecordBatch]:
    """Lines sorted by candidate, determinants and value in; out, in the columns of `FACTS`, sums of what is true of the combinations, or the `ENTRIES`."""
    pairs = np.array([len(c.determinants) > 1 for c in candidates])
    for keys in _whole_keys(batches, pairs):
        yield _entries(keys, candidates, min_rows) if entries else _facts(keys, min_rows)


def _whole_keys(batches: Iterator[pa.RecordBatch], pairs: np.ndarray) -> Iterator[_Keys]:
    """Combinations out of batches that cut them anywhere."""
    left: pd.DataFrame | None = None
    for batch in batches:
        lines = batch.to_pandas()
        lines = lines if left is None else pd.concat([left, lines], ignore_index=True)
        starts = _starts(lines)
        if len(starts) > 1:
            yield _Keys(lines.iloc[: starts[-1]], starts[:-1], pairs)
            lines = lines.iloc[starts[-1] :].reset_index(drop=True)
        left = lines
    if left is not None and len(left):
        yield _Keys(left, _starts(left), pairs)


def _starts(lines: pd.DataFrame) -> np.ndarray:
    changed = np.zeros(len(lines), dtype=bool)
    changed[:1] = True
    for name in ("candidate", "first", "second"):
        codes = pd.factorize(lines[name], use_na_sentinel=False)[0]
        changed[1:] |= codes[1:] != codes[:-1]
    return np.flatnonzero(changed)


def _facts(keys: _Keys, min_rows: int) -> pa.RecordBatch:
    found: Counter[tuple[int, str, str | None]] = Counter()
    for candidate in np.unique(keys.candidate):
        own = keys.candidate == candidate
        found[candidate, "rows", None] += int(keys.rows[own].sum())
        found[candidate, "keys", None] += int(own.sum())
        found[candidate, "gaps", None] += int(keys.nulls[own & (keys.best > 0) & ~keys.free].sum())
        for gaps in (False, True):
            mark = "gaps " if gaps else ""
            rows, top = keys.right(gaps)
            stored, spoken = own & keys.stored(gaps, min_rows), own & ~keys.free & (rows > 1)
            found[candidate, f"{mark}loose", None] += int(keys.rows[own & keys.has_null & ~stored].sum())
            found[candidate, f"{mark}stored", None] += int(stored.sum())
            found[candidate, f"{mark}stored rows", None] += int(keys.rows[stored].sum())
            found[candidate, f"{mark}supported", None] += int(rows[spoken].sum())
            found[candidate, f"{mark}errors", None] += int(np.where(top > 1, rows - top, rows)[spoken].sum())
            # What the commonest value of all would tell anyway is no surprise.
            for value, n in pd.Series(rows[spoken]).groupby(keys.values(gaps)[spoken], dropna=False).sum().items():
                found[candidate, f"{mark}common", value if isinstance(value, str) else None] += int(n)
    lines = [(candidate, measure, value, n) for (candidate, measure, value), n in found.items()]
    return pa.record_batch([pa.array([line[i] for line in lines], FACTS.types[i]) for i in range(4)], schema=FACTS)


def _entries(keys: _Keys, candidates: Sequence[Lookup], min_rows: int) -> pa.RecordBatch:
    gaps = np.array([c.gaps for c in candidates])[keys.candidate]
    kept = np.where(gaps, keys.stored(True, min_rows), keys.stored(False, min_rows))
    values = np.where(gaps, keys.values(gaps=True), keys.values(gaps=False))
    columns = (keys.candidate, keys.first, keys.second, values, keys.rows)
    return pa.record_batch([pa.array(c[kept], t, from_pandas=True) for c, t in zip(columns, ENTRIES.types, strict=True)], schema=ENTRIES)


def confirmed_lookup(candidate: Lookup, facts: Mapping[str, int], *, rows: int, max_pairs: int, max_values: int) -> Lookup | None:
    """The lookup, without its combinations yet, where it holds on all rows and is no accident; None where not.

    A determinant that is seen once determines everything. So only rows speak whose combination is there twice or more: all but 0.5 % of them must have its
    commonest value, 20 of them another value than the commonest of all, and ten times as many as there are exceptions.

    Args:
        facts: what `summed_keys` gave, summed, and of `common` the largest.
        rows: of the table.
        max_pairs: combinations of two determinants that may be stored.
        max_values: the same of one determinant.
    """
    gaps = facts["gaps"] > (1 - HOLDS) * rows and not _holds(facts, "")
    mark = "gaps " if gaps else ""
    single = len(candidate.determinants) == 1
    stored, loose = facts[f"{mark}stored"], facts[f"{mark}loose"]
    if not _holds(facts, mark) or not 2 <= stored <= (max_values if single else max_pairs):
        return None
    if facts[f"{mark}stored rows"] < (COVERED_BY_ONE if single else COVERED) * (rows - loose) or not (single or rows >= SUPPORTED_ROWS * facts["keys"]):
        return None
    share = 1 - facts[f"{mark}errors"] / max(1, facts[f"{mark}supported"])
    return candidate.model_copy(update={"share": share, "combinations": stored, "gaps": gaps, "loose": loose > 0})


def _holds(facts: Mapping[str, int], mark: str) -> bool:
    supported, errors = facts[f"{mark}supported"], facts[f"{mark}errors"]
    surprises = supported - facts[f"{mark}common"]
    return errors <= (1 - HOLDS) * supported and surprises >= MIN_SURPRISES and errors <= FEWER_ERRORS * surprises


def with_combinations(candidate: Lookup, entries: pa.Table, types: Mapping[str, str]) -> Lookup:
    """The lookup with what is stored, in the order of the determinants.

    Args:
        entries: its lines, as `summed_keys` gave them.
    """
    names = ("first", "second")[: len(candidate.determinants)]
    entries = entries.sort_by([(name, "ascending") for name in names])
    kinds = [types[name] for name in (*candidate.determinants, candidate.target)]
    *keys, values = (_scalars(entries.column(c), kind) for c, kind in zip((*names, "value"), kinds, strict=True))
    return candidate.model_copy(update={"keys": tuple(keys), "values": values, "counts": tuple(entries.column("n").to_pylist())})


def may_be_told(bands: Bands, encoding: TableEncoding, owned: Collection[str]) -> bool:
    """Whether no label of a range is a text that too few persons have; arguments as `told_only` takes them."""
    of = encoding.column(bands.target)
    told = frozenset(of.values) if isinstance(of, CategoryEncoding) else frozenset()
    return bands.target not in owned or all(not isinstance(value, str) or value in told for value in bands.values)


def told_only(lookup: Lookup, encoding: TableEncoding, owned: Collection[str]) -> Lookup | None:
    """The lookup without combinations of texts that too few persons have; None where one or none is left.

    Args:
        encoding: of the table: its categories are what may be told.
        owned: columns whose values count by persons.
    """
    columns = [*zip(lookup.determinants, lookup.keys, strict=True), (lookup.target, lookup.values)]
    stays = np.ones(len(lookup.values), dtype=bool)
    for name, cells in columns:
        if name in owned:
            of = encoding.column(name)
            told = frozenset(of.values) if isinstance(of, CategoryEncoding) else frozenset()
            stays &= np.array([not isinstance(cell, str) or of.kind == "number" or cell in told for cell in cells], dtype=bool)
    if stays.all():
        return lookup
    left = np.flatnonzero(stays).tolist()
    if len(left) < 2:
        return None
    keys = tuple(tuple(cells[i] for i in left) for cells in lookup.keys)
    told_of = {"keys": keys, "values": tuple(lookup.values[i] for i in left), "counts": tuple(lookup.counts[i] for i in left)}
    return lookup.model_copy(update=told_of | {"combinations": len(left)})


def _scalars(texts: pa.ChunkedArray, spark_type: str) -> tuple[Scalar | None, ...]:
    """Each different value is one object, however many combinations have it."""
    coded = texts.combine_chunks().dictionary_encode()
    different = [to_scalar(text, spark_type) for text in coded.dictionary.to_pylist()]
    return tuple(None if i is None else different[i] for i in coded.indices.to_pylist())


def to_scalar(text: str | None, spark_type: str) -> Scalar | None:
    """A value that was counted as text, dates as days, as the JSON scalar that an encoding would hold."""
    if text is None:
        return None
    return str(np.datetime64(int(text), "D")) if spark_type == "date" else scalar_of(text, spark_type)
