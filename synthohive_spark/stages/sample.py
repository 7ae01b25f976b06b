"""Sample a fitted schema: table by table from the roots, in a staging place; the writer publishes the whole.

Spark jobs of a table: one that makes its rows (two where keys are matched, and one per key between them), one that writes them where children need
hidden columns of it, at most one that settles how many children its driving parent's rows have, and one per matched key for the places of its parent.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from ..causes import step
from ..errors import ConstraintViolationError, GenerationError
from ..events import CONSTRAINT_VIOLATIONS, TABLE_SAMPLED, Progress, get_logger
from ..kernels.block import GenerationPlan
from ..kernels.given import Given
from ..kernels.marginals import code_counts
from ..kernels.models import model_class
from ..spec.encoding import TableEncoding
from ..spec.fitted import FittedSchema, FittedTable
from ..spec.form import TableForm
from ..spec.hidden import ROW, hidden, status_column
from ..spec.identifiers import HIDDEN_PREFIX, quoted, safe_name
from ..spec.planning.room import TableRows
from ..spec.program import Match, TableProgram
from ..spec.steps import Combine, Distinct, Series
from ..storage.checkpoints import Checkpoints
from ..storage.found import reach
from ..storage.frames import never_null
from ..storage.runs import RunWriter
from .blocks import FAMILY, Above, first_phase, last_phase
from .conditions import spread_over
from .constraints import summary, valid_rows, violations
from .failing_rules import FailingRules
from .families import Kin, Made
from .frames import map_frames
from .intake import laid_out
from .outputs import declared, key_columns, with_lengths
from .profile import with_plain_values
from .redraw import ATTEMPTS, in_families, redraw
from .rows import room_of_schema
from .table_rules import RulesOfRows, kept_rules
from .totals import with_totals
from .verify import verify

STAGED = "staged"  # the folder of rows with their hidden columns, in that of a call that can be resumed
SHORT = 0.02  # of the rows of a table that may be missing without a word
MEASURED_ROWS = 100_000  # of a table, where `quality_threshold` judges it: shares of so many are off by 0.2 % at most

log = get_logger(__name__)


@dataclass
class SampleRun:
    """One run of `sample`.

    Attributes:
        writer: where the tables are staged.
        staged: folder for rows with their hidden columns, that all executors can reach.
        planned: rows of each learnt table.
        scale: of rows without any parent.
        strict: refuse where keys have no room for the rows that were to be made.
        given: conditions by table.
        told: takes warnings.
        kept: what an earlier process has staged of the same run; None where it is not to be resumed.
    """

    spark: SparkSession
    fitted: FittedSchema
    writer: RunWriter
    staged: str
    seed: int
    planned: Mapping[str, TableRows]
    scale: float = 1.0
    strict: bool = False
    enforce_constraints: bool = False
    quality_threshold: float | None = None
    given: Mapping[str, Given] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    kept: Checkpoints | None = None
    _staged: dict[str, DataFrame] = field(default_factory=dict, init=False, repr=False)
    _far: list[str] = field(default_factory=list, init=False, repr=False)
    _failing: FailingRules = field(default_factory=FailingRules, init=False, repr=False)

    def __post_init__(self) -> None:
        self.kin = Kin(self.fitted, room_of_schema(self.fitted), self.planned, self.seed, self.scale, self._stage)

    def run(self) -> None:
        """Make and stage all tables.

        Raises:
            GenerationError: a table cannot be generated.
            ConstraintViolationError: a column is further from the real marginal than `quality_threshold`.
        """
        waiting: dict[str, list[Match]] = {}
        with Progress("sampling", len(self.fitted.graph.order)) as progress:
            for table in self.fitted.graph.order:
                with step("sampling", table):
                    if table in self.fitted.references:
                        self._copy_reference(table)
                    else:
                        waiting[table] = list(self.fitted.tables[table].program.deferred)
                        self._make(self.fitted.tables[table])
                self._finish_ready(waiting)
                progress.update(len(self._staged), {"table": table})
        if self._far:
            raise ConstraintViolationError(f"columns further than quality_threshold={self.quality_threshold} from the real ones (TVD): {', '.join(self._far)}")
        counts = {name: (self.writer.rows(name), self.kin.made[name].count) for name in self.fitted.tables if name not in self.fitted.inner}
        verify(self.fitted, self._staged, counts)

    def _finish_ready(self, waiting: dict[str, list[Match]]) -> None:
        """Finish the tables that wait for no other any more; each can be what another one waits for."""
        ready = True
        while ready:
            ready = False
            for late in list(waiting):
                with step("matching the last keys of", late):
                    if self._match_deferred(late, waiting[late], waiting):
                        del waiting[late]
                        ready = True

    def _copy_reference(self, table: str) -> None:
        rows = self.spark.read.parquet(self.fitted.references[table])
        required = self.fitted.reference_required.get(table, ())
        fields = [(F.col(quoted(f.name)), f) for f in rows.schema.fields]
        count = self.fitted.reference_rows.get(table, 0)
        self.kin.made[table] = Made(rows, count, count)
        self._publish(table, rows.select(*((never_null(c, f.dataType) if f.name in required else c).alias(f.name) for c, f in fields)))

    def _publish(self, table: str, rows: DataFrame) -> DataFrame:
        if table in self.fitted.inner:
            self._staged[table] = rows
            return rows
        layout, form = self.fitted.layouts.get(table), self._failing.left_out(table, self._form(table))
        self._staged[table] = self.writer.stage(table, rows if layout is None else laid_out(rows, layout), form)
        rules, *broken = kept_rules(self._staged[table], form.rules)
        self.writer.keep_rules(table, rules)
        form = form.without_rules(*({name: f"{count:,} rows would break it" for name, count in counts.items()} for counts in broken))
        if form.left:
            self.told.append(f"table {table!r}: the copy does not have {', '.join(form.left)}, which the real table has")
        return self._staged[table]

    def _form(self, table: str) -> TableForm:
        return self.fitted.forms.get(table, TableForm())

    def _publish_declared(self, rows: DataFrame, program: TableProgram) -> DataFrame:
        """Publish whole rows, with what the table declares of them."""
        whole = declared(rows, program.shown, self._form(program.table).lengths, key_columns(program))
        return self._publish(program.table, self._rules(program).with_generated(whole))

    def _rules(self, program: TableProgram) -> RulesOfRows:
        form = self._failing.left_out(program.table, self._form(program.table))
        return RulesOfRows(form.rules, program.shown, self.fitted.layouts.get(program.table))

    def _make(self, fitted: FittedTable) -> None:
        """Make the rows of a table; where nothing waits for them, write them at once."""
        program, table = fitted.program, fitted.program.table
        above, alone = (None, 0) if program.driver is None else self.kin.above(fitted)
        total = self.planned[table].rows if above is None else above.total + alone
        plan = self._plan(fitted, total)
        shaped = table in self.given or (program.driver is not None and self.kin.made[program.driver.parent_table].shaped)
        rows = first_phase(self.spark, plan, above, total, alone)
        count, matched = total, None
        if program.early:
            matched, count = self._matched(fitted, rows, total)
            rows = last_phase(replace(plan, phase=-1), above, matched)
        bare = rows
        self._tell_shortage(table, total if above is None or above.wanted is None else above.wanted + alone, count)

        def again(plan: GenerationPlan) -> DataFrame:
            return bare if plan.attempt == 0 else self._again(plan, above, total, alone, matched)

        def seen() -> Iterator[DataFrame]:
            for attempt in range(ATTEMPTS + 1 if self._form(table).rules.checks else 1):
                yield self._stage(self._with_lengths(again(replace(plan, attempt=attempt)), program), table, f"bare{attempt}")

        if self._is_leaf(fitted):
            write = lambda: self._publish_declared(self._with_generated(bare, program), program)  # noqa: E731
            written = self._failing.without(table, lambda: self._rules(program), seen, write)
            self.kin.made[table] = Made(written, total, count, shaped)
            log.info(TABLE_SAMPLED, table=table, rows=count)
            return
        rows = self._failing.without(table, lambda: self._rules(program), seen, lambda: self._drawn(again, plan))
        count = rows.count() if self._form(table).rules.checks else count
        late = {c for m in program.deferred for c in program.foreign_keys[m.key].columns} | {t.column for t in program.totals}
        self._tell_unenforced(table, late)
        kept = self._valid(rows, table, set(program.names) - late)
        count = count if kept is rows else kept.count()
        self.kin.made[table] = Made(kept, total, count, shaped)
        self._far += self._measure(fitted, total)
        log.info(TABLE_SAMPLED, table=table, rows=count)

    def _again(self, plan: GenerationPlan, above: Above | None, total: int, alone: int, matched: DataFrame | None) -> DataFrame:
        """The rows as another attempt makes them."""
        return first_phase(self.spark, plan, above, total, alone) if matched is None else last_phase(replace(plan, phase=-1), above, matched)

    def _drawn(self, again: Callable[[GenerationPlan], DataFrame], plan: GenerationPlan) -> DataFrame:
        """The staged rows, which keep the table's rules."""
        program = plan.fitted.program
        rows = self._stage(self._with_generated(again(plan), program), program.table, "drawn")
        return self._with_checks(rows, plan, lambda other: self._with_generated(again(other), program)) if self._rules(program).rules.checks else rows

    def _with_generated(self, rows: DataFrame, program: TableProgram) -> DataFrame:
        """The rows with the columns that the table's rules give, of texts as long as they will be."""
        rules = self._rules(program)
        return rules.with_generated(self._with_lengths(rows, program)) if rules.rules else rows

    def _with_lengths(self, rows: DataFrame, program: TableProgram) -> DataFrame:
        return with_lengths(rows, self._form(program.table).lengths, key_columns(program))

    def _with_checks(self, rows: DataFrame, plan: GenerationPlan, again: Callable[[GenerationPlan], DataFrame]) -> DataFrame:
        """The rows, of which those that break check constraints are drawn again."""
        program = plan.fitted.program
        redrawn = redraw(rows, plan, self._rules(program), again, partial(self._restage, table=program.table))
        if redrawn.left_out:
            self.told.append(f"left out {redrawn.left_out:,} rows of table {program.table!r} that break its check constraints however often they are drawn")
        return redrawn.rows

    def _tell_shortage(self, table: str, wanted: int, count: int) -> None:
        """Room that depends on values of the parents is known once these are there."""
        if wanted - count > max(1.0, SHORT * wanted):
            text = f"table {table!r}: {wanted:,} rows were to be made, and its keys had room for {count:,}"
            if self.strict:
                raise GenerationError(f"{text}; nothing is published: ask for fewer rows, for more of its parents, or leave strict out")
            self.told.append(text)

    def _is_leaf(self, fitted: FittedTable) -> bool:
        """Whether a table's rows can be written as they are made: nobody reads hidden columns of them, and nothing is judged or left out afterwards."""
        program, table = fitted.program, fitted.program.table
        limits = self.fitted.metadata.tables[table].constraints if self.enforce_constraints else {}
        is_parent = any(key.parent_table == table for other in self.fitted.tables.values() for key in other.program.foreign_keys)
        nested = table in self.fitted.layouts and self._is_summed_up(table)
        return not (is_parent or nested or program.deferred or limits or self._form(table).rules.checks or self.quality_threshold is not None)

    def _is_summed_up(self, table: str) -> bool:
        """Whether another table has totals of its rows."""
        return any(t.child == table != name for name, other in self.fitted.tables.items() for t in other.program.totals)

    def _matched(self, fitted: FittedTable, rows: DataFrame, total: int) -> tuple[DataFrame, int]:
        """The narrow rows of the first phase with the keys of the early matches, and how many there are."""
        program, table = fitted.program, fitted.program.table
        rows = self._stage(rows, table, "first")
        lossy = False
        for match in program.early:
            pairing = self.kin.pairing(program, match, total)
            rows = self._stage(pairing.run(rows), table, f"key{match.key}")
            lossy |= match.required
        return rows, rows.count() if lossy and self._can_lose(program.early) else total

    @staticmethod
    def _can_lose(matches: Collection[Match]) -> bool:
        """Whether rows can be left without a partner that they must have: only where what is fixed or kept apart leaves none."""
        return any(m.required and (m.fixed or m.wished or m.needs or m.apart) for m in matches)

    def _plan(self, fitted: FittedTable, total: int) -> GenerationPlan:
        program = fitted.program
        given = self.given.get(program.table)
        if given is not None and (program.driver is not None or any(True for _ in program.of_kind(Series))):
            given = spread_over(given, total, program.table)  # the rows of a series are sorted by entity: the first ones would be those of a few
        steps = [step for phase in program.phases for step in phase.steps]
        keys = {s.key for s in steps if isinstance(s, Combine)} | {index for s in steps if isinstance(s, Series | Distinct) for index in s.references}
        return GenerationPlan(
            fitted=fitted,
            seed=self.seed,
            total=total,
            phase=0,
            combinations={key: self._combinations(fitted, key) for key in sorted(keys)},
            partners=self.kin.partners(program) if any(isinstance(s, Distinct) and s.later for s in steps) else {},
            row_model=model_class(fitted.model.name) if fitted.model else None,
            given=given,
            in_families=bool(self._form(program.table).rules.checks) and in_families(program),
        )

    def _combinations(self, fitted: FittedTable, key: int) -> tuple[pa.Array, ...]:
        """What a reference table has of the columns of a key, in an order of its own and not that of files."""
        columns = fitted.program.foreign_keys[key].parent_columns
        rows = self.kin.made[fitted.program.foreign_keys[key].parent_table].frame.select(*(F.col(quoted(c)) for c in columns)).dropna().distinct()
        table = rows.orderBy(*(F.col(quoted(c)) for c in columns)).toArrow()
        return tuple(table.column(i).combine_chunks() for i in range(len(columns)))

    def _stage(self, data: DataFrame, table: str, word: str) -> DataFrame:
        relative = f"{safe_name(table)}/{word}"
        path, part, below = f"{self.staged}/{relative}", f"{safe_name(table)}.{word}", f"{STAGED}/{relative}"
        if self.kept is None or not self.kept.has_files(part, below):
            data.write.mode("overwrite").parquet(path)
            if self.kept is not None:
                self.kept.mark_files(part, below)
        return self.spark.read.schema(data.schema).parquet(path)

    def _restage(self, data: DataFrame, table: str, word: str, before: str | None) -> DataFrame:
        """The rows staged anew; what they were made of goes, unless a later process may go on with it."""
        rows = self._stage(data, table, word)
        old = reach(f"{self.staged}/{safe_name(table)}/{before}") if before is not None and self.kept is None else None
        if old is not None:
            old.remove()
        return rows

    def _match_deferred(self, table: str, waiting: list[Match], unfinished: Collection[str]) -> bool:
        """Match the keys whose parents are there by now; whether the table is whole, and staged.

        Args:
            unfinished: tables whose rows are not all as they will be.
        """
        fitted = self.fitted.tables[table]
        if self._is_leaf(fitted):
            return True
        if any(fitted.program.foreign_keys[m.key].parent_table not in self.kin.made for m in waiting):
            return False
        if any(t.child != table and (t.child in unfinished or t.child not in self.kin.made) for t in fitted.program.totals):
            return False
        self._finish(fitted, waiting)
        return True

    def _finish(self, fitted: FittedTable, matches: list[Match]) -> None:
        """The table with its deferred keys; they are matched while narrow, and joined to the whole rows once."""
        program, table = fitted.program, fitted.program.table
        made = self.kin.made[table]
        rows, late = made.frame, [c for m in matches for c in program.foreign_keys[m.key].columns if c not in m.fixed]
        if matches:
            rows = self._with_late_keys(table, made, matches, late)
            self.kin.made[table] = replace(made, frame=rows)
        if program.totals:
            names = {t.child for t in program.totals}
            rows = with_totals(rows, fitted, self.fitted.tables, {name: self.kin.made[name].frame for name in names})
            rows = self._stage(rows, table, "totals") if self._is_summed_up(table) else rows
            self.kin.made[table] = replace(made, frame=rows)
        whole = rows
        seen = lambda: iter([self._stage(self._with_lengths(whole, program), table, "whole")])  # noqa: E731
        self._failing.without(table, lambda: self._rules(program), seen, lambda: self._publish_declared(whole, program))

    def _with_late_keys(self, table: str, made: Made, matches: list[Match], late: list[str]) -> DataFrame:
        program = self.fitted.tables[table].program
        needed = {c for m in matches for c in m.read}
        drawn = [c for m in matches for c in (*m.carried, *([status_column(m.key)] if m.status else []))]
        narrow = made.frame.select(*(F.col(quoted(c)) for c in dict.fromkeys([ROW, *FAMILY, *drawn, *(c for c in made.frame.columns if c in needed)])))
        for match in matches:
            narrow = self._stage(self.kin.pairing(program, match, made.count).run(narrow), table, f"key{match.key}")
            if match.required and narrow.count() < made.count:
                key = program.foreign_keys[match.key]
                raise GenerationError(f"table {table!r}: the key {key} must not be null and no row of {key.parent_table!r} is free for some of its rows")
        keys = narrow.select(F.col(ROW).alias(hidden("keyed")), *(F.col(quoted(c)).alias(hidden(f"late_{i}")) for i, c in enumerate(dict.fromkeys(late))))
        joined = made.frame.join(keys, F.col(ROW) == F.col(hidden("keyed")))
        values = {c: F.col(hidden(f"late_{i}")) for i, c in enumerate(dict.fromkeys(late))}
        return joined.withColumns(values).drop(hidden("keyed"), *(hidden(f"late_{i}") for i in range(len(values))))

    def _tell_unenforced(self, table: str, late: Collection[str]) -> None:
        """Other tables point at the rows by the time that their last keys are matched: then none may go."""
        limited = sorted(set(self.fitted.metadata.tables[table].constraints) & set(late))
        if self.enforce_constraints and limited:
            self.told.append(f"constraints of table {table!r} on {limited} are not enforced: these columns are known when others point at the rows")

    def _valid(self, rows: DataFrame, table: str, columns: Collection[str]) -> DataFrame:
        """The rows that keep the constraints of `columns`, where they are to be kept."""
        constraints = {c: limits for c, limits in self.fitted.metadata.tables[table].constraints.items() if c in columns}
        found = violations(rows, constraints) if self.enforce_constraints and constraints else []
        if not found:
            return rows
        self.told.append(f"left out rows of table {table!r}: {summary(found)}")
        log.warning(CONSTRAINT_VIOLATIONS, table=table, found=summary(found))
        return valid_rows(rows, constraints)

    def _measure(self, fitted: FittedTable, total: int) -> list[str]:
        """The columns whose marginal is further from the learnt one than the threshold."""
        table = fitted.program.table
        if self.quality_threshold is None or table in self.given:  # rows that were asked for are not to be like the real ones
            return []
        rows = self.kin.made[table].frame
        visible = tuple(c for c in fitted.encoding.names if c in rows.columns and not c.startswith(HIDDEN_PREFIX))
        if not visible:
            return []
        every = max(1, total // MEASURED_ROWS)
        distances = _marginal_distances(rows.where(F.pmod(F.col(ROW), F.lit(every)) == 0), fitted.encoding.select(visible))
        return [f"{table}.{column} {distance:.3f}" for column, distance in distances.items() if distance > self.quality_threshold]


def _marginal_distances(rows: DataFrame, encoding: TableEncoding) -> dict[str, float]:
    """TVD of each column's codes from the learnt shares; 1 for a table without rows."""
    coded = with_plain_values(rows.select(*(F.col(quoted(name)) for name in encoding.names)))
    counted = map_frames(coded, partial(code_counts, encoding=encoding), "column int, code int, n bigint")
    counts = [np.zeros(c.cardinality) for c in encoding.columns]
    for column, code, n in counted.groupBy("column", "code").agg(F.sum("n")).collect():  # one row per code
        counts[column][code] = n
    total = counts[0].sum()
    if not total:
        return {c.name: 1.0 for c in encoding.columns}
    return {c.name: float(np.abs(n / total - np.asarray(c.weights)).sum() / 2) for c, n in zip(encoding.columns, counts, strict=True)}
