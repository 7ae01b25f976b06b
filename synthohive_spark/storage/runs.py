"""Writing the tables of one run: staged one by one, published together or not at all."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Literal

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession

from ..causes import describe
from ..errors import GenerationError, SchemaError, SynthoHiveError
from ..events import RUN_LEFT, get_logger
from ..spec.form import TableForm, TableRules, annotated, partition_columns
from ..spec.identifiers import column_name_faults, create_schema_sql, drop_schema_sql
from ..spec.sources import Sources
from .checks import check_names, check_places
from .footers import StagedFile, staged_files
from .found import reach
from .frames import read_parquet, write_parquet
from .ground import Ground, grounds
from .journal import Entry, Journal, RunInfo, WholeRun, alive, begin, end
from .publish import back, clear, forward, recover, settle, with_versions
from .small_delta import read_small_delta
from .targets import Target
from .through_delta import read_delta

FailurePolicy = Literal["raise", "cleanup", "retry"]
_POLICIES = ("raise", "cleanup", "retry")

log = get_logger(__name__)


class RunWriter:
    """Writes the tables of one run, all or none.

    `prepare` checks the output, `stage` writes the rows of each table once, as Parquet, and `publish` makes them the Delta tables of the output within
    moments. Until then the tables of an earlier run stay as they are. As a context manager it removes on an error what was staged; a run that is killed is
    cleared, or finished if it was publishing, by the next one into the same output.

    Args:
        spark: a session with Delta.
        target: where the tables go.
        info: which run this is.
        never: the real tables; none of them is replaced.
        on_failure: `raise` and `cleanup`: an error ends the run, and nothing of it stays. `retry`: a failed write of staged rows is tried again, three times
            in all, with a pause that doubles.
        work_dir: a folder that driver and executors share, for outputs that the driver's Python does not reach.
        resumable: leave on an error what is staged, for a next writer with the same run, which takes it as it is.

    Raises:
        SchemaError: the policy is not known.
    """

    ATTEMPTS = 3
    PAUSE_SECONDS = 1.0  # object stores that throttle recover within seconds; a lost executor is replaced within a few

    def __init__(
        self,
        spark: SparkSession,
        target: Target,
        *,
        info: RunInfo,
        never: Sources | None = None,
        on_failure: FailurePolicy = "raise",
        work_dir: str | None = None,
        resumable: bool = False,
    ) -> None:
        if on_failure not in _POLICIES:
            raise SchemaError(f"on_write_failure is {on_failure!r}; expected one of {', '.join(_POLICIES)}")
        self._spark, self._target, self._info = spark, target, info
        self._never = never or Sources()
        self._attempts = self.ATTEMPTS if on_failure == "retry" else 1
        self._work_dir = work_dir
        self._resumable = resumable
        self._taken_up: frozenset[str] = frozenset()  # tables that an earlier writer of the run may have staged
        self._whole: WholeRun | None = None  # what an earlier writer of the run had begun to publish, once it is finished
        self._ground: Ground | None = None
        self._entries: dict[str, Entry] = {}
        self._made_schema = False

    def __enter__(self) -> RunWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._ground is not None and not (self._resumable and error is not None):  # published and undone runs have given it up
            self._abandon(clear)
        end(self._info.run)

    def prepare(self, tables: Sequence[str]) -> None:
        """Check the output for all tables of the run, and clear or finish what dead runs have left there.

        Raises:
            SchemaError: names cannot stand beside each other.
            GenerationError: the output holds what is not ours to replace, with all faults; or another run is at work there.
        """
        check_names(tables)
        self._make_schema()
        try:
            for ground in grounds(self._spark, self._target):
                if self._settle_on(ground, tables):
                    return
        except BaseException:
            if self._ground is not None and not self._taken_up:
                self._abandon(clear)
            self._drop_schema()
            raise

    def stage(self, table: str, rows: DataFrame, form: TableForm | None = None) -> DataFrame:
        """Write the rows of a table into its staging folder.

        Args:
            form: what the table says of itself; its partition columns are left out where they cannot be such, and its rules are for `keep_rules`.

        Returns:
            A frame that reads them, good until `publish`.

        Raises:
            SchemaError: a column name is not allowed.
            GenerationError: the table was not prepared, or the write failed; the cause is chained.
        """
        faults = [fault for column in rows.columns for fault in column_name_faults(column)]
        if faults:
            raise SchemaError(f"table {table!r}: " + "; ".join(faults))
        entry = self._entry(table)
        form = form or TableForm()
        columns = annotated(rows.schema.jsonValue(), form)
        partitions = partition_columns(columns, form)
        if table in self._taken_up and entry.columns and self._is_intact(entry):
            return read_parquet(self._spark, entry.staged, entry.columns, entry.partitions)
        for attempt in range(1, self._attempts + 1):
            try:
                write_parquet(rows, entry.staged, partitions)
                break
            except SynthoHiveError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever a user's storage or code raises
                # Analysis errors (a missing column, a type that cannot be stored) are the same at every attempt.
                if attempt == self._attempts or isinstance(error, AnalysisException):
                    raise GenerationError(f"writing {self._target.describe(table)} failed: {describe(error)}") from error
                time.sleep(self.PAUSE_SECONDS * 2 ** (attempt - 1))
        described = {"columns": columns, "partitions": partitions, "comment": form.comment, "marks": self._info.marks(table)}
        self._entries[table] = self._counted(entry.model_copy(update=described))
        if self._resumable:
            self._prepared().books.put(self._journal())
        return read_parquet(self._spark, entry.staged, columns, partitions)

    @property
    def run(self) -> str:
        """The id of the run."""
        return self._info.run

    @property
    def is_published(self) -> bool:
        """Whether an earlier writer of the run had staged all of it, and it is published by now: there is nothing left to stage."""
        return self._whole is not None

    def keep_rules(self, table: str, rules: TableRules) -> None:
        """Give a table the rules that its staged rows keep.

        Raises:
            GenerationError: the table was not prepared.
        """
        self._entries[table] = self._entry(table).model_copy(update={"rules": rules})

    def rows(self, table: str) -> int:
        """How many rows are staged.

        Raises:
            GenerationError: the table was not prepared.
        """
        return self._entry(table).rows

    def publish(self, warnings: Sequence[str] = ()) -> dict[str, DataFrame]:
        """Make the staged rows the tables of the output, each by one commit.

        Args:
            warnings: what readers should know; goes into the commits and the manifest.

        Returns:
            Frames that read the tables: those of few files as this run wrote them, others as they are whenever they are read. `read_run` stays with one run.

        Raises:
            GenerationError: a table is not staged, or has become somebody else's, or the storage failed; the tables are as they were before.
        """
        ground = self._prepared()
        if self._whole is not None:
            self._ground = None
            return {name: self._reading(name, table.version) for name, table in self._whole.tables.items()}
        waiting = [name for name, entry in self._entries.items() if not entry.columns]
        if waiting:
            raise GenerationError(f"nothing is published: the tables {waiting} are not staged")
        if self._info.run not in {journal.run for journal in ground.books.journals()}:
            raise GenerationError("nothing is published: another run took this one for dead and cleared it; run again, one at a time")
        journal = with_versions(ground, self._journal().model_copy(update={"phase": "publishing", "warnings": tuple(warnings)}))
        ground.books.put(journal)
        try:
            whole = forward(ground, journal)
        except BaseException as error:
            undone = self._abandon(back, journal)
            if isinstance(error, SynthoHiveError) or not isinstance(error, Exception):
                raise
            state = "the tables are as they were before" if undone else "some tables are new and some are not: the next run into this output mends that"
            raise GenerationError(f"publishing failed, and {state}: {describe(error)}") from error
        self._ground = None
        return {name: self._reading(name, table.version) for name, table in whole.tables.items()}

    def _reading(self, table: str, version: int) -> DataFrame:
        location = self._entries[table].location
        small = read_small_delta(self._spark, location, version) if location else None
        return read_delta(self._spark, self._target, table) if small is None else small

    def _settle_on(self, ground: Ground, tables: Sequence[str]) -> bool:
        """Take a place, if it can be had as `ground` sees it."""
        run = self._info.run
        settle(ground, run)
        if self._take_up(ground, tables):
            return True
        run = self._info.run  # a fresh one, where the one that was to be resumed is over
        found = {table: ground.find(table) for table in tables}
        check_places(self._target, ground.base, found, self._never, ground.faults())
        if ground.folder is not None and not ground.shared(run):
            return False
        self._entries = {table: ground.entry(table, found[table], run, self._work_dir) for table in tables}
        self._check_unused()
        begin(run)
        self._ground = ground
        ground.books.put(self._journal())
        settle(ground, run)  # once more: another run may have begun at the same moment, and then both see each other
        return True

    def _take_up(self, ground: Ground, tables: Sequence[str]) -> bool:
        """Go on with what an earlier writer of the run has left here; False where there is nothing of it."""
        left = next((journal for journal in ground.books.journals() if journal.run == self._info.run), None) if self._resumable else None
        if left is None:
            return self._resumable and self._is_over(ground, tables)
        if {entry.table for entry in left.tables} != set(tables):
            return False
        if alive(left):
            raise GenerationError(f"the run {left.run} is still at work (process {left.pid} on {left.host}, since {left.created}); wait for it, or end it")
        if left.phase != "staging":
            if recover(ground, left) != "finished":
                return False
            self._whole = ground.books.whole()
            left = left.model_copy(update={"tables": tuple(e.model_copy(update={"location": ground.find(e.table).location}) for e in left.tables)})
        self._entries = {entry.table: entry for entry in left.tables}
        self._taken_up = frozenset(self._entries)
        begin(left.run)
        self._ground = ground
        if self._whole is None:
            ground.books.put(self._journal())
        return True

    def _is_over(self, ground: Ground, tables: Sequence[str]) -> bool:
        """Whether the run is the last whole one here: it ended after it had published. Where it was replaced or undone since, a fresh run begins."""
        whole = ground.books.whole()
        found = {table: ground.find(table) for table in tables}
        entries = {table: ground.entry(table, found[table], self._info.run, self._work_dir) for table in tables}
        if whole is not None and whole.run == self._info.run and set(whole.tables) == set(tables):
            self._whole, self._entries, self._ground = whole, entries, ground
            return True
        if any((folder := reach(entry.staged)) is not None and folder.exists() for entry in entries.values()):
            self._info = self._info.anew()
        return False

    def _is_intact(self, entry: Entry) -> bool:
        """Whether the rows that an earlier writer staged are still there, as far as footers and sizes tell."""
        folder = reach(entry.staged)
        if not entry.in_place or folder is None:
            return True
        try:
            return staged_files(folder, entry.columns, entry.partitions) == entry.files
        except Exception:  # noqa: BLE001 - whatever a damaged footer makes its reader say
            return False

    def _check_unused(self) -> None:
        """A run id that was used here before would have its published rows removed as staged ones."""
        for entry in self._entries.values():
            folder = reach(entry.staged)
            if folder is not None and folder.exists():
                raise GenerationError(f"{entry.staged} is there already; give each run an id of its own")

    def _journal(self) -> Journal:
        return Journal.of(self._info, tuple(self._entries.values()))

    def _counted(self, entry: Entry) -> Entry:
        """The entry with its files and rows."""
        folder = reach(entry.staged)
        if folder is not None and folder.exists():
            files = staged_files(folder, entry.columns, entry.partitions)
            _check_partitions(entry, files)
            return entry.model_copy(update={"files": files, "rows": sum(f.rows for f in files)})
        if entry.in_place:
            raise GenerationError(f"the executors have written {entry.staged} where the driver does not see it; choose an output that all machines reach")
        return entry.model_copy(update={"rows": read_parquet(self._spark, entry.staged, entry.columns, entry.partitions).count()})

    def _entry(self, table: str) -> Entry:
        self._prepared()
        if table not in self._entries:
            raise GenerationError(f"the table {table!r} was not prepared; the run has {sorted(self._entries)}")
        return self._entries[table]

    def _prepared(self) -> Ground:
        if self._ground is None:
            raise GenerationError("the run is not prepared, or is over; call prepare(tables) first")
        return self._ground

    def _abandon(self, way: Callable[[Ground, Journal], None], journal: Journal | None = None) -> bool:
        """Clear or undo the run; whether that went well. What is left then, the next run finds in the journal."""
        ground, self._ground = self._prepared(), None
        try:
            way(ground, journal or self._journal())
        except Exception as error:  # noqa: BLE001 - what led here says more; the journal stays, and the next run clears up
            log.warning(RUN_LEFT, run=self._info.run, why=_named(error))
            return False
        self._drop_schema()
        return True

    def _make_schema(self) -> None:
        database = self._target.database
        # Asked first: on a governed catalog CREATE SCHEMA needs a right that writing to an existing schema does not.
        if database is not None and not self._spark.catalog.databaseExists(database):
            self._spark.sql(create_schema_sql(database))
            self._made_schema = True

    def _drop_schema(self) -> None:
        if self._made_schema:
            with suppress(AnalysisException):  # somebody has put a table there in the meantime: it stays
                self._spark.sql(drop_schema_sql(str(self._target.database)))
            self._made_schema = False


def _check_partitions(entry: Entry, files: Sequence[StagedFile]) -> None:
    """Refuse empty text where it would become null: names of folders do not tell the two apart."""
    required = {column["name"] for column in entry.columns["fields"] if not column["nullable"]}
    empty = sorted({column for file in files for column, value in file.partition.items() if value is None and column in required})
    if empty:
        raise GenerationError(f"table {entry.table!r}: the partition columns {empty} must not be null, and some rows have empty text there")


def _named(error: Exception) -> str:
    condition = error.getCondition() if isinstance(error, AnalysisException) else None
    return f"{type(error).__name__} ({condition})" if condition else type(error).__name__
