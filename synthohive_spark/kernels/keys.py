"""Generated keys: functions of the row number."""

from __future__ import annotations

import os
import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import GenerationError
from ..spec.program import KeyPattern
from .seeds import derive_seed

UUID = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"  # as Python and Java read it
FIRST_KEY = 1  # generated keys count from 1, as most databases do


def key_pattern(low: str | None, high: str | None, length: int | None, all_uuids: bool) -> KeyPattern:
    """The pattern of a text key: the letters that all keys begin with and their usual length, and nothing that tells one real key from another.

    Args:
        low, high: the first and the last key in order, None where there are no keys.
        length: the median length.
        all_uuids: whether all keys are UUIDs.
    """
    if low is None or high is None or length is None:
        return KeyPattern(form="text", width=1)
    if all_uuids:
        return KeyPattern(form="uuid")
    prefix = re.match(r"[A-Za-z_\-]*", os.path.commonprefix([low, high])).group() if low != high else ""  # type: ignore[union-attr]
    return KeyPattern(form="text", prefix=prefix, width=max(1, length - len(prefix)))


def key_values(pattern: KeyPattern, rows: np.ndarray, arrow_type: pa.DataType, seed: int) -> pa.Array:
    """Primary keys for row numbers, dense from 0: dense and unique, and the same for a row under any partitioning.

    Args:
        rows: int64 (N,).
    """
    if pattern.form == "integer":
        return _whole(rows + FIRST_KEY, arrow_type)
    if pattern.form == "uuid":
        return pa.array([_uuid(seed, int(row)) for row in rows])
    digits = pc.utf8_lpad(pa.array(rows + FIRST_KEY).cast(pa.string()), pattern.width, "0")
    return pc.binary_join_element_wise(pattern.prefix, digits, "")


def _whole(keys: np.ndarray, arrow_type: pa.DataType) -> pa.Array:
    limit = 10**arrow_type.precision - 1 if pa.types.is_decimal(arrow_type) else np.iinfo(arrow_type.to_pandas_dtype()).max
    if len(keys) and keys[-1] > limit:
        raise GenerationError(f"a generated primary key of type {arrow_type} ends at {limit:,}; sample fewer rows, or widen the column before fit")
    if pa.types.is_decimal(arrow_type):
        return pa.array(keys).cast(pa.decimal128(19, 0)).cast(arrow_type)
    return pa.array(keys).cast(arrow_type)


def _uuid(seed: int, row: int) -> str:
    # The row number stands in the last 12 digits, so that no two rows can meet; the rest is a hash, so that runs differ.
    text = f"{derive_seed(seed, 'uuid', row):016x}"
    return f"{text[:8]}-{text[8:12]}-4{text[12:15]}-8{text[15]}00-{row:012x}"
