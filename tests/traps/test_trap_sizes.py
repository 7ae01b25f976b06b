"""Tables that are empty, views, or whose names meet."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from pyspark.sql import SparkSession
from trap_frames import plain

from synthohive_spark import Metadata, SchemaError

pytestmark = pytest.mark.spark


def test_tables_without_any_row(copied: Any, frame: Any) -> None:
    """sdv-dev/SDV#2633, sdv-dev/SDV#1455: empty tables broke the fit with an error about something else."""
    empty = {"id": ("int", []), "up": ("int", []), "when": ("timestamp", []), "amount": ("decimal(10,2)", [])}
    alone = {"id": ("int", [1, 2, 3]), "up": ("int", [None] * 3), "when": ("timestamp", [None] * 3), "amount": ("decimal(10,2)", [None] * 3)}
    metadata = Metadata().add_table("none", pk="id").add_table("child", pk="id", fk={"up": "none.id"})
    made = copied(metadata, {"none": frame(empty), "child": frame(alone)})
    assert made["none"].count() == 0 and made["none"].schema == frame(empty).schema and plain(made["child"]).up.isna().all() and made["child"].count() == 3


def test_a_view(copied: Any, spark: SparkSession) -> None:
    """databrickslabs/dbldatagen#292: what a session can read by a name, it can learn from."""
    spark.range(200).selectExpr("id", "id % 3 AS kind", "CAST(id % 2 AS BOOLEAN) AS odd").createOrReplaceTempView("some_view")
    made = plain(copied(Metadata().add_table("some_view", pk="id"), {"some_view": "some_view"})["some_view"])
    assert len(made) == 200 and set(made.kind) == {0, 1, 2} and set(made.odd) == {True, False}


def test_columns_that_differ_by_case_alone(copied: Any, frame: Any) -> None:
    """delta-io/delta#126: Delta does not store two such columns; it is told before anything is learnt, for all tables."""
    twice = frame({"id": ("int", [1, 2]), "sf_gsp": ("int", [1, 2]), "SF_GSP": ("int", [1, 2])})
    more = pd.DataFrame({"Id": [1], "iD": [2], "x": [3]})
    with pytest.raises(SchemaError) as found:
        copied(Metadata().add_table("t", pk="id").add_table("more"), {"t": twice, "more": more})
    assert all(text in str(found.value) for text in ("'t'", "'more'", "sf_gsp", "SF_GSP", "iD"))
