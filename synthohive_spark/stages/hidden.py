"""The real rows with the hidden columns that a row model learns: places among siblings, whether keys are there, and numbers of children."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import reduce
from operator import add, and_
from types import MappingProxyType

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from ..kernels.dependencies.formulas import is_clock
from ..spec.date_forms import MICROS_PER_DAY, has_time, step_micros
from ..spec.dependencies import Order
from ..spec.hidden import GAP, POSITION, SIBLINGS, count_column, depth_column, hidden, status_column
from ..spec.identifiers import quoted
from ..spec.metadata import ForeignKey
from ..spec.program import Match, TableProgram, Trait
from ..spec.steps import Inherit
from ..spec.types import type_family
from .date_forms import number_of_form
from .forest import with_depths
from .frames import all_there
from .jobs import union_all
from .profile import plain_number

START = hidden("start")  # of the driving parent
LABEL_NUMBERS = 4096  # two of 200 labels share a number once or a few times


def with_hidden(
    data: Mapping[str, DataFrame], program: TableProgram, programs: Mapping[str, TableProgram], depths: Mapping[int, DataFrame] = MappingProxyType({})
) -> DataFrame:
    """The rows of `program`'s table; the children of all tables are counted in one grouping and joined at once for each key that they point at.

    Rows that know their places are sorted within their families: one shuffle.

    Args:
        depths: what `real_depths` gave, by key.
    """
    rows = data[program.table]
    if program.has_siblings:
        rows = _with_places(_with_start(rows, data, program), program)
    for match in program.matches:
        if match.status:
            rows = rows.withColumn(status_column(match.key), all_there(program.foreign_keys[match.key].columns))
        if match.forest:
            rows = with_depths(rows, program.foreign_keys[match.key], depth_column(match.key), depths[match.key])
        if match.traits:
            rows = _with_traits(rows, data, program, match)
    if program.inherited and program.driver is not None:
        rows = _with_repeats(rows, data[program.driver.parent_table], program.driver, program.inherited)
    counted: dict[tuple[str, ...], dict[str, DataFrame]] = defaultdict(dict)
    for child, other in programs.items():
        for index, key in enumerate(other.foreign_keys):
            name = count_column(child, index)
            if key.parent_table == program.table and name in program.drawn:
                # In one order of the parent's columns, whatever the order in which the key names them.
                order = tuple(sorted(key.parent_columns))
                counted[order][name] = _keys_of(data[child], key, order)
    for columns, children in counted.items():
        rows = _with_children_counted(rows, columns, children)
    return with_distances(rows, program)


def with_distances(rows: DataFrame, program: TableProgram) -> DataFrame:
    """`rows` with the hidden distances of columns from those that they are drawn from; 0 in rows that are out of order."""
    added = {d.distance: _distance(d, program.types) for d in program.dependencies if isinstance(d, Order) and d.distance is not None}
    return rows.withColumns(added) if added else rows  # Spark Connect takes no empty mapping


def _distance(order: Order, types: Mapping[str, str]) -> Column:
    target, base = (_compared(order, name, types) for name in (order.target, order.base or ""))
    between = target - base if order.unit == "float" else F.try_subtract(target, base)
    far = F.greatest(between if order.above else -between, F.lit(0).cast(distance_type(order)))
    return F.when(between.isNotNull(), far)  # `greatest` passes over nulls


def _compared(order: Order, name: str, types: Mapping[str, str]) -> Column:
    """The column in the units of `kernels/dependencies/orders.py`."""
    cell, spark_type = F.col(quoted(name)), types[name]
    if name in order.forms:
        form = order.forms[name]
        return number_of_form(cell, form) * F.lit(1 if has_time(form) else MICROS_PER_DAY)
    if order.unit == "clock":
        return plain_number(cell.cast("timestamp_ntz"), "timestamp_ntz")
    if order.unit == "float":
        return cell.cast("double")
    if is_clock(spark_type):
        return plain_number(cell, spark_type).cast("bigint")
    return F.round(cell * 10**order.digits).try_cast("bigint") if order.digits else cell.try_cast("bigint")


def distance_type(order: Order) -> str:
    """The Spark type of its hidden column."""
    return "double" if order.unit == "float" else "bigint"


def _with_places(rows: DataFrame, program: TableProgram) -> DataFrame:
    """With `POSITION`, `SIBLINGS`, and where it is drawn `GAP`.

    Rows that are alike in the column of the order stand in the order of their labels: each then tells what the next cannot be, where in any order all rows
    before it would have to be remembered. What is alike in these too stands in the order of the hashes.
    """
    key = program.driver.columns if program.driver else ()
    order, whole = program.draw.ordered_by, F.xxhash64(*(F.col(quoted(c)) for c in rows.columns if c != START))
    parts = [*(F.col(quoted(c)) for c in key), F.when(~all_there(key), whole)]
    labels = [c for c in program.drawn if program.types.get(c) in ("string", "boolean")]
    value = None if order is None else _place_in_order(order, program)
    sorting = [*([] if value is None else [value, *(F.col(quoted(c)) for c in labels)]), whole]
    sorting = [*(by.asc_nulls_last() for by in sorting[:-1]), whole]
    family = Window.partitionBy(*parts)
    added = {POSITION: F.row_number().over(family.orderBy(*sorting)).cast("bigint") - 1, SIBLINGS: F.count(F.lit(1)).over(family)}
    if order and value is not None and program.draw.stepwise:
        # Of text nobody knows yet whether it holds dates.
        unknown = type_family(program.types[order]) == "text" and not program.draw.form
        before = F.lag(value).over(family.orderBy(*sorting))
        before = F.coalesce(before, F.col(START)) if START in rows.columns else before
        added[GAP] = F.lit(None).cast("bigint") if unknown else F.try_subtract(value, before)
    return rows.withColumns(added).drop(START)


def _with_start(rows: DataFrame, data: Mapping[str, DataFrame], program: TableProgram) -> DataFrame:
    """`rows` with the time of their parent that none of them is before, in the units of the column that orders them."""
    key, since = program.driver, program.draw.since
    if key is None or since is None or program.draw.ordered_by is None or key.parent_table not in data:
        return rows
    links = [hidden(f"key_{i}") for i in range(len(key.columns))]
    name, kind, grain = since
    micros = plain_number(F.col(quoted(name)), kind).cast("bigint") * F.lit(step_micros(kind))
    grains = F.floor(micros / F.lit(grain)) if grain > 1 else micros  # a double counts days, but not all microseconds
    start = (grains * F.lit(grain // step_micros(program.types[program.draw.ordered_by]))).cast("bigint")
    above = data[key.parent_table].select(*(F.col(quoted(p)).alias(link) for p, link in zip(key.parent_columns, links, strict=True)), start.alias(START))
    above = above.where(all_there(links)).dropDuplicates(links)
    return rows.join(above, [F.col(quoted(c)) == F.col(link) for c, link in zip(key.columns, links, strict=True)], "left").drop(*links)


def _place_in_order(column: str, program: TableProgram) -> Column:
    """The column that orders siblings as a number; text that holds no dates as it is."""
    cell = F.col(quoted(column))
    return number_of_form(cell, program.draw.form) if program.draw.form else plain_number(cell, program.types[column])


def _with_repeats(rows: DataFrame, parents: DataFrame, key: ForeignKey, inherited: Sequence[Inherit]) -> DataFrame:
    """`rows` with the hidden columns that say which of them repeat values of their parent."""
    links = [hidden(f"key_{i}") for i in range(len(key.columns))]
    theirs = dict.fromkeys(p for step in inherited for p in step.parent_columns)
    names = {p: hidden(f"theirs_{i}") for i, p in enumerate(theirs)}
    above = parents.select(
        *(F.col(quoted(p)).alias(link) for p, link in zip(key.parent_columns, links, strict=True)), *(F.col(quoted(p)).alias(n) for p, n in names.items())
    )
    joined = rows.join(above, [F.col(quoted(c)) == F.col(link) for c, link in zip(key.columns, links, strict=True)], "left")
    same: dict[str, Column] = {}
    for step in inherited:
        equal = [F.col(quoted(c)).eqNullSafe(F.col(names[p])) for c, p in zip(step.columns, step.parent_columns, strict=True)]
        before = [same[other.status] for other in inherited if other.columns == step.columns and other.status in same]  # one of them is enough
        same[step.status] = reduce(and_, [*equal, *(~found for found in before)], F.col(links[0]).isNotNull())
    return joined.withColumns(same).drop(*links, *names.values())


def _with_traits(rows: DataFrame, data: Mapping[str, DataFrame], program: TableProgram, match: Match) -> DataFrame:
    """`rows` with the traits of the row that a key leads to; null where there is none."""
    key = program.foreign_keys[match.key]
    links = [hidden(f"key_{i}") for i in range(len(key.columns))]
    above = (
        data[key.parent_table]
        .where(all_there(key.parent_columns))
        .select(
            *(F.col(quoted(p)).alias(link) for p, link in zip(key.parent_columns, links, strict=True)), *(trait_group(t).alias(t.name) for t in match.traits)
        )
    )
    return rows.join(above, [F.col(quoted(c)) == F.col(link) for c, link in zip(key.columns, links, strict=True)], "left").drop(*links)


def trait_group(trait: Trait) -> Column:
    """The group of a parent's row: how many edges its number has reached; for a label, one of `LABEL_NUMBERS` by which it cannot be told."""
    value = F.col(quoted(trait.column))
    if trait.edges is None:
        return F.when(value.isNotNull(), F.pmod(F.xxhash64(value.cast("string")), F.lit(LABEL_NUMBERS)))
    number = plain_number(value, trait.spark_type).cast("double")
    reached = reduce(add, ((number >= F.lit(edge)).cast("bigint") for edge in trait.edges), F.lit(0).cast("bigint"))
    return F.when(number.isNotNull(), reached)


def family_hash(program: TableProgram, seed: int) -> Column:
    """Of the driving parent's key; of the whole row where that is null."""
    key = program.driver.columns if program.driver else ()
    own = F.xxhash64(F.lit(seed), *(F.col(quoted(c)) for c in program.shown_names))
    return F.when(all_there(key), F.xxhash64(F.lit(seed), *(F.col(quoted(c)) for c in key))).otherwise(own)


def _keys_of(children: DataFrame, key: ForeignKey, order: Sequence[str]) -> DataFrame:
    own = dict(zip(key.parent_columns, key.columns, strict=True))
    return children.where(all_there(key.columns)).select(*(F.col(quoted(own[p])).alias(hidden(f"key_{i}")) for i, p in enumerate(order)))


def _with_children_counted(parents: DataFrame, columns: Sequence[str], children: Mapping[str, DataFrame]) -> DataFrame:
    """`parents` with a column for each of `children`: how many rows of it point at theirs."""
    keys = [hidden(f"key_{i}") for i in range(len(columns))]
    every = union_all([frame.select(*keys, F.lit(i).alias(hidden("child"))) for i, frame in enumerate(children.values())])
    counts = every.groupBy(*keys).agg(*(F.count_if(F.col(hidden("child")) == i).alias(name) for i, name in enumerate(children)))
    on = [F.col(quoted(c)) == F.col(k) for c, k in zip(columns, keys, strict=True)]
    joined = parents.join(counts, on, "left").drop(*keys)
    return joined.withColumns({name: F.coalesce(name, F.lit(0)) for name in children})
