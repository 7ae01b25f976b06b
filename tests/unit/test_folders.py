"""Small files that are written whole, or not at all."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import fsspec
import pytest

from synthohive_spark.storage import folders
from synthohive_spark.storage.folders import Folder


@pytest.fixture(params=["local", "memory"])
def folder(request, tmp_path):
    if request.param == "local":
        yield Folder.open(tmp_path / "o")
        return
    yield Folder.open("memory://o")
    fsspec.filesystem("memory").rm("/o", recursive=True)


def test_one_of_many_writers_wins(folder):
    def attempt(n: int) -> bool:
        try:
            folder.put_new("log/1.json", b"%d" % n * 1000)
        except FileExistsError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(attempt, range(16)))
    assert won.count(True) == 1
    assert folder.read("log/1.json") == b"%d" % won.index(True) * 1000
    assert folder.below("log").names() == ["1.json"]


def test_replace_names_and_remove(folder):
    assert folder.names() == [] and not folder.exists()
    folder.put("a/b.json", b"1")
    folder.put("a/b.json", b"2")
    folder.put("c", b"3")
    assert (folder.read("a/b.json"), folder.names(), folder.below("a").names()) == (b"2", ["a", "c"], ["b.json"])
    folder.remove_file("c")
    folder.remove_file("c")
    folder.below("a").remove_if_empty()
    assert folder.names() == ["a"]
    folder.below("a").remove()
    folder.below("a").remove()
    assert "b.json" not in folder.below("a").names()


def test_without_hard_links(tmp_path, monkeypatch):
    def no_links(*_: object) -> None:
        raise PermissionError("no hard links here")

    monkeypatch.setattr(folders.os, "link", no_links)
    folder = Folder.open(tmp_path)
    folder.put_new("x/1", b"first")
    with pytest.raises(FileExistsError):
        folder.put_new("x/1", b"second")
    assert folder.read("x/1") == b"first" and os.listdir(tmp_path / "x") == ["1"]


def test_a_write_that_fails_leaves_nothing_under_the_name(tmp_path, monkeypatch):
    def full(_: int) -> None:
        raise OSError("No space left on device")

    folder = Folder.open(tmp_path)
    folder.put("a", b"old")
    monkeypatch.setattr(folders.os, "fsync", full)
    for write in (folder.put, folder.put_new):
        with pytest.raises(OSError, match="space"):
            write("a", b"new")
        with pytest.raises(OSError, match="space"):
            write("b", b"new")
    assert folder.read("a") == b"old" and os.listdir(tmp_path) == ["a"]


def test_only_old_leftovers_are_swept(tmp_path):
    folder = Folder.open(tmp_path)
    for name in (".a.json.0123456789ab.tmp", "probe-r1", "a.json", ".b.0123456789ab.tmp", "probe-r2"):
        folder.put(name, b"")
        if name not in (".b.0123456789ab.tmp", "probe-r2"):
            os.utime(tmp_path / name, (0, 0))
    folder.sweep()
    assert folder.names() == [".b.0123456789ab.tmp", "a.json", "probe-r1", "probe-r2"]
    folder.sweep("probe-")
    assert folder.names() == [".b.0123456789ab.tmp", "a.json", "probe-r2"]
