"""Keys whose parents have two rows that mirror each other (the two sides of a match): rows made parent by parent can keep that, others cannot.

Looked at are keys of which nearly all parents have two rows, in tables that another key could drive: whole families of a sample, each key in one task, and
some keys by one Spark job.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from ..kernels.dependencies.families import FAMILY, SIZE, AcrossSearch
from ..kernels.dependencies.find_across_rows import RULES, find_across_rows_in_batches
from ..kernels.dependencies.sample import MIN_SURPRISES
from ..spec.across_rows import Mirrored
from ..spec.graph import KeyRef
from ..spec.hidden import hidden
from ..spec.identifiers import quoted
from ..spec.metadata import ForeignKey, Metadata
from ..spec.planning.view import unique_keys
from ..spec.structure import Shape, usable
from .across_rows import HASH_RANGE, MOST_COLUMNS, SAMPLE_FAMILIES
from .frames import all_there, plain_value
from .jobs import FRAMES_PER_JOB, batches, union_all
from .profile import with_plain_times

MOSTLY = 0.9  # of the parents with rows have two of them


def has_pairs(children: Mapping[int, int]) -> bool:
    """Whether parents come in pairs of rows: `children` says how many parents have how many."""
    there = sum(n for size, n in children.items() if size)
    return children.get(2, 0) >= max(MIN_SURPRISES, MOSTLY * there)


def mirrored_keys(
    metadata: Metadata,
    data: Mapping[str, DataFrame],
    shapes: Mapping[str, Shape],
    followed: Mapping[KeyRef, ForeignKey],
    paired: Mapping[KeyRef, int],
) -> frozenset[KeyRef]:
    """Those of the keys `paired`, each with its number of parents, whose rows mirror each other."""
    learnt = [ref for ref, key in followed.items() if metadata.tables[ref.table].role == metadata.tables[key.parent_table].role == "learnt"]
    tables = [ref.table for ref in learnt]
    asked = [ref for ref in learnt if ref in paired and tables.count(ref.table) > 1]
    samples = {ref: _sample(metadata, data[ref.table], shapes[ref.table], followed[ref], ref.table, paired[ref]) for ref in asked}
    there = {ref: frame for ref, frame in samples.items() if frame is not None}
    mirrored: set[KeyRef] = set()
    for batch in batches(list(there), FRAMES_PER_JOB):
        for row in union_all([there[ref].select(F.lit(place).alias("place"), "found") for place, ref in enumerate(batch)]).collect():
            if any(isinstance(rule, Mirrored) and not rule.keys for rule in RULES.validate_json(row["found"])):
                mirrored.add(batch[row["place"]])
    return frozenset(mirrored)


def _sample(metadata: Metadata, data: DataFrame, shape: Shape, key: ForeignKey, table: str, parents: int) -> DataFrame | None:
    """What is found in a sample of pairs, as JSON: whether a column of one row is another one of the other row, or both add up to the same in all of them."""
    types = {name: spark_type for name, spark_type, _ in shape if usable(shape, (name,))}
    closed = {*key.columns, *metadata.tables[table].pii_cols, *(k[0] for k in unique_keys(metadata, table) if len(k) == 1)}
    names = tuple(name for name in types if name not in closed)[:MOST_COLUMNS]
    if not names:
        return None
    search = AcrossSearch(types={n: types[n] for n in names}, targets=names, nullable=tuple(n for n, _, nullable in shape if nullable and n in names))
    return _families(data, key, types, names, parents).mapInArrow(partial(find_across_rows_in_batches, search=search), "found string")


def _families(data: DataFrame, key: ForeignKey, types: Mapping[str, str], names: Collection[str], parents: int) -> DataFrame:
    links = [hidden(f"link_{i}") for i in range(len(key.columns))]
    share = min(1.0, SAMPLE_FAMILIES / max(parents, 1))
    rows = data.where(all_there(key.columns)).withColumns({link: plain_value(c, types[c]) for link, c in zip(links, key.columns, strict=True)})
    rows = rows.withColumn(FAMILY, F.xxhash64(*links)).where(F.pmod(FAMILY, F.lit(HASH_RANGE)) < int(HASH_RANGE * share))
    rows = with_plain_times(rows.select(*(F.col(quoted(n)) for n in names), FAMILY))
    sized = rows.withColumn(SIZE, F.count(F.lit(1)).over(Window.partitionBy(FAMILY))).where(F.col(SIZE) == 2).limit(4 * SAMPLE_FAMILIES)
    return sized.toDF(*(f"c{i}" for i in range(len(sized.columns)))).repartition(1)
