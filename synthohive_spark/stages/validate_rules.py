"""How often the rules that `fit` found hold on synthetic tables.

One pass over each table for those of its own rows, a sample of whole families for those across rows, one join per key for totals.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
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
from ..spec.program import TableProgram
from ..spec.totals import described_total
from .across_rows import sampled_families
from .frames import all_there
from .jobs import collect_all
from .profile import with_plain_times
from .totals import with_totals

_DDL = "rule int, rows bigint, broken bigint"


def rules_held(fitted: FittedSchema, synthetic: Mapping[str, DataFrame], sizes: Mapping[str, int]) -> tuple[RuleFinding, ...]:
    """All rules of all learnt tables that are there. `sizes` are the rows of the synthetic tables."""
    asked = [_Asked(table, synthetic[name]) for name, table in fitted.tables.items() if name in synthetic]
    own = _counted([a.own() if a.program.dependencies else None for a in asked], [len(a.program.dependencies) for a in asked])
    across = _counted([a.across(sizes) if a.program.across_told else None for a in asked], [len(a.program.across_told) for a in asked])
    found: list[RuleFinding] = []
    for i, a in enumerate(asked):
        program, parent = a.program, a.program.driver.parent_table if a.program.driver else ""
        found += _findings(program.table, [(described(d, program.types), d.share) for d in program.dependencies], own[i])
        found += _findings(program.table, [(described_across(rule, parent), rule.share) for rule in program.across_told], across[i])
        if program.totals and all(t.child in synthetic for t in program.totals):
            found += _findings(program.table, [(described_total(t), t.share) for t in program.totals], _totals(fitted, a.table, synthetic))
    return tuple(found)


def _findings(table: str, rules: Sequence[tuple[str, float]], counts: np.ndarray) -> Iterator[RuleFinding]:
    for (rule, share), (rows, broken) in zip(rules, counts.tolist(), strict=True):
        yield RuleFinding(table=table, rule=rule, share_real=share, rows=rows, broken=broken)


@dataclass(frozen=True)
class _Asked:
    """A learnt table and its synthetic rows."""

    table: FittedTable
    rows: DataFrame

    @property
    def program(self) -> TableProgram:
        return self.table.program

    def own(self) -> DataFrame:
        """Counts of the rules of single rows, as `HELD` has them, not yet summed."""
        program, rules = self.program, self.program.dependencies
        there = {status_column(m.key): all_there(program.foreign_keys[m.key].columns) for m in program.matches}
        # A column in order with others has the hidden distance among its determinants, which no table has.
        names = list(dict.fromkeys(n for d in rules for n in (d.target, *d.determinants) if n in there or n in program.types))
        plain = with_plain_times(self.rows.select(*((there[n] if n in there else F.col(quoted(n)).cast(program.types[n])).alias(n) for n in names)))
        numbered = plain.toDF(*(f"c{i}" for i in range(len(names))))
        return numbered.mapInArrow(partial(count_held, names=tuple(names), rules=rules, types=program.types | dict.fromkeys(there, "boolean")), _DDL)

    def across(self, sizes: Mapping[str, int]) -> DataFrame:
        """Those of the rules across rows, on whole families."""
        program, number = self.program, self.program.order_column
        names = dict.fromkeys([*(n for rule in program.across_told for n in (rule.column, *rule.inputs)), *([number] if number else [])])
        search = AcrossSearch(types={n: program.types[n] for n in names}, targets=(), number=number)
        parents = sizes[program.driver.parent_table] if program.driver else 0
        sample = sampled_families(program, self.rows, search, sizes[program.table], parents)
        return sample.repartition(1).mapInArrow(partial(count_across_in_batches, search=search, rules=program.across_told), _DDL)


def _counted(frames: Sequence[DataFrame | None], rules: Sequence[int]) -> list[np.ndarray]:
    """Rows and broken ones of each table's rules, int64 (rules, 2); one Spark job for each `FRAMES_PER_JOB` tables."""
    counts = [np.zeros((n, 2), dtype=np.int64) for n in rules]
    summed = [
        frame.groupBy("rule").agg(F.sum("rows").alias("rows"), F.sum("broken").alias("broken")).select(F.lit(i).alias("place"), "rule", "rows", "broken")
        for i, frame in enumerate(frames)
        if frame is not None
    ]
    for row in collect_all(summed):
        counts[row["place"]][row["rule"]] = row["rows"], row["broken"]
    return counts


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
