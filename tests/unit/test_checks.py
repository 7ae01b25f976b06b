"""Ours or not ours, for every kind of thing that may stand at the place of a table."""

from __future__ import annotations

import pytest

from synthohive_spark.errors import GenerationError, SchemaError
from synthohive_spark.spec.sources import Source, Sources
from synthohive_spark.storage.checks import check_names, check_places
from synthohive_spark.storage.folders import Folder
from synthohive_spark.storage.found import Found, folder_faults
from synthohive_spark.storage.targets import Target

FOLDER = Target.parse("/o")
OURS = Found("delta", location="/o/t", id="1", run="r1")


@pytest.mark.parametrize("tables", [["a", "A"], ["a", "a\x00"], ["_synthohive"], ["Synthohive_Runs"], ["a", ""], ["a", None]])
def test_names_that_cannot_stand_beside_each_other(tables):
    with pytest.raises(SchemaError):
        check_names(tables)


def test_what_may_be_replaced():
    check_names(["a", "b", "a b", "a-b", "../b"])
    check_places(FOLDER, "/o", {"t": OURS, "u": Found("nothing", location="/o/u")}, Sources(), [])
    check_places(Target.parse("lake"), None, {"t": OURS, "u": Found("nothing")}, Sources(tables={"t": Source(roots=("/x",))}), [])


@pytest.mark.parametrize(
    ("found", "never", "fault"),
    [
        (Found("delta", location="/o/t", id="1"), {}, "did not write"),
        (Found("other", "a view"), {}, "a view"),
        (Found("delta", location="/o/t", id="1", run="r1", append_only=True), {}, "appendOnly"),
        (OURS, {"real": Source(roots=("/o/t",))}, "fitted on (real)"),
        (OURS, {"real": Source(roots=("/o/t/part",))}, "fitted on (real)"),
        (OURS, {"real": Source(roots=("/o",))}, "fitted on (real)"),
        (OURS, {"real": Source(ids=("1",))}, "fitted on (real)"),
        (Found("nothing"), {"real": Source(roots=("/o/t",))}, "fitted on (real)"),
    ],
)
def test_what_may_not(found, never, fault):
    with pytest.raises(GenerationError) as caught:
        check_places(FOLDER, "/o", {"t": found}, Sources(tables=never), [])
    assert fault in str(caught.value) and "folder /o/t" in str(caught.value)


def test_all_faults_come_at_once():
    found = {"a": Found("other", "a file"), "b": OURS, "c": Found("delta", id="2")}
    with pytest.raises(GenerationError) as caught:
        check_places(FOLDER, "/o", found, Sources(), ["the output folder holds data files"])
    text = str(caught.value)
    assert [n in text for n in ("1. the output folder", "2. folder /o/a", "3. folder /o/c", "4.")] == [True, True, True, False]


@pytest.mark.parametrize("name", ["x.csv", "x.CSV.gz", "part-0.snappy.parquet", "a.json", "b.orc", "c.avro"])
def test_folders_with_data_of_their_own(tmp_path, name):
    (tmp_path / name).touch()
    faults = folder_faults(Folder.open(tmp_path))
    assert len(faults) == 1 and name in faults[0]


def test_folders_inside_of_delta_tables(tmp_path):
    (tmp_path / "t" / "_delta_log").mkdir(parents=True)
    for inside in (tmp_path / "t", tmp_path / "t" / "a", tmp_path / "t" / "a" / "b"):
        assert "lies in the Delta table" in folder_faults(Folder.open(inside))[0]
    (tmp_path / "notes.txt").touch()
    (tmp_path / ".hidden.csv").touch()
    assert folder_faults(Folder.open(tmp_path)) == [] == folder_faults(Folder.open(tmp_path / "new" / "deeper"))
