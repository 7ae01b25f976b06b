"""What `validate` found: plain numbers, each beside its ceiling. `report.py` turns them into JSON and HTML."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .base import Spec
from .figures import FIGURES, Figure
from .relation_findings import (
    AcrossFinding,
    ClassifierFinding,
    NearestFinding,
    PairFinding,
    PathFinding,
    UtilityFinding,
    across_figure,
    classifier_figure,
    mean,
    nearest_figures,
    score,
    utility_figure,
)

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
        parent_pairs: each column of the rows with each of their parents'; None where there are none, or the parent is the table itself.
        siblings: each column of the rows with the same of another row of the parent.
        sequence: with that of the next row, in the order that the metadata gives, or of the time that has most values.
        c2st_agg: parents with the number, means and spreads of their children.
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
    parent_pairs: AcrossFinding | None = None
    siblings: AcrossFinding | None = None
    sequence: AcrossFinding | None = None
    c2st_agg: ClassifierFinding | None = None


class TableFinding(Spec):
    """One table.

    Attributes:
        duplicate_keys: synthetic rows that repeat the primary key of another.
        null_keys: synthetic rows with a null in the primary key.
        left_out: columns that get no likeness score, and why ("key", "text", "generated", "unsupported type").
        pairs: all pairs of scored columns, or a fixed choice of them where there are very many.
        pairs_possible: how many pairs of scored columns there are.
        c2st: rows told from real ones; None of tables with fewer than 50 rows, or without columns.
        c2st_parent: rows with the columns of all their parents (numbers in 20 bins, labels that fewer than three parents have as one).
        nearest: how near rows are to real ones; None of tables with few rows, or without columns.
        tstr: how well the column that was asked for is predicted; None where none was, or there are too few rows.
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
    c2st: ClassifierFinding | None = None
    c2st_parent: ClassifierFinding | None = None
    nearest: NearestFinding | None = None
    tstr: UtilityFinding | None = None


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

    Scores are 1 - the mean distance: `shapes` over columns, `pairs` and `parent_pairs` over tables of their mean over pairs, `cardinality` over keys,
    `siblings` and `sequence` over the columns of all keys, `paths` over paths. `c2st` and `c2st_parent` are mean AUCs over tables, `c2st_agg` over
    keys. None where there is nothing to compare. Reference tables are copies and count in none of them.

    Each stands between its ceiling, two halves of the real data, and its floor, where that says something: columns drawn independently of each other, each
    from its real distribution. (Their shapes are right by construction.)
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
    paths: tuple[PathFinding, ...] = ()

    @property
    def figures(self) -> dict[str, Figure]:
        """All headline figures by name, each beside its ceiling and, where it has one, its floor."""
        counted = [k for k in self.keys if not k.copied]
        found = [
            Figure(name="shapes", value=self.shapes, ceiling=self.shapes_ceiling),
            Figure(name="pairs", value=self.pairs, ceiling=self.pairs_ceiling, floor=self.pairs_floor),
            Figure(name="cardinality", value=self.cardinality, ceiling=self.cardinality_ceiling),
            across_figure("parent_pairs", [joined for t in self.tables if (joined := self._parent_pairs(t.table)) is not None]),
            across_figure("siblings", [p for k in counted if k.siblings for p in k.siblings.pairs]),
            across_figure("sequence", [p for k in counted if k.sequence for p in k.sequence.pairs]),
            Figure(name="paths", value=score([p.distance for p in self.paths]), ceiling=score([p.ceiling for p in self.paths])),
            classifier_figure("c2st", [t.c2st for t in self.tables if t.c2st]),
            classifier_figure("c2st_parent", [t.c2st_parent for t in self.tables if t.c2st_parent]),
            classifier_figure("c2st_agg", [k.c2st_agg for k in counted if k.c2st_agg]),
            utility_figure([t.tstr for t in self.tables if t.tstr]),
            *nearest_figures([t.nearest for t in self.tables if t.nearest]),
        ]
        by_name = {figure.name: figure for figure in found}
        return {name: by_name[name] for name in FIGURES}

    def _parent_pairs(self, table: str) -> AcrossFinding | None:
        """The pairs of all keys of a table together."""
        found = [k.parent_pairs for k in self.keys if k.table == table and not k.copied and k.parent_pairs]
        count = sum(f.possible for f in found)
        if not count:
            return None
        means = {name: sum(getattr(f, name) * f.possible for f in found) / count for name in ("distance", "ceiling", "floor")}
        return AcrossFinding(**means, count=count, possible=count)

    @classmethod
    def of(
        cls, tables: tuple[TableFinding, ...], keys: tuple[KeyFinding, ...], rules: tuple[RuleFinding, ...] = (), paths: tuple[PathFinding, ...] = ()
    ) -> Findings:
        """Findings with their headline scores."""
        columns = [c for t in tables for c in t.columns]
        paired = [t.pairs for t in tables if t.pairs]
        counted = [k for k in keys if not k.copied]
        return cls(
            tables=tables,
            keys=keys,
            rules=rules,
            paths=paths,
            shapes=score([c.distance for c in columns]),
            shapes_ceiling=score([c.ceiling for c in columns]),
            pairs=score([mean([p.distance for p in pairs]) for pairs in paired]),
            pairs_ceiling=score([mean([p.ceiling for p in pairs]) for pairs in paired]),
            pairs_floor=score([mean([p.floor for p in pairs]) for pairs in paired]),
            cardinality=score([k.distance for k in counted]),
            cardinality_ceiling=score([k.ceiling for k in counted]),
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
