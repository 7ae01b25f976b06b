"""Root causes of errors that Spark really raises, and how a job tells them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from synthohive_spark.causes import describe
from synthohive_spark.errors import TrainingError, raises

SECRET = "Jane Doe"
ROOT = Path(__file__).resolve().parents[2]


def fails_on_a_cell(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    for frame in frames:
        frame[SECRET]
        yield frame


def fails_with_ours(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    from synthohive_spark.errors import SchemaValidationError

    raise SchemaValidationError(["one", "two"])
    yield from frames


def dies(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    os._exit(3)
    yield from frames


@pytest.mark.parametrize(
    ("kernel", "expected"),
    [
        (fails_on_a_cell, "KeyError at tests/spark/test_causes_spark.py:"),
        (fails_with_ours, "2 faults in the schema:\n  1. one\n  2. two"),
        (dies, "SparkException: Python worker exited unexpectedly (crashed)"),
    ],
)
def test_what_a_worker_met_is_in_the_message(spark: SparkSession, kernel: Callable[..., Iterator[pd.DataFrame]], expected: str) -> None:
    @raises(TrainingError, "fitting")
    def fit() -> None:
        spark.range(1).mapInPandas(kernel, "id long").collect()

    with pytest.raises(TrainingError) as error:
        fit()
    assert str(error.value).startswith(f"fitting failed: {expected}")
    assert SECRET not in str(error.value) and error.value.__cause__ is not None


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (
            lambda s, p: s.range(1).select(F.concat(F.lit(SECRET), "id").cast("int")),
            "NumberFormatException (CAST_INVALID_INPUT) at cast called in tests/spark/",
        ),
        (lambda s, p: s.read.parquet(f"{p}/none"), "AnalysisException (PATH_NOT_FOUND): Path does not exist: file:/"),
        (lambda s, p: s.read.format("nope").load(), "SparkClassNotFoundException (DATA_SOURCE_NOT_FOUND): Failed to find the data source: nope"),
        (lambda s, p: s.read.parquet("strange://bucket/a"), 'UnsupportedFileSystemException: No FileSystem for scheme "strange"'),
    ],
)
def test_what_the_jvm_met_is_told_by_its_class(spark: SparkSession, tmp_path: Path, made: Callable[..., DataFrame], expected: str) -> None:
    with pytest.raises(Exception) as error:  # noqa: B017, PT011 - Spark raises several
        made(spark, tmp_path).collect()
    assert describe(error.value).startswith(expected)
    assert SECRET not in describe(error.value)


@pytest.mark.slow
def test_a_job_tells_the_table_the_step_and_the_cause_and_no_cell(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(f"id,age\n1,20\n2,{SECRET}\n")
    source = f"{{path: {tmp_path}/people.csv, format: csv, options: {{header: true}}, types: {{id: int, age: int}}}}"
    (tmp_path / "run.yaml").write_text(f"tables: {{people: {{pk: id}}}}\nsource: {{people: {source}}}\nfit: {{output: {tmp_path}/model}}\n")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for name in ("PYSPARK_GATEWAY_PORT", "PYSPARK_GATEWAY_SECRET", "SYNTHOHIVE_TRACEBACK"):
        environment.pop(name, None)
    command = [sys.executable, str(ROOT / "jobs" / "fit.py"), "--config", str(tmp_path / "run.yaml")]
    answer = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=600, stdin=subprocess.DEVNULL)
    lines = [line for line in answer.stderr.splitlines() if line.startswith(("fit failed", "  ")) or "Exception" in line]
    assert answer.returncode == 1 and answer.stdout == ""
    assert lines[0].startswith("fit failed: fitting failed while profiling table 'people': NumberFormatException (CAST_INVALID_INPUT) at stages/profile.py:")
    assert "cast called in storage/files.py:" in lines[0] and len(lines) == 2 and "--traceback" in lines[1]
    assert SECRET not in answer.stderr
