"""Synthetic relational data at lakehouse scale: learn a multi-table schema on Spark, write a synthetic copy as Delta tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
from .storage.tables import read_run
from .synthesizer import Synthesizer

if TYPE_CHECKING:
    from .storage.databases.database import Database

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


def __getattr__(name: str) -> object:
    """`Database` when it is first asked for: SQLAlchemy is an extra."""
    if name != "Database":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from .storage.databases.database import Database
    except ModuleNotFoundError as error:
        if error.name != "sqlalchemy":
            raise
        raise MissingDependencyError('Database needs SQLAlchemy: pip install "synthohive_spark[databases]"') from None
    return Database
