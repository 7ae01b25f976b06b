"""Executors that run another Python than the driver, for real: each case is a session of its own process."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from synthohive_spark.errors import MissingDependencyError
from synthohive_spark.kernels import versions
from synthohive_spark.stages import executors
from synthohive_spark.stages.executors import check_executors
from synthohive_spark.stages.jvm.java import java_home

ROOT = Path(__file__).resolve().parents[2]
CANNOT = "the executors cannot run the package: "
MINOR = f"{sys.version_info.major}.{sys.version_info.minor}"
DRIVER = rf"the driver runs {sys.executable} \(Python {MINOR}\.\d+\)"

CHECK = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from pyspark.sql import SparkSession
from synthohive_spark.errors import MissingDependencyError
from synthohive_spark.stages.executors import check_executors
spark = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
try:
    check_executors(spark)
except MissingDependencyError as error:
    sys.stdout.write(str(error))
"""


@pytest.mark.exhaustive
def test_versions_are_asked_for_once_and_those_that_differ_are_named(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    real = versions.installed_versions()
    executors._checked_sessions.discard(spark)
    check_executors(spark)
    monkeypatch.setattr(versions, "installed_versions", lambda: pytest.fail("looked twice"))
    check_executors(spark)
    executors._checked_sessions.discard(spark)
    monkeypatch.setattr(versions, "installed_versions", lambda: {"python": "3.1.0", **dict.fromkeys(versions.PACKAGES, "9.9.9")})
    with pytest.raises(MissingDependencyError, match=rf"pandas is .* on .* \(.*python.*\) and 9\.9\.9 on the driver; .*; {DRIVER}; set PYSPARK_PYTHON="):
        check_executors(spark)
    monkeypatch.setattr(versions, "installed_versions", lambda: {**real, "synthohive_spark": "9.9.9"})
    with pytest.raises(MissingDependencyError, match=r"synthohive_spark is .* and 9\.9\.9 on the driver; .*; ship it: submit the job with \./spark-submit\.sh"):
        check_executors(spark)
    assert spark not in executors._checked_sessions


def said_with(python: Path | str | None, folder: Path, **environment: str) -> str:
    """What the check says where Spark starts `python`."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYSPARK_PYTHON", "PYSPARK_DRIVER_PYTHON", "SPARK_REMOTE")}
    given = kept | environment | {"JAVA_HOME": str(java_home()[0])} | ({"PYSPARK_PYTHON": str(python)} if python else {})
    answer = subprocess.run([sys.executable, "-c", CHECK], capture_output=True, text=True, cwd=folder, env=given, timeout=600, stdin=subprocess.DEVNULL)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This Python without any package."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder, with_pip=False, symlinks=True)
    return folder / "bin" / "python3"


@pytest.mark.slow
@pytest.mark.exhaustive
def test_a_python_without_packages_is_named_with_what_it_lacks(bare: Path, tmp_path: Path) -> None:
    mends = rf"{DRIVER}; set PYSPARK_PYTHON={sys.executable} before the session starts, or let spark_session\(\) make it$"
    # Spark starts the python3 that is first on PATH where nothing says otherwise.
    said = said_with(None, tmp_path, PATH=f"{bare.parent}{os.pathsep}{os.environ['PATH']}")
    assert _matches(rf"{CANNOT}{bare} \(Python {MINOR}\.\d+\) on .* lacks synthohive_spark, torch, pandas, pyarrow; {mends}", said)
    said = said_with(bare, tmp_path, PYTHONPATH=str(ROOT))
    assert _matches(rf"{CANNOT}{bare} \(Python {MINOR}\.\d+\) on .* lacks torch, pandas, pyarrow; {mends}", said)


@pytest.mark.exhaustive
@pytest.mark.slow
def test_the_same_python_without_the_package_wants_it_shipped(tmp_path: Path) -> None:
    # Folders that PYTHONPATH names are not searched for the .pth file of an editable installation.
    wrapper = tmp_path / "python"
    wrapper.write_text(f'#!/bin/sh\nPYTHONPATH="{sysconfig.get_path("purelib")}:$PYTHONPATH" exec "{sys.executable}" -S "$@"\n')
    wrapper.chmod(0o755)
    said = said_with(wrapper, tmp_path)
    assert _matches(rf"{CANNOT}{sys.executable} \(Python {MINOR}\.\d+\) on .* lacks synthohive_spark; {DRIVER}; ship it: ", said)


def _another_minor() -> str | None:
    places = [shutil.which(f"python3.{minor}") for minor in range(9, 15) if minor != sys.version_info.minor]
    places += [str(path) for path in sorted(Path("~/.pyenv/versions").expanduser().glob("3.*/bin/python3")) if f"/{MINOR}." not in str(path)]
    for place in filter(None, places):  # a shim can be there for a version that is not
        if subprocess.run([place, "-c", "import sys; sys.exit(sys.version_info < (3, 9))"], capture_output=True).returncode == 0:
            return place
    return None


@pytest.mark.slow
def test_another_minor_version_is_named(tmp_path: Path) -> None:
    other = _another_minor()
    if other is None:
        pytest.skip(f"there is no other Python than {MINOR} on this machine")
    said = said_with(other, tmp_path)
    assert _matches(rf"{CANNOT}they run Python 3\.\d+, started as PYSPARK_PYTHON={other}; {DRIVER}; set PYSPARK_PYTHON=", said)
    assert f"they run Python {MINOR}," not in said


@pytest.mark.exhaustive
@pytest.mark.slow
def test_a_python_that_is_not_there_is_named(tmp_path: Path) -> None:
    said = said_with("/nowhere/python", tmp_path)
    assert "no Python runs there" in said and 'Cannot run program "/nowhere/python": error=2' in said and "PYSPARK_PYTHON=/nowhere/python" in said


def _matches(pattern: str, text: str) -> bool:
    return re.match(pattern, text) is not None or pytest.fail(f"{text!r} does not match {pattern!r}")
