"""The keys of a report: rows, repeated and null primary keys, orphans, children per parent, on both sides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pyspark.sql import DataFrame

from ..kernels import comparison
from ..kernels.grids import plot_edges
from ..spec.findings import KeyFinding
from ..spec.metadata import ForeignKey, Metadata
from .tally import KeyCount, Tally, count_keys, total
from .validate_tables import TableSides, count_distribution

_SIDES = (False, True)  # real, synthetic


@dataclass(frozen=True)
class KeyCounts:
    """What was counted.

    Attributes:
        tables: the tallies of each table's rows, by name and side; of the synthetic side by the primary key.
        keys: the tallies of each foreign key, by table, place in its foreign keys, and side.
    """

    metadata: Metadata
    tables: Mapping[tuple[str, bool], Sequence[Tally]]
    keys: Mapping[tuple[str, int, bool], Sequence[Tally]]

    def rows(self, table: str) -> TableSides:
        """Rows of a table."""
        return TableSides(*(total(self.tables[table, fake], "parents") for fake in _SIDES))

    def primary_key_faults(self, table: str) -> tuple[int, int]:
        """Synthetic rows that repeat the primary key of another row, and rows with a null in it."""
        if not self.metadata.tables[table].primary_key:
            return 0, 0
        return total(self.tables[table, True], "repeats"), total(self.tables[table, True], "hollow")

    def findings(self, *, seed: int) -> tuple[KeyFinding, ...]:
        """All foreign keys."""
        keys = [(name, i) for name, i, fake in self.keys if not fake]
        return tuple(self._finding(name, i, self.metadata.tables[name].foreign_keys[i], seed=seed) for name, i in keys)

    def _finding(self, table: str, index: int, key: ForeignKey, *, seed: int) -> KeyFinding:
        sides = [self.keys[table, index, fake] for fake in _SIDES]
        histograms = [{t.value: t.parents for t in side if t.parents} for side in sides]
        values = np.array(sorted(set().union(*histograms)), dtype="int64")
        real, synthetic = (np.array([h.get(int(v), 0) for v in values], dtype="int64") for h in histograms)
        rates, means = [], []
        for side in sides:
            links, matched, orphans, nulls, parents = (total(side, name) for name in ("links", "matched", "orphans", "nulls", "parents"))
            rates.append(nulls / ((matched + orphans + nulls) or 1))
            means.append(links / (parents or 1))
        name = f"{table}{key}"
        return KeyFinding(
            key=name,
            table=table,
            parent_table=key.parent_table,
            orphans=total(sides[1], "orphans"),
            distance=round(comparison.ks(real, synthetic), 9),
            ceiling=round(comparison.half_distance(real, comparison.ks, seed=seed, name=name), 9),
            null_rate_real=rates[0],
            null_rate_synthetic=rates[1],
            mean_real=means[0],
            mean_synthetic=means[1],
            distribution=count_distribution(values, real, synthetic, _edges(values, real if real.sum() else synthetic)),
            copied=self.metadata.tables[table].role == "reference",
        )


def _edges(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    high = comparison.weighted_quantile(values, weights, 0.995) if weights.sum() else 0.0
    return plot_edges(0.0, high, whole=True, time=False)


def count_sides(metadata: Metadata, real: Mapping[str, DataFrame], synthetic: Mapping[str, DataFrame]) -> KeyCounts:
    """Count the rows and the keys of all tables on both sides: one query of two shuffles for every `KEYS_PER_JOB` of them."""
    frames = {(name, fake): side[name] for fake, side in ((False, real), (True, synthetic)) for name in metadata.tables}
    tables: dict[tuple[str, bool], KeyCount] = {}
    keys: dict[tuple[str, int, bool], KeyCount] = {}
    for name, table in metadata.tables.items():
        for fake in _SIDES:
            tables[name, fake] = KeyCount(parent=(name, fake), parent_columns=table.primary_key if fake else ())  # of the real side the rows are enough
            for i, fk in enumerate(table.foreign_keys):
                if fk.parent_table in metadata.tables:
                    keys[name, i, fake] = KeyCount((fk.parent_table, fake), fk.parent_columns, (name, fake), fk.columns)
    found = iter(count_keys([*tables.values(), *keys.values()], frames))
    return KeyCounts(metadata, {label: next(found) for label in tables}, {label: next(found) for label in keys})
