"""A synthetic copy in one call: what the tables are, what they are like, a copy, and how it compares. Each part is a call of its own, too."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

from .detection import Detected, detect
from .errors import GenerationError
from .report import Report
from .spec.config import FitConfig
from .spec.metadata import ForeignKey, Metadata
from .spec.spelling import spelt
from .stages.intake import Data
from .stages.models import ModelChoice
from .stages.session import spark_session
from .stages.tags import check_tags
from .stages.tally import KeyCount, count_keys, total
from .storage.sources import TableStore
from .storage.targets import Target
from .synthesizer import Synthesizer

SHOWN = 5  # faults in a warning


@dataclass(frozen=True)
class Copy:
    """What `copy` made.

    Attributes:
        detected: what the tables seemed to be; None where the metadata was given.
        synthesizer: fitted; save it, or sample more.
        tables: the copy, one DataFrame per table.
        report: real beside synthetic.
    """

    detected: Detected | None
    synthesizer: Synthesizer
    tables: dict[str, DataFrame]
    report: Report

    @property
    def faults(self) -> tuple[str, ...]:
        """Broken keys of the copy; empty where all hold."""
        return tuple(self.report.findings.faults)


def copy(
    source: Data,
    target: str | TableStore,
    *,
    metadata: Metadata | None = None,
    references: bool = False,
    spark: SparkSession | None = None,
    model: ModelChoice | Mapping[str, ModelChoice] = "autoregressive",
    config: FitConfig | None = None,
    seed: int | None = None,
    scale: float = 1.0,
    overwrite: bool = False,
    report: str | Path | None = None,
    work_dir: str | None = None,
    tags: Mapping[str, str] | None = None,
) -> Copy:
    """Detect, fit, sample, check and report.

    Args:
        source: the real tables, as for `detect`.
        target: as `output` of `Synthesizer.sample`: a folder or URL, or `schema` or `catalog.schema`; or a `Database`, which gets the tables with their
            keys (those that `source` declares, where it is a database too).
        metadata: what the tables are; detected where None.
        references: copy detected lookup tables as they are. Their rows are real ones, so this is for someone who has seen what `detect` calls lookups.
        spark: as for `Synthesizer`, as are:
        model: the row model of all tables, or one per table.
        config: settings of encodings and training.
        work_dir: a folder that driver and executors share.
        tags: as for `Synthesizer.sample`; a database has none.
        seed: of fit and sample; one is drawn for each where None.
        scale: as for `Synthesizer.sample`.
        overwrite: replace tables of these names in a database.
        report: where to write the report, by its suffix as HTML or JSON; nowhere where None.

    Raises:
        SynthoHiveError: what `detect` and the methods of `Synthesizer` raise.
    """
    session = spark or SparkSession.getActiveSession() or spark_session()
    if tags and isinstance(target, TableStore):
        raise GenerationError(f"tags: {target!r} is a database, which has none; leave them out, or write to a schema of Unity Catalog")
    if tags and isinstance(target, str):
        check_tags(session, Target.parse(target), tags)
    if isinstance(target, TableStore) and isinstance(source, TableStore):
        _check_target(source, target, overwrite)
    data = source.sources(_asked(source, metadata)) if isinstance(source, TableStore) else source  # read once
    detected = detect(data, spark=session, references=references) if metadata is None else None
    described = (detected.metadata if detected is not None else metadata) or Metadata()
    if isinstance(target, TableStore) and not isinstance(source, TableStore):
        target.check_free(tuple(described.tables), overwrite=overwrite)
    synthesizer = Synthesizer(described, spark=session, model=model, config=config, work_dir=work_dir)
    synthesizer.fit(data, seed=seed)
    tables = synthesizer.sample(scale=scale, seed=seed, output=None if isinstance(target, TableStore) else target, tags=tags)
    made = Copy(detected, synthesizer, tables, synthesizer.generate_validation_report(data, tables, None if report is None else str(report)))
    if made.faults:
        warnings.warn(f"the copy has {len(made.faults)} faults: " + "; ".join(made.faults[:SHOWN]), stacklevel=2)
    if isinstance(target, TableStore):
        told = write_copy(tables, described, source, target, overwrite)
        if told:
            warnings.warn(f"{target!r}: not carried to the copy: " + "; ".join(told[:SHOWN]), stacklevel=2)
    return made


def _asked(source: TableStore, metadata: Metadata | None) -> list[str] | None:
    """Which tables to read; those that are not there are refused with all other faults."""
    return None if metadata is None else [name for name in source.names if spelt(name, metadata.tables) in metadata.tables]


def _check_target(source: TableStore, target: TableStore, overwrite: bool) -> None:
    """Refuse before hours of work what cannot be written, and what would replace real tables."""
    if overwrite and source.place == target.place:
        raise GenerationError(f"{target!r} holds the real tables, which would be replaced; write the copy to another schema or database")
    target.check_free(source.names, overwrite=overwrite)


def write_copy(tables: Mapping[str, DataFrame], described: Metadata, source: Data, target: TableStore, overwrite: bool) -> list[str]:
    """Write the copy to a database, like the one that it is made from.

    Args:
        described: the keys that it keeps.

    Returns:
        What it does not have of the original, in words.
    """
    if not isinstance(source, TableStore):
        target.write(tables, metadata=described, overwrite=overwrite)
        return []
    tables = {spelt(name, source.names): frame for name, frame in tables.items()}  # by the names that they have there
    metadata, told = _declared(source.metadata(), described)
    asked = [(name, c) for name, some in source.unique.items() if name in tables for c in some if set(c) <= set(tables[name].columns)]
    tallies = count_keys([KeyCount(name, columns) for name, columns in asked], tables)
    broken = [key for key, tally in zip(asked, tallies, strict=True) if total(tally, "repeats")]
    target.write(tables, metadata=metadata, like=source, not_unique=broken, overwrite=overwrite)
    return told + [f"table {name!r}: that ({', '.join(columns)}) is unique, as values of columns that are no primary key repeat" for name, columns in broken]


def _declared(declared: Metadata, copied: Metadata) -> tuple[Metadata, list[str]]:
    """The keys that a database declares, as far as its copy was made to keep them; and the others, in words."""
    kept, told = Metadata(), []
    for name, table in declared.tables.items():
        if (copy := copied.tables.get(spelt(name, copied.tables))) is not None:
            keys = tuple(key for key in table.foreign_keys if any(_same(key, other) for other in copy.foreign_keys))
            told += [f"table {name!r}: the foreign key {key}, which is not in the metadata" for key in table.foreign_keys if key not in keys]
            primary = table.primary_key if set(map(str.casefold, table.primary_key)) == set(map(str.casefold, copy.primary_key)) else ()
            told += [f"table {name!r}: its primary key, which the metadata has otherwise"] if primary != table.primary_key else []
            kept.tables[name] = table.model_copy(update={"foreign_keys": keys, "primary_key": primary})
    return kept, told


def _same(one: ForeignKey, other: ForeignKey) -> bool:
    pairs = [{(own.casefold(), above.casefold()) for own, above in zip(key.columns, key.parent_columns, strict=True)} for key in (one, other)]
    return one.parent_table.casefold() == other.parent_table.casefold() and pairs[0] == pairs[1]
