"""Databases through SQLAlchemy, on SQLite: what tables are, their rows, and writing them back."""

from __future__ import annotations

import datetime
import sqlite3
import traceback
import warnings
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from synthohive_spark import Database, GenerationError, Metadata, SchemaError
from synthohive_spark.storage.databases.load import Loading

SHOP = """
CREATE TABLE "order" ("select" INTEGER PRIMARY KEY, "Group%By (x):y" TEXT UNIQUE, amount DECIMAL(10,2), big BIGINT, long DECIMAL_TEXT(38,10), d DATE,
    ts DATETIME, zoned DATETIME, flag BOOLEAN, bytes BLOB, anything, whole NUMERIC);
INSERT INTO "order" VALUES (1, 'a' || char(0) || 'b', 5.9399999999999995, 9223372036854775807, '1234567890123456789012345678.0123456789', '2024-01-02',
    '2024-01-02 03:04:05.678901', '2024-01-02 03:04:05+02:00', 1, x'00ff', 3, 7);
INSERT INTO "order" VALUES (2, '😀', 3, NULL, NULL, NULL, NULL, NULL, 0, NULL, 'text', NULL);
CREATE TABLE child (a INT, b INT, o INT REFERENCES "order", pa INT, pb INT, PRIMARY KEY (a, b), FOREIGN KEY (pa, pb) REFERENCES child (a, b));
INSERT INTO child VALUES (1, 1, 1, 1, 2), (1, 2, NULL, NULL, NULL);
CREATE TABLE first (id INT PRIMARY KEY, other INT REFERENCES second (id));
CREATE TABLE second (id INT PRIMARY KEY, other INT REFERENCES FIRST (ID));
INSERT INTO first VALUES (1, 1);
INSERT INTO second VALUES (1, 1);
CREATE TABLE hollow (at TIMESTAMP, n INT);
CREATE TABLE mixed (whole INT, flag BOOLEAN, day DATE, price DECIMAL(3,2));
INSERT INTO mixed VALUES ('no number', 7, 'yesterday', 1234.5), (1, 0, NULL, 1);
CREATE VIEW seen AS SELECT * FROM child;
"""


@pytest.fixture
def shop(tmp_path: Path) -> Database:
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        connection.executescript(SHOP)
    return Database(f"sqlite:///{tmp_path}/shop.db")


@pytest.fixture
def empty(tmp_path: Path) -> Database:
    return Database(f"sqlite:///{tmp_path}/empty.db")


def test_keys_are_those_that_the_database_declares(shop: Database) -> None:
    tables = shop.metadata().tables
    assert list(tables) == ["child", "first", "hollow", "mixed", "order", "second"]  # no view
    assert tables["child"].primary_key == ("a", "b") and tables["hollow"].primary_key == ()
    assert sorted(map(str, tables["child"].foreign_keys)) == ["(o) -> order(select)", "(pa, pb) -> child(a, b)"]
    assert str(tables["second"].foreign_keys[0]) == "(other) -> first(id)"  # spelt as there
    assert shop.unique == {"order": (("Group%By (x):y",),)}
    assert (tables["order"].unsupported, tables["child"].unsupported) == ("null", "error")  # it has bytes


def test_rows_keep_their_types(shop: Database) -> None:
    rows = shop.tables()["order"]
    assert [str(t) for t in rows.dtypes] == [
        *("int64[pyarrow]", "string[pyarrow]", "decimal128(10, 2)[pyarrow]", "int64[pyarrow]", "decimal128(38, 10)[pyarrow]", "date32[day][pyarrow]"),
        *("timestamp[us][pyarrow]", "timestamp[us, tz=UTC][pyarrow]", "bool[pyarrow]", "binary[pyarrow]", "string[pyarrow]", "int64[pyarrow]"),
    ]
    first, second = (list(rows.iloc[place]) for place in (0, 1))
    assert first[:5] == [1, "a\0b", Decimal("5.94"), 2**63 - 1, Decimal("1234567890123456789012345678.0123456789")]
    assert first[5:8] == [datetime.date(2024, 1, 2), pd.Timestamp("2024-01-02 03:04:05.678901"), pd.Timestamp("2024-01-02 01:04:05", tz="UTC")]
    assert first[8:] == [True, b"\0\xff", "3", 7] and second[1] == "😀" and second[3] is pd.NA and second[10] == "text"


def test_values_decide_where_sqlite_does_not_keep_to_its_types(shop: Database) -> None:
    rows = shop.tables(["mixed"])["mixed"]
    assert [str(t) for t in rows.dtypes] == ["string[pyarrow]", "int64[pyarrow]", "string[pyarrow]", "decimal128(6, 2)[pyarrow]"]
    assert list(rows["price"]) == [Decimal("1234.50"), Decimal("1.00")] and list(rows["whole"]) == ["no number", "1"]


def test_chunks_are_bounded_and_an_empty_table_has_types(shop: Database) -> None:
    assert [len(chunk) for chunk in shop.chunks("child", rows=1)] == [1, 1]
    (chunk,) = shop.chunks("hollow")
    assert len(chunk) == 0 and [str(t) for t in chunk.dtypes] == ["timestamp[us][pyarrow]", "int64[pyarrow]"]


def test_what_was_written_is_what_was_read(shop: Database, empty: Database) -> None:
    tables = shop.tables()
    assert empty.write(tables, like=shop) == {name: len(frame) for name, frame in tables.items()}
    assert empty.metadata() == shop.metadata() and empty.unique == shop.unique
    assert all(frame.equals(tables[name]) for name, frame in empty.tables().items())


def test_tables_that_are_there_are_replaced_only_when_asked(shop: Database, empty: Database) -> None:
    tables = shop.tables()
    empty.write(tables, like=shop)
    with pytest.raises(GenerationError, match="has .'child', .*already.*overwrite=True"):
        empty.write(tables, like=shop)
    fewer = {**tables, "child": tables["child"].iloc[:0]}
    assert empty.write(fewer, like=shop, overwrite=True)["child"] == 0
    assert len(empty.tables()["child"]) == 0


@pytest.mark.parametrize(
    ("table", "frame", "told"),
    [
        ("child", {"a": [1], "b": [1], "o": [77], "pa": [None], "pb": [None]}, "without a parent.*child -> order"),
        ("child", {"a": [1], "b": [1], "o": [None], "pa": [5], "pb": [5]}, "child -> child"),
        ("first", {"id": [1, 1], "other": [None, None]}, "table 'first' failed: IntegrityError .*rows break a key"),
    ],
)
def test_rows_that_break_a_key_leave_everything_as_it_was(shop: Database, empty: Database, table: str, frame: dict, told: str) -> None:
    tables = shop.tables()
    empty.write(tables, like=shop)
    with pytest.raises(GenerationError, match=told) as caught:
        empty.write({**tables, table: pd.DataFrame(frame)}, like=shop, overwrite=True)
    assert "77" not in "".join(traceback.format_exception(caught.value))
    assert all(frame.equals(tables[name]) for name, frame in empty.tables().items())


def test_frames_of_pandas_with_keys_of_their_own(empty: Database) -> None:
    metadata = Metadata().add_table("a", pk="id").add_table("b", fk={"a_id": "a.id"})
    when = pd.to_datetime(["2024-01-01", None], utc=True)
    frames = {
        "b": pd.DataFrame({"a_id": [1.0, None], "when": when}),
        "a": pd.DataFrame({"id": [1], "x": [{"k": [1]}]}),
    }
    empty.write(frames, metadata=metadata)
    assert empty.metadata().tables["b"].foreign_keys == metadata.tables["b"].foreign_keys
    assert list(empty.tables()["b"]["a_id"].dropna()) == [1] and list(empty.tables()["a"]["x"]) == ['{"k": [1]}']


@pytest.mark.parametrize(
    ("metadata", "told"),
    [
        (Metadata().add_table("a", fk={"x": "b.y"}), "points at a table that is not among them"),
        (Metadata().add_table("a", pk="no"), r"name the columns \['no'\]"),
    ],
)
def test_keys_that_name_what_is_not_there(empty: Database, metadata: Metadata, told: str) -> None:
    with pytest.raises(SchemaError, match=told):
        empty.write({"a": pd.DataFrame({"x": [1]})}, metadata=metadata)


def test_a_value_that_does_not_fit_is_not_shown(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "odd.db") as connection:
        connection.executescript(
            "CREATE TABLE t (id INT PRIMARY KEY, at DATETIME, x TEXT); INSERT INTO t VALUES (1, '2024-01-02 25:77:99', cast(x'ff' as text))"
        )
    database = Database(f"sqlite:///{tmp_path}/odd.db")
    with pytest.raises(SchemaError, match="reading table 't' failed") as caught:
        database.tables()
    assert "25:77" not in "".join(traceback.format_exception(caught.value)) and "xff" not in "".join(traceback.format_exception(caught.value))
    assert list(Database(f"sqlite:///{tmp_path}/odd.db", leave_out={"t": ["x"]}).tables()["t"]["at"]) == ["2024-01-02 25:77:99"]


def test_columns_and_keys_that_are_left_out_are_told(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "odd.db") as connection:
        connection.executescript('CREATE TABLE p (id INT PRIMARY KEY); CREATE TABLE c ("x\x1b" INT, p INT REFERENCES p(id), q INT REFERENCES gone(id));')
    database = Database(f"sqlite:///{tmp_path}/odd.db", leave_out={"c": ["p"]})
    with pytest.warns(UserWarning, match="left out"):
        metadata = database.metadata()
    assert metadata.tables["c"].foreign_keys == () and len(database.left_out) == 3
    assert any("control character" in told for told in database.left_out) and any("'gone', which is not among" in told for told in database.left_out)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Database(f"sqlite:///{tmp_path}/odd.db", only=["p"]).metadata()


def test_tables_that_are_not_there(shop: Database, empty: Database, tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match=r"no tables \['gone'\]; it has \['child'"):
        Database(f"sqlite:///{tmp_path}/shop.db", only=["gone"]).metadata()
    with pytest.raises(SchemaError, match="has no tables"):
        empty.metadata()
    with pytest.raises(SchemaError, match=r"no tables \['gone'\]"):
        shop.tables(["gone"])
    with pytest.raises(SchemaError, match="no JDBC driver is known for sqlite"):
        _ = shop.jdbc_package


def test_two_names_of_one_database_are_one_place(shop: Database, tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(tmp_path / "shop.db")
    assert Database(f"sqlite:///{tmp_path}/link.db").place == shop.place != Database(f"sqlite:///{tmp_path}/other.db").place


def test_where_tables_cannot_be_made_in_a_transaction_only_ours_are_dropped(shop: Database, empty: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synthohive_spark.storage.databases.load._TRANSACTIONAL", ())  # as for a database that nobody has tried
    dropped: list[str] = []
    drop = Loading._drop
    monkeypatch.setattr(Loading, "_drop", lambda self, connection, names: (dropped.extend(names), drop(self, connection, names))[1])
    tables = shop.tables()
    monkeypatch.setattr("synthohive_spark.storage.databases.load.in_the_way", lambda *_, **__: [])
    empty.write({"second": tables["second"]})  # as if somebody made it meanwhile
    with pytest.raises(GenerationError, match="making table 'second' failed"):
        empty.write(tables, like=shop)
    assert "second" not in dropped and list(empty.tables()) == ["second"]
    monkeypatch.undo()
    monkeypatch.setattr("synthohive_spark.storage.databases.load._TRANSACTIONAL", ())
    with pytest.raises(GenerationError, match="already"):
        empty.write(tables, like=shop)
    with pytest.raises(GenerationError, match="cannot be replaced all at once; drop them first"):
        empty.write(tables, like=shop, overwrite=True)


@pytest.mark.parametrize("kind", ["TEXT", "DATETIME"])
def test_tables_of_many_columns_are_looked_at_in_parts(tmp_path: Path, kind: str) -> None:
    with sqlite3.connect(tmp_path / "wide.db") as connection:
        connection.execute(f"CREATE TABLE wide ({', '.join(f'c{i} {kind}' for i in range(700))})")
        connection.execute("INSERT INTO wide (c0, c699) VALUES ('2020-01-01', '2020-01-02')")
    rows = Database(f"sqlite:///{tmp_path / 'wide.db'}").tables()["wide"]
    assert rows.shape == (1, 700) and [str(rows[c].iloc[0])[:10] for c in ("c0", "c699")] == ["2020-01-01", "2020-01-02"] and rows["c5"].isna().all()
