"""Saved models that were damaged, or made on purpose: each loads and makes rows, or is refused by an error of ours, and does nothing else."""

from __future__ import annotations

import hashlib
import json
import random
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from fuzz_samples import saved_shop
from fuzzing import as_json, cut_up, damaged, run_cases

from synthohive_spark.kernels.block import GenerationPlan
from synthohive_spark.kernels.generate import Roots, generate_roots
from synthohive_spark.kernels.models import restore_model
from synthohive_spark.spec.fitted import FittedSchema
from synthohive_spark.storage.artifacts import load_artifact
from synthohive_spark.storage.manifest import _render

ROWS = 20
SHAPES = ([10**12], [10**6, 10**6], [-1], [2**63], ["x"], [], None, [0], [3, 3])


def _headers(raw: bytes, rng: random.Random) -> bytes:
    """A safetensors file whose header promises something else than the file holds."""
    (length,) = struct.unpack("<Q", raw[:8])
    header, body = json.loads(raw[8 : 8 + length]), raw[8 + length :]
    tensor = header[rng.choice([n for n in header if n != "__metadata__"])]
    way = rng.randrange(5)
    if way == 0:
        tensor["shape"] = rng.choice(SHAPES)
    elif way == 1:
        tensor["dtype"] = rng.choice(("F64", "I8", "BOOL", "F8", "x", None, "BF16"))
    elif way == 2:
        tensor["data_offsets"] = rng.choice(([0, 10**12], [10**12, 0], [0, 0], [-1, 4], None, [0, 2**64]))
    elif way == 3:
        header = damaged(header, rng)
    else:
        body = np.random.default_rng(rng.randrange(2**32)).choice([0.0, np.nan, np.inf, -1e38, 1.0], len(body) // 4).astype("<f4").tobytes()
    text = as_json(header).encode("utf-8", "surrogatepass")
    return struct.pack("<Q", rng.choice((len(text), len(text), len(text), 2**60, 0))) + text + body


class _Artifact:
    """A saved model and its damaged copies, which lie in the same place one after the other."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.files = {p.relative_to(path).as_posix(): p.read_bytes() for p in sorted(path.rglob("*")) if p.is_file()}
        self.manifest = json.loads(self.files["manifest.json"])
        del self.manifest["checksum"]

    def damage(self, rng: random.Random) -> dict[str, bytes]:
        """Files as an accident leaves them, or, with checksums that fit, an attacker."""
        files = dict(self.files)
        name = rng.choice(sorted(files))
        way = rng.randrange(8)
        if way == 0:
            files[name] = cut_up(files[name], rng)
        elif way == 1:
            del files[name]
        elif way == 2:
            files[rng.choice(("more.json", "tables/users/code.py", "tables/x/program.json", ".hidden", "tables/orders/weights.safetensors.bak"))] = b"{}"
        elif way == 3:
            return files | {"manifest.json": _manifest(damaged(self.manifest, rng))}
        else:
            name = rng.choice([n for n in files if n.startswith("tables/")])
            raw = files[name]
            if name.endswith(".json"):
                files[name] = as_json(damaged(json.loads(raw), rng)).encode("utf-8", "surrogatepass")
            else:
                files[name] = _headers(raw, rng) if rng.random() < 0.8 else cut_up(raw, rng)
            return files | {"manifest.json": _manifest(self._sealed(files))}
        return files

    def _sealed(self, files: dict[str, bytes]) -> dict[str, Any]:
        listed = [{"path": e["path"], "size": len(files[e["path"]]), "sha256": hashlib.sha256(files[e["path"]]).hexdigest()} for e in self.manifest["files"]]
        return self.manifest | {"files": listed}

    def put(self, files: dict[str, bytes], before: dict[str, bytes]) -> None:
        for name in before.keys() - files.keys():
            (self.path / name).unlink()
        for name, raw in files.items():
            if before.get(name) != raw:
                (self.path / name).parent.mkdir(parents=True, exist_ok=True)
                (self.path / name).write_bytes(raw)


def _manifest(body: Any) -> bytes:
    try:
        return _render(body)
    except Exception:  # it can be no manifest at all
        return as_json(body).encode("utf-8", "surrogatepass")


def _used(fitted: FittedSchema) -> None:
    """Some rows of the table without parents, and the model of the other."""
    for name, table in fitted.tables.items():
        if table.model is not None:
            marginals = tuple(table.encoding.column(c).weights for c in table.model_columns)
            restore_model(table.model, table.weights, marginals)
        if table.program.driving is None:
            plan = GenerationPlan(fitted=table, seed=1, total=ROWS, phase=0)
            numbered = iter([pa.RecordBatch.from_pydict({"id": [0]})])
            for batch in generate_roots(numbered, plan=plan, roots=Roots(0, ROWS), types=plan.typed(table.program.names)):
                assert batch.num_rows == ROWS, name


def test_artifacts(tmp_path: Path) -> None:
    artifact = _Artifact(saved_shop(tmp_path))
    lying = dict(artifact.files)
    _used(load_artifact(artifact.path))  # unwatched: torch makes a folder of its own and imports much when it is first needed

    def case(rng: random.Random) -> None:
        nonlocal lying
        files = artifact.damage(rng) if rng.random() < 0.98 else dict(artifact.files)
        artifact.put(files, lying)
        lying = files
        _used(load_artifact(artifact.path))

    run_cases(case, tmp_path, purpose="artifacts")
