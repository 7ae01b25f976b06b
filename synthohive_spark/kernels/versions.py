"""Which versions a Python process has, without importing what is heavy."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import platform
import sys
from collections.abc import Iterator

import pandas as pd

PACKAGES = ("synthohive_spark", "pyspark", "torch", "pandas", "pyarrow")
MISSING = "missing"
UNKNOWN = "unknown"
REPORT_DDL = "host string, python string, package string, version string"


def installed_version(package: str) -> str:
    """The version of a package; `missing` where it cannot be imported, `unknown` where it does not say."""
    if importlib.util.find_spec(package) is None:
        return MISSING
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:  # shipped as a zip or a folder: there is no metadata beside it
        return str(getattr(importlib.import_module(package), "__version__", UNKNOWN))


def installed_versions() -> dict[str, str]:
    """Versions of Python and of `PACKAGES` in this process."""
    return {"python": platform.python_version(), **{package: installed_version(package) for package in PACKAGES}}


def report_versions(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """One row per package for the process that runs this partition: `REPORT_DDL`, with the path of its Python."""
    for _ in frames:
        pass
    versions = installed_versions()
    yield pd.DataFrame({"host": platform.node(), "python": sys.executable, "package": list(versions), "version": list(versions.values())})


def differ(package: str, there: str, here: str) -> bool:
    """Whether two versions of a package must not work together.

    Patch releases of Python, torch, pandas and pyarrow may; so may builds of one release (2.9.0+cpu, 2.9.0+cu130). A version that does not say is let pass.
    """
    if UNKNOWN in (there, here):
        return False
    if package in ("synthohive_spark", "pyspark"):
        return there != here
    return there.split("+")[0].split(".")[:2] != here.split("+")[0].split(".")[:2]
