"""Where output goes."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from synthohive_spark.errors import SchemaError
from synthohive_spark.storage.targets import Target, canonical_location, plain_location


@pytest.mark.parametrize(("output", "address"), [("lake", "lake.t"), ("cat.lake", "cat.lake.t"), ("spark_catalog.x_1", "spark_catalog.x_1.t")])
def test_catalog(output, address):
    target = Target.parse(output)
    assert target.folder is None
    assert target.address("t") == address
    assert target.describe("t") == f"table {address}"


@pytest.mark.parametrize(
    ("output", "address"),
    [
        ("/data/out", "/data/out/t"),
        ("/data/out/", "/data/out/t"),
        ("/data/a b", "/data/a b/t"),
        ("/", "/t"),
        ("s3://bucket/x/", "s3://bucket/x/t"),
        ("abfss://c@a.dfs.core.windows.net/x", "abfss://c@a.dfs.core.windows.net/x/t"),
        ("/Volumes/c/s/v", "/Volumes/c/s/v/t"),
    ],
)
def test_folders(output, address):
    target = Target.parse(output)
    assert target.database is None
    assert target.address("t") == address
    assert target.describe("t") == f"folder {address}"


@pytest.mark.parametrize("output", ["./out", "out/", Path("out")])
def test_relative_folders_are_made_absolute(output, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    target = Target.parse(output)
    monkeypatch.chdir("/")
    assert target.address("t") == f"{os.path.realpath(tmp_path)}/out/t"


def test_home():
    assert Target.parse("~/x").folder == os.path.expanduser("~/x")


@pytest.mark.parametrize(
    "output", ["", " ", "a b", "a;b", "a.b.c", "a.b.c.d", "a..b", "`a`", "a\nb", "a\x00", "tаble", "/a/\x00", "/a*", "/a\nb", "s3://b/{x}", None, 3, b"/x"]
)
def test_hostile_outputs(output):
    with pytest.raises(SchemaError):
        Target.parse(output)


@pytest.mark.parametrize("output", ["lake", "/data/out"])
@pytest.mark.parametrize("table", ["", " ", None, "a\n", "a" * 256])
def test_hostile_tables(output, table):
    with pytest.raises(SchemaError):
        Target.parse(output).address(table)
    with pytest.raises(SchemaError):
        Target.parse(output).describe(table)


@pytest.mark.parametrize("table", ["../t", "a/b", "a.b", "t`", "t;", "..", "~", "Order Details", "日付", "1st", "con:x", "a" * 200])
def test_odd_tables_get_safe_places(table):
    place = Target.parse("/data/out").address(table)
    name = place.removeprefix("/data/out/")
    assert re.fullmatch("[A-Za-z_][A-Za-z0-9_]{0,127}", name) and Target.parse("lake").address(table) == f"lake.{name}"
    assert name != Target.parse("/data/out").address(table + "!").removeprefix("/data/out/")


@pytest.mark.parametrize(
    ("location", "plain"),
    [("file:/a b/c", "/a b/c"), ("file:///a/", "/a"), ("file:/", "/"), ("/a/b/", "/a/b"), ("s3://b/x/", "s3://b/x"), ("viewfs://m/o", "viewfs://m/o")],
)
def test_plain_locations(location, plain):
    assert plain_location(location) == plain


def test_one_spelling_for_one_place(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    real = os.path.realpath(tmp_path / "real")
    assert {canonical_location(str(tmp_path / "link")), canonical_location(f"file:{tmp_path}/real/"), canonical_location(f"file://{tmp_path}/link")} == {real}
    assert canonical_location("s3a://b/x/") == canonical_location("S3://b/x") == "s3://b/x"
    assert canonical_location("s3://b/x") != canonical_location("s3://B/x")
