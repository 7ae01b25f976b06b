"""What `validate` found: plain numbers, each beside its ceiling. `report.py` turns them into JSON and HTML."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .base import Spec
from .figures import Figure

BELOW, ABOVE, OTHER, NULL = "(below)", "(above)", "(other)", "(null)"
SMALL_TABLE_ROWS = 100
"""Halves of fewer rows differ by chance by 0.1 and more: their ceilings say little, and the report says so."""


class Distribution(Spec):
    """Shares of the rows per label or interval, real beside synthetic, for a plot.

    Labels that fewer than three real rows have, and what lies beyond the 0.5 % and 99.5 % quantiles, are only ever shown together.

    Attributes:
        kind: `category`; `number`; `time` (edges are seconds since 1970-01-01 UTC); `count` (children of a parent).
        labels: categories (commonest first), or the lower edges of intervals as text ("(below)" first, "(above)" last); then "(other)" and "(null)".
        real: share of the real rows; sums to 1, or to 0 where there are none.
        synthetic: share of the synthetic rows; sums to 1, or to 0 where there are none.
        edges: of the intervals, ascending, one more than there are intervals; the last one is open. Empty for categories.
    """

    kind: Literal["category", "number", "time", "count"] = "category"
    labels: tuple[str, ...] = ()
    real: tuple[float, ...] = ()
    synthetic: tuple[float, ...] = ()
    edges: tuple[float, ...] = ()


class ColumnFinding(Spec):
    """One column.

    Attributes:
        metric: KS for numbers and times, TVD for the rest.
        distance: of real and synthetic, in [0, 1], 0 is best; nulls count (the larger of KS and null-rate gap, or null as a value of the TVD).
        ceiling: the same distance between two random halves of the real table, on average: no synthetic data can be expected to come closer.
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
        ceiling: the same between two random halves of the real table, on average.
        floor: the same between the real table and the product of its marginals: what columns drawn independently of each other come to.
    """

    first: str
    second: str
    distance: float
    ceiling: float
    floor: float


class CorrelationFinding(Spec):
    """Pearson's r of two numeric columns, real and synthetic; None where a side has no variance. Columns drawn independently have 0."""

    first: str
    second: str
    real: float | None
    synthetic: float | None


class KeyFinding(Spec):
    """One foreign key.

    Attributes:
        orphans: synthetic child rows whose key has no parent, counted exactly; a key with a null in it points nowhere and is no orphan.
        distance: KS of the children per parent.
        ceiling: the same between two random halves of the real parents, on average.
        mean_real: children per parent.
        distribution: share of the parents by number of children.
        copied: the child is a reference table, copied as it is: the key is in no score.
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
    copied: bool = False


class TableFinding(Spec):
    """One table.

    Attributes:
        duplicate_keys: synthetic rows that repeat the primary key of another.
        null_keys: synthetic rows with a null in the primary key.
        left_out: columns that get no likeness score, and why ("key", "text", "generated", "unsupported type").
        pairs: all pairs of scored columns, or a fixed choice of them where there are very many.
        pairs_possible: how many pairs of scored columns there are.
    """

    table: str
    role: Literal["learnt", "reference"]
    rows_real: int
    rows_synthetic: int
    duplicate_keys: int
    null_keys: int
    columns: tuple[ColumnFinding, ...]
    pairs: tuple[PairFinding, ...]
    correlations: tuple[CorrelationFinding, ...]
    left_out: dict[str, str] = Field(default_factory=dict)
    pairs_possible: int = 0


class RuleFinding(Spec):
    """What always holds on the real rows, and on how many of the synthetic ones it does.

    Attributes:
        table: the table.
        rule: in words.
        share_real: of the real rows that it speaks of, those on which it holds.
        rows: synthetic rows that it speaks of; of rules across rows a sample of whole families.
        broken: those of them on which it does not hold.
    """

    table: str
    rule: str
    share_real: float
    rows: int
    broken: int


class Findings(Spec):
    """All tables and keys.

    `shapes`, `pairs` and `cardinality` are 1 - the mean distance over columns, over tables of their mean over pairs, and over keys; None where there is nothing
    to compare. Reference tables are copies and count in none of them. Each stands between its ceiling, two halves of the real data, and, for `pairs`, its
    floor: columns drawn independently of each other, each from its real distribution. (Their shapes are right by construction.)
    """

    tables: tuple[TableFinding, ...]
    keys: tuple[KeyFinding, ...]
    shapes: float | None
    shapes_ceiling: float | None
    pairs: float | None
    pairs_ceiling: float | None
    pairs_floor: float | None
    cardinality: float | None
    cardinality_ceiling: float | None
    rules: tuple[RuleFinding, ...] = ()

    @property
    def figures(self) -> dict[str, Figure]:
        """The headline scores by name, each beside its ceiling and, where it has one, its floor."""
        return {
            "shapes": Figure(name="shapes", value=self.shapes, ceiling=self.shapes_ceiling),
            "pairs": Figure(name="pairs", value=self.pairs, ceiling=self.pairs_ceiling, floor=self.pairs_floor),
            "cardinality": Figure(name="cardinality", value=self.cardinality, ceiling=self.cardinality_ceiling),
        }

    @classmethod
    def of(cls, tables: tuple[TableFinding, ...], keys: tuple[KeyFinding, ...], rules: tuple[RuleFinding, ...] = ()) -> Findings:
        """Findings with their headline scores."""
        columns = [c for t in tables for c in t.columns]
        paired = [t.pairs for t in tables if t.pairs]
        counted = [k for k in keys if not k.copied]
        return cls(
            tables=tables,
            keys=keys,
            rules=rules,
            shapes=_score([c.distance for c in columns]),
            shapes_ceiling=_score([c.ceiling for c in columns]),
            pairs=_score([_mean([p.distance for p in pairs]) for pairs in paired]),
            pairs_ceiling=_score([_mean([p.ceiling for p in pairs]) for pairs in paired]),
            pairs_floor=_score([_mean([p.floor for p in pairs]) for pairs in paired]),
            cardinality=_score([k.distance for k in counted]),
            cardinality_ceiling=_score([k.ceiling for k in counted]),
        )

    @property
    def rules_held(self) -> int:
        """How many rules hold on all synthetic rows that they speak of."""
        return sum(not rule.broken for rule in self.rules)

    @property
    def faults(self) -> tuple[str, ...]:
        """Broken keys: what must never be there."""
        found = [f"{t.table}: {t.duplicate_keys} repeated primary keys" for t in self.tables if t.duplicate_keys]
        found += [f"{t.table}: {t.null_keys} null primary keys" for t in self.tables if t.null_keys]
        return tuple(found + [f"{k.key}: {k.orphans} orphans" for k in self.keys if k.orphans])


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _score(distances: list[float]) -> float | None:
    return 1.0 - _mean(distances) if distances else None
