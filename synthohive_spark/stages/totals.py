"""Totals: find which columns of parents follow from their children, and set them when the synthetic children are there.

Finding takes whole families of about `SAMPLE_PARENTS` parents per key: one grouping of their rows, and one Spark job for each `FRAMES_PER_JOB` keys. Setting
takes one grouping of the child table and one join per key that has totals.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from itertools import combinations
from operator import mul

import numpy as np
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from ..kernels.columns.types import decimal_scale, is_integer
from ..kernels.dependencies.derive import derived_again
from ..kernels.dependencies.find_totals import find_totals
from ..kernels.dependencies.formulas import Formula, is_clock
from ..kernels.dependencies.sample import MIN_SURPRISES
from ..spec.dependencies import Absence, Calendar, Lookup, Order, Unequal
from ..spec.fitted import FittedTable
from ..spec.hidden import hidden
from ..spec.identifiers import quoted
from ..spec.metadata import ForeignKey, Metadata
from ..spec.planning.view import unique_keys
from ..spec.program import TableProgram
from ..spec.steps import NumberKey
from ..spec.totals import Total
from ..spec.types import decimal_digits, type_family
from .frames import all_there, plain_value
from .jobs import FRAMES_PER_JOB, batches, union_all
from .profile import plain_number

SAMPLE_PARENTS = 4_000  # 99.5 % of so many is told from 99 %
MOST_COLUMNS = 24  # of either side that are looked at
MOST_FACTORS = 8  # columns of a child whose products are summed up: their number grows with the square
MOST_LABELS = 8  # texts and booleans of either side
MOST_ENDS = 8  # columns of a child whose first and last values are looked at, in two orders of its rows
HASH_RANGE = 1_000_000_000
TEXTS = 2**31 - 1  # numbers that texts are told apart by
MOST_DIGITS = 38  # of Spark's decimals
WHOLE_DIGITS = 6  # before the point, that a factor of a product keeps at least


@dataclass(frozen=True)
class _Family:
    """A parent and a child table along one key.

    Attributes:
        columns: of the parent, that could be totals.
        aggregates: what they could be, in the order in which to prefer them.
    """

    parent: TableProgram
    child: TableProgram
    key: int
    columns: tuple[str, ...]
    aggregates: tuple[Total, ...]

    @property
    def foreign_key(self) -> ForeignKey:
        return self.child.foreign_keys[self.key]


def find_schema_totals(
    metadata: Metadata, programs: Mapping[str, TableProgram], data: Mapping[str, DataFrame], wanted: Collection[str]
) -> dict[str, tuple[Total, ...]]:
    """The totals of each parent that is wanted; none wait for one another in a circle."""
    families = [f for child in programs.values() for f in _families(metadata, programs, child) if f.parent.table in wanted]
    found: dict[str, dict[str, Total]] = defaultdict(dict)
    for batch in batches(list(enumerate(families)), FRAMES_PER_JOB):
        table = union_all([_sampled(place, family, data) for place, family in batch]).toArrow()
        places = table.column("place").to_numpy()
        for place, family in batch:
            own = table.filter(places == place)
            if not own.num_rows:
                continue
            values, aggregates = (np.array(own.column(name).to_pylist(), dtype=np.float64).reshape(own.num_rows, -1) for name in ("values", "aggregates"))
            for total in _found(family, values, aggregates):
                if total.column not in found[family.parent.table] and not _begins_others(total, family, programs):
                    found[family.parent.table][total.column] = total
    return _without_circles({name: tuple(totals.values()) for name, totals in found.items() if totals})


def _begins_others(total: Total, family: _Family, programs: Mapping[str, TableProgram]) -> bool:
    """Whether rows of another table count from the column, too: set by this table's rows, when all are there, it would be nowhere near theirs."""
    others = [p for p in programs.values() if p.driver is not None and p.driver.parent_table == family.parent.table and p.table != family.child.table]
    return total.column in {p.draw.since[0] for p in others if p.draw.since}


def _families(metadata: Metadata, programs: Mapping[str, TableProgram], child: TableProgram) -> Iterator[_Family]:
    for index, key in enumerate(child.foreign_keys):
        parent = programs.get(key.parent_table)
        columns = () if parent is None else _columns(metadata, parent)
        if parent is not None and columns:
            yield _Family(parent, child, index, columns, _aggregates(metadata, child, index))


def _columns(metadata: Metadata, program: TableProgram) -> tuple[str, ...]:
    """Numbers, dates, times, texts and booleans that a row model draws, and nothing holds fast."""
    held = {*program.distinct, *_repeated(program), *([program.draw.ordered_by] if program.draw.ordered_by else [])}
    measures, labels = ([c for c in names if c in program.drawn and c not in held] for names in (_measures(metadata, program), _labels(metadata, program)))
    return (*measures[:MOST_COLUMNS], *labels[:MOST_LABELS])


def _measures(metadata: Metadata, program: TableProgram) -> list[str]:
    """Numbers, dates and times that are no keys and not private."""
    return [c for c, kind in _open(metadata, program) if type_family(kind) in ("integer", "float", "decimal") or is_clock(kind)]


def _labels(metadata: Metadata, program: TableProgram) -> list[str]:
    """Texts and booleans that are no keys and not private."""
    return [c for c, kind in _open(metadata, program) if kind in ("string", "boolean")]


def _open(metadata: Metadata, program: TableProgram) -> list[tuple[str, str]]:
    table = metadata.tables[program.table]
    closed = {c for key in program.foreign_keys for c in key.columns} | {c for key in unique_keys(metadata, program.table) for c in key} | set(table.pii_cols)
    return [(c, kind) for c, kind, _ in program.shown if c not in closed]


def _repeated(program: TableProgram) -> set[str]:
    """Columns that repeat a parent's row."""
    return {c for step in program.inherited for c in step.columns} | program.taken_over | {c for m in program.matches for c in m.brought}


def _aggregates(metadata: Metadata, child: TableProgram, key: int) -> tuple[Total, ...]:
    # What always repeats this parent's row says nothing; what does in some rows only may do so because it is the greatest of the family.
    always = {*(child.taken_over if key == child.driving else ()), *(c for m in child.matches if m.key == key for c in m.brought)}
    measures = [c for c in _measures(metadata, child) if c not in always][:MOST_COLUMNS]
    labels = [c for c in _labels(metadata, child) if c not in always][:MOST_LABELS]
    flags = [c for c in labels if child.types[c] == "boolean"]
    numbers = [c for c in measures if not is_clock(child.types[c])]
    total = partial(Total, column="", child=child.table, key=key)
    return (
        total(what="rows"),
        *(total(what=what, of=(c,)) for what in ("sum", "mean") for c in (*numbers, *flags)),
        *(total(what=what, of=(c,)) for what in ("greatest", "least") for c in (*measures, *flags)),
        *(total(what="sum", of=pair) for pair in combinations(numbers[:MOST_FACTORS], 2)),
        *(
            total(what=what, of=(c,), by=by)
            for by in _orders(child, always)
            for c in (*measures[:MOST_ENDS], *labels)
            if c not in by
            for what in ("last", "first")
        ),
    )


def _orders(child: TableProgram, always: Collection[str]) -> list[tuple[str, ...]]:
    """By what the rows of a family can be sorted: the number of the row, and a time before it."""
    numbers = [s.column for s in child.of_kind(NumberKey) if isinstance(s, NumberKey) and s.pattern.form == "integer"][:1]
    times = [c for c in (child.draw.ordered_by, *(c for c, kind, _ in child.columns if is_clock(kind))) if c and c not in always][:1]
    return [*([(times[0], *numbers)] if times else []), *([tuple(numbers)] if numbers else [])]


def _sampled(place: int, family: _Family, data: Mapping[str, DataFrame]) -> DataFrame:
    """`place`, and for each of some parents its `values` and `aggregates`, as floats; nulls are nan."""
    key, parent, child = family.foreign_key, family.parent, family.child
    links = [hidden(f"link_{i}") for i in range(len(key.columns))]

    def keyed(program: TableProgram, columns: Sequence[str]) -> DataFrame:
        # Both sides are cut by the hash of the key: whole families stay.
        rows = data[program.table].where(all_there(columns))
        rows = rows.withColumns({link: plain_value(c, program.types[c]) for link, c in zip(links, columns, strict=True)})
        share = min(1.0, SAMPLE_PARENTS / max(parent.rows, 1))
        return rows.where(F.pmod(F.xxhash64(*links), F.lit(HASH_RANGE)) < int(HASH_RANGE * share))

    names = [hidden(f"total_{i}") for i in range(len(family.aggregates))]
    found = [_as_float(aggregate_of(t, child.types), t, child.types).alias(n) for t, n in zip(family.aggregates, names, strict=True)]
    totals = keyed(child, key.columns).groupBy(*links).agg(*found)
    parents = keyed(parent, key.parent_columns)
    values = F.array(*(F.coalesce(_number(F.col(quoted(c)), parent.types[c]), F.lit(math.nan)) for c in family.columns))
    joined = parents.select(*links, values.alias("values")).join(totals, links, "left")
    return joined.select(F.lit(place).alias("place"), "values", F.array(*(F.coalesce(F.col(n), F.lit(math.nan)) for n in names)).alias("aggregates"))


def aggregate_of(total: Total, types: Mapping[str, str]) -> Column:
    """The total over a group of rows, exact where the columns are."""
    if total.what == "rows":
        return F.count(F.lit(1))
    cells = [F.col(quoted(c)) for c in total.of]
    if total.by:
        return (F.max_by if total.what == "last" else F.min_by)(cells[0], F.struct(*(F.col(quoted(c)) for c in total.by)))
    if total.what not in ("sum", "mean"):
        return (F.max if total.what == "greatest" else F.min)(cells[0])
    if types[total.of[0]] == "boolean" or total.what == "mean":
        numbers = cells[0].cast("int") if types[total.of[0]] == "boolean" else cells[0]
        return F.sum(numbers) if total.what == "sum" else F.try_avg(numbers)
    if any(types[c] in ("float", "double") for c in total.of):
        return F.sum(reduce(mul, (cell.cast("double") for cell in cells)))
    return F.try_sum(reduce(mul, (cell.try_cast(kind) for cell, kind in zip(cells, _factor_types([types[c] for c in total.of]), strict=True))))


def _factor_types(types: Sequence[str]) -> list[str]:
    """Types in which columns multiply without loss: Spark cuts digits after the point where a product could have more than 38 in all.

    Decimals of more digits share those that are left; a value that needs more of them is null.
    """
    sizes = [(19, 0) if is_integer(kind) else decimal_digits(kind) or (38, 0) for kind in types]
    room = MOST_DIGITS - (len(sizes) - 1)
    if len(sizes) > 1 and sum(precision for precision, _ in sizes) > room:
        fair = room // len(sizes)
        wide = [precision > fair for precision, _ in sizes]
        share = (room - sum(p for (p, _), is_wide in zip(sizes, wide, strict=True) if not is_wide)) // sum(wide)
        sizes = [(share, min(scale, share - WHOLE_DIGITS)) if is_wide else (p, scale) for (p, scale), is_wide in zip(sizes, wide, strict=True)]
    return [f"decimal({precision},{scale})" for precision, scale in sizes]


def _as_float(value: Column, total: Total, types: Mapping[str, str]) -> Column:
    return value.cast("double") if _of_numbers(total) else _number(value, types[total.of[0]])


def _of_numbers(total: Total) -> bool:
    """Whether the total is a number, whatever the type of the column that it is of."""
    return total.what in ("rows", "sum", "mean")


def _number(cell: Column, kind: str) -> Column:
    """A float that a value is told from others by."""
    text = F.when(cell.isNotNull(), F.pmod(F.xxhash64(cell), F.lit(TEXTS)))  # the hash of null is none
    return (text if kind == "string" else plain_number(cell, kind)).cast("double")


def _kind(kind: str) -> str:
    """What values of the type can be equal to."""
    return "clock" if is_clock(kind) else kind if kind in ("string", "boolean") else "number"


def _found(family: _Family, values: np.ndarray, aggregates: np.ndarray) -> Iterator[Total]:
    types = family.parent.types
    digits = [None if type_family(types[c]) == "float" else decimal_scale(types[c]) or 0 for c in family.columns]
    rows = np.nan_to_num(aggregates[:, 0]).astype(np.int64)
    kinds = ["number" if _of_numbers(t) else _kind(family.child.types[t.of[0]]) for t in family.aggregates]
    for kind in ("number", "clock", "boolean", "string"):
        mine = [i for i, c in enumerate(family.columns) if _kind(types[c]) == kind]
        theirs = [i for i, k in enumerate(kinds) if k == kind and not (kind == "string" and _repeats(family, aggregates, i))]
        sums, counts, means = ([family.aggregates[i].what == what for i in theirs] for what in ("sum", "rows", "mean"))
        of = values[:, mine], aggregates[:, theirs]
        for found in find_totals(*of, rows, sums, [digits[i] for i in mine], counts, means, labels=kind == "string"):
            column, total = family.columns[mine[found.column]], family.aggregates[theirs[found.aggregate]]
            if kind != "clock" or types[column] == family.child.types[total.of[0]]:
                yield total.model_copy(update={"column": column, "digits": found.digits, "empty": found.empty, "share": found.share})


def _repeats(family: _Family, aggregates: np.ndarray, place: int) -> bool:
    """Whether the first and the last text of the rows of a parent are the same, so that they may as well repeat the parent's."""
    total = family.aggregates[place]
    others = [i for i, t in enumerate(family.aggregates) if t.of == total.of and t.by == total.by and t.what in ("first", "last")]
    texts = np.nan_to_num(aggregates[:, others], nan=-1.0)
    return int((texts != texts[:, :1]).any(axis=1).sum()) < MIN_SURPRISES


def _without_circles(totals: Mapping[str, tuple[Total, ...]]) -> dict[str, tuple[Total, ...]]:
    """Totals whose tables wait for one another could never be set: the later ones are left out."""
    waits: dict[str, set[str]] = defaultdict(set)
    kept: dict[str, tuple[Total, ...]] = {}
    for parent, found in totals.items():
        for total in found:
            if total.child == parent or not _leads(waits, total.child, parent):
                waits[parent].add(total.child)
                kept[parent] = (*kept.get(parent, ()), total)
    return kept


def _leads(waits: Mapping[str, set[str]], start: str, end: str) -> bool:
    waiting, seen = [start], {start}
    while waiting:
        for name in waits.get(waiting.pop(), set()) - seen:
            if name == end:
                return True
            seen.add(name)
            waiting.append(name)
    return False


def with_totals(rows: DataFrame, fitted: FittedTable, children: Mapping[str, FittedTable], frames: Mapping[str, DataFrame]) -> DataFrame:
    """`rows` with their totals, and with what follows from those by formulas.

    Args:
        children: the tables that are summed up, and `frames` their rows.
    """
    program = fitted.program
    by_key: dict[tuple[str, int], list[Total]] = defaultdict(list)
    for total in program.totals:
        by_key[total.child, total.key].append(total)
    again = _follows(fitted)
    orders = [d for d in again if isinstance(d, Order)]
    drawn = {t.column: hidden(f"drawn_{t.column}") for t in program.totals if any(t.column in d.determinants for d in orders)}
    whole = rows.columns
    rows = rows.withColumns({old: F.col(quoted(name)) for name, old in drawn.items()}) if drawn else rows
    for (child, index), totals in by_key.items():
        rows = _with_totals_along(rows, program, children[child].program, index, totals, frames[child])
    if not again:
        return rows
    names = rows.columns
    numbered = rows.toDF(*(f"c{i}" for i in range(len(names))))  # `mapInArrow` takes a dot in a name for a field of a struct
    encoding = fitted.encoding.select(tuple(d.target for d in orders))
    kernel = partial(derived_again, names=tuple(names), dependencies=again, types=program.types, encoding=encoding, drawn=drawn)
    return numbered.mapInArrow(kernel, numbered.schema).toDF(*names).select(*(F.col(quoted(name)) for name in whole))


def _with_totals_along(rows: DataFrame, parent: TableProgram, child: TableProgram, index: int, totals: Sequence[Total], children: DataFrame) -> DataFrame:
    key = child.foreign_keys[index]
    links, names = ([hidden(f"{word}_{i}") for i in range(n)] for word, n in (("link", len(key.columns)), ("total", len(totals))))
    found = [_rounded(aggregate_of(t, child.types), t).try_cast(parent.types[t.column]).alias(n) for t, n in zip(totals, names, strict=True)]
    summed = children.where(all_there(key.columns)).groupBy(*(plain_value(c, child.types[c]).alias(link) for c, link in zip(key.columns, links, strict=True)))
    there = summed.agg(*found, F.lit(True).alias(hidden("there")))
    on = [plain_value(p, parent.types[p]) == F.col(link) for p, link in zip(key.parent_columns, links, strict=True)]
    joined = rows.join(there, on, "left")
    values = {t.column: F.when(F.col(hidden("there")), F.col(n)).otherwise(_without_rows(t, parent)) for t, n in zip(totals, names, strict=True)}
    return joined.withColumns(values).drop(*links, *names, hidden("there"))


def _rounded(value: Column, total: Total) -> Column:
    return value if total.what not in ("sum", "mean") or total.digits is None else F.round(value, total.digits)


def _without_rows(total: Total, parent: TableProgram) -> Column:
    kind = parent.types[total.column]
    return F.col(quoted(total.column)) if total.empty == "drawn" else F.lit(0 if total.empty == "zero" else None).cast(kind)


def _follows(fitted: FittedTable) -> tuple[Formula | Order | Lookup, ...]:
    """The dependencies to evaluate again: those that read a total, over any number of steps."""
    changed = {t.column for t in fitted.program.totals}
    again: list[Formula | Order | Lookup] = []
    for dependency in fitted.program.dependencies:
        if not isinstance(dependency, Unequal | Calendar | Absence) and changed & set(dependency.determinants):
            again.append(dependency)
            changed.add(dependency.target)
    return tuple(again)
