"""Find the exact dependencies of a table: candidates on a sample in one executor group, then exact counts over all rows, and put them in the row program."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from ..causes import step
from ..events import DEPENDENCIES, get_logger
from ..kernels.columns.grid import decimals_of
from ..kernels.columns.marks import MARKS
from ..kernels.dependencies.choose import choose
from ..kernels.dependencies.choose_orders import with_orders
from ..kernels.dependencies.count import LINES_PER_COMBINATION, confirmed, count_batches
from ..kernels.dependencies.find import CANDIDATES, ORDER, find_in_batches
from ..kernels.dependencies.find_unequal import with_unequal
from ..kernels.dependencies.formulas import is_formula_input
from ..kernels.dependencies.sample import MIN_SURPRISES, Search
from ..kernels.dependencies.units import MAX_DIGITS
from ..spec.decimal_forms import is_decimal_form
from ..spec.dependencies import AnyDependency, Order, Unequal, described, is_bound
from ..spec.encoding import CategoryEncoding, NumberEncoding, TableEncoding, TextEncoding
from ..spec.identifiers import HIDDEN_PREFIX, quoted
from ..spec.metadata import Table
from ..spec.planning.derived import with_dependencies
from ..spec.program import TableProgram
from .profile import HASH_RANGE, row_hash, row_share, with_plain_times

SAMPLE_ROWS = 20_000  # rows that candidates are looked for in: a rule of 99.5 % is told from one of 99 % there
ROUNDS = 3  # of choosing and counting: what fails on all rows gives way to other candidates for its target
_COUNTS = "candidate int, measure string, first string, second string, value string, n bigint"

log = get_logger(__name__)


def add_dependencies(
    program: TableProgram,
    data: DataFrame,
    *,
    table: Table,
    encoding: TableEncoding,
    parent: TableProgram | None,
    keys: Collection[str] = (),
    min_rows: int,
    seed: int,
) -> TableProgram:
    """The program with what columns determine one another, found on the real rows.

    Args:
        data: the table's real rows.
        encoding: of its columns.
        parent: the driving parent's program, with its dependencies.
        keys: columns that keys of other tables point at; they are never derived.
        min_rows: combinations of fewer rows are never stored.
        seed: of the sample.
    """
    search = _search(program, table, encoding, keys, str(data.sparkSession.conf.get("spark.sql.session.timeZone", "UTC")))
    if program.rows < MIN_SURPRISES or not search.targets:
        return program
    rows = with_plain_times(data.select(*(F.col(quoted(name)) for name in search.types)))
    with step("looking for dependencies in", program.table):
        candidates = _candidates(data, search, program.rows, seed)
        chosen = _confirmed(rows, candidates, search, program.given - program.taken_over, program.rows, min_rows)
    if not chosen:
        return program
    log.info(DEPENDENCIES, table=program.table, found=[described(d, program.types) for d in chosen])
    return with_dependencies(program, chosen, encoding, parent)


def _search(program: TableProgram, table: Table, encoding: TableEncoding, referenced: Collection[str], zone: str) -> Search:
    """Which columns can be derived, and from which. Generated keys say nothing, and matched ones come too late.

    What repeats the driving parent's row may follow from the own row, too: that holds in rows without a parent as well.
    """
    totals = {t.column for t in program.totals}  # set last: formulas that read them are evaluated again
    late = {name for m in program.matches for name in (*program.foreign_keys[m.key].columns, *m.brought)}  # a key without a match turns null
    modelled = [name for name in encoding.names if not name.startswith(HIDDEN_PREFIX) and name not in late]
    replaced = {c for step in program.inherited for c in step.columns}
    drawn = {*program.drawn, *program.taken_over}
    fallback = set(program.fallback) - program.taken_over
    keys = {*totals, *table.key_columns, *replaced, *referenced, *fallback, *program.distinct, *([program.draw.ordered_by] if program.draw.ordered_by else [])}
    visible = [name for name in modelled if name not in table.pii_cols]
    apart = tuple(name for name in visible if name not in totals and not isinstance(encoding.column(name), TextEncoding))
    return Search(
        types={name: program.types[name] for name in modelled},
        targets=tuple(name for name in visible if name in drawn and name not in keys),
        inputs=tuple(name for name in visible if is_formula_input(program.types[name])),
        discrete=tuple(name for name in visible if name not in totals and _is_discrete(encoding, name)),
        ordered=tuple(name for name in visible if _is_comparable(encoding, name)),
        apart=apart,
        movable=tuple(name for name in apart if name in drawn and name not in _unmoved(program, keys) and not _is_distinct(encoding, name)),
        forms={name: form for name, form in _forms(encoding).items() if name in visible},
        bounded=tuple(name for name, limits in table.constraints.items() if limits.min is not None or limits.max is not None),
        digits={name: _digits(encoding, name) for name in modelled if program.types[name] in ("float", "double")},
        zone=zone,
    )


def _unmoved(program: TableProgram, keys: Collection[str]) -> set[str]:
    """Columns that must stay as they are drawn: all keys but those of one column to reference tables, and what an earlier phase has drawn."""
    single = {key.columns[0] for key in program.foreign_keys if len(key.columns) == 1}
    shared = {c for key in program.foreign_keys if len(key.columns) > 1 for c in key.columns}
    early = {c for phase in program.phases[:-1] for step in phase.steps for c in step.columns}
    return (set(keys) - single) | shared | early | set(program.primary_key) | set(program.distinct)


def _is_distinct(encoding: TableEncoding, name: str) -> bool:
    """Whether no value repeats: one that is drawn again could."""
    column = encoding.column(name)
    return isinstance(column, NumberEncoding) and column.distinct


def _is_discrete(encoding: TableEncoding, name: str) -> bool:
    """Whether all synthetic values of the column are real ones."""
    column = encoding.column(name)
    return isinstance(column, CategoryEncoding) or (isinstance(column, NumberEncoding) and (column.discrete or not column.bins))


def _is_comparable(encoding: TableEncoding, name: str) -> bool:
    """Whether the column holds numbers, dates or times as such, all of them finite."""
    column = encoding.column(name)
    return isinstance(column, NumberEncoding) and (column.spark_type != "string" or bool(column.form)) and not set(column.tokens) & set(MARKS)


def _forms(encoding: TableEncoding) -> dict[str, str]:
    """Of dates and times in text or whole numbers."""
    return {c.name: c.form for c in encoding.columns if isinstance(c, NumberEncoding) and c.form and not is_decimal_form(c.form)}


def _digits(encoding: TableEncoding, name: str) -> int | None:
    """Digits after the point of a float column's synthetic values; None where they are off any grid."""
    column = encoding.column(name)
    if not isinstance(column, NumberEncoding) or not column.step:
        return None
    digits = decimals_of(column.step, column.origin)
    return digits if digits <= MAX_DIGITS else None


def _candidates(data: DataFrame, search: Search, count: int, seed: int) -> list[AnyDependency]:
    share = row_share(data, count, SAMPLE_ROWS)
    order = row_hash(data, seed)
    sampled = data.withColumn(ORDER, order)
    if share < 1:
        sampled = sampled.where(F.pmod(F.col(ORDER), F.lit(HASH_RANGE)) < int(share * HASH_RANGE))
    elif count > SAMPLE_ROWS:
        sampled = sampled.orderBy(ORDER).limit(SAMPLE_ROWS)  # few different rows: any of them will do
    sampled = _numbered(with_plain_times(sampled.select(*(F.col(quoted(name)) for name in search.types), ORDER)))
    lines = sampled.repartition(1).mapInArrow(partial(find_in_batches, search=search), "found string").collect()
    return [candidate for line in lines for candidate in CANDIDATES.validate_json(line.found)]


def _numbered(data: DataFrame) -> DataFrame:
    """Columns by number: `mapInArrow` looks them up by name, and takes a dot in one for a field of a struct."""
    return data.toDF(*(f"c{i}" for i in range(len(data.columns))))


def _confirmed(rows: DataFrame, candidates: Sequence[AnyDependency], search: Search, known: Collection[str], count: int, min_rows: int) -> list[AnyDependency]:
    """The chosen candidates, each with what was counted on all rows."""
    left, counted = [c for c in candidates if not is_bound(c)], {}
    bounds = [c for c in candidates if is_bound(c)]
    for _ in range(ROUNDS):
        chosen = choose(left, known, search.types)
        new = [c for c in (*chosen, *bounds) if id(c) not in counted]
        if not new:
            break
        for candidate, found in zip(new, _count(rows, new, search, count, min_rows), strict=True):
            counted[id(candidate)] = found
        left = [c for c in left if counted.get(id(c), c) is not None]
    held = [c for c in left if counted.get(id(c)) is not None]  # what was never counted must not take the place of what holds
    exact = [found for c in choose(held, known, search.types) if (found := counted[id(c)]) is not None]
    ordered = with_orders(exact, [found for c in bounds if isinstance(found := counted[id(c)], Order)], search)
    return with_unequal(ordered, [found for c in bounds if isinstance(found := counted[id(c)], Unequal)], search)


def _count(rows: DataFrame, candidates: Sequence[AnyDependency], search: Search, count: int, min_rows: int) -> list[AnyDependency | None]:
    """One pass over the table for all candidates; None for those that do not hold."""
    names = tuple(dict.fromkeys(n for c in candidates for n in (c.target, *c.determinants)))
    kernel = partial(count_batches, names=names, candidates=tuple(candidates), types=search.types, max_combinations=search.max_combinations)
    counts = _numbered(rows.select(*(F.col(quoted(n)) for n in names))).mapInArrow(kernel, _COUNTS)
    summed = counts.groupBy("candidate", "measure", "first", "second", "value").agg(F.sum("n").alias("n"))
    # What grows with the table is no rule; a line past the limit says so, and no more come to the driver.
    place = F.row_number().over(Window.partitionBy("candidate").orderBy(F.desc("n"), "first", "second", "value"))
    limit = LINES_PER_COMBINATION * search.max_combinations + 1
    found = summed.withColumn("place", place).where(F.col("place") <= limit).drop("place").toArrow()
    numbers = found.column("candidate").to_numpy()
    return [
        confirmed(c, found.filter(numbers == i), search.types, rows=count, min_rows=min_rows, max_combinations=search.max_combinations)
        for i, c in enumerate(candidates)
    ]
