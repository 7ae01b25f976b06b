"""Whether a constraint fits a type, and how a violation reads."""

from __future__ import annotations

from datetime import date, datetime, timezone
from typing import Any

import pytest

from synthohive_spark.spec.constraints import Violation, comparison, constraint_faults, parsed_limit
from synthohive_spark.spec.metadata import Constraint


@pytest.mark.parametrize(
    ("limits", "spark_type"),
    [
        ({"min": 0, "max": 0}, "int"),
        ({"min": 0.5}, "decimal(10,2)"),
        ({"min": "2013-01-01", "max": "2013-12-31"}, "date"),
        ({"min": "2013-01-01", "max": "2013-12-31T23:59:59"}, "timestamp_ntz"),
        ({"min": "2013-01-01T00:00:00Z"}, "timestamp"),
        ({"min": "a", "max": "b"}, "string"),
        ({"dtype": "int", "min": 1}, "string"),
        ({"dtype": "date", "min": "2013-01-01"}, "varchar(10)"),
        ({"dtype": "bool"}, "boolean"),
        ({"dtype": "string", "min": 1}, "int"),
        ({"min": 1}, "binary"),
    ],
)
def test_fits(limits: dict[str, Any], spark_type: str) -> None:
    assert constraint_faults(Constraint(**limits), spark_type) == []


@pytest.mark.parametrize(
    ("limits", "spark_type", "fault"),
    [
        ({"min": 10, "max": 2}, "int", "min 10 is above max 2"),
        ({"min": "2014-01-01", "max": "2013-01-01"}, "date", "min 2014-01-01 is above max 2013-01-01"),
        ({"min": "0"}, "int", "expected a number"),
        ({"min": 0}, "date", "expected a text in quotes"),
        ({"min": 0}, "string", "set dtype to float"),
        ({"min": "Jan 1"}, "date", "expected an ISO date"),
        ({"max": "2013-13-01"}, "timestamp", "expected an ISO date"),
        ({"max": "2013-01-01T00:00:00+02:00"}, "timestamp_ntz", "without a zone"),
        ({"min": "2013-01-01", "max": "2014-01-01T00:00:00Z"}, "timestamp", "both have a time zone"),
        ({"min": 0}, "boolean", "cannot limit"),
        ({"dtype": "bool", "max": 1}, "string", "that holds bool"),
        ({"dtype": "date"}, "bigint", "dtype date does not fit"),
        ({"dtype": "int"}, "timestamp", "expected one of timestamp, string"),
    ],
)
def test_does_not_fit(limits: dict[str, Any], spark_type: str, fault: str) -> None:
    faults = constraint_faults(Constraint(**limits), spark_type)
    assert len(faults) == 1
    assert fault in faults[0]


def test_two_faults_of_one_constraint() -> None:
    assert len(constraint_faults(Constraint(min="a", max="b"), "double")) == 2


def test_limits_compare_as_their_kind() -> None:
    assert parsed_limit("2013-01-01", "date") == date(2013, 1, 1)
    assert parsed_limit("2013-01-01T10:00:00Z", "timestamp") == datetime(2013, 1, 1, 10, tzinfo=timezone.utc)
    assert parsed_limit("10", "text") == "10"
    assert comparison(Constraint(dtype="int"), "string") == "number"
    assert comparison(Constraint(dtype="timestamp"), "string") == "timestamp"
    assert comparison(Constraint(), "smallint") == "number"


def test_violations_read_well() -> None:
    assert str(Violation(column="age", limit="min", expected=0.0, count=1, worst=-3)) == "age: got -3 (min=0)"
    assert str(Violation(column="age", limit="max", expected=9.5, count=4, worst=10.25)) == "age: got 10.25 (max=9.5) in 4 rows"
    assert str(Violation(column="day", limit="min", expected="2013-01-01", count=1)) == "day: got a value beyond the limit (min=2013-01-01)"
    assert str(Violation(column="zip", limit="dtype", expected="int", count=2)) == "zip: got a value that does not parse (dtype=int) in 2 rows"
