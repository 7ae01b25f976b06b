"""Expressions of somebody else: the usual ones pass, and nothing that could do more than look at the row."""

from __future__ import annotations

import pytest

from synthohive_spark.spec.expressions import LONGEST, checked_expression, expression_fault

COLUMNS = ("id", "ts", "Amount", "status", "my col", "s", "x", "r", "email", "year", "date")


@pytest.mark.parametrize(
    "text",
    [
        "amount > 0",
        "status IN ('open', 'closed')",
        "id is not null AND `my col` <= AMOUNT",
        "CAST(ts AS DATE)",
        "cast(amount as decimal(10,2))",
        "year(ts) * 100 + month(ts)",
        "EXTRACT(YEAR FROM ts)",
        "date_trunc('HOUR', ts)",
        "ts >= TIMESTAMP '1900-01-01 00:00:00' and ts < date'2100-01-01'",
        "ts + INTERVAL 1 DAY > ts",
        "ts + interval '2' hours > ts",
        "CASE WHEN amount >= 1e3 THEN 'big' ELSE concat(status, '-', \"it's\") END",
        "sha2(lower(trim(both ' ' from email)), 256)",
        "s.a IS DISTINCT FROM s.`b c`",
        "email RLIKE '^[^@]+@[^@]+\\\\.[a-z]{2,}$' or email like '%@%' escape '!'",
        "amount BETWEEN 0 AND 100L AND NOT (status = 'x')",
        "substring(email from 1 for 2) = 'ab'",
        "xxhash64(id, status)",
        "date > year",
        "id % 2 = 1 OR (id & 3) <> 0",
        "status NOT IN ('--', '/*', 'nowhere')",
        "`amount` * 2 > (id) * 3 AND 2.*x > 1 AND `S`.`other` > 1",
        "ts > timestamp '+2020-01-01'",
    ],
)
def test_usual_ones(text):
    assert expression_fault(text, COLUMNS) is None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("reflect('java.lang.Runtime', 'getRuntime')", "function"),
        ("`reflect`('java.lang.Runtime', 'getRuntime')", "quoted"),
        ("system.builtin.reflect('a', 'b')", ""),
        ("s.reflect('a', 'b')", "function"),
        ("\"reflect\"('java.lang.Runtime', 'getRuntime')", "quoted"),
        ("'reflect' ('java.lang.Runtime', 'getRuntime')", "quoted"),
        ('"session"."secret" = status', "quoted"),
        ("`current_timestamp` > ts", "no column"),
        ("`current_user` = status", "no column"),
        ("`_metadata`.file_path = status", "no column"),
        ("ts <= date 'today'", "literal"),
        ("ts <= timestamp ' now'", "literal"),
        ("ts <= 'Today'", "time of the query"),
        ("ts <= cast('now UTC' as timestamp)", "time of the query"),
        ("hash(*) > 0", "all columns"),
        ("struct(id, *) is not null", "all columns"),
        ("xxhash64(s.*) > 0", "all columns"),
        ("hash(all *) > 0", "all columns"),
        ("java_method('a', 'b') is null", "function"),
        ("rand() < 0.5", "function"),
        ("unix_timestamp() > 0", "function"),
        ("sum(amount) > 0", "function"),
        ("row_number() over (order by id) = 1", "function"),
        ("my_udf(id)", "function"),
        ("current_user = 'root'", "no column"),
        ("current_timestamp > ts", "no column"),
        ("amount > (select max(x) from other)", "query"),
        ("id in (table users)", "query"),
        ("id in (values 1)", "query"),
        ("(map id using 'rm -rf')", "query"),
        ("id > 0) USING parquet --", "comment"),
        ("id > 0 /* x */", "comment"),
        ("status = 'a'--'", "comment"),
        ("`my col` > 0 -- '`", "comment"),
        ("id > 0), z INT GENERATED ALWAYS AS (1", "brackets"),
        ("(id > 0", "brackets"),
        ("id > 0; DROP TABLE t", "signs"),
        ("status = '${spark.secret}'", "variable"),
        ("id = :p", "signs"),
        ("id as x", "name"),
        ("r'a\\' or 1", "signs"),
        ("r'a'", "literal"),
        ("status = 'it\\'s'", "signs"),
        ("status = 'open", "signs"),
        ("other_column > 0", "no column"),
        ("", "length"),
        (None, "length"),
        ("id > 0 " + "and id > 0 " * LONGEST, "length"),
    ],
)
def test_what_is_refused(text, fault):
    assert fault in (expression_fault(text, COLUMNS) or "passed")
    assert expression_fault(text, COLUMNS) is not None


def test_words_of_queries_stay_closed_where_columns_have_their_names():
    columns = ("select", "from", "values", "users", "x", "table", "map", "using")
    assert expression_fault("x > (select x from users)", columns) == "holds a query"
    assert expression_fault("x in (table users)", columns) == "holds a query"
    assert expression_fault("(map x using 'sh')", columns) is not None
    assert expression_fault("`select` > x and users = x", columns) is None


def test_no_fault_tells_the_text():
    assert "Muster" not in str(expression_fault("status = (select 'Muster')", COLUMNS))


def test_texts_stay_texts_where_a_session_takes_double_quotes_for_names():
    assert checked_expression('status = "current_user" or `my col` = \'"\'', COLUMNS, "c") == "(status = 'current_user' or `my col` = '\"')"
