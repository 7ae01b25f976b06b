"""What importing the package takes: workers import kernels only."""

from __future__ import annotations

import subprocess
import sys

import pytest

import synthohive_spark


def test_kernels_come_without_what_the_driver_needs() -> None:
    heavy = ("pyspark", "fsspec", "structlog", "scipy.stats", "synthohive_spark.stages", "synthohive_spark.synthesizer")
    asked = f"import sys, synthohive_spark.kernels.generate; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]", done.stdout


def test_public_names_are_there_and_no_others() -> None:
    assert all(getattr(synthohive_spark, name) is not None for name in synthohive_spark.__all__)
    assert set(synthohive_spark.__all__) <= set(dir(synthohive_spark))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        synthohive_spark.nothing  # noqa: B018
