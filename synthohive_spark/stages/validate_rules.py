"""How often the rules that `fit` found hold on synthetic tables.

One pass over each table for those of its own rows, a sample of whole families for those across rows, one join per key for totals.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial, reduce
from operator import or_

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ..kernels.dependencies.families import AcrossSearch
from ..kernels.dependencies.find_across_rows import count_across_in_batches
from ..kernels.dependencies.held import count_held
from ..spec.across_rows import described_across
from ..spec.dependencies import described
from ..spec.findings import RuleFinding
from ..spec.fitted import FittedSchema, FittedTable
from ..spec.hidden import hidden, status_column
from ..spec.identifiers import quoted
from ..spec.totals import described_total
from .across_rows import sampled_families
from .frames import all_there
from .profile import with_plain_times
from .totals import with_totals

_DDL = "rule int, rows bigint, broken bigint"


def rules_held(fitted: FittedSchema, synthetic: Mapping[str, DataFrame], sizes: Mapping[str, int]) -> tuple[RuleFinding, ...]:
    """All rules of all learnt tables that are there. `sizes` are the rows of the synthetic tables."""
    return tuple(found for name, table in fitted.tables.items() if name in synthetic for found in _of_table(fitted, table, synthetic, sizes))


def _of_table(fitted: FittedSchema, table: FittedTable, synthetic: Mapping[str, DataFrame], sizes: Mapping[str, int]) -> Iterator[RuleFinding]:
    program = table.program
    rows = synthetic[program.table]
    if program.dependencies:
        words = [described(d, program.types) for d in program.dependencies]
        yield from _findings(program.table, words, [d.share for d in program.dependencies], _own(table, rows))
    if program.across and program.driver is not None:
        words = [described_across(rule, program.driver.parent_table) for rule in program.across]
        counts = _across(table, rows, sizes[program.table], sizes[program.driver.parent_table])
        yield from _findings(program.table, words, [rule.share for rule in program.across], counts)
    if program.totals and all(t.child in synthetic for t in program.totals):
        yield from _findings(program.table, [described_total(t) for t in program.totals], [t.share for t in program.totals], _totals(fitted, table, synthetic))


def _findings(table: str, words: list[str], shares: list[float], counts: np.ndarray) -> Iterator[RuleFinding]:
    for rule, share, (rows, broken) in zip(words, shares, counts.tolist(), strict=True):
        yield RuleFinding(table=table, rule=rule, share_real=share, rows=rows, broken=broken)


def _own(table: FittedTable, rows: DataFrame) -> np.ndarray:
    """Rows and broken ones of each rule, int64 (R, 2)."""
    rules = table.program.dependencies
    program = table.program
    there = {status_column(m.key): all_there(program.foreign_keys[m.key].columns) for m in program.matches}
    # A column in order with others has the hidden distance among its determinants, which no table has.
    names = list(dict.fromkeys(n for d in rules for n in (d.target, *d.determinants) if n in there or n in program.types))
    plain = with_plain_times(rows.select(*((there[n] if n in there else F.col(quoted(n)).cast(program.types[n])).alias(n) for n in names)))
    numbered = plain.toDF(*(f"c{i}" for i in range(len(names))))
    counted = numbered.mapInArrow(partial(count_held, names=tuple(names), rules=rules, types=program.types | dict.fromkeys(there, "boolean")), _DDL)
    return _summed(counted, len(rules))


def _across(table: FittedTable, rows: DataFrame, count: int, parents: int) -> np.ndarray:
    program = table.program
    number = program.number_column
    names = dict.fromkeys(n for rule in program.across for n in (rule.column, *rule.inputs))
    search = AcrossSearch(types={n: program.types[n] for n in (*names, *([number] if number and number not in names else []))}, targets=(), number=number)
    sample = sampled_families(program, rows, search, count, parents)
    counted = sample.repartition(1).mapInArrow(partial(count_across_in_batches, search=search, rules=program.across), _DDL)
    return _summed(counted, len(program.across))


def _totals(fitted: FittedSchema, table: FittedTable, synthetic: Mapping[str, DataFrame]) -> np.ndarray:
    """Parents whose total is not what their rows come to."""
    program = table.program
    was = {t.column: hidden(f"was_{i}") for i, t in enumerate(program.totals)}
    rows = synthetic[program.table].withColumns({old: F.col(quoted(name)) for name, old in was.items()})
    again = with_totals(rows, table, fitted.tables, synthetic)
    asked = [F.count(F.lit(1)).alias("rows")]
    for i, (name, old) in enumerate(was.items()):
        new = F.col(quoted(name))
        near = [new.eqNullSafe(F.col(old))]
        if program.types[name] in ("float", "double"):
            near.append(F.coalesce(F.abs(new - F.col(old)) <= 1e-9 * F.abs(new), F.lit(False)))
        asked.append(F.count_if(~reduce(or_, near)).alias(f"broken_{i}"))
    found = again.agg(*asked).collect()[0]
    return np.array([[found["rows"], found[f"broken_{i}"]] for i in range(len(was))], dtype=np.int64)


def _summed(counted: DataFrame, rules: int) -> np.ndarray:
    out = np.zeros((rules, 2), dtype=np.int64)
    for row in counted.groupBy("rule").agg(F.sum("rows").alias("rows"), F.sum("broken").alias("broken")).collect():
        out[row["rule"]] = row["rows"], row["broken"]
    return out
