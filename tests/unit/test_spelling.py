"""Names that differ in capitals only."""

from __future__ import annotations

import pytest

from synthohive_spark.spec.config import FitConfig
from synthohive_spark.spec.metadata import Metadata
from synthohive_spark.spec.spelling import spelt, spelt_as


@pytest.mark.parametrize(
    ("name", "known", "found"),
    [("id", ["ID", "x"], "ID"), ("id", ["ID", "id"], "id"), ("Id", ["ID", "id"], "Id"), ("other", ["ID"], "other"), ("STRASSE", ["straße"], "straße")],
)
def test_one_name_among_others(name, known, found):
    assert spelt(name, known) == found


def test_every_field_of_a_table_is_spelt_as_in_the_data():
    metadata = (
        Metadata()
        .add_table("people", pk="ID")
        .add_table(
            "pets",
            pk="pet_id",
            fk={"OWNER": "People.iD"},
            constraints={"AGE": {"min": 0}},
            pii_cols={"NAME": "name"},
            high_cardinality_cols=["Kind"],
            order_by="BORN",
            parent_context_cols=["City"],
        )
    )
    pets = spelt_as(metadata, {"people": ["Id", "CITY"], "pets": ["Pet_Id", "Owner", "Age", "Name", "KIND", "Born"]}).tables["pets"]
    assert (pets.primary_key, pets.order_by, pets.high_cardinality_cols, pets.parent_context_cols) == (("Pet_Id",), "Born", ("KIND",), ("CITY",))
    assert str(pets.foreign_keys[0]) == "(Owner) -> people(Id)"
    assert list(pets.constraints) == ["Age"] and pets.pii_cols == {"Name": "name"}


def test_switches_of_tables():
    assert FitConfig(exact_dependencies={"FLIGHTS": False, "else": True}).spelt_for(["flights"]).exact_dependencies == {"flights": False, "else": True}
    assert FitConfig().spelt_for(["flights"]).exact_dependencies is True
