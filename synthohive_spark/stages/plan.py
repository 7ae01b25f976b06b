"""Decide, table by table, how its rows come about: which key drives, which columns are known, drawn or matched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ..kernels.columns.types import decimal_scale
from ..kernels.pii import provider_for
from ..spec.encoding import ColumnHint, TableEncoding
from ..spec.graph import SchemaGraph
from ..spec.identifiers import HIDDEN_PREFIX, quoted
from ..spec.metadata import ForeignKey, Metadata, Table
from ..spec.program import ColumnStep, Linkage, TableProgram, count_column, status_column
from .link import is_sequence, key_present, learn_key_pattern, learn_linkage, learn_series, with_children_counted

WHOLE_NUMBERS = ("tinyint", "smallint", "int", "bigint")
MOSTLY_NULL = 0.5  # a key that is null more often says too little to drive


@dataclass(frozen=True)
class TablePlan:
    """The part of a program that is known before its encodings are fitted."""

    table: Table
    rows: int
    columns: tuple[tuple[str, str, bool], ...]
    driving: int | None
    matches: tuple[int, ...]
    deferred: tuple[int, ...]
    references: tuple[int, ...]
    opaque: frozenset[str]
    linkages: Mapping[int, Linkage]

    @property
    def types(self) -> dict[str, str]:
        return {name: spark_type for name, spark_type, _ in self.columns}

    @property
    def statuses(self) -> tuple[int, ...]:
        return tuple(i for i in self.matches if self.linkages[i].null_rate > 0)


def plan_tables(metadata: Metadata, graph: SchemaGraph, data: Mapping[str, DataFrame]) -> dict[str, TablePlan]:
    """Plan the learnt tables, parents first."""
    rows = {name: data[name].count() for name in graph.order}
    plans: dict[str, TablePlan] = {}
    for name in graph.order:
        table = metadata.tables[name]
        if table.role == "learnt":
            plans[name] = _plan_table(table, metadata, graph, data[name], rows, plans)
    return plans


def _plan_table(table: Table, metadata: Metadata, graph: SchemaGraph, frame: DataFrame, rows: Mapping[str, int], plans: Mapping[str, TablePlan]) -> TablePlan:
    learnt = [i for i, fk in enumerate(table.foreign_keys) if metadata.tables[fk.parent_table].role == "learnt"]
    linkages = {i: learn_linkage(frame, table, table.foreign_keys[i], rows[table.foreign_keys[i].parent_table]) for i in learnt}
    columns = tuple((f.name, f.dataType.simpleString(), f.nullable) for f in frame.schema.fields)
    types = {name: spark_type for name, spark_type, _ in columns}
    driving = _driving_key(table, [i for i in learnt if not graph.is_deferred(table.name, i)], rows, linkages, types)
    return TablePlan(
        table=table,
        rows=rows[table.name],
        columns=columns,
        driving=driving,
        matches=tuple(i for i in learnt if i != driving),
        deferred=tuple(i for i in learnt if graph.is_deferred(table.name, i)),
        references=tuple(i for i in range(len(table.foreign_keys)) if i not in learnt),
        opaque=_opaque_columns(table, metadata, columns, plans),
        linkages=linkages,
    )


def _driving_key(table: Table, candidates: list[int], rows: Mapping[str, int], linkages: Mapping[int, Linkage], types: Mapping[str, str]) -> int | None:
    """The finest learnt parent; a parent inside a natural composite primary key goes first; where such a key has none, its entities drive."""
    primary = set(table.primary_key)
    inside = [i for i in candidates if set(table.foreign_keys[i].columns) & primary]
    if len(primary) > 1 and not inside and not primary <= {c for i in linkages for c in table.foreign_keys[i].columns}:
        return None
    if len(primary) == 1 and not inside and not generates_key(table, types):
        return None  # a date or the like: it must not repeat in the whole table, and not within a parent only
    choice = inside or [i for i in candidates if linkages[i].null_rate < MOSTLY_NULL] or candidates
    return max(choice, key=lambda i: (rows[table.foreign_keys[i].parent_table], -i), default=None)


def _opaque_columns(table: Table, metadata: Metadata, columns: tuple[tuple[str, str, bool], ...], plans: Mapping[str, TablePlan]) -> frozenset[str]:
    """Generated primary keys, and all that refers to them: they carry no meaning and are never modelled."""
    types = {name: spark_type for name, spark_type, _ in columns}
    opaque = {
        column
        for fk in table.foreign_keys
        for column, parent_column in zip(fk.columns, fk.parent_columns, strict=True)
        if _is_opaque(fk, parent_column, table, metadata, plans)
    }
    if generates_key(table, types):
        opaque.add(table.primary_key[0])
    return frozenset(opaque)


def _is_opaque(fk: ForeignKey, parent_column: str, table: Table, metadata: Metadata, plans: Mapping[str, TablePlan]) -> bool:
    parent = metadata.tables[fk.parent_table]
    if parent.role == "reference":
        return False
    # A deferred key points at a table that is planned later (or at this one): such keys are generated.
    return fk.parent_table not in plans or parent_column in plans[fk.parent_table].opaque


def generates_key(table: Table, types: Mapping[str, str]) -> bool:
    """Whether the primary key is a single column that is no foreign key and of a type that can count rows."""
    foreign = {c for fk in table.foreign_keys for c in fk.columns}
    if len(table.primary_key) != 1 or table.primary_key[0] in foreign:
        return False
    spark_type = types[table.primary_key[0]]
    return spark_type in (*WHOLE_NUMBERS, "string") or decimal_scale(spark_type) == 0


def drawn_counts(parent: str, plans: Mapping[str, TablePlan]) -> dict[str, tuple[str, ForeignKey]]:
    """Hidden columns of `parent` that are drawn with its row: its numbers of children along conditional keys; name -> (child table, key)."""
    return {
        count_column(name, i): (name, plan.table.foreign_keys[i])
        for name, plan in plans.items()
        for i, linkage in plan.linkages.items()
        if plan.table.foreign_keys[i].parent_table == parent and linkage.method == "conditional"
    }


def column_hints(plan: TablePlan, counts: Iterable[str]) -> list[ColumnHint]:
    """What profiling should know: the columns to model, and the hidden statuses and counts."""
    published = {c for i in plan.references for c in plan.table.foreign_keys[i].columns}
    hints = []
    for name, spark_type, _ in plan.columns:
        if name in plan.opaque:
            continue
        if name in plan.table.pii_cols:
            hints.append(ColumnHint(name=name, spark_type=spark_type, kind="text", provider=plan.table.pii_cols[name] or provider_for(name)))
        elif name in published or name in plan.table.high_cardinality_cols:
            hints.append(ColumnHint(name=name, spark_type=spark_type, kind="category", keep_rare=name in published))
        else:
            hints.append(ColumnHint(name=name, spark_type=spark_type))
    hints += [ColumnHint(name=status_column(i), spark_type="boolean", kind="category", keep_rare=True) for i in plan.statuses]
    return hints + [ColumnHint(name=name, spark_type="bigint") for name in counts]


def with_hidden(data: Mapping[str, DataFrame], plan: TablePlan, counts: Mapping[str, tuple[str, ForeignKey]]) -> DataFrame:
    """The real rows with their hidden columns: whether each matched key that can be null is there, and numbers of children."""
    rows = data[plan.table.name]
    for i in plan.statuses:
        rows = rows.withColumn(status_column(i), key_present(plan.table.foreign_keys[i].columns))
    for name, (child, key) in counts.items():
        rows = with_children_counted(rows, data[child], key, name)
    return rows


def make_program(plan: TablePlan, data: DataFrame, encoding: TableEncoding, parent: TableEncoding | None, counts: Iterable[str], min_rows: int) -> TableProgram:
    """The row program of one table.

    Args:
        data: its real rows.
        counts: hidden columns with numbers of children that are drawn with the row.
        min_rows: text that fewer rows have is never reproduced.
        parent: the driving parent's encoding.
    """
    table, driver = plan.table, None if plan.driving is None else plan.table.foreign_keys[plan.driving]
    key = learn_key_pattern(data, table.primary_key[0], plan.types[table.primary_key[0]]) if generates_key(table, plan.types) else None
    matched = {c for i in plan.matches for c in table.foreign_keys[i].columns}
    is_root_with_natural_key = bool(table.primary_key) and key is None and driver is None and not set(table.primary_key) <= matched
    published = {c for i in plan.references for c in table.foreign_keys[i].columns}
    series = learn_series(data, table, plan.types, published, min_rows) if is_root_with_natural_key else None
    parts = _natural_parts(plan, key is not None, driver, matched)
    start = is_sequence(data, driver, parts[0]) if driver and len(parts) == 1 and plan.types[parts[0]] in WHOLE_NUMBERS else None
    known = {**{c: "series" for c in (table.primary_key if series else ())}, **({parts[0]: "position"} if start is not None else {})}
    steps = (*_steps(plan, key is not None, known), *(ColumnStep(column=name, kind="drawn", source="model") for name in counts))
    null_rate = 0.0 if plan.driving is None else plan.linkages[plan.driving].null_rate
    return TableProgram(
        table=table.name,
        rows=plan.rows,
        columns=plan.columns,
        primary_key=table.primary_key,
        foreign_keys=table.foreign_keys,
        steps=steps,
        driving=plan.driving,
        context=_context(table, parent),
        conditions=tuple(c for c in table.primary_key if series) or tuple(parts if start is not None else ()),
        fallback=_fallback(data, plan, driver) if null_rate else (),
        statuses=plan.statuses,
        matches=plan.matches,
        deferred=plan.deferred,
        key=key,
        series=series,
        sequence_start=start or 0,
        distinct=() if start is not None else parts,
        linkages=dict(plan.linkages),
    )


def _natural_parts(plan: TablePlan, generated: bool, driver: ForeignKey | None, matched: set[str]) -> tuple[str, ...]:
    """Parts of the primary key that must not repeat within the driving parent, the one to move where they do first."""
    if generated or driver is None:
        return ()
    parts = [c for c in plan.table.primary_key if c not in driver.columns and c not in matched]
    return tuple(sorted(parts, key=lambda c: (plan.types[c] in ("string", "boolean"), plan.table.primary_key.index(c))))


def _steps(plan: TablePlan, generated: bool, known: Mapping[str, str]) -> tuple[ColumnStep, ...]:
    driver = plan.table.foreign_keys[plan.driving].columns if plan.driving is not None else ()
    fixed = {c for i in plan.references for c in plan.table.foreign_keys[i].columns}
    matched = {c for i in plan.matches for c in plan.table.foreign_keys[i].columns if c not in fixed}
    steps: dict[str, list[ColumnStep]] = {"known": [], "drawn": [], "derived": []}
    for name, _, _ in plan.columns:
        if generated and name == plan.table.primary_key[0]:
            kind, source = "known", "row_number"
        elif name in driver:
            kind, source = "known", "parent"
        elif name in known:
            kind, source = "known", known[name]
        elif name in matched:
            kind, source = "derived", "match"
        else:
            kind, source = "drawn", "model"
        steps[kind].append(ColumnStep.model_validate({"column": name, "kind": kind, "source": source}))
    hidden = [ColumnStep(column=status_column(i), kind="drawn", source="model") for i in plan.statuses]
    return (*steps["known"], *steps["drawn"], *hidden, *steps["derived"])


def _context(table: Table, parent: TableEncoding | None) -> tuple[str, ...]:
    if parent is None:
        return ()
    visible = [c.name for c in parent.columns if not c.name.startswith(HIDDEN_PREFIX) and c.cardinality > 1]
    return tuple(c for c in visible if table.parent_context_cols is None or c in table.parent_context_cols)


def _fallback(data: DataFrame, plan: TablePlan, driver: ForeignKey | None) -> tuple[str, ...]:
    """Driving key columns that have values in rows without a driving parent (another key uses them)."""
    if driver is None:
        return ()
    candidates = [c for c in driver.columns if c not in plan.opaque]
    alone = data.where(~key_present(driver.columns))
    found = alone.agg(*(F.count(F.col(quoted(c))).alias(f"c{i}") for i, c in enumerate(candidates))).first() if candidates else None
    return tuple(c for i, c in enumerate(candidates) if found is not None and found[f"c{i}"])
