"""Limits on Spark: what breaks them, what never does, and which rows are left."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from pyspark.sql import DataFrame, SparkSession

from synthohive_spark.errors import SchemaError
from synthohive_spark.spec.constraints import Violation
from synthohive_spark.spec.metadata import Constraint
from synthohive_spark.stages.constraints import summary, valid_rows, violations

NAN, INF = float("nan"), float("inf")
DDL = "id int, age int, pay double, price decimal(10,2), born date, seen timestamp_ntz, code string, big bigint"


@pytest.fixture(scope="module")
def people(spark: SparkSession) -> DataFrame:
    day, moment = dt.date(2000, 1, 1), dt.datetime(2020, 5, 5, 12)
    return spark.createDataFrame(
        [
            (0, 30, 1.0, Decimal("1.00"), day, moment, "12", 5),
            (1, -3, NAN, Decimal("-0.01"), dt.date(1899, 12, 31), moment, "12.5", 2**53 + 1),
            (2, -1, INF, Decimal("1.50"), day, dt.datetime(2030, 1, 1, 0, 0, 1), "x", 5),
            (3, None, None, None, None, None, None, None),
            (4, 200, 0.5, Decimal("9.99"), day, moment, "-7", 5),
        ],
        DDL,
    )


def ids(frame: DataFrame) -> list[int]:
    return sorted(row["id"] for row in frame.select("id").collect())


@pytest.mark.parametrize(
    ("column", "limits", "expected", "left"),
    [
        ("age", {"min": 0}, [("min", 2, -3)], [0, 3, 4]),
        ("age", {"min": 0, "max": 120, "dtype": "int"}, [("min", 2, -3), ("max", 1, 200)], [0, 3]),
        ("age", {"min": -(2**70), "max": 2**70}, [], [0, 1, 2, 3, 4]),
        ("pay", {"max": 10}, [("max", 1, INF)], [0, 1, 3, 4]),
        ("pay", {"min": 0.75}, [("min", 1, 0.5)], [0, 1, 2, 3]),
        ("pay", {"dtype": "int"}, [("dtype", 1, None)], [0, 1, 2, 3]),
        ("price", {"min": 0, "dtype": "float"}, [("min", 1, -0.01)], [0, 2, 3, 4]),
        ("price", {"dtype": "int"}, [("dtype", 3, None)], [0, 3]),
        ("born", {"min": "1900-01-01"}, [("min", 1, None)], [0, 2, 3, 4]),
        ("seen", {"max": "2030-01-01T00:00:00"}, [("max", 1, None)], [0, 1, 3, 4]),
        ("code", {"dtype": "int", "min": 0}, [("dtype", 2, None), ("min", 1, -7.0)], [0, 3]),
        ("code", {"dtype": "float", "max": 12}, [("dtype", 1, None), ("max", 1, 12.5)], [0, 3, 4]),
        ("code", {"dtype": "string", "min": "0"}, [("min", 1, None)], [0, 1, 2, 3]),
        ("code", {"dtype": "bool"}, [("dtype", 4, None)], [3]),
        ("code", {"dtype": "date"}, [("dtype", 4, None)], [3]),
        ("big", {"max": 2**53}, [("max", 1, 2**53 + 1)], [0, 2, 3, 4]),
    ],
)
def test_limits(people: DataFrame, column: str, limits: dict, expected: list[tuple], left: list[int]) -> None:
    constraints = {column: Constraint(**limits)}
    found = violations(people, constraints)
    assert [(v.limit, v.count, v.worst) for v in found] == expected
    assert all(v.column == column and v.expected == limits[v.limit] for v in found)
    assert ids(valid_rows(people, constraints)) == left


def test_summary_of_several_columns(people: DataFrame) -> None:
    constraints = {"age": Constraint(min=0), "born": Constraint(min="1900-01-01"), "id": Constraint(min=0)}
    found = violations(people, constraints)
    assert summary(found) == "3 violations - age: got -3 (min=0) in 2 rows; born: got a value beyond the limit (min=1900-01-01)"
    assert ids(valid_rows(people, constraints)) == [0, 3, 4]
    assert summary([Violation(column="age", limit="min", expected=0, count=1, worst=-3)]) == "1 violation - age: got -3 (min=0)"
    assert summary([]) == "0 violations"


def test_valid_rows_have_no_violations_and_keep_the_schema(people: DataFrame) -> None:
    constraints = {"age": Constraint(min=0, max=120), "pay": Constraint(max=10.0), "code": Constraint(dtype="float")}
    left = valid_rows(people, constraints)
    assert violations(left, constraints) == []
    assert left.schema == people.schema


def test_nothing_to_check(people: DataFrame) -> None:
    assert violations(people, {}) == []
    assert valid_rows(people, {}) is people


def test_constraints_that_do_not_fit_are_refused(people: DataFrame) -> None:
    with pytest.raises(SchemaError, match="'aeg' does not exist; did you mean 'age'.*'born'.*ISO date"):
        violations(people, {"aeg": Constraint(min=0), "born": Constraint(min="yesterday")})
