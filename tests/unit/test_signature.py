"""Signatures of saved models: only what was signed with the key is loaded where that is asked for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from synthohive_spark.errors import SerializationError
from synthohive_spark.spec.fitted import FittedSchema
from synthohive_spark.spec.graph import SchemaGraph
from synthohive_spark.spec.metadata import Metadata
from synthohive_spark.storage.artifacts import load_artifact, save_artifact
from synthohive_spark.storage.manifest import _render
from synthohive_spark.storage.signature import KEY, SIGNATURE

METADATA = Metadata()
FITTED = FittedSchema(metadata=METADATA, graph=SchemaGraph.from_metadata(METADATA), tables={}, references={}, seed=3, version="0")


@pytest.fixture
def signed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(KEY, "k" * 64)
    save_artifact(FITTED, tmp_path / "m", sign=True)
    return tmp_path / "m"


def test_a_signed_model_loads_with_and_without_a_look(signed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_artifact(signed, verify=True).seed == 3
    monkeypatch.delenv(KEY)
    assert load_artifact(signed).seed == 3
    with pytest.raises(SerializationError, match=f"{KEY} is not set"):
        load_artifact(signed, verify=True)


def test_a_change_with_checksums_that_fit_is_refused(signed: Path) -> None:
    body = json.loads((signed / "manifest.json").read_bytes())
    del body["checksum"]
    (signed / "manifest.json").write_bytes(_render(body | {"seed": 4}))
    assert load_artifact(signed).seed == 4  # checksums tell accidents only
    with pytest.raises(SerializationError, match="was not signed with the key"):
        load_artifact(signed, verify=True)


def test_another_key_and_no_signature_are_refused(signed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY, "l" * 64)
    with pytest.raises(SerializationError, match="was not signed with the key"):
        load_artifact(signed, verify=True)
    (signed / SIGNATURE).write_bytes(b"\xff\xfe")
    with pytest.raises(SerializationError, match="was not signed with the key"):
        load_artifact(signed, verify=True)
    (signed / SIGNATURE).unlink()
    with pytest.raises(SerializationError, match="is not signed"):
        load_artifact(signed, verify=True)


@pytest.mark.parametrize("key", ["", "short"])
def test_nothing_is_written_without_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv(KEY, key)
    with pytest.raises(SerializationError, match=KEY) as raised:
        save_artifact(FITTED, tmp_path / "m", sign=True)
    assert not (tmp_path / "m").exists() and "short" not in str(raised.value)


def test_saving_again_without_a_signature_leaves_none(signed: Path) -> None:
    save_artifact(FITTED, signed, overwrite=True)
    assert not (signed / SIGNATURE).exists()
