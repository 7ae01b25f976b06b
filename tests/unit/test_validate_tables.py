"""Which labels a report shows."""

from __future__ import annotations

import numpy as np
import pytest

from synthohive_spark.kernels.statistics import ColumnPlan, TablePlan
from synthohive_spark.spec.findings import TableFinding
from synthohive_spark.stages.validate_tables import Counts, TableSides, table_finding


@pytest.mark.parametrize(("told", "shown"), [(None, "lost owned rare"), ({"x": {"lost"}}, "lost made rare"), ({}, "made rare")])
def test_real_labels_are_shown_where_they_are_told_anyway(told: dict[str, set[str]] | None, shown: str) -> None:
    """`lost` and `owned` are in no synthetic row; 500 real rows of one person have `owned`; one has `single`."""
    none = np.empty(0)
    plan = TablePlan(0, (ColumnPlan("label", none, none, none, labels=("lost", "owned", "made", "rare", "single")),), ())
    counts = Counts(plan, TableSides(1_000, 1_000))
    counts.codes[0][:] = [[0, 480, 500, 0, 19, 1, 0], [0, 0, 0, 900, 100, 0, 0]]
    counts.codes[0][0][3] = 3 if told is not None else 0  # what the copy shows, too
    base = TableFinding(table="t", role="learnt", rows_real=1_000, rows_synthetic=1_000, duplicate_keys=0, null_keys=0, columns=(), pairs=(), correlations=())
    (column,) = table_finding(base, ("x",), plan, counts, seed=0, told=told).columns
    labels = column.distribution.labels
    assert set(labels[:-1]) == set(shown.split()) and labels[-1] == "(other)" and "single" not in labels
