"""Hostile names never reach SQL or a path."""

from __future__ import annotations

import re

import pytest

from synthohive_spark.errors import SchemaError
from synthohive_spark.spec import identifiers as names

HOSTILE = [
    "t; DROP TABLE users",
    "t;--",
    "users--",
    "a' OR '1'='1",
    'a"b',
    "a`b",
    "`a`",
    "a b",
    " a",
    "a ",
    "a\tb",
    "a\nb",
    "a\n",
    "\na",
    "a\x00b",
    "\x00",
    "a\x7fb",
    "../evil",
    "..",
    ".",
    "a/../b",
    "/etc/passwd",
    "a\\b",
    "C:evil",
    "file:///x",
    "",
    "a" * 129,
    "a" * 100_000,
    "1abc",
    "-a",
    "tаble",  # a Cyrillic a
    "ｔable",  # a full-width t
    "tablé",
    "ta\u200bble",  # a zero-width space
    "\u202eelbat",  # right-to-left override
    "t١",  # an Arabic digit
    "a*",
    "a?b",
    "${x}",
    "%s",
    "{0}",
    "/* x */",
    "a=b",
    "a,b",
    "(a)",
    None,
    1,
    1.5,
    b"abc",
    ["a"],
    ("a",),
    {"a": 1},
    True,
]


@pytest.mark.parametrize("name", HOSTILE, ids=lambda n: ascii(n)[:30])
def test_hostile_names_are_refused_for_databases_and_safe_for_tables(name):
    if names.table_name_faults(name):
        with pytest.raises(SchemaError):
            names.safe_name(name)
    else:
        assert re.fullmatch("[A-Za-z_][A-Za-z0-9_]{0,127}", names.safe_name(name))
    for build in (
        names.checked_name,
        names.checked_qualified_name,
        names.create_schema_sql,
        names.drop_schema_sql,
    ):
        with pytest.raises(SchemaError) as caught:
            build(name)
        assert "\n" not in str(caught.value) and "\x00" not in str(caught.value)
        assert len(str(caught.value)) < 300


@pytest.mark.parametrize("prefix", ["lake.", "cat.lake."])
@pytest.mark.parametrize("name", [n for n in HOSTILE if isinstance(n, str)], ids=lambda n: ascii(n)[:30])
def test_hostile_parts_are_refused_inside_longer_names(prefix, name):
    with pytest.raises(SchemaError):
        names.checked_qualified_name(prefix + name)


@pytest.mark.parametrize("name", ["a.b.c.d", "a..b", ".a", "a.", "a.b."])
def test_number_of_parts(name):
    with pytest.raises(SchemaError):
        names.checked_qualified_name(name)
    with pytest.raises(SchemaError):
        names.existing_table_name(name)


@pytest.mark.parametrize("name", ["a", "_a", "A1_b", "a" * 128, "select", "__x"])
def test_plain_names_pass_and_are_quoted(name):
    assert names.checked_name(name) == name == names.safe_name(name)
    assert names.checked_qualified_name(f"c.{name}") == f"`c`.`{name}`"


@pytest.mark.parametrize("name", ["", None, 3, "a\x00", "a\x1b[0m", "\x1frow", "a\x7f", "é" * 128])
def test_hostile_column_names(name):
    assert names.column_name_faults(name)


@pytest.mark.parametrize("name", ["a", "naïve", "Größe", "a.b", "a-b", "a/b", "1a", "a'b", 'a"b', "é" * 127, "a`b", "__row"])
def test_columns_may_hold_any_letters(name):
    assert names.column_name_faults(name) == [] and not names.needs_mapping(name)


@pytest.mark.parametrize("name", ["a b", "a,b", "a;b", "a(b", "a)b", "a{b", "a}b", "a=b", "a\tb", "a\nb"])
def test_columns_that_delta_stores_under_mapping(name):
    assert names.column_name_faults(name) == [] and names.needs_mapping(name)


def test_sql_text():
    assert names.create_schema_sql("lake.x") == "CREATE SCHEMA IF NOT EXISTS `lake`.`x`"
    assert names.drop_schema_sql("x") == "DROP SCHEMA IF EXISTS `x` RESTRICT"
    table = names.checked_qualified_name("a.b")
    assert names.drop_table_sql(table) == "DROP TABLE IF EXISTS `a`.`b`"
    assert names.describe_detail_sql(table) == "DESCRIBE DETAIL `a`.`b`"
    assert names.describe_table_sql(table) == "DESCRIBE TABLE EXTENDED `a`.`b`"
    assert names.describe_history_sql(table, 3) == "DESCRIBE HISTORY `a`.`b` LIMIT 3"
    assert names.restore_sql(names.path_table("/a b/c"), 2) == "RESTORE TABLE delta.`/a b/c` TO VERSION AS OF 2"


def _field(name, kind, nullable=True, **metadata):
    return {"name": name, "type": kind, "nullable": nullable, "metadata": metadata}


def test_table_definitions():
    table = names.checked_qualified_name("a.b")
    inner = {"type": "struct", "fields": [_field("x y", "timestamp_ntz"), _field("z", {"type": "array", "elementType": "short", "containsNull": True}, False)]}
    columns = [
        _field("id", "long", False),
        _field("x'y", "decimal(10,2)"),
        _field("v", "string", __CHAR_VARCHAR_TYPE_STRING="varchar(3)"),
        _field("s", inner),
        _field("m", {"type": "map", "keyType": "string", "valueType": inner, "valueContainsNull": True}),
    ]
    text = names.define_table_sql(table, columns, {"k'\\": "it's"})
    struct = "struct<`x y`: timestamp_ntz, `z`: array<smallint> NOT NULL>"
    assert text == (
        f"CREATE TABLE `a`.`b` (`id` bigint NOT NULL, `x'y` decimal(10,2), `v` varchar(3), `s` {struct}, `m` map<string, {struct}>)"
        " USING delta TBLPROPERTIES ('k\\'\\\\' = 'it\\'s')"
    )
    assert names.define_table_sql(table, [], {}, replace=True) == "REPLACE TABLE `a`.`b` USING delta"


@pytest.mark.parametrize("kind", ["int) LOCATION '/x' --", "int NOT NULL", "decimal(1", "", "int\n", {"type": "udt"}, {}, None])
def test_types_that_could_carry_sql_are_refused(kind):
    with pytest.raises(SchemaError):
        names.define_table_sql("`a`", [_field("id", kind)], {})
    with pytest.raises(SchemaError):
        names.define_table_sql("`a`", [_field("id", {"type": "array", "elementType": kind, "containsNull": True})], {})


@pytest.mark.parametrize("path", ["", "a\nb", "/a`b", "/a*"])
def test_paths_that_could_leave_their_quotes_are_refused(path):
    with pytest.raises(SchemaError):
        names.path_table(path)


@pytest.mark.parametrize(
    ("name", "quoted"),
    [
        ("t", "`t`"),
        ("s.t", "`s`.`t`"),
        ("c.s.t", "`c`.`s`.`t`"),
        ("my-db.my table", "`my-db`.`my table`"),
        ("`a.b`.c", "`a.b`.`c`"),
        ("`a``b`", "`a``b`"),
        ("x; DROP TABLE y", "`x; DROP TABLE y`"),
    ],
)
def test_existing_names_are_quoted_whole(name, quoted):
    assert names.existing_table_name(name) == quoted


@pytest.mark.parametrize("name", ["", "`", "``", "a`b", "`a", "`a`b", "a.`b", "a\nb", "a\x00", None, 4, "a.", "`a`.", "."])
def test_existing_names_that_are_refused(name):
    with pytest.raises(SchemaError):
        names.existing_table_name(name)


@pytest.mark.parametrize("path", ["", "  ", "a\x00b", "a\nb", "a*", "a?", "a[1]", "{a,b}", "a`b", None, 3])
def test_paths_that_are_refused(path):
    with pytest.raises(SchemaError):
        names.checked_path(path)


def test_paths_pass_as_they_are():
    for path in ("/a b/c", "s3://bucket/x", "../up", "/Volumes/c/s/v"):
        assert names.checked_path(path) == path
