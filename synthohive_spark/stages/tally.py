"""How a foreign key hangs together: children per parent, orphans and nulls, exact, from one shuffle."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import or_

import numpy as np
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from ..spec.identifiers import quoted
from ..spec.metadata import ForeignKey

EXACT_COUNTS = 1_000  # numbers of children above are grouped on a scale of about 1 %, so that a bounded histogram comes to the driver
PARENTS, MATCHED, ORPHANS, NULLS = "parents", "matched", "orphans", "nulls"


def tally(fk: ForeignKey, *, child: DataFrame, parent: DataFrame) -> DataFrame:
    """Rows (`what`, `value`, `n`, `children`): parents by number of children; children with a parent; orphans; children whose key is null."""
    names = key_names(fk.columns)
    sides = _alike(key_columns(child, fk.columns), key_columns(parent, fk.parent_columns), names)
    # Both sides in one grouping: a join would shuffle each of them once more.
    ends = [side.withColumns({"c": F.lit(int(i == 0)).cast("long"), "p": F.lit(i).cast("long")}) for i, side in enumerate(sides)]
    keys = reduce(DataFrame.unionByName, ends).groupBy("hollow", *names).agg(F.sum("c").alias("c"), F.sum("p").alias("p"))
    # A parent with a null in its key can have no children: in the hollow group the parents have none, and the children are no orphans.
    here = F.when(F.col("hollow"), 0).otherwise(F.col("c"))
    kinds = F.array(
        F.struct(F.lit(PARENTS).alias("what"), _grouped(here).alias("value"), F.col("p").alias("n"), (F.col("p") * here).alias("children")),
        # Apart from the parents' children: where a parent's key repeats, its children are those of each.
        _apart(MATCHED, F.when(F.col("p") > 0, here).otherwise(0)),
        _apart(NULLS, F.when(F.col("hollow"), F.col("c")).otherwise(0)),
        _apart(ORPHANS, F.when(F.col("hollow") | (F.col("p") > 0), 0).otherwise(F.col("c"))),
    )
    counted = keys.select(F.explode(kinds).alias("x")).select("x.*").where(F.col("n") > 0)
    return counted.groupBy("what", "value").agg(F.sum("n").alias("n"), F.sum("children").alias("children"))


def key_columns(frame: DataFrame, columns: Sequence[str]) -> DataFrame:
    """Key columns as `k0` ..., and `hollow`: one of them is null. The columns of hollow keys are all null, so that they form one group."""
    values = [F.col(quoted(c)) for c in columns]
    hollow = reduce(or_, (v.isNull() for v in values))
    return frame.select(hollow.alias("hollow"), *(F.when(~hollow, v).alias(f"k{i}") for i, v in enumerate(values)))


def key_names(columns: Sequence[str]) -> list[str]:
    return [f"k{i}" for i in range(len(columns))]


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
