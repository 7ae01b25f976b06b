"""Count on all rows how often candidates hold: the body of the `mapInArrow` that `stages/dependencies.py` runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

import numpy as np
import pyarrow as pa

from ...spec.dependencies import AnyDependency, Clock, Lookup, Order, Unequal, is_bound
from ...spec.encoding import Scalar
from ..columns.types import decimal_scale, is_integer, is_time
from .clocks import FORMS, ends_of_day
from .formulas import holds, incomplete
from .orders import in_order
from .sample import FEWER_ERRORS, HOLDS, MAX_INCOMPLETE, SUPPORTED_ROWS
from .unequal import is_apart
from .units import plain

COUNTS = pa.schema(
    [
        ("candidate", pa.int32()),
        ("measure", pa.string()),  # of a formula: rows, broken, incomplete, broken_complete, null; of a lookup: combination, or too_many
        ("first", pa.string()),
        ("second", pa.string()),
        ("value", pa.string()),
        ("n", pa.int64()),
    ]
)
COVERED = 0.98  # share of the rows whose combination may be stored: the others are drawn anew, which bends the marginals
_Key = tuple[str | None, ...]

LINES_PER_COMBINATION = 3  # values of the target that are counted per combination, on average; more is no rule


def count_batches(
    batches: Iterator[pa.RecordBatch], *, names: Sequence[str], candidates: Sequence[AnyDependency], types: Mapping[str, str], max_combinations: int
) -> Iterator[pa.RecordBatch]:
    """Counts of one task, in the columns of `COUNTS`; they add up over tasks. `names` are those of the batches' columns, which come under others."""
    found: list[pa.Table | None] = [None] * len(candidates)
    crowded: set[int] = set()
    for batch in batches:
        columns = dict(zip(names, batch.columns, strict=True))
        for i, candidate in enumerate(candidates):
            if i in crowded:
                continue
            counts = _combinations(candidate, columns) if isinstance(candidate, Lookup) else _formula_counts(candidate, columns, types)
            found[i] = counts if found[i] is None else _added(pa.concat_tables([found[i], counts]))
            if isinstance(candidate, Lookup) and found[i].num_rows > LINES_PER_COMBINATION * max_combinations:  # type: ignore[union-attr]
                crowded.add(i)
                found[i] = _line("too_many", 1)
    for i, table in enumerate(found):
        if table is not None:
            numbers = pa.array(np.full(table.num_rows, i, dtype=np.int32))
            yield from table.add_column(0, "candidate", numbers).cast(COUNTS).to_batches()


def _line(measure: str, n: int) -> pa.Table:
    empty = pa.nulls(1, pa.string())
    return pa.table({"measure": [measure], "first": empty, "second": empty, "value": empty, "n": pa.array([n], pa.int64())})


def _formula_counts(candidate: AnyDependency, columns: Mapping[str, pa.Array], types: Mapping[str, str]) -> pa.Table:
    if isinstance(candidate, Lookup):
        raise TypeError("a lookup is counted by its combinations")
    if isinstance(candidate, Order | Unequal):
        ok = in_order(candidate, columns, types) if isinstance(candidate, Order) else is_apart(candidate, columns, types)
        unknown = incomplete((candidate.target, *candidate.determinants), columns)
    else:
        ok, unknown = holds(candidate, columns, types), incomplete(candidate.determinants, columns)
    nulls = plain(columns[candidate.target]).null_count
    measures = {"rows": len(ok), "broken": (~ok).sum(), "incomplete": unknown.sum(), "broken_complete": (~ok & ~unknown).sum(), "null": nulls}
    if isinstance(candidate, Clock):
        measures |= dict(zip(("zero", "turn"), ends_of_day(candidate, columns), strict=True))
    return pa.concat_tables([_line(measure, int(n)) for measure, n in measures.items()])


def _combinations(candidate: Lookup, columns: Mapping[str, pa.Array]) -> pa.Table:
    names = (*candidate.determinants, candidate.target)
    table = pa.table({f"c{i}": plain(columns[name]) for i, name in enumerate(names)})
    counted = table.group_by(table.column_names).aggregate([([], "count_all")])
    texts = [counted.column(f"c{i}").cast(pa.string()).combine_chunks() for i in range(len(names))]
    second = texts[1] if len(names) == 3 else pa.nulls(len(counted), pa.string())
    measure = pa.array(["combination"] * len(counted), pa.string())
    return pa.table({"measure": measure, "first": texts[0], "second": second, "value": texts[-1], "n": counted.column("count_all")})


def _added(table: pa.Table) -> pa.Table:
    summed = table.group_by(["measure", "first", "second", "value"]).aggregate([("n", "sum")])
    return summed.rename_columns([c if c != "n_sum" else "n" for c in summed.column_names]).select(["measure", "first", "second", "value", "n"])


def confirmed(candidate: AnyDependency, counts: pa.Table, types: Mapping[str, str], *, rows: int, min_rows: int, max_combinations: int) -> AnyDependency | None:
    """The candidate with what was counted on all rows; None where it does not hold.

    Args:
        counts: its lines, summed over all tasks.
        rows: of the table.
        min_rows: combinations of fewer rows are not stored.
    """
    if isinstance(candidate, Lookup):
        return _confirmed_lookup(candidate, counts, types, rows, min_rows, max_combinations)
    n = dict(zip(counts.column("measure").to_pylist(), counts.column("n").to_pylist(), strict=True))
    counted, broken = n["rows"], n["broken"]
    if is_bound(candidate) or (not n["null"] and n["incomplete"] <= MAX_INCOMPLETE * counted):
        counted, broken = counted - n["incomplete"], n["broken_complete"]
    if isinstance(candidate, Unequal) and broken > FEWER_ERRORS * candidate.chance * counted:
        return None
    if isinstance(candidate, Clock) and not candidate.is_span and candidate.readings[0] not in FORMS and n["zero"] + n["turn"]:
        candidate = candidate.model_copy(update={"first": int(n["turn"] > n["zero"])})
    return candidate.model_copy(update={"share": 1 - broken / counted}) if counted and broken <= (1 - HOLDS) * counted else None


def _confirmed_lookup(candidate: Lookup, counts: pa.Table, types: Mapping[str, str], rows: int, min_rows: int, limit: int) -> Lookup | None:
    if counts.num_rows > LINES_PER_COMBINATION * limit or "too_many" in counts.column("measure").to_pylist():
        return None
    values: dict[_Key, list[tuple[int, str | None]]] = {}
    for line in counts.to_pylist():
        key = (line["first"], line["second"])[: len(candidate.determinants)]
        values.setdefault(key, []).append((line["n"], line["value"]))
    totals = {key: sum(n for n, _ in found) for key, found in values.items()}
    free = {key for key, found in values.items() if None in key and max(n for n, _ in found) < HOLDS * totals[key]}
    if sum(totals[key] for key in free) > MAX_INCOMPLETE * rows:
        return None
    entries = []
    for key in sorted(values, key=lambda k: tuple((part is None, part or "") for part in k)):
        ordered = sorted(values[key], key=lambda v: (-v[0], v[1] is None, v[1] or ""))
        some = ordered if key in free else [(totals[key], ordered[0][1])] if ordered[0][0] >= min_rows else []
        entries += [(key, value, n) for n, value in some if n >= min_rows]
    stored = {key for key, _, _ in entries}
    covered = sum(totals[key] for key in stored | free)
    right = sum(max(n for n, _ in values[key]) if key not in free else totals[key] for key in stored | free)
    if not 2 <= len(stored) <= limit or rows < SUPPORTED_ROWS * len(values) or covered < COVERED * rows or right < HOLDS * covered:
        return None
    kinds = [types[name] for name in (*candidate.determinants, candidate.target)]
    return candidate.model_copy(
        update={
            "share": right / covered,
            "keys": tuple(tuple(to_scalar(key[i], kinds[i]) for key, _, _ in entries) for i in range(len(candidate.determinants))),
            "values": tuple(to_scalar(value, kinds[-1]) for _, value, _ in entries),
            "counts": tuple(n for _, _, n in entries),
        }
    )


def to_scalar(text: str | None, spark_type: str) -> Scalar | None:
    """A value that was counted as text, as the JSON scalar that an encoding would hold."""
    if text is None or spark_type == "string":
        return text
    if spark_type == "boolean":
        return text == "true"
    if is_integer(spark_type):
        return int(text)
    if spark_type in ("float", "double"):
        return float(text)
    if is_time(spark_type):
        return str(np.datetime64(int(text), "us"))
    if spark_type == "date":
        return str(np.datetime64(int(text), "D"))
    return format(Decimal(text), "f") if decimal_scale(spark_type) is not None else text
