"""Composite keys to reference tables."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from synthohive_spark.kernels.repair import ReferenceKey, repair_reference

COMBINATIONS = (pa.array(["de", "de", "fr"]), pa.array([1, 2, 3]))


def test_combinations_that_do_not_exist_give_way_to_some_that_do() -> None:
    columns = {"country": pa.array(["de", "fr", "it", None]), "region": pa.array([2, 1, 1, 1])}
    key = ReferenceKey(columns=("country", "region"), fixed=(), combinations=COMBINATIONS)
    out = repair_reference(columns, key, np.random.default_rng(0))
    rows = list(zip(out["country"].to_pylist(), out["region"].to_pylist(), strict=True))
    assert rows[0] == ("de", 2)
    assert rows[1] == ("fr", 3)
    assert rows[2] in {("de", 1), ("de", 2), ("fr", 3)}
    assert rows[3] == (None, 1)


def test_fixed_columns_stay_and_the_others_become_null_where_nothing_agrees() -> None:
    columns = {"country": pa.array(["fr", "it"]), "region": pa.array([1, 1])}
    key = ReferenceKey(columns=("country", "region"), fixed=("country",), combinations=COMBINATIONS)
    out = repair_reference(columns, key, np.random.default_rng(0))
    assert out["region"].to_pylist() == [3, None]
    assert "country" not in out
