"""The jobs that need no configuration: their arguments, and what they print."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from detection_eyes import detected
from made_up_schemas import star

from synthohive_spark import job
from synthohive_spark.detection import Detected
from synthohive_spark.errors import SchemaError
from synthohive_spark.spec.run_config import DatabaseSource, RunConfig
from synthohive_spark.storage.files import read_sources

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def no_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(job.TRACEBACK, raising=False)
    monkeypatch.setattr(job, "spark_session", lambda name: name)
    monkeypatch.syspath_prepend(str(ROOT))


def found(data: Any, *, spark: Any, references: bool = True) -> Detected:
    if data == "bad":
        raise SchemaError("no such place")
    metadata, findings = detected(star().frames, references=references)
    return Detected(metadata, tuple(findings))


def test_detect_writes_a_configuration_and_prints_what_it_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from jobs import detect

    monkeypatch.setattr(detect, "detect", found)
    assert detect.main(["lake.shop", str(tmp_path / "shop.yaml")]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("table ") and "(product_key) -> dim_product(product_key)" in printed
    run = RunConfig.from_yaml(tmp_path / "shop.yaml")
    assert run.source == "lake.shop" and set(run.metadata.tables) == set(star().frames)
    assert detect.main(["bad", str(tmp_path / "x.yaml")]) == 1
    assert capsys.readouterr().err == "detect failed: no such place\n"


def test_copy_passes_its_arguments_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from jobs import copy_tables

    asked: dict[str, Any] = {}

    def copied(source: str, target: str, **options: Any) -> Any:
        asked.update(options, source=source, target=target)
        return SimpleNamespace(detected=None, report=SimpleNamespace(summary=lambda: "scores"))

    monkeypatch.setattr(copy_tables, "copy", copied)
    monkeypatch.setattr(copy_tables, "work_dir", lambda spark, asked, output: asked)
    (tmp_path / "m.yaml").write_text("tables: {a: {pk: i}}")
    assert copy_tables.main(["lake/", "out/", "--metadata", str(tmp_path / "m.yaml"), "--scale", "2", "--seed", "3", "--references"]) == 0
    assert capsys.readouterr().out == "scores\ntables: out/\n"
    assert asked["metadata"].tables["a"].primary_key == ("i",)
    assert (asked["source"], asked["target"], asked["scale"], asked["seed"], asked["references"]) == ("lake/", "out/", 2.0, 3, True)


def test_no_job_hides_a_module_of_the_standard_library() -> None:
    assert not {path.stem for path in (ROOT / "jobs").glob("*.py")} & sys.stdlib_module_names


def test_arguments_can_name_databases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from jobs import copy_tables, detect

    asked: dict[str, Any] = {}

    def copied(source: Any, target: Any, **options: Any) -> Any:
        asked.update(source=repr(source), target=repr(target), overwrite=options["overwrite"])
        return SimpleNamespace(detected=None, report=SimpleNamespace(summary=lambda: "scores"))

    monkeypatch.setattr(copy_tables, "copy", copied)
    monkeypatch.setenv("SHOP_PASSWORD", "hunter2-Word")
    source, target = "postgresql+psycopg2://me:$SHOP_PASSWORD@host/shop", f"sqlite:///{tmp_path}/copy.db"
    assert copy_tables.main([source, target, "--source-schema", "public", "--overwrite"]) == 0
    assert asked == {"source": "Database(postgresql://host/shop, schema='public')", "target": f"Database(sqlite:///{tmp_path}/copy.db)", "overwrite": True}
    assert capsys.readouterr().out == f"scores\ntables: Database(sqlite:///{tmp_path}/copy.db)\n"
    monkeypatch.setattr(detect, "detect", found)
    assert detect.main([source, str(tmp_path / "shop.yaml"), "--schema", "public"]) == 0
    assert "hunter2-Word" not in (tmp_path / "shop.yaml").read_text() + capsys.readouterr().out
    run = RunConfig.from_yaml(tmp_path / "shop.yaml")
    assert run.source == DatabaseSource(database="postgresql+psycopg2://$DATABASE_USERNAME:$SHOP_PASSWORD@host/shop", schema="public")
    monkeypatch.setenv("DATABASE_USERNAME", "me")
    assert repr(read_sources("no session", run.source)) == asked["source"]  # type: ignore[arg-type]
