"""What `validate` found: plain numbers, each beside its ceiling. `report.py` turns them into JSON and HTML."""

from __future__ import annotations

from typing import Literal

from .base import Spec


class Distribution(Spec):
    """Shares of the rows per label or interval, real beside synthetic, for a plot.

    Attributes:
        labels: categories (commonest first, "(other)" and "(null)" last), or the lower edges of intervals as text.
        real: share of the real rows; sums to 1.
        synthetic: share of the synthetic rows; sums to 1.
    """

    labels: tuple[str, ...]
    real: tuple[float, ...]
    synthetic: tuple[float, ...]


class ColumnFinding(Spec):
    """One column.

    Attributes:
        metric: KS for numbers and times, TVD for the rest.
        distance: of real and synthetic, in [0, 1], 0 is best; nulls count (the larger of KS and null-rate gap, or null as a value of the TVD).
        ceiling: the same distance between two random halves of the real table: no synthetic data can be expected to come closer.
    """

    column: str
    metric: Literal["KS", "TVD"]
    distance: float
    ceiling: float
    null_rate_real: float
    null_rate_synthetic: float
    distribution: Distribution


class PairFinding(Spec):
    """Association of two columns of a table.

    Attributes:
        distance: TVD of the two contingency tables (numbers in ten quantile bins of the real column, labels in the 50 commonest and the rest), in [0, 1].
        ceiling: the same between two halves of the real table.
    """

    first: str
    second: str
    distance: float
    ceiling: float


class CorrelationFinding(Spec):
    """Pearson's r of two numeric columns, real and synthetic; None where a side has no variance."""

    first: str
    second: str
    real: float | None
    synthetic: float | None


class KeyFinding(Spec):
    """One foreign key.

    Attributes:
        orphans: synthetic child rows whose key has no parent, counted exactly.
        distance: KS of the children per parent.
        ceiling: the same between two halves of the real parents.
        distribution: share of the parents by number of children.
    """

    key: str
    table: str
    parent_table: str
    orphans: int
    distance: float
    ceiling: float
    null_rate_real: float
    null_rate_synthetic: float
    mean_real: float
    mean_synthetic: float
    distribution: Distribution


class TableFinding(Spec):
    """One table. `duplicate_keys` and `null_keys` count synthetic rows that break the primary key."""

    table: str
    role: Literal["learnt", "reference"]
    rows_real: int
    rows_synthetic: int
    duplicate_keys: int
    null_keys: int
    columns: tuple[ColumnFinding, ...]
    pairs: tuple[PairFinding, ...]
    correlations: tuple[CorrelationFinding, ...]


class Findings(Spec):
    """All tables and keys.

    `shapes`, `pairs` and `cardinality` are 1 - the mean distance over columns, over tables of their mean over pairs, and over keys; None where there is nothing to compare.
    """

    tables: tuple[TableFinding, ...]
    keys: tuple[KeyFinding, ...]
    shapes: float | None
    shapes_ceiling: float | None
    pairs: float | None
    pairs_ceiling: float | None
    cardinality: float | None
    cardinality_ceiling: float | None

    @property
    def faults(self) -> tuple[str, ...]:
        """Broken keys: what must never be there."""
        found = [f"{t.table}: {t.duplicate_keys} repeated primary keys" for t in self.tables if t.duplicate_keys]
        found += [f"{t.table}: {t.null_keys} null primary keys" for t in self.tables if t.null_keys]
        return tuple(found + [f"{k.key}: {k.orphans} orphans" for k in self.keys if k.orphans])
