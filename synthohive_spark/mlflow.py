"""MLflow (the extra `mlflow`): log what a fit was and how good its copy is, and keep models in a registry. Loading a model runs no code of it.

A model has two flavours: `synthohive_spark`, which `load_model` gives as a `Synthesizer`, and `python_function`, which makes rows of one table without Spark.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from pyspark.sql import SparkSession

from .errors import MissingDependencyError, SchemaError, SerializationError, raises
from .report import Report
from .spec.fitted import FittedSchema
from .spec.identifiers import safe_name
from .spec.source_options import SourceOptions
from .stages.chains import made_without_spark
from .storage.artifacts import load_artifact, package_version
from .synthesizer import Synthesizer

try:
    import mlflow
    from mlflow.entities import Metric
    from mlflow.models import Model, ModelSignature
    from mlflow.types import ColSpec, Schema
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] != "mlflow":
        raise
    raise MissingDependencyError('synthohive_spark.mlflow needs MLflow: pip install "synthohive_spark[mlflow]"') from None

if TYPE_CHECKING:
    from mlflow.models.model import ModelInfo

FLAVOR = "synthohive_spark"
DATA = "model"  # the folder of a saved synthesizer inside of MLflow's
BATCH = 1000  # metrics that MLflow takes at once
_SIGNATURE = (("string", "table", True), ("long", "seed", False), ("long", "rows", False), ("double", "scale", False))


@raises(SerializationError, "logging to MLflow")
def log_run(synthesizer: Synthesizer, report: Report | None = None, *, name: str = DATA, registered_model_name: str | None = None) -> ModelInfo:
    """Log a fitted synthesizer into the active run (one is started where none is): parameters, losses, figures, the report, and the model.

    A report shows labels that are common in the real data, as its page does: whoever may read the run may read these.

    Args:
        report: of a copy that it made.
        name: of the model in the run.
        registered_model_name: register the model under it, too.

    Raises:
        SerializationError: nothing is fitted, or MLflow cannot be reached.
    """
    run = mlflow.active_run() or mlflow.start_run()
    mlflow.log_params(_parameters(synthesizer))
    metrics = [*_losses(synthesizer), *(_figures(report) if report is not None else ())]
    for start in range(0, len(metrics), BATCH):
        mlflow.MlflowClient().log_batch(run.info.run_id, metrics=metrics[start : start + BATCH])
    if report is not None:
        mlflow.log_text(report.to_html(), "report/report.html")
        mlflow.log_text(report.to_json(), "report/report.json")
    return log_model(synthesizer, name, registered_model_name=registered_model_name)


def log_model(synthesizer: Synthesizer, name: str = DATA, **options: Any) -> ModelInfo:
    """Log the model alone.

    Args:
        options: of MLflow's `Model.log`, such as `registered_model_name`.
    """
    return Model.log(artifact_path=None, name=name, flavor=sys.modules[__name__], synthesizer=synthesizer, **options)


def save_model(synthesizer: Synthesizer, path: str, mlflow_model: Model | None = None, **_: Any) -> None:
    """Save a model of both flavours as a folder: MLflow's description beside what `Synthesizer.save` writes.

    Raises:
        SerializationError: nothing is fitted, or the folder exists.
    """
    folder, model = Path(path), mlflow_model or Model()
    if folder.exists() and any(folder.iterdir()):
        raise SerializationError(f"{path} exists; choose another folder")
    folder.mkdir(parents=True, exist_ok=True)
    synthesizer.save(str(folder / DATA))
    needed = f"synthohive_spark=={package_version()}\n"
    (folder / "requirements.txt").write_text(needed, encoding="utf-8")
    model.signature = ModelSignature(inputs=Schema([ColSpec(kind, column, required=required) for kind, column, required in _SIGNATURE]))
    model.add_flavor(FLAVOR, data=DATA, version=package_version())
    mlflow.pyfunc.add_to_model(model, loader_module=__name__, data=DATA, python_env=None, conda_env=None)
    model.save(str(folder / "MLmodel"))


@raises(SerializationError, "loading the model from MLflow")
def load_model(model_uri: str, *, spark: SparkSession | None = None, work_dir: str | None = None) -> Synthesizer:
    """The synthesizer of a logged or registered model.

    Args:
        model_uri: `runs:/<id>/model`, `models:/<name>/<version>`, a folder, ...
        spark: as of `Synthesizer.load`.
        work_dir: the same.

    Raises:
        SerializationError: there is no such model, or it has another flavour.
    """
    folder = Path(mlflow.artifacts.download_artifacts(artifact_uri=model_uri))
    flavors = Model.load(str(folder)).flavors
    if FLAVOR not in flavors:
        raise SerializationError(f"{model_uri} has the flavours {sorted(flavors)}, and not {FLAVOR}; log it by synthohive_spark.mlflow.log_model")
    return Synthesizer.load(str(folder / flavors[FLAVOR]["data"]), spark=spark, work_dir=work_dir)


class Rows:
    """The `python_function` flavour: rows of one table, made in this process."""

    def __init__(self, fitted: FittedSchema) -> None:
        self._fitted = fitted

    def predict(self, model_input: pd.DataFrame, params: Mapping[str, Any] | None = None) -> pd.DataFrame:
        """The rows that one request asks for.

        Args:
            model_input: one row with `table`, and where they are wanted `seed`, `rows`, `scale`, as the options of the data source (`docs/data_source.md`).

        Raises:
            SchemaError: there are several requests, or one makes no sense.
            GenerationError: rows of the table need Spark: take `load_model(...).sample()`.
        """
        if len(model_input) != 1:
            raise SchemaError(f"one row asks for the rows of one table, and there are {len(model_input)}")
        request = {str(name): _plain(value) for name, value in model_input.iloc[0].items() if not pd.isna(value)}
        asked = SourceOptions.parse({**request, "model": DATA})
        return made_without_spark(self._fitted, asked).to_pandas()


def _load_pyfunc(path: str) -> Rows:
    """What MLflow calls with the folder of the model's data."""
    return Rows(load_artifact(path))


def _plain(value: Any) -> str:
    """MLflow makes floats of whole numbers beside missing ones."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _parameters(synthesizer: Synthesizer) -> dict[str, Any]:
    fitted = synthesizer.fitted
    found: dict[str, Any] = {"seed": fitted.seed, "version": fitted.version, "tables": len(fitted.asked.tables)}
    for name, table in fitted.tables.items():
        if name in fitted.inner:  # made for keys that nobody declared
            continue
        found[f"rows/{_named(name)}"] = table.program.rows
        found[f"row_model/{_named(name)}"] = table.model.name if table.model else "none"
    if synthesizer.training:
        found |= {f"training/{name}": value for name, value in synthesizer.config.training.model_dump(mode="json").items()}
    return found


def _losses(synthesizer: Synthesizer) -> Iterator[Metric]:
    """What each evaluation told; the step is the epoch."""
    for table, history in synthesizer.training.items():
        for place, entry in enumerate(history):
            numbers = {name: value for name, value in entry.items() if name != "epoch" and isinstance(value, int | float)}
            yield from (Metric(f"training/{_named(table)}/{_named(name)}", float(value), 0, int(entry.get("epoch", place))) for name, value in numbers.items())


def _figures(report: Report) -> Iterator[Metric]:
    for name, figure in report.findings.figures.items():
        for what, value in (("report", figure.value), ("ceiling", figure.ceiling), ("floor", figure.floor)):
            if value is not None:
                yield Metric(f"{what}/{_named(name)}", float(value), 0, 0)
    yield Metric("report/faults", float(len(report.findings.faults)), 0, 0)


def _named(name: str) -> str:
    return safe_name(name)  # MLflow refuses most signs, `//` and `..`, and long names
