"""Faults that names and types show, without a row."""

from __future__ import annotations

from typing import Any

import pytest

from synthohive_spark.spec.metadata import Metadata
from synthohive_spark.spec.structure import Shape, columns_to_null, key_usable, nearest, structural_faults, usable

AIRPORTS: Shape = (("faa", "string", True), ("name", "string", True))
WEATHER: Shape = (("origin", "string", True), ("time_hour", "timestamp", True), ("temp", "double", True))
FLIGHTS: Shape = (("id", "bigint", True), ("origin", "string", True), ("dest", "string", True), ("time_hour", "timestamp", True), ("delay", "int", True))
SHAPES = {"airports": AIRPORTS, "weather": WEATHER, "flights": FLIGHTS}
TO_WEATHER = {"columns": ["origin", "time_hour"], "parent_table": "weather"}


def schema(**flights: Any) -> Metadata:
    fields = {"pk": "id", "fk": {"origin": "airports.faa", "dest": "airports.faa"}, "foreign_keys": [TO_WEATHER], **flights}
    return (
        Metadata()
        .add_table("airports", pk="faa")
        .add_table("weather", pk=["origin", "time_hour"], fk={"origin": "airports.faa"})
        .add_table("flights", **fields)
    )


def changed(shape: Shape, **types: str) -> Shape:
    return tuple((name, types.get(name, spark_type), nullable) for name, spark_type, nullable in shape)


def test_in_order() -> None:
    assert structural_faults(schema(parent_context_cols=["temp"], order_by="time_hour", constraints={"delay": {"min": -60}}), SHAPES) == []


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"pk": "idd"}, ["table 'flights': primary key", "'idd' does not exist", "did you mean 'id'?"]),
        ({"pk": "ID"}, ["'ID' does not exist", "did you mean 'id'?"]),
        ({"pk": ["id", "id"]}, ["primary key", "named twice"]),
        ({"fk": {"dst": "airports.faa"}}, ["foreign key (dst) -> airports(faa)", "'dst' does not exist", "did you mean 'dest'?"]),
        ({"fk": {"dest": "airport.faa"}}, ["'airport' is not in the metadata", "did you mean 'airports'?"]),
        ({"fk": {"dest": "airports.iata"}}, ["'airports' has no column 'iata'", "there are 'faa', 'name'."]),
        ({"fk": {"delay": "airports.faa"}}, ["'delay' has the type int", "airports.faa the type string", "cast"]),
        ({"constraints": {"dely": {"min": 0}}}, ["constraints", "'dely' does not exist", "'delay'"]),
        ({"constraints": {"delay": {"min": 5, "max": 1}}}, ["constraints", "'delay'", "min 5 is above max 1"]),
        ({"constraints": {"delay": {"dtype": "date"}}}, ["dtype date does not fit a column of type int"]),
        ({"pii_cols": ["pilot"]}, ["pii_cols", "'pilot' does not exist"]),
        ({"pii_cols": ["delay"]}, ["pii_cols", "type int", "cast it to string"]),
        ({"high_cardinality_cols": ["tail"]}, ["high_cardinality_cols", "'tail' does not exist"]),
        ({"order_by": "time"}, ["order_by", "'time' does not exist", "'time_hour'"]),
        ({"parent_context_cols": ["tmp"]}, ["parent_context_cols", "'tmp' is not in 'airports' or 'weather'", "'temp'"]),
        ({"fk": {}, "foreign_keys": [], "parent_context_cols": ["temp"]}, ["parent_context_cols needs a parent"]),
        ({"role": "reference"}, ["foreign key (dest) -> airports(faa)", "copied as it is", "'airports' is learnt"]),
        ({"orphans": {"origin": "null"}}, ["(origin) -> airports(faa)", "policy null has no column to empty"]),
        (
            {"foreign_keys": [{"columns": ["delay"], "parent_table": "flights", "parent_columns": ["id"], "orphans": "drop"}]},
            ["drop is not possible", "circle"],
        ),
        ({"foreign_keys": [{"columns": ["id"], "parent_table": "flights"}]}, ["points at its own table"]),
    ],
)
def test_each_fault_says_where_and_what_to_do(fields: dict[str, Any], words: list[str]) -> None:
    faults = structural_faults(schema(**fields), SHAPES)
    assert any(all(word in fault for word in words) for fault in faults), faults
    assert all(fault.startswith("table 'flights': ") for fault in faults)
    assert len(faults) == (3 if fields == {"role": "reference"} else 1)


def test_missing_and_extra_tables() -> None:
    faults = structural_faults(schema(), {"airports": AIRPORTS, "flights": FLIGHTS, "wether": WEATHER})
    assert len(faults) == 2
    assert "table 'weather' is in the metadata and not in the data; did you mean 'wether'?" in faults[0]
    assert "table 'wether' is in the data and not in the metadata; did you mean 'weather'?" in faults[1]
    assert "no tables" in structural_faults(Metadata(), {})[0]
    assert "differ in case only" in structural_faults(Metadata().add_table("a").add_table("A"), {"a": AIRPORTS, "A": AIRPORTS})[0]


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (("two\x00words", "int", True), "holds a control character"),
        (("\x1fn", "int", True), "holds a control character"),
        (("name", "int", True), "2 columns are named 'name'"),
        (("Name", "int", True), "['name', 'Name'] differ in case only"),
        (("blob", "binary", True), "'blob' has the unsupported type binary; set `unsupported`"),
        (("tags", "array<string>", True), "unsupported type array<string>"),
        (("wide", "struct<" + "x:int," * 50 + "y:int>", True), "unsupported type struct; set"),
        (("gap", "interval day to second", True), "unsupported type interval day to second"),
    ],
)
def test_columns_that_no_key_uses_are_checked_too(column: tuple[str, str, bool], words: str) -> None:
    (fault,) = structural_faults(schema(), {**SHAPES, "airports": (*AIRPORTS, column)})
    assert fault.startswith("table 'airports': ") and words in fault


def test_all_faults_come_together() -> None:
    shapes = {"airports": changed(AIRPORTS, name="binary"), "weather": changed(WEATHER, time_hour="timestamp_ntz"), "flights": ()}
    faults = structural_faults(schema(), shapes)
    assert any("binary" in f for f in faults) and any("no columns" in f for f in faults) and any("'id' does not exist" in f for f in faults)
    mismatch = structural_faults(schema(), {**SHAPES, "weather": changed(WEATHER, time_hour="timestamp_ntz", temp="map<int,int>")})
    assert len(mismatch) == 2


def test_a_cycle_through_primary_keys_is_a_fault() -> None:
    metadata = Metadata().add_table("a", pk="id", fk={"id": "b.id"}).add_table("b", pk="id", fk={"id": "a.id"})
    shape: Shape = (("id", "int", True),)
    (fault,) = structural_faults(metadata, {"a": shape, "b": shape})
    assert "a -> b -> a" in fault


def test_columns_to_null() -> None:
    metadata = schema()
    flights = metadata.tables["flights"]
    every = {name for name, _, _ in FLIGHTS}
    assert columns_to_null(metadata, flights, 0, every) == ()  # origin is part of the key to weather
    assert columns_to_null(metadata, flights, 1, every) == ("dest",)
    assert columns_to_null(metadata, flights, 2, every) == ("time_hour",)
    assert columns_to_null(metadata, flights, 2, every - {"time_hour"}) == ()  # not nullable
    assert columns_to_null(metadata, metadata.tables["weather"], 0, {"origin"}) == ()  # part of the primary key
    pointed_at = Metadata().add_table("a", pk="id").add_table("b", fk={"x": "a.id"}).add_table("c", fk={"y": "b.x"})
    assert columns_to_null(pointed_at, pointed_at.tables["b"], 0, {"x"}) == ()


def test_usable() -> None:
    assert usable(FLIGHTS, ["id", "dest"])
    assert not usable(FLIGHTS, ["nothing"])
    assert not usable((*FLIGHTS, ("ID", "int", True)), ["id"])
    assert not usable(changed(FLIGHTS, id="binary"), ["id"])
    key = schema().tables["flights"].foreign_keys[2]
    assert key_usable(key, FLIGHTS, WEATHER)
    assert not key_usable(key, changed(FLIGHTS, time_hour="timestamp_ntz"), WEATHER)


def test_nearest() -> None:
    assert nearest("CARRIER", ["career", "carrier"]) == "did you mean 'carrier'?"
    assert nearest("zzz", [f"c{i}" for i in range(10)]) == "there are 'c0', 'c1', 'c2', 'c3', 'c4', 'c5', 'c6', 'c7' and 2 more."
    assert nearest("x", []) == "there are none."


def test_a_policy_for_all_keys_is_no_fault_of_those_it_cannot_serve() -> None:
    columns = (("id", "int", False), ("up", "int", False))

    def faults(default: str, **fields: Any) -> list[str]:
        metadata = Metadata(orphans=default).add_table("a", pk="id", fk={"up": "b.id"}, **fields).add_table("b", pk="id", fk={"up": "a.id"})  # type: ignore[arg-type]
        assert Metadata.model_validate(metadata.to_dict()) == metadata
        return structural_faults(metadata, {"a": columns, "b": columns})

    assert faults("null") == faults("drop") == []
    assert "no column to empty" in faults("null", orphans="null")[0] and "no column to empty" in faults("drop", orphans={"up": "null"})[0]
    assert "circle" in faults("null", orphans="drop")[0]
