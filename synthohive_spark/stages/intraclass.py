"""Keys whose rows are like their siblings: the key that drives keeps that, a matched one only what the parent's own columns say.

Whole families, or some rows of large ones, of a sample: about 10,000 rows for each key of a table that several keys could drive; some keys by one Spark job.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ..kernels.intraclass import FAMILY, HASHES, INTRACLASS_DDL, KEY, NUMBERS, ROW, intraclass
from ..spec.graph import KeyRef
from ..spec.metadata import ForeignKey, Metadata
from ..spec.planning.inherited import HOLDS
from ..spec.structure import Shape
from ..spec.survey import SiblingFacts
from ..spec.types import type_family
from .frames import all_there, bound, plain_value
from .jobs import FRAMES_PER_JOB, batches, union_all
from .kinship import HASH_RANGE, LABELS, SAMPLE_ROWS, hashed, meaningful, number_of, row_hash

LARGE = 20  # rows of a family, of which no more than so many are looked at on average
MANY_PARENTS = 100  # with rows, from which on their numbers are drawn as well as those of the rows
MOSTLY = 0.9  # share of the rows whose values can be told
FEWER_BREAKS = 0.1  # pairs of siblings that differ, of those that chance would have: a column that is nearly always the same says nothing
MOST_ROWS = 4  # times those that are looked for: a sample of families can hold one that is far larger than the others


def likeness_of_siblings(
    metadata: Metadata,
    data: Mapping[str, DataFrame],
    shapes: Mapping[str, Shape],
    followed: Mapping[KeyRef, ForeignKey],
    families: Mapping[KeyRef, tuple[int, int]],
    *,
    min_rows: int,
) -> dict[KeyRef, tuple[SiblingFacts, ...]]:
    """By key, what siblings tell of each other; only of tables that several keys could drive.

    Args:
        families: by key, how many parents have rows, and how many rows these are.
        min_rows: values of fewer rows are never told.
    """
    learnt = [r for r, k in followed.items() if metadata.tables[r.table].role == metadata.tables[k.parent_table].role == "learnt" and k.parent_table != r.table]
    tables = [ref.table for ref in learnt]
    asked = [ref for ref in learnt if tables.count(ref.table) > 1 and 0 < families[ref][0] < families[ref][1]]
    columns = {ref: [c for c in meaningful(metadata, shapes, ref.table) if c not in followed[ref].columns] for ref in asked}
    asked = [ref for ref in asked if columns[ref]]
    found: dict[KeyRef, list[SiblingFacts]] = defaultdict(list)
    for batch in batches(asked, FRAMES_PER_JOB):
        frames = [_sampled(data[r.table], shapes[r.table], followed[r], columns[r], *families[r]).select(F.lit(i).alias(KEY), "*") for i, r in enumerate(batch)]
        for row in union_all(frames).groupBy(KEY).applyInPandas(bound(intraclass, least=min_rows), INTRACLASS_DDL).collect():
            ref = batch[row["key"]]
            column = columns[ref][row["place"]]
            constant = 1 - row["repeated"] <= min(1 - HOLDS, FEWER_BREAKS * (1 - row["chance"]))
            # What is learnt of parents counts once for each: a label that one of them has would not be told there, numbers of a few would be bent.
            many = families[ref][0] >= MANY_PARENTS and type_family(_kinds(shapes[ref.table])[column]) not in LABELS
            found[ref].append(SiblingFacts(column=column, nats=row["nats"], constant=constant and (many or row["told"] >= MOSTLY)))
    return {ref: tuple(sorted(facts, key=lambda f: f.column)) for ref, facts in found.items()}


def _kinds(shape: Shape) -> dict[str, str]:
    return {name: spark_type for name, spark_type, _ in shape}


def _sampled(data: DataFrame, shape: Shape, key: ForeignKey, columns: list[str], parents: int, rows: int) -> DataFrame:
    kinds = _kinds(shape)
    within = min(1.0, LARGE * parents / rows)
    share = min(1.0, SAMPLE_ROWS / (rows * within))
    family, row = F.xxhash64(*(plain_value(c, kinds[c]) for c in key.columns)), row_hash(shape)
    chosen = (F.pmod(family, F.lit(HASH_RANGE)) < int(HASH_RANGE * share)) & (F.pmod(row, F.lit(HASH_RANGE)) < int(HASH_RANGE * within))
    values = F.array(*(hashed(c, kinds[c]) for c in columns)).alias(HASHES), F.array(*(number_of(c, kinds[c]) for c in columns)).alias(NUMBERS)
    rows_of_families = data.where(all_there(key.columns)).where(chosen).select(family.alias(FAMILY), row.alias(ROW), *values)
    return rows_of_families.orderBy(ROW).limit(MOST_ROWS * SAMPLE_ROWS)
