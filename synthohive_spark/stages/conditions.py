"""Conditions of `sample`: checked against what was fitted, all faults at once, before anything is written."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.errors import PySparkException
from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F

from ..errors import GenerationError
from ..kernels.asked import asked_code
from ..kernels.dependencies.absences import broken
from ..kernels.dependencies.calendars import on_calendar
from ..kernels.dependencies.orders import in_order
from ..kernels.dependencies.pools import find_pools, roots_of, rules_of
from ..kernels.dependencies.unequal import is_apart
from ..kernels.given import Given, GivenValues
from ..kernels.seeds import generator
from ..spec.condition import Condition, read_conditions
from ..spec.dependencies import Absence, Calendar, Order, Unequal, described
from ..spec.encoding import TextEncoding
from ..spec.fitted import FittedSchema, FittedTable
from ..spec.form import TableRules
from ..spec.identifiers import quoted
from ..spec.metadata import ForeignKey
from ..spec.program import TableProgram
from ..spec.spelling import spelt
from ..spec.steps import Settle
from ..spec.structure import nearest
from .closed_columns import closed_columns, shown
from .constraints import violations
from .table_rules import RulesOfRows

Typed = Mapping[str, pa.Array]  # column -> its value, an array of one
Asked = Sequence[Mapping[str, Any] | Condition]


def resolve_conditions(spark: SparkSession, fitted: FittedSchema, asked: Asked, *, enforce_constraints: bool) -> dict[str, Given]:
    """What the conditions mean for each table that they name.

    Raises:
        GenerationError: with every fault that was found.
    """
    zone = str(spark.conf.get("spark.sql.session.timeZone", "UTC"))

    def reference_has(key: ForeignKey, values: Typed) -> bool:
        rows = spark.read.parquet(fitted.references[key.parent_table])
        types = dict(rows.dtypes)
        parents = dict(zip(key.columns, key.parent_columns, strict=True))
        for column, value in values.items():
            rows = rows.where(F.col(quoted(parents[column])) == _literal(value, types[parents[column]]))
        return not rows.isEmpty()

    def broken_rules(table: str, values: Typed) -> list[str]:
        return broken_limits(table, values) + _broken_checks(spark, fitted, table, values)

    def broken_limits(table: str, values: Typed) -> list[str]:
        limits = {c: limit for c, limit in fitted.metadata.tables[table].constraints.items() if c in values} if enforce_constraints else {}
        if not limits:
            return []
        types = fitted.tables[table].program.types
        row = spark.range(1).select(*(_literal(values[c], types[c]).alias(c) for c in limits))
        return [f"{v.column}: the value breaks {v.limit} of its constraint, and enforce_constraints leaves such rows out" for v in violations(row, limits)]

    return plan_conditions(fitted, asked, zone, reference_has, broken_rules)


def _broken_checks(spark: SparkSession, fitted: FittedSchema, table: str, values: Typed) -> list[str]:
    """Check constraints of the table's that read only these values, and that they break. One job where there are such."""
    program = fitted.tables[table].program
    given = {name: _literal(values[name], kind) for name, kind, _ in program.shown if name in values}
    checks = fitted.forms[table].rules.checks if table in fitted.forms else {}
    if not given or not checks:
        return []
    rules = RulesOfRows(TableRules(checks=checks), program.shown, fitted.layouts.get(table))
    marked, names = rules.with_broken(spark.range(1).select(*(value.alias(name) for name, value in given.items())))
    if not names:
        return []
    try:
        found = marked.select(*(F.col(column) for column in names.values())).collect()[0].asDict()
    except PySparkException:
        return []  # a rule that fails is left out, once rows fail by it
    return [f"the values break the check constraint {name!r} of the table" for name, column in names.items() if found[column]]


def _literal(value: pa.Array, spark_type: str) -> Column:
    return F.lit(value.cast(pa.string())[0].as_py()).cast(spark_type)


def plan_conditions(
    fitted: FittedSchema,
    asked: Asked,
    zone: str,
    reference_has: Callable[[ForeignKey, Typed], bool],
    broken_limits: Callable[[str, Typed], list[str]],
) -> dict[str, Given]:
    """`resolve_conditions` without a session.

    Args:
        zone: time zone of times that name none.
        reference_has: whether the key's reference table has a row with these values.
        broken_limits: which constraints and check constraints of the table's these values break.

    Raises:
        GenerationError: with every fault that was found.
    """
    conditions, faults = read_conditions(asked)
    planned: dict[str, list[GivenValues]] = {}
    for index, condition in enumerate(conditions):
        # Of a malformed entry the table and the columns can still be wrong too.
        table, values = _named(asked[index]) if condition is None else (condition.table, condition.values)
        if not isinstance(table, str):
            continue
        table = spelt(table, [*fitted.tables, *fitted.references])
        place = f"conditions[{index}]: table {table!r}"
        if table not in fitted.tables:
            faults.append(f"{place} {_table_fault(table, fitted)}")
            continue
        given, found = _given(fitted.tables[table], fitted, values, condition.rows if condition else 0, zone)
        if not found:
            given, found = _with_pools(fitted.tables[table], given, generator(fitted.seed, table, "conditions", index))
            found += [
                *_broken_keys(fitted.tables[table], fitted, given.values, reference_has),
                *_broken_absences(fitted.tables[table].program, given.values),
                *_broken_orders(fitted.tables[table].program, given.values),
                *_equal_values(fitted.tables[table].program, given.values),
                *_no_days(fitted.tables[table].program, given.values),
                *broken_limits(table, given.values),
            ]
        faults += [f"{place}: {fault}" for fault in found]
        planned.setdefault(table, []).append(given)
    if faults:
        noun = "fault" if len(faults) == 1 else "faults"
        raise GenerationError(f"{len(faults)} {noun} in the conditions: " + "; ".join(faults))
    return {table: Given(tuple(given)) for table, given in planned.items()}


def _named(entry: Any) -> tuple[Any, Mapping[str, Any]]:
    values = entry.get("values") if isinstance(entry, Mapping) else None
    named = {c: v for c, v in values.items() if isinstance(c, str)} if isinstance(values, Mapping) else {}
    return (entry.get("table") if isinstance(entry, Mapping) else None), named


def _table_fault(table: str, fitted: FittedSchema) -> str:
    if table in fitted.references:
        return "is a reference table, which is copied as it is; condition on the columns of learnt tables"
    return f"is not there; {nearest(table, fitted.tables)}"


def _given(table: FittedTable, fitted: FittedSchema, values: Mapping[str, Any], rows: int, zone: str) -> tuple[GivenValues, list[str]]:
    """The codes and typed values of one condition, and what is wrong with it."""
    closed = closed_columns(table, fitted)
    open_columns = [c for c in table.program.shown_names if c not in closed]
    codes: dict[str, int] = {}
    typed: dict[str, pa.Array] = {}
    faults = []
    named: set[str] = set()
    for written, value in values.items():
        column = spelt(written, table.program.shown_names)
        if column in named:
            faults.append(f"column {column!r} is named twice")
            continue
        named.add(column)
        if column not in table.program.shown_names:
            faults.append(f"column {column!r} is not there; {nearest(column, open_columns)}")
        elif column in closed:
            faults.append(f"column {column!r} {closed[column]}; columns that can be conditioned on: {shown(open_columns)}")
        else:
            encoding = table.encoding.column(column)
            try:
                if isinstance(encoding, TextEncoding):
                    raise ValueError("text is not learnt")
                codes[column], typed[column] = asked_code(value, encoding, zone)
            except ValueError as error:
                faults.append(f"column {column!r}: {error}")
    faults += _hold_structs(table, codes, typed, closed)
    return GivenValues(rows, codes, typed), faults


def _with_pools(table: FittedTable, given: GivenValues, rng: np.random.Generator) -> tuple[GivenValues, list[str]]:
    """The condition with what columns can be of which its values follow, and which of its values no row can have."""
    program, encoding = table.program, table.encoding
    gaps = {d.target for d in program.dependencies if d.gaps and d.target in given.values and given.values[d.target].null_count}
    rules = [d for d in program.dependencies if d.target not in gaps]
    pools, unmet = find_pools(rules, given.values, encoding, program.types, rng, given.rows)
    named = rules_of(program.dependencies)
    others = [list(dict.fromkeys(name for target in targets for name in roots_of(target, named))) for targets in unmet]
    faults = [f"{shown(t)}: no values of {shown(o)} that are like real ones give what was asked for" for t, o in zip(unmet, others, strict=True)]
    return replace(given, pools=tuple(pools)), faults


def _hold_structs(table: FittedTable, codes: dict[str, int], typed: dict[str, pa.Array], closed: Collection[str]) -> list[str]:
    """Asks for the structs of the values that are asked for, outer ones first, and tells which of them were asked not to be there.

    Flags that are closed are settled when the row is made.
    """
    faults = []
    for struct in (s for step in table.program.of_kind(Settle) if isinstance(step, Settle) for s in step.structs):
        inside = [c for c in struct.fields if c in typed and typed[c].null_count == 0] + [c for c in struct.flags if c in typed and typed[c][0].as_py()]
        nothing = [c for c in struct.required if c in typed and typed[c].null_count]
        asked = typed[struct.flag][0].as_py() if struct.flag in typed else None
        if (inside and (nothing or asked is False)) or (nothing and asked):
            faults.append(f"{shown([*inside, *nothing])}: the struct {struct.flag!r} must be there for some of these values, and must not for others")
        elif asked is None and (inside or nothing) and struct.flag not in closed:
            encoding = table.encoding.column(struct.flag)
            if isinstance(encoding, TextEncoding):
                continue  # no row has the struct
            try:
                codes[struct.flag], typed[struct.flag] = asked_code(not nothing, encoding, "UTC")
            except ValueError as error:
                faults.append(f"column {struct.flag!r}: {error}")
    return faults


def _broken_keys(table: FittedTable, fitted: FittedSchema, values: Typed, reference_has: Callable[[ForeignKey, Typed], bool]) -> list[str]:
    """Keys of several columns to reference tables that have no row with the asked values: the other columns could not follow."""
    faults = []
    for key in table.program.foreign_keys:
        asked = {c: values[c] for c in key.columns if c in values and values[c].null_count == 0}
        if key.parent_table in fitted.references and len(key.columns) > 1 and len(asked) > 1 and not reference_has(key, asked):
            faults.append(f"{shown(asked)}: the reference table {key.parent_table!r} has no row with these values together")
    return faults


def _broken_absences(program: TableProgram, values: Typed) -> list[str]:
    """Columns whose asked values, or nulls, another asked value does not let be."""
    asked = [d for d in program.dependencies if isinstance(d, Absence) and d.target in values and d.determinants[0] in values]
    return [f"{shown((d.target, *d.determinants))}: the values break {described(d, program.types)}" for d in asked if broken(d, values, program.types).any()]


def _broken_orders(program: TableProgram, values: Typed) -> list[str]:
    """Columns that are always in order, and whose asked values are not."""
    faults = []
    for order in (d for d in program.dependencies if isinstance(d, Order) and d.target in values):
        low, high = (tuple(c for c in names if c in values) for names in (order.at_least, order.at_most))
        asked = order.model_copy(update={"at_least": low, "at_most": high, "base": None, "determinants": (*low, *high)})
        if asked.determinants and not in_order(asked, values, program.types).all():
            faults.append(f"{shown((order.target, *asked.determinants))}: the values break {described(asked, program.types)}")
    return faults


def _equal_values(program: TableProgram, values: Typed) -> list[str]:
    """Columns that are never equal, and whose asked values are."""
    pairs = [Unequal(target=d.target, determinants=(n,)) for d in program.dependencies if isinstance(d, Unequal) for n in d.determinants]
    asked = [pair for pair in pairs if {pair.target, *pair.determinants} <= set(values)]
    broken = [pair for pair in asked if not is_apart(pair, values, program.types).all()]
    return [f"{shown((p.target, *p.determinants))}: the values break {described(p, program.types)}" for p in broken]


def _no_days(program: TableProgram, values: Typed) -> list[str]:
    """Columns of years, months and days whose asked values are no day of the calendar."""
    asked = [d for d in program.dependencies if isinstance(d, Calendar) and {d.target, *d.determinants} <= set(values)]
    broken = [d for d in asked if not on_calendar(d, values).all()]
    return [f"{shown((d.target, *d.determinants))}: the values break {described(d, program.types)}" for d in broken]


def spread_over(given: Given, rows: int, table: str) -> Given:
    """The same conditions, spread evenly over the table's rows.

    Raises:
        GenerationError: there are fewer rows than asked for.
    """
    if fault := too_few(given, rows, table):
        raise GenerationError(f"conditions: {fault}")
    return replace(given, among=rows)


def too_few(given: Given, rows: int, table: str) -> str | None:
    """What is wrong where a table has fewer rows than its conditions ask for."""
    if given.rows <= rows:
        return None
    return (
        f"table {table!r} gets {rows:,} rows from its parents, fewer than the {given.rows:,} asked for; "
        "raise scale, or the num_rows or conditions of the tables above it, or ask for fewer"
    )
