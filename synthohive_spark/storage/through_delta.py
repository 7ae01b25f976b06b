"""Publishing a table by Delta's own writer: where Python does not reach the storage, or the table has features that our commits do not carry.

The rows are written a second time. Every step can be repeated after a crash.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession

from ..errors import GenerationError
from ..spec.identifiers import define_table_sql, drop_table_sql, restore_sql, set_properties_sql
from .delta_actions import MARK
from .delta_protocol import MAPPING, MAPPING_MODE, clean_schema, keeps_form, needed_features
from .delta_rules import configured, has_rules
from .found import Found, detail, find_by_spark, find_in_catalog, history, sql_name
from .frames import read_parquet
from .journal import Entry, Journal
from .targets import Target

RECENT = 20  # commits that are looked at for those of a run
# Properties that Delta keeps for itself and does not take from a statement.
_OWN_PROPERTIES = ("delta.columnMapping.maxColumnId", "delta.rowTracking.materialized")


def write_through(spark: SparkSession, target: Target, entry: Entry, journal: Journal) -> int:
    """Publish the staged rows of a table; nothing where that is done already.

    Returns:
        The version.

    Raises:
        GenerationError: the table has become somebody else's.
    """
    done = _version_of(spark, target, entry, journal.run)
    if done is not None:
        return done
    name = sql_name(target, entry.table)
    _define(spark, target, entry, journal.run)
    rows = read_parquet(spark, entry.staged, entry.columns, entry.partitions)
    notes = json.dumps(journal.notes(entry.rows))
    with _set(spark, _settings_for(entry)):
        _replace(target, name, entry, rows, notes)
    version = _version_of(spark, target, entry, journal.run)
    if version is None:
        raise GenerationError(f"{target.describe(entry.table)}: the history does not show what was written; others write there too")
    return version


def restore_through(spark: SparkSession, target: Target, entry: Entry, journal: Journal) -> None:
    """Bring the table back to what it was before the run; nothing where the run has not touched it.

    A new table of the catalog is dropped. In a folder that Python does not reach it stays, empty.
    """
    name = sql_name(target, entry.table)
    found = _found(spark, target, name, entry)
    if found.kind != "delta":
        return
    if _version_of(spark, target, entry, journal.run) is None and found.run != journal.run:
        return
    if entry.before is not None:
        spark.sql(restore_sql(name, entry.before)).collect()
    elif target.folder is None:
        spark.sql(drop_table_sql(name))
    else:
        spark.sql(restore_sql(name, 0)).collect()


def last_version(spark: SparkSession, target: Target, table: str) -> int:
    """The last version of a Delta table that is there."""
    return int(history(spark, sql_name(target, table), 1)[0]["version"])


def make_marked(spark: SparkSession, name: str, run: str) -> None:
    """Make an empty Delta table of the catalog without columns, with our mark."""
    spark.sql(define_table_sql(name, [], {MARK: run}))


def read_delta(spark: SparkSession, target: Target, table: str, version: int | None = None) -> DataFrame:
    """A table by Delta, at one version or at what is the last one whenever it is read. A version costs: the list of files is built anew for each query."""
    reader = spark.read.format("delta")
    if version is not None:
        reader = reader.option("versionAsOf", version)
    return reader.table(sql_name(target, table)) if target.folder is None else reader.load(target.address(table))


def _define(spark: SparkSession, target: Target, entry: Entry, run: str) -> None:
    """Give the table the columns of the rows, with their NOT NULL, and its form: a write that changes the schema would lose them."""
    name = sql_name(target, entry.table)
    found = _found(spark, target, name, entry)
    needed = needed_features(entry.columns) or frozenset()
    features = {f"delta.feature.{name}": "supported" for name in sorted(needed)} | ({MAPPING_MODE: "name"} if MAPPING in needed else {})
    columns = clean_schema(entry.columns)
    if found.kind == "nothing":
        _make(spark, target, entry, {**features, MARK: run, **entry.marks}, entry.comment, replace=False)
        return
    if found.kind != "delta" or found.run is None:
        raise GenerationError(f"{target.describe(entry.table)} has become something that synthohive_spark did not write; choose another output")
    known = detail(spark, name).asDict()
    had = dict(known["properties"] or {})
    said = known.get("description") if entry.comment is None else entry.comment
    now = read_delta(spark, target, entry.table).schema.jsonValue()
    apart = tuple(known["partitionColumns"]) == _partitions(target, entry)
    if keeps_form(now, columns) and apart and said == known.get("description") and has_rules(had, entry.rules):
        if not entry.marks.items() <= had.items():
            spark.sql(set_properties_sql(name, {MARK: run, **entry.marks}))  # the run's own mark, too: a run that ends here is undone by it
        return
    kept = {k: v for k, v in had.items() if not k.startswith(_OWN_PROPERTIES)}
    _make(spark, target, entry, {**kept, **features, MARK: run, **entry.marks}, said, replace=True)


def _make(spark: SparkSession, target: Target, entry: Entry, properties: Mapping[str, str], said: str | None, replace: bool) -> None:
    """Make the table anew, empty, with its rules: Delta then refuses rows that break them."""
    name, columns, apart = sql_name(target, entry.table), clean_schema(entry.columns)["fields"], _partitions(target, entry)
    properties = configured(properties, entry.rules)
    spark.sql(define_table_sql(name, columns, properties, partitions=apart, comment=said, generated=entry.rules.generated, replace=replace))


def _partitions(target: Target, entry: Entry) -> tuple[str, ...]:
    """The session's catalog takes a table whose partition columns are not its last ones for damaged as soon as it is replaced."""
    return () if target.folder is None else entry.partitions


def _replace(target: Target, name: str, entry: Entry, rows: DataFrame, notes: str) -> None:
    # A session set to dynamic partition overwrite would keep the old partitions of a partitioned table.
    writer = rows.write.format("delta").mode("overwrite").option("partitionOverwriteMode", "static").option("userMetadata", notes)
    if target.folder is None:
        writer.saveAsTable(name)
    else:
        writer.partitionBy(*entry.partitions).save(target.address(entry.table))


def _settings_for(entry: Entry) -> dict[str, str]:
    """What a write of a table with partitions takes from its session, whatever its options."""
    if not entry.partitions:
        return {}
    # One that overwrites partition by partition would keep old ones. Delta calls partitions by times of the session's zone, where two hours of one night
    # have the same name.
    types = {column["name"]: column["type"] for column in entry.columns["fields"]}
    zone = {"spark.sql.session.timeZone": "UTC"} if any(types[column] == "timestamp" for column in entry.partitions) else {}
    return {"spark.sql.sources.partitionOverwriteMode": "static", **zone}


@contextmanager
def _set(spark: SparkSession, settings: Mapping[str, str]) -> Iterator[None]:
    before = {key: spark.conf.get(key, None) for key in settings}
    try:
        for key, value in settings.items():
            spark.conf.set(key, value)
        yield
    finally:
        for key, old in before.items():
            if old is None:
                spark.conf.unset(key)
            else:
                spark.conf.set(key, old)


def _found(spark: SparkSession, target: Target, name: str, entry: Entry) -> Found:
    return find_in_catalog(spark, name) if target.folder is None else find_by_spark(spark, name, target.address(entry.table))


def _version_of(spark: SparkSession, target: Target, entry: Entry, run: str) -> int | None:
    """The version with the run's rows."""
    try:
        commits = history(spark, sql_name(target, entry.table), RECENT)
    except AnalysisException:
        return None  # no table yet
    for commit in commits:
        if (entry.before is None or commit["version"] > entry.before) and _run_in(commit["userMetadata"]) == run:
            return int(commit["version"])
    return None


def _run_in(notes: str | None) -> str | None:
    try:
        body = json.loads(notes or "null")
    except ValueError:
        return None  # somebody else's notes
    return str(body.get("run")) if isinstance(body, dict) else None
