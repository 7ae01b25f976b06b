"""Runs and models in MLflow, on a store of files."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from test_chain import schema
from test_report_page import findings as page_findings  # noqa: F401 - a fixture

from synthohive_spark import GenerationError, Report, SchemaError, SerializationError, Synthesizer
from synthohive_spark.spec.findings import Findings
from synthohive_spark.stages.train import TrainedModel
from synthohive_spark.storage.artifacts import package_version

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
mlflow = pytest.importorskip("mlflow", reason="the extra mlflow is not installed")
ours = pytest.importorskip("synthohive_spark.mlflow")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")  # its own store of databases wants more packages than clients have
    mlflow.set_tracking_uri((tmp_path / "runs").as_uri())
    yield tmp_path
    while mlflow.active_run():
        mlflow.end_run()


@pytest.fixture
def fitted() -> Synthesizer:
    made = replace(schema(), version=package_version())
    synthesizer = Synthesizer(made.metadata, spark=object())  # type: ignore[arg-type] - no session is needed here
    synthesizer._fitted = made
    history = ({"epoch": 1, "loss": 2.5, "held_out": 2.0}, {"epoch": 4, "loss": 1.5, "held_out": 1.25, "note": "best"})
    synthesizer._trained = {"a": TrainedModel(b"", 4, 0.1, history)}
    return synthesizer


def test_parameters_losses_figures_and_the_report_are_logged(store: Path, fitted: Synthesizer, page_findings: Findings) -> None:  # noqa: F811
    report = Report(page_findings)
    with mlflow.start_run() as run:
        ours.log_run(fitted, report)
    client, told = mlflow.MlflowClient(), mlflow.get_run(run.info.run_id).data
    assert (told.params["seed"], told.params["tables"], told.params["rows/a"], told.params["row_model/b"]) == ("1", "3", "100", "independent")
    assert "training/backend" in told.params
    assert [(m.step, m.value) for m in client.get_metric_history(run.info.run_id, "training/a/held_out")] == [(1, 2.0), (4, 1.25)]
    assert told.metrics["report/shapes"] == pytest.approx(report.findings.figures["shapes"].value)
    assert "ceiling/shapes" in told.metrics and told.metrics["report/faults"] == len(report.findings.faults)
    assert {f.path for f in client.list_artifacts(run.info.run_id, "report")} == {"report/report.html", "report/report.json"}


def test_a_model_comes_back_and_makes_rows_without_spark(store: Path, fitted: Synthesizer) -> None:
    with mlflow.start_run():
        info = ours.log_model(fitted)
    again = ours.load_model(info.model_uri, spark=object())
    assert again.fitted.tables["b"].program == fitted.fitted.tables["b"].program
    rows = mlflow.pyfunc.load_model(info.model_uri).predict(pd.DataFrame([{"table": "b", "seed": 7, "rows": 40}]))
    assert list(rows.columns) == ["id", "value", "parent"] and len(rows) == pytest.approx(55, abs=12)
    assert set(rows["value"]) <= {3, 5, 8} and rows["parent"].dropna().between(1, 40).all()
    pd.testing.assert_frame_equal(rows, ours._load_pyfunc(str(_data(info.model_uri))).predict(pd.DataFrame([{"table": "B", "seed": 7.0, "rows": 40.0}])))


def _data(uri: str) -> Path:
    return Path(mlflow.artifacts.download_artifacts(artifact_uri=uri)) / "model"


def test_nothing_that_is_loaded_is_code(store: Path, fitted: Synthesizer) -> None:
    ours.save_model(fitted, str(store / "saved"))
    names = {path.suffix or path.name for path in (store / "saved").rglob("*") if path.is_file()}
    assert names == {"MLmodel", ".txt", ".json", ".safetensors"}
    assert (store / "saved" / "requirements.txt").read_text().startswith("synthohive_spark==")
    with pytest.raises(SerializationError, match="exists; choose another"):
        ours.save_model(fitted, str(store / "saved"))


def test_requests_that_make_no_sense_are_refused(store: Path, fitted: Synthesizer) -> None:
    rows = ours.Rows(fitted.fitted)
    wrong: list[tuple[dict[str, Any], type[Exception], str]] = [
        ({"table": ["a", "b"]}, SchemaError, "one row asks for"),
        ({"table": ["z"]}, SchemaError, "no table 'z'"),
        ({"table": ["a"], "rows": [-1]}, SchemaError, "'rows' must be a whole number"),
    ]
    for request, error, told in wrong:
        with pytest.raises(error, match=told):
            rows.predict(pd.DataFrame(request))
    with pytest.raises(GenerationError, match="nothing is fitted"):
        _ = Synthesizer(fitted.metadata, spark=object()).fitted  # type: ignore[arg-type]


def test_a_model_of_another_flavour_is_named(store: Path) -> None:
    folder = store / "other"
    folder.mkdir()
    mlflow.models.Model(flavors={"sklearn": {}}).save(str(folder / "MLmodel"))
    with pytest.raises(SerializationError, match=r"has the flavours \['sklearn'\]"):
        ours.load_model(str(folder))


def test_without_mlflow_the_extra_is_named() -> None:
    code = (
        "import sys; sys.modules['mlflow'] = None\n"
        "from synthohive_spark import MissingDependencyError\n"
        "try: import synthohive_spark.mlflow\n"
        "except MissingDependencyError as error: print(error)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert 'pip install "synthohive_spark[mlflow]"' in told
