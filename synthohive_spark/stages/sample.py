"""Sample a fitted schema: walk the graph from the roots, generate each table on the executors, write it before its children read it."""

from __future__ import annotations

import math
import warnings
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any

import numpy as np
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from ..errors import ConstraintViolationError, GenerationError
from ..events import CONSTRAINT_VIOLATIONS, TABLE_SAMPLED, TABLE_WRITTEN, Progress, get_logger
from ..kernels.columns.types import decimal_scale
from ..kernels.generate import BLOCK, BLOCK_ROWS, GenerationPlan, generate_children, generate_roots
from ..kernels.given import Given
from ..kernels.marginals import code_counts
from ..kernels.models import model_class
from ..kernels.repair import ReferenceKey
from ..spec.encoding import TableEncoding
from ..spec.fitted import FittedSchema, FittedTable
from ..spec.identifiers import HIDDEN_PREFIX, quoted
from ..spec.program import PARENT_ROW, POSITION, ROW, SIBLINGS, Linkage, count_column
from ..storage.runs import RunWriter
from .conditions import spread_over
from .constraints import summary, valid_rows, violations
from .frames import map_frames
from .match import match_key
from .profile import with_plain_times

DEFAULT_TASKS = 200  # Spark's own default of partitions

log = get_logger(__name__)


@dataclass
class SampleRun:
    """One run of `sample`.

    Attributes:
        num_rows: rows of root tables, by name; the others have their real number times `scale`.
        staged: folder for rows with their hidden columns, that all executors can reach.
        given: conditions by table.
    """

    spark: SparkSession
    fitted: FittedSchema
    writer: RunWriter
    staged: str
    seed: int
    num_rows: Mapping[str, int] = field(default_factory=dict)
    scale: float = 1.0
    enforce_constraints: bool = False
    quality_threshold: float | None = None
    given: Mapping[str, Given] = field(default_factory=dict)
    _rows: dict[str, DataFrame] = field(default_factory=dict, init=False, repr=False)  # with their hidden columns
    _written: dict[str, DataFrame] = field(default_factory=dict, init=False, repr=False)
    _violations: list[str] = field(default_factory=list, init=False, repr=False)
    _far: list[str] = field(default_factory=list, init=False, repr=False)

    def run(self) -> dict[str, DataFrame]:
        """Generate and write all tables.

        Raises:
            GenerationError: a table cannot be generated.
            ConstraintViolationError: a column is further from the real marginal than `quality_threshold`.
        """
        self.writer.prepare(list(self.fitted.metadata.tables))
        waiting: dict[str, list[int]] = {}
        with Progress("sampling", len(self.fitted.graph.order)) as progress:
            for table in self.fitted.graph.order:
                if table in self.fitted.references:
                    self._copy_reference(table)
                else:
                    self._rows[table] = self._generate(self.fitted.tables[table])
                    waiting[table] = list(self.fitted.tables[table].program.matches)
                    self._far += self._measure(self.fitted.tables[table])
                for ready in [t for t in waiting if self._match(t, waiting[t])]:
                    del waiting[ready]
                    self._publish(self.fitted.tables[ready])
                progress.update(len(self._written), {"table": table})
        if self._violations:
            warnings.warn("left out rows with " + "; ".join(self._violations), stacklevel=2)
        if self._far:
            raise ConstraintViolationError(f"columns further than quality_threshold={self.quality_threshold} from the real ones (TVD): {', '.join(self._far)}")
        return self.writer.publish(self._violations)

    def _copy_reference(self, table: str) -> None:
        self._rows[table] = self.spark.read.parquet(self.fitted.references[table])
        required = self.fitted.reference_required.get(table, ())
        columns = [(f.name, f.dataType.simpleString(), f.name not in required) for f in self._rows[table].schema.fields]
        self._write(table, self._rows[table].select(*(_typed(*column) for column in columns)))

    def _write(self, table: str, rows: DataFrame) -> None:
        self._written[table] = self.writer.stage(table, rows)
        log.info(TABLE_WRITTEN, table=table)

    def _generate(self, fitted: FittedTable) -> DataFrame:
        """Stage the table's rows with their hidden columns, keys to other parents apart."""
        program = fitted.program
        plan = self._plan(fitted)
        if program.driver is None:
            rows, given = self.num_rows.get(program.table, round(program.rows * self.scale)), self.given.get(program.table)
            if given:
                rows = given.rows + self.num_rows.get(program.table, 0)
                # The rows of a series are sorted by entity: the first ones would be those of a few.
                plan = replace(plan, given=spread_over(given, rows, program.table) if program.series else given)
            data = self._roots(fitted, plan, rows, 0, "rows")
        else:
            data = self._children(fitted, plan)
        return self._valid(self._stage(data, program.table, "drawn"), program.table, set(program.names) - set(program.from_source("match")))

    def _valid(self, rows: DataFrame, table: str, columns: Collection[str]) -> DataFrame:
        """The rows that keep the constraints of `columns`, where they are to be kept."""
        constraints = {c: limits for c, limits in self.fitted.metadata.tables[table].constraints.items() if c in columns}
        found = violations(rows, constraints) if self.enforce_constraints and constraints else []
        if not found:
            return rows
        self._violations.append(f"table {table!r}: {summary(found)}")
        log.warning(CONSTRAINT_VIOLATIONS, table=table, found=summary(found))
        return valid_rows(rows, constraints)

    def _plan(self, fitted: FittedTable) -> GenerationPlan:
        counts: dict[str, Linkage] = {}
        for child, other in self.fitted.tables.items():
            for index, key in enumerate(other.program.foreign_keys):
                name = count_column(child, index)
                if key.parent_table == fitted.program.table and index in other.program.linkages and name not in fitted.program.drawn:
                    counts[name] = other.program.linkages[index]
        row_model = model_class(fitted.model.name) if fitted.model else None
        return GenerationPlan(fitted=fitted, counts=counts, references=self._reference_keys(fitted), seed=self.seed, row_model=row_model)

    def _reference_keys(self, fitted: FittedTable) -> tuple[ReferenceKey, ...]:
        program, keys = fitted.program, []
        known = {s.column for s in program.steps if s.kind == "known"}
        for key in program.foreign_keys:
            if key.parent_table in self.fitted.references and len(key.columns) > 1:
                combinations = self._rows[key.parent_table].select(*(F.col(quoted(c)) for c in key.parent_columns)).dropna().distinct()
                combinations = combinations.orderBy(*(F.col(quoted(c)) for c in key.parent_columns)).toArrow()  # in an order of its own, not that of files
                arrays = tuple(combinations.column(i).combine_chunks() for i in range(len(key.columns)))
                keys.append(ReferenceKey(columns=key.columns, fixed=tuple(c for c in key.columns if c in known), combinations=arrays))
        return tuple(keys)

    def _roots(self, fitted: FittedTable, plan: GenerationPlan, rows: int, first_row: int, purpose: str) -> DataFrame:
        blocks = math.ceil(rows / BLOCK_ROWS)
        plan = replace(plan, rows=rows, first_row=first_row, purpose=purpose)
        ids = self.spark.range(0, blocks, numPartitions=max(1, min(blocks, self._tasks())))
        return ids.mapInPandas(partial(generate_roots, plan=plan), staged_ddl(fitted, plan))

    def _children(self, fitted: FittedTable, plan: GenerationPlan) -> DataFrame:
        program = fitted.program
        key, linkage = program.driver, program.linkages[program.driving]  # type: ignore[index]
        if key is None:
            raise GenerationError(f"table {program.table!r} has no driving key")
        hidden = count_column(program.table, program.driving or 0)
        per_block = max(1, min(BLOCK_ROWS, int(BLOCK_ROWS / max(linkage.mean, 1e-9))))
        context = fitted.context_encoding.names if fitted.context_encoding else ()
        wanted = dict.fromkeys([*key.parent_columns, *context])
        parents = self._rows[key.parent_table].where(F.col(quoted(hidden)) > 0)
        parents = parents.select(ROW, F.col(quoted(hidden)), *(F.col(quoted(c)) for c in wanted), F.floor(F.col(ROW) / per_block).alias(BLOCK))
        offsets, total = self._offsets(parents, hidden)
        parts = with_plain_times(parents).repartition(max(1, min(len(offsets), self._tasks())), BLOCK).sortWithinPartitions(BLOCK, ROW)
        alone = round(total * linkage.null_rate / (1 - linkage.null_rate)) if linkage.null_rate < 1 else round(program.rows * self.scale)
        if program.table in self.given:
            plan = replace(plan, given=spread_over(self.given[program.table], total + alone, program.table))
        kernel = partial(generate_children, plan=plan, count_column=hidden, offsets=offsets)
        data = map_frames(parts, kernel, staged_ddl(fitted, plan))
        return data.unionByName(self._roots(fitted, plan, alone, total, "alone")) if alone else data

    @staticmethod
    def _offsets(parents: DataFrame, hidden: str) -> tuple[dict[int, int], int]:
        """Number of the first child of each block, and of all children."""
        sums = sorted((row[BLOCK], row["n"]) for row in parents.groupBy(BLOCK).agg(F.sum(quoted(hidden)).alias("n")).collect())
        ends = np.cumsum([n for _, n in sums]).tolist()
        return {block: end - n for (block, n), end in zip(sums, ends, strict=True)}, ends[-1] if ends else 0

    def _tasks(self) -> int:
        # Without a default of ours: Spark refuses one that is no number, in every session that leaves this setting alone.
        partitions = str(self.spark.conf.get("spark.sql.shuffle.partitions"))
        return int(partitions) if partitions.isdigit() else DEFAULT_TASKS  # Databricks has "auto"

    def _stage(self, data: DataFrame, table: str, step: str) -> DataFrame:
        path = f"{self.staged}/{table}/{step}"
        data.write.mode("overwrite").parquet(path)
        return self.spark.read.schema(data.schema).parquet(path)

    def _match(self, table: str, waiting: list[int]) -> bool:
        """Match the keys whose parents are there; whether all are."""
        fitted = self.fitted.tables[table]
        for index in list(waiting):
            parent = fitted.program.foreign_keys[index].parent_table
            if parent in self._rows:
                stage = partial(self._stage_round, table, index)
                self._rows[table] = match_key(self._rows[table], self._rows[parent], program=fitted.program, index=index, seed=self.seed, stage=stage)
                waiting.remove(index)
        return not waiting

    def _stage_round(self, table: str, index: int, data: DataFrame, step: str) -> DataFrame:
        return self._stage(data, table, f"match{index}_{step}")

    def _publish(self, fitted: FittedTable) -> None:
        program = fitted.program
        self._rows[program.table] = self._valid(self._rows[program.table], program.table, program.from_source("match"))
        is_parent = any(key.parent_table == program.table for other in self.fitted.tables.values() for key in other.program.foreign_keys)
        if program.matches and is_parent:
            self._rows[program.table] = self._stage(self._rows[program.table], program.table, "matched")
        rows = self._rows[program.table]
        self._write(program.table, rows.select(*(_typed(*column) for column in program.columns)))

    def _measure(self, fitted: FittedTable) -> list[str]:
        """Emit how far each column's marginal is from the learnt one; the columns that are further than the threshold."""
        table = fitted.program.table
        visible = [c for c in fitted.encoding.names if c in self._rows[table].columns and not c.startswith(HIDDEN_PREFIX)]
        encoding = fitted.encoding.select(tuple(visible))
        tvd = self._marginal_distances(self._rows[table], encoding) if encoding.columns else {}
        log.info(TABLE_SAMPLED, table=table, tvd={column: round(distance, 4) for column, distance in tvd.items()})
        limit = None if table in self.given else self.quality_threshold  # rows that were asked for are not to be like the real ones
        return [f"{table}.{column} {distance:.3f}" for column, distance in tvd.items() if limit is not None and distance > limit]

    @staticmethod
    def _marginal_distances(rows: DataFrame, encoding: TableEncoding) -> dict[str, float]:
        """TVD of each column's codes from the learnt shares; 1 for a table without rows."""
        coded = with_plain_times(rows.select(*(F.col(quoted(name)) for name in encoding.names)))
        counted = map_frames(coded, partial(code_counts, encoding=encoding), "column int, code int, n bigint")
        counts = [np.zeros(c.cardinality) for c in encoding.columns]
        for column, code, n in counted.groupBy("column", "code").agg(F.sum("n")).collect():  # one row per code
            counts[column][code] = n
        total = counts[0].sum()
        if not total:
            return {c.name: 1.0 for c in encoding.columns}
        return {c.name: float(np.abs(n / total - np.asarray(c.weights)).sum() / 2) for c, n in zip(encoding.columns, counts, strict=True)}


def staged_ddl(fitted: FittedTable, plan: GenerationPlan) -> str:
    """Spark schema of the rows that the kernels give: the table's columns but those matched later, and the hidden ones."""
    program = fitted.program
    later = set(program.from_source("match"))
    columns = [(name, spark_type) for name, spark_type, _ in program.columns if name not in later]
    columns += [(name, fitted.encoding.column(name).spark_type) for name in program.drawn if name not in program.names]
    columns += [(name, "bigint") for name in (ROW, *((PARENT_ROW, POSITION, SIBLINGS) if program.matches else ()), *plan.counts)]
    return ", ".join(f"{quoted(name)} {spark_type}" for name, spark_type in columns)


def _typed(name: str, spark_type: str, nullable: bool) -> Column:
    """The column in its declared type and nullability. The default is never taken: it only tells Spark that no null is there."""
    column = F.col(quoted(name)).cast(spark_type)
    if not nullable:
        missing = F.raise_error(F.lit(f"column {name!r} must not be null and a generated row has no value for it")).cast(spark_type)
        column = F.coalesce(column, missing, F.lit(_default(spark_type)).cast(spark_type))
    return column.alias(name)


def _default(spark_type: str) -> Any:
    """Some value of the type: for a cast that could fail, as from text to a date, Spark would take the column for one with nulls again."""
    scale = decimal_scale(spark_type)
    return _DEFAULTS.get(spark_type, 0) if scale is None else Decimal(0).scaleb(-scale)


_DEFAULTS = {"string": "", "boolean": False, "date": date(1970, 1, 1), "timestamp": datetime(1970, 1, 1), "timestamp_ntz": datetime(1970, 1, 1)}
