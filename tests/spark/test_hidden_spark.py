"""Hidden columns of the real rows: numbers of children, however many tables point at a row and in whatever order their keys name its columns."""

from __future__ import annotations

from datetime import date

from pyspark.sql import SparkSession

from synthohive_spark import Metadata
from synthohive_spark.spec.hidden import GAP, POSITION, SIBLINGS, count_column
from synthohive_spark.spec.program import Phase, TableProgram
from synthohive_spark.spec.steps import Draw, Place
from synthohive_spark.stages.hidden import with_hidden

TWO = {"parent_table": "shops", "parent_columns": ["region", "number"]}


def program(metadata: Metadata, table: str, drawn: tuple[str, ...] = ()) -> TableProgram:
    found = metadata.tables[table]
    phases = (Phase(steps=(Draw(columns=drawn),) if drawn else ()),)
    return TableProgram(table=table, rows=3, columns=(), primary_key=found.primary_key, foreign_keys=found.foreign_keys, phases=phases)


def test_children_of_several_tables_are_counted(spark: SparkSession) -> None:
    metadata = Metadata().add_table("shops", pk=["region", "number"])
    metadata.add_table("sales", foreign_keys=[{**TWO, "columns": ["r", "n"]}])
    metadata.add_table("visits", foreign_keys=[{"parent_table": "shops", "parent_columns": ["number", "region"], "columns": ["n", "r"]}])
    metadata.add_table("unseen", foreign_keys=[{**TWO, "columns": ["r", "n"]}])
    data = {
        "shops": spark.createDataFrame([("a", 1), ("a", 2), ("b", 1)], "region string, number int"),
        "sales": spark.createDataFrame([("a", 1), ("a", 1), ("b", 1), ("a", None)], "r string, n bigint"),
        "visits": spark.createDataFrame([("a", 2), ("a", 2), ("a", 2), (None, 1)], "r string, n int"),
        "unseen": spark.createDataFrame([("a", 1)], "r string, n int"),
    }
    names = (count_column("sales", 0), count_column("visits", 0))
    programs = {name: program(metadata, name, names if name == "shops" else ()) for name in data}
    rows = with_hidden(data, programs["shops"], programs)
    assert rows.columns == ["region", "number", *names]
    assert sorted(map(tuple, rows.collect())) == [("a", 1, 2, 0), ("a", 2, 0, 3), ("b", 1, 1, 0)]
    assert rows._jdf.queryExecution().optimizedPlan().toString().count("Join") == 1


def test_rows_know_their_places_and_the_distance_from_the_row_before(spark: SparkSession) -> None:
    metadata = Metadata().add_table("shops", pk="number").add_table("sales", fk={"shop": "shops.number"})
    steps = (Place(), Draw(columns=("day", GAP), conditions=(POSITION, SIBLINGS), ordered_by="day", stepwise=True))
    columns = (("shop", "int", True), ("day", "date", True))
    sales = TableProgram(table="sales", rows=6, columns=columns, foreign_keys=metadata.tables["sales"].foreign_keys, phases=(Phase(steps=steps),), driving=0)
    days = [(1, "2024-01-05"), (1, "2024-01-02"), (1, None), (2, "2024-03-01"), (None, "2024-01-01"), (None, "2024-01-01")]
    data = {"sales": spark.createDataFrame([(s, d and date.fromisoformat(d)) for s, d in days], "shop int, day date")}
    found = with_hidden(data, sales, {"sales": sales})
    assert found.columns == ["shop", "day", POSITION, SIBLINGS, GAP]
    rows = sorted((tuple(row) for row in found.collect()), key=lambda row: (row[0] or 0, row[2]))
    assert [row[2:] for row in rows[2:]] == [(0, 3, None), (1, 3, 3), (2, 3, None), (0, 1, None)]
    assert {row[3] for row in rows[:2]} <= {1, 2}  # rows without a shop are no family; equal ones may look like one


def test_rows_alike_in_the_column_of_the_order_stand_in_the_order_of_their_labels(spark: SparkSession) -> None:
    metadata = Metadata().add_table("players", pk="number").add_table("seasons", fk={"player": "players.number"})
    steps = (Place(), Draw(columns=("year", "games", "role", GAP), conditions=(POSITION, SIBLINGS), ordered_by="year", stepwise=True))
    columns = (("player", "int", True), ("year", "int", True), ("games", "int", True), ("role", "string", True))
    keys = metadata.tables["seasons"].foreign_keys
    seasons = TableProgram(table="seasons", rows=5, columns=columns, foreign_keys=keys, phases=(Phase(steps=steps),), driving=0)
    rows = [(1, 2001, 9, "c"), (1, 2001, 1, "d"), (1, 2001, 5, "a"), (1, 2000, 7, "e"), (1, 2001, 3, None)]
    data = {"seasons": spark.createDataFrame(rows, "player int, year int, games int, role string")}
    found = with_hidden(data, seasons, {"seasons": seasons}).orderBy(POSITION).collect()
    assert [row.role for row in found] == ["e", "a", "c", "d", None]
    assert [row[GAP] for row in found] == [None, 1, 0, 0, 0]
