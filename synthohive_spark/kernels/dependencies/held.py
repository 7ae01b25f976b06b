"""On which rows of any table rules hold: counts for a report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa

from ...spec.across_rows import AcrossRule, Ascending, Lagged, Mirrored, Running
from ...spec.dependencies import Absence, AnyDependency, Calendar, Lookup, Order, Unequal
from ...spec.family_shapes import Marked, Numbered, Split
from .absences import broken
from .across_rows import across_rows, amounts_of, step_of
from .bounds import keeps_bound
from .family_order import FamilyRows, order_of, ranks_by
from .formulas import incomplete, judge
from .lookups import expected
from .units import plain, same_values

HELD = pa.schema([("rule", pa.int32()), ("rows", pa.int64()), ("broken", pa.int64())])


def count_held(
    batches: Iterator[pa.RecordBatch], *, names: Sequence[str], rules: Sequence[AnyDependency], types: Mapping[str, str]
) -> Iterator[pa.RecordBatch]:
    """Of each rule, rows that it speaks of and those of them that break it, in the columns of `HELD`; they add up.

    Args:
        names: of the batches' columns, which come under others.
    """
    counts = np.zeros((len(rules), 2), dtype=np.int64)
    for batch in batches:
        columns = dict(zip(names, batch.columns, strict=True))
        for i, rule in enumerate(rules):
            told, right = _verdict(rule, columns, types)
            counts[i] += int(told.sum()), int((told & ~right).sum())
    yield held_lines(counts)


def count_held_across(columns: Mapping[str, pa.Array], rules: Sequence[AcrossRule], types: Mapping[str, str], rows: FamilyRows) -> np.ndarray:
    """The same of rules between the rows of families, int64 (R, 2): only rows speak that have others beside them, or before them.

    Args:
        columns: of the rows, (n,) each, families together.
        rows: where they stand.
    """
    counts = np.zeros((len(rules), 2), dtype=np.int64)
    for i, rule in enumerate(rules):
        told, same = _verdict_across(rule, columns, types, rows)
        counts[i] = int(told.sum()), int((told & ~same).sum())
    return counts


def _verdict_across(rule: AcrossRule, columns: Mapping[str, pa.Array], types: Mapping[str, str], rows: FamilyRows) -> tuple[np.ndarray, np.ndarray]:
    """Of which rows the rule speaks, and on which of them it holds, bool (n,) each; steps are judged one by one."""
    before = rows.before(ranks_by(rule.ordered_by, columns) if isinstance(rule, Lagged | Running) else None)
    own = plain(columns[rule.column])
    if isinstance(rule, Running):
        values, null = amounts_of(own, rule.digits)
        near = 0 if rule.digits is not None else 1e-9 * np.maximum(np.abs(values), np.abs(values[before]))
        told = (before >= 0) & ~null & ~null[before]
        return told, np.asarray(np.abs(values[before] + step_of(rule, columns, types, len(values)) - values) <= near, dtype=bool)
    if isinstance(rule, Ascending):
        ranks = order_of(columns[rule.column])
        return before >= 0, ranks[before] <= ranks
    found = across_rows(columns, [rule], types, rows, {})[rule.column]
    if isinstance(rule, Lagged):
        told = before >= 0
    elif isinstance(rule, Marked | Numbered | Split):  # of rows without others, too
        told = np.ones(len(own), dtype=bool)
    else:
        told = rows.size == 2 if isinstance(rule, Mirrored) else rows.size > 1
    return told, same_values(plain(found), own)


def held_lines(counts: np.ndarray) -> pa.RecordBatch:
    """Counts int64 (R, 2) in the columns of `HELD`."""
    return pa.record_batch([pa.array(np.arange(len(counts)), pa.int32()), pa.array(counts[:, 0]), pa.array(counts[:, 1])], schema=HELD)


def _verdict(rule: AnyDependency, columns: Mapping[str, pa.Array], types: Mapping[str, str]) -> tuple[np.ndarray, np.ndarray]:
    """Of which rows the rule speaks, and on which of them it holds, bool (n,) each."""
    if isinstance(rule, Absence):
        wrong = broken(rule, columns, types)
        return np.ones(len(wrong), dtype=bool), ~wrong
    if isinstance(rule, Order | Unequal | Calendar):
        others = (*rule.at_least, *rule.at_most) if isinstance(rule, Order) else rule.determinants
        known = ~incomplete((rule.target, *others), columns)
        return known, keeps_bound(rule, columns, types)
    if isinstance(rule, Lookup):
        value, told = expected(rule, columns, types)
        there = plain(columns[rule.target]).is_valid().to_numpy(zero_copy_only=False) | (not rule.gaps)
        return told & there, same_values(plain(value), plain(columns[rule.target]))
    made, there, right = judge(rule, columns, types)
    return made & there, right
