"""One Delta table, in the catalog or in a folder: what the writer needs to do with it, and nothing of when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import fsspec
from delta.tables import DeltaTable
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType, TimestampNTZType

from ..errors import GenerationError, SchemaError
from ..spec.identifiers import checked_qualified_name, drop_table_sql, replace_table_sql
from .targets import Target

NTZ_FEATURE = "timestampNtz"


@dataclass(frozen=True)
class DeltaPlace:
    """The place of one table. Nothing is read or written before a method is called.

    Attributes:
        spark: a session with Delta.
        target: the schema or folder.
        table: the table's name.
    """

    spark: SparkSession
    target: Target
    table: str

    @property
    def path(self) -> str | None:
        return None if self.target.folder is None else self.target.address(self.table)

    @property
    def name(self) -> str:
        """The full name in backticks."""
        return checked_qualified_name(self.target.address(self.table))

    def exists(self) -> bool:
        """Whether there is a table (in the catalog: of any format)."""
        if self.path is not None:
            return bool(DeltaTable.isDeltaTable(self.spark, self.path))
        return bool(self.spark.catalog.tableExists(self.name))

    def handle(self) -> DeltaTable:
        """Delta's own view of the table.

        Raises:
            SchemaError: there is something else under this name.
        """
        try:
            return DeltaTable.forName(self.spark, self.name) if self.path is None else DeltaTable.forPath(self.spark, self.path)
        except AnalysisException as error:
            raise SchemaError(f"{self.target.describe(self.table)} is not a Delta table, and only those are overwritten; choose another output") from error

    def version(self) -> int:
        """The latest committed version."""
        row = self.handle().history(1).select("version").first()
        if row is None:
            raise GenerationError(f"{self.target.describe(self.table)} has no Delta history; it may be damaged")
        return int(row["version"])

    def read(self, version: int | None = None) -> DataFrame:
        """The table as a DataFrame, of one version if it is given."""
        reader = self.spark.read.format("delta")
        if version is not None:
            reader = reader.option("versionAsOf", version)
        return reader.table(self.name) if self.path is None else reader.load(self.path)

    def create(self, schema: StructType) -> None:
        """Make an empty table. Saving a DataFrame to a new table would drop its NOT NULL."""
        if self.path is None:
            self.spark.catalog.createTable(self.name, source="delta", schema=schema)
        else:
            DeltaTable.create(self.spark).location(self.path).addColumns(schema).execute()

    def redefine(self, schema: StructType) -> None:
        """Empty the table and give it another schema, as one commit."""
        if self.path is None:
            columns = [(f.name, f.dataType.simpleString(), f.nullable) for f in schema.fields]
            self.spark.sql(replace_table_sql(self.target.address(self.table), columns))
        else:
            DeltaTable.replace(self.spark).location(self.path).addColumns(schema).execute()

    def allow(self, schema: StructType) -> None:
        """Switch on the table features that `schema` needs; Delta does so by itself for new tables only."""
        if any(isinstance(f.dataType, TimestampNTZType) for f in schema.fields):
            handle = self.handle()
            row = handle.detail().select("tableFeatures").first()
            if row is None or NTZ_FEATURE not in (row["tableFeatures"] or ()):
                handle.addFeatureSupport(NTZ_FEATURE)

    def save(self, data: DataFrame, mode: str, **options: Any) -> None:
        """Write `data` as one commit; `mode` is append or overwrite."""
        # A session set to dynamic partition overwrite would keep the old partitions of a partitioned table.
        writer = data.write.format("delta").mode(mode).option("partitionOverwriteMode", "static").options(**options)
        if self.path is None:
            writer.saveAsTable(self.name)
        else:
            writer.save(self.path)

    def restore(self, version: int) -> None:
        """Bring an older version back, as one commit."""
        self.handle().restoreToVersion(version)

    def remove(self) -> None:
        """Drop the table with its files.

        Raises:
            GenerationError: the folder cannot be reached from Python, so that it stays.
        """
        if self.path is None:
            self.spark.sql(drop_table_sql(self.target.address(self.table)))
            return
        try:
            files, root = fsspec.url_to_fs(self.path)
            found = files.exists(f"{root}/_delta_log")
            if found:  # only what is a Delta table to Python too: Spark and Python may mean different file systems by one path
                files.rm(root, recursive=True)
        except (OSError, ImportError, ValueError) as error:
            raise GenerationError(f"the folder {self.path} cannot be removed ({type(error).__name__}); remove it by hand") from error
        if not found:
            raise GenerationError(f"the folder {self.path} is not to be seen from Python; remove it by hand")
