"""What tables say of themselves: read from a schema or a log, and written into another."""

from __future__ import annotations

import json

import pytest

from synthohive_spark.spec.form import ColumnNote, TableForm, TableRules, annotated, longest, noted, partition_columns
from synthohive_spark.spec.identifiers import define_table_sql
from synthohive_spark.storage.forms import of_delta


def field(name, kind, **metadata):
    return {"name": name, "type": kind, "nullable": True, "metadata": metadata}


def struct(*fields):
    return {"type": "struct", "fields": list(fields)}


SAID = struct(
    field("id", "long", comment="the key", other=1),
    field("v", "string", __CHAR_VARCHAR_TYPE_STRING="varchar(5)"),
    field("s", struct(field("a.b", "string", comment="inner")), __CHAR_VARCHAR_TYPE_STRING="struct<a.b:varchar(3)>"),
    field("s.a", struct(field("b", "string"))),
    field("none", "string", comment=""),
)
NOTES = (ColumnNote(path=("id",), comment="the key"), ColumnNote(path=("v",), length="varchar(5)"), ColumnNote(path=("s", "a.b"), comment="inner"))


def test_notes_come_back_where_their_columns_are():
    assert noted(SAID) == NOTES
    form = TableForm(columns=NOTES)
    assert form.lengths == {"v": "varchar(5)"} and longest("char(12)") == 12
    silent = struct(*({**f, "metadata": {}} for f in SAID["fields"]))
    silent["fields"][2]["type"] = struct(field("a.b", "string"))
    assert noted(annotated(silent, form)) == NOTES
    other = struct(field("v", "long"), field("x", "string", kept=1))
    assert annotated(other, form) == other, "a length is that of a text"
    assert TableForm.model_validate_json(form.model_dump_json()) == form


@pytest.mark.parametrize(
    ("partitions", "found"),
    [(("v",), ("v",)), (("none", "v"), ("none", "v")), (("s",), ()), (("v", "gone"), ()), ((), ()), (("id", "v", "s", "s.a", "none"), ()), ((".x",), ())],
)
def test_columns_that_can_part_a_table(partitions, found):
    assert partition_columns(struct(*SAID["fields"], *([field(".x", "long")] if partitions == (".x",) else [])), TableForm(partitions=partitions)) == found


def test_what_a_log_says():
    generated = struct(field("day", "date", **{"delta.generationExpression": "CAST(ts AS DATE)"}), field("n", "long", **{"delta.identity.start": 1}))
    metadata = {
        "schemaString": json.dumps(generated),
        "partitionColumns": ["day"],
        "description": "",
        "configuration": {"delta.constraints.pos": "n > 5", "delta.appendOnly": "true"},
    }
    form = of_delta(metadata)
    assert (form.partitions, form.comment) == (("day",), None)
    assert form.rules == TableRules(generated={"day": "CAST(ts AS DATE)"}, checks={"pos": "n > 5"})
    assert form.left == ("that the column 'n' numbers the rows by itself (identity)",)
    less = form.without_rules({"day": "why", "other": "no"}, {"pos": "why not"})
    assert less.left[1:] == ("that the column 'day' is generated (why)", "the check constraint 'pos' (why not)") and not less.rules
    assert of_delta({"schemaString": json.dumps(struct())}) == TableForm()


def test_sql_of_a_form_holds_its_words_as_text():
    columns = [field("a`b", "string", comment="it's \\ ${env:HOME}", __CHAR_VARCHAR_TYPE_STRING="char(3)"), SAID["fields"][2]]
    made = define_table_sql("t", columns, {}, partitions=("a`b",), comment="x' USING parquet")
    assert made == (
        "CREATE TABLE t (`a``b` char(3) COMMENT 'it\\'s \\\\ \\u0024{env:HOME}', `s` struct<`a.b`: string COMMENT 'inner'>) USING delta "
        "PARTITIONED BY (`a``b`) COMMENT 'x\\' USING parquet'"
    )
