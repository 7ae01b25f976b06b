"""PostgreSQL as users have it, on a real server."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from decimal import Decimal

import pandas as pd
import pytest
from servers import KEYS, PASSWORD, UNIQUE, foreign_keys

from synthohive_spark import Database, GenerationError, Metadata, SchemaError
from synthohive_spark.stages.intake import take_in

WRONG = "wr0ng-Word"
pytestmark = pytest.mark.databases

TYPES = """CREATE TABLE types (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, si smallint, r real, dp double precision, n numeric, nn numeric(38,10),
    c cents, m money, b bool, ch char(5), vc varchar(10), t text, by bytea, d date, ts timestamp, tz timestamptz, ti time, iv interval, u uuid, j jsonb, x xml,
    en mood, ar int[], ua uuid[], ip inet, bt bit(4), rg int4range, pt point)"""
VALUES = """INSERT INTO types VALUES (DEFAULT, 1, 1.5, 2.5, 123456789012345678901234.5678, 1234567890123456789012345678.0123456789, 5.5, '$1,234.50', true,
    'ab', 'cd', '😀', '\\x00ff', '2024-01-02', '2024-01-02 03:04:05.678901', '2024-01-02 03:04:05+02', '03:04:05', '1 day 2 hours',
    'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"b": 2}', '<a/>', 'so happy', '{1,null,3}', '{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}', '10.0.0.1', '1010',
    '[1,5)', '(1,2)')"""
SHOP = (
    "CREATE TYPE mood AS ENUM ('sad', 'so happy')",
    "CREATE DOMAIN cents AS numeric(12,2)",
    "CREATE SCHEMA other",
    "CREATE TABLE other.far (id int PRIMARY KEY)",
    'CREATE TABLE "Order Items" ("select" int PRIMARY KEY, "Group%By(x):y" varchar(30) UNIQUE, "MiXed" bigint NOT NULL, far int REFERENCES other.far)',
    """INSERT INTO "Order Items" VALUES (1, 'a', 2, NULL), (2, NULL, 3, NULL)""",
    TYPES,
    VALUES,
    "INSERT INTO types (id) OVERRIDING SYSTEM VALUE VALUES (99)",
    "CREATE TABLE emp (id int PRIMARY KEY, boss int REFERENCES emp, name text NOT NULL)",
    "INSERT INTO emp VALUES (1, 2, 'a'), (2, NULL, 'b'), (3, 1, 'c')",
    "CREATE TABLE first (id int PRIMARY KEY, other int)",
    "CREATE TABLE second (id int PRIMARY KEY, other int REFERENCES first)",
    "ALTER TABLE first ADD FOREIGN KEY (other) REFERENCES second",
    "INSERT INTO first VALUES (1, NULL)",
    "INSERT INTO second VALUES (1, 1)",
    "UPDATE first SET other = 1",
    "CREATE TABLE pair (a int, b varchar(5), PRIMARY KEY (a, b))",
    "INSERT INTO pair VALUES (1, 'x'), (1, 'y')",
    "CREATE TABLE of_pair (a int, b varchar(5), z int, FOREIGN KEY (a, b) REFERENCES pair (a, b))",
    "INSERT INTO of_pair VALUES (1, 'x', 1), (NULL, 'y', 2)",
    "CREATE VIEW seen AS SELECT * FROM emp",
    "CREATE MATERIALIZED VIEW seen_again AS SELECT * FROM emp",
    "CREATE TABLE bare (x int)",
    "INSERT INTO bare VALUES (1), (1), (NULL)",
    "CREATE TABLE hollow (id int PRIMARY KEY, at timestamptz)",
    "CREATE TABLE parts (id int, k int) PARTITION BY RANGE (id)",
    "CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10)",
    "INSERT INTO parts VALUES (1, 2)",
    "COMMENT ON TABLE emp IS 'who works here'",
    "COMMENT ON COLUMN emp.boss IS 'references emp(id)'",
)


@pytest.fixture
def shop(fresh_postgresql: Callable):
    made = fresh_postgresql()
    made.run(*SHOP)
    return made


def test_what_the_database_declares(shop) -> None:
    with pytest.warns(UserWarning, match="'x', of a type that SQLAlchemy does not know.*'pt'.*to another schema, other.far"):
        metadata = shop.database.metadata()
    assert list(metadata.tables) == ["Order Items", "bare", "emp", "first", "hollow", "of_pair", "pair", "parts", "second", "types"]  # no view, no partition
    assert foreign_keys(metadata) == KEYS and shop.database.unique == UNIQUE and metadata.tables["pair"].primary_key == ("a", "b")


@pytest.mark.parametrize("driver", ["psycopg2", "psycopg"])
def test_rows_keep_their_types(shop, driver: str) -> None:
    rows = Database(shop.url.replace("psycopg2", driver)).tables(["types"])["types"]
    got = {name: (str(rows[name].dtype).removesuffix("[pyarrow]"), rows[name].iloc[0]) for name in rows.columns}
    assert got == {
        "id": ("int64", 1),
        "si": ("int16", 1),
        "r": ("float", 1.5),
        "dp": ("double", 2.5),
        "n": ("decimal128(38, 4)", Decimal("123456789012345678901234.5678")),
        "nn": ("decimal128(38, 10)", Decimal("1234567890123456789012345678.0123456789")),
        "c": ("decimal128(38, 2)", Decimal("5.50")),
        "m": ("decimal128(19, 2)", Decimal("1234.50")),
        "b": ("bool", True),
        "ch": ("string", "ab"),
        "vc": ("string", "cd"),
        "t": ("string", "😀"),
        "by": ("binary", b"\0\xff"),
        "d": ("date32[day]", pd.Timestamp("2024-01-02").date()),
        "ts": ("timestamp[us]", pd.Timestamp("2024-01-02 03:04:05.678901")),
        "tz": ("timestamp[us, tz=UTC]", pd.Timestamp("2024-01-02 01:04:05", tz="UTC")),
        "ti": ("string", "03:04:05"),
        "iv": ("string", "1 day 02:00:00"),
        "u": ("string", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
        "j": ("string", '{"b": 2}'),
        "en": ("string", "so happy"),
        "ar": ("list<item: int32>", [1, None, 3]),
        "ua": ("list<item: string>", ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]),
        "ip": ("string", "10.0.0.1/32"),
        "bt": ("string", "1010"),
        "rg": ("string", "[1,5)"),
    }
    assert rows.iloc[1].drop("id").isna().all() and rows["id"].iloc[1] == 99


@pytest.mark.parametrize("driver", ["psycopg2", "psycopg"])
def test_what_was_written_is_what_was_read(shop, fresh_postgresql: Callable, driver: str) -> None:
    target = fresh_postgresql(driver)
    tables = shop.database.tables()
    assert target.database.write(tables, like=shop.database)["emp"] == 3
    with pytest.warns(UserWarning):
        assert target.database.metadata() == shop.database.metadata()
    assert target.database.unique == shop.database.unique
    for name, frame in target.database.tables().items():
        assert frame.equals(tables[name]), name
    on = target.run("SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND convalidated")
    assert on == [(4,)] and target.run("SELECT obj_description('emp'::regclass), col_description('emp'::regclass, 2)") == [
        ("who works here", "references emp(id)")
    ]
    with pytest.raises(Exception, match="violates foreign key"):
        target.run("INSERT INTO emp VALUES (9, 77, 'x')")


@pytest.mark.parametrize(
    ("table", "frame", "told"),
    [
        ("of_pair", {"a": [1], "b": ["gone"], "z": [1]}, r"adding the foreign key \(a, b\) -> pair\(a, b\) of table 'of_pair' failed: ForeignKeyViolation"),
        ("emp", {"id": [1, 1], "boss": [None, None], "name": ["gone", "b"]}, "loading table 'emp' failed: UniqueViolation .23505., rows break a key"),
        ("emp", {"id": [1], "boss": [None], "name": [None]}, "loading table 'emp' failed: NotNullViolation"),
        ("pair", {"a": [1], "b": ["gone too long"]}, "loading table 'pair' failed: StringDataRightTruncation .*does not fit"),
        ("bare", {"x": ["a\0gone"]}, "table 'bare': the column 'x' holds text with the character NUL"),
    ],
)
def test_rows_that_break_a_rule_leave_everything_as_it_was(shop, fresh_postgresql: Callable, table: str, frame: dict, told: str) -> None:
    target, tables = fresh_postgresql(), shop.database.tables()
    target.database.write(tables, like=shop.database)
    with pytest.raises((GenerationError, SchemaError), match=told) as caught:
        target.database.write({**tables, table: pd.DataFrame(frame)}, like=shop.database, overwrite=True)
    assert "gone" not in "".join(traceback.format_exception(caught.value))
    assert all(frame.equals(tables[name]) for name, frame in target.database.tables().items())


def test_tables_that_others_point_at_are_not_replaced(shop, fresh_postgresql: Callable) -> None:
    target, tables = fresh_postgresql(), shop.database.tables()
    target.database.write(tables, like=shop.database)
    target.run("CREATE TABLE outsider (id int REFERENCES emp)")
    with pytest.raises(GenerationError, match=r"\['outsider'\] have foreign keys to tables that would be replaced"):
        target.database.write(tables, like=shop.database, overwrite=True)
    target.run("DROP TABLE outsider")
    assert target.database.write(tables, like=shop.database, overwrite=True)["emp"] == 3


def test_schemas(shop, fresh_postgresql: Callable) -> None:
    far = Database(shop.url, schema="other")
    assert list(far.metadata().tables) == ["far"] and len(far.tables()["far"]) == 0
    with pytest.raises(SchemaError, match=r"has no schema 'gone'; it has .*'other', 'public'"):
        Database(shop.url, schema="gone").metadata()
    with pytest.raises(GenerationError, match="has no schema 'gone'; make it first"):
        Database(shop.url, schema="gone").write({"t": pd.DataFrame({"x": [1]})})
    assert far.write({"t": pd.DataFrame({"x": [1]})}) == {"t": 1} and shop.run("SELECT x FROM other.t") == [(1,)]
    assert Database(shop.url, schema="public").place == shop.database.place != far.place


def test_a_wrong_password_is_told_without_user_and_password(shop) -> None:
    with pytest.raises(SchemaError, match="password authentication failed for user") as caught:
        Database(shop.url.replace(PASSWORD, WRONG)).metadata()
    told = "".join(traceback.format_exception(caught.value))
    assert "tester" not in told and WRONG not in told


def test_spark_reads_the_same_rows_in_partitions(shop, spark, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.run("INSERT INTO emp VALUES (9, 1, 'c')")
    frames = shop.database.read(spark, rows_per_partition=1)
    for name, rows in shop.database.tables().items():
        got = frames[name].toArrow().to_pandas(types_mapper=pd.ArrowDtype)
        assert [str(t) for t in got.dtypes] == [str(t).replace("list<item:", "list<element:") for t in rows.dtypes], name
        assert sorted(map(str, got.to_dict("records"))) == sorted(map(str, rows.to_dict("records"))), name
    assert frames["emp"].rdd.getNumPartitions() == 4 and frames["bare"].rdd.getNumPartitions() == 1
    monkeypatch.setattr("synthohive_spark.storage.databases.database.FITS", 0)
    taken = take_in(spark, Metadata().add_table("emp").add_table("order items"), shop.database)
    assert taken.frames["emp"].count() == 4 and taken.forms(spark)["order items"].lengths == {"Group%By(x):y": "varchar(30)"}
    assert {note.path: note.comment for note in taken.forms(spark)["emp"].columns} == {("boss",): "references emp(id)"}
    assert PASSWORD not in frames["emp"]._jdf.queryExecution().toString()
