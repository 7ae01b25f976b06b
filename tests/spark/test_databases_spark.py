"""Databases as sources and targets of Spark: SQLite, in the gate; servers are in tests/databases."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession

from synthohive_spark import Database, MissingDependencyError, SchemaError, Synthesizer, copy, detect, spark_session
from synthohive_spark.copying import write_copy
from synthohive_spark.stages.intake import take_in

PAGE = Path(__file__).resolve().parents[2] / "docs" / "databases.md"


def make_shop(path: Path) -> Database:
    """Customers who advertise each other, and their orders; names of keys tell nothing."""
    rng = np.random.default_rng(0)
    customers = [(i, i - 1 if i % 3 == 0 and i > 1 else None, f"p{i}@mail.test", str(rng.choice(["de", "fr"]))) for i in range(1, 151)]
    orders = [(i, int(rng.integers(1, 151)), f"2024-01-{1 + i % 28:02d} 10:00:00", round(float(rng.gamma(2, 20)), 2)) for i in range(1, 401)]
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE customers (nr INTEGER PRIMARY KEY, by INTEGER REFERENCES customers, email VARCHAR(30) UNIQUE, country VARCHAR(2))")
        connection.execute(
            "CREATE TABLE orders (nr INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (nr), at DATETIME,"
            " total DECIMAL(9,2), note VARCHAR(5))"
        )
        connection.executemany("INSERT INTO customers VALUES (?, ?, ?, ?)", customers)
        connection.executemany("INSERT INTO orders VALUES (?, ?, ?, ?, NULL)", orders)
    return Database(f"sqlite:///{path}")


def test_detect_takes_the_keys_that_the_database_declares(spark: SparkSession, tmp_path: Path) -> None:
    found = detect(make_shop(tmp_path / "shop.db"), spark=spark)
    keys = {(one.table, one.what, one.told): one.reason for one in found.keys}
    assert set(keys) == {
        ("customers", "primary key", "nr"),
        ("customers", "foreign key", "(by) -> customers(nr)"),
        ("orders", "primary key", "nr"),
        ("orders", "foreign key", "(customer_id) -> customers(nr)"),
    }
    assert "a constraint of the database" in keys["customers", "foreign key", "(by) -> customers(nr)"]
    assert found.metadata.tables["customers"].pii_cols == {"email": "email"}


def test_frames_have_the_types_and_lengths_of_the_database(spark: SparkSession, tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "shop.db")
    taken = take_in(spark, shop.metadata(), shop)
    assert [kind for _, kind in taken.frames["orders"].dtypes] == ["bigint", "bigint", "timestamp_ntz", "decimal(9,2)", "string"]
    assert taken.forms(spark)["customers"].lengths == {"email": "varchar(30)", "country": "varchar(2)"}
    with pytest.raises(SchemaError, match=r"has no tables \['gone'\]"):
        take_in(spark, shop.metadata().add_table("gone"), shop)


@pytest.mark.exhaustive
def test_a_copy_in_a_database_has_its_keys(spark: SparkSession, tmp_path: Path) -> None:
    shop, other = make_shop(tmp_path / "shop.db"), Database(f"sqlite:///{tmp_path}/other.db")
    made = copy(shop, other, spark=spark, model="independent", seed=1)
    assert not made.faults and other.metadata() == shop.metadata() and other.unique == shop.unique
    copied, real = other.tables(), shop.tables()
    assert {name: len(frame) for name, frame in copied.items()} == {"customers": 150, "orders": 400}
    assert set(copied["orders"]["customer_id"]) <= set(copied["customers"]["nr"])
    assert not set(copied["customers"]["email"]) & set(real["customers"]["email"]) and copied["customers"]["email"].str.len().max() <= 30


def test_what_the_copy_cannot_keep_is_told(spark: SparkSession, tmp_path: Path) -> None:
    shop, other = make_shop(tmp_path / "shop.db"), Database(f"sqlite:///{tmp_path}/other.db")
    made = {name: spark.createDataFrame(frame) for name, frame in shop.tables().items()}
    made["customers"] = made["customers"].replace("p7@mail.test", "p8@mail.test", "email")
    metadata = shop.metadata()
    metadata.tables["customers"] = metadata.tables["customers"].model_copy(update={"foreign_keys": ()})
    told = write_copy(made, metadata, shop, other, overwrite=False)
    assert told == [
        "table 'customers': the foreign key (by) -> customers(nr), which is not in the metadata",
        "table 'customers': that (email) is unique, as values of columns that are no primary key repeat",
    ]
    assert other.unique == {} and other.metadata() == metadata and len(other.tables()["customers"]) == 150


def test_frames_of_spark_and_paths_are_written_batch_by_batch(spark: SparkSession, tmp_path: Path) -> None:
    frame = (
        spark.range(25_000).selectExpr("id", "cast(id as decimal(38,2)) AS d", "timestamp_seconds(id) AS at", "if(id % 2 = 0, null, 'x') AS t").repartition(3)
    )
    frame.write.format("delta").save(str(tmp_path / "lake" / "ticks"))
    database = Database(f"sqlite:///{tmp_path}/ticks.db")
    assert database.write({"a": frame, "b": str(tmp_path / "lake" / "ticks")}) == {"a": 25_000, "b": 25_000}
    assert database.write(str(tmp_path / "lake") + "/") == {"ticks": 25_000}
    expected = frame.orderBy("id").toArrow().to_pandas(types_mapper=pd.ArrowDtype)
    for rows in database.tables().values():
        assert rows.sort_values("id").reset_index(drop=True).equals(expected)


def test_sqlite_has_no_jdbc_driver_and_a_running_session_loads_none(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match="no JDBC driver is known for sqlite; read it with tables()"):
        make_shop(tmp_path / "shop.db").read(spark)
    with pytest.raises(MissingDependencyError, match="runs already, without org.postgresql:postgresql:42.7.7"):
        spark_session(packages=["org.postgresql:postgresql:42.7.7"])


def test_the_page_runs_as_it_stands(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_shop(tmp_path / "shop.db")
    scope: dict = {"spark": spark}
    for example in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        exec(compile(example, "databases.md", "exec"), scope)
    assert not scope["made"].faults and scope["target"].tables()["orders"].equals(scope["shop"].tables()["orders"])
    assert isinstance(scope["made"].synthesizer, Synthesizer) and len(Database("sqlite:///copy.db").tables()["orders"]) == 400
