"""Numbers of rows that users ask for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from synthohive_spark.stages.rows import row_faults


def test_what_makes_sense() -> None:
    assert row_faults(["a", "b"], {"a": 0, "b": np.int64(7)}, np.float32(0.5)) == [] == row_faults([], {}, 3)


@pytest.mark.parametrize("scale", [0, -1.0, float("nan"), float("inf"), "2", None])
def test_scales(scale: Any) -> None:
    assert row_faults([], {}, scale) == [f"scale must be a number above 0, got {scale!r}"]


def test_all_faults_come_together() -> None:
    rows: dict[str, Any] = {"a": 2.5, "b": -1, "c": True, "d": "3", "e": 3, "x": 1}
    assert row_faults("abcde", rows, 0) == [
        "scale must be a number above 0, got 0",
        "num_rows: ['x'] are no root tables: children follow from their parents, reference tables are copied; roots are ['a', 'b', 'c', 'd', 'e']",
        "num_rows: ['a', 'b', 'c', 'd'] must be whole numbers of 0 or more",
    ]
