"""SDV's metadata becomes ours; what has no place is told, what is wrong refused, all at once."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest

from synthohive_spark import ForeignKey, Metadata, SchemaError

HOTELS: dict[str, Any] = {
    "METADATA_SPEC_VERSION": "V1",
    "tables": {
        "guests": {
            "primary_key": "guest_email",
            "alternate_keys": ["loyalty_number"],
            "columns": {
                "guest_email": {"sdtype": "email", "pii": True},
                "hotel_id": {"sdtype": "id", "regex_format": "HID_[0-9]{3}"},
                "loyalty_number": {"sdtype": "id"},
                "has_rewards": {"sdtype": "boolean"},
                "room_type": {"sdtype": "categorical", "order_by": "alphabetical"},
                "amenities_fee": {"sdtype": "numerical", "computer_representation": "Float"},
                "checkin_date": {"sdtype": "datetime", "datetime_format": "%d %b %Y"},
                "billing_address": {"sdtype": "address", "pii": True},
                "seen_from": {"sdtype": "ipv4_address"},
                "notes": {"sdtype": "unknown", "pii": True},
                "city": {"sdtype": "city", "pii": False},
                "blood": {"sdtype": "blood_group"},
            },
        },
        "hotels": {"primary_key": "hotel_id", "columns": {"hotel_id": {"sdtype": "id"}, "rating": {"sdtype": "numerical"}}},
        "visits": {
            "primary_key": ["guest", "day"],
            "sequence_index": "day",
            "columns": {"guest": {"sdtype": "email"}, "day": {"sdtype": "datetime"}},
        },
    },
    "relationships": [
        {"parent_table_name": "hotels", "child_table_name": "guests", "parent_primary_key": "hotel_id", "child_foreign_key": "hotel_id"},
        {"parent_table_name": "guests", "child_table_name": "visits", "parent_primary_key": ["guest_email"], "child_foreign_key": ["guest"]},
    ],
}


def test_tables_keys_and_personal_columns_are_carried_over(tmp_path: Path) -> None:
    path = tmp_path / "metadata.json"
    path.write_text(json.dumps({**HOTELS, "METADATA_SPEC_VERSION": "MULTI_TABLE_V1"}))
    with pytest.warns(UserWarning) as told:
        found = Metadata.from_sdv(path)
    guests = found.tables["guests"]
    assert guests.primary_key == ("guest_email",)
    assert guests.foreign_keys == (ForeignKey(columns=("hotel_id",), parent_table="hotels", parent_columns=("hotel_id",)),)
    assert guests.pii_cols == {"billing_address": "address", "seen_from": "ipv4", "notes": None, "blood": "blood_group"}
    assert guests.high_cardinality_cols == ("room_type",)
    assert (found.tables["visits"].primary_key, found.tables["visits"].order_by) == (("guest", "day"), "day")
    assert found.tables["hotels"].primary_key == ("hotel_id",)
    text = str(told[0].message)
    assert len(told) == 1 and text.startswith(f"{path}: not all of it is carried over:")
    for left in (
        "'blood_group' is not known here",
        "'loyalty_number': an id that is no key",
        "alternate_keys",
        "'hotel_id': regex_format",
        "'room_type': order_by",
    ):
        assert left in text
    assert len(text.splitlines()) == 6


def test_nothing_is_said_where_all_is_carried_over() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = Metadata.from_sdv({**HOTELS, "relationships": [], "tables": {"hotels": HOTELS["tables"]["hotels"]}})
    assert found == Metadata().add_table("hotels", pk="hotel_id")


def test_all_faults_are_told_at_once() -> None:
    raw = {
        "METADATA_SPEC_VERSION": "SINGLE_TABLE_V1",
        "tables": {"a": {"primary_key": "idd", "columns": {"id": {"sdtype": "id"}, "b": {}}}},
        "relationships": [
            {"parent_table_name": "aa", "child_table_name": "a", "parent_primary_key": "id", "child_foreign_key": "id"},
            {"parent_table_name": "a", "child_table_name": "a", "parent_primary_key": "id", "child_foreign_key": "up"},
            {"parent_table_name": "a"},
        ],
    }
    with pytest.raises(SchemaError) as raised:
        Metadata.from_sdv(raw)
    told = str(raised.value).splitlines()
    assert len(told) == 6 and all(line.startswith("SDV metadata: ") for line in told)
    for part in (
        "put it below `tables`",
        "no column 'idd'; did you mean 'id'?",
        "no table 'aa'",
        "no column 'up'",
        "relationship 3: expected",
        "sdtype is missing",
    ):
        assert any(part in line for line in told), part


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text("[]")
    (tmp_path / "broken.json").write_text("{")
    for name, told in (("none.json", "cannot read"), ("broken.json", "no? ?valid JSON|not valid JSON"), ("list.json", "expected an object with `tables`")):
        with pytest.raises(SchemaError, match=told):
            Metadata.from_sdv(tmp_path / name)
    with pytest.raises(SchemaError, match="`tables` must map"):
        Metadata.from_sdv({"METADATA_SPEC_VERSION": "V1", "tables": []})


@pytest.mark.parametrize("odd", [{"primary_key": [["x"]]}, {"alternate_keys": 5}, {"sequence_index": {"a": 1}}, {"column_relationships": "x"}])
def test_fields_of_another_form_are_faults(odd: dict[str, object]) -> None:
    table = {"columns": {"x": {"sdtype": "id"}}}
    with pytest.raises(SchemaError, match=next(iter(odd))):
        Metadata.from_sdv({"METADATA_SPEC_VERSION": "V1", "tables": {"t": table | odd}})
    key = {"parent_table_name": ["t"], "child_table_name": "t", "parent_primary_key": "x", "child_foreign_key": [["x"]]}
    with pytest.raises(SchemaError, match="parent_table_name, child_foreign_key must be"):
        Metadata.from_sdv({"METADATA_SPEC_VERSION": "V1", "tables": {"t": table}, "relationships": [key]})
