"""Count on all rows how often candidates hold: the body of the `mapInArrow` that `stages/dependencies.py` runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa

from ...spec.dependencies import Absence, AnyDependency, Calendar, Clock, Lookup, Order, Unequal
from .absences import broken
from .bounds import keeps_bound
from .clocks import FORMS, ends_of_day
from .formulas import incomplete, judge
from .measures import HOLDS, holding, measured
from .sample import FEWER_ERRORS
from .units import plain

COUNTS = pa.schema(
    [
        ("candidate", pa.int32()),
        ("measure", pa.string()),  # of a formula what `measured` counts, of an order or absence: rows, broken; of a lookup: combination
        ("first", pa.string()),
        ("second", pa.string()),
        ("value", pa.string()),
        ("n", pa.int64()),
    ]
)
MOST_LINES = 100_000  # of one candidate that a task keeps: more go out, and are added up by Spark


class _Tally:
    """Lines of one candidate, added up when they have become many."""

    def __init__(self) -> None:
        self._parts: list[pa.Table] = []
        self._waiting = self._settled = 0

    def add(self, counts: pa.Table) -> pa.Table | None:
        """Take lines in; what comes out, where they have become too many, is no longer kept."""
        self._parts.append(counts)
        self._waiting += counts.num_rows
        if self._waiting <= max(1_000, self._settled):
            return None
        whole = _added(pa.concat_tables(self._parts))
        self._parts, self._waiting, self._settled = [whole], 0, whole.num_rows
        return self.take() if whole.num_rows > MOST_LINES else None

    def take(self) -> pa.Table | None:
        """All that is kept."""
        parts, self._parts, self._waiting, self._settled = self._parts, [], 0, 0
        return _added(pa.concat_tables(parts)) if parts else None


def count_batches(
    batches: Iterator[pa.RecordBatch], *, names: Sequence[str], candidates: Sequence[AnyDependency], types: Mapping[str, str]
) -> Iterator[pa.RecordBatch]:
    """Counts of one task, in the columns of `COUNTS`; they add up over tasks. `names` are those of the batches' columns, which come under others."""
    tallies = [_Tally() for _ in candidates]
    for batch in batches:
        columns = dict(zip(names, batch.columns, strict=True))
        for i, candidate in enumerate(candidates):
            counts = _combinations(candidate, columns) if isinstance(candidate, Lookup) else _measures(candidate, columns, types)
            yield from _numbered(tallies[i].add(counts), i)
    for i, tally in enumerate(tallies):
        yield from _numbered(tally.take(), i)


def _numbered(table: pa.Table | None, candidate: int) -> list[pa.RecordBatch]:
    if table is None:
        return []
    numbers = pa.array(np.full(table.num_rows, candidate, dtype=np.int32))
    batches: list[pa.RecordBatch] = table.add_column(0, "candidate", numbers).cast(COUNTS).to_batches()
    return batches


def _line(measure: str, n: int) -> pa.Table:
    empty = pa.nulls(1, pa.string())
    return pa.table({"measure": [measure], "first": empty, "second": empty, "value": empty, "n": pa.array([n], pa.int64())})


def _measures(candidate: AnyDependency, columns: Mapping[str, pa.Array], types: Mapping[str, str]) -> pa.Table:
    if isinstance(candidate, Lookup):
        raise TypeError("a lookup is counted by its combinations")
    if isinstance(candidate, Order | Unequal | Calendar):
        known = ~incomplete((candidate.target, *candidate.determinants), columns)
        kept = keeps_bound(candidate, columns, types)
        measures = {"rows": int(known.sum()), "broken": int((known & ~kept).sum())}
    elif isinstance(candidate, Absence):
        measures = {"rows": len(columns[candidate.target]), "broken": int(broken(candidate, columns, types).sum())}
    else:
        measures = measured(judge(candidate, columns, types))
    if isinstance(candidate, Clock):
        measures |= dict(zip(("zero", "turn"), ends_of_day(candidate, columns), strict=True))
    return pa.concat_tables([_line(measure, n) for measure, n in measures.items()])


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


def confirmed(candidate: AnyDependency, measures: Mapping[str, int]) -> AnyDependency | None:
    """The formula, bound or absence and how it holds on all rows; None where it does not.

    Args:
        measures: its counts, summed over all tasks.
    """
    if not measures["rows"]:
        return None
    if isinstance(candidate, Order | Unequal | Calendar | Absence):
        share = 1 - measures["broken"] / measures["rows"]
        by_chance = isinstance(candidate, Unequal) and 1 - share > FEWER_ERRORS * candidate.chance
        return candidate.model_copy(update={"share": share}) if share >= HOLDS and not by_chance else None
    if isinstance(candidate, Clock) and not candidate.is_span and candidate.readings[0] not in FORMS and measures["zero"] + measures["turn"]:
        candidate = candidate.model_copy(update={"first": int(measures["turn"] > measures["zero"])})
    found = holding(measures)
    return None if found is None else candidate.model_copy(update=found._asdict())
