"""Facts for detection: two aggregates per table over all its columns, 16 tables per Spark job, and two jobs for what the samples leave open.

The first pass counts values; the second keeps hashes of those values whose hash lies below a threshold, some `VALUES` of each column: the same values in
every column that has them, so that samples of different tables can be compared. Nothing grows with rows, nor with pairs of columns.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from ...spec.detection.facts import Column as Key
from ...spec.detection.facts import ColumnSeen, DeclaredKey, Seen, TableSeen
from ...spec.detection.inclusion import threshold
from ...spec.detection.personal import FITTING, FORMS
from ...spec.identifiers import quoted
from ...spec.structure import usable
from ...spec.types import is_supported
from ..jobs import batches, collect_all, one_row, union_all
from ..survey import shape_of

VALUES = 512  # of a column, whose hashes come to the driver
ROUGH = 0.2  # relative standard deviation of the count that thresholds are set by; Spark keeps 52 numbers per column for 0.05 and 4 for this
MOST_AGGREGATES = 300  # of one query; some 30 columns of text
PARENTS_PER_JOB = 64  # that are probed together
_DIGITS = "^[0-9]+$"


def look_at(frames: Mapping[str, DataFrame], declared: Mapping[str, Sequence[DeclaredKey]]) -> dict[str, TableSeen]:
    """What is seen of each table.

    Args:
        frames: flat.
        declared: keys that tables declare.
    """
    columns = {name: _columns(frame) for name, frame in frames.items()}
    counts = _facts({name: (frames[name], _counts(some)) for name, some in columns.items()})
    counted = {name: tuple(_counted(c, place, counts[name]) for place, c in enumerate(some)) for name, some in columns.items()}
    samples = _facts({name: (frames[name], _samples(some)) for name, some in counted.items()})
    return {
        name: TableSeen(
            name=name,
            rows=counts[name]["rows"],
            columns=tuple(_sampled(c, place, samples[name]) for place, c in enumerate(some)),
            unlearnt=tuple(c for c, kind, _ in shape_of(frames[name]) if not is_supported(kind)),
            declared=tuple(declared.get(name, ())),
        )
        for name, some in counted.items()
    }


def _columns(frame: DataFrame) -> list[ColumnSeen]:
    shape = shape_of(frame)
    return [ColumnSeen(name, kind, nullable) for name, kind, nullable in shape if usable(shape, (name,))]


def _facts(asked: Mapping[str, tuple[DataFrame, dict[str, Column]]]) -> dict[str, dict[str, Any]]:
    """The aggregates of each table; those of a wide one by several queries, which read it each, as a plan must not grow with columns."""
    found: dict[str, dict[str, Any]] = {name: {} for name in asked}
    runs = [one_row(name, frame, dict(some)) for name, (frame, columns) in asked.items() for some in batches(list(columns.items()), MOST_AGGREGATES)]
    for row in collect_all(runs):
        found[row["name"]] |= json.loads(row["facts"])
    return found


def _counts(columns: Sequence[ColumnSeen]) -> dict[str, Column]:
    asked = {"rows": F.count(F.lit(1))}
    for place, column in enumerate(columns):
        value = F.col(quoted(column.name))
        asked |= {f"values{place}": F.count(value), f"distinct{place}": F.approx_count_distinct(value, ROUGH)}
        if column.whole:
            asked |= {f"low{place}": F.min(value).cast("double"), f"high{place}": F.max(value).cast("double")}
        elif column.family == "text":
            asked[f"length{place}"] = F.avg(F.length(value))
    return asked


def _counted(column: ColumnSeen, place: int, found: Mapping[str, Any]) -> ColumnSeen:
    values = found[f"values{place}"]
    return replace(
        column,
        rows=found["rows"],
        values=values,
        distinct=min(values, found[f"distinct{place}"]),
        low=found.get(f"low{place}"),
        high=found.get(f"high{place}"),
        length=found.get(f"length{place}") or 0.0,
        share=min(1.0, VALUES / max(1, found[f"distinct{place}"])),
    )


def _samples(columns: Sequence[ColumnSeen]) -> dict[str, Column]:
    asked: dict[str, Column] = {}
    for place, column in enumerate(columns):
        if not column.values or not (column.can_be_key or column.family == "text"):
            continue
        value = F.col(quoted(column.name))
        hashed = hash_of(column)
        kept = value.isNotNull() & (hashed < F.lit(threshold(column.share))) if column.share < 1 else value.isNotNull()
        asked |= {f"sample{place}": F.collect_set(F.when(kept, hashed)), f"sampled{place}": F.count_if(kept)}
        if column.family == "text":
            forms = {**FORMS, **FITTING, "digits": _DIGITS}
            asked |= {f"{form}{place}": F.count_if(kept & value.rlike(pattern)) for form, pattern in forms.items()}
    return asked


def _sampled(column: ColumnSeen, place: int, found: Mapping[str, Any]) -> ColumnSeen:
    rows = found.get(f"sampled{place}", 0)
    if not rows:
        return column
    sample = frozenset(found[f"sample{place}"])
    distinct = len(sample) if column.share == 1 else column.values if rows == len(sample) else min(column.values, round(len(sample) / column.share))
    forms = {form: found[f"{form}{place}"] / rows for form in (*FORMS, *FITTING) if f"{form}{place}" in found}
    digits = found.get(f"digits{place}", 0) / rows
    return replace(column, distinct=distinct, sample=sample, sampled=rows, forms=forms, digits=digits)


def hash_of(column: ColumnSeen) -> Column:
    """The same number for the same value, whatever the width of its type."""
    value = F.col(quoted(column.name))
    return F.xxhash64(value.cast("bigint") if column.family == "integer" else value.cast("string"))


def share_of_combinations(
    frames: Mapping[str, DataFrame], seen: Seen, asked: Mapping[str, Sequence[tuple[str, ...]]]
) -> dict[str, dict[tuple[str, ...], float]]:
    """Different combinations per row of each set of columns, from the rows of some `VALUES` combinations: one aggregate per table."""
    found = _facts({name: (frames[name], _combinations(sets, seen[name].rows)) for name, sets in asked.items()})
    return {
        name: {some: len(found[name][f"set{place}"]) / max(1, found[name][f"rows{place}"]) for place, some in enumerate(sets)}
        for name, sets in asked.items()
        if sets
    }


def _combinations(sets: Sequence[tuple[str, ...]], rows: int) -> dict[str, Column]:
    asked: dict[str, Column] = {}
    for place, some in enumerate(sets):
        hashed = F.xxhash64(*(F.col(quoted(c)) for c in some))
        # The fewer combinations there are, the more rows each has, and the fewer are taken: of one that is no key a few tell as much.
        kept = hashed < F.lit(threshold(min(1.0, VALUES / max(1, rows))))
        asked |= {f"set{place}": F.collect_set(F.when(kept, hashed)), f"rows{place}": F.count_if(kept)}
    return asked


def probed(spark: SparkSession, frames: Mapping[str, DataFrame], seen: Seen, asked: Mapping[Key, Sequence[int]]) -> dict[Key, set[int]]:
    """Of the hashes asked for, those of values that the columns have. One Spark job for every `PARENTS_PER_JOB` columns; each table is read once in it."""
    found: dict[Key, set[int]] = {}
    for batch in batches(list(asked), PARENTS_PER_JOB):
        found |= _probe(spark, frames, seen, {key: asked[key] for key in batch})
    return found


def _probe(spark: SparkSession, frames: Mapping[str, DataFrame], seen: Seen, asked: Mapping[Key, Sequence[int]]) -> dict[Key, set[int]]:
    slots = list(asked)
    numbers, hashes = zip(*((slot, h) for slot, key in enumerate(slots) for h in asked[key]), strict=True)
    wanted = spark.createDataFrame(pa.table({"slot": pa.array(numbers, pa.int32()), "hash": pa.array(hashes, pa.int64())}))
    by_table: dict[str, list[Column]] = {}
    for slot, (table, column) in enumerate(slots):
        entry = F.struct(F.lit(slot).alias("slot"), hash_of(seen[table][column]).alias("hash"))
        by_table.setdefault(table, []).append(entry)
    there = union_all([frames[table].select(F.explode(F.array(*entries)).alias("x")).select("x.*") for table, entries in by_table.items()])
    found: dict[Key, set[int]] = {key: set() for key in slots}
    for row in there.join(F.broadcast(wanted), ["slot", "hash"]).distinct().collect():
        found[slots[row["slot"]]].add(row["hash"])
    return found
