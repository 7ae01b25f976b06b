"""Rows of reference tables, read without Spark."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synthohive_spark.errors import SerializationError
from synthohive_spark.storage.references import reference_combinations, reference_rows


def test_a_reference_table_may_have_no_rows(tmp_path: Path) -> None:
    pq.write_table(pa.table({"code": pa.array([], pa.string()), "size": pa.array([], pa.int32())}), tmp_path / "part.parquet")
    rows = reference_rows(str(tmp_path), ("size", "code"))
    assert len(rows) == 0 and rows.column_names == ["size", "code"] and rows.schema.field("size").type == pa.int32()
    assert [len(column) for column in reference_combinations(str(tmp_path), ("code",))] == [0]


def test_combinations_are_whole_different_and_in_order(tmp_path: Path) -> None:
    for name, codes in (("a", ["x", None, "b"]), ("b", ["b", "a", "x"])):
        pq.write_table(pa.table({"code": codes, "size": [2, 1, 1]}), tmp_path / f"{name}.parquet")
    code, size = reference_combinations(str(tmp_path), ("code", "size"))
    assert list(zip(code.to_pylist(), size.to_pylist(), strict=True)) == [("a", 1), ("b", 1), ("b", 2), ("x", 1), ("x", 2)]


def test_a_folder_without_files_is_no_reference_table(tmp_path: Path) -> None:
    with pytest.raises(SerializationError, match="holds no Parquet file"):
        reference_rows(str(tmp_path), ("code",))
