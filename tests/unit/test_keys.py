"""Generated keys."""

from __future__ import annotations

import re
import uuid

import numpy as np
import pyarrow as pa
import pytest

from synthohive_spark.errors import GenerationError
from synthohive_spark.kernels.keys import NUMBERED, PADDED, TextKeys, key_pattern, key_values
from synthohive_spark.spec.steps import KeyPattern

ROWS = np.array([0, 1, 41, 999_999])


def test_integer_keys_count_on_in_the_columns_type() -> None:
    keys = key_values(KeyPattern(form="integer"), ROWS, pa.int32(), seed=1)
    assert keys.type == pa.int32() and keys.to_pylist() == [1, 2, 42, 1_000_000]
    assert key_values(KeyPattern(form="integer", after=500), ROWS, pa.int32(), seed=1).to_pylist() == [501, 502, 542, 1_000_500]


def test_keys_begin_again_where_numbers_end_and_never_repeat() -> None:
    assert key_values(KeyPattern(after=100), np.arange(127), pa.int8(), seed=1).to_pylist() == [*range(101, 128), *range(1, 101)]
    assert key_values(KeyPattern(after=2**63 - 2), np.arange(3), pa.int64(), seed=1).to_pylist() == [2**63 - 1, 1, 2]
    text = key_values(KeyPattern(form="text", prefix="c", width=2, after=97), np.arange(102), pa.string(), seed=1).to_pylist()
    assert text[:4] == ["c98", "c99", "c01", "c02"] and text[98:] == ["c97", "c100", "c101", "c102"] and len(set(text)) == 102


@pytest.mark.parametrize(
    ("real", "made"),
    [
        (["N14228", "N619AA", "N102UW"], ["N00001", "N00002", "N00042", "N1000000"]),
        (["cust-770011", "cust-770012"], ["cust-770013", "cust-770014", "cust-770054", "cust-1000000"]),
        (["C_0007", "C_0123"], ["C_0124", "C_0125", "C_0165", "C_1000000"]),
        (["a9", "a10", "a123"], ["a124", "a125", "a165", "a1000123"]),
        (["7"], ["8", "9", "49", "1000007"]),
    ],
)
def test_text_keys_look_like_real_ones_and_are_none_of_them(real: list[str], made: list[str]) -> None:
    lengths = sorted(len(key) for key in real)
    seen = TextKeys(
        low=min(real),
        high=max(real),
        length=lengths[len(lengths) // 2],
        even=lengths[0] == lengths[-1],
        numbered=all(re.fullmatch(NUMBERED, key) for key in real),
        padded=any(re.fullmatch(PADDED, key) for key in real),
        top=max(int(found.group()) if (found := re.search(r"[0-9]+$", key)) else 0 for key in real),
    )
    keys = key_values(key_pattern(seen), ROWS, pa.string(), seed=1).to_pylist()
    assert keys == made and not set(keys) & set(real)


def test_no_keys_are_no_pattern() -> None:
    assert key_pattern(TextKeys("one", "one", 3)).prefix == ""  # a single key is no pattern
    assert key_pattern(TextKeys(None, None, None, uuids=True)).form == "text"


def test_uuid_keys_are_valid_unique_and_depend_on_the_seed() -> None:
    pattern = key_pattern(TextKeys(str(uuid.UUID(int=0)), str(uuid.UUID(int=9)), 36, uuids=True))
    keys = key_values(pattern, np.arange(500), pa.string(), seed=1).to_pylist()
    assert len({uuid.UUID(k) for k in keys}) == 500
    assert keys[0] != key_values(pattern, np.arange(1), pa.string(), seed=2).to_pylist()[0]


def test_guids_and_hashes_keep_braces_and_capitals() -> None:
    seen = TextKeys("{0A2B3C4D-0000-4000-8000-000000000001}", "{FA2B3C4D-0000-4000-8000-000000000001}", 38, uuids=True)
    keys = key_values(key_pattern(seen), np.arange(50), pa.string(), seed=1).to_pylist()
    assert len(set(keys)) == 50 and all(re.fullmatch(r"\{[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}\}", key) for key in keys)
    hashes = key_values(key_pattern(TextKeys("0" * 32, "F" * 32, 32, hashes=True)), np.arange(50), pa.string(), seed=1).to_pylist()
    assert len(set(hashes)) == 50 and all(re.fullmatch("[0-9A-F]{32}", key) for key in hashes)


def test_mails_and_hashes_stay_so() -> None:
    mails = key_values(key_pattern(TextKeys("anna.1@a.de", "zoe@b.de", 9, even=False, mails=True)), ROWS, pa.string(), seed=1).to_pylist()
    assert mails == ["user1@example.com", "user2@example.com", "user42@example.com", "user1000000@example.com"]
    short = KeyPattern(form="text", prefix="u", suffix="@b.de", width=1, longest=8)
    assert short.most == 99 and key_values(short, np.array([98]), pa.string(), seed=1).to_pylist() == ["u99@b.de"]
    pattern = key_pattern(TextKeys("0" * 64, "f" * 64, 64, hashes=True))
    hashes = key_values(pattern, np.arange(500), pa.string(), seed=1).to_pylist()
    assert all(re.fullmatch("[0-9a-f]{64}", key) for key in hashes) and len(set(hashes)) == 500
    assert not set(hashes) & set(key_values(pattern, np.arange(500), pa.string(), seed=2).to_pylist())
    assert key_pattern(TextKeys("1" * 20, "9" * 20, 20, hashes=True)).form == "text"


def test_keys_past_their_type_are_refused() -> None:
    assert key_values(KeyPattern(), np.arange(3), pa.decimal128(10, 0), seed=1).type == pa.decimal128(10, 0)
    with pytest.raises(GenerationError, match="ends at 127"):
        key_values(KeyPattern(), np.arange(128), pa.int8(), seed=1)


def test_text_keys_keep_their_length() -> None:
    pattern = KeyPattern(form="text", prefix="K", width=1, after=95, longest=3)
    made = key_values(pattern, np.arange(99), pa.string(), 0).to_pylist()
    assert made[:5] == ["K96", "K97", "K98", "K99", "K1"] and len(set(made)) == 99 and max(map(len, made)) == 3
    with pytest.raises(GenerationError, match="of 3 characters ends at 99"):
        key_values(pattern, np.arange(100), pa.string(), 0)
    padded = KeyPattern(form="text", width=2, longest=4)
    assert key_values(padded, np.arange(98, 101), pa.string(), 0).to_pylist() == ["99", "100", "101"]


def test_digits_that_tell_the_row_are_no_counter() -> None:
    for seen in (TextKeys("00" * 16, "af" * 16, 32, hashes=True), TextKeys(str(uuid.UUID(int=0)), str(uuid.UUID(int=9)), 36, uuids=True)):
        keys = key_values(key_pattern(seen), np.arange(20_000), pa.string(), 5).to_pylist()
        ends = [int(key[-12:], 16) for key in keys]
        assert len(set(ends)) == 20_000 and ends != sorted(ends)
        assert 0.45 < np.mean([end < 16**12 / 2 for end in ends]) < 0.55 and not any(key.endswith("0" * 6) for key in keys)
