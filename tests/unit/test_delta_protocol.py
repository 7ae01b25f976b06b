"""What tables ask of their writers, and schemas of their tables."""

from __future__ import annotations

import json

import pytest

from synthohive_spark.errors import GenerationError
from synthohive_spark.spec.form import TableRules
from synthohive_spark.storage.delta_protocol import carry_fault, clean_schema, keeps_form, needed_features, protocol_for, raised_protocol, same_columns
from synthohive_spark.storage.delta_rules import OURS, configured, foreign_checks, given_rules, has_rules, rule_features, rules_in, with_generated

NTZ = frozenset({"timestampNtz"})
OWN = TableRules(checks={"own": "id > 0"}).model_dump_json()


def field(name, kind, nullable=True, **metadata):
    return {"name": name, "type": kind, "nullable": nullable, "metadata": metadata}


def struct(*fields):
    return {"type": "struct", "fields": list(fields)}


def array(kind):
    return {"type": "array", "elementType": kind, "containsNull": True}


@pytest.mark.parametrize(
    ("kind", "features"),
    [
        ("long", frozenset()),
        ("decimal(38,18)", frozenset()),
        ("timestamp_ntz", NTZ),
        (struct(field("a", array("timestamp_ntz"))), NTZ),
        ({"type": "map", "keyType": "string", "valueType": struct(field("b", "date")), "valueContainsNull": True}, frozenset()),
        ("variant", None),
        ("interval day to second", None),
        ("void", None),
        (array("variant"), None),
        ({"type": "udt", "class": "x"}, None),
    ],
)
def test_features_of_types(kind, features):
    assert needed_features(struct(field("id", "integer"), field("x", kind))) == features


def test_collated_text_is_not_known():
    assert needed_features(struct(field("s", "string", __COLLATIONS={"s": "icu.UNICODE_CI"}))) is None


@pytest.mark.parametrize(
    ("protocol", "configuration", "schema", "fault"),
    [
        ({"minReaderVersion": 1, "minWriterVersion": 2}, {"delta.checkpointInterval": "5", "mine": "x"}, "{}", None),
        ({"minReaderVersion": 1, "minWriterVersion": 4}, {"delta.enableChangeDataFeed": "true"}, "{}", None),
        ({"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": ["timestampNtz"], "writerFeatures": ["timestampNtz", "appendOnly"]}, {}, "{}", None),
        (
            {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": ["deletionVectors"], "writerFeatures": ["deletionVectors"]},
            {},
            "{}",
            "deletionVectors",
        ),
        ({"minReaderVersion": 1, "minWriterVersion": 7, "writerFeatures": ["rowTracking", "domainMetadata"]}, {}, "{}", "domainMetadata, rowTracking"),
        ({"minReaderVersion": 4, "minWriterVersion": 8}, {}, "{}", "not known"),
        ({"minReaderVersion": 2, "minWriterVersion": 5}, {"delta.columnMapping.mode": "id"}, "{}", "column mapping"),
        ({"minReaderVersion": 2, "minWriterVersion": 5}, {"delta.columnMapping.mode": "name"}, json.dumps({"delta.columnMapping.id": 1}), None),
        ({"minReaderVersion": 2, "minWriterVersion": 5}, {"delta.columnMapping.mode": "none"}, "{}", None),
        ({"minReaderVersion": 1, "minWriterVersion": 3}, {"delta.constraints.positive": "id > 0"}, "{}", "constraints"),
        ({"minReaderVersion": 1, "minWriterVersion": 3}, {"delta.constraints.own": "id > 0", OURS: OWN}, "{}", None),
        ({"minReaderVersion": 1, "minWriterVersion": 3}, {"delta.constraints.own": "id > 1", OURS: OWN}, "{}", "constraints"),
        ({"minReaderVersion": 1, "minWriterVersion": 4}, {}, json.dumps({"delta.generationExpression": "a + 1"}), None),
        ({"minReaderVersion": 1, "minWriterVersion": 6}, {}, json.dumps({"delta.identity.start": 1}), "identity"),
    ],
)
def test_tables_that_our_commits_can_carry(protocol, configuration, schema, fault):
    found = carry_fault(protocol, {"configuration": configuration, "schemaString": schema})
    assert found is None if fault is None else fault in found


def test_protocols_are_as_low_as_the_schema_allows():
    assert protocol_for(frozenset()) == {"minReaderVersion": 1, "minWriterVersion": 2}
    rules = rule_features(TableRules(generated={"a": "b"}, checks={"c": "d"}))
    assert protocol_for(rules) == {
        "minReaderVersion": 1,
        "minWriterVersion": 7,
        "writerFeatures": ["appendOnly", "checkConstraints", "generatedColumns", "invariants"],
    }
    assert raised_protocol(protocol_for(frozenset()), rules) == protocol_for(rules) and raised_protocol(protocol_for(rules), rules) is None
    new = protocol_for(NTZ)
    assert (new["minReaderVersion"], new["minWriterVersion"], new["readerFeatures"]) == (3, 7, ["timestampNtz"])
    assert set(new["writerFeatures"]) == {"timestampNtz", "appendOnly", "invariants"}
    assert raised_protocol(new, NTZ) is None
    assert raised_protocol({"minReaderVersion": 1, "minWriterVersion": 2}, frozenset()) is None


@pytest.mark.parametrize(
    ("reader", "writer", "read", "written"),
    [
        (1, 2, [], ["appendOnly", "invariants"]),
        (1, 4, [], ["appendOnly", "changeDataFeed", "checkConstraints", "generatedColumns", "invariants"]),
        (2, 5, ["columnMapping"], ["appendOnly", "changeDataFeed", "checkConstraints", "columnMapping", "generatedColumns", "invariants"]),
    ],
)
def test_a_raised_protocol_names_what_its_number_meant(reader, writer, read, written):
    raised = raised_protocol({"minReaderVersion": reader, "minWriterVersion": writer}, NTZ)
    assert raised == {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": sorted([*read, *NTZ]), "writerFeatures": sorted([*written, *NTZ])}


def test_schemas_lose_the_metadata_of_a_session():
    inner = struct(field("x", "long", comment="kept", __autoGeneratedAlias="true"))
    cleaned = clean_schema(struct(field("a", array(inner), **{"delta.generationExpression": "1"}), field("v", "string", __CHAR_VARCHAR_TYPE_STRING="char(3)")))
    assert cleaned == struct(field("a", array(struct(field("x", "long", comment="kept")))), field("v", "string", __CHAR_VARCHAR_TYPE_STRING="char(3)"))


def test_same_columns_but_for_comments():
    one = struct(field("a", "long", comment="x"), field("b", array("string")))
    assert same_columns(one, struct(field("a", "long"), field("b", array("string"))))
    for other in (
        struct(field("b", array("string")), field("a", "long")),
        struct(field("a", "long", False), field("b", array("string"))),
        struct(field("a", "integer"), field("b", array("string"))),
        struct(field("a", "long"), field("b", {**array("string"), "containsNull": False})),
    ):
        assert not same_columns(one, other)


def test_a_table_says_what_it_is_to_say():
    now = struct(field("a", "string", comment="x", __CHAR_VARCHAR_TYPE_STRING="varchar(3)"), field("s", struct(field("b", "long", comment="y"))))
    silent = struct(field("a", "string", __CHAR_VARCHAR_TYPE_STRING="varchar(3)"), field("s", struct(field("b", "long"))))
    assert keeps_form(now, now) and keeps_form(now, silent), "comments of others may stay"
    assert not keeps_form(silent, now)
    for length in ({}, {"__CHAR_VARCHAR_TYPE_STRING": "varchar(4)"}):
        assert not keeps_form(now, struct(field("a", "string", **length), silent["fields"][1]))
    assert not keeps_form(now, struct(silent["fields"][0], field("s", struct(field("b", "long", comment="z")))))
    assert not keeps_form(now, struct(silent["fields"][0]))


def test_rules_of_a_run_come_and_go_and_those_of_others_stay():
    first, second = TableRules(generated={"b": "a + 1"}, checks={"p": "a > 0", "q": "a > 1"}), TableRules(checks={"q": "a > 2"})
    schema = struct(field("a", "long"), field("b", "long", comment="c"))
    ruled = with_generated(schema, first)
    had = configured({"mine": "x", "delta.constraints.theirs": "a < 9"}, first)
    assert rules_in({"schemaString": json.dumps(ruled), "configuration": had}) == first.model_copy(update={"checks": {**first.checks, "theirs": "a < 9"}})
    assert ruled["fields"][1]["metadata"]["comment"] == "c" and clean_schema(ruled) == schema
    assert foreign_checks(had) == {"theirs": "a < 9"} and given_rules(had) == first
    has = configured(had, second)
    assert {key: has[key] for key in has if key != OURS} == {"mine": "x", "delta.constraints.theirs": "a < 9", "delta.constraints.q": "a > 2"}
    assert configured(has, TableRules()) == {"mine": "x", "delta.constraints.theirs": "a < 9"}
    assert given_rules({OURS: "{"}) == TableRules()


def test_a_check_that_somebody_dropped_is_missed_and_one_under_our_name_is_not_replaced():
    rules = TableRules(generated={"g": "a"}, checks={"p": "a > 1"})
    had = configured({"delta.constraints.theirs": "a < 9"}, rules)
    assert has_rules(had, rules) and not has_rules(had, TableRules(checks=rules.checks))
    dropped = {key: value for key, value in had.items() if key != "delta.constraints.p"}
    assert not has_rules(dropped, rules) and configured(dropped, rules) == had
    changed = {**had, "delta.constraints.p": "a > 5"}
    assert not has_rules(changed, rules)
    with pytest.raises(GenerationError, match="'p'"):
        configured(changed, rules)
    with pytest.raises(GenerationError, match="'P'"):
        configured({"delta.constraints.P": "a > 5"}, rules)
    assert configured(changed, TableRules())["delta.constraints.p"] == "a > 5"
    assert configured({"delta.constraints.p": "a > 1"}, rules)["delta.constraints.p"] == "a > 1"
