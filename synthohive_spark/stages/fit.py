"""Fit a schema: profile and encode on the executors, train one row model per table there, learn how the tables hang together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pyspark.sql import DataFrame, SparkSession
from safetensors.torch import save

from ..errors import SchemaError
from ..events import STAGE, get_logger
from ..kernels.conditioning import context_cardinalities
from ..kernels.loop import TrainJob
from ..kernels.models import model_class
from ..kernels.models.independent import Independent, IndependentSettings
from ..kernels.seeds import derive_seed
from ..spec.config import FitConfig
from ..spec.encoding import TableEncoding
from ..spec.fitted import FittedSchema, FittedTable, ModelSpec, model_columns
from ..spec.graph import SchemaGraph
from ..spec.metadata import Metadata
from ..spec.program import TableProgram
from ..spec.sources import Sources
from ..storage.manifest import package_version
from ..storage.sources import sources_of
from .copula import fit_copula
from .dependencies import add_dependencies
from .encode import stage_training_rows
from .models import model_settings
from .plan import TablePlan, column_hints, drawn_counts, make_program, plan_tables, with_hidden
from .profile import profile_table
from .train import train_models
from .workspace import Workspace

FEW_ROWS = 20  # below that a trained model only repeats its rows; the marginals are all that can be learnt

log = get_logger(__name__)


def fit_schema(
    spark: SparkSession, metadata: Metadata, data: Mapping[str, DataFrame], *, models: Mapping[str, str], config: FitConfig, seed: int, workspace: Workspace
) -> FittedSchema:
    """Learn all tables of a checked schema.

    Args:
        data: one frame per table, orphan policies applied.
        models: registered name of the row model, per learnt table.

    Raises:
        SchemaError: `exact_dependencies` names a table that is not there.
    """
    _check_switches(metadata, config)
    graph = SchemaGraph.from_metadata(metadata)
    for cycle in graph.cycles:
        log.info(STAGE, stage="plan", cycle=" -> ".join((*cycle, cycle[0])), note="one key of it is matched after its parent")
    log.info(STAGE, stage="plan", tables=len(graph.order))
    plans = plan_tables(metadata, graph, data)
    tables = _describe(plans, data, config, seed)
    references = _keep_references(metadata, data, workspace)
    jobs = _stage(spark, plans, tables, data, models, config, seed, workspace)
    try:
        trained = train_models(spark, jobs, config.training) if jobs else {}
    finally:
        workspace.remove("training")
        workspace.remove("states")
    for name, result in trained.items():
        tables[name] = replace(tables[name], weights=result.weights)
    return FittedSchema(
        metadata=metadata,
        graph=graph,
        tables=tables,
        references=references,
        reference_required={name: tuple(f.name for f in data[name].schema.fields if not f.nullable) for name in references},
        seed=seed,
        version=package_version(),
        sources=Sources(tables={name: sources_of(frame) for name, frame in data.items()}),
    )


def _check_switches(metadata: Metadata, config: FitConfig) -> None:
    switches = config.exact_dependencies
    unknown = sorted(set(switches) - set(metadata.tables)) if not isinstance(switches, bool) else []
    if unknown:
        raise SchemaError(f"exact_dependencies: no tables named {unknown} in the metadata, which has {sorted(metadata.tables)}")


def _describe(plans: Mapping[str, TablePlan], data: Mapping[str, DataFrame], config: FitConfig, seed: int) -> dict[str, FittedTable]:
    """Encodings and programs, parents before children; no model yet."""
    encodings: dict[str, TableEncoding] = {}
    tables: dict[str, FittedTable] = {}
    for name, plan in plans.items():
        log.info(STAGE, stage="profile", table=name, rows=plan.rows)
        counts = drawn_counts(name, plans)
        rows = with_hidden(data, plan, counts)
        encodings[name] = profile_table(rows, table=name, hints=column_hints(plan, counts), config=config.encoding, seed=derive_seed(seed, name, "profile"))
        parent = None if plan.driving is None else encodings[plan.table.foreign_keys[plan.driving].parent_table]
        program = make_program(plan, data[name], encodings[name], parent, counts, config.encoding.min_category_rows)
        if config.finds_dependencies(name):
            program = _with_dependencies(program, plans, data[name], encodings[name], tables, config, seed)
        context = parent.select(program.context) if parent else None
        tables[name] = FittedTable(program=program, encoding=encodings[name], context_encoding=context)
    return tables


def _with_dependencies(
    program: TableProgram,
    plans: Mapping[str, TablePlan],
    rows: DataFrame,
    encoding: TableEncoding,
    tables: Mapping[str, FittedTable],
    config: FitConfig,
    seed: int,
) -> TableProgram:
    log.info(STAGE, stage="dependencies", table=program.table)
    return add_dependencies(
        program,
        rows,
        table=plans[program.table].table,
        encoding=encoding,
        keys={c for plan in plans.values() for key in plan.table.foreign_keys if key.parent_table == program.table for c in key.parent_columns},
        parent=None if program.driver is None else tables[program.driver.parent_table].program,
        min_rows=config.encoding.min_category_rows,
        seed=derive_seed(seed, program.table, "dependencies"),
    )


def _stage(
    spark: SparkSession,
    plans: Mapping[str, TablePlan],
    tables: dict[str, FittedTable],
    data: Mapping[str, DataFrame],
    models: Mapping[str, str],
    config: FitConfig,
    seed: int,
    workspace: Workspace,
) -> list[TrainJob]:
    """Give each table its model's form, and stage the training rows of those that have something to learn."""
    jobs = []
    for name, fitted in tables.items():
        drawn = fitted.encoding.select(model_columns(fitted.program, fitted.encoding))
        if not drawn.columns:
            continue
        model = _model_spec(fitted, drawn, models[name], config)
        tables[name] = replace(fitted, model=model)
        alone = model.name == Independent.name
        if alone and not IndependentSettings.read(model.settings).copula:
            tables[name] = replace(tables[name], weights=save({}))  # its marginals are in the encoding
            continue
        log.info(STAGE, stage="encode", table=name)
        driver = fitted.program.driver
        stage_training_rows(
            with_hidden(data, plans[name], drawn_counts(name, plans)),
            None if driver is None else data[driver.parent_table],
            program=fitted.program,
            encoding=fitted.encoding,
            context=fitted.context_encoding,
            sample_rows=config.training.sample_rows,
            seed=derive_seed(seed, name, "training rows"),
            path=workspace.folder("training", name),
        )
        if alone:
            tables[name] = replace(tables[name], weights=_copula(spark, fitted, drawn, workspace))
            continue
        jobs.append(_job(fitted.program, model, drawn, config, seed, workspace))
    return jobs


def _copula(spark: SparkSession, fitted: FittedTable, drawn: TableEncoding, workspace: Workspace) -> bytes:
    conditions = fitted.encoding.select(fitted.program.conditions).columns
    context = (*conditions, *(fitted.context_encoding.columns if fitted.context_encoding else ()))
    return fit_copula(spark, workspace.folder("training", fitted.program.table), drawn=drawn, context=context)


def _model_spec(fitted: FittedTable, drawn: TableEncoding, name: str, config: FitConfig) -> ModelSpec:
    conditions = fitted.encoding.select(fitted.program.conditions)
    few = fitted.program.rows < FEW_ROWS
    return ModelSpec(
        name=Independent.name if few else name,
        settings={} if few else model_settings(config, name),
        row=drawn.cardinalities,
        context=context_cardinalities(conditions, fitted.context_encoding),
    )


def _job(program: TableProgram, model: ModelSpec, drawn: TableEncoding, config: FitConfig, seed: int, workspace: Workspace) -> TrainJob:
    training = config.training
    folder = workspace.make_folder("states", program.table)
    return TrainJob(
        table=program.table,
        path=workspace.folder("training", program.table),
        model=model,
        weights=tuple(c.weights for c in drawn.columns),
        seed=derive_seed(seed, program.table, "training"),
        epochs=training.epochs,
        batch_size=training.batch_size,
        holdout=training.holdout,
        evaluations=training.evaluations,
        progress_path=f"{folder}/progress.jsonl",
        state_path=f"{folder}/state.safetensors",
        row_model=model_class(model.name),
    )


def _keep_references(metadata: Metadata, data: Mapping[str, DataFrame], workspace: Workspace) -> dict[str, str]:
    """Copy the reference tables, so that sampling needs no real data."""
    folders = {}
    for name, table in metadata.tables.items():
        if table.role == "reference":
            folders[name] = workspace.folder("reference", name)
            data[name].write.mode("overwrite").parquet(folders[name])
    return folders
