"""Find the exact dependencies of a table: candidates on a sample in one executor group, then exact counts over all rows.

Each search asks for the rows of small frames (`jobs.side_by_side`), so that many tables share their Spark jobs."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from itertools import accumulate

import pyarrow.compute as pc
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from ..events import DEPENDENCIES, get_logger
from ..kernels.columns.grid import decimals_of
from ..kernels.columns.marks import EVERY_MARK
from ..kernels.columns.types import is_integer
from ..kernels.dependencies.choose import choose
from ..kernels.dependencies.choose_absences import with_absences
from ..kernels.dependencies.choose_orders import with_orders
from ..kernels.dependencies.combinations import confirmed_lookup, may_be_told, summed_keys, told_only, with_combinations
from ..kernels.dependencies.count import confirmed, count_batches
from ..kernels.dependencies.find import CANDIDATES, FAMILY, ORDER, find_in_batches, find_many_in_batches
from ..kernels.dependencies.find_calendars import with_calendars
from ..kernels.dependencies.find_unequal import with_unequal
from ..kernels.dependencies.formulas import is_formula_input
from ..kernels.dependencies.sample import MIN_SURPRISES
from ..kernels.dependencies.sample import Search as Asked
from ..kernels.dependencies.units import MAX_DIGITS
from ..spec.across_rows import AcrossRule, Shared
from ..spec.date_forms import is_date_form
from ..spec.dependencies import Absence, AnyDependency, Bands, Calendar, Lookup, Order, Unequal, described, is_bound
from ..spec.encoding import CategoryEncoding, NumberEncoding, TableEncoding, TextEncoding
from ..spec.hidden import hidden, status_column
from ..spec.identifiers import HIDDEN_PREFIX, quoted
from ..spec.metadata import Table
from ..spec.planning.across import adds_up, goes_round
from ..spec.program import TableProgram
from .frames import all_there
from .jobs import Search
from .profile import HASH_RANGE, row_hash, row_share, with_plain_times

SAMPLE_ROWS = 20_000  # rows that candidates are looked for in: a rule of 99.5 % is told from one of 99 % there
MOST_LEFT_OPEN = 0.05  # share of rows that a rule may leave to a model that draws each column by itself
ROUNDS = 3  # of choosing and counting: what fails on all rows gives way to other candidates for its target
FAMILY_ROWS = 5_000  # looked at for each column of many values
FAMILY_VALUES = 1_000  # of them: more would be alone there, fewer the same few
ROWS_PER_VALUE = 20
MAX_STORED = 200_000  # combinations of all lookups of a table: some 20 MB in the program, which travels to each task
_FACTS = "candidate int, measure string, value string, n bigint"
_ENTRIES = "candidate int, first string, second string, value string, n bigint"
_LINES = "candidate int, measure string, first string, second string, value string, n bigint"

log = get_logger(__name__)


def find_dependencies(
    program: TableProgram,
    data: DataFrame,
    *,
    table: Table,
    encoding: TableEncoding,
    keys: Collection[str] = (),
    across: Sequence[AcrossRule] = (),
    nested: Collection[str] = (),
    independent: bool = False,
    min_rows: int,
    owned: Collection[str] = (),
    seed: int,
) -> Search[list[AnyDependency]]:
    """What columns determine one another, found on the real rows, in the order in which to evaluate it.

    Args:
        data: the table's real rows.
        encoding: of its columns.
        keys: columns that keys of other tables point at; they are never derived.
        across: what follows from other rows of the family.
        nested: columns that are null because a struct is.
        independent: the row model draws each column by itself.
        min_rows: combinations of fewer rows are never stored.
        owned: columns whose values count by persons: texts that the encoding does not tell are in no combination.
        seed: of the sample.
    """
    made = {rule.column for rule in across if adds_up(rule)}
    asked = _asked(program, table, encoding, made.union(keys), str(data.sparkSession.conf.get("spark.sql.session.timeZone", "UTC")))
    said = {status_column(m.key): program.foreign_keys[m.key].columns for m in program.matches if m.status and not m.forest}
    said = {name: columns for name, columns in said.items() if name in program.drawn and not set(columns) & set(table.pii_cols)}
    shared = tuple(rule.column for rule in across if isinstance(rule, Shared))
    asked = asked.model_copy(update={"steady": tuple(rule.column for rule in across), "shared": shared, "independent": independent})
    fixed = {*nested, *program.fallback, *asked.steady} - set(shared)
    absent = tuple(name for name in asked.targets if name in program.drawn and name not in fixed and encoding.column(name).has_null)
    asked = _with_absences(asked, absent, {name: ", ".join(columns) for name, columns in said.items()}, min_rows)
    data = data.withColumns({name: all_there(columns) for name, columns in said.items()}) if said else data
    if program.rows < MIN_SURPRISES or not asked.targets:
        return []
    rows = with_plain_times(data.select(*(F.col(quoted(name)) for name in asked.types)))
    found = yield from _candidates(data, asked, program.rows, seed)
    candidates = [c for c in found if not goes_round(c, across) and not _is_copied(c, program)]
    chosen = yield from _confirmed(rows, candidates, asked, (program.given - program.taken_over) | program.brought, program.rows, min_rows)
    chosen = [d for c in chosen if (d := told_only(c, encoding, owned) if isinstance(c, Lookup) else c) is not None]
    chosen = [d for d in chosen if not isinstance(d, Bands) or may_be_told(d, encoding, owned)]
    if chosen:
        log.info(DEPENDENCIES, table=program.table, found=[described(d, program.types) for d in chosen])
    return chosen


def _asked(program: TableProgram, table: Table, encoding: TableEncoding, referenced: Collection[str], zone: str) -> Asked:
    """Which columns can be derived, and from which. Generated keys say nothing, and matched ones mean nothing; what they bring stays as it is.

    What repeats the driving parent's row may follow from the own row, too: that holds in rows without a parent as well.
    """
    totals = {t.column for t in program.totals}  # set last: formulas that read them are evaluated again
    late = {name for m in program.matches for name in program.foreign_keys[m.key].columns}  # a key without a match turns null
    modelled = [name for name in encoding.names if not name.startswith(HIDDEN_PREFIX) and name not in late]
    replaced = {c for step in program.inherited for c in step.columns}
    drawn = {*program.drawn, *program.taken_over}
    fallback = set(program.fallback) - program.taken_over
    ordered_by = [program.draw.ordered_by] if program.draw.ordered_by else []
    keys = {*totals, *table.key_columns, *replaced, *referenced, *fallback, *program.distinct, *program.brought, *ordered_by}
    visible = [name for name in modelled if name not in table.pii_cols]
    watched = tuple(name for name in visible if name not in totals)
    apart = tuple(name for name in watched if not isinstance(encoding.column(name), TextEncoding))
    labels = [name for name in totals if program.types[name] in ("string", "boolean")]
    discrete = tuple(name for name in visible if name in (*watched, *labels) and _is_discrete(encoding, name))
    still = {*program.distinct, *ordered_by, *totals}
    whole = tuple(name for name in visible if name not in (*discrete, *still) and _is_whole(encoding, name))
    return Asked(
        types={name: program.types[name] for name in modelled},
        targets=tuple(name for name in visible if name in drawn and name not in keys),
        inputs=tuple(name for name in visible if is_formula_input(program.types[name])),
        discrete=discrete,
        whole=whole,
        watched=watched,
        valued=apart,
        ordered=tuple(name for name in visible if _is_comparable(encoding, name)),
        apart=apart,
        movable=tuple(name for name in apart if name in drawn and name not in _unmoved(program, keys) and not _is_distinct(encoding, name)),
        forms={name: form for name, form in _forms(encoding).items() if name in visible},
        bounded=tuple(name for name, limits in table.constraints.items() if limits.min is not None or limits.max is not None),
        digits={name: _digits(encoding, name) for name in modelled if program.types[name] in ("float", "double")},
        sizes={name: _size(encoding, name) for name in (*discrete, *whole)},
        zone=zone,
    )


def _is_copied(candidate: AnyDependency, program: TableProgram) -> bool:
    """Whether a lookup tells what repeats the driving parent's row: where its determinant is made up, it would tell another row's value."""
    return isinstance(candidate, Lookup) and candidate.target in program.taken_over


def _unmoved(program: TableProgram, keys: Collection[str]) -> set[str]:
    """Columns that must stay as they are: all keys but those of one column to reference tables, and what an earlier phase has drawn or matched."""
    single = {key.columns[0] for key in program.foreign_keys if len(key.columns) == 1}
    shared = {c for key in program.foreign_keys if len(key.columns) > 1 for c in key.columns}
    early = {c for phase in program.phases[:-1] for step in phase.steps for c in step.columns}
    return (set(keys) - single) | shared | early | program.brought | set(program.primary_key) | set(program.distinct)


def _with_absences(search: Asked, absent: tuple[str, ...], said: dict[str, str], min_rows: int) -> Asked:
    """The search for what columns are null with, too: `said` are the statuses of keys that are matched later, which say whether those are there."""
    beside = {"absent": absent, "said": said, "min_rows": min_rows, "watched": (*search.watched, *said), "valued": (*search.valued, *said)}
    return search.model_copy(update={"types": {**search.types, **dict.fromkeys(said, "boolean")}, **beside})


def _is_distinct(encoding: TableEncoding, name: str) -> bool:
    """Whether no value repeats: one that is drawn again could."""
    column = encoding.column(name)
    return isinstance(column, NumberEncoding) and column.distinct


def _is_discrete(encoding: TableEncoding, name: str) -> bool:
    """Whether all synthetic values of the column are real ones."""
    column = encoding.column(name)
    return isinstance(column, CategoryEncoding) or (isinstance(column, NumberEncoding) and (column.discrete or not column.bins))


def _is_whole(encoding: TableEncoding, name: str) -> bool:
    """Whether the column holds whole numbers or dates, which may repeat."""
    column = encoding.column(name)
    return isinstance(column, NumberEncoding) and not column.distinct and (column.spark_type == "date" or is_integer(column.spark_type))


def _size(encoding: TableEncoding, name: str) -> int:
    """About how many values the column has; of whole numbers more than any category."""
    column = encoding.column(name)
    if isinstance(column, CategoryEncoding):
        return len(column.values)
    return len(column.tokens) + len(column.knots) if isinstance(column, NumberEncoding) and _is_discrete(encoding, name) else 2**63 - 1


def _is_comparable(encoding: TableEncoding, name: str) -> bool:
    """Whether the column holds numbers, dates or times as such, all of them finite."""
    column = encoding.column(name)
    if not isinstance(column, NumberEncoding) or column.labels or set(column.tokens) & set(EVERY_MARK):
        return False
    return column.spark_type != "string" or is_date_form(column.form)


def _forms(encoding: TableEncoding) -> dict[str, str]:
    """Of dates and times in text or whole numbers."""
    return {c.name: c.form for c in encoding.columns if isinstance(c, NumberEncoding) and is_date_form(c.form) and not c.labels}


def _digits(encoding: TableEncoding, name: str) -> int | None:
    """Digits after the point of a float column's synthetic values; None where they are off any grid."""
    column = encoding.column(name)
    if not isinstance(column, NumberEncoding) or not column.step:
        return None
    digits = decimals_of(column.step, column.origin)
    return digits if digits <= MAX_DIGITS else None


def _candidates(data: DataFrame, search: Asked, count: int, seed: int) -> Search[list[AnyDependency]]:
    """Those of a sample of rows; and by columns of many values, those of a sample in which such values repeat."""
    share = row_share(data, count, SAMPLE_ROWS)
    ordered = data.withColumn(ORDER, row_hash(data, seed))
    sampled = ordered
    if share < 1:
        sampled = sampled.where(F.pmod(F.col(ORDER), F.lit(HASH_RANGE)) < int(share * HASH_RANGE))
    elif count > SAMPLE_ROWS:
        sampled = sampled.orderBy(ORDER).limit(SAMPLE_ROWS)  # few different rows: any of them will do
    columns = [F.col(quoted(name)) for name in search.types]
    one = _numbered(with_plain_times(sampled.select(*columns, ORDER))).repartition(1)
    lines = yield one.mapInArrow(partial(find_in_batches, search=search), "found string, many string")
    found = [candidate for line in lines for candidate in CANDIDATES.validate_json(line.found)]
    many = {name: values for line in lines for name, values in json.loads(line.many).items()}
    if not many:
        return found
    explained = frozenset(c.target for c in found if not isinstance(c, Lookup | Order | Calendar | Absence))
    kernel = partial(find_many_in_batches, search=search, determinants=tuple(many), explained=explained)
    families = _numbered(with_plain_times(_families(ordered.select(*columns, ORDER), many, count, seed))).repartition(1)
    lines = yield families.mapInArrow(kernel, "found string")
    return found + [c for line in lines for c in CANDIDATES.validate_json(line.found)]


def _families(ordered: DataFrame, many: Mapping[str, float], count: int, seed: int) -> DataFrame:
    """For each of the columns `many`, about `FAMILY_ROWS` rows that share its values: at most `ROWS_PER_VALUE` of each, so that common ones leave room.

    One shuffle, of the rows of the values that are looked at.
    """
    members = []
    for i, (name, values) in enumerate(many.items()):
        of_values = min(1.0, max(FAMILY_VALUES / values, FAMILY_ROWS / count))
        of_rows = min(1.0, FAMILY_ROWS / (count * of_values))
        value = F.xxhash64(F.lit(seed), F.lit(i), F.col(quoted(name)))
        looked = (F.pmod(value, F.lit(HASH_RANGE)) < int(of_values * HASH_RANGE)) & (F.pmod(F.col(ORDER), F.lit(HASH_RANGE)) < int(of_rows * HASH_RANGE))
        members.append(F.when(F.col(quoted(name)).isNotNull() & looked, F.struct(F.lit(i).alias("family"), value.alias("value"))))
    member, place = hidden("member"), hidden("place")
    rows = ordered.withColumn(member, F.explode(F.array_compact(F.array(*members))))
    alike = Window.partitionBy(F.col(member)["family"], F.col(member)["value"]).orderBy(ORDER)
    kept = rows.withColumn(place, F.row_number().over(alike)).where(F.col(place) <= ROWS_PER_VALUE)
    return kept.withColumn(FAMILY, F.col(member)["family"]).drop(member, place)


def _numbered(data: DataFrame) -> DataFrame:
    """Columns by number: `mapInArrow` looks them up by name, and takes a dot in one for a field of a struct."""
    return data.toDF(*(f"c{i}" for i in range(len(data.columns))))


def _confirmed(
    rows: DataFrame, candidates: Sequence[AnyDependency], search: Asked, known: Collection[str], count: int, min_rows: int
) -> Search[list[AnyDependency]]:
    """The chosen candidates, each with what was counted on all rows."""
    left, counted = [c for c in candidates if not is_bound(c)], {}
    bounds = [c for c in candidates if is_bound(c)]
    for _ in range(ROUNDS):
        chosen = choose(left, known, search.types, search.sizes)
        new = [c for c in (*chosen, *bounds) if id(c) not in counted]
        if not new:
            break
        results = yield from _count(rows, new, search, count, min_rows)
        for candidate, found in zip(new, results, strict=True):
            counted[id(candidate)] = found
        left = [c for c in left if counted.get(id(c), c) is not None]
    held = [c for c in left if counted.get(id(c)) is not None]  # what was never counted must not take the place of what holds
    exact = [found for c in choose(held, known, search.types, search.sizes) if (found := counted[id(c)]) is not None]
    exact = _with_combinations(rows, exact, search, min_rows)
    also = [counted[id(c)] for c in bounds]
    whole = with_orders(exact, [d for d in also if isinstance(d, Order)], search)
    whole = with_calendars(whole, [d for d in also if isinstance(d, Calendar)])
    whole = with_unequal(whole, [d for d in also if isinstance(d, Unequal)], search)
    return with_absences(whole, [d for d in also if isinstance(d, Absence)], search)


def _count(rows: DataFrame, candidates: Sequence[AnyDependency], search: Asked, count: int, min_rows: int) -> Search[list[AnyDependency | None]]:
    """What holds of the candidates on all rows, None for the others: one pass over the table for the formulas, one for the lookups."""
    formulas, lookups = [c for c in candidates if not isinstance(c, Lookup)], [c for c in candidates if isinstance(c, Lookup)]
    measures = yield from _summed(_lines(rows, formulas, search))
    facts = yield from _summed(_combinations(rows, lookups, search, min_rows, entries=False))
    found: dict[int, AnyDependency | None] = {}
    for i, formula in enumerate(formulas):
        found[id(formula)] = _unless_open(confirmed(formula, measures[i]), measures[i]["loose"], search, count)
    for i, lookup in enumerate(lookups):
        held = confirmed_lookup(lookup, facts[i], rows=count, max_pairs=search.max_pairs, max_values=search.max_values)
        found[id(lookup)] = _unless_open(held, facts[i]["gaps loose" if held and held.gaps else "loose"], search, count)
    return [found[id(c)] for c in candidates]


def _unless_open(dependency: AnyDependency | None, rows_open: int, search: Asked, count: int) -> AnyDependency | None:
    """The dependency, unless it leaves more rows to the row model than that can draw without bending the target's distribution."""
    return None if search.independent and rows_open > MOST_LEFT_OPEN * count else dependency


def _lines(rows: DataFrame, candidates: Sequence[AnyDependency], search: Asked) -> DataFrame | None:
    """Counts of each candidate as `count_batches` gives them, not yet summed; None without candidates."""
    if not candidates:
        return None
    names = tuple(dict.fromkeys(n for c in candidates for n in (c.target, *c.determinants)))
    kernel = partial(count_batches, names=names, candidates=tuple(candidates), types=search.types)
    return _numbered(rows.select(*(F.col(quoted(n)) for n in names))).mapInArrow(kernel, _LINES)


def _combinations(rows: DataFrame, lookups: Sequence[Lookup], search: Asked, min_rows: int, *, entries: bool) -> DataFrame | None:
    """What `summed_keys` says of the lookups: one shuffle, of the combinations with their values; no task holds them."""
    lines = _lines(rows, lookups, search)
    if lines is None:
        return None
    key = ("candidate", "first", "second")
    summed = lines.repartition(*key).groupBy(*key, "value").agg(F.sum("n").alias("n")).sortWithinPartitions(*key, "value")
    kernel = partial(summed_keys, candidates=tuple(lookups), min_rows=min_rows, entries=entries)
    return summed.mapInArrow(kernel, _ENTRIES if entries else _FACTS)


def _summed(lines: DataFrame | None) -> Search[dict[int, Counter[str]]]:
    """The sums of measures, by candidate; of those that have values the largest."""
    found: dict[int, Counter[str]] = defaultdict(Counter)
    if lines is not None:
        sums = lines.groupBy("candidate", "measure", "value").agg(F.sum("n").alias("n")).groupBy("candidate", "measure").agg(F.max("n").alias("n"))
        for line in (yield sums):
            found[line.candidate][line.measure] = line.n
    return found


def _with_combinations(rows: DataFrame, chosen: Sequence[AnyDependency], search: Asked, min_rows: int) -> list[AnyDependency]:
    """`chosen`, the lookups with the combinations that are stored: the smallest, as far as they are not too many together."""
    lookups = sorted((d for d in chosen if isinstance(d, Lookup)), key=lambda d: d.combinations)
    kept = [d for d, upto in zip(lookups, accumulate(d.combinations for d in lookups), strict=True) if upto <= MAX_STORED]
    found = _combinations(rows, kept, search, min_rows, entries=True)
    entries = None if found is None else found.toArrow()
    whole: dict[int, AnyDependency | None] = dict.fromkeys((id(d) for d in lookups), None)
    for i, lookup in enumerate(kept):
        if entries is not None:
            whole[id(lookup)] = with_combinations(lookup, entries.filter(pc.equal(entries.column("candidate"), i)), search.types)
    return [d for c in chosen if (d := whole.get(id(c), c)) is not None]
