"""Save and load: everything comes back, nothing damaged gets in, nothing foreign is removed."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import uuid
import warnings
from dataclasses import replace
from pathlib import Path

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import load, save

from synthohive_spark.errors import MissingDependencyError, SerializationError
from synthohive_spark.spec.encoding import CategoryEncoding, NumberEncoding, TableEncoding, TextEncoding
from synthohive_spark.spec.fitted import FittedSchema, FittedTable, ModelSpec
from synthohive_spark.spec.graph import SchemaGraph
from synthohive_spark.spec.metadata import Metadata
from synthohive_spark.spec.program import Linkage, Phase, TableProgram
from synthohive_spark.spec.sources import Source, Sources
from synthohive_spark.spec.steps import Draw, KeyPattern, NumberKey
from synthohive_spark.storage import artifacts
from synthohive_spark.storage.artifacts import load_artifact, package_version, save_artifact
from synthohive_spark.storage.manifest import FORMAT_VERSION, _render


def _fitted(reference: Path) -> FittedSchema:
    metadata = Metadata()
    metadata.add_table("zones", pk="zone", role="reference")
    metadata.add_table("users", pk="id", constraints={"age": {"min": 0, "max": 120.5}})
    metadata.add_table("orders", pk="id", fk={"user_id": "users.id", "zone": "zones.zone"})
    number = NumberEncoding(name="age", spark_type="int", has_null=True, weights=(0.1, 0.3, 0.6), tokens=(0.0,), knots=(1.0, 1e300), step=1.0)
    category = CategoryEncoding(
        name="flag", spark_type="boolean", has_null=False, weights=(0.5, 0.5), values=(True, 1, 1.0, "ü\u2028'\""), counts=(1, 2, 3, 4), starts=(0, 2)
    )
    text = TextEncoding(name="memo", spark_type="string", has_null=False, weights=(1.0,), shapes=("Aa 9",), shape_counts=(3,))
    users = TableEncoding(table="users", rows=10, columns=(number, category))
    orders = TableEncoding(table="orders", rows=30, columns=(text,))
    user_program = TableProgram(
        table="users",
        columns=(("id", "bigint", False), ("age", "int", True), ("flag", "boolean", True)),
        phases=(Phase(steps=(NumberKey(column="id", pattern=KeyPattern(form="text", prefix="U-", width=6)), Draw(columns=("age",)))),),
        rows=10,
    )
    order_program = TableProgram(
        table="orders",
        columns=(("id", "bigint", False), ("user_id", "bigint", False), ("memo", "string", True)),
        foreign_keys=metadata.tables["orders"].foreign_keys,
        phases=(Phase(steps=(Draw(columns=("memo",)),)),),
        driving=0,
        context=("age",),
        linkages={0: Linkage(values=(0, 3), weights=(0.25, 0.75), mean=2.25, variance=1.0)},
        rows=30,
    )
    weights = save({"layer.weight": np.arange(6, dtype=np.float32).reshape(2, 3), "bias": np.zeros(2, dtype=np.float32)})
    model = ModelSpec(name="ctgan", settings={"width": 32, "rate": 1e-3, "layers": [1, 2]}, row=(3,), context=())
    return FittedSchema(
        metadata=metadata,
        graph=SchemaGraph.from_metadata(metadata),
        tables={"users": FittedTable(user_program, users, None, model, weights), "orders": FittedTable(order_program, orders, users.select(("age",)))},
        references={"zones": str(reference)},
        reference_rows={"zones": 2},
        seed=2**62 + 1,
        version=package_version(),
        sources=Sources(tables={"users": Source(roots=("/lake/users ü",), ids=("1-2",)), "orders": Source()}),
    )


@pytest.fixture
def fitted(tmp_path):
    folder = tmp_path / "zones"
    folder.mkdir()
    pq.write_table(pa.table({"zone": ["n", "s"]}), folder / "part-00000-a.snappy.parquet")
    pq.write_table(pa.table({"zone": ["w"]}), folder / "part-00001-b.snappy.parquet")
    (folder / "_SUCCESS").touch()
    (folder / ".part-00000-a.snappy.parquet.crc").write_bytes(b"crc")
    return _fitted(folder)


@pytest.fixture
def saved(fitted, tmp_path):
    path = tmp_path / "models" / "m"
    save_artifact(fitted, str(path))
    return path


def _files(path: Path) -> list[Path]:
    return sorted(p for p in path.rglob("*") if p.is_file())


def _reseal(path: Path, change) -> None:
    """Rewrite the manifest with valid checksums, as an attacker would."""
    body = json.loads((path / "manifest.json").read_bytes())
    del body["checksum"]
    change(body)
    for entry in body["files"]:
        target = path / entry["path"]
        if target.is_file():
            raw = target.read_bytes()
            entry["size"], entry["sha256"] = len(raw), hashlib.sha256(raw).hexdigest()
    (path / "manifest.json").write_bytes(_render(body))


def test_artifacts_from_before_sources_were_kept(saved):
    _reseal(saved, lambda body: body.pop("sources"))
    assert load_artifact(saved).sources == Sources()


def test_everything_comes_back(fitted, saved):
    loaded = load_artifact(str(saved))
    assert (loaded.metadata, loaded.graph, loaded.seed, loaded.version) == (fitted.metadata, fitted.graph, fitted.seed, fitted.version)
    assert loaded.sources == fitted.sources
    assert list(loaded.metadata.tables) == ["zones", "users", "orders"]
    assert loaded.tables == fitted.tables
    assert [type(v) for v in loaded.tables["users"].encoding.column("flag").values] == [bool, int, float, str]
    assert load(loaded.tables["users"].weights)["layer.weight"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert loaded.references == {"zones": f"{saved}/reference/zones"}
    assert sorted(pq.read_table(loaded.references["zones"]).column("zone").to_pylist()) == ["n", "s", "w"]


def test_layout(saved):
    assert [str(p.relative_to(saved)) for p in _files(saved)] == [
        "manifest.json",
        "reference/zones/part-00000.parquet",
        "reference/zones/part-00001.parquet",
        "tables/orders/context_encoding.json",
        "tables/orders/encoding.json",
        "tables/orders/program.json",
        "tables/users/encoding.json",
        "tables/users/model.json",
        "tables/users/program.json",
        "tables/users/weights.safetensors",
    ]
    assert [p.name for p in saved.parent.iterdir()] == ["m"]


def test_same_schema_gives_the_same_bytes(fitted, saved, tmp_path):
    save_artifact(fitted, tmp_path / "again")
    assert [p.read_bytes() for p in _files(saved)] == [p.read_bytes() for p in _files(tmp_path / "again")]


def test_relative_path_and_other_directory(fitted, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_artifact(fitted, "rel/m")
    loaded = load_artifact("rel/m")
    monkeypatch.chdir("/")
    assert Path(loaded.references["zones"]).is_dir()


def test_other_file_systems(fitted):
    path = f"memory://{uuid.uuid4().hex}/m"
    save_artifact(fitted, path)
    loaded = load_artifact(path)
    assert loaded.tables == fitted.tables
    assert loaded.references == {"zones": f"{path}/reference/zones"}
    with pytest.raises(SerializationError, match="exists"):
        save_artifact(fitted, path)
    save_artifact(replace(loaded, seed=5), path, overwrite=True)
    assert load_artifact(path).seed == 5
    files = fsspec.filesystem("memory")
    assert len(files.ls(path.rsplit("/", 1)[0])) == 1


def test_existing_paths(fitted, saved, tmp_path):
    with pytest.raises(SerializationError, match="overwrite=True"):
        save_artifact(fitted, saved)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(SerializationError, match="exists"):
        save_artifact(fitted, empty)
    save_artifact(fitted, empty, overwrite=True)
    assert load_artifact(empty).tables == fitted.tables


def test_overwrite_with_what_was_loaded_from_there(fitted, saved):
    loaded = load_artifact(saved)
    save_artifact(replace(loaded, seed=1), saved, overwrite=True)
    again = load_artifact(saved)
    assert again.seed == 1
    assert sorted(pq.read_table(again.references["zones"]).column("zone").to_pylist()) == ["n", "s", "w"]
    assert [p.name for p in saved.parent.iterdir()] == ["m"]


def test_overwrite_what_an_earlier_version_saved(fitted, saved):
    _reseal(saved, lambda body: body.update(format_version=FORMAT_VERSION - 1, gone="of a field that is no longer"))
    save_artifact(replace(fitted, seed=9), saved, overwrite=True)
    assert load_artifact(saved).seed == 9


@pytest.mark.parametrize("files", [None, "x", [1], [{"name": "a"}]])
def test_manifests_that_list_no_files_are_never_removed(fitted, saved, files):
    body = json.loads((saved / "manifest.json").read_bytes())
    del body["checksum"]
    (saved / "manifest.json").write_bytes(_render(body | {"files": files}))
    with pytest.raises(SerializationError, match="does not list its files"):
        save_artifact(fitted, saved, overwrite=True)


def test_overwrite_through_a_link(fitted, saved, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(saved)
    save_artifact(replace(fitted, seed=9), link, overwrite=True)
    assert link.is_symlink() and load_artifact(saved).seed == 9


@pytest.mark.parametrize(
    "content", [{"notes.txt": "mine"}, {"manifest.json": "{}"}, {"manifest.json": '{"format": "other"}'}, {"sub/x.parquet": "p"}, {".git/HEAD": "ref"}]
)
def test_foreign_folders_are_never_removed(fitted, tmp_path, content):
    folder = tmp_path / "mine"
    for name, text in content.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    with pytest.raises(SerializationError, match="not replaced"):
        save_artifact(fitted, folder, overwrite=True)
    assert {str(p.relative_to(folder)): p.read_text() for p in _files(folder)} == content
    assert [p.name for p in tmp_path.iterdir() if ".part-" in p.name] == []


def test_artifacts_with_other_files_and_plain_files_are_not_removed(fitted, saved, tmp_path):
    (saved / "notes.txt").write_text("mine")
    with pytest.raises(SerializationError, match="notes.txt"):
        save_artifact(fitted, saved, overwrite=True)
    assert (saved / "notes.txt").read_text() == "mine"
    (tmp_path / "file").write_text("x")
    with pytest.raises(SerializationError, match="file"):
        save_artifact(fitted, tmp_path / "file", overwrite=True)
    assert (tmp_path / "file").read_text() == "x"


def test_a_failed_save_leaves_the_old_one(fitted, saved, tmp_path):
    with pytest.raises(SerializationError, match="zones"):
        save_artifact(replace(fitted, references={"zones": str(tmp_path / "gone")}), saved, overwrite=True)
    assert load_artifact(saved).tables == fitted.tables
    assert [p.name for p in saved.parent.iterdir()] == ["m"]


def test_a_failed_swap_leaves_the_old_one(fitted, saved, monkeypatch):
    move = artifacts.Folder.move_to

    def failing(self, other):
        if ".part-" in self.root:
            raise OSError("disk full")
        move(self, other)

    monkeypatch.setattr(artifacts.Folder, "move_to", failing)
    with pytest.raises(SerializationError, match="disk full"):
        save_artifact(replace(fitted, seed=3), saved, overwrite=True)
    assert load_artifact(saved).seed == fitted.seed
    assert [p.name for p in saved.parent.iterdir()] == ["m"]


@pytest.mark.parametrize("name", ["../evil", "a/b", "", "a b", "a`", "tаble", "a\x00", ".."])
def test_hostile_table_names_are_not_saved(fitted, tmp_path, name):
    for change in ({"tables": {name: fitted.tables["users"]}}, {"references": {name: fitted.references["zones"]}}):
        with pytest.raises(SerializationError):
            save_artifact(replace(fitted, **change), tmp_path / "x")
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("settings", [{"rate": float("nan")}, {"rate": float("inf")}, {"f": object()}, {"s": "\ud800"}])
def test_what_json_cannot_hold_is_not_saved(fitted, tmp_path, settings):
    users = fitted.tables["users"]
    bad = replace(users, model=ModelSpec(name="ctgan", settings=settings, row=(2,), context=()))
    with pytest.raises(SerializationError, match="model.json"):
        save_artifact(replace(fitted, tables={"users": bad}), tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_weights_must_be_tensors(fitted, tmp_path):
    with pytest.raises(SerializationError, match="safetensors"):
        save_artifact(replace(fitted, tables={"users": replace(fitted.tables["users"], weights=b"\x80\x04K\x01.")}), tmp_path / "x")


def test_every_truncation_is_found(saved):
    for path in _files(saved):
        raw = path.read_bytes()
        for length in sorted({0, 1, 7, len(raw) // 3, len(raw) // 2, len(raw) - 2, len(raw) - 1}):
            path.write_bytes(raw[:length])
            with pytest.raises(SerializationError):
                load_artifact(saved)
        path.write_bytes(raw + b"\n")
        with pytest.raises(SerializationError):
            load_artifact(saved)
        path.write_bytes(raw)
    load_artifact(saved)


def test_every_flipped_byte_is_found(saved):
    rng = np.random.default_rng(0)
    for path in _files(saved):
        raw = path.read_bytes()
        for position in {0, len(raw) - 1, *rng.integers(0, len(raw), 60).tolist()}:
            flipped = bytearray(raw)
            flipped[position] ^= int(rng.choice([1, 2, 4, 8, 16, 32, 64, 128, 255]))
            path.write_bytes(bytes(flipped))
            with pytest.raises(SerializationError):
                load_artifact(saved)
        path.write_bytes(raw)
    load_artifact(saved)


def test_every_missing_file_is_found(saved):
    for path in _files(saved):
        raw = path.read_bytes()
        path.unlink()
        with pytest.raises(SerializationError, match="manifest.json|is missing"):
            load_artifact(saved)
        path.mkdir()
        with pytest.raises(SerializationError):
            load_artifact(saved)
        path.rmdir()
        path.write_bytes(raw)
    load_artifact(saved)


def test_files_that_do_not_belong_there(saved):
    (saved / ".DS_Store").write_text("tool")
    (saved / "reference" / "zones" / "_SUCCESS").touch()
    load_artifact(saved)
    pq.write_table(pa.table({"zone": ["x"]}), saved / "reference" / "zones" / "part-00009.parquet")
    with pytest.raises(SerializationError, match="part-00009"):
        load_artifact(saved)


def test_missing_and_foreign_folders(tmp_path):
    with pytest.raises(SerializationError, match="does not exist"):
        load_artifact(tmp_path / "nowhere")
    with pytest.raises(SerializationError, match="not a saved synthesizer"):
        load_artifact(tmp_path)
    (tmp_path / "file").write_text("x")
    with pytest.raises(SerializationError):
        load_artifact(tmp_path / "file")
    for text in ("", "[]", "null", "{}", '{"format": 1}', "[" * 100_000, '{"format": "synthohive_spark.artifact"}'):
        (tmp_path / "manifest.json").write_text(text)
        with pytest.raises(SerializationError):
            load_artifact(tmp_path)


@pytest.mark.parametrize("path", ["", "a\x00b", "no-such-protocol://x/y", None])
def test_paths_that_are_none(fitted, path):
    with pytest.raises(SerializationError):
        load_artifact(path)
    with pytest.raises(SerializationError):
        save_artifact(fitted, path)


def test_a_protocol_without_its_package(monkeypatch):
    def missing(*args, **kwargs):
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr("synthohive_spark.storage.folders.fsspec.url_to_fs", missing)
    with pytest.raises(MissingDependencyError, match="s3fs"):
        load_artifact("s3://bucket/m")


def test_versions(fitted, saved, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_artifact(saved)
    save_artifact(replace(fitted, version="0.0.1"), tmp_path / "old")
    with pytest.warns(UserWarning, match=r"0\.0\.1"):
        assert load_artifact(tmp_path / "old").tables == fitted.tables
    _reseal(saved, lambda body: body.update(format_version=FORMAT_VERSION + 1, news=1))
    with pytest.raises(SerializationError, match="newer synthohive_spark"):
        load_artifact(saved)
    _reseal(saved, lambda body: body.update(format_version=FORMAT_VERSION - 1))
    with pytest.raises(SerializationError, match="earlier synthohive_spark.*fit and save again"):
        load_artifact(saved)


@pytest.mark.parametrize(
    "change",
    [
        lambda b: b.update(extra=1),
        lambda b: b["graph"].update(extra=1),
        lambda b: b["metadata"]["tables"]["users"].update(extra=1),
        lambda b: b["files"][0].update(extra=1),
        lambda b: b["files"].append({"path": "tables/users/context_encoding.json", "size": -1, "sha256": "0" * 64}),
        lambda b: b["files"].append({"path": "tables/users/context_encoding.json", "size": 0, "sha256": "x"}),
        lambda b: b.pop("seed"),
        lambda b: b.update(seed="x"),
        lambda b: b.update(format_version=True),
        lambda b: b.update(format_version="1"),
        lambda b: b["graph"]["order"].append("../../etc"),
        lambda b: b["metadata"]["tables"].update({"../x": b["metadata"]["tables"]["users"]}),
        lambda b: b["metadata"]["tables"]["users"].update(name="a`b"),
        lambda b: b["metadata"]["tables"].pop("users"),
        lambda b: b["files"].append({"path": "../../etc/passwd", "size": 0, "sha256": "0" * 64}),
        lambda b: b["files"].append({"path": "/etc/passwd", "size": 0, "sha256": "0" * 64}),
        lambda b: b["files"].append({"path": "tables/../../x/program.json", "size": 0, "sha256": "0" * 64}),
        lambda b: b["files"].append({"path": "tables/../program.json", "size": 0, "sha256": "0" * 64}),
        lambda b: b["files"].append({"path": "tables/users/model.pkl", "size": 0, "sha256": "0" * 64}),
        lambda b: b["files"].append({"path": "reference/zones/x.parquet", "size": 0, "sha256": "0" * 64}),
        lambda b: b["files"].append(b["files"][0]),
    ],
)
def test_a_manifest_with_valid_checksums_is_still_checked(saved, change):
    _reseal(saved, change)
    with pytest.raises(SerializationError, match="manifest.json"):
        load_artifact(saved)


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("program.json", b"{}"),
        ("program.json", b"[]"),
        ("program.json", b"not json"),
        ("encoding.json", b'{"table": "users", "rows": 1, "columns": [{"kind": "evil"}]}'),
        ("encoding.json", b'{"table": "orders", "rows": 1, "columns": []}'),
        ("encoding.json", b'{"table": "users", "rows": 1, "columns": [], "__class__": "os.system"}'),
        ("model.json", b'{"name": "ctgan", "row": [], "context": [], "module": "os"}'),
        ("model.json", b"[" * 50_000),
        ("weights.safetensors", b"\x80\x04\x95"),
        ("weights.safetensors", (2**60).to_bytes(8, "little") + b"{}"),
        ("weights.safetensors", (60).to_bytes(8, "little") + b'{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}     '),
    ],
)
def test_a_file_with_valid_checksum_is_still_checked(saved, name, raw):
    (saved / "tables" / "users" / name).write_bytes(raw)
    _reseal(saved, lambda body: None)
    with pytest.raises(SerializationError, match="tables/users"):
        load_artifact(saved)


def test_a_table_without_its_program(saved):
    (saved / "tables" / "users" / "program.json").unlink()
    _reseal(saved, lambda body: body.update(files=[e for e in body["files"] if e["path"] != "tables/users/program.json"]))
    with pytest.raises(SerializationError, match=r"no program\.json"):
        load_artifact(saved)


def test_errors_hold_no_values(saved):
    secret = "Jane-Doe-1970"
    (saved / "tables" / "users" / "encoding.json").write_text(json.dumps({"table": "users", "rows": secret, "columns": []}))
    _reseal(saved, lambda body: None)
    with pytest.raises(SerializationError) as caught:
        load_artifact(saved)
    assert secret not in str(caught.value)


def test_loading_runs_no_code(saved):
    code = (
        "import sys\n"
        "from synthohive_spark.storage.artifacts import load_artifact\n"
        "forbidden = ('pickle.find_class', 'os.system', 'os.exec', 'subprocess.Popen', 'ctypes.dlopen')\n"
        "def hook(event, arguments):\n"
        "    if event in forbidden:\n"
        "        raise SystemExit(3)\n"
        "sys.addaudithook(hook)\n"
        f"fitted = load_artifact({str(saved)!r})\n"
        "sys.exit(0 if fitted.seed else 1)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=120).returncode == 0
