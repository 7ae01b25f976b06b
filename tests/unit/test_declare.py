"""Made rows as a table declares them."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pytest

from synthohive_spark.errors import GenerationError
from synthohive_spark.kernels.block import as_series
from synthohive_spark.kernels.declare import declared_batch

ROWS = pd.DataFrame({"a": as_series(pa.array([1, 2, None], pa.int32())), "t": as_series(pa.array(["grün", "x", None])), "rest": [1, 2, 3]})


def test_types_and_lengths_are_those_that_are_declared() -> None:
    schema = pa.schema([pa.field("t", pa.string()), pa.field("a", pa.int64())])
    batch = declared_batch(ROWS, schema, {"t": "varchar(3)"}, ())
    assert batch.schema == schema
    assert batch.to_pydict() == {"t": ["grü", "x", None], "a": [1, 2, None]}
    assert declared_batch(ROWS, schema, {"t": "char(3)"}, ()).column("t").to_pylist() == ["grü", "x  ", None]


def test_keys_are_never_cut_and_nulls_never_let_through() -> None:
    schema = pa.schema([pa.field("t", pa.string())])
    with pytest.raises(GenerationError, match=r"'t' is varchar\(3\) and a generated key is longer"):
        declared_batch(ROWS, schema, {"t": "varchar(3)"}, {"t"})
    assert declared_batch(ROWS, schema, {"t": "varchar(4)"}, {"t"}).num_rows == 3
    with pytest.raises(GenerationError, match="'a' must not be null"):
        declared_batch(ROWS, pa.schema([pa.field("a", pa.int32(), nullable=False)]), {}, ())
