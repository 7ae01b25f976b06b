"""MariaDB as users have it, on a real server: MySQL's types and transactions."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from decimal import Decimal

import pandas as pd
import pytest
from servers import KEYS, PASSWORD, UNIQUE, foreign_keys

from synthohive_spark import Database, GenerationError, SchemaError

WRONG = "wr0ng-Word"
pytestmark = pytest.mark.databases

SHOP = (
    """CREATE TABLE types (id bigint unsigned PRIMARY KEY, ti tinyint, tb tinyint(1), tb3 tinyint(1), tu tinyint unsigned, sm smallint unsigned,
    iu int unsigned, f float, dp double, n decimal(65,10), nn decimal(38,10), b bit(1), b8 bit(8), ch char(5), vc varchar(10), t text, bl blob,
    bn binary(3), d date, dt datetime(6), ts timestamp(6) NULL, tm time(3), y year, j json, en enum('a','b c'), st set('x','y'), g geometry,
    u uuid) DEFAULT CHARSET utf8mb4""",
    """INSERT INTO types VALUES (18446744073709551615, -5, 1, 3, 255, 65535, 4294967295, 1.5, 2.5, 123456789012345678901234567890.5,
    1234567890123456789012345678.0123456789, b'1', b'10000001', 'ab', 'cd', '😀', x'00ff', 'abc', '2024-01-02', '2024-01-02 03:04:05.678901',
    '2024-01-02 03:04:05.5', '-13:04:05.250', 2024, '{"a": 1}', 'b c', 'x,y', point(1,2), 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11')""",
    "SET sql_mode = ''",
    "INSERT INTO types (id, d, dt, tb, tb3) VALUES (6, '0000-00-00', '0000-00-00 00:00:00', 0, 0)",
    "CREATE TABLE `Order Items` (`select` int PRIMARY KEY, `Group%By(x):y` varchar(30) UNIQUE, `MiXed` bigint NOT NULL COMMENT 'it''s') COMMENT 'hello'",
    "CREATE TABLE emp (id int PRIMARY KEY, boss int, name text NOT NULL, FOREIGN KEY (boss) REFERENCES emp (id))",
    "INSERT INTO emp VALUES (2, NULL, 'b'), (1, 2, 'a')",
    "CREATE TABLE first (id int PRIMARY KEY, other int)",
    "CREATE TABLE second (id int PRIMARY KEY, other int, FOREIGN KEY (other) REFERENCES first (id))",
    "ALTER TABLE first ADD FOREIGN KEY (other) REFERENCES second (id)",
    "INSERT INTO first VALUES (1, NULL)",
    "INSERT INTO second VALUES (1, 1)",
    "UPDATE first SET other = 1",
    "CREATE TABLE pair (a smallint, b varchar(5), PRIMARY KEY (a, b))",
    "INSERT INTO pair VALUES (1, 'x'), (1, 'y')",
    "CREATE TABLE of_pair (a smallint, b varchar(5), z int, FOREIGN KEY (a, b) REFERENCES pair (a, b))",
    "INSERT INTO of_pair VALUES (1, 'x', 1), (NULL, 'y', 2)",
    "CREATE VIEW seen AS SELECT * FROM emp",
    "CREATE TABLE bare (x int)",
    "INSERT INTO bare VALUES (1), (1), (NULL)",
)


@pytest.fixture
def shop(fresh_mariadb: Callable):
    made = fresh_mariadb()
    made.run(*SHOP)
    return made


def test_what_the_database_declares(shop) -> None:
    with pytest.warns(UserWarning, match="the column 'g', of a type that SQLAlchemy does not know"):
        metadata = shop.database.metadata()
    assert list(metadata.tables) == ["Order Items", "bare", "emp", "first", "of_pair", "pair", "second", "types"]
    assert foreign_keys(metadata) == KEYS and shop.database.unique == UNIQUE


@pytest.mark.parametrize("dialect", ["mysql", "mariadb"])
def test_rows_keep_their_types(shop, dialect: str) -> None:
    rows = Database(shop.url.replace("mysql+", f"{dialect}+")).tables(["types"])["types"].sort_values("id", ascending=False)
    got = {name: (str(rows[name].dtype).removesuffix("[pyarrow]"), rows[name].iloc[0]) for name in rows.columns}
    assert got == {
        "id": ("decimal128(20, 0)", Decimal(2**64 - 1)),
        "ti": ("int8", -5),
        "tb": ("bool", True),
        "tb3": ("int8", 3),  # more than a boolean was stored
        "tu": ("int16", 255),
        "sm": ("int32", 65535),
        "iu": ("int64", 2**32 - 1),
        "f": ("float", 1.5),
        "dp": ("double", 2.5),
        "n": ("double", 123456789012345678901234567890.5),
        "nn": ("decimal128(38, 10)", Decimal("1234567890123456789012345678.0123456789")),
        "b": ("bool", True),
        "b8": ("int64", 129),
        "ch": ("string", "ab"),
        "vc": ("string", "cd"),
        "t": ("string", "😀"),
        "bl": ("binary", b"\0\xff"),
        "bn": ("binary", b"abc"),
        "d": ("date32[day]", pd.Timestamp("2024-01-02").date()),
        "dt": ("timestamp[us]", pd.Timestamp("2024-01-02 03:04:05.678901")),
        "ts": ("timestamp[us, tz=UTC]", pd.Timestamp("2024-01-02 08:04:05.5", tz="UTC")),  # the server is in -05:00
        "tm": ("string", "-13:04:05.250"),
        "y": ("int16", 2024),
        "j": ("string", '{"a": 1}'),
        "en": ("string", "b c"),
        "st": ("string", "x,y"),
        "u": ("string", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    }
    assert rows.iloc[1].drop(["id", "tb", "tb3"]).isna().all()  # MySQL's zero dates, too


def test_what_was_written_is_what_was_read(shop, fresh_mariadb: Callable) -> None:
    target, tables = fresh_mariadb(), shop.database.tables()
    assert target.database.write(tables, like=shop.database)["emp"] == 2
    with pytest.warns(UserWarning):
        assert target.database.metadata() == shop.database.metadata()
    assert target.database.unique == shop.database.unique
    widened = {"ti": "int16[pyarrow]", "tb3": "int16[pyarrow]", "ts": "timestamp[us][pyarrow]"}
    for name, frame in target.database.tables().items():
        first = frame.columns[0]
        expected = tables[name].assign(ts=tables[name]["ts"].dt.tz_localize(None)).astype(widened) if name == "types" else tables[name]
        assert frame.sort_values(first).reset_index(drop=True).equals(expected.sort_values(first).reset_index(drop=True)), name
    comments = "SELECT table_comment FROM information_schema.tables WHERE table_schema = database() AND table_comment != ''"
    assert target.run(comments) == [("hello",)]
    with pytest.raises(Exception, match="foreign key constraint fails"):
        target.run("INSERT INTO emp VALUES (9, 77, 'x')")


@pytest.mark.parametrize(
    ("table", "frame", "told"),
    [
        ("of_pair", {"a": [1], "b": ["gone"], "z": [1]}, r"adding the foreign key \(a, b\) -> pair\(a, b\) of table 'of_pair' failed: IntegrityError"),
        ("emp", {"id": [1, 1], "boss": [None, None], "name": ["gone", "b"]}, "loading table 'emp' failed: IntegrityError .*rows break a key"),
        ("pair", {"a": [1], "b": ["gone too long"]}, "loading table 'pair' failed: DataError .*does not fit"),
        ("bare", {"x": [1.5, float("inf")]}, "table 'bare': the column 'x' holds NaN or an infinite number"),
    ],
)
def test_rows_that_break_a_rule_leave_everything_as_it_was(shop, fresh_mariadb: Callable, table: str, frame: dict, told: str) -> None:
    target, tables = fresh_mariadb(), shop.database.tables()
    target.database.write(tables, like=shop.database)
    before, there = target.database.tables(), target.run("SHOW TABLES")
    with pytest.raises((GenerationError, SchemaError), match=told) as caught:
        target.database.write({**tables, table: pd.DataFrame(frame)}, like=shop.database, overwrite=True)
    assert "gone" not in "".join(traceback.format_exception(caught.value))
    assert all(frame.equals(before[name]) for name, frame in target.database.tables().items())
    assert target.run("SHOW TABLES") == there  # nothing of ours is left


def test_tables_are_replaced_all_at_once(shop, fresh_mariadb: Callable) -> None:
    target, tables = fresh_mariadb(), shop.database.tables()
    target.database.write(tables, like=shop.database)
    target.run("CREATE TABLE outsider (id int, FOREIGN KEY (id) REFERENCES emp (id))")
    with pytest.raises(GenerationError, match=r"\['outsider'\] have foreign keys to tables that would be replaced"):
        target.database.write(tables, like=shop.database, overwrite=True)
    target.run("DROP TABLE outsider")
    fewer = {**tables, "bare": tables["bare"].iloc[:1]}
    assert target.database.write(fewer, like=shop.database, overwrite=True)["bare"] == 1
    assert sorted(name for (name,) in target.run("SHOW TABLES")) == sorted(tables) and target.run("SELECT x FROM bare") == [(1,)]


def test_what_a_killed_process_left_is_no_table(shop) -> None:
    shop.run("CREATE TABLE _synthohive_12345678_0 (x int)")
    assert "_synthohive_12345678_0" not in shop.database.names and "emp" in shop.database.names


def test_a_wrong_password_is_told_without_user_and_password(shop) -> None:
    with pytest.raises(SchemaError, match="Access denied") as caught:
        Database(shop.url.replace(PASSWORD, WRONG)).metadata()
    told = "".join(traceback.format_exception(caught.value))
    assert "tester" not in told and WRONG not in told


def test_spark_reads_the_same_rows_in_partitions(shop, spark) -> None:
    shop.run("INSERT INTO emp VALUES (9, 1, 'c')")
    frames = shop.database.read(spark, rows_per_partition=1)
    for name, rows in shop.database.tables().items():
        got = frames[name].toArrow().to_pandas(types_mapper=pd.ArrowDtype)
        assert [str(t) for t in got.dtypes] == [str(t) for t in rows.dtypes], name
        assert sorted(map(str, got.to_dict("records"))) == sorted(map(str, rows.to_dict("records"))), name
    assert frames["emp"].rdd.getNumPartitions() == 3
