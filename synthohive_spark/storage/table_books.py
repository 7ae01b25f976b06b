"""Books of runs as a small Delta table, for places that Spark reaches and Python does not."""

from __future__ import annotations

from typing import Any

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from ..spec.identifiers import checked_qualified_name, define_table_sql, path_table
from .delta_actions import MARK
from .journal import BOOKS, WHOLE, Journal, WholeRun, parse
from .targets import Target

RUNS_TABLE = "synthohive_runs"
_COLUMNS: list[dict[str, Any]] = [
    {"name": "number", "type": "long", "nullable": False, "metadata": {}},
    {"name": "name", "type": "string", "nullable": False, "metadata": {}},
    {"name": "body", "type": "string", "nullable": True, "metadata": {}},
]


class TableBooks:
    """Notes are only appended, so that two runs never overwrite each other's; the last one of a name counts, and one without a body is gone.

    Args:
        spark: a session with Delta.
        target: the output.
    """

    def __init__(self, spark: SparkSession, target: Target) -> None:
        self._spark = spark
        folder = None if target.folder is None else f"{target.folder.rstrip('/')}/{BOOKS}"
        self._where = f"the Delta table {folder or f'{target.database}.{RUNS_TABLE}'}"
        self._folder = folder
        self._name = checked_qualified_name(f"{target.database}.{RUNS_TABLE}") if folder is None else path_table(folder)

    def exist(self) -> bool:
        """Whether there are any."""
        if self._folder is None:
            return bool(self._spark.catalog.tableExists(self._name))
        try:
            _ = self._spark.read.format("delta").load(self._folder).schema
        except AnalysisException:
            return False
        return True

    def journals(self) -> list[Journal]:
        return [parse(Journal, body, self._where) for name, body in self._notes().items() if name != WHOLE]

    def put(self, journal: Journal) -> None:
        self._append(journal.run, journal.model_dump_json())

    def drop(self, run: str) -> None:
        self._append(run, None)

    def whole(self) -> WholeRun | None:
        body = self._notes().get(WHOLE)
        return None if body is None else parse(WholeRun, body, self._where)

    def put_whole(self, whole: WholeRun) -> None:
        self._append(WHOLE, whole.model_dump_json())

    def sweep(self) -> None:
        return None  # Delta has its own way with files of writes that failed

    def _notes(self) -> dict[str, str]:
        if not self.exist():
            return {}
        rows = self._read().groupBy("name").agg(F.max_by("body", "number").alias("body"), F.max("number").alias("number")).collect()
        return {row["name"]: row["body"] for row in sorted(rows, key=lambda r: r["number"]) if row["body"] is not None}

    def _read(self) -> DataFrame:
        reader = self._spark.read.format("delta")
        return reader.table(self._name) if self._folder is None else reader.load(self._folder)

    def _append(self, name: str, body: str | None) -> None:
        if not self.exist():
            self._spark.sql(define_table_sql(self._name, _COLUMNS, {MARK: "notes of runs"}))
        last = self._read().agg(F.max("number").alias("n")).collect()[0]["n"]
        row = self._spark.createDataFrame([(0 if last is None else last + 1, name, body)], "number long, name string, body string")
        writer = row.coalesce(1).write.format("delta").mode("append")
        if self._folder is None:
            writer.saveAsTable(self._name)
        else:
            writer.save(self._folder)
