"""The public face: fit, sample, save, load, validate. Reads as a table of contents; the work is in `stages`."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from pyspark.sql import DataFrame, SparkSession

from .errors import GenerationError, SchemaError, SerializationError, SynthoHiveError, TrainingError, raises
from .events import FIT_DONE, FIT_STARTED, SAMPLE_DONE, SAMPLE_STARTED, get_logger
from .kernels.models.base import ConditionalGenerativeModel
from .report import Report
from .spec.condition import Condition
from .spec.config import FitConfig
from .spec.fitted import FittedSchema
from .spec.identifiers import checked_table_name
from .spec.metadata import Metadata
from .stages.check import apply_orphan_policies, check_data
from .stages.conditions import resolve_conditions
from .stages.executors import check_executors
from .stages.fit import fit_schema
from .stages.models import ModelChoice, check_models, choose_models, make_known
from .stages.sample import SampleRun
from .stages.session import spark_session
from .stages.validate import validate
from .stages.workspace import Workspace
from .storage.artifacts import load_artifact, save_artifact
from .storage.tables import TableWriter, Target, read_table, save_tables
from .storage.targets import absolute_path, is_path

DEFAULT_FOLDER = "./syntho_models"
SEED_BITS = 31  # of a drawn seed: short enough to type again

log = get_logger(__name__)


class Synthesizer:
    """Learns a schema and writes synthetic copies of it.

    Args:
        metadata: the tables and their keys.
        spark: the session to work in; a local one is made where none is given or active.
        model: the row model of all tables: a registered name, or a class that implements `ConditionalGenerativeModel`; or a mapping from table to one of
            these (tables left out take `ctgan`).
        config: settings of encodings and training.
        work_dir: a folder that driver and executors share; needed on a cluster only.

    Raises:
        SchemaError: a model is not known or no complete row model, does not take the settings, or is for a table that is not there; with all faults.
    """

    def __init__(
        self,
        metadata: Metadata,
        *,
        spark: SparkSession | None = None,
        model: ModelChoice | Mapping[str, ModelChoice] = "ctgan",
        config: FitConfig | None = None,
        work_dir: str | None = None,
    ) -> None:
        self.metadata = metadata
        self.spark = spark or SparkSession.getActiveSession() or spark_session()
        self.config = config or FitConfig()
        self.models = choose_models(metadata, model, self.config)
        self._work_dir = work_dir
        self._workspace: Workspace | None = None
        self._fitted: FittedSchema | None = None
        self._samples = 0
        self._sources: set[str] = set()

    @raises(SchemaError, "validating the schema")
    def validate_schema(self, data: Mapping[str, DataFrame | str]) -> None:
        """Check the data against the metadata.

        Args:
            data: one DataFrame, catalog name or path per table.

        Raises:
            SchemaValidationError: with every fault that was found.
        """
        check_data(self.metadata, self._read(data))

    @raises(TrainingError, "fitting")
    def fit(self, data: Mapping[str, DataFrame | str], seed: int | None = None, *, epochs: int | None = None, batch_size: int | None = None) -> Synthesizer:
        """Learn the tables on the executors.

        Args:
            data: one DataFrame, catalog name or path per table.
            seed: the same data, seed and number of workers give the same model; one is drawn and logged where there is none.
            epochs: passes over each table's training sample, at most; the model chooses where None.
            batch_size: rows per training step; the model chooses where None.

        Raises:
            SchemaValidationError: the data does not match the metadata.
            TrainingError: a model could not be trained.
        """
        seed = _drawn(seed)
        config = self._config_with(epochs, batch_size)
        log.info(FIT_STARTED, seed=seed, tables=len(self.metadata.tables))
        frames = self._read(data)
        check_executors(self.spark)
        check_models(self.spark, self.models.values())
        check_data(self.metadata, frames)
        frames = apply_orphan_policies(self.metadata, frames)
        self._fitted = fit_schema(self.spark, self.metadata, frames, models=self.models, config=config, seed=seed, workspace=self._work())
        log.info(FIT_DONE, seed=seed)
        return self

    @property
    def dependencies(self) -> dict[str, list[str]]:
        """Per learnt table, the columns that others determine, in words: `hour = sched_dep_time // 100`. Synthetic rows keep them."""
        return {name: table.dependencies for name, table in self._need_fitted("tell dependencies").tables.items()}

    @raises(GenerationError, "sampling")
    def sample(
        self,
        num_rows: Mapping[str, int] | None = None,
        *,
        conditions: Sequence[Mapping[str, Any] | Condition] = (),
        scale: float = 1.0,
        seed: int | None = None,
        output: str | None = None,
        enforce_constraints: bool = False,
        quality_threshold: float | None = None,
        on_write_failure: Literal["raise", "cleanup", "retry"] = "raise",
    ) -> dict[str, DataFrame]:
        """Generate all tables on the executors and write them as Delta tables.

        Args:
            num_rows: rows of root tables (those that no learnt parent drives), by name.
            conditions: rows that must have given values, each `{"table": ..., "values": {column: value}, "rows": n}`. A root table gets exactly these rows
                (and `num_rows` free ones where it is named there); a child table, whose rows its parents bring, has them among its rows, spread evenly.
                `enforce_constraints` can leave some out; `quality_threshold` does not judge a table with conditions.
            scale: rows of the other roots, as a multiple of their real number; above 0.
            seed: the same model and seed give the same rows on any cluster; one is drawn and logged where there is none.
            output: a folder or URL for Delta tables, or `schema` or `catalog.schema`; a temporary folder that goes with the process where None.
            enforce_constraints: leave out rows that break the metadata's constraints, with one warning that sums them up; keys stay whole.
            quality_threshold: greatest TVD in [0, 1] of a column's codes from the real ones.
            on_write_failure: `raise` leaves what was written; `cleanup` gives tables that existed their previous version back and removes new ones;
                `retry` tries a failed write again, then cleans up.

        Returns:
            One DataFrame per table, reading what was written.

        Raises:
            GenerationError: nothing is fitted, a table cannot be generated or written, `num_rows` names a table that is no root, or a condition cannot be
                met: a column that is not drawn, a value that was never seen, a child table with fewer rows than asked for.
            ConstraintViolationError: a column is further than `quality_threshold` from the real one.
        """
        fitted = self._need_fitted("sample")
        seed = _drawn(seed)
        _check_rows(fitted, num_rows or {}, scale)
        given = resolve_conditions(self.spark, fitted, conditions, enforce_constraints=enforce_constraints)
        self._check_output(output)
        check_executors(self.spark)
        check_models(self.spark, {t.model.name for t in fitted.tables.values() if t.model})
        self._samples += 1
        run_name = f"s{self._samples}"
        target = output or self._work().folder("samples", run_name)
        log.info(SAMPLE_STARTED, seed=seed, output=target)
        with TableWriter(self.spark, Target.parse(target), on_failure=on_write_failure) as writer:
            run = SampleRun(
                spark=self.spark,
                fitted=fitted,
                writer=writer,
                staged=self._work().folder("staged", run_name),
                seed=seed,
                num_rows=dict(num_rows or {}),
                scale=scale,
                enforce_constraints=enforce_constraints,
                quality_threshold=quality_threshold,
                given=given,
            )
            try:
                tables = run.run()
            finally:
                self._work().remove("staged", run_name)
        log.info(SAMPLE_DONE, seed=seed, output=target)
        return tables

    @raises(SerializationError, "saving the model")
    def save(self, path: str | None = None, *, name: str = "model", overwrite: bool = False) -> str:
        """Save what was learnt as a directory of JSON and safetensors.

        Args:
            path: local path or URL; `./syntho_models/<name>` where None.
            name: of the model, for the default path.
            overwrite: replace a model that is there.

        Returns:
            The path.

        Raises:
            SerializationError: nothing is fitted, or the path exists.
        """
        path = path or f"{DEFAULT_FOLDER}/{checked_table_name(name)}"
        save_artifact(self._need_fitted("save", SerializationError), path, overwrite=overwrite)
        return path

    @classmethod
    @raises(SerializationError, "loading the model")
    def load(
        cls, path: str, *, spark: SparkSession | None = None, work_dir: str | None = None, models: Iterable[type[ConditionalGenerativeModel]] = ()
    ) -> Synthesizer:
        """Load a saved model; runs no code from it and needs no training data.

        Args:
            path: what `save` gave.
            models: classes of your own that tables were fitted with, if `register_model` was not called on them: the directory holds their names only.

        Raises:
            SerializationError: the directory is missing, damaged, or no model; or it needs a row model that is not known.
            SchemaError: one of `models` is no complete row model.
        """
        fitted = load_artifact(path)
        make_known(models, fitted, path)
        synthesizer = cls(fitted.metadata, spark=spark, work_dir=work_dir)
        synthesizer._fitted = fitted
        return synthesizer

    @raises(GenerationError, "writing tables")
    def save_to_hive(
        self, tables: Mapping[str, DataFrame], target_db: str, *, on_write_failure: Literal["raise", "cleanup", "retry"] = "raise"
    ) -> dict[str, str]:
        """Write tables to a schema of the catalog, as Delta tables.

        Args:
            target_db: `schema` or `catalog.schema`; made where it is missing.

        Returns:
            The full name of each table.

        Raises:
            SchemaError: a name is not allowed.
            GenerationError: a write failed.
        """
        return save_tables(self.spark, tables, target_db, on_failure=on_write_failure)

    @raises(GenerationError, "validating")
    def generate_validation_report(
        self, real: Mapping[str, DataFrame | str], synthetic: Mapping[str, DataFrame | str], path: str | None = None, *, seed: int = 0
    ) -> Report:
        """Compare real and synthetic tables from Spark aggregates, each figure beside its ceiling from halves of the real data.

        Args:
            path: where to write the report, by its suffix as HTML or JSON; nowhere where None.
        """
        frames = apply_orphan_policies(self.metadata, self._read(real))
        report = Report(validate(self.metadata, frames, self._read(synthetic), seed=seed))
        if path is not None:
            report.save(path)
        return report

    def _check_output(self, output: str | None) -> None:
        target = Target.parse(output) if output else None
        hit = sorted(n for n in self.metadata.tables if target is not None and target.address(n) in self._sources)
        if hit:
            raise GenerationError(f"output {output!r} holds the real tables {hit} that were read before; name another place, so that they are not overwritten")

    def _read(self, data: Mapping[str, DataFrame | str]) -> dict[str, DataFrame]:
        self._sources |= {absolute_path(source) if is_path(source) else source for source in data.values() if isinstance(source, str)}
        return {name: read_table(self.spark, source) for name, source in data.items()}

    def _work(self) -> Workspace:
        if self._workspace is None:
            self._workspace = Workspace(self.spark, self._work_dir)
        return self._workspace

    def _need_fitted(self, doing: str, error: type[SynthoHiveError] = GenerationError) -> FittedSchema:
        if self._fitted is None:
            raise error(f"cannot {doing}: nothing is fitted; call fit(data) first, or Synthesizer.load(path)")
        return self._fitted

    def _config_with(self, epochs: int | None, batch_size: int | None) -> FitConfig:
        given = {k: v for k, v in {"epochs": epochs, "batch_size": batch_size}.items() if v is not None}
        training = type(self.config.training).model_validate({**self.config.training.model_dump(), **given})
        return self.config.model_copy(update={"training": training})


def _drawn(seed: int | None) -> int:
    return secrets.randbits(SEED_BITS) if seed is None else seed


def _check_rows(fitted: FittedSchema, num_rows: Mapping[str, int], scale: float) -> None:
    if not scale > 0:
        raise GenerationError(f"scale must be above 0, got {scale}")
    roots = sorted(n for n, t in fitted.tables.items() if t.program.driving is None)
    wrong = sorted(n for n in num_rows if n not in roots)
    if wrong:
        raise GenerationError(f"num_rows: {wrong} are no root tables: children follow from their parents, reference tables are copied; roots are {roots}")
    negative = sorted(n for n, rows in num_rows.items() if rows < 0)
    if negative:
        raise GenerationError(f"num_rows: {negative} must be 0 or more")
