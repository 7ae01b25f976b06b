"""Which Spark types can be learnt and generated, and which of them may meet in a key. Types are simple strings ("bigint", "decimal(10,2)")."""

from __future__ import annotations

from typing import Literal

Family = Literal["integer", "decimal", "float", "text", "boolean", "date", "timestamp", "timestamp_ntz"]

_FAMILIES: dict[str, Family] = {
    "tinyint": "integer",
    "smallint": "integer",
    "int": "integer",
    "bigint": "integer",
    "decimal": "decimal",
    "float": "float",
    "double": "float",
    "string": "text",
    "varchar": "text",
    "char": "text",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamp",
    "timestamp_ntz": "timestamp_ntz",
}
_NOT_LEARNT = frozenset({"array", "map", "struct", "binary", "variant"})
_INTEGERS = ("tinyint", "smallint", "int", "bigint")
NUMERIC_FAMILIES = frozenset({"integer", "decimal", "float"})


def base_type(spark_type: str) -> str:
    """The type without its parameters: "decimal(10,2)" is "decimal", "array<int>" is "array"."""
    return spark_type.split("(")[0].split("<")[0].strip().lower()


def type_family(spark_type: str) -> Family | None:
    """What kind of values the type holds; None where it is not supported.

    A string with a collation ("string collate UNICODE_CI") is not: equality on the executors is that of bytes, so its keys would match differently.
    """
    return _FAMILIES.get(base_type(spark_type))


def is_supported(spark_type: str) -> bool:
    """Whether columns of this type can be learnt and generated."""
    return type_family(spark_type) is not None


def is_stored(spark_type: str) -> bool:
    """Whether Delta stores columns of this type, learnt or not."""
    return is_supported(spark_type) or base_type(spark_type).split(" ")[0] in {*_NOT_LEARNT, "string"}


def key_types_match(child: str, parent: str) -> bool:
    """Whether values of two key columns compare without loss: integers of any width among themselves, decimals of one scale, otherwise the same kind."""
    family = type_family(child)
    if family is None or family != type_family(parent):
        return False
    if family == "decimal":
        return _scale(child) == _scale(parent)
    if family == "float":
        return base_type(child) == base_type(parent)  # 0.1 as a float is not 0.1 as a double
    return True


def holds_type(own: str, other: str) -> bool:
    """Whether a column of the type `own` can hold every value of one of the type `other`, as it is."""
    if not key_types_match(own, other):
        return False
    family, digits, others = type_family(own), decimal_digits(own), decimal_digits(other)
    if family == "integer":
        return _INTEGERS.index(base_type(own)) >= _INTEGERS.index(base_type(other))
    if digits is not None and others is not None:
        return digits[0] >= others[0]
    return family != "text" or base_type(own) == "string" or own == other


def _scale(spark_type: str) -> str:
    return spark_type.partition(",")[2].strip(" )") or "0"


def decimal_digits(spark_type: str) -> tuple[int, int] | None:
    """Precision and scale of a decimal type, None for other types."""
    if base_type(spark_type) != "decimal":
        return None
    precision, _, scale = spark_type.partition("(")[2].rstrip(") ").partition(",")
    return int(precision or 10), int(scale.strip() or 0)
