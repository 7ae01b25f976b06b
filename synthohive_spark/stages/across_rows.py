"""Find what always holds between the rows of one driving parent: whole families of a sample, in one executor task."""

from __future__ import annotations

from functools import partial

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from ..kernels.dependencies.families import FAMILY, SIZE, AcrossSearch
from ..kernels.dependencies.find_across_rows import RULES, find_across_rows_in_batches
from ..kernels.dependencies.formulas import is_clock
from ..kernels.dependencies.sample import MIN_SURPRISES
from ..spec.across_rows import AcrossRule
from ..spec.hidden import hidden
from ..spec.identifiers import HIDDEN_PREFIX, quoted
from ..spec.metadata import Metadata
from ..spec.planning.view import unique_keys
from ..spec.program import TableProgram
from ..spec.steps import Combine, Position, Series
from .frames import all_there, plain_value
from .jobs import Search
from .profile import with_plain_times

SAMPLE_FAMILIES = 4_000  # 99.5 % of so many is told from 99 %
SAMPLE_ROWS = 40_000  # of them together, about
MOST_ROWS = 10_000  # of a family: larger ones are passed over
MOST_COLUMNS = 48  # that are looked at: the time grows with pairs of them
MOST_ORDERS = 3
MOST_TEXTS = 8  # that may rise along the numbers of the rows: times of a day in text
HASH_RANGE = 1_000_000_000


def find_rules_across_rows(metadata: Metadata, program: TableProgram, data: DataFrame, parents: int, min_rows: int) -> Search[tuple[AcrossRule, ...]]:
    """The rules of a table; none where no parent drives it.

    Args:
        data: its real rows.
        parents: rows of the driving parent.
        min_rows: values of fewer rows are never stored.
    """
    search = _search(metadata, program, min_rows)
    if program.driver is None or program.rows < MIN_SURPRISES or not (search.targets or search.fast):
        return ()
    rows = sampled_families(program, data, search, program.rows, parents)
    lines = yield rows.repartition(1).mapInArrow(partial(find_across_rows_in_batches, search=search), "found string")
    return tuple(rule for line in lines for rule in RULES.validate_json(line.found))


def _search(metadata: Metadata, program: TableProgram, min_rows: int) -> AcrossSearch:
    """Which columns can follow from other rows: drawn ones that nothing holds fast, and keys to other parents that are filled before whole rows are made."""
    table, types = metadata.tables[program.table], program.types
    unique = {c for key in unique_keys(metadata, program.table) for c in key}
    closed = {*table.pii_cols, *unique, *program.distinct, *program.fallback, *program.taken_over, *(t.column for t in program.totals)}
    repeating = [c for inherit in program.inherited for c in inherit.columns if c not in closed and c in program.drawn]
    closed |= {c for inherit in program.inherited for c in inherit.columns} | ({program.draw.ordered_by} if program.draw.ordered_by else set())
    closed |= {c for combine in program.of_kind(Combine) if isinstance(combine, Combine) for c in program.foreign_keys[combine.key].columns}
    drawn = [c for c in program.drawn if not c.startswith(HIDDEN_PREFIX) and c not in program.matched]
    simple = [m for m in program.early if not m.brings and not m.fixed and not m.wished and not m.filled and len(program.foreign_keys[m.key].columns) == 1]
    matched = [program.foreign_keys[m.key].columns[0] for m in simple]
    free = [c for c in (*drawn, *matched) if c not in closed][:MOST_COLUMNS]
    fast = [c for c in matched if c in unique]
    keys = {c for key in program.foreign_keys for c in key.columns}
    numbers = [c for c in free if c not in keys and types[c] not in ("string", "boolean") and not is_clock(types[c])]
    places = [c for step in program.of_kind(Position, Series) for c in step.columns if c not in (program.driver.columns if program.driver else ())]
    declared = [c for c in (program.draw.ordered_by, table.order_by) if c]
    orders = [c for c in dict.fromkeys([*declared, *places, *(c for c in drawn if is_clock(types[c]))]) if types[c] not in ("string", "boolean")][:MOST_ORDERS]
    number = program.order_column
    texts = [c for c in drawn if types[c] == "string" and c not in closed][:MOST_TEXTS] if program.number_column is None and number else []
    names = dict.fromkeys([*free, *fast, *repeating, *orders, *texts, *([number] if number else [])])
    return AcrossSearch(
        types={c: types[c] for c in names},
        targets=tuple(free),
        summed=tuple(numbers),
        terms=tuple(numbers),
        orders=tuple(orders),
        sortable=tuple(c for c in (*orders, *texts) if c in drawn and c not in unique and c not in program.distinct),
        number=number,
        rare=min_rows,
        fast=tuple(fast),
        repeating=tuple(dict.fromkeys(repeating)),
        nullable=tuple(c for c, _, nullable in program.columns if nullable),
    )


def sampled_families(program: TableProgram, data: DataFrame, search: AcrossSearch, count: int, parents: int) -> DataFrame:
    """All rows of some families: the columns of `search` by number, `FAMILY` and `SIZE`.

    Args:
        count: rows of `data`, and `parents` of the driving parent's table.
    """
    key = program.driver.columns if program.driver else ()
    links = [hidden(f"link_{i}") for i in range(len(key))]
    family = F.xxhash64(*links)
    share = min(1.0, SAMPLE_FAMILIES / max(parents, 1), SAMPLE_ROWS / max(count, 1))
    rows = data.where(all_there(key)).withColumns({link: plain_value(c, program.types[c]) for link, c in zip(links, key, strict=True)})
    rows = rows.withColumn(FAMILY, family).where(F.pmod(FAMILY, F.lit(HASH_RANGE)) < int(HASH_RANGE * share))
    rows = with_plain_times(rows.select(*(F.col(quoted(c)) for c in search.types), FAMILY))
    sized = rows.withColumn(SIZE, F.count(F.lit(1)).over(Window.partitionBy(FAMILY))).where(F.col(SIZE) <= MOST_ROWS)
    few = sized.orderBy(FAMILY).limit(2 * SAMPLE_ROWS)
    return few.toDF(*(f"c{i}" for i in range(len(few.columns))))
