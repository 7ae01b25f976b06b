"""Fit a schema: carry out what was planned. Encodings are learnt on the executors, rows become codes, one row model per table is trained there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pyspark.sql import DataFrame, SparkSession
from safetensors.torch import save

from ..events import DEPENDENCIES, LEFT_OUT, STAGE, get_logger
from ..kernels.columns.order import ordered_codes
from ..kernels.conditioning import context_cardinalities
from ..kernels.loop import TrainJob
from ..kernels.models import model_class
from ..kernels.models.independent import Independent, IndependentSettings
from ..kernels.pii import with_kind
from ..kernels.seeds import derive_seed
from ..spec.across_rows import AcrossRule, described_across
from ..spec.config import FitConfig
from ..spec.dependencies import AnyDependency, Order
from ..spec.encoding import ColumnHint, TableEncoding
from ..spec.fitted import Described, FittedSchema, FittedTable, ModelSpec, model_columns
from ..spec.form import TableForm, longest
from ..spec.graph import SchemaGraph
from ..spec.hidden import GAP, depth_column
from ..spec.identifiers import safe_name
from ..spec.joint import JointKey
from ..spec.layout import Layout
from ..spec.metadata import Metadata
from ..spec.planning.across import with_across_rows
from ..spec.planning.ancestors import columns_above, told_columns
from ..spec.planning.derived import with_dependencies
from ..spec.planning.entities import entity_keys
from ..spec.planning.own_rules import keepable
from ..spec.planning.programs import SchemaPlan
from ..spec.planning.rewritten import with_form_of_order, with_key_lengths, with_levels, without_drawn, without_inherited
from ..spec.planning.structs import settled_columns, with_structs
from ..spec.planning.turns import often_known, turns
from ..spec.program import TableProgram
from ..spec.sources import Sources
from ..spec.totals import Total, described_total
from ..storage.checkpoints import Checkpoints
from ..storage.manifest import package_version
from .across_rows import find_rules_across_rows
from .ancestors import with_ancestors
from .backends import finished
from .copula import fit_copula
from .denormalized import HeldValues, with_givers
from .dependencies import find_dependencies
from .encode import held_share, order_seed, stage_training_rows
from .entities import with_entity
from .forest import level_sizes, real_depths
from .hidden import distance_type, with_distances, with_hidden
from .jobs import Search, side_by_side
from .models import model_settings
from .profile import Profiled, profile_table, profile_tables
from .totals import find_schema_totals
from .train import TrainedModel, train_models
from .workspace import Workspace

FEW_ROWS = 20  # below that a trained model only repeats its rows; the marginals are all that can be learnt

log = get_logger(__name__)


@dataclass(frozen=True)
class _Asked:
    """A table whose columns are to be looked at."""

    program: TableProgram
    profiled: Profiled


@dataclass(frozen=True)
class _Rules:
    """What always holds in a table: across rows, and in each row."""

    across: tuple[AcrossRule, ...]
    dependencies: list[AnyDependency]


@dataclass
class FitRun:
    """One fit of a checked schema.

    Attributes:
        metadata: with the joint keys.
        joint: keys that nobody declared.
        graph: order of the tables.
        plan: their programs.
        data: one frame per table, orphan policies applied.
        layouts: how the columns lie in the data.
        forms: what the tables say of themselves.
        sources: where their rows lie.
        models: registered name of the row model, per learnt table.
        denormalized: what belongs to rows of parents although tables below have it.
        kept: finished parts of the same fit, by an earlier process; None where it is not to be resumed.
    """

    spark: SparkSession
    metadata: Metadata
    joint: tuple[JointKey, ...]
    graph: SchemaGraph
    plan: SchemaPlan
    data: Mapping[str, DataFrame]
    layouts: Mapping[str, Layout]
    forms: Mapping[str, TableForm]
    sources: Sources
    models: Mapping[str, str]
    config: FitConfig
    seed: int
    workspace: Workspace
    denormalized: tuple[HeldValues, ...] = ()
    kept: Checkpoints | None = None
    trained: dict[str, TrainedModel] = field(default_factory=dict, init=False, repr=False)
    _depths: dict[str, dict[int, DataFrame]] = field(default_factory=dict, init=False, repr=False)

    def run(self) -> FittedSchema:
        """Learn all tables.

        Raises:
            TrainingError: a model could not be trained.
        """
        for cycle in self.graph.cycles:
            log.info(STAGE, stage="plan", cycle=" -> ".join((*cycle, cycle[0])), note="one key of it is matched after its parent")
        try:
            tables = self._described()
            references = self._references()
            jobs = self._staged(tables)
            self.trained = train_models(self.spark, jobs, self.config.training) if jobs else {}
        finally:
            self.workspace.remove("training")
            self.workspace.remove("depths")
            self.workspace.remove("states")
        for name, result in self.trained.items():
            model = tables[name].model
            tables[name] = replace(tables[name], weights=result.weights, model=model and model.model_copy(update={"siblings": result.siblings}))
        return FittedSchema(
            metadata=self.metadata,
            joint=self.joint,
            graph=self.graph,
            tables=tables,
            references=references,
            reference_required={name: tuple(f.name for f in self.data[name].schema.fields if not f.nullable) for name in references},
            reference_rows={name: self.plan.references[name] for name in references},
            seed=self.seed,
            version=package_version(),
            layouts=dict(self.layouts),
            forms=self._kept_forms(tables),
            sources=self.sources,
        )

    def _described(self) -> dict[str, FittedTable]:
        """Encodings and programs, parents before children; no model yet."""
        earlier = self._kept_tables()
        if earlier is not None:
            for program in self.plan.programs.values():
                self._looked_up(program)
            return earlier
        totals = self._totals()
        asked = [self._asked(name, program, totals) for name, program in self.plan.programs.items()]
        programs = {a.program.table: a.program for a in asked}
        encodings = dict(zip(programs, profile_tables([a.profiled for a in asked], self.config.encoding), strict=True))
        for name, program in programs.items():
            programs[name], encodings[name] = self._with_sibling_dates(*with_form_of_order(program, encodings[name], self.metadata.tables[name].order_by))
        found = self._rules(programs, encodings)
        tables: dict[str, FittedTable] = {}
        for name, program in programs.items():
            parent = None if program.driver is None else tables[program.driver.parent_table]
            if name in found:
                program = self._with_rules(program, found[name], encodings[name], parent)
                encodings[name] = self._with_distances(program, encodings[name])
            program = with_structs(program, self.layouts[name]) if name in self.layouts else program
            program, context = _told(program, parent, tables)
            tables[name] = FittedTable(program=program, encoding=encodings[name], context_encoding=context)
            if self.kept is not None:
                self.kept.keep(f"{safe_name(name)}.json", Described(program=program, encoding=encodings[name], context=context))
        return tables

    def _kept_tables(self) -> dict[str, FittedTable] | None:
        """What an earlier process has learnt of all tables, without their models; None where it did not come so far."""
        found = {name: None if self.kept is None else self.kept.kept(f"{safe_name(name)}.json", Described) for name in self.plan.programs}
        tables = {name: FittedTable(table.program, table.encoding, table.context) for name, table in found.items() if table is not None}
        return tables if len(tables) == len(found) else None

    def _asked(self, name: str, program: TableProgram, totals: Mapping[str, tuple[Total, ...]]) -> _Asked:
        """The program of a table as far as it is known before its columns are looked at, and which columns those are."""
        repeats = {step.status for step in program.inherited}
        program = without_inherited(program, _summed_up(program, totals)).model_copy(update={"totals": totals.get(name, ())})
        repeats -= {step.status for step in program.inherited}
        log.info(STAGE, stage="profile", table=name, rows=program.rows)
        lengths = {table: {c: longest(length) for c, length in form.lengths.items()} for table, form in self.forms.items()}
        program = with_key_lengths(self._looked_up(program), self.plan.programs.values(), lengths)
        absent = self._absent(program) | repeats
        program = without_drawn(program, absent)
        pointed = self._pointed(name)
        hints = tuple(with_kind(hint, self.metadata.tables[name], pointed) for hint in self.plan.hints[name] if hint.name not in absent)
        rows = with_hidden(self.data, program, self.plan.programs, self._depths.get(name, {}))
        if owned := self._owned(name):
            hints = tuple(hint.model_copy(update={"by_entity": hint.name in owned}) for hint in hints)
            rows = with_entity(rows, entity_keys(name, self.plan.programs), self.data)
        rows, givers = with_givers(rows, [held for held in self.denormalized if held.parent == name])
        hints = tuple(hint.model_copy(update={"by_entity": True, "entity": givers[hint.name]}) if hint.name in givers else hint for hint in hints)
        return _Asked(program, Profiled(name, rows, program.rows, hints, derive_seed(self.seed, name, "profile")))

    def _pointed(self, table: str) -> set[str]:
        """Columns of a table that keys point at."""
        return {c for other in self.metadata.tables.values() for key in other.foreign_keys if key.parent_table == table for c in key.parent_columns}

    def _owned(self, table: str) -> frozenset[str]:
        """Columns of a table whose values count by persons: none of keys, which are natural or made anew."""
        program = self.plan.programs[table]
        if not entity_keys(table, self.plan.programs):
            return frozenset()
        return frozenset(program.names) - self._pointed(table) - self.metadata.tables[table].key_columns

    def _totals(self) -> dict[str, tuple[Total, ...]]:
        """The columns of each parent that follow from its rows in child tables."""
        wanted = [name for name in self.plan.programs if self.config.finds_dependencies(name)]
        found = find_schema_totals(self.metadata, self.plan.programs, self.data, wanted)
        for name, totals in found.items():
            log.info(DEPENDENCIES, table=name, found=[described_total(t) for t in totals])
        return found

    def _looked_up(self, program: TableProgram) -> TableProgram:
        """The program of a table that points at itself, with its levels; how many rows are above each is staged."""
        for key in (m.key for m in program.matches if m.forest):

            def stage(rows: DataFrame, number: int, key: int = key) -> DataFrame:
                path = self.workspace.folder("depths", program.table, f"key{key}", f"round{number}")
                rows.write.mode("overwrite").parquet(path)
                return self.spark.read.schema(rows.schema).parquet(path)

            found = real_depths(self.data[program.table], program.foreign_keys[key], stage)
            if found is not None:
                self._depths.setdefault(program.table, {})[key] = found
        return with_levels(program, {key: level_sizes(found) for key, found in self._depths.get(program.table, {}).items()})

    def _absent(self, program: TableProgram) -> set[str]:
        """Hidden columns that the table's model could not draw, or not together with the others; the depths of rows that are no forest."""
        name = self.models[program.table]
        absent = set() if self.config.siblings and model_class(name).sees_siblings else {GAP}
        if self._is_independent(program.table) or not self.config.partners or program.rows < FEW_ROWS:
            absent |= {trait.name for m in program.matches for trait in m.traits}
        return absent | {depth_column(m.key) for m in program.matches if m.forest and m.key not in self._depths.get(program.table, {})}

    def _is_independent(self, table: str) -> bool:
        """Whether the table's model draws each column by itself."""
        name = self.models[table]
        return name == Independent.name and not IndependentSettings.read(model_settings(self.config, name)).copula

    def _rules(self, programs: Mapping[str, TableProgram], encodings: Mapping[str, TableEncoding]) -> dict[str, _Rules]:
        """What was found in the tables where it is looked for."""
        wanted = [name for name in programs if self.config.finds_dependencies(name)]
        searches = {name: self._search(programs[name], encodings[name]) for name in wanted}
        return side_by_side("looking for dependencies in", searches)

    def _search(self, program: TableProgram, encoding: TableEncoding) -> Search[_Rules]:
        log.info(STAGE, stage="dependencies", table=program.table)
        above = 0 if program.driver is None else self.plan.programs[program.driver.parent_table].rows
        across = yield from find_rules_across_rows(self.metadata, program, self.data[program.table], above, self.config.encoding.min_category_rows)
        dependencies = yield from find_dependencies(
            program,
            self.data[program.table],
            table=self.metadata.tables[program.table],
            encoding=encoding,
            keys=self._pointed(program.table),
            across=across,
            nested=settled_columns(self.layouts.get(program.table, ())),
            independent=self._is_independent(program.table),
            min_rows=self.config.encoding.min_category_rows,
            owned=self._owned(program.table),
            seed=derive_seed(self.seed, program.table, "dependencies"),
        )
        return _Rules(across, dependencies)

    def _with_rules(self, program: TableProgram, rules: _Rules, encoding: TableEncoding, parent: FittedTable | None) -> TableProgram:
        found = program
        if rules.dependencies:
            found = with_dependencies(program, rules.dependencies, encoding, None if parent is None else parent.program)
        found = with_across_rows(found, rules.across)
        if found.across and found.driver is not None:
            log.info(DEPENDENCIES, table=found.table, found=[described_across(rule, found.driver.parent_table) for rule in found.across_told])
        return found

    def _with_sibling_dates(self, program: TableProgram, encoding: TableEncoding) -> tuple[TableProgram, TableEncoding]:
        """Both, with the gaps between siblings that are ordered by dates in text or whole numbers."""
        if not program.draw.form:
            return program, encoding
        rows = with_hidden(self.data, program, {}, self._depths.get(program.table, {}))
        seed = derive_seed(self.seed, program.table, "profile")
        hint = ColumnHint(name=GAP, spark_type="bigint")
        found = profile_table(rows, table=program.table, rows=program.rows, hints=(hint,), config=self.config.encoding, seed=seed)
        return program, encoding.model_copy(update={"columns": (*encoding.columns, *found.columns)})

    def _with_distances(self, program: TableProgram, encoding: TableEncoding) -> TableEncoding:
        """The encodings with those of the hidden distances between columns that are in order."""
        hints = tuple(ColumnHint(name=d.distance, spark_type=distance_type(d)) for d in program.dependencies if isinstance(d, Order) and d.distance)
        if not hints:
            return encoding
        rows = with_distances(self.data[program.table], program)
        found = profile_table(
            rows, table=program.table, rows=program.rows, hints=hints, config=self.config.encoding, seed=derive_seed(self.seed, program.table, "profile")
        )
        return encoding.model_copy(update={"columns": (*encoding.columns, *found.columns)})

    def _staged(self, tables: dict[str, FittedTable]) -> list[TrainJob]:
        """Give each table its model's form, and stage the training rows of those that have something to learn."""
        jobs = []
        for name, fitted in tables.items():
            drawn = fitted.encoding.select(model_columns(fitted.program, fitted.encoding))
            if not drawn.columns:
                continue
            model = _model_spec(fitted, drawn, self.models[name], self.config)
            tables[name] = replace(fitted, model=model)
            alone = model.name == Independent.name
            if alone and not IndependentSettings.read(model.settings).copula:
                tables[name] = replace(tables[name], weights=save({}))  # its marginals are in the encoding
                continue
            job = self._job(fitted, model, drawn)
            if alone or finished(job) is None:
                self._stage_rows(fitted)
            if alone:
                tables[name] = replace(tables[name], weights=self._copula(fitted, drawn))
                continue
            jobs.append(job)
        return jobs

    def _stage_rows(self, fitted: FittedTable) -> None:
        program = fitted.program
        log.info(STAGE, stage="encode", table=program.table)
        stage_training_rows(
            with_hidden(self.data, program, self.plan.programs, self._depths.get(program.table, {})),
            self._parents(program),
            program=program,
            encoding=fitted.encoding,
            context=fitted.context_encoding,
            sample_rows=self.config.training.sample_rows,
            seed=order_seed(self.seed, program.table),
            path=self.workspace.folder("training", program.table),
        )

    def _parents(self, program: TableProgram) -> DataFrame | None:
        if program.driver is None:
            return None
        name = program.driver.parent_table
        return with_ancestors(self.data[name], name, program.above, self.plan.programs, self.data)

    def _copula(self, fitted: FittedTable, drawn: TableEncoding) -> bytes:
        conditions = fitted.encoding.select(fitted.program.conditions).columns
        context = (*conditions, *(fitted.context_encoding.columns if fitted.context_encoding else ()))
        return fit_copula(self.spark, self.workspace.folder("training", fitted.program.table), drawn=drawn, context=context)

    def _job(self, fitted: FittedTable, model: ModelSpec, drawn: TableEncoding) -> TrainJob:
        program, training = fitted.program, self.config.training
        context = fitted.context_encoding.columns if fitted.context_encoding else ()
        columns = (*fitted.encoding.select(program.conditions).columns, *context, *drawn.columns)
        folder = self._states(program.table)
        return TrainJob(
            table=program.table,
            path=self.workspace.folder("training", program.table),
            model=model,
            weights=tuple(c.weights for c in drawn.columns),
            seed=derive_seed(self.seed, program.table, "training"),
            epochs=training.epochs,
            batch_size=training.batch_size,
            holdout=training.holdout,
            evaluations=training.evaluations,
            progress_path=f"{folder}/progress.jsonl",
            state_path=f"{folder}/state.safetensors",
            row_model=model_class(model.name),
            orders=tuple(tuple(ordered_codes(column).tolist()) for column in columns),
        )

    def _states(self, table: str) -> str:
        """The folder for what training leaves of a table."""
        return self.workspace.make_folder("states", table) if self.kept is None else self.kept.make_folder(f"states/{safe_name(table)}")

    def _kept_forms(self, tables: Mapping[str, FittedTable]) -> dict[str, TableForm]:
        """What copies can say of themselves; a warning tells what they do not have."""
        pointed = {(key.parent_table, c) for table in self.metadata.tables.values() for key in table.foreign_keys for c in key.parent_columns}
        kept = {}
        for name, form in self.forms.items():
            kept[name] = keepable(form, tables[name].program, {c for table, c in pointed if table == name}) if name in tables else form
            if kept[name].left:
                log.warning(LEFT_OUT, table=name, left=", ".join(kept[name].left))
        return kept

    def _references(self) -> dict[str, str]:
        """Copy the reference tables, so that sampling needs no real data."""
        folders = {}
        for name, table in self.metadata.tables.items():
            if table.role == "reference":
                folders[name] = self.workspace.folder("reference", name)
                self.data[name].write.mode("overwrite").parquet(folders[name])
        return folders


def _summed_up(program: TableProgram, totals: Mapping[str, tuple[Total, ...]]) -> set[tuple[str, str]]:
    """The table's columns that its driving parent has a total of, and that total: in a family of one, or in its greatest row, both are equal."""
    above = totals.get(program.driver.parent_table, ()) if program.driver else ()
    return {(t.of[0], t.column) for t in above if t.child == program.table and t.key == program.driving and len(t.of) == 1}


def _told(program: TableProgram, parent: FittedTable | None, tables: Mapping[str, FittedTable]) -> tuple[TableProgram, TableEncoding | None]:
    """The program, and what the row model is told of the driving parent and of the rows above it."""
    if parent is None:
        return program, None
    own = [c for c in told_columns(parent) if program.context is None or c.name in program.context]
    above, further = columns_above(program, tables)
    return program.model_copy(update={"above": above}), parent.encoding.model_copy(update={"columns": (*own, *further)})


def _model_spec(fitted: FittedTable, drawn: TableEncoding, name: str, config: FitConfig) -> ModelSpec:
    conditions = fitted.encoding.select(fitted.program.conditions)
    few = fitted.program.rows < FEW_ROWS
    untrained = few or name == Independent.name
    sees = config.siblings and not few and model_class(name).sees_siblings
    return ModelSpec(
        name=Independent.name if few else name,
        settings={} if few else model_settings(config, name),
        row=drawn.cardinalities,
        context=context_cardinalities(conditions, fitted.context_encoding),
        siblings=sees and fitted.program.has_siblings,
        turns=turns(fitted.program, drawn.names),
        known=often_known(fitted.program, drawn.names),
        held_out=0.0 if untrained else held_share(fitted.program, config.training),
    )
