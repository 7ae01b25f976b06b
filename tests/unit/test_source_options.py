"""Options of the data source."""

from __future__ import annotations

import pytest

from synthohive_spark.errors import SchemaError
from synthohive_spark.spec.source_options import SourceOptions


def test_options_come_as_text_in_any_capitals() -> None:
    found = SourceOptions.parse({"MODEL": "models/shop", "table": "orders", "Seed": "-7", "rows": "40", "Partitions": "3", "strict": "TRUE"})
    assert found == SourceOptions(model="models/shop", table="orders", seed=-7, rows=40, partitions=3, strict=True)
    assert SourceOptions.parse({"path": "m", "table": "t", "scale": "2.5"}) == SourceOptions(model="m", table="t", scale=2.5)


def test_all_faults_are_told_at_once() -> None:
    given = {"scale": "nan", "rows": "-1", "seed": "seven", "partitions": "0", "strict": "maybe", "colour": "red"}
    with pytest.raises(SchemaError) as raised:
        SourceOptions.parse(given)
    told = str(raised.value)
    for part in (
        "'colour' is not known",
        "'model' is missing",
        "'table' is missing",
        "'seed' must be",
        "'rows' must be",
        "'partitions' must be a whole number of 1",
    ):
        assert part in told
    for part in ("'scale' must be a number above 0", "exclude each other", "'strict' must be true or false"):
        assert part in told
