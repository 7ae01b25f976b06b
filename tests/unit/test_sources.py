"""Which outputs would take the place of real tables."""

from __future__ import annotations

import pytest

from synthohive_spark.errors import SchemaError
from synthohive_spark.spec.sources import Source, Sources
from synthohive_spark.storage.places import all_tables, locate_tables

SOURCES = Sources(tables={"t": Source(roots=("/lake/t", "s3://b/raw/t.csv"), ids=("1-2",)), "u": Source(roots=("/lake/u",)), "none": Source()})


@pytest.mark.parametrize(
    ("location", "delta_id", "met"),
    [
        ("/lake/t", None, ["t"]),
        ("/lake/t/inside", None, ["t"]),
        ("/lake", None, ["t", "u"]),
        ("/", None, ["t", "u"]),
        ("/lake/tt", None, []),
        ("/lake/synthetic/t", None, []),
        ("s3://b/raw/t.csv", None, ["t"]),
        ("s3://b/raw", None, ["t"]),
        ("s3://b/raw/synthetic", None, []),
        ("/moved/t", "1-2", ["t"]),
        ("/moved/t", "1-3", []),
        (None, "1-2", ["t"]),
        (None, None, []),
    ],
)
def test_places_that_meet_a_source(location, delta_id, met):
    assert SOURCES.meeting(location, delta_id) == met


def test_they_come_back_from_json():
    assert Sources.model_validate_json(SOURCES.model_dump_json()) == SOURCES


def test_tables_of_a_folder(tmp_path):
    for name in ("_orders", "Odd name", "_delta_log", "_committed_12", "_started_12", "_temporary", "_synthohive", "_committed"):
        (tmp_path / name).mkdir()
    for name in ("items.parquet", "_SUCCESS", ".hidden.csv", "notes.CSV.gz"):
        (tmp_path / name).touch()
    found = locate_tables(None, tmp_path, ["_ORDERS", "Odd name", "items", "notes", "_committed"])
    assert {name: place.removeprefix(f"{tmp_path}/") for name, place in found.items()} == {
        "_ORDERS": "_orders",
        "Odd name": "Odd name",
        "items": "items.parquet",
        "notes": "notes.CSV.gz",
        "_committed": "_committed",
    }
    (tmp_path / "items").mkdir()
    (tmp_path / "notes.parquet").touch()
    with pytest.raises(SchemaError) as caught:
        locate_tables(None, tmp_path, ["items", "notes", "gone", "_delta_log"])
    for fault in ("no tables ['_delta_log', 'gone']", "['items', 'items.parquet'], which can all be the table 'items'", "'notes.CSV.gz', 'notes.parquet'"):
        assert fault in str(caught.value)
    assert locate_tables(None, tmp_path, ["_orders"]) == {"_orders": f"{tmp_path}/_orders"}, "what is not asked for may stand twice"


@pytest.mark.parametrize(
    "entry",
    [
        "_delta_log/00000000000000000000.json",
        "part-00000-8d1c2a5e-c000.snappy.parquet",
        "part-00003-8d1c2a5e-c000.csv.gz",
        "part-0.parquet",
        "part.12.parquet",
        "diagnosis=secret/part-00000-8d1c2a5e-c000.snappy.parquet",
        "diagnosis=secret/month=1/data.parquet",
    ],
)
def test_the_folder_of_one_table_is_no_folder_of_tables(tmp_path, entry):
    for name in (entry, "_SUCCESS", "0123-left-behind.parquet"):
        file = tmp_path / "orders" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    for find in (lambda: all_tables(None, tmp_path / "orders"), lambda: locate_tables(None, f"{tmp_path}/orders/", ["orders"])):
        with pytest.raises(SchemaError) as caught:
            find()
        assert f"orders is one table, not a folder of tables; name it, as in {{'orders': '{tmp_path}/orders" in str(caught.value)
        assert "secret" not in str(caught.value)
        assert caught.value.__context__ is None
    assert all_tables(None, tmp_path) == {"orders": f"{tmp_path}/orders"}


def test_files_and_folders_that_only_look_like_parts_are_tables(tmp_path):
    for name in ("parts.csv", "part-list.csv", "part.csv", "a=b.csv", "_SUCCESS"):
        (tmp_path / name).touch()
    assert set(all_tables(None, tmp_path)) == {"parts", "part-list", "part", "a=b"}
