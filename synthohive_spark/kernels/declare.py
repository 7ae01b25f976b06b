"""Made rows as a table declares them, as record batches: types, NOT NULL, lengths of text. What `stages/outputs.py` does by Spark."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import GenerationError
from ..spec.form import longest


def declared_batch(frame: pd.DataFrame, schema: pa.Schema, lengths: Mapping[str, str], keys: Collection[str]) -> pa.RecordBatch:
    """The columns of `schema`, from made rows.

    Args:
        lengths: `varchar(n)` or `char(n)` by column. Longer text is cut; `char` is filled up with spaces.
        keys: columns of keys, of which no text may be cut.

    Raises:
        GenerationError: a column that must not be null is, or a key is too long.
    """
    arrays = []
    for field in schema:
        array = pa.array(frame[field.name])
        array = (array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array).cast(field.type)
        if not field.nullable and array.null_count:
            raise GenerationError(f"column {field.name!r} must not be null and a generated row has no value for it")
        if field.name in lengths and pa.types.is_string(field.type):
            array = _limited(array, field.name, lengths[field.name], field.name in keys)
        arrays.append(array)
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _limited(array: pa.Array, name: str, length: str, is_key: bool) -> pa.Array:
    limit = longest(length)
    if is_key and pc.any(pc.greater(pc.utf8_length(array), limit)).as_py():
        raise GenerationError(f"column {name!r} is {length} and a generated key is longer; widen the column before fit")
    padded = pc.utf8_rpad(array, limit, " ") if length.startswith("char") else array
    return pc.utf8_slice_codeunits(padded, 0, limit)
