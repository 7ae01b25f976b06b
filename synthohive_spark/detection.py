"""Metadata from data: `detect` looks at tables that nobody has described, and says what it found, how sure it is, and why."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from .detection_view import html_of, table_of
from .errors import SchemaError, raises
from .spec.detection.findings import Finding
from .spec.metadata import Metadata
from .spec.metadata_yaml import yaml_text
from .stages.detection.detect import detect_metadata
from .stages.intake import Data, take_in_unnamed
from .stages.session import spark_session


@dataclass(frozen=True)
class Detected:
    """What `detect` found. Printed, it is a table; in a notebook a page with a graph of the tables.

    Attributes:
        metadata: to fit with, as it is or edited.
        findings: everything that was found, with confidence and reason, in the order of the tables; those that are not `taken` are not in the metadata.
    """

    metadata: Metadata
    findings: tuple[Finding, ...]

    @property
    def keys(self) -> tuple[Finding, ...]:
        """Primary and foreign keys in the metadata."""
        return self._taken("primary key", "foreign key")

    @property
    def personal(self) -> tuple[Finding, ...]:
        """Personal columns, made by a Faker provider and never learnt."""
        return self._taken("personal")

    @property
    def references(self) -> tuple[Finding, ...]:
        """Lookup tables, copied as they are."""
        return self._taken("reference")

    @property
    def doubtful(self) -> tuple[Finding, ...]:
        """What may be, and is not in the metadata."""
        return tuple(one for one in self.findings if not one.taken)

    def __str__(self) -> str:
        return table_of(self.findings)

    def to_html(self) -> str:
        """The findings and a graph of the tables, to put into a page: no script, no font, no image."""
        return html_of(self.metadata, self.findings)

    def _repr_html_(self) -> str:
        return self.to_html()

    def to_yaml(self, path: str | Path, *, source: Any = None) -> None:
        """Write the metadata to be edited, with confidence and reason of each finding as comments; what is there is replaced.

        Args:
            source: where the tables lie, for the section `source` of a job's configuration: a place for all of them, or a place by table.

        Raises:
            OSError: the place cannot be written.
        """
        notes: dict[str, list[str]] = {}
        for one in self.findings:
            about = f"{one.what} {one.told}".rstrip()
            notes.setdefault(one.table, []).append(f"{'' if one.taken else 'NOT TAKEN: '}{about}: {one.confidence:.2f}, {one.reason}")
        sections = {} if source is None else {"source": source}
        Path(path).write_text(yaml_text(self.metadata, notes=notes, sections=sections), encoding="utf-8")

    def _taken(self, *what: str) -> tuple[Finding, ...]:
        return tuple(one for one in self.findings if one.taken and one.what in what)


@raises(SchemaError, "detecting the metadata")
def detect(data: Data, *, spark: SparkSession | None = None, references: bool = True) -> Detected:
    """Find keys, lookup tables, personal columns and columns that order rows, from what the tables declare, from names and from values.

    The same data gives the same result. It runs in Spark, on counts and hash samples of values, in a few jobs; keys that are proposed were counted on all rows.

    Args:
        data: as for `Synthesizer.fit`: one Spark or pandas DataFrame, catalog name or path per table; or one folder, schema of the catalog, or `Database`,
            whose tables are all taken.
        spark: the session to work in; a local one is made where none is given or active.
        references: give lookup tables `role: reference`, so that a copy has their rows as they are; else they are only told.

    Raises:
        SchemaError: a table cannot be read; no message shows a value of the data.
    """
    session = spark or SparkSession.getActiveSession() or spark_session()
    metadata, findings = detect_metadata(session, take_in_unnamed(session, data), references=references)
    return Detected(metadata, tuple(findings))
