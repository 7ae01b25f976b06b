"""Reading the tables that a job's configuration names."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.errors import AnalysisException, ParseException
from pyspark.sql import DataFrame, SparkSession

from ..errors import MissingDependencyError, SchemaError
from ..spec.run_config import DatabaseSource, FileSource
from .sources import TableStore, read_table
from .targets import absolute_path


def read_sources(spark: SparkSession, sources: str | DatabaseSource | Mapping[str, str | FileSource]) -> str | TableStore | dict[str, DataFrame]:
    """One DataFrame per table; the name of one place for all tables as it is, and a database.

    Args:
        sources: catalog names or paths (see `read_table`), or files with a format.

    Raises:
        SchemaError: a table cannot be read; the message names it.
    """
    if isinstance(sources, str):
        return sources
    if isinstance(sources, DatabaseSource):
        return database(sources.database, sources.schema_name)
    frames = {}
    for name, source in sources.items():
        try:
            frames[name] = read_table(spark, source) if isinstance(source, str) else _read_files(spark, source)
        except SchemaError as error:
            raise SchemaError(f"source of table {name!r}: {error}") from error
    return frames


def database(url: str, schema: str | None = None) -> TableStore:
    """A `Database`.

    Raises:
        MissingDependencyError: SQLAlchemy, an extra, is not installed.
        SchemaError: the URL is none.
    """
    try:
        from .databases.database import Database
    except ModuleNotFoundError as error:
        if error.name != "sqlalchemy":
            raise
        raise MissingDependencyError('a database needs SQLAlchemy: pip install "synthohive_spark[databases]"') from None
    return Database(url, schema=schema)


def _read_files(spark: SparkSession, source: FileSource) -> DataFrame:
    reader = spark.read.format(source.format).options(**source.options)
    try:
        if source.schema_ddl is not None:
            reader = reader.schema(source.schema_ddl)
        frame = reader.load(absolute_path(source.path))
        missing = sorted({*source.types, *(source.columns or ())} - set(frame.columns))
        if missing:
            raise SchemaError(f"{source.path}: no columns {missing}; it has {frame.columns}")
        for column, spark_type in source.types.items():
            frame = frame.withColumn(column, frame[column].cast(spark_type))
        return frame.select(*source.columns) if source.columns else frame
    except ParseException as error:
        raise SchemaError(f"{source.path}: `schema` or `types` holds no valid Spark type") from error
    except AnalysisException as error:
        raise SchemaError(f"{source.path}: cannot be read as {source.format} ({error.getCondition()})") from error
