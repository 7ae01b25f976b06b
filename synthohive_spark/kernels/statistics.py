"""Counting for the validation: a grid per column, chosen on a bounded sample, and integer counts on that grid that add up in any order.

Numbers and times (as seconds since 1970-01-01 UTC) fall on a grid of `E` ascending edges with a code for every edge and for every open interval
between them, so that a value that many rows share is told from its neighbours.
A KS distance on the grid is off by at most the real share of one interval.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd

from .grids import plot_edges

Kind = Literal["number", "time", "label"]

QUANTILES = 400  # intervals of equal real mass; a KS distance is off by at most 1 / 400
COARSE_BINS = 10  # of a number in a contingency table
TOP_LABELS = 50  # of a category in a contingency table; the rest share a code
STRIDE = 64  # more than a contingency table has codes per column (null, `TOP_LABELS`, the rest)
COLUMNS_PER_TASK = 32  # planned together: arrays of 100,000 rows of more would need over 100 MB in one task
FLUSH_LABELS = 200_000  # rare labels held in memory by one task
QUANTUM = 256.0  # moments are sums of integers (1 / 256 standard deviations): exact, hence the same in any order
CLIP = 1_000.0  # standard deviations; keeps the sums of squares of 100 million such rows inside int64

_LARGEST = 1e300  # differences of larger numbers overflow

CODE, LABEL, PAIR, MOMENT = 0, 1, 2, 3  # what a row of `partial_counts` counts
COUNTS_DDL = "table int, what int, item int, code long, real long, synthetic long"
PLAN_FIELDS = {
    "table": "int",
    "item": "int",
    "known": "long",
    "distinct": "long",
    "edges": "array<double>",
    "coarse": "array<double>",
    "plot": "array<double>",
    "labels": "array<string>",
    "centre": "double",
    "scale": "double",
}
PLAN_DDL = ", ".join(f"{name} {kind}" for name, kind in PLAN_FIELDS.items())


@dataclass(frozen=True)
class ColumnPlan:
    """The grid of one column.

    Attributes:
        kind: number, time or label.
        edges: (E,) ascending; `coarse` and `plot` are among them.
        coarse: inner edges of the quantile bins for contingency tables.
        plot: edges of the equal intervals of a plot.
        labels: the commonest values.
        centre: about the mean, and `scale` about the standard deviation (0 where there is none), of the real column.
    """

    kind: Kind
    edges: np.ndarray
    coarse: np.ndarray
    plot: np.ndarray
    labels: tuple[str, ...] = ()
    centre: float = 0.0
    scale: float = 0.0

    @classmethod
    def empty(cls, kind: Kind) -> ColumnPlan:
        """The plan of a column without values."""
        none = np.empty(0)
        return cls(kind=kind, edges=none, coarse=none, plot=none)

    @property
    def codes(self) -> int:
        """Number of codes: null; then `2E + 1` points and intervals, or the labels and "another label"."""
        return len(self.labels) + 2 if self.kind == "label" else 2 * len(self.edges) + 2

    @cached_property
    def coarse_codes(self) -> np.ndarray:
        """Code in a contingency table by code, (codes,)."""
        if self.kind == "label":
            return np.arange(self.codes)
        return np.concatenate([[0], 1 + self._edges_at_or_below(self.coarse)])

    def _edges_at_or_below(self, chosen: np.ndarray) -> np.ndarray:
        """How many of the `chosen` edges lie at or below each non-null code, (2E + 1,)."""
        upto = np.concatenate([[0], np.searchsorted(chosen, self.edges, side="right")])
        return upto[(np.arange(2 * len(self.edges) + 1) + 1) // 2]

    def intervals(self, counts: np.ndarray) -> np.ndarray:
        """Counts (codes,) as counts below, in each and above the plot's intervals: (len(plot) + 1,)."""
        return np.bincount(self._edges_at_or_below(self.plot), weights=counts[1:], minlength=len(self.plot) + 1)

    def encode(self, values: pd.Series) -> np.ndarray:
        """Codes (N,) of float64 values with NaN for null, or of strings with None for null."""
        if self.kind == "label":
            found = pd.Index(self.labels, dtype=object).get_indexer(values)
            return np.where(values.isna(), 0, np.where(found < 0, len(self.labels) + 1, found + 1))
        x = values.to_numpy(dtype="float64", na_value=np.nan)
        return np.where(np.isnan(x), 0, 1 + np.searchsorted(self.edges, x, side="left") + np.searchsorted(self.edges, x, side="right"))


@dataclass(frozen=True)
class TablePlan:
    """What to count in one table: columns `c0`, `c1` ... of the frames, in the order of `columns`; pairs and numbers are indices of columns."""

    table: int
    columns: tuple[ColumnPlan, ...]
    pairs: tuple[tuple[int, int], ...]

    @property
    def numbers(self) -> tuple[int, ...]:
        """The columns that have a correlation."""
        return tuple(i for i, c in enumerate(self.columns) if c.kind == "number" and c.scale > 0)


def plan_columns(frame: pd.DataFrame, *, kinds: Mapping[int, Sequence[Kind]]) -> pd.DataFrame:
    """Choose the grids of some columns of one table on a sample of its real rows.

    Args:
        frame: `table`; `chunk`, which `COLUMNS_PER_TASK` of its columns; `weight`, how many rows of the sample a row stands for; `numbers` and `labels`, the
            columns of the chunk in arrays: those that are float64, and those that are strings.
        kinds: of all columns, by table.

    Returns:
        One row per column, as in `PLAN_DDL`, with the numbers of values and of distinct labels.
    """
    table, start = int(frame["table"].iloc[0]), int(frame["chunk"].iloc[0]) * COLUMNS_PER_TASK
    weights = frame["weight"].to_numpy(dtype="int64")
    numbers, labels = (iter(np.stack(frame[side].to_numpy()).T) for side in ("numbers", "labels"))  # (columns, rows)
    rows = []
    for i, kind in enumerate(kinds[table][start : start + COLUMNS_PER_TASK], start):
        values = pd.Series(next(labels if kind == "label" else numbers)).repeat(weights)
        p = plan_column(values, kind)
        distinct = values.nunique() if kind == "label" else 0
        rows.append((table, i, values.notna().sum(), distinct, p.edges.tolist(), p.coarse.tolist(), p.plot.tolist(), list(p.labels), p.centre, p.scale))
    return pd.DataFrame(rows, columns=list(PLAN_FIELDS))


def plan_column(values: pd.Series, kind: Kind) -> ColumnPlan:
    """Choose the grid of one column; ties between labels fall by name, so that the order of the rows does not matter."""
    if kind == "label":
        counts = values.dropna().value_counts()
        top = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:TOP_LABELS]
        none = np.empty(0)
        return ColumnPlan(kind=kind, edges=none, coarse=none, plot=none, labels=tuple(str(label) for label, _ in top))
    x = np.sort(values.to_numpy(dtype="float64", na_value=np.nan))
    x = np.clip(x[np.isfinite(x)], -_LARGEST, _LARGEST)
    if not len(x):
        return ColumnPlan.empty(kind)
    coarse = np.unique(np.quantile(x, np.linspace(0, 1, COARSE_BINS + 1)[1:-1]))
    low, high = np.quantile(x, [0.005, 0.995])
    plot = plot_edges(low, high, whole=bool((x == np.rint(x)).all()), time=kind == "time")
    fine = np.quantile(x, np.linspace(0, 1, QUANTILES + 1), method="nearest")  # values that occur: an edge between two values tells no atom from the rest
    # The squares of values near 1e308 overflow; such a column has no correlation.
    scale = float(x.std()) if np.abs(x).max() < 1e150 else 0.0
    return ColumnPlan(kind=kind, edges=np.unique(np.concatenate([fine, coarse, plot])), coarse=coarse, plot=plot, centre=float(x.mean()), scale=scale)


def partial_counts(frames: Iterator[pd.DataFrame], *, plan: TablePlan, synthetic: bool) -> Iterator[pd.DataFrame]:
    """Count one partition of a table; the counts of partitions add up.

    Args:
        frames: columns `c0` ... as in `plan.columns`: float64 or strings.
        synthetic: which side is counted.

    Yields:
        Frames as in `COUNTS_DDL`. What `item` and `code` are, by `what`:
            CODE: column and code.
            LABEL: column and hash of a label that has no code.
            PAIR: pair and `code of first * STRIDE + code of second`.
            MOMENT: `i * n + j` of the `n` numbers; over the rows where both have a value, 0 rows, 1 sum of i, 2 sum of squares of i, 3 sum of products.
    """
    columns = plan.columns
    singles = [np.zeros(c.codes, dtype="int64") for c in columns]
    widths = [int(c.coarse_codes.max()) + 1 for c in columns]
    pairs = [np.zeros(widths[a] * STRIDE, dtype="int64") for a, _ in plan.pairs]
    moments = np.zeros((4, len(plan.numbers), len(plan.numbers)))
    rare = _RareLabels(plan.table, synthetic)
    for frame in frames:
        codes = [c.encode(frame[f"c{i}"]) for i, c in enumerate(columns)]
        for single, drawn in zip(singles, codes, strict=True):
            single += np.bincount(drawn, minlength=len(single))
        coarse = [c.coarse_codes[x] for c, x in zip(columns, codes, strict=True)]
        for cells, (a, b) in zip(pairs, plan.pairs, strict=True):
            cells += np.bincount(coarse[a] * STRIDE + coarse[b], minlength=len(cells))
        moments += _moments(frame, plan)
        for i, column in enumerate(columns):
            if column.kind == "label":
                yield from rare.add(i, frame[f"c{i}"][codes[i] == column.codes - 1])
    yield from rare.flush()
    yield _sparse(plan.table, synthetic, [*((CODE, i, n) for i, n in enumerate(singles)), *((PAIR, i, n) for i, n in enumerate(pairs)), *_by_item(moments)])


def _moments(frame: pd.DataFrame, plan: TablePlan) -> np.ndarray:
    """Counts, sums, sums of squares and of products over the rows where both have a value: (4, n, n), integers."""
    x = np.empty((len(frame), len(plan.numbers)))
    for place, i in enumerate(plan.numbers):
        column = plan.columns[i]
        x[:, place] = (frame[f"c{i}"].to_numpy(dtype="float64", na_value=np.nan) - column.centre) / column.scale
    known = np.isfinite(x)
    z = np.rint(np.clip(np.where(known, x, 0.0), -CLIP, CLIP) * QUANTUM)
    present = known.astype("float64")
    return np.stack([present.T @ present, z.T @ present, (z * z).T @ present, z.T @ z])


def _by_item(moments: np.ndarray) -> list[tuple[int, int, np.ndarray]]:
    _, n, _ = moments.shape
    return [(MOMENT, i * n + j, np.rint(moments[:, i, j]).astype("int64")) for i in range(n) for j in range(n)]


def _sparse(table: int, synthetic: bool, counts: list[tuple[int, int, np.ndarray]]) -> pd.DataFrame:
    """The entries that are not 0."""
    what, item, code, n = [], [], [], []
    for kind, index, dense in counts:
        filled = np.flatnonzero(dense)
        what.append(np.full(len(filled), kind))
        item.append(np.full(len(filled), index))
        code.append(filled)
        n.append(dense[filled])
    return _rows(table, synthetic, *(np.concatenate(part) if part else np.empty(0, dtype="int64") for part in (what, item, code, n)))


def _rows(table: int, synthetic: bool, what: np.ndarray, item: np.ndarray, code: np.ndarray, n: np.ndarray) -> pd.DataFrame:
    zero = np.zeros(len(n), dtype="int64")
    sides = {"real": zero, "synthetic": n} if synthetic else {"real": n, "synthetic": zero}
    return pd.DataFrame({"table": np.full(len(n), table), "what": what, "item": item, "code": code, **sides})


class _RareLabels:
    """Counts of labels that have no code, by hash; handed on whenever they grow past `FLUSH_LABELS`."""

    def __init__(self, table: int, synthetic: bool) -> None:
        self._table, self._synthetic = table, synthetic
        self._parts: list[tuple[int, np.ndarray, np.ndarray]] = []
        self._held = 0

    def add(self, item: int, labels: pd.Series) -> Iterator[pd.DataFrame]:
        """Count some labels of column `item`."""
        if len(labels):
            counts = labels.value_counts()
            hashes = pd.util.hash_array(counts.index.to_numpy(dtype=object), categorize=False).view("int64")
            self._parts.append((item, hashes, counts.to_numpy(dtype="int64")))
            self._held += len(counts)
        if self._held > FLUSH_LABELS:
            yield from self.flush()

    def flush(self) -> Iterator[pd.DataFrame]:
        """Hand on what is held."""
        for item, hashes, n in self._parts:
            yield _rows(self._table, self._synthetic, np.full(len(n), LABEL), np.full(len(n), item), hashes, n)
        self._parts, self._held = [], 0
