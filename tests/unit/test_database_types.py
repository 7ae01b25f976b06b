"""Types of databases and of Arrow, both ways, and the options of Spark's JDBC reader. No server is asked."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.dialects import postgresql as pg

from synthohive_spark.errors import SchemaError
from synthohive_spark.storage.databases.column_types import INSTANT, TIME, reading, writing
from synthohive_spark.storage.databases.connection import Link
from synthohive_spark.storage.databases.jdbc import bounds_of, driver_of, jdbc_options, jdbc_url, partition_key
from synthohive_spark.storage.databases.reflection import FoundColumn, FoundTable


@pytest.mark.parametrize(
    ("dialect", "kind", "arrow"),
    [
        ("postgresql", sa.SMALLINT(), pa.int16()),
        ("postgresql", sa.INTEGER(), pa.int32()),
        ("postgresql", sa.BIGINT(), pa.int64()),
        ("postgresql", sa.NUMERIC(38, 10), pa.decimal128(38, 10)),
        ("postgresql", sa.REAL(), pa.float32()),
        ("postgresql", sa.DOUBLE_PRECISION(), pa.float64()),
        ("postgresql", pg.TIMESTAMP(timezone=True), INSTANT),
        ("postgresql", pg.TIMESTAMP(), TIME),
        ("postgresql", sa.DATE(), pa.date32()),
        ("postgresql", pg.ENUM("a", "b", name="e"), pa.string()),
        ("postgresql", pg.ARRAY(sa.INTEGER()), pa.list_(pa.int32())),
        ("postgresql", pg.ARRAY(sa.UUID()), pa.list_(pa.string())),
        ("postgresql", pg.BYTEA(), pa.binary()),
        ("postgresql", pg.DOMAIN("cents", sa.NUMERIC(12, 2)), pa.decimal128(12, 2)),
        ("mysql", mysql.TINYINT(display_width=1), pa.bool_()),
        ("mysql", mysql.TINYINT(unsigned=True), pa.int16()),
        ("mysql", mysql.INTEGER(unsigned=True), pa.int64()),
        ("mysql", mysql.BIGINT(unsigned=True), pa.decimal128(20, 0)),
        ("mysql", mysql.BIT(1), pa.bool_()),
        ("mysql", mysql.BIT(8), pa.int64()),
        ("mysql", mysql.TIMESTAMP(), INSTANT),
        ("mysql", mysql.DATETIME(fsp=6), TIME),
        ("mysql", mysql.YEAR(), pa.int16()),
        ("mysql", mysql.SET("x", "y"), pa.string()),
        ("mysql", mysql.LONGBLOB(), pa.binary()),
    ],
)
def test_how_a_column_is_read(dialect: str, kind: sa.types.TypeEngine, arrow: pa.DataType) -> None:
    read = reading(dialect, kind)
    assert read is not None and read.arrow == arrow


@pytest.mark.parametrize("kind", [sa.UUID(), pg.JSONB(), pg.INTERVAL(), sa.TIME(), pg.INET(), pg.INT4RANGE(), pg.TSVECTOR()])
def test_types_without_a_like_are_text_that_the_database_makes(kind: sa.types.TypeEngine) -> None:
    read = reading("postgresql", kind)
    assert read is not None and read.arrow == pa.string()
    assert "CAST(x AS TEXT)" in str(sa.select(read.expression("x")).compile(dialect=pg.dialect()))


def test_a_type_that_nobody_knows_is_left() -> None:
    assert reading("postgresql", sa.types.NullType()) is None and reading("postgresql", pg.ARRAY(sa.types.NullType())) is None


@pytest.mark.parametrize(
    ("kind", "on_postgresql", "on_mysql", "on_sqlite"),
    [
        (pa.int8(), "SMALLINT", "SMALLINT", "SMALLINT"),
        (pa.uint64(), "NUMERIC(20, 0)", "NUMERIC(20, 0)", "NUMERIC(20, 0)"),
        (pa.decimal128(38, 10), "NUMERIC(38, 10)", "NUMERIC(38, 10)", "DECIMAL_TEXT(38, 10)"),
        (pa.float32(), "FLOAT(24)", "FLOAT(24)", "FLOAT"),
        (INSTANT, "TIMESTAMP WITH TIME ZONE", "DATETIME(6)", "DATETIME"),
        (pa.string(), "TEXT", "LONGTEXT", "TEXT"),
        (pa.binary(), "BYTEA", "LONGBLOB", "BLOB"),
        (pa.list_(pa.int32()), "INTEGER[]", "LONGTEXT", "TEXT"),
        (pa.struct({"a": pa.int32()}), "TEXT", "LONGTEXT", "TEXT"),
    ],
)
def test_how_a_column_is_made(kind: pa.DataType, on_postgresql: str, on_mysql: str, on_sqlite: str) -> None:
    dialects = {"postgresql": pg.dialect(), "mysql": mysql.dialect(), "sqlite": sa.create_engine("sqlite://").dialect}
    made = [writing(name, kind, in_key=False, length=None).compile(dialect=dialect) for name, dialect in dialects.items()]
    assert made == [on_postgresql, on_mysql, on_sqlite]


def test_text_in_keys_has_a_length_where_mysql_wants_one() -> None:
    assert writing("mysql", pa.string(), in_key=True, length=None).length == 191  # type: ignore[attr-defined]
    assert writing("mysql", pa.string(), in_key=True, length=9).length == 9  # type: ignore[attr-defined]


def found(kinds: dict[str, sa.types.TypeEngine], dialect: str = "postgresql", **keys: tuple) -> FoundTable:
    columns = []
    for name, kind in kinds.items():
        read = reading(dialect, kind)
        assert read is not None
        columns.append(FoundColumn(name, kind, read, True))
    return FoundTable("Order Items", tuple(columns), **keys)


def test_options_of_the_jdbc_reader() -> None:
    link = Link.to("postgresql+psycopg2://me:secret@host:5433/shop")
    table = found({"id": sa.BIGINT(), "what%": sa.UUID()}, primary_key=("id",))
    options = jdbc_options(link, "s", table, (1, 9, 4))
    assert options["url"] == "jdbc:postgresql://host:5433/shop" and options["driver"] == "org.postgresql.Driver"
    query = " ".join(options["dbtable"].split())
    assert query == '(SELECT id AS id, CAST("what%" AS TEXT) AS "what%" FROM s."Order Items") synthohive_rows'
    assert [options[o] for o in ("partitionColumn", "lowerBound", "upperBound", "numPartitions")] == ["id", "1", "9", "4"]
    assert (options["user"], options["password"]) == ("me", "secret") and "secret" not in options["url"]
    assert "partitionColumn" not in jdbc_options(link, "s", table, None)


def test_a_secure_connection_stays_one() -> None:
    link = Link.to("postgresql+psycopg2://me@host/shop?sslmode=verify-full&sslrootcert=/a%20b.pem&application_name=x")
    assert jdbc_url(link, driver_of(link)) == "jdbc:postgresql://host/shop?sslmode=verify-full&sslrootcert=%2Fa+b.pem"
    other = Link.to("mysql+pymysql://me@host/shop?ssl_ca=/ca.pem&charset=utf8mb4")
    with pytest.raises(SchemaError, match="ssl_ca"):
        jdbc_url(other, driver_of(other))


def test_spark_quotes_as_mysql_does_for_mariadb_too() -> None:
    assert [jdbc_url(link, driver_of(link)).partition("?")[0] for link in map(Link.to, ("mysql+pymysql://h/d", "mariadb+pymysql://h/d"))] == [
        "jdbc:mysql://h/d"
    ] * 2
    drivers = [driver_of(Link.to(f"{name}+pymysql://h/d")).package.split(":")[1] for name in ("mysql", "mariadb")]
    assert drivers == ["mysql-connector-j", "mariadb-java-client"]


@pytest.mark.parametrize(
    ("kinds", "keys", "key"),
    [
        ({"id": sa.BIGINT()}, {"primary_key": ("id",)}, "id"),
        ({"code": sa.TEXT(), "day": sa.DATE()}, {"primary_key": ("code", "day")}, "day"),
        ({"code": sa.TEXT(), "n": sa.INTEGER()}, {"primary_key": ("code",), "unique": (("n",),)}, "n"),
        ({"code": sa.TEXT()}, {"primary_key": ("code",)}, None),
        ({"n": sa.NUMERIC(5, 2)}, {"primary_key": ("n",)}, None),
    ],
)
def test_the_key_along_which_a_table_is_cut(kinds: dict, keys: dict, key: str | None) -> None:
    assert partition_key(found(kinds, **keys)) == key


def test_bounds_and_partitions_follow_the_rows() -> None:
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        rows = sa.Table("Order Items", sa.MetaData(), sa.Column("id", sa.BIGINT, primary_key=True))
        rows.create(connection)
        table = found({"id": sa.BIGINT()}, primary_key=("id",))
        assert bounds_of(connection, None, table, 10) is None
        connection.execute(sa.insert(rows), [{"id": n} for n in range(5, 30)])
        assert bounds_of(connection, None, table, 10) == (5, 29, 3)
        assert bounds_of(connection, None, found({"id": sa.TEXT()}, primary_key=("id",)), 10) is None


def test_bounds_past_a_long_make_no_partitions() -> None:
    class Connection:
        def execute(self, _: object) -> Connection:
            return self

        def one(self) -> tuple:
            return Decimal(1), Decimal(2**64 - 1), 100

    table = found({"id": mysql.BIGINT(unsigned=True)}, "mysql", primary_key=("id",))
    assert bounds_of(Connection(), None, table, 10) is None  # type: ignore[arg-type]
