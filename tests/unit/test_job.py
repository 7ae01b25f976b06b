"""How a job ends, whatever it meets."""

from __future__ import annotations

from pathlib import Path

import pytest

from synthohive_spark import job
from synthohive_spark.errors import GenerationError

CONFIG = "tables: {people: {pk: id}}\nsource: {people: ./people.csv}\nfit: {output: ./model}\n"


@pytest.fixture
def arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.delenv(job.TRACEBACK, raising=False)
    monkeypatch.setattr(job, "spark_session", lambda name: name)
    (tmp_path / "run.yaml").write_text(CONFIG)
    return ["--config", str(tmp_path / "run.yaml"), "--set", "fit.epochs=7"]


def test_what_the_work_gives_goes_to_stdout(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert job.run_job("fit", "about", "fit.epochs=20", lambda run, spark: f"{run.fit.epochs} {spark}\n", arguments) == 0
    assert capsys.readouterr() == ("7 synthohive_spark fit\n", "")


def fails_foreign(run: object, spark: object) -> str:
    raise KeyError("SECRET")


def fails_ours(run: object, spark: object) -> str:
    try:
        fails_foreign(run, spark)
    except KeyError as error:
        raise GenerationError("writing the folder /out failed") from error
    return ""


def test_a_foreign_error_is_one_line_without_its_text(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert job.run_job("fit", "about", "fit.epochs=20", fails_foreign, arguments) == 1
    first, hint = capsys.readouterr().err.splitlines()
    assert first.startswith("fit failed: KeyError at tests/unit/test_job.py:") and first.endswith("(fails_foreign)") and "--traceback" in hint


def test_an_error_of_ours_is_followed_by_its_causes(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert job.run_job("fit", "about", "fit.epochs=20", fails_ours, arguments) == 1
    first, cause, _ = capsys.readouterr().err.splitlines()
    assert first == "fit failed: writing the folder /out failed"
    assert cause.startswith("  caused by KeyError at tests/unit/test_job.py:")


def test_a_fault_in_the_configuration_ends_like_any_other(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert job.run_job("fit", "about", "fit.epochs=20", fails_ours, [*arguments, "--set", "fit.epoks=1"]) == 1
    told = capsys.readouterr().err
    assert told.startswith("fit failed: ") and "epoks" in told.partition("caused by")[0]


@pytest.mark.parametrize("by", ["option", "environment"])
def test_all_of_it_can_be_seen(by: str, arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    if by == "environment":
        monkeypatch.setenv(job.TRACEBACK, "1")
    assert job.run_job("fit", "about", "fit.epochs=20", fails_ours, arguments + ["--traceback"] * (by == "option")) == 1
    told = capsys.readouterr().err
    assert "KeyError: 'SECRET'" in told and "direct cause" in told
