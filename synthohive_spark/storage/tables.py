"""Tables as a whole: writing several, and reading those of the last run."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession

from ..errors import GenerationError
from ..spec.form import TableForm
from ..spec.sources import Sources
from .ground import grounds
from .journal import RunInfo
from .runs import FailurePolicy, RunWriter
from .sources import read_table, sources_of
from .targets import Target
from .through_delta import read_delta

__all__ = ["FailurePolicy", "RunInfo", "RunWriter", "Target", "read_run", "read_table", "save_tables", "sources_of"]


def save_tables(
    spark: SparkSession,
    tables: Mapping[str, DataFrame],
    target_db: str,
    *,
    info: RunInfo | None = None,
    never: Sources | None = None,
    on_failure: FailurePolicy = "raise",
    work_dir: str | None = None,
    forms: Mapping[str, TableForm] | None = None,
) -> dict[str, str]:
    """Write DataFrames as Delta tables, all or none; a schema that is missing is created.

    Args:
        spark: a session with Delta.
        tables: DataFrames by table name.
        target_db: `schema`, `catalog.schema`, or a folder.
        info: which run this is; a fresh one by default.
        never, on_failure, work_dir: as for `RunWriter`.
        forms: partition columns, comments and lengths of text by table.

    Returns:
        The full name, or the path, of each table.

    Raises:
        SchemaError: a name is not allowed; all are checked before the first write.
        GenerationError: the output holds what is not ours, or a write failed.
    """
    target = Target.parse(target_db)
    with RunWriter(spark, target, info=info or RunInfo.fresh(), never=never, on_failure=on_failure, work_dir=work_dir) as writer:
        writer.prepare(list(tables))
        for name, data in tables.items():
            writer.stage(name, data, (forms or {}).get(name))
        writer.publish()
    return {name: target.address(name) for name in tables}


def read_run(spark: SparkSession, output: str) -> dict[str, DataFrame]:
    """The tables of the last run that was published whole, at the versions that it made: all of one run, whatever happens to them meanwhile.

    Args:
        spark: a session with Delta.
        output: as for `sample`: a folder or URL, or `schema` or `catalog.schema`.

    Raises:
        SchemaError: the output is not written as one.
        GenerationError: no run was published there.
    """
    target = Target.parse(output)
    try:
        whole = next((whole for ground in grounds(spark, target) if (whole := ground.books.whole())), None)
    except AnalysisException as error:
        raise GenerationError(f"there is no schema {output!r}; write it as schema or catalog.schema, or with a slash for a folder") from error
    if whole is None:
        raise GenerationError(f"{output!r} holds no run of synthohive_spark that was published whole")
    return {name: read_delta(spark, target, name, table.version) for name, table in whole.tables.items()}
