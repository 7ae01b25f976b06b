"""Metadata written as YAML is read back as the same."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from synthohive_spark.spec.metadata import Metadata
from synthohive_spark.spec.metadata_yaml import yaml_text


def everything() -> Metadata:
    metadata = Metadata(orphans="null", duplicates="drop", unsupported="null")
    metadata.add_table("a.b", pk="id", role="reference", orphans="error")
    metadata.add_table("no", pk=["yes", "on"], role="learnt", pii_cols={"mail": "email", "memo": None}, duplicates=None, unsupported="error")
    metadata.add_table(
        "x y",
        fk={"to": "`a.b`.id", "null": "no.yes"},
        orphans={"to": "drop", "null": "null"},
        foreign_keys=[
            {"columns": ["y", "o"], "parent_table": "no", "parent_columns": ["yes", "on"]},
            {"columns": ["to"], "parent_table": "no", "parent_columns": ["on"], "orphans": "error"},
        ],
        parent_context_cols=[],
        constraints={"n": {"min": 1, "dtype": "int"}, "d": {"max": "2024-01-01"}},
        pii_cols=["who"],
        high_cardinality_cols="k",
        linkage_method="negbinom",
        order_by="größe: 1",
    )
    return metadata.add_table("bare")


@pytest.mark.parametrize("metadata", [everything(), Metadata(), Metadata().add_table("t", pk="i", fk={"a": "t.i"})], ids=["everything", "nothing", "little"])
def test_what_is_written_is_read_back(metadata: Metadata, tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    metadata.to_yaml(path)
    read = Metadata.from_yaml(path)
    assert read.to_dict() == metadata.to_dict()
    assert {name for name, t in read.tables.items() if "role" in t.model_fields_set} == {n for n, t in metadata.tables.items() if "role" in t.model_fields_set}


def test_two_keys_of_one_column_are_told_at_length(tmp_path: Path) -> None:
    key = {"columns": ["c"], "parent_columns": ["id"]}
    metadata = Metadata().add_table("p", pk="id").add_table("q", pk="id")
    metadata.add_table("t", foreign_keys=[{**key, "parent_table": "p"}, {**key, "parent_table": "q"}])
    metadata.to_yaml(tmp_path / "m.yaml")
    assert Metadata.from_yaml(tmp_path / "m.yaml").to_dict() == metadata.to_dict()


def test_the_form_is_short() -> None:
    metadata = Metadata().add_table("customers", pk="id").add_table("orders", pk="no", fk={"customer": "customers.id"}, orphans="null")
    assert yaml_text(metadata) == (
        "tables:\n  customers: {pk: id}\n  orders:\n    pk: 'no'\n    fk: {customer: customers.id}\n    orphans: {customer: 'null'}\n"
    )


def test_notes_are_comments_whatever_is_in_them() -> None:
    text = yaml_text(Metadata().add_table("t", pk="i"), notes={"t": ["one\nrole: reference", "two"]}, sections={"source": {"t": "./t"}})
    assert text.splitlines()[1:3] == ["  # one role: reference", "  # two"]
    assert yaml.safe_load(text) == {"tables": {"t": {"pk": "i"}}, "source": {"t": "./t"}}
