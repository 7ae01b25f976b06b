"""Synthetic relational data at lakehouse scale: learn a multi-table schema on Spark, write a synthetic copy as Delta tables."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .copying import Copy, copy
    from .detection import Detected, detect
    from .errors import (
        ConstraintViolationError,
        GenerationError,
        MissingDependencyError,
        PrivacyError,
        QualityError,
        SchemaError,
        SchemaValidationError,
        SerializationError,
        SynthoHiveError,
        TrainingError,
    )
    from .kernels.models import register_model
    from .kernels.models.base import CodeLayout, ConditionalGenerativeModel
    from .report import Report
    from .spec.condition import Condition
    from .spec.config import EncodingConfig, FitConfig, TrainingConfig
    from .spec.detection.findings import Finding
    from .spec.metadata import Constraint, ForeignKey, Metadata, Table
    from .stages.data_source import register_data_source
    from .stages.session import spark_session
    from .storage.databases.database import Database
    from .storage.tables import read_run
    from .synthesizer import Synthesizer

__all__ = [
    "CodeLayout",
    "ConditionalGenerativeModel",
    "Condition",
    "Constraint",
    "ConstraintViolationError",
    "Copy",
    "Database",
    "Detected",
    "EncodingConfig",
    "Finding",
    "FitConfig",
    "ForeignKey",
    "GenerationError",
    "Metadata",
    "MissingDependencyError",
    "PrivacyError",
    "QualityError",
    "Report",
    "SchemaError",
    "SchemaValidationError",
    "SerializationError",
    "Synthesizer",
    "SynthoHiveError",
    "Table",
    "TrainingConfig",
    "TrainingError",
    "copy",
    "detect",
    "read_run",
    "register_data_source",
    "register_model",
    "spark_session",
]

# Workers import the package for its kernels only: all that the driver needs beside would take each of them two seconds.
_HOME = {
    "copying": ("Copy", "copy"),
    "detection": ("Detected", "detect"),
    "errors": tuple(name for name in __all__ if name.endswith("Error")),
    "kernels.models": ("register_model",),
    "kernels.models.base": ("CodeLayout", "ConditionalGenerativeModel"),
    "report": ("Report",),
    "spec.condition": ("Condition",),
    "spec.config": ("EncodingConfig", "FitConfig", "TrainingConfig"),
    "spec.detection.findings": ("Finding",),
    "spec.metadata": ("Constraint", "ForeignKey", "Metadata", "Table"),
    "stages.data_source": ("register_data_source",),
    "stages.session": ("spark_session",),
    "storage.databases.database": ("Database",),
    "storage.tables": ("read_run",),
    "synthesizer": ("Synthesizer",),
}
_MODULES = {name: module for module, names in _HOME.items() for name in names}


def __getattr__(name: str) -> object:
    """A public name when it is first asked for; `Database` needs an extra."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        found = getattr(import_module(f".{_MODULES[name]}", __name__), name)
    except ModuleNotFoundError as error:
        if error.name != "sqlalchemy":
            raise
        from .errors import MissingDependencyError

        raise MissingDependencyError('Database needs SQLAlchemy: pip install "synthohive_spark[databases]"') from None
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
