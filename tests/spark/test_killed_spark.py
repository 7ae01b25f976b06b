"""A run that is killed at any moment leaves the old tables or the new ones, and the next one completes."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import fsspec
import plain_runs
import pytest
from plain_runs import TABLES, PlainFrame, PlainSession, settle, values, write

from synthohive_spark.errors import GenerationError
from synthohive_spark.storage import journal as journals
from synthohive_spark.storage.folders import Folder
from synthohive_spark.storage.journal import FileBooks
from synthohive_spark.storage.runs import RunInfo, RunWriter
from synthohive_spark.storage.tables import read_run, save_tables
from synthohive_spark.storage.targets import Target

KILLS = 40


class Killed(BaseException):
    """The process is gone: nothing can be written any more."""


@pytest.fixture
def output(tmp_path) -> str:
    return str(tmp_path / "out")


def all_of(value: int) -> dict[str, set[int]]:
    return {table: {value} for table in TABLES}


def whole(output: str) -> dict[str, set[int]]:
    """What a reader of the last whole run sees."""
    found = FileBooks(Folder.open(output)).whole()
    return {} if found is None else values(output, {name: table.version for name, table in found.tables.items()})


def leftovers(output: str) -> list[str]:
    """Journals, and staged files that no version of a table holds."""
    found = [str(path) for path in Path(output, "_synthohive").glob("run-*")]
    for table in TABLES:
        for run in Path(output, table).glob("run-*"):
            logs = [path.read_text() for path in Path(output, table, "_delta_log").glob("*.json")]
            if not any(f'"{run.name}/' in text for text in logs):
                found.append(str(run))
    return found


@pytest.fixture(scope="module")
def forks():
    """A process that starts runs within milliseconds."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen([sys.executable, plain_runs.__file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
    yield process
    process.stdin.close()
    process.wait(20)


def run_and_kill(forks, output: str, value: int, after: float | None) -> int:
    """Its exit status: 0 where it was done before the kill."""
    forks.stdin.write(f"{output} {value}\n")
    forks.stdin.flush()
    child = int(forks.stdout.readline())
    if after is not None:
        time.sleep(after)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    return int(forks.stdout.readline())


def test_killed_at_random_moments(forks, output):
    assert run_and_kill(forks, output, 0, None) == 0
    started = time.monotonic()
    assert run_and_kill(forks, output, 0, None) == 0
    length = time.monotonic() - started
    old, killed, phases = 0, 0, set()
    random.seed(1)
    for value in range(1, KILLS + 1):
        status = run_and_kill(forks, output, value, random.uniform(0, length))
        killed += status == signal.SIGKILL
        journal = next(iter(FileBooks(Folder.open(output)).journals()), None)
        phases.add(journal.phase if journal else "none")
        assert whole(output) in (all_of(old), all_of(value))
        if journal is None or journal.phase == "staging":
            assert values(output) in (all_of(old), all_of(value))
        settle(output)
        now = values(output)
        assert now in (all_of(old), all_of(value)) and whole(output) == now and leftovers(output) == []
        old = now["a"].pop()
    assert killed >= KILLS // 2 and "staging" in phases
    assert run_and_kill(forks, output, 99, None) == 0
    assert values(output) == all_of(99) and leftovers(output) == []


@pytest.mark.exhaustive
def test_killed_while_publishing(forks, output, tmp_path):
    """As above, from the moment on when the journal says that the tables are on their way."""
    assert run_and_kill(forks, output, 0, None) == 0
    old, met = 0, 0
    random.seed(2)
    for value in range(1, KILLS + 1):
        forks.stdin.write(f"{output} {value}\n")
        forks.stdin.flush()
        child = int(forks.stdout.readline())
        while not any('"phase":"publishing"' in _text(path) for path in Path(output, "_synthohive").glob("run-*.json")) and os.path.exists(f"/proc/{child}/fd"):
            pass
        time.sleep(random.uniform(0, 0.006))
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        forks.stdout.readline()
        mixed = values(output) not in (all_of(old), all_of(value))
        met += mixed
        assert whole(output) in (all_of(old), all_of(value))
        settle(output)
        assert values(output) == whole(output) == all_of(value) and leftovers(output) == []
        old = value
    assert met, "no kill came between two commits"


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""


class Disk:
    """Counts writes, and fails all of them from one on, or only some."""

    METHODS = ("put", "put_new", "remove", "remove_file", "remove_if_empty", "move_to")

    def __init__(self, monkeypatch, last: int, error: type[BaseException], times: int | None = None) -> None:
        self.writes, self.last, self.error, self.times = 0, last, error, times
        for name in self.METHODS:
            monkeypatch.setattr(Folder, name, self._guarded(getattr(Folder, name)))

    def _guarded(self, method):
        def guarded(folder, *args):
            self.count()
            return method(folder, *args)

        return guarded

    def count(self) -> None:
        self.writes += 1
        if self.writes > self.last and (self.times is None or self.writes <= self.last + self.times):
            raise self.error("the disk is gone")


def interrupted(monkeypatch, output: str, value: int, last: int, error: type[BaseException]) -> bool:
    """A run whose writes to the folder fail after the first `last` ones; whether it got through. Its process counts as dead afterwards."""
    writer = RunWriter(PlainSession(), Target.parse(output), info=RunInfo.fresh())
    with monkeypatch.context() as patch:
        Disk(patch, last, error)
        try:
            writer.prepare(TABLES)
            for table in TABLES:
                writer.stage(table, PlainFrame(value))
            writer.publish()
        except (Killed, GenerationError, OSError):
            return False
        finally:
            journals.end(writer._info.run)
    return True


@pytest.mark.parametrize("first", [True, False], ids=["new tables", "older tables"])
def test_each_write_of_a_run_as_the_last(monkeypatch, output, first):
    monkeypatch.setattr(plain_runs, "PAUSE", 0)
    done, last = {}, 0
    if not first:
        write(output, 0)
        done = all_of(0)
    while True:
        place = output if not first else f"{output}{last}"
        value = last + 1
        through = interrupted(monkeypatch, place, value, last, Killed)
        assert whole(place) in (done, all_of(value))
        settle(place)
        now = values(place)
        assert now in (done, all_of(value)), last
        assert whole(place) == now and leftovers(place) == []
        if not now:
            assert not any(os.path.exists(f"{place}/{table}") for table in TABLES)
        write(place, -value)
        assert values(place) == all_of(-value) and leftovers(place) == []
        done = {} if first else all_of(-value)
        last += 1
        if through:
            break
    assert last > 10, "the writes were not counted"


def test_each_write_of_the_recovery_as_the_last(monkeypatch, output):
    """Dying while one clears up after a dead run, or finishes it."""
    monkeypatch.setattr(plain_runs, "PAUSE", 0)
    write(output, 0)
    old = all_of(0)
    # 12 writes: in the middle of the five commits
    for dies_after in (4, 12):
        last, through = 0, False
        while not through:
            assert not interrupted(monkeypatch, output, 1000 + last, dies_after, Killed)
            through = interrupted(monkeypatch, output, 2000 + last, last, Killed)
            settle(output)
            now = values(output)
            assert whole(output) == now and leftovers(output) == []
            assert now in (old, all_of(1000 + last), all_of(2000 + last))
            old, last = now, last + 1
        assert last > 10


@pytest.mark.parametrize("times", [1, 2])
def test_each_write_of_a_run_that_fails_for_a_moment(monkeypatch, output, times):
    """The run goes on or ends with an error; it is published or not, and nothing is in between."""
    monkeypatch.setattr(plain_runs, "PAUSE", 0)
    write(output, 0)
    done, last, counted = all_of(0), 0, 10**9
    while last < counted:
        value, failed = last + 1, False
        with monkeypatch.context() as patch:
            disk = Disk(patch, last, OSError, times)
            try:
                write(output, value)
            except (GenerationError, OSError):
                failed = True
        wanted = [done] if failed else [all_of(value)]
        assert whole(output) in wanted
        if times == 1:
            assert values(output) in wanted
        elif failed:  # the way back failed too: the next run finishes what this one has begun
            wanted.append(all_of(value))
        settle(output)
        now = values(output)
        assert now in wanted and now == whole(output) and leftovers(output) == [], last
        done, last, counted = now, last + 1, counted if failed else disk.writes
    assert last > 10


def test_a_storage_that_fails_for_a_moment_while_publishing(monkeypatch, output):
    """An error that the run survives: it takes back what it has published."""
    write(output, 0)
    put_new = Folder.put_new
    for failing in TABLES:

        def flaky(folder, relative, data, failing=failing):
            if folder.root.endswith(f"/{failing}") and b'"Restore"' not in data:
                raise OSError("throttled")
            put_new(folder, relative, data)

        monkeypatch.setattr(Folder, "put_new", flaky)
        with pytest.raises(GenerationError, match="as they were before") as caught:
            write(output, 1)
        assert isinstance(caught.value.__cause__, OSError) and "throttled" not in str(caught.value)
        assert values(output) == whole(output) == all_of(0) and leftovers(output) == []
    monkeypatch.setattr(Folder, "put_new", put_new)
    write(output, 2)
    assert values(output) == whole(output) == all_of(2)


def test_each_write_of_an_undo_as_the_last(monkeypatch, output):
    """Dying while one takes back what was published before an error."""
    monkeypatch.setattr(plain_runs, "PAUSE", 0)
    write(output, 0)
    last, undone = 0, False
    while not undone:
        with monkeypatch.context() as patch:
            put_new = Folder.put_new
            disk = Disk(patch, 10**9, Killed)

            def fails(folder, relative, data, disk=disk, last=last, put_new=put_new):
                if folder.root.endswith("/d") and b'"Restore"' not in data:
                    disk.last = disk.writes + last
                    raise OSError("throttled")
                disk.count()
                put_new(folder, relative, data)

            patch.setattr(Folder, "put_new", fails)
            writer = RunWriter(PlainSession(), Target.parse(output), info=RunInfo.fresh())
            writer.prepare(TABLES)
            for table in TABLES:
                writer.stage(table, PlainFrame(last + 1))
            with pytest.raises((Killed, GenerationError)) as caught:
                writer.publish()
            journals.end(writer._info.run)
            undone = caught.type is GenerationError
        assert whole(output) == all_of(0)
        settle(output)
        assert values(output) in (all_of(0), all_of(last + 1)) and values(output) == whole(output) and leftovers(output) == []
        write(output, 0)
        last += 1
    assert last > 8


def test_a_storage_that_fails_for_good_while_publishing(monkeypatch, output):
    """An error after which nothing can be written: the next run goes on where this one stopped."""
    write(output, 0)
    with monkeypatch.context() as patch, pytest.raises(GenerationError, match="the next run"):
        put_new = Folder.put_new

        def gone(folder, relative, data):
            if "_delta_log" in relative and not folder.root.endswith(("/a", "/b")):
                patch.setattr(Folder, "put", gone)
                raise OSError("gone")
            put_new(folder, relative, data)

        patch.setattr(Folder, "put_new", gone)
        write(output, 1)
    assert values(output) == {**all_of(0), "a": {1}, "b": {1}} and whole(output) == all_of(0)
    settle(output)
    assert values(output) == whole(output) == all_of(1) and leftovers(output) == []


def test_on_an_object_store(monkeypatch):
    """Where there are no folders, no renames and no hard links."""
    monkeypatch.setattr(plain_runs, "PAUSE", 0)
    output, store = "memory://bucket/out", fsspec.filesystem("memory")
    try:
        write(output, 1)
        assert values(output) == whole(output) == all_of(1)
        done, last, through = all_of(1), 0, False
        while not through:
            through = interrupted(monkeypatch, output, last + 2, last, Killed)
            settle(output)
            assert values(output) == whole(output) and values(output) in (done, all_of(last + 2))
            done, last = values(output), last + 1
        assert values(output) == all_of(last + 1)
        runs = {path.split("/")[4] for path in store.find("/bucket/out/a") if "run-" in path}
        logs = b"".join(store.cat(path) for path in store.find("/bucket/out/a/_delta_log")).decode()
        assert all(run in logs for run in runs) and not [path for path in store.find("/bucket/out/_synthohive") if "run-" in path]
    finally:
        store.rm("/bucket", recursive=True)


def test_a_run_that_is_alive_is_left_alone(output):
    with RunWriter(PlainSession(), Target.parse(output), info=RunInfo("first")) as writer:
        writer.prepare(TABLES)
        writer.stage("a", PlainFrame(1))
        with pytest.raises(GenerationError, match="the run first is writing"):
            write(output, 2)
        for table in TABLES:
            writer.stage(table, PlainFrame(1))
        assert writer.rows("a") == 6
        writer.publish()
    assert values(output) == all_of(1)


def test_a_run_that_was_taken_for_dead_publishes_nothing(monkeypatch, output):
    with pytest.raises(GenerationError, match="took this one for dead"), RunWriter(PlainSession(), Target.parse(output), info=RunInfo("first")) as writer:
        writer.prepare(TABLES)
        for table in TABLES:
            writer.stage(table, PlainFrame(1))
        with monkeypatch.context() as patch:
            patch.setattr("socket.gethostname", lambda: "another machine")
            write(output, 2)
        writer.publish()
    assert values(output) == all_of(2) and leftovers(output) == []


def test_an_error_leaves_no_trace(output):
    for error in (KeyError, KeyboardInterrupt):
        with pytest.raises(error), RunWriter(PlainSession(), Target.parse(output), info=RunInfo.fresh()) as writer:
            writer.prepare(TABLES)
            writer.stage("a", PlainFrame(1))
            raise error
        assert not os.path.exists(output)


def test_an_id_is_used_once(output):
    for attempt in range(2):
        with RunWriter(PlainSession(), Target.parse(output), info=RunInfo("same")) as writer:
            if attempt:
                with pytest.raises(GenerationError, match="an id of its own"):
                    writer.prepare(TABLES)
                break
            writer.prepare(TABLES)
            for table in TABLES:
                writer.stage(table, PlainFrame(1))
            writer.publish()
    assert values(output) == all_of(1)


def test_notes_of_the_last_whole_run(output):
    with RunWriter(PlainSession(), Target.parse(output), info=RunInfo("r", "ctgan", 5)) as writer:
        writer.prepare(TABLES)
        with pytest.raises(GenerationError, match="not staged"):
            writer.publish()
        for table in TABLES:
            writer.stage(table, PlainFrame(1))
        writer.publish(["left out 3 rows"])
        with pytest.raises(GenerationError, match="is over"):
            writer.publish()
    notes = json.loads(Path(output, "_synthohive", "manifest.json").read_text())
    assert {k: notes[k] for k in ("run", "model", "seed", "warnings")} == {"run": "r", "model": "ctgan", "seed": 5, "warnings": ["left out 3 rows"]}
    assert notes["tables"]["a"] == {"address": f"{output}/a", "version": 0, "rows": 6}


@pytest.mark.slow
@pytest.mark.exhaustive
def test_killed_while_spark_writes(spark, output):
    """Half-written files of a real write go with the next run."""
    save_tables(spark, {table: spark.range(3) for table in TABLES}, output)
    script = f"""
import time
from synthohive_spark import spark_session
from synthohive_spark.storage.tables import save_tables
spark = spark_session("killed", config={{"spark.master": "local[1]"}})
def slow(frames):
    for frame in frames:
        yield frame
        time.sleep(100)
rows = spark.range(4).repartition(1)
save_tables(spark, {{"a": rows, "b": rows.mapInPandas(slow, "id long"), **{{t: rows for t in "cde"}}}}, {output!r})
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen([sys.executable, "-c", script], env=environment, start_new_session=True)
    try:
        deadline = time.monotonic() + 120
        while not list(Path(output, "b").glob("run-*/_temporary/0/_temporary/*/*")) and time.monotonic() < deadline:
            time.sleep(0.05)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert len(list(Path(output, "b").glob("run-*"))) == 2
    assert all(spark.read.format("delta").load(f"{output}/{table}").count() == 3 for table in TABLES)
    save_tables(spark, {table: spark.range(5) for table in TABLES}, output)
    assert all(frame.count() == 5 for frame in read_run(spark, output).values())
    assert len(list(Path(output, "b").glob("run-*"))) == 2 and leftovers(output) == []
