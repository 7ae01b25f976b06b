"""Which row model each table gets: checked on the driver before anything starts, and tried on the executors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from pyspark.sql import SparkSession

from ..causes import describe
from ..errors import MissingDependencyError, SchemaError, SerializationError
from ..kernels.models import build_fault, known_models, model_class, model_faults, model_names, register_model
from ..kernels.models.base import ConditionalGenerativeModel
from ..kernels.models.ctgan import CTGAN
from ..spec.config import FitConfig
from ..spec.fitted import FittedSchema
from ..spec.metadata import Metadata
from ..spec.spelling import spelt

ModelChoice = str | type[ConditionalGenerativeModel]

DEFAULT_MODEL = "ctgan"
_PACKAGE = __name__.partition(".")[0]


def choose_models(metadata: Metadata, model: ModelChoice | Mapping[str, ModelChoice], config: FitConfig) -> dict[str, str]:
    """The name of each table's row model; classes are registered under theirs.

    Raises:
        SchemaError: with every fault: a name that is not registered, a class that is no complete row model, settings that a model does not take, tables
            that are not there. Nothing is registered then.
    """
    if isinstance(model, Mapping):
        model = {spelt(str(table), metadata.tables): choice for table, choice in model.items()}
        unknown = sorted(str(t) for t in set(model) - set(metadata.tables))
        faults = [f"no tables named {unknown} in the metadata, which has {sorted(metadata.tables)}"] if unknown else []
        chosen: dict[str, Any] = {name: model.get(name, DEFAULT_MODEL) for name in metadata.tables}
        choices = [*chosen.values(), *(choice for name, choice in model.items() if name not in chosen)]
    else:
        faults, chosen, choices = [], dict.fromkeys(metadata.tables, model), [model]
    distinct = list({id(c) if isinstance(c, type) else repr(c): c for c in choices}.values())
    for choice in distinct:
        faults += _choice_faults(choice, config)
    faults += _shared_names([c for c in distinct if isinstance(c, type)])
    if faults:
        raise SchemaError("model: " + "; ".join(faults))
    return {name: choice if isinstance(choice, str) else register_model(choice).name for name, choice in chosen.items()}


def model_settings(config: FitConfig, name: str) -> dict[str, Any]:
    """What the row model `name` is built with: the settings below its own name, and those below none."""
    settings = config.training.settings
    common = {key: value for key, value in settings.items() if key not in known_models() and key != name}
    own = settings.get(name, {})
    legacy = {"legacy_context_conditioning": True} if config.legacy_context_conditioning and name == CTGAN.name else {}
    return {**common, **(own if isinstance(own, Mapping) else {}), **legacy}


def _choice_faults(choice: object, config: FitConfig) -> list[str]:
    if isinstance(choice, str):
        if choice not in known_models():
            return [f"{choice!r} is not registered; there are {', '.join(known_models())}, or pass a class of your own"]
        fault = build_fault(model_class(choice), model_settings(config, choice))
    elif isinstance(choice, type) and not model_faults(choice):
        fault = build_fault(choice, model_settings(config, str(getattr(choice, "name", ""))))
    else:
        return model_faults(choice)
    return [fault] if fault else []


def _shared_names(classes: list[type]) -> list[str]:
    """Two classes of one call must not have one name: the second would silently take both tables."""
    named: dict[str, list[str]] = {}
    for cls in classes:
        named.setdefault(str(getattr(cls, "name", "")), []).append(cls.__qualname__)
    return [f"the classes {', '.join(sorted(held))} all have the name {name!r}; give each its own" for name, held in named.items() if name and len(held) > 1]


def make_known(models: Iterable[type[ConditionalGenerativeModel]], fitted: FittedSchema, path: str) -> None:
    """Register `models`, and make sure that all models of `fitted` are known then.

    Raises:
        SchemaError: one of `models` is no complete row model.
        SerializationError: a model is not known; says how to make it known.
    """
    models = tuple(models)
    faults = [fault for cls in models for fault in model_faults(cls)] + _shared_names([c for c in models if isinstance(c, type)])
    if faults:
        raise SchemaError("models: " + "; ".join(faults))
    for cls in models:
        register_model(cls)
    missing: dict[str, list[str]] = {}
    for table, learnt in fitted.tables.items():
        if learnt.model is not None and learnt.model.name not in known_models():
            missing.setdefault(learnt.model.name, []).append(table)
    if missing:
        needed = "; ".join(f"the row model {name!r} of {', '.join(repr(t) for t in sorted(tables))}" for name, tables in sorted(missing.items()))
        raise SerializationError(
            f"{path} needs {needed}, and known are {', '.join(known_models())}: an artifact holds no code; "
            "pass the class, Synthesizer.load(path, models=[MyModel]), or call register_model(MyModel) before"
        )


def check_models(spark: SparkSession, names: Iterable[str]) -> None:
    """Make sure that classes from outside the package reach the executors: a class of a notebook travels by value, one of a module by name.

    Raises:
        MissingDependencyError: one does not arrive; says why and what to do.
    """
    for cls in (model_class(name) for name in sorted(set(names))):
        if cls.__module__.partition(".")[0] == _PACKAGE:
            continue
        try:
            spark.range(1).mapInPandas(partial(model_names, models=(cls,)), "name string").collect()
        except Exception as error:  # it fails in many ways, and each is worth the same answer
            raise MissingDependencyError(
                f"the row model {cls.name!r} does not reach the executors ({describe(error)}): either its module {cls.__module__!r} is not there "
                f"(spark-submit --py-files, or spark.addArtifacts(..., pyfile=True)), or it refers to something that cannot be pickled, such as a session"
            ) from error
