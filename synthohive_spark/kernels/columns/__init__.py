"""Columns as small integer codes, and back. One module per kind, with `fit`, `encode` and `decode` side by side."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa

from ...spec.encoding import CategoryEncoding, ColumnEncoding, NumberEncoding, TableEncoding, TextEncoding
from .categories import decode_categories, encode_categories
from .numbers import decode_numbers, number_codes
from .rows import Rows
from .texts import decode_text, encode_text
from .types import SUPPORTED, arrow_type, is_supported, to_typed

__all__ = ["SUPPORTED", "arrow_type", "decode_codes", "encode_frame", "is_supported"]


def encode_frame(frame: pd.DataFrame, encoding: TableEncoding) -> np.ndarray:
    """The codes of the encoded columns of `frame`, int64 (N, C), each `0 <= code < cardinality`.

    Time stamps may come as datetime64 (naive ones are taken as UTC) or as integer microseconds since 1970; Spark hands naive ones over in
    the session's time zone, so a stage casts them to microseconds first.

    Raises:
        ValueError: a column is missing, or holds values of another type; the message names it.
    """
    codes = np.empty((len(frame), len(encoding.columns)), dtype=np.int64)
    for i, column in enumerate(encoding.columns):
        if column.name not in frame.columns:
            raise ValueError(f"column {column.name!r} of table {encoding.table!r} is missing; found {list(frame.columns)}")
        codes[:, i] = _encode_column(frame[column.name], column)
    return codes


def decode_codes(codes: np.ndarray, encoding: TableEncoding, rng: np.random.Generator, rows: Rows | None = None) -> dict[str, pa.Array]:
    """Values for codes int64 (N, C): one Arrow array (N,) per column, in its exact Spark type. All randomness comes from `rng`.

    Args:
        rows: which rows of the table they are; without, values of distinct columns may meet.

    Raises:
        ValueError: the codes have another number of columns, or a code is out of range.
    """
    if codes.ndim != 2 or codes.shape[1] != len(encoding.columns):
        raise ValueError(f"table {encoding.table!r} has {len(encoding.columns)} encoded columns, the codes have shape {codes.shape}")
    return {column.name: _decode_column(codes[:, i], column, rng, rows and rows.of_column(column.name)) for i, column in enumerate(encoding.columns)}


def _encode_column(series: pd.Series, column: ColumnEncoding) -> np.ndarray:
    if isinstance(column, NumberEncoding):
        return number_codes(series, column)
    typed = to_typed(series, column.name, column.spark_type)
    if isinstance(column, CategoryEncoding):
        return encode_categories(typed, column)
    if isinstance(column, TextEncoding):
        return encode_text(typed, column)
    raise ValueError(f"column {column.name!r} has an encoding of unknown kind {type(column).__name__}")


def _decode_column(codes: np.ndarray, column: ColumnEncoding, rng: np.random.Generator, rows: Rows | None) -> pa.Array:
    if len(codes) and not 0 <= codes.min() <= codes.max() < column.cardinality:
        raise ValueError(f"column {column.name!r}: codes must be in [0, {column.cardinality}), found {codes.min()} to {codes.max()}")
    if isinstance(column, NumberEncoding):
        return decode_numbers(codes, column, rng, rows)
    if isinstance(column, CategoryEncoding):
        return decode_categories(codes, column, rng, rows)
    if isinstance(column, TextEncoding):
        return decode_text(codes, column, rng, rows)
    raise ValueError(f"column {column.name!r} has an encoding of unknown kind {type(column).__name__}")
