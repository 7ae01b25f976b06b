"""Generated keys."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from synthohive_spark.errors import GenerationError
from synthohive_spark.kernels.keys import key_pattern, key_values
from synthohive_spark.spec.program import KeyPattern

ROWS = np.array([0, 1, 41, 999_999])


def test_integer_keys_count_from_one_in_the_columns_type() -> None:
    keys = key_values(KeyPattern(form="integer"), ROWS, pa.int32(), seed=1)
    assert keys.type == pa.int32()
    assert keys.to_pylist() == [1, 2, 42, 1_000_000]


def test_text_keys_keep_prefix_and_length_and_grow_when_full() -> None:
    pattern = key_pattern("N14228", "N619AA", 6, False)
    assert key_values(pattern, ROWS, pa.string(), seed=1).to_pylist() == ["N00001", "N00002", "N00042", "N1000000"]


def test_text_keys_hold_no_digits_of_real_ones() -> None:
    assert key_pattern("cust-770011", "cust-770012", 11, False) == KeyPattern(form="text", prefix="cust-", width=6)
    assert key_pattern("one", "one", 3, False).prefix == ""  # a single key is no pattern
    assert key_pattern(None, None, None, True).form == "text"


def test_uuid_keys_are_valid_unique_and_depend_on_the_seed() -> None:
    import uuid

    pattern = key_pattern(str(uuid.UUID(int=0)), str(uuid.UUID(int=9)), 36, True)
    keys = key_values(pattern, np.arange(500), pa.string(), seed=1).to_pylist()
    assert len({uuid.UUID(k) for k in keys}) == 500
    assert keys[0] != key_values(pattern, np.arange(1), pa.string(), seed=2).to_pylist()[0]


def test_keys_past_their_type_are_refused() -> None:
    assert key_values(KeyPattern(), np.arange(3), pa.decimal128(10, 0), seed=1).type == pa.decimal128(10, 0)
    with pytest.raises(GenerationError, match="ends at 127"):
        key_values(KeyPattern(), np.arange(128), pa.int8(), seed=1)
