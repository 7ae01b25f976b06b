"""Which versions may work together."""

from __future__ import annotations

import platform
import sys
import types

import pandas as pd
import pytest

from synthohive_spark.kernels.versions import MISSING, PACKAGES, UNKNOWN, differ, installed_version, installed_versions, report_versions


def test_what_is_installed() -> None:
    found = installed_versions()
    assert found["python"] == platform.python_version()
    assert found["pandas"] == pd.__version__
    assert set(found) == {"python", *PACKAGES}


def test_missing_and_undeclared(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    assert installed_version("no_such_package_here") == MISSING
    (tmp_path / "shipped_as_zip.py").write_text("__version__ = '1.2'\n")  # type: ignore[operator]
    (tmp_path / "says_nothing.py").write_text("")  # type: ignore[operator]
    monkeypatch.syspath_prepend(str(tmp_path))
    assert installed_version("shipped_as_zip") == "1.2"
    assert installed_version("says_nothing") == UNKNOWN
    assert isinstance(sys.modules["says_nothing"], types.ModuleType)


def test_one_report_per_partition() -> None:
    (report,) = report_versions(iter([pd.DataFrame({"id": [1]}), pd.DataFrame({"id": [2]})]))
    assert dict(zip(report["package"], report["version"], strict=True)) == installed_versions()


@pytest.mark.parametrize(
    ("package", "there", "here", "fault"),
    [
        ("pyspark", "4.2.0", "4.2.0", False),
        ("pyspark", "4.1.0", "4.2.0", True),
        ("synthohive_spark", "0.1.0", "0.1.1", True),
        ("torch", "2.15.0+cpu", "2.15.0+cu130", False),
        ("torch", "2.14.0", "2.15.0", True),
        ("python", "3.11.2", "3.11.9", False),
        ("python", "3.10.2", "3.11.9", True),
        ("torch", MISSING, "2.15.0", True),
        ("torch", MISSING, MISSING, False),
        ("synthohive_spark", UNKNOWN, "0.1.0", False),
    ],
)
def test_differences(package: str, there: str, here: str, fault: bool) -> None:
    assert differ(package, there, here) is fault
