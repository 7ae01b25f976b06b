"""Writing tables as Delta commits, and taking them back."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Literal

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType

from ..errors import GenerationError, SchemaError, SynthoHiveError
from ..spec.identifiers import column_name_faults, create_schema_sql, drop_schema_sql
from .delta import DeltaPlace
from .sources import read_table
from .targets import Target

__all__ = ["FailurePolicy", "TableWriter", "Target", "read_table", "save_tables"]

FailurePolicy = Literal["raise", "cleanup", "retry"]
_POLICIES = ("raise", "cleanup", "retry")


class TableWriter:
    """Writes the tables of one run, and knows how to undo it.

    A failed write leaves its own table as it was, under every policy. As a context manager it decides what an error inside the block does to the tables that
    were written before it:

    - `raise`: they stay; the error names them.
    - `cleanup`: tables that existed get their previous Delta version back, new ones are removed.
    - `retry`: a failed write is tried again, three times in all, with a pause that doubles; after that as `cleanup`.

    Args:
        spark: a session with Delta.
        target: where the tables go.
        on_failure: the policy.

    Raises:
        SchemaError: the policy is not known.
    """

    ATTEMPTS = 3
    PAUSE_SECONDS = 1.0  # object stores that throttle recover within seconds; a lost executor is replaced within a few

    def __init__(self, spark: SparkSession, target: Target, on_failure: FailurePolicy = "raise") -> None:
        if on_failure not in _POLICIES:
            raise SchemaError(f"on_write_failure is {on_failure!r}; expected one of {', '.join(_POLICIES)}")
        self._spark = spark
        self._target = target
        self._on_failure = on_failure
        self._before: dict[str, int | None] = {}  # written tables: version before the first write, None for a new one
        self._created_database = False

    def write(self, table: str, data: DataFrame) -> DataFrame:
        """Replace the content and the schema of `table`.

        A table with the same schema is overwritten in one commit. A new one takes two: an empty table with the schema's NOT NULL, then the rows.

        Returns:
            A DataFrame that reads what was written.

        Raises:
            SchemaError: a name is not allowed, or something that is no Delta table is there.
            GenerationError: the write failed; the cause is chained.
        """
        place = DeltaPlace(self._spark, self._target, table)
        where = self._target.describe(table)
        faults = [fault for column in data.columns for fault in column_name_faults(column)]
        if faults:
            raise SchemaError(f"table {table!r}: " + "; ".join(faults))
        attempts = self.ATTEMPTS if self._on_failure == "retry" else 1
        for attempt in range(1, attempts + 1):
            try:
                self._ensure_database()
                before = _replace(place, data)
                break
            except SynthoHiveError:
                raise
            except Exception as error:  # noqa: BLE001 - one table that cannot be given back must not keep the others from it
                # Analysis errors (a missing column, a foreign folder) are the same at every attempt.
                if attempt == attempts or isinstance(error, AnalysisException):
                    raise GenerationError(f"writing {where} failed with {type(error).__name__}{_hint(error)}; the cause is chained below") from error
                time.sleep(self.PAUSE_SECONDS * 2 ** (attempt - 1))
        self._before.setdefault(table, before)
        return place.read()

    def rollback(self) -> list[str]:
        """Undo all writes of this run: what existed gets its previous version back, what is new is removed.

        Commits that others made to these tables in the meantime are undone too; they stay in the table's history.

        Returns:
            What was done, one sentence per table.

        Raises:
            GenerationError: a table could not be undone; the others were.
        """
        done, failed = [], []
        cause: Exception | None = None
        for table, version in reversed(self._before.items()):
            place = DeltaPlace(self._spark, self._target, table)
            try:
                if version is None:
                    place.remove()
                else:
                    place.restore(version)
            except Exception as error:  # noqa: BLE001 - one table that cannot be given back must not keep the others from it
                cause = error
                failed.append(f"{place.target.describe(table)} ({error if isinstance(error, SynthoHiveError) else type(error).__name__})")
            else:
                done.append(f"{place.target.describe(table)} {'removed' if version is None else f'back to version {version}'}")
        self._before = {}
        if self._created_database and not failed:
            self._drop_database()
        if failed:
            raise GenerationError(f"could not undo: {', '.join(failed)}; undone: {', '.join(done) or 'nothing'}") from cause
        return done

    def __enter__(self) -> TableWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is None:
            return
        note = self._aftermath()
        if isinstance(error, SynthoHiveError):
            error.args = (f"{error}\n{note}", *error.args[1:])  # the same error, so that its class tells the caller what went wrong
        elif isinstance(error, Exception):
            raise GenerationError(f"writing the tables failed with {type(error).__name__}; the cause is chained below\n{note}") from error

    def _aftermath(self) -> str:
        if self._on_failure == "raise":
            written = ", ".join(self._target.describe(table) for table in self._before)
            return f"written before that, and left as it is: {written or 'nothing'}"
        try:
            return f"rolled back: {', '.join(self.rollback()) or 'nothing was written'}"
        except GenerationError as error:
            return f"the roll-back failed: {error}"

    def _ensure_database(self) -> None:
        database = self._target.database
        # Asked first: on a governed catalog CREATE SCHEMA needs a right that writing to an existing schema does not.
        if database is None or self._created_database or self._before or self._spark.catalog.databaseExists(database):
            return
        self._spark.sql(create_schema_sql(database))
        self._created_database = True

    def _drop_database(self) -> None:
        try:
            self._spark.sql(drop_schema_sql(str(self._target.database)))
            self._created_database = False
        except AnalysisException:
            return  # somebody has put a table there in the meantime: it stays


def save_tables(spark: SparkSession, tables: Mapping[str, DataFrame], target_db: str, on_failure: FailurePolicy = "raise") -> dict[str, str]:
    """Write DataFrames as Delta tables; a schema that is missing is created.

    Args:
        spark: a session with Delta.
        tables: DataFrames by table name.
        target_db: `schema`, `catalog.schema`, or a folder.
        on_failure: as for `TableWriter`.

    Returns:
        The full name, or the path, of each table.

    Raises:
        SchemaError: a name is not allowed; all are checked before the first write.
        GenerationError: a write failed.
    """
    target = Target.parse(target_db)
    addresses = {name: target.address(name) for name in tables}
    if len({name.lower() for name in tables}) < len(tables):
        raise SchemaError(f"two of the tables {sorted(tables)} differ only in upper and lower case, which catalogs take for the same")
    with TableWriter(spark, target, on_failure) as writer:
        for name, data in tables.items():
            writer.write(name, data)
    return addresses


def _replace(place: DeltaPlace, data: DataFrame) -> int | None:
    """Replace the table by `data`; give the version before, None for a new table. A failure leaves the table as it was."""
    schema = data.schema
    if not place.exists():
        place.create(schema)  # outside of the try: what cannot be created is not ours to remove
        try:
            place.save(data, "append")
        except BaseException:
            place.remove()
            raise
        return None
    before = place.version()
    try:
        _overwrite(place, data, schema)
    except BaseException:
        if place.version() != before:
            place.restore(before)
        raise
    return before


def _overwrite(place: DeltaPlace, data: DataFrame, schema: StructType) -> None:
    if _shape(place.read().schema) == _shape(schema):
        place.save(data, "overwrite")
        return
    place.allow(schema)
    place.save(data, "overwrite", overwriteSchema="true")
    if all(field.nullable for field in schema.fields):
        return
    # Delta forgets NOT NULL when a write changes the schema, and cannot add it later. `data` may read this very table, which is empty once it is
    # redefined: the rows come from the version just written, pinned by its number.
    pinned = place.read(place.version())
    place.redefine(schema)
    place.save(pinned, "append")


def _shape(schema: StructType) -> list[tuple[str, str, bool]]:
    return [(f.name, f.dataType.simpleString(), f.nullable) for f in schema.fields]


def _hint(error: Exception) -> str:
    condition = error.getCondition() if isinstance(error, AnalysisException) else None
    if condition in ("TABLE_OR_VIEW_ALREADY_EXISTS", "DELTA_CREATE_TABLE_WITH_NON_EMPTY_LOCATION"):
        return ": the folder holds files that are no Delta table; choose an empty one"
    return f" ({condition})" if condition else ""
