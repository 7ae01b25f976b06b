"""One call of `sample`, from what the user asked to the published tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from pyspark.sql import DataFrame, SparkSession

from ..errors import SynthoHiveError
from ..events import SAMPLE_DONE, SAMPLE_STARTED, get_logger
from ..spec.condition import Condition
from ..spec.fitted import FittedSchema
from ..spec.spelling import spelt
from ..storage.artifacts import fingerprint
from ..storage.checkpoints import Checkpoints
from ..storage.tables import RunInfo, RunWriter, Target
from .conditions import resolve_conditions
from .executors import check_executors
from .models import check_models
from .resume import keep_run, kept_sample, run_of
from .rows import plan_rows
from .sample import STAGED, SampleRun
from .tags import check_tags, set_tags
from .workspace import Workspace

log = get_logger(__name__)


@dataclass(frozen=True)
class SampleCall:
    """What was asked; as the arguments of `Synthesizer.sample`, with a seed in any case."""

    num_rows: Mapping[str, int] | None
    conditions: Sequence[Mapping[str, Any] | Condition]
    scale: float
    seed: int
    output: str | None
    enforce_constraints: bool
    quality_threshold: float | None
    on_write_failure: Literal["raise", "cleanup", "retry"]
    strict: bool
    resume: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def decides_rows(self) -> dict[str, Any]:
        """All that rows and their place depend on, beside the model."""
        asked = asdict(self)
        asked["conditions"] = [c.model_dump(mode="json") if isinstance(c, Condition) else dict(c) for c in self.conditions]
        return {name: value for name, value in asked.items() if name not in ("on_write_failure", "resume", "tags")}


@dataclass
class Sampling:
    """Carries out calls of `sample`, one after the other.

    Attributes:
        workspace: for what no later process goes on with.
        work_dir: the folder that the user named.
    """

    spark: SparkSession
    fitted: FittedSchema
    workspace: Workspace
    work_dir: str | None
    told: list[str] = field(default_factory=list)

    def run(self, call: SampleCall, name: str) -> dict[str, DataFrame]:
        """All tables, published.

        Args:
            name: of the call in the workspace.
        """
        spark, fitted = self.spark, self.fitted
        target = call.output or self.workspace.folder("samples", name)
        place = Target.parse(target)
        check_tags(spark, place, call.tags)
        given = resolve_conditions(spark, fitted, call.conditions, enforce_constraints=call.enforce_constraints)
        check_executors(spark)
        check_models(spark, {t.model.name for t in fitted.tables.values() if t.model})
        num_rows = {spelt(t, fitted.asked.tables): n for t, n in (call.num_rows or {}).items()}
        planned = plan_rows(fitted, num_rows, call.scale, given, strict=call.strict, told=self.told)
        log.info(SAMPLE_STARTED, seed=call.seed, output=target)
        kept = self._kept(call)
        staged = self.workspace.folder("staged", name) if kept is None else kept.make_folder(STAGED)
        run = SampleRun(
            spark=spark,
            fitted=fitted,
            writer=RunWriter(
                spark,
                place,
                info=run_of(kept, run_info(fitted, call.seed)),
                never=fitted.sources,
                on_failure=call.on_write_failure,
                work_dir=staged,
                resumable=kept is not None,
            ),
            staged=staged,
            seed=call.seed,
            planned=planned,
            scale=call.scale,
            strict=call.strict,
            enforce_constraints=call.enforce_constraints,
            quality_threshold=call.quality_threshold,
            given=given,
            told=self.told,
            kept=kept,
        )
        tables = self._published(run)
        if kept is not None:
            kept.remove()
        self.told += set_tags(spark, place, (table for table in tables if table not in fitted.references), call.tags)
        log.info(SAMPLE_DONE, seed=call.seed, output=target)
        return {table: tables[table] for table in fitted.asked.tables}

    def _published(self, run: SampleRun) -> dict[str, DataFrame]:
        try:
            with run.writer as writer:
                writer.prepare(list(self.fitted.asked.tables))
                if run.kept is not None:
                    keep_run(run.kept, writer.run)
                if not writer.is_published:
                    run.run()
                return writer.publish(self.told)
        finally:
            if run.kept is None:
                self.workspace.remove("staged", run.staged.rpartition("/")[2])

    def _kept(self, call: SampleCall) -> Checkpoints | None:
        if not call.resume:
            return None
        return kept_sample(str(self.work_dir), self.fitted, call.decides_rows)


def run_info(fitted: FittedSchema | None, seed: int | None = None) -> RunInfo:
    """A fresh run that writes what a model has made."""
    if fitted is None:
        return RunInfo.fresh(seed=seed)
    try:
        told = fingerprint(fitted, contents=False)
    except SynthoHiveError:  # a model that cannot be saved makes rows all the same
        told = ""
    return replace(RunInfo.fresh(models_of(fitted), seed), fingerprint=told, real=frozenset(fitted.references))


def models_of(fitted: FittedSchema) -> str:
    """The row models, for the notes of a run."""
    return ", ".join(sorted({table.model.name for table in fitted.tables.values() if table.model}))
