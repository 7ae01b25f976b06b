"""Does the data fit its metadata? All faults are found before any is raised."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import islice
from typing import TypeVar

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from ..causes import step
from ..errors import SchemaError, SchemaValidationError
from ..spec.graph import KeyRef
from ..spec.identifiers import quoted
from ..spec.metadata import ForeignKey, Metadata
from ..spec.structure import Shape, key_usable, names_in_order, structural_faults, usable
from .orphans import apply_orphan_policies, drop_orphans, orphan_rows

__all__ = ["apply_orphan_policies", "check_data"]

T = TypeVar("T")
FRAMES_PER_JOB = 16  # aggregates that run as one Spark job; planning a union grows faster than its length


@step("checking the data")
def check_data(metadata: Metadata, data: Mapping[str, DataFrame]) -> None:
    """Check names, types, keys and orphans.

    Names and types are checked without a Spark job; keys and orphans by a few aggregates, where the columns that they need are in order.

    Raises:
        SchemaValidationError: with every fault that was found, one sentence each. No sentence holds a value of the data.
    """
    shapes = {name: shape_of(frame) for name, frame in data.items()}
    faults = structural_faults(metadata, shapes)
    known = {name: frame for name, frame in data.items() if name in metadata.tables and shapes[name]}
    counts = _key_counts(metadata, known, shapes)
    faults += [fault for name in known for fault in _count_faults(metadata, name, counts[name])]
    faults += _orphan_faults(metadata, known, shapes, counts)
    if faults:
        raise SchemaValidationError(faults)


def shape_of(frame: DataFrame) -> Shape:
    """The columns of a DataFrame: (name, type as a simple string, nullable)."""
    return tuple((field.name, field.dataType.simpleString(), field.nullable) for field in frame.schema.fields)


@dataclass(frozen=True)
class _Counts:
    """Of one table: its rows, and per unique key the rows where it is null, and those that repeat one of another row."""

    rows: int
    nulls: dict[tuple[str, ...], int]
    repeats: dict[tuple[str, ...], int]


def _unique_keys(metadata: Metadata, name: str) -> list[tuple[str, ...]]:
    """The primary key, and what foreign keys point at beside it."""
    primary = metadata.tables[name].primary_key
    keys = [primary] if primary else []
    for table in metadata.tables.values():
        for fk in table.foreign_keys:
            if fk.parent_table == name and all(set(fk.parent_columns) != set(key) for key in keys):
                keys.append(fk.parent_columns)
    return keys


def _key_counts(metadata: Metadata, data: Mapping[str, DataFrame], shapes: Mapping[str, Shape]) -> dict[str, _Counts]:
    keys = {name: [key for key in _unique_keys(metadata, name) if usable(shapes[name], key)] for name in data}
    frames = []
    for name, frame in data.items():
        counts: list[Column] = [F.count(F.lit(1))]
        for key in keys[name]:
            columns = [F.col(quoted(c)) for c in key]
            complete = reduce(Column.__and__, (c.isNotNull() for c in columns))
            counts += [F.count_if(complete), F.count_distinct(*columns)]  # count_distinct leaves out keys with a null
        frames.append(frame.agg(F.array(*(c.cast("bigint") for c in counts)).alias("counts")).select(F.lit(name).alias("name"), "counts"))
    found = {}
    for name, (rows, *rest) in _collect(frames):
        complete_rows, distinct = dict(zip(keys[name], rest[::2], strict=True)), dict(zip(keys[name], rest[1::2], strict=True))
        found[name] = _Counts(rows, {k: rows - n for k, n in complete_rows.items()}, {k: complete_rows[k] - distinct[k] for k in keys[name]})
    return found


def _collect(frames: Sequence[DataFrame]) -> Iterator[tuple[str, list[int]]]:
    """One row of each frame, (name, counts), by as few jobs as planning allows."""
    for batch in _batches(frames, FRAMES_PER_JOB):
        for row in reduce(DataFrame.union, batch).collect():
            yield row["name"], list(row["counts"])


def _batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch


def _count_faults(metadata: Metadata, name: str, counts: _Counts) -> list[str]:
    if counts.rows == 0:
        return [f"table {name!r} has no rows, so that there is nothing to learn; check where it is read from, or leave it out"]
    faults = []
    for key, repeats in counts.repeats.items():
        listed = ", ".join(key)
        if key != metadata.tables[name].primary_key:
            if repeats:
                pointing = [
                    f"{t.name}{fk}" for t in metadata.tables.values() for fk in t.foreign_keys if (fk.parent_table, set(fk.parent_columns)) == (name, set(key))
                ]
                faults.append(
                    f"table {name!r}: foreign keys point at ({listed}), which is not unique: {_part(repeats, counts.rows)} repeat a key; "
                    f"point {' and '.join(pointing)} at a unique key of {name!r}, or remove the repeats"
                )
            continue
        if repeats:
            faults.append(
                f"table {name!r}: {_part(repeats, counts.rows)} repeat the primary key ({listed}) of another row; remove them, or name a key that is unique"
            )
        if counts.nulls[key]:
            faults.append(
                f"table {name!r}: {_part(counts.nulls[key], counts.rows)} have a null in the primary key ({listed}); remove or fill them, or name another key"
            )
    return faults


def _part(count: int, rows: int) -> str:
    share = f"{count / rows:.1%}" if count * 1000 >= rows else "under 0.1%"
    return f"{count} of {rows} rows ({share})"


def _orphan_faults(metadata: Metadata, data: Mapping[str, DataFrame], shapes: Mapping[str, Shape], counts: Mapping[str, _Counts]) -> list[str]:
    keys = {KeyRef(table=t.name, index=i): key for t in metadata.tables.values() for i, key in enumerate(t.foreign_keys)}
    followed = {ref: key for ref, key in keys.items() if _can_follow(ref.table, key, shapes, counts)}
    unable = {ref for ref in keys if ref not in followed or not names_in_order(shapes[ref.table])}
    try:
        kept = drop_orphans(metadata, data, skip=unable)
    except SchemaError:
        return []  # a cycle, reported with the structure
    shrunk = [name for name in data if kept[name] is not data[name]]
    strict = {str(i): (ref.table, key) for i, (ref, key) in enumerate(followed.items()) if key.orphans == "error"}
    frames = [_row_count(orphan_rows(key, kept[child], kept[key.parent_table]), label) for label, (child, key) in strict.items()]
    frames += [_row_count(kept[name], f"kept {name}") for name in shrunk]
    found = {label: count for label, (count, *_) in _collect(frames)}
    faults = [_orphan_fault(child, key, found[label], counts, key.parent_table in shrunk) for label, (child, key) in strict.items() if found[label]]
    emptied = [name for name in shrunk if not found[f"kept {name}"]]
    return faults + [f"table {n!r}: the orphan policy drop leaves none of its {counts[n].rows} rows; use null, or mend the keys" for n in emptied]


def _can_follow(child: str, key: ForeignKey, shapes: Mapping[str, Shape], counts: Mapping[str, _Counts]) -> bool:
    names = (child, key.parent_table)
    return all(n in counts and counts[n].rows for n in names) and key_usable(key, shapes[child], shapes[key.parent_table])


def _row_count(frame: DataFrame, label: str) -> DataFrame:
    return frame.agg(F.count(F.lit(1)).alias("rows")).select(F.lit(label).alias("name"), F.array("rows").alias("counts"))


def _orphan_fault(child: str, key: ForeignKey, orphans: int, counts: Mapping[str, _Counts], shrunk: bool) -> str:
    after = f" once the policy drop has left rows out of {key.parent_table!r}" if shrunk else ""
    return (
        f"table {child!r}: {_part(orphans, counts[child].rows)} are orphans: no row of {key.parent_table!r} has their key {key}{after}; "
        "mend them, or set `orphans` of this key to null (empty the key) or drop (leave the rows out)"
    )
