"""The public face: fit, sample, save, load, validate. Reads as a table of contents; the work is in `stages`."""

from __future__ import annotations

import secrets
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from pyspark.sql import DataFrame, SparkSession

from .errors import GenerationError, SchemaError, SerializationError, SynthoHiveError, TrainingError, raises
from .events import FIT_DONE, FIT_STARTED, get_logger
from .kernels.models.base import ConditionalGenerativeModel
from .report import Report
from .spec.condition import Condition
from .spec.config import FitConfig
from .spec.fitted import FittedSchema
from .spec.identifiers import checked_name
from .spec.metadata import Metadata
from .spec.relations import described_relations
from .spec.sources import Sources
from .spec.views.fitted import synthesizer_html
from .stages.check import Examined, check_switches, examine
from .stages.duplicates import Aside, apply_duplicate_policies
from .stages.executors import check_executors
from .stages.fit import FitRun
from .stages.intake import Data, Intake, take_in
from .stages.models import ModelChoice, check_models, choose_models, make_known
from .stages.orphans import apply_orphan_policies
from .stages.resume import check_resumable, kept_fit
from .stages.sampling import SampleCall, Sampling, run_info
from .stages.session import spark_session
from .stages.table_rules import forms_of
from .stages.train import TrainedModel
from .stages.validate import validate
from .stages.workspace import Workspace, rows_aside
from .storage.artifacts import load_artifact, save_artifact
from .storage.tables import save_tables, sources_of

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
        SchemaError: a model is not known or no complete row model, does not take the settings, or is for a table that is not there, with all faults; or a
            setting is for a table that is not there.
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
        self.config = (config or FitConfig()).spelt_for(metadata.tables)
        check_switches(metadata, self.config)
        self.models = choose_models(metadata, model, self.config)
        self._work_dir = work_dir
        self._workspace: Workspace | None = None
        self._fitted: FittedSchema | None = None
        self._trained: dict[str, TrainedModel] = {}
        self._samples = 0

    @raises(SchemaError, "validating the schema")
    def validate_schema(self, data: Data) -> None:
        """Check the data against the metadata. One warning names the tables that look like lookups and are not marked `role: reference`.

        Args:
            data: one Spark or pandas DataFrame, catalog name or path per table; or one folder, schema of the catalog, or `Database`, that holds all tables.

        Raises:
            SchemaValidationError: with every fault that was found.
        """
        taken = take_in(self.spark, self.metadata, data)
        with rows_aside(self._work) as aside:
            _examined(taken, self.config, aside)

    @raises(TrainingError, "fitting")
    def fit(self, data: Data, seed: int | None = None, *, epochs: int | None = None, batch_size: int | None = None, resume: bool = False) -> Synthesizer:
        """Learn the tables on the executors.

        Args:
            data: as for `validate_schema`.
            seed: the same data, seed and number of workers give the same model; one is drawn and logged where there is none.
            epochs: passes over each table's training sample, at most; the model chooses where None.
            batch_size: rows per training step; the model chooses where None.
            resume: keep what is done until all tables are learnt, and go on with what an earlier call with the same data, metadata and settings has left, in
                this process or another one: tables that are described, models that are trained. Wants `seed` and `Synthesizer(work_dir=...)`.

        Raises:
            SchemaValidationError: the data does not match the metadata.
            TrainingError: a model could not be trained.
        """
        if resume:
            check_resumable("fit(resume=True)", TrainingError, seed=seed, **{"Synthesizer(work_dir=...)": self._work_dir})
        seed = _drawn(seed)
        config = self._config_with(epochs, batch_size)
        log.info(FIT_STARTED, seed=seed, tables=len(self.metadata.tables))
        taken = take_in(self.spark, self.metadata, data)
        check_executors(self.spark)
        check_models(self.spark, self.models.values())
        with rows_aside(self._work) as aside:
            examined = _examined(taken, config, aside)
            frames = apply_orphan_policies(examined.metadata, examined.data)
            run = FitRun(
                self.spark,
                examined.metadata,
                examined.joint,
                examined.graph,
                examined.plan,
                frames,
                taken.layouts,
                forms_of(self.spark, taken),
                Sources(tables={name: sources_of(frame) for name, frame in taken.frames.items()}),  # and not where rows were set aside
                self.models | {found.parent: self.models[found.table] for found in examined.joint if found.made},
                config,
                seed,
                self._work(),
                examined.denormalized,
            )
            run.kept = kept_fit(str(self._work_dir), run) if resume else None
            self._fitted, self._trained = run.run(), run.trained
        if run.kept is not None:
            run.kept.remove()
        log.info(FIT_DONE, seed=seed)
        return self

    @property
    def dependencies(self) -> dict[str, list[str]]:
        """Per learnt table, the columns that others determine, in words: `hour = sched_dep_time // 100`. Synthetic rows keep them."""
        return {name: table.dependencies for name, table in self._need_fitted("tell dependencies").tables.items()}

    @property
    def training(self) -> dict[str, tuple[dict[str, Any], ...]]:
        """Per table whose row model was trained by this object, one entry per evaluation: epoch, losses, and `held_out` (its own loss) or `distance`."""
        return {name: trained.history for name, trained in self._trained.items()}

    @property
    def fitted(self) -> FittedSchema:
        """What was learnt.

        Raises:
            GenerationError: nothing is fitted.
        """
        return self._need_fitted("tell what was learnt")

    @property
    def relations(self) -> list[str]:
        """In words: what drives the rows of a table and what orders them, whether they see each other, which partners suit them, what they repeat."""
        return described_relations(self._need_fitted("tell relations"))

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
        strict: bool = False,
        resume: bool = False,
        tags: Mapping[str, str] | None = None,
    ) -> dict[str, DataFrame]:
        """Generate all tables on the executors and write them as Delta tables, all or none.

        Tables that an earlier run wrote there are replaced by a new version; what else stands there is left alone, and the call refused.

        Args:
            num_rows: rows of root tables (those that no learnt parent drives), by name.
            conditions: rows that must have given values, each `{"table": ..., "values": {column: value}, "rows": n}`. A root table gets exactly these rows
                (and `num_rows` free ones where it is named there); a child table, whose rows its parents bring, has them among its rows, spread evenly.
                Values that break a check constraint by themselves are refused; a row that breaks one by its other values is drawn again, and left out if no
                attempt mends it. `enforce_constraints` can leave some out too; `quality_threshold` does not judge a table with conditions.
            scale: rows of the other roots, as a multiple of their real number, and one at least; above 0.
            seed: the same model and seed give the same rows on any cluster; one is drawn and logged where there is none.
            output: a folder or URL for Delta tables, or `schema` or `catalog.schema`; a temporary folder that goes with the process where None.
            enforce_constraints: leave out rows that break the metadata's constraints, with one warning that sums them up; keys stay whole.
            quality_threshold: greatest TVD in [0, 1] of a column's codes from the real ones.
            on_write_failure: `raise` and `cleanup`: an error leaves the tables of the output as they were, and nothing of the run; `retry` tries a failed
                write again before that.
            strict: refuse where a key has no room for the rows asked for; else there are as many as can be, with a warning.
            resume: keep what is done until the tables are published, and go on with what an earlier call with the same model and arguments has left, in
                this process or another one. Wants `seed`, `output` and `Synthesizer(work_dir=...)`. A run into the same output without it clears the rest.
            tags: to set on the tables, where `output` is a schema of Unity Catalog; reference tables, whose rows are real, get none.

        Returns:
            One DataFrame per table, reading what this run wrote.

        Raises:
            GenerationError: nothing is fitted, a table cannot be generated or written, the output holds what is not ours, `num_rows` names a table that is
                no root, or a condition cannot be met: a column that is not drawn, a value that was never seen, a child table with fewer rows than asked for.
            ConstraintViolationError: a column is further than `quality_threshold` from the real one.
        """
        fitted = self._need_fitted("sample")
        if resume:
            check_resumable("sample(resume=True)", GenerationError, seed=seed, output=output, **{"Synthesizer(work_dir=...)": self._work_dir})
        call = SampleCall(
            num_rows,
            conditions,
            scale,
            _drawn(seed),
            output,
            enforce_constraints,
            quality_threshold,
            on_write_failure,
            strict=strict,
            resume=resume,
            tags=tags or {},
        )
        self._samples += 1
        sampling = Sampling(self.spark, fitted, self._work(), self._work_dir)
        tables = sampling.run(call, f"s{self._samples}")
        for text in sampling.told:
            warnings.warn(text, stacklevel=3)
        return tables

    def _repr_html_(self) -> str:
        """For notebooks: the tables, and what was learnt of them."""
        return synthesizer_html(self.metadata, self._fitted, self.models)

    @raises(SerializationError, "saving the model")
    def save(self, path: str | None = None, *, name: str = "model", overwrite: bool = False, sign: bool = False) -> str:
        """Save what was learnt as a directory of JSON and safetensors.

        Args:
            path: local path or URL; `./syntho_models/<name>` where None.
            name: of the model, for the default path.
            overwrite: replace a model that is there.
            sign: add a signature with the key that the environment variable `SYNTHOHIVE_SIGNING_KEY` holds, which `load(verify=True)` asks for.

        Returns:
            The path.

        Raises:
            SerializationError: nothing is fitted, or the path exists, or there is no key.
        """
        path = path or f"{DEFAULT_FOLDER}/{checked_name(name)}"
        save_artifact(self._need_fitted("save", SerializationError), path, overwrite=overwrite, sign=sign)
        return path

    @classmethod
    @raises(SerializationError, "loading the model")
    def load(
        cls,
        path: str,
        *,
        spark: SparkSession | None = None,
        work_dir: str | None = None,
        models: Iterable[type[ConditionalGenerativeModel]] = (),
        verify: bool = False,
    ) -> Synthesizer:
        """Load a saved model; runs no code from it and needs no training data.

        Args:
            path: what `save` gave.
            models: classes of your own that tables were fitted with, if `register_model` was not called on them: the directory holds their names only.
            verify: refuse a model that was not signed with the key that the environment variable `SYNTHOHIVE_SIGNING_KEY` holds, or was changed since.

        Raises:
            SerializationError: the directory is missing, damaged, or no model; or its signature does not fit; or it needs a row model that is not known.
            SchemaError: one of `models` is no complete row model.
        """
        fitted = load_artifact(path, verify=verify)
        make_known(models, fitted, path)
        synthesizer = cls(fitted.asked, spark=spark, work_dir=work_dir)
        synthesizer._fitted = fitted
        return synthesizer

    @raises(GenerationError, "writing tables")
    def save_to_hive(
        self, tables: Mapping[str, DataFrame], target_db: str, *, on_write_failure: Literal["raise", "cleanup", "retry"] = "raise"
    ) -> dict[str, str]:
        """Write tables to a schema of the catalog, as Delta tables, all or none.

        Args:
            target_db: `schema` or `catalog.schema`; made where it is missing.
            on_write_failure: as for `sample`.

        Returns:
            The full name of each table.

        Raises:
            SchemaError: a name is not allowed.
            GenerationError: a write failed, or the schema holds tables that are not ours.
        """
        never = self._fitted.sources if self._fitted else None
        info = run_info(self._fitted)
        forms = {name: form.without_columns() for name, form in self._fitted.forms.items()} if self._fitted else {}
        return save_tables(self.spark, tables, target_db, info=info, never=never, on_failure=on_write_failure, work_dir=self._work_dir, forms=forms)

    @raises(GenerationError, "validating")
    def generate_validation_report(
        self, real: Data, synthetic: Data, path: str | None = None, *, seed: int = 0, target: Mapping[str, str] | None = None
    ) -> Report:
        """Compare real and synthetic tables from Spark aggregates, each figure beside its ceiling from halves of the real data.

        Where this is fitted or loaded, the rules that `dependencies` lists are counted on the synthetic tables, too.

        Args:
            real: as for `validate_schema`.
            synthetic: the same.
            path: where to write the report, by its suffix as HTML or JSON; nowhere where None.
            target: per table a column, `{"orders": "returned"}`: how well it is predicted, on real rows that were held out, by models that learnt on synthetic
                rows and on real ones (TSTR).

        Raises:
            SchemaError: a table or a column is missing on one side, or a target is no column that is compared.
            GenerationError: Spark could not compare them.
        """
        taken, made = take_in(self.spark, self.metadata, real), take_in(self.spark, self.metadata, synthetic)
        with rows_aside(self._work) as aside:
            frames = apply_orphan_policies(taken.metadata, apply_duplicate_policies(taken.metadata, taken.frames, aside))
            report = Report(validate(taken.metadata, frames, made.frames, fitted=self._fitted, seed=seed, target=target))
        if path is not None:
            report.save(path)
        return report

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


def _examined(taken: Intake, config: FitConfig, aside: Aside) -> Examined:
    """For public methods: the hint is shown at their caller's line."""
    examined = examine(taken.metadata, taken.frames, min_rows=config.encoding.min_category_rows, aside=aside)
    if examined.hint:
        warnings.warn(examined.hint, stacklevel=4)
    return examined


def _drawn(seed: int | None) -> int:
    return secrets.randbits(SEED_BITS) if seed is None else seed
