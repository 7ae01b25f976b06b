"""Keys, counted exactly: repeated and null primary keys, orphans, children per parent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Any

import numpy as np
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from ..kernels import comparison
from ..kernels.grids import plot_edges
from ..spec.findings import KeyFinding
from ..spec.identifiers import quoted
from ..spec.metadata import ForeignKey, Metadata
from .validate_tables import count_distribution

EXACT_COUNTS = 1_000  # numbers of children above are grouped on a scale of about 1 %, so that a bounded histogram comes to the driver
_PARENTS, _MATCHED, _ORPHANS, _NULLS = "parents", "matched", "orphans", "nulls"


def primary_key_faults(metadata: Metadata, synthetic: Mapping[str, DataFrame]) -> dict[str, tuple[int, int]]:
    """Rows that repeat the primary key of another row, and rows with a null in it, per table that has one."""
    parts = []
    for name, table in metadata.tables.items():
        if table.primary_key:
            keys = _keys(synthetic[name], table.primary_key)
            grouped = keys.groupBy("hollow", *_key_names(table.primary_key)).count()
            repeated = F.sum(F.when(F.col("hollow"), 0).otherwise(F.col("count") - 1))
            nulls = F.sum(F.when(F.col("hollow"), F.col("count")).otherwise(0))
            parts.append(grouped.agg(F.lit(name).alias("name"), repeated.alias("repeated"), nulls.alias("nulls")))
    rows = reduce(DataFrame.unionByName, parts).collect() if parts else []
    return {r["name"]: (r["repeated"] or 0, r["nulls"] or 0) for r in rows}


def key_findings(metadata: Metadata, real: Mapping[str, DataFrame], synthetic: Mapping[str, DataFrame], *, seed: int) -> tuple[KeyFinding, ...]:
    """All foreign keys, in one Spark job."""
    keys = [(name, fk) for name, table in metadata.tables.items() for fk in table.foreign_keys if fk.parent_table in metadata.tables]
    parts = []
    for i, (name, fk) in enumerate(keys):
        for fake, frames in ((False, real), (True, synthetic)):
            tally = _tally(fk, child=frames[name], parent=frames[fk.parent_table])
            parts.append(tally.withColumns({"key": F.lit(i), "fake": F.lit(fake)}))
    rows = reduce(DataFrame.unionByName, parts).collect() if parts else []
    found = []
    for i, (name, fk) in enumerate(keys):
        sides = [[r for r in rows if r["key"] == i and r["fake"] == fake] for fake in (False, True)]
        found.append(_finding(name, fk, sides, copied=metadata.tables[name].role == "reference", seed=seed))
    return tuple(found)


def _keys(frame: DataFrame, columns: Sequence[str]) -> DataFrame:
    """Key columns as `k0` ..., and `hollow`: one of them is null. The columns of hollow keys are all null, so that they form one group."""
    values = [F.col(quoted(c)) for c in columns]
    hollow = reduce(or_, (v.isNull() for v in values))
    return frame.select(hollow.alias("hollow"), *(F.when(~hollow, v).alias(f"k{i}") for i, v in enumerate(values)))


def _key_names(columns: Sequence[str]) -> list[str]:
    return [f"k{i}" for i in range(len(columns))]


def _tally(fk: ForeignKey, *, child: DataFrame, parent: DataFrame) -> DataFrame:
    """Rows (`what`, `value`, `n`, `children`): parents by number of children; children with a parent; orphans; children whose key is null."""
    names = _key_names(fk.columns)
    sides = _alike(_keys(child, fk.columns), _keys(parent, fk.parent_columns), names)
    # Both sides in one grouping: a join would shuffle each of them once more.
    ends = [side.withColumns({"c": F.lit(int(i == 0)).cast("long"), "p": F.lit(i).cast("long")}) for i, side in enumerate(sides)]
    keys = reduce(DataFrame.unionByName, ends).groupBy("hollow", *names).agg(F.sum("c").alias("c"), F.sum("p").alias("p"))
    # A parent with a null in its key can have no children: in the hollow group the parents have none, and the children are no orphans.
    here = F.when(F.col("hollow"), 0).otherwise(F.col("c"))
    kinds = F.array(
        F.struct(F.lit(_PARENTS).alias("what"), _grouped(here).alias("value"), F.col("p").alias("n"), (F.col("p") * here).alias("children")),
        # Apart from the parents' children: where a parent's key repeats, its children are those of each.
        _apart(_MATCHED, F.when(F.col("p") > 0, here).otherwise(0)),
        _apart(_NULLS, F.when(F.col("hollow"), F.col("c")).otherwise(0)),
        _apart(_ORPHANS, F.when(F.col("hollow") | (F.col("p") > 0), 0).otherwise(F.col("c"))),
    )
    counted = keys.select(F.explode(kinds).alias("x")).select("x.*").where(F.col("n") > 0)
    return counted.groupBy("what", "value").agg(F.sum("n").alias("n"), F.sum("children").alias("children"))


def _apart(what: str, n: Column) -> Column:
    long = n.cast("long")
    return F.struct(F.lit(what).alias("what"), F.lit(0).cast("long").alias("value"), long.alias("n"), long.alias("children"))


def _alike(child: DataFrame, parent: DataFrame, names: Sequence[str]) -> list[DataFrame]:
    """Both sides with key columns that compare: as they are, numbers as Spark widens them, else as text."""
    for name in names:
        a, b = (side.schema[name].dataType for side in (child, parent))
        if a != b and not (isinstance(a, T.NumericType) and isinstance(b, T.NumericType)):
            child, parent = (side.withColumn(name, F.col(name).cast("string")) for side in (child, parent))
    return [child, parent]


def _grouped(number: Column) -> Column:
    """Numbers of children up to `EXACT_COUNTS` as they are, larger ones down to the next power of 1.01."""
    step = float(np.log(1.01))
    above = F.floor(F.exp(F.floor(F.log(number.cast("double") / EXACT_COUNTS) / step + 1e-9) * step) * EXACT_COUNTS)
    return F.when(number <= EXACT_COUNTS, number).otherwise(above).cast("long")


def _finding(name: str, fk: ForeignKey, sides: Sequence[Sequence[Any]], *, copied: bool, seed: int) -> KeyFinding:
    histograms = [{r["value"]: r["n"] for r in side if r["what"] == _PARENTS} for side in sides]
    values = np.array(sorted(set().union(*histograms)), dtype="int64")
    real, synthetic = (np.array([h.get(int(v), 0) for v in values], dtype="int64") for h in histograms)
    totals = [{what: sum(r["children"] for r in side if r["what"] == what) for what in (_PARENTS, _MATCHED, _ORPHANS, _NULLS)} for side in sides]
    rates = [t[_NULLS] / ((t[_MATCHED] + t[_ORPHANS] + t[_NULLS]) or 1) for t in totals]
    means = [t[_PARENTS] / (int(h.sum()) or 1) for t, h in zip(totals, (real, synthetic), strict=True)]
    key = f"{name}{fk}"
    return KeyFinding(
        key=key,
        table=name,
        parent_table=fk.parent_table,
        orphans=totals[1][_ORPHANS],
        distance=round(comparison.ks(real, synthetic), 9),
        ceiling=round(comparison.half_distance(real, comparison.ks, seed=seed, name=key), 9),
        null_rate_real=rates[0],
        null_rate_synthetic=rates[1],
        mean_real=means[0],
        mean_synthetic=means[1],
        distribution=count_distribution(values, real, synthetic, _edges(values, real if real.sum() else synthetic)),
        copied=copied,
    )


def _edges(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    high = comparison.weighted_quantile(values, weights, 0.995) if weights.sum() else 0.0
    return plot_edges(0.0, high, whole=True, time=False)
