"""Supported types and matching key types."""

from __future__ import annotations

import pytest

from synthohive_spark.spec.types import is_supported, key_types_match


@pytest.mark.parametrize(
    "spark_type",
    [
        "tinyint",
        "smallint",
        "int",
        "bigint",
        "float",
        "double",
        "decimal(10,2)",
        "string",
        "varchar(5)",
        "char(2)",
        "boolean",
        "date",
        "timestamp",
        "timestamp_ntz",
    ],
)
def test_supported(spark_type: str) -> None:
    assert is_supported(spark_type)


@pytest.mark.parametrize(
    "spark_type",
    [
        "binary",
        "array<int>",
        "map<string,int>",
        "struct<a:int>",
        "interval day to second",
        "interval year to month",
        "void",
        "variant",
        "time(6)",
        "string collate UNICODE_CI",
        "",
    ],
)
def test_unsupported(spark_type: str) -> None:
    assert not is_supported(spark_type)


@pytest.mark.parametrize(
    ("child", "parent", "match"),
    [
        ("int", "bigint", True),
        ("tinyint", "smallint", True),
        ("string", "varchar(10)", True),
        ("decimal(10,0)", "decimal(38,0)", True),
        ("decimal(10,2)", "decimal(10,3)", False),
        ("decimal(10,0)", "bigint", False),
        ("string", "int", False),
        ("float", "double", False),
        ("timestamp", "timestamp_ntz", False),
        ("date", "timestamp", False),
        ("array<int>", "array<int>", False),
    ],
)
def test_key_types(child: str, parent: str, match: bool) -> None:
    assert key_types_match(child, parent) is match
    assert key_types_match(parent, child) is match
