"""One YAML file for a whole run: the metadata's `tables`, and beside them `source`, `fit`, `sample`, `validate` for the jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from ..errors import SchemaError
from .base import Spec
from .condition import Condition
from .config import EncodingConfig, TrainingConfig
from .documents import read_scalar, read_yaml
from .metadata import Metadata


class FileSource(Spec):
    """Files that Spark reads.

    Attributes:
        path: file, folder or URL; relative to the directory that the job runs in.
        format: of Spark's readers.
        options: of that reader (`header`, `nullValue`, ...).
        schema_ddl: column names and types in the file's order ("carrier string, name string"), `schema` in the file; None takes what the files say.
        types: columns to cast after reading: column -> type.
        columns: the columns to keep, in this order; None for all.
    """

    path: str
    format: Literal["delta", "parquet", "csv", "json", "orc", "avro"] = "parquet"
    options: dict[str, str | int | float | bool] = Field(default_factory=dict)
    schema_ddl: str | None = Field(default=None, alias="schema")
    types: dict[str, str] = Field(default_factory=dict)
    columns: tuple[str, ...] | None = None


class DatabaseSource(Spec):
    """A database that holds all tables.

    Attributes:
        database: its URL, as `Database` takes it: secrets are best written as `$NAME`, and come from the environment.
        schema_name: `schema` in the file; the connection's own where None.
    """

    database: str
    schema_name: str | None = Field(default=None, alias="schema")


class FitJob(Spec):
    """What `jobs/fit.py` does; the fields are those of `Synthesizer`, `fit` and `save`.

    Attributes:
        output: where the model goes.
        overwrite: replace a model that is there.
        sign: the model, as `save(sign=True)`.
        work_dir: folder that driver and executors share; on a cluster, where None, one beside the output.
    """

    model: str | dict[str, str] = "ctgan"
    seed: int | None = None
    epochs: int | None = None
    batch_size: int | None = None
    encoding: EncodingConfig = EncodingConfig()
    training: TrainingConfig = TrainingConfig()
    legacy_context_conditioning: bool = False
    exact_dependencies: bool | dict[str, bool] = True
    output: str = "./syntho_models/model"
    overwrite: bool = False
    sign: bool = False
    work_dir: str | None = None
    resume: bool = False


class SampleJob(Spec):
    """What `jobs/sample.py` does; the fields are those of `sample`.

    Attributes:
        model: the saved model; None for where `fit` puts it.
        verify: its signature, as `load(verify=True)`.
        output: folder, URL, `schema` or `catalog.schema` for the Delta tables.
        work_dir: as in `FitJob`.
    """

    model: str | None = None
    verify: bool = False
    seed: int | None = None
    scale: float = Field(default=1.0, gt=0)
    num_rows: dict[str, int] = Field(default_factory=dict)
    conditions: tuple[Condition, ...] = ()
    output: str = "./synthetic"
    enforce_constraints: bool = False
    quality_threshold: float | None = None
    on_write_failure: Literal["raise", "cleanup", "retry"] = "raise"
    strict: bool = False
    work_dir: str | None = None
    resume: bool = False
    tags: dict[str, str] = Field(default_factory=dict)


class ValidateJob(Spec):
    """What `jobs/validate.py` does.

    Attributes:
        synthetic: where the synthetic tables are; None for where `sample` puts them.
        output: the report; its suffix says whether HTML or JSON.
        seed: of the halves of the real data.
        target: per table a column to be predicted, as `generate_validation_report(target=...)`.
    """

    synthetic: str | None = None
    output: str = "report.html"
    seed: int = 0
    target: dict[str, str] = Field(default_factory=dict)


class RunConfig(Spec):
    """A whole run.

    Attributes:
        metadata: the tables and their keys.
        source: where each real table is: a catalog name or a path, or files with a format; or one folder, schema or database that holds all tables.
    """

    metadata: Metadata
    source: str | DatabaseSource | dict[str, str | FileSource] = Field(default_factory=dict)
    fit: FitJob = FitJob()
    sample: SampleJob = SampleJob()
    validate_: ValidateJob = Field(default=ValidateJob(), alias="validate")

    @property
    def model_path(self) -> str:
        """Where `sample` finds the model."""
        return self.sample.model or self.fit.output

    @property
    def synthetic_path(self) -> str:
        """Where `validate` finds the synthetic tables."""
        return self.validate_.synthetic or self.sample.output

    @classmethod
    def from_yaml(cls, path: str | Path, overrides: Sequence[str] = ()) -> RunConfig:
        """Read a YAML file.

        Args:
            path: the file.
            overrides: `section.field=value` each, such as `fit.epochs=20`; the value is read as YAML.

        Raises:
            SchemaError: the file cannot be read, a field is unknown or of the wrong kind, a table has no source or a source no table; with all faults.
        """
        metadata = Metadata.from_yaml(path)
        raw = read_yaml(path)
        sections = {key: value or {} for key, value in raw.items() if key not in Metadata.model_fields}
        for override in overrides:
            _override(sections, override)
        source = sections.get("source")
        try:
            if isinstance(source, Mapping) and "database" in source and not set(source) & set(metadata.tables):  # else it is a table of this name
                sections["source"] = DatabaseSource.model_validate(source)
            run = cls.model_validate({"metadata": metadata, **sections})
        except ValidationError as error:
            faults = [f"{_place(e['loc'])}: {e['msg']}" for e in error.errors() if e["loc"][-1] != "str"]
            raise SchemaError(f"{path}: " + "; ".join(faults)) from error
        faults = _source_faults(run)
        if faults:
            raise SchemaError(f"{path}: " + "; ".join(faults))
        return run


def _place(parts: tuple[Any, ...]) -> str:
    # pydantic names the branch of a union too, which is not in the file (and has a fault for each branch: those of the plain string are left out)
    return ".".join(str(part) for part in parts if part not in ("FileSource", "DatabaseSource") and not str(part).startswith("dict["))


def _source_faults(run: RunConfig) -> list[str]:
    if isinstance(run.source, str | DatabaseSource):
        return []
    tables, sources = set(run.metadata.tables), set(run.source)
    faults = [f"source: {name!r} is no table of `tables`, which has {sorted(tables)}" for name in sorted(sources - tables)]
    return faults + [f"source: table {name!r} is missing; name its file or catalog table" for name in sorted(tables - sources)]


def _override(sections: dict[str, Any], override: str) -> None:
    target, equals, text = override.partition("=")
    *way, field = target.strip().split(".")
    if not equals or not field or not (way or field == "source"):
        raise SchemaError(f"override {override!r}: write it as section.field=value, such as fit.epochs=20; or source=..., one place that holds all tables")
    inside: Any = sections
    for part in way:
        inside = inside.setdefault(part, {})
        if not isinstance(inside, Mapping):
            raise SchemaError(f"override {override!r}: {part!r} holds no fields")
    inside[field] = read_scalar(text, f"override {override!r}")
