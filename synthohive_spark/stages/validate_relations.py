"""What holds between rows of several tables, on both sides: bounded samples of rows, of their parents' rows and of whole families meet in one task per table.

One query of one shuffle of sampled rows for every few tables, as many as `FRAMES_PER_JOB` allows. Parents of which a table's sample needs a few only are found
by one join for all keys of the query, and of tables that do not fit into the sample whole families are chosen by the hash of their key. The tasks are
`kernels/judge`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_
from types import MappingProxyType
from typing import Any

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql import types as T

from ..kernels.judge.asked import HASH_RANGE, JudgedKey, JudgedPath, JudgedTable
from ..kernels.judge.classifier import ROWS
from ..kernels.judge.judge import RESULT_DDL, judge_tables
from ..kernels.judge.rows import FAMILY, OWN, SAMPLE_FIELDS
from ..spec.metadata import ForeignKey, Table
from .frames import bound
from .jobs import union_all
from .validate_columns import ScoredTable, column, kind_of, plain_value_of

FRAMES_PER_JOB = 64  # that a query reads: planning a union grows faster than its length
MOST_ROWS = 100_000  # of a table on each side: a table of that size is judged whole
CELLS = 8_000_000  # of them on each side, with the columns of their parents: 64 MB of numbers
FEW_FAMILIES = 100  # in a sample of whole families, below which they say nothing
_SIDES = (False, True)  # real, synthetic


@dataclass(frozen=True)
class Judged:
    """A learnt table, and what its task is told of it.

    Attributes:
        keys: those that lead to a table with rows.
        limit: rows of each side.
    """

    scored: ScoredTable
    keys: tuple[ForeignKey, ...]
    asked: JudgedTable
    limit: int


def judge_relations(
    scored: Mapping[str, ScoredTable], seed: int, targets: Mapping[str, str] = MappingProxyType({})
) -> dict[str, tuple[Judged, dict[str, Any]]]:
    """What was found of each learnt table.

    Args:
        scored: the learnt tables, and the reference tables that they point at, without their text.
        targets: per table the column that is to be predicted (`kernels/judge/utility.py`).
    """
    judged = [_judged(scored, t, targets.get(t.spec.name)) for t in scored.values() if t.spec.role == "learnt" and t.sizes.real and t.sizes.synthetic]
    judged = [j for j in judged if j.scored.columns or j.keys]
    found: dict[str, tuple[Judged, dict[str, Any]]] = {}
    for batch in _batches(judged):
        by_number = {j.scored.index: j for j in batch}
        kernel = bound(judge_tables, tables={number: j.asked for number, j in by_number.items()}, seed=seed)
        # A number of its own for the shuffle: small tables would be put into one task, and their classifiers run one after the other.
        rows = _sampled(batch, scored, seed).repartition(2 * len(batch), "table")
        for row in rows.groupBy("table").applyInArrow(kernel, RESULT_DDL).collect():
            one = by_number[row["table"]]
            found[one.scored.spec.name] = (one, json.loads(row["found"]))
    return found


def _batches(judged: Sequence[Judged]) -> Iterator[list[Judged]]:
    """Tables whose rows are read by one query; at least one each."""
    batch: list[Judged] = []
    frames = 0
    for j in judged:
        more = len(_SIDES) * (1 + 3 * len(j.keys))  # of a key the parents, those that are missing among them, and whole families
        if batch and frames + more > FRAMES_PER_JOB:
            yield batch
            batch, frames = [], 0
        batch.append(j)
        frames += more
    if batch:
        yield batch


def _judged(scored: Mapping[str, ScoredTable], t: ScoredTable, target: str | None) -> Judged:
    keys = tuple(k for k in t.spec.foreign_keys if k.parent_table in scored and scored[k.parent_table].sizes.real)
    width = len(t.columns) + sum(len(scored[k.parent_table].columns) for k in keys)
    limit = min(MOST_ROWS, max(ROWS, CELLS // max(width, 1)))
    labels = [_label(k, keys) for k in keys]
    asked = JudgedTable(
        name=t.spec.name,
        names=t.columns,
        kinds=t.kinds,
        keys=tuple(_judged_key(scored, t, k, label, limit) for k, label in zip(keys, labels, strict=True)),
        paths=tuple(_paths(scored, keys)),
        whole=max(t.sizes.real, t.sizes.synthetic) <= limit,
        finest=_finest(scored, t, keys),
        target=target,
        alone=t.alone,
    )
    return Judged(t, keys, asked, limit)


def _label(key: ForeignKey, keys: Sequence[ForeignKey]) -> str:
    return key.parent_table if sum(k.parent_table == key.parent_table for k in keys) == 1 else f"{key.parent_table} by {', '.join(key.columns)}"


def _judged_key(scored: Mapping[str, ScoredTable], t: ScoredTable, key: ForeignKey, label: str, limit: int) -> JudgedKey:
    parent = scored[key.parent_table]
    children, parents = ((s.real, s.synthetic) for s in (t.sizes, parent.sizes))
    whole = max(children) <= limit
    families = (1.0, 1.0) if whole else (_share(limit, children[0]), _share(limit, children[1]))
    described = tuple(min(family, _share(ROWS, n)) for family, n in zip(families, parents, strict=True))
    return JudgedKey(
        label=label,
        names=parent.columns,
        kinds=parent.kinds,
        itself=key.parent_table == t.spec.name,
        copied=parent.spec.role == "reference",
        families=families,
        few=not whole and min(n * share for n, share in zip(parents, families, strict=True)) < FEW_FAMILIES,
        parents=(described[0], described[1]),
    )


def _share(at_most: int, rows: int) -> float:
    return min(1.0, at_most / max(rows, 1))


def _finest(scored: Mapping[str, ScoredTable], t: ScoredTable, keys: Sequence[ForeignKey]) -> int | None:
    made = {i: scored[k.parent_table].sizes.real for i, k in enumerate(keys) if scored[k.parent_table].spec.role == "learnt" and k.parent_table != t.spec.name}
    return max(made, key=lambda i: made[i]) if made else None


def _paths(scored: Mapping[str, ScoredTable], keys: Sequence[ForeignKey]) -> Iterator[JudgedPath]:
    """Keys that two others lead to as well: the customer of a payment, and that of its rental."""
    for i, first in enumerate(keys):
        above = _followed(scored, scored[first.parent_table].spec)
        for (d, direct), (s, second) in ((d, s) for d in enumerate(keys) for s in enumerate(above)):
            apart = len({id(direct), id(first), id(second)}) == 3
            if apart and (second.parent_table, second.parent_columns) == (direct.parent_table, direct.parent_columns):
                yield JudgedPath(direct=d, first=i, second=s)


def _followed(scored: Mapping[str, ScoredTable], spec: Table) -> tuple[ForeignKey, ...]:
    return tuple(k for k in spec.foreign_keys if k.parent_table in scored and scored[k.parent_table].sizes.real)


def _sampled(batch: Sequence[Judged], scored: Mapping[str, ScoredTable], seed: int) -> DataFrame:
    """The rows that the tasks of some tables see, as `SAMPLE_FIELDS`."""
    own, parents, wanted, families = [], [], [], []
    for j in batch:
        for fake in _SIDES:
            rows = _own_rows(j, scored, fake, seed)
            own.append(rows)
            for i, key in enumerate(j.keys):
                above = scored[key.parent_table]
                every = _parent_rows(j, i, above, scored, fake)
                large = _rows(above, fake) > j.limit
                share = j.asked.keys[i].parents[fake]
                parents.append(every if not large else every.where(_in_share(F.col("id"), share)))
                if large:
                    wanted.append((every.where(~_in_share(F.col("id"), share)), _links_of(rows, i)))
                if not j.asked.whole and not j.asked.keys[i].few:
                    families.append(_family_rows(j, i, scored, fake, seed))
    frames = [*own, *parents]
    if wanted:
        on = ["table", "synthetic", "role", "id"]
        frames.append(union_all([rows for rows, _ in wanted]).join(union_all([links for _, links in wanted]).distinct(), on, "left_semi"))
    if families:
        frames.append(_without_huge(union_all(families), max(j.limit for j in batch)))
    return union_all(frames)


def _own_rows(j: Judged, scored: Mapping[str, ScoredTable], fake: bool, seed: int) -> DataFrame:
    """Rows by their hash; of a table without a primary key each copy of a row by itself: equal rows would all stay or all go."""
    t = j.scored
    rows = _plain(t, scored, fake, OWN, t.index, seed)
    share = _share(j.limit, _rows(t, fake))
    if share == 1.0:
        return rows
    if t.spec.primary_key:
        return rows.where(_in_share(F.col("id"), share))
    counted = rows.groupBy(*SAMPLE_FIELDS).count()
    expected = F.col("count") * share
    copies = F.floor(expected) + F.when(_in_share(F.col("id"), expected - F.floor(expected)), 1).otherwise(0)
    return counted.withColumn("copies", copies.cast("int")).withColumn("copies", F.explode(F.array_repeat(F.lit(0), F.col("copies")))).select(*SAMPLE_FIELDS)


def _family_rows(j: Judged, index: int, scored: Mapping[str, ScoredTable], fake: bool, seed: int) -> DataFrame:
    link = F.col("links")[index]
    rows = _plain(j.scored, scored, fake, FAMILY + index, j.scored.index, seed)
    return rows.where((link != 0) & _in_share(link, j.asked.keys[index].families[fake]))


def _without_huge(rows: DataFrame, limit: int) -> DataFrame:
    """Families without those that would fill a task by themselves."""
    index = F.col("role") - FAMILY
    family = Window.partitionBy("table", "synthetic", "role", F.element_at("links", (index + 1).cast("int")))
    return rows.withColumn("size", F.count(F.lit(1)).over(family)).where(F.col("size") <= limit // 4).drop("size")


def _parent_rows(j: Judged, index: int, above: ScoredTable, scored: Mapping[str, ScoredTable], fake: bool) -> DataFrame:
    key = j.keys[index]
    rows = _plain(above, scored, fake, index, j.scored.index, key=key.parent_columns)
    return rows.where(F.col("id") != 0)


def _links_of(rows: DataFrame, index: int) -> DataFrame:
    """The hashes of one key of some rows, as the parent's rows have them."""
    return rows.select("table", "synthetic", F.lit(index).alias("role"), F.col("links")[index].alias("id"))


def _plain(t: ScoredTable, scored: Mapping[str, ScoredTable], fake: bool, role: int, table: int, seed: int = 0, key: Sequence[str] = ()) -> DataFrame:
    """The rows of one side; `id` is the hash of `key`, or of the whole row where there is none."""
    frame = t.synthetic if fake else t.real
    values = t.plain(frame)
    links = [_link(t, scored, k) for k in _followed(scored, t.spec)]
    if key:
        row_id = _hash([(column(c), t.real.schema[c].dataType) for c in key])
    else:
        row_id = F.xxhash64(F.lit(seed), *values, *links, *(column(c) for c in t.spec.primary_key))
    fixed = {
        "table": F.lit(table),
        "synthetic": F.lit(fake),
        "role": F.lit(role),
        "id": row_id,
        "links": F.array(*links).cast("array<bigint>"),
        "rank": _rank(t),
        "held": F.lit(-1) if fake or role != OWN or t.held is None else t.held,
        "numbers": F.array(*(v for v, kind in zip(values, t.kinds, strict=True) if kind != "label")).cast("array<double>"),
        "labels": F.array(*(v for v, kind in zip(values, t.kinds, strict=True) if kind == "label")).cast("array<string>"),
    }
    return frame.select(*(value.alias(name) for name, value in fixed.items()))


def _rank(t: ScoredTable) -> Column:
    """What the metadata says orders the rows of one parent."""
    name = t.spec.order_by
    there = name is not None and name in t.real.columns and kind_of(t.real.schema[name].dataType) in ("number", "time")
    return plain_value_of(column(name), t.real.schema[name].dataType) if there and name else F.lit(None).cast("double")


def _link(t: ScoredTable, scored: Mapping[str, ScoredTable], key: ForeignKey) -> Column:
    above = scored[key.parent_table].real.schema
    return _hash([(column(c), above[p].dataType) for c, p in zip(key.columns, key.parent_columns, strict=True)])


def _hash(values: Sequence[tuple[Column, T.DataType]]) -> Column:
    """A hash of key values, each in the widest type of its parent's column; 0 where one is null."""
    if not values:
        return F.lit(0).cast("bigint")
    wide = [value.try_cast(_widest(data_type)) for value, data_type in values]
    there = reduce(and_, (value.isNotNull() for value in wide))
    return F.when(there, F.xxhash64(*wide)).otherwise(F.lit(0).cast("bigint"))


def _widest(data_type: T.DataType) -> T.DataType:
    if isinstance(data_type, T.IntegralType):
        return T.LongType()
    return T.StringType() if isinstance(data_type, T.StringType) else T.DoubleType() if isinstance(data_type, T.FloatType) else data_type


def _in_share(hashed: Column, share: float | Column) -> Column:
    return F.pmod(hashed, F.lit(HASH_RANGE)) < (share * F.lit(HASH_RANGE) if isinstance(share, Column) else F.lit(int(share * HASH_RANGE)))


def _rows(t: ScoredTable, fake: bool) -> int:
    return t.sizes.synthetic if fake else t.sizes.real
