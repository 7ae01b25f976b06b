"""What the user may write, in each of the forms, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from synthohive_spark.errors import SchemaError
from synthohive_spark.spec.metadata import Constraint, ForeignKey, Metadata

FLIGHTS_YAML = """
source: {anything: 1}
tables:
  airports: {pk: faa, role: reference}
  planes:
    pk: tailnum
  weather:
    pk: [origin, time_hour]
    fk: {origin: airports.faa}
    constraints:
      time_hour: {min: 2013-01-01, max: 2013-12-31T23:00:00}
  flights:
    pk: flight_id
    fk:
      tailnum: planes.tailnum
      dest: airports.faa
    orphans: {tailnum: null}
    foreign_keys:
      - columns: [origin, time_hour]
        parent_table: weather
        orphans: drop
    pii_cols: [pilot]
    high_cardinality_cols: tailnum
"""


@pytest.fixture
def flights(tmp_path: Path) -> Metadata:
    path = tmp_path / "flights.yaml"
    path.write_text(FLIGHTS_YAML)
    return Metadata.from_yaml(path)


def test_yaml_forms(flights: Metadata) -> None:
    table = flights.tables["flights"]
    assert table.primary_key == ("flight_id",)
    assert table.foreign_keys == (
        ForeignKey(columns=("tailnum",), parent_table="planes", parent_columns=("tailnum",), orphans="null"),
        ForeignKey(columns=("dest",), parent_table="airports", parent_columns=("faa",), orphans="error"),
        ForeignKey(columns=("origin", "time_hour"), parent_table="weather", parent_columns=("origin", "time_hour"), orphans="drop"),
    )
    assert table.pii_cols == {"pilot": None}
    assert table.high_cardinality_cols == ("tailnum",)
    assert flights.tables["airports"].role == "reference"


def test_yaml_dates_become_text_limits(flights: Metadata) -> None:
    assert flights.tables["weather"].constraints["time_hour"] == Constraint(min="2013-01-01", max="2013-12-31 23:00:00")


def test_key_columns_are_those_of_all_keys(flights: Metadata) -> None:
    assert flights.tables["flights"].key_columns == {"flight_id", "tailnum", "dest", "origin", "time_hour"}


def test_long_form_reads_back(flights: Metadata, tmp_path: Path) -> None:
    assert Metadata.model_validate(flights.to_dict()) == flights
    assert Metadata.from_dict(flights.to_dict()) == flights
    (tmp_path / "m.json").write_text(json.dumps(flights.to_dict()))
    assert Metadata.from_json(tmp_path / "m.json") == flights


def test_add_table_chains_and_keeps_whole_numbers_whole() -> None:
    metadata = Metadata().add_table("a", pk="id").add_table("b", fk={"a_id": "a.id"}, constraints={"n": {"min": 2**60 + 1}})
    assert metadata.tables["b"].constraints["n"].min == 2**60 + 1
    assert str(metadata.tables["b"].foreign_keys[0]) == "(a_id) -> a(id)"


def test_a_primary_key_goes_by_its_long_name_too() -> None:
    assert Metadata().add_table("a", primary_key=["x", "y"]) == Metadata().add_table("a", pk=["x", "y"])


def test_a_policy_for_all_short_keys() -> None:
    table = Metadata().add_table("b", fk={"x": "a.id", "y": "a.id"}, orphans="drop").tables["b"]
    assert [fk.orphans for fk in table.foreign_keys] == ["drop", "drop"]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"primary": "id"}, r"table 't': unknown fields \['primary'\]"),
        ({"fk": {"a": "nowhere"}}, "write it as parent_table.column"),
        ({"fk": {"a": ".id"}}, "write it as parent_table.column"),
        ({"fk": ["a"]}, "fk must map columns"),
        ({"fk": {"a": "p.id"}, "orphans": {"b": "null"}}, r"orphans names \['b'\]"),
        ({"fk": {"a": "p.id"}, "orphans": "ignore"}, "foreign_keys.0.orphans"),
        ({"foreign_keys": [{"columns": ["a", "b"], "parent_table": "p", "parent_columns": ["x"]}]}, r"2 columns \['a', 'b'\] and the parent 1 \['x'\]"),
        ({"foreign_keys": [{"columns": ["a"], "parent": "p"}]}, "foreign_keys.0.parent_table: Field required.*foreign_keys.0.parent"),
        ({"foreign_keys": {"columns": ["a"]}}, "must be a list"),
        ({"foreign_keys": ["a"]}, "foreign_keys.0"),
        ({"pk": 3}, "primary_key"),
        ({"pk": "a", "primary_key": "a"}, "both pk and primary_key"),
        ({"pk": [1]}, "primary_key.0"),
        ({"role": "lookup"}, "role: Input should be 'learnt' or 'reference'"),
        ({"linkage_method": "poisson"}, "linkage_method"),
        ({"constraints": ["age"]}, "constraints"),
        ({"constraints": {"age": {"minimum": 0}}}, "constraints.age.minimum"),
        ({"constraints": {"age": {"min": True}}}, "True is no limit"),
        ({"constraints": {"age": {"max": float("nan")}}}, "nan is no limit"),
        ({"pii_cols": [{"email": "email"}]}, "pii_cols"),
        ({"pk": "a\x00b"}, "holds a control character"),
        ({"pii_cols": {"\x1fhidden": None}}, "holds a control character"),
        ({"duplicates": "first"}, "duplicates"),
        ({"unsupported": "keep"}, "unsupported"),
    ],
)
def test_refused_fields(fields: dict[str, object], message: str) -> None:
    metadata = Metadata()
    with pytest.raises(SchemaError, match=message):
        metadata.add_table("t", **fields)  # type: ignore[arg-type]
    assert metadata.tables == {}


@pytest.mark.parametrize("name", ["", " ", "a" * 256, "é" * 128, "a\n", "a\x00", "\x1fa", None, 7])
def test_refused_table_names(name: object) -> None:
    with pytest.raises(SchemaError, match="table"):
        Metadata().add_table(name)  # type: ignore[arg-type]


def test_names_are_checked_by_every_way_in() -> None:
    with pytest.raises(ValidationError, match="holds a control character"):
        Metadata.model_validate({"tables": {"a\n": {"name": "a\n"}}})
    with pytest.raises(ValidationError, match="listed under the name"):
        Metadata.model_validate({"tables": {"x": {"name": "y"}}})


def test_added_twice() -> None:
    with pytest.raises(SchemaError, match="added twice"):
        Metadata().add_table("a").add_table("a")


def test_from_dict_reports_every_table() -> None:
    with pytest.raises(SchemaError) as error:
        Metadata.from_dict({"tables": {"a": {"x": 1}, "b": [], "c": {"role": "?"}, "d": {"name": "e"}, "ok": None}})
    assert [line.partition(":")[0] for line in str(error.value).splitlines()] == ["table 'a'", "table 'b'", "table 'c'", "table 'd'"]
    with pytest.raises(SchemaError, match="unknown fields"):
        Metadata.from_dict({"tables": {}, "table": {}})
    with pytest.raises(SchemaError, match="must map table names"):
        Metadata.from_dict({"tables": ["a"]})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tables: [", "not valid YAML"),
        ("- a", "expected a mapping"),
        ("", "expected a mapping"),
        ("tables:\n  a: {pk: id}\n  a: {pk: x}\n", r"\['a'\] occurs twice"),
        ("tables:\n  a: !!python/object/apply:os.getcwd []\n", "not valid YAML"),
        ("tables:\n  a: {pk: id\n", "not valid YAML"),
    ],
)
def test_refused_yaml(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "m.yaml"
    path.write_text(text)
    with pytest.raises(SchemaError, match=message):
        Metadata.from_yaml(path)


def test_yaml_merge_keys_are_no_repeats(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text("tables:\n  a: &a {pk: id, role: reference}\n  b: {<<: *a, pk: key}\n")
    assert Metadata.from_yaml(path).tables["b"].primary_key == ("key",)


def test_refused_files(tmp_path: Path) -> None:
    for read in (Metadata.from_yaml, Metadata.from_json):
        with pytest.raises(SchemaError, match="cannot read"):
            read(tmp_path / "none")
        (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
        with pytest.raises(SchemaError, match="not valid"):
            read(tmp_path / "binary")
    (tmp_path / "m.json").write_text('{"tables": {"a": {}, "a": {}}}')
    with pytest.raises(SchemaError, match="occurs twice"):
        Metadata.from_json(tmp_path / "m.json")


def test_tables_are_frozen() -> None:
    table = Metadata().add_table("a", pk="id").tables["a"]
    with pytest.raises(ValidationError, match="frozen"):
        table.primary_key = ()
