"""What runs note down, and whether they are still at work."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from synthohive_spark.errors import GenerationError, SchemaError
from synthohive_spark.storage import journal as journals
from synthohive_spark.storage.folders import Folder
from synthohive_spark.storage.journal import Entry, FileBooks, Journal, Published, RunInfo, WholeRun, alive, begin, end


def entry(run: str, staged: str | None = None) -> Entry:
    return Entry(table="t", location="/o/t", staged=staged or f"/o/t/run-{run}", new=True)


@pytest.mark.parametrize("run", ["", "../x", "a/b", "-a", "a b", "é", "a" * 65, "a\n"])
def test_ids_that_could_leave_their_folder(run):
    with pytest.raises(SchemaError):
        RunInfo(run)


def test_fresh_ids_differ():
    infos = [RunInfo.fresh("ctgan", 3) for _ in range(50)]
    assert len({info.run for info in infos}) == 50 and infos[0].model == "ctgan" and infos[0].seed == 3


def test_books_come_back(tmp_path):
    books = FileBooks(Folder.open(tmp_path))
    assert books.journals() == [] and books.whole() is None
    one, two = (Journal.of(RunInfo(run, "m", 1), (entry(run),)) for run in ("r1", "r2"))
    books.put(one)
    books.put(two)
    changed = one.model_copy(update={"phase": "publishing", "warnings": ("w",)})
    books.put(changed)
    assert books.journals() == [changed, two]
    whole = WholeRun(run="r1", model="m", seed=1, created=one.created, tables={"t": Published(address="/o/t", version=3, rows=9)})
    books.put_whole(whole)
    assert books.whole() == whole
    books.drop("r1")
    books.drop("r1")
    books.drop("r2")
    assert os.listdir(tmp_path / "_synthohive") == ["manifest.json"]


@pytest.mark.parametrize("staged", ["/etc", "/o/t", "/o/t/run-other", "/o/t/run-r1x", "/o/xrun-r1", "/o/t/run-r1/../../home"])
def test_a_journal_names_folders_of_its_own_run_only(tmp_path, staged):
    books = FileBooks(Folder.open(tmp_path))
    journal = Journal.of(RunInfo("r1"), (entry("r1"),)).model_dump_json()
    (tmp_path / "_synthohive").mkdir()
    (tmp_path / "_synthohive" / "run-r1.json").write_text(journal.replace("/o/t/run-r1", staged))
    with pytest.raises(GenerationError, match=r"run-r1\.json"):
        books.journals()


def test_damaged_notes_are_named(tmp_path):
    (tmp_path / "_synthohive").mkdir()
    (tmp_path / "_synthohive" / "manifest.json").write_text('{"run": 3')
    with pytest.raises(GenerationError, match=r"manifest\.json"):
        FileBooks(Folder.open(tmp_path)).whole()


def test_runs_of_this_process():
    journal = Journal.of(RunInfo("mine"), ())
    assert not alive(journal), "left over by an error"
    begin("mine")
    assert alive(journal)
    end("mine")
    assert not alive(journal)


def test_runs_of_other_processes(monkeypatch):
    script = (
        "import sys; from synthohive_spark.storage.journal import *; print(Journal.of(RunInfo('other'), ()).model_dump_json(), flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        journal = Journal.model_validate_json(process.stdout.readline())
        assert journal.pid == process.pid and alive(journal)
        assert not alive(journal.model_copy(update={"started": "1"})), "another process has got its number"
        assert not alive(journal.model_copy(update={"host": "elsewhere"}))
        monkeypatch.setattr(journals, "_start_of", lambda pid: "")
        assert not alive(journal)
    finally:
        process.kill()
        process.wait()
    monkeypatch.undo()
    assert not alive(journal)
