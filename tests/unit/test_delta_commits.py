"""Commits that we write ourselves, read back by this package and by another Delta reader."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synthohive_spark.errors import GenerationError
from synthohive_spark.storage.commit import can_commit, commit, committed, take_back
from synthohive_spark.storage.delta_actions import MARK
from synthohive_spark.storage.delta_log import UnknownLog, is_delta, read_commit, read_state
from synthohive_spark.storage.folders import Folder
from synthohive_spark.storage.footers import staged_files
from synthohive_spark.storage.journal import Entry, Journal, RunInfo

SPARK_TYPES = {pa.int64(): "long", pa.string(): "string", pa.date32(): "date", pa.float64(): "double", pa.int32(): "integer"}


def schema_of(table: pa.Table) -> dict:
    return {"type": "struct", "fields": [{"name": f.name, "type": SPARK_TYPES[f.type], "nullable": f.nullable, "metadata": {}} for f in table.schema]}


def stage(folder: Folder, run: str, *tables: pa.Table) -> tuple[Entry, Journal]:
    """Write tables as the files of one run, as Spark would."""
    staged = Path(folder.root) / f"run-{run}"
    staged.mkdir(parents=True)
    (staged / "_SUCCESS").touch()
    for i, table in enumerate(tables):
        pq.write_table(table, staged / f"part-{i:05d} ü%.parquet")
    state = read_state(folder, files=False)
    columns = schema_of(tables[0])
    files = staged_files(folder.below(f"run-{run}"), columns)
    entry = Entry(
        table="t",
        location=folder.root,
        staged=str(staged),
        new=state is None,
        before=state.version if state else None,
        columns=columns,
        files=files,
        rows=sum(f.rows for f in files),
    )
    return entry, Journal.of(RunInfo(run, "m", 7), (entry,)).model_copy(update={"warnings": ("careful",)})


def ids(*values: int) -> pa.Table:
    return pa.table({"id": pa.array(values, pa.int64())})


def seen(path: object) -> list:
    """What another implementation of Delta reads."""
    deltalake = pytest.importorskip("deltalake")
    return sorted(deltalake.DeltaTable(str(path)).to_pyarrow_table().to_pylist(), key=repr)


@pytest.fixture
def folder(tmp_path):
    return Folder.open(tmp_path / "my table")


def test_make_replace_and_look_back(folder):
    entry, journal = stage(folder, "r1", ids(1, 2), ids(), ids(3))
    assert not is_delta(folder) and can_commit(folder, entry)
    assert commit(folder, entry, journal) == 0
    assert seen(folder.root) == [{"id": 1}, {"id": 2}, {"id": 3}]
    first = read_state(folder)
    assert len(first.files) == 2, "files without rows are left out"
    notes = json.loads(read_commit(folder, 0)[0]["commitInfo"]["userMetadata"])
    assert notes == {"run": "r1", "model": "m", "seed": 7, "rows": 3, "warnings": ["careful"]}

    entry, journal = stage(folder, "r2", ids(9))
    assert commit(folder, entry, journal) == 1
    assert not any("metaData" in action or "protocol" in action for action in read_commit(folder, 1))
    assert seen(folder.root) == [{"id": 9}]
    assert read_state(folder, 0) == first and read_state(folder).id == first.id
    deltalake = pytest.importorskip("deltalake")
    assert deltalake.DeltaTable(folder.root, version=0).to_pyarrow_table().num_rows == 3


def test_another_schema_keeps_the_table_and_what_others_set(folder):
    entry, journal = stage(folder, "r1", ids(1))
    commit(folder, entry, journal)
    deltalake = pytest.importorskip("deltalake")
    deltalake.DeltaTable(folder.root).alter.set_table_properties({"delta.logRetentionDuration": "interval 90 days"})
    before = read_state(folder)
    text = pa.table({"na-ïve": pa.array(["a"], pa.string()), "day": pa.array([None], pa.date32())})
    entry, journal = stage(folder, "r2", text)
    assert commit(folder, entry, journal) == 2
    assert seen(folder.root) == [{"na-ïve": "a", "day": None}]
    after = read_state(folder)
    assert (after.id, after.metadata["createdTime"]) == (before.id, before.metadata["createdTime"])
    assert after.configuration == {"delta.logRetentionDuration": "interval 90 days", MARK: "r2"}


def test_properties_tell_what_the_rows_are(folder):
    def publish(run, seed, real=()):
        info = RunInfo(run, "m", seed, fingerprint="f" * 64, real=frozenset(real))
        entry, journal = stage(folder, run, ids(1))
        commit(folder, entry.model_copy(update={"marks": info.marks("t")}), journal)
        return read_state(folder).configuration

    told = {"synthohive.synthetic": "true", "synthohive.model": "f" * 64, "synthohive.seed": "7"}
    assert publish("r1", 7) == {MARK: "r1", **told}
    assert publish("r2", 7) == {MARK: "r1", **told}
    assert not [a for a in read_commit(folder, 1) if "metaData" in a]  # nothing changed that streams over the table would have to hear of
    assert publish("r3", None, real=["t"]) == {MARK: "r1", **told, "synthohive.synthetic": "false", "synthohive.seed": "unknown"}
    assert seen(folder.root) == [{"id": 1}]


def test_a_commit_can_be_repeated_and_gives_way_to_others(folder):
    entry, journal = stage(folder, "r1", ids(1))
    assert [commit(folder, entry, journal) for _ in range(3)] == [0, 0, 0]
    entry, journal = stage(folder, "r2", ids(2))
    deltalake = pytest.importorskip("deltalake")
    deltalake.write_deltalake(folder.root, ids(5), mode="append")  # between the journal and the commit
    assert [commit(folder, entry, journal) for _ in range(2)] == [2, 2]
    assert seen(folder.root) == [{"id": 2}]
    assert committed(folder, entry, "r2") == 2 and committed(folder, entry, "r1") is None


def test_a_race_for_one_version_is_lost_once(folder, monkeypatch):
    entry, journal = stage(folder, "r1", ids(1))
    commit(folder, entry, journal)
    entry, journal = stage(folder, "r2", ids(2))
    other, others = stage(folder, "r3", ids(3))
    put_new, calls = Folder.put_new, []

    def slow(self, relative, data):
        calls.append(relative)
        if len(calls) == 1:
            assert commit(folder, other, others) == 1
        put_new(self, relative, data)

    monkeypatch.setattr(Folder, "put_new", slow)
    assert commit(folder, entry, journal) == 2
    assert seen(folder.root) == [{"id": 2}]
    assert [r["remove"]["path"] for r in read_commit(folder, 2) if "remove" in r] == [a["add"]["path"] for a in read_commit(folder, 1) if "add" in a]


def test_a_table_that_has_become_somebody_elses_is_left_alone(folder):
    entry, journal = stage(folder, "r1", ids(1))
    deltalake = pytest.importorskip("deltalake")
    deltalake.write_deltalake(folder.root, ids(8))
    with pytest.raises(GenerationError, match="did not write"):
        commit(folder, entry, journal)
    take_back(folder, entry, journal)
    assert seen(folder.root) == [{"id": 8}]


def test_take_back(folder):
    entry, journal = stage(folder, "r1", ids(1))
    commit(folder, entry, journal)
    old = read_state(folder)
    text = pa.table({"s": pa.array(["a"], pa.string())})
    entry, journal = stage(folder, "r2", text)
    take_back(folder, entry, journal)
    assert read_state(folder) == old, "nothing was published"
    commit(folder, entry, journal)
    for _ in range(2):
        take_back(folder, entry, journal)
    now = read_state(folder)
    assert (now.version, now.metadata, list(now.files)) == (2, old.metadata, list(old.files))
    assert seen(folder.root) == [{"id": 1}]


def test_take_back_of_a_new_table(folder):
    entry, journal = stage(folder, "r1", ids(1))
    commit(folder, entry, journal)
    for _ in range(2):
        take_back(folder, entry, journal)
        assert not is_delta(folder) and folder.below("run-r1").exists()
    commit(folder, entry, journal)
    later, later_journal = stage(folder, "r2", ids(2))
    commit(folder, later, later_journal)
    with pytest.raises(GenerationError, match="others have written"):
        take_back(folder, entry, journal)
    assert seen(folder.root) == [{"id": 2}]


def test_lost_files_are_noticed(folder):
    entry, journal = stage(folder, "r1", ids(1), ids(2))
    folder.remove_file(f"run-r1/{entry.files[0].path}")
    with pytest.raises(GenerationError, match="1 of 2 files"):
        commit(folder, entry, journal)
    assert not is_delta(folder)


@pytest.mark.parametrize("versions", [3, 12])
def test_checkpoints_of_another_writer(folder, versions):
    deltalake = pytest.importorskip("deltalake")
    entry, journal = stage(folder, "r0", ids(0))
    commit(folder, entry, journal)
    for n in range(1, versions):
        deltalake.write_deltalake(folder.root, ids(n), mode="append")
    plain = read_state(folder)
    deltalake.DeltaTable(folder.root).create_checkpoint()
    for n in range(versions - 1):  # only the checkpoint tells now
        folder.remove_file(f"_delta_log/{n:020d}.json")
    state = read_state(folder)
    assert (state.version, state.id, state.configuration) == (plain.version, plain.id, {MARK: "r0"})
    assert {path: (a["size"], a["dataChange"]) for path, a in state.files.items()} == {path: (a["size"], a["dataChange"]) for path, a in plain.files.items()}
    entry, journal = stage(folder, "r1", ids(77))
    assert commit(folder, entry, journal) == versions
    assert seen(folder.root) == [{"id": 77}]
    take_back(folder, entry, journal)
    assert seen(folder.root) == [{"id": n} for n in sorted(range(versions), key=lambda n: repr({"id": n}))]


def test_logs_that_only_delta_can_read(folder):
    entry, journal = stage(folder, "r0", ids(0))
    commit(folder, entry, journal)
    folder.put("_delta_log/00000000000000000002.json", folder.read("_delta_log/00000000000000000000.json"))
    with pytest.raises(UnknownLog, match="gaps"):
        read_state(folder)
    assert not can_commit(folder, entry)
    folder.remove_file("_delta_log/00000000000000000002.json")
    folder.put("_delta_log/00000000000000000000.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json", b"{}")
    with pytest.raises(UnknownLog, match="another form"):
        read_state(folder)


def test_statistics(folder):
    days = [datetime.date(1492, 1, 1), datetime.date(2020, 1, 1)]
    table = pa.table(
        {
            "n": pa.array([-5, None, 2**62], pa.int64()),
            "x": pa.array([1.0, float("nan"), None], pa.float64()),
            "s": pa.array(["é", "z", None], pa.string()),
            "long": pa.array(["a" * 33, "b", "c"], pa.string()),
            "day": pa.array([datetime.date(1901, 2, 3), None, datetime.date(2020, 1, 1)], pa.date32()),
            "old": pa.array([*days, None], pa.date32()),
            "none": pa.array([None, None, None], pa.int32()),
        }
    )
    entry, _ = stage(folder, "r", table)
    stats = json.loads(entry.files[0].stats)
    assert stats == {
        "numRecords": 3,
        "minValues": {"n": -5, "s": "z", "day": "1901-02-03"},
        "maxValues": {"n": 2**62, "s": "é", "day": "2020-01-01"},
        "nullCount": {"n": 1, "x": 1, "s": 1, "long": 0, "day": 1, "old": 1, "none": 3},
    }


def test_statistics_over_row_groups_and_many_columns(folder):
    staged = Path(folder.root) / "run-r"
    staged.mkdir(parents=True)
    table = pa.table({"n": pa.array([3, 1, None, None, 2, 5], pa.int64()), **{f"c{i}": pa.array([0] * 6, pa.int32()) for i in range(40)}})
    pq.write_table(table, staged / "part-0.parquet", row_group_size=2)
    stats = json.loads(staged_files(folder.below("run-r"), schema_of(table))[0].stats)
    assert (stats["minValues"]["n"], stats["maxValues"]["n"], stats["nullCount"]["n"]) == (1, 5, 2)
    assert len(stats["nullCount"]) == 32


def test_partitions_of_staged_files(folder):
    """Folders as Spark makes them: names and values escaped, times in UTC, empty for null."""
    names = [
        "p q=a%2Fb%3A1/when=2020-10-25 01%3A00%3A00",
        "p q=__HIVE_DEFAULT_PARTITION__/when=2020-10-25 01%3A00%3A00.5",
        "p q=ü/when=__HIVE_DEFAULT_PARTITION__",
    ]
    entry, journal = stage(folder, "r1", ids(1))
    for i, name in enumerate(names):
        place = Path(entry.staged) / name
        place.mkdir(parents=True)
        pq.write_table(ids(i), place / "part-0.parquet")
    next(Path(entry.staged).glob("*.parquet")).unlink()
    columns = schema_of(pa.table({"p q": pa.array([], pa.string()), "id": pa.array([], pa.int64())}))
    columns["fields"].append({"name": "when", "type": "timestamp", "nullable": True, "metadata": {"comment": "c"}})
    files = staged_files(folder.below("run-r1"), columns, ("p q", "when"))
    assert {json.dumps(f.partition, ensure_ascii=False) for f in files} == {
        '{"p q": "a/b:1", "when": "2020-10-25T01:00:00.000000Z"}',
        '{"p q": null, "when": "2020-10-25T01:00:00.500000Z"}',
        '{"p q": "ü", "when": null}',
    }
    assert all(json.loads(f.stats)["nullCount"] == {"id": 0} for f in files)
    entry = entry.model_copy(update={"columns": columns, "files": files, "partitions": ("p q", "when"), "comment": "all", "rows": 3})
    staged = Path(entry.staged) / names[0] / "part-0.parquet"
    staged.rename(folder.root + "/aside")
    with pytest.raises(GenerationError, match="1 of 3 files"):
        commit(folder, entry, journal)
    Path(folder.root + "/aside").rename(staged)
    assert commit(folder, entry, journal) == 0
    state = read_state(folder)
    assert (state.metadata["partitionColumns"], state.metadata["description"]) == (["p q", "when"], "all")
    physical = {f["name"]: f["metadata"]["delta.columnMapping.physicalName"] for f in json.loads(state.metadata["schemaString"])["fields"]}
    assert all(set(add["partitionValues"]) == {physical["p q"], physical["when"]} for add in state.files.values())
    assert all(Path(folder.root, path).exists() for path in state.files)
    entry, journal = stage(folder, "r2", ids(9))
    assert commit(folder, entry, journal) == 1 and read_state(folder).metadata["partitionColumns"] == []
    assert read_state(folder).metadata["description"] == "all", "what is not said stays"
    take_back(folder, entry, journal)
    assert read_state(folder).metadata == state.metadata and set(read_state(folder).files) == set(state.files)


@pytest.mark.parametrize("mapped_before", [False, True])
def test_the_greatest_number_of_a_column_never_shrinks(folder, mapped_before):
    few, many = pa.table({"a b" if mapped_before else "ab": pa.array([1], pa.int64())}), pa.table({f"c {i}": pa.array([1], pa.int64()) for i in range(5)})
    entry, journal = stage(folder, "r1", few)
    commit(folder, entry, journal)
    entry, journal = stage(folder, "r2", many)
    commit(folder, entry, journal)
    assert read_state(folder).configuration["delta.columnMapping.maxColumnId"] == "5"
    take_back(folder, entry, journal)
    state = read_state(folder)
    assert (state.configuration["delta.columnMapping.maxColumnId"], state.configuration["delta.columnMapping.mode"]) == ("5", "name")
    (column,) = json.loads(state.metadata["schemaString"])["fields"]
    assert column["metadata"] == {"delta.columnMapping.id": 1, "delta.columnMapping.physicalName": column["name"]}
    assert len(state.files) == 1
