"""Many small questions by few Spark jobs."""

from __future__ import annotations

from collections.abc import Generator

import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from synthohive_spark.causes import failure
from synthohive_spark.stages import jobs
from synthohive_spark.stages.jobs import FRAMES_PER_JOB, side_by_side, union_all


def counting(spark: SparkSession, rounds: int, first: int) -> Generator[DataFrame, list[Row], list[int]]:
    """Asks `rounds` times for one row, and once in between for none."""
    found = []
    for i in range(rounds):
        rows = yield spark.range(1).select((F.lit(first) + i).alias("n"))
        found += [row.n for row in rows]
        if not i:
            rows = yield spark.range(0).select(F.lit("").alias("text"))
            assert rows == []
    return found


def test_searches_of_unlike_length_share_queries_and_get_their_own_rows(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    queries: list[int] = []
    monkeypatch.setattr(jobs, "union_all", lambda frames: queries.append(len(frames)) or union_all(frames))
    searches = {f"t{i}": counting(spark, i % 3, 100 * i) for i in range(FRAMES_PER_JOB)}
    found = side_by_side("counting in", searches)
    assert list(found) == list(searches)
    assert found["t0"] == [] and found["t1"] == [100] and found["t5"] == [500, 501]
    assert queries == [10, 10, 5]  # the first numbers, the texts in between, the second numbers


def test_an_error_tells_the_table_or_the_tables(spark: SparkSession) -> None:
    def broken() -> Generator[DataFrame, list[Row], None]:
        yield spark.range(1).select(F.raise_error(F.lit("no")).cast("string").alias("n"))

    def sound() -> Generator[DataFrame, list[Row], None]:
        yield spark.range(1).select(F.lit("").alias("n"))

    with pytest.raises(Exception) as alone:  # noqa: PT011 - Spark's own, whose class differs from version to version
        side_by_side("counting in", {"shops": broken()})
    assert "while counting in table 'shops'" in failure("fitting", alone.value)
    with pytest.raises(Exception) as together:  # noqa: PT011
        side_by_side("counting in", {"shops": broken(), "towns": sound()})
    assert "while counting in the tables 'shops', 'towns'" in failure("fitting", together.value)
