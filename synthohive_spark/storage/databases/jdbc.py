"""Options of Spark's JDBC reader for a table: the same columns and types as the rows that come through SQLAlchemy, cut into partitions along a key."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pyarrow as pa
import sqlalchemy as sa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_type

from ...errors import MissingDependencyError, SchemaError
from ...spec.identifiers import quoted, subquery_sql
from .connection import Link
from .reflection import FoundTable
from .rows import selected

ROWS_PER_PARTITION = 500_000
MOST_PARTITIONS = 200  # connections in a row; as many at once as Spark has cores
LARGEST_LONG = 2**63 - 1  # that Spark takes for a bound
FETCHED = 10_000  # rows at once; PostgreSQL's driver would take all of them
_NO_CLASS = ("ClassNotFoundException", "No suitable driver", "MISSING_JDBC_DRIVER")


@dataclass(frozen=True)
class Driver:
    """A JDBC driver.

    Attributes:
        package: its Maven name.
        name: its class.
        scheme: of its URLs, without `jdbc:`.
        options: of its URLs: times in UTC, `tinyint(1)` as the number that it is, rows as they come.
    """

    package: str
    name: str
    scheme: str
    options: str = ""


# Spark quotes names as MySQL does only where the URL begins like MySQL's: with MariaDB's own, each value of a column would be its name.
_MYSQL = "tinyInt1isBit=false&connectionTimeZone=UTC&forceConnectionTimeZoneToSession=true"
_CURSOR = "useCursorFetch=true&zeroDateTimeBehavior=CONVERT_TO_NULL"  # of MySQL's own driver
_DRIVERS = {
    "postgresql": Driver("org.postgresql:postgresql:42.7.7", "org.postgresql.Driver", "postgresql"),
    "mysql": Driver("com.mysql:mysql-connector-j:9.3.0", "com.mysql.cj.jdbc.Driver", "mysql", f"?{_MYSQL}&{_CURSOR}"),
    "mariadb": Driver("org.mariadb.jdbc:mariadb-java-client:3.5.3", "org.mariadb.jdbc.Driver", "mysql", f"?{_MYSQL}&permitMysqlScheme&yearIsDateType=false"),
}


def driver_of(link: Link) -> Driver:
    """The JDBC driver of a database.

    Raises:
        SchemaError: Spark reads this kind of database otherwise, or not at all.
    """
    dialect = link.engine.dialect
    kind = "mariadb" if getattr(dialect, "is_mariadb", False) or dialect.name == "mariadb" else dialect.name
    if kind not in _DRIVERS:
        raise SchemaError(f"{link.where}: no JDBC driver is known for {kind}; read it with tables(), or through the Spark connector of its maker")
    return _DRIVERS[kind]


def jdbc_url(link: Link, driver: Driver) -> str:
    """The URL, without user and password.

    Raises:
        SchemaError: it asks for a secure connection in a way that the JDBC driver does not know.
    """
    url = link.url
    port = f":{url.port}" if url.port else ""
    options = driver.options
    secure = {name: value if isinstance(value, str) else value[0] for name, value in url.query.items() if name.lower().startswith("ssl")}
    if secure and driver.scheme != "postgresql":  # whose two drivers name them alike
        raise SchemaError(f"{link.where}: Spark's reader does not know the options {', '.join(sorted(secure))} of the URL; read it with tables()")
    if secure:
        options += f"{'&' if options else '?'}{urlencode(sorted(secure.items()))}"
    return f"jdbc:{driver.scheme}://{url.host or 'localhost'}{port}/{url.database or ''}{options}"


def jdbc_options(link: Link, schema: str | None, table: FoundTable, bounds: tuple[Any, Any, int] | None) -> dict[str, str]:
    """What Spark's reader is told; `user` and `password` among it, which Spark does not show.

    Args:
        bounds: least and greatest value of the key, and the number of partitions; None reads the table in one.
    """
    driver = driver_of(link)
    query = str(selected(table, schema).compile(dialect=link.engine.dialect, compile_kwargs={"literal_binds": True}))
    told = {
        "url": jdbc_url(link, driver),
        "driver": driver.name,
        "dbtable": subquery_sql(query.replace("%%", "%")),  # doubled for Python's drivers
        "fetchsize": str(FETCHED),
        "preferTimestampNTZ": "true",
        **({"user": link.url.username} if link.url.username else {}),
        **({"password": str(link.url.password)} if link.url.password else {}),
    }
    key = partition_key(table)
    if bounds is not None and key is not None and bounds[2] > 1:
        told |= {"partitionColumn": key, "lowerBound": str(bounds[0]), "upperBound": str(bounds[1]), "numPartitions": str(bounds[2])}
    return told


def partition_key(table: FoundTable) -> str | None:
    """The column along which a table is cut: the first of its primary key that is a number or a time, else the first of another unique key."""
    kinds = {column.name: column.read.arrow for column in table.columns if column.read.cast is None}
    candidates = [*table.primary_key, *(c for columns in table.unique for c in columns)]
    return next((c for c in candidates if c in kinds and _can_be_cut(kinds[c])), None)


def _can_be_cut(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_date(kind) or (pa.types.is_decimal(kind) and kind.scale == 0))


def bounds_of(connection: sa.Connection, schema: str | None, table: FoundTable, rows_per_partition: int) -> tuple[Any, Any, int] | None:
    """Least and greatest key, and how many partitions its rows make; None for a table without such a key, or without rows. One query."""
    key = partition_key(table)
    if key is None:
        return None
    column: sa.ColumnElement[Any] = sa.column(key)
    asked = sa.select(sa.func.min(column), sa.func.max(column), sa.func.count()).select_from(sa.table(table.name, schema=schema))
    low, high, rows = connection.execute(asked).one()
    if low is None or (isinstance(high, int | Decimal) and max(abs(low), abs(high)) > LARGEST_LONG):
        return None
    return (low, high, max(1, min(MOST_PARTITIONS, -(-rows // rows_per_partition))))


def jdbc_frame(spark: SparkSession, link: Link, options: dict[str, str], table: FoundTable) -> DataFrame:
    """The table as Spark reads it, with the types of `Database.tables`.

    Raises:
        MissingDependencyError: the session has no JDBC driver.
        SchemaError: the table cannot be read.
    """
    missing = False
    with link.told(f"reading table {table.name!r} through Spark", SchemaError):
        try:
            frame = spark.read.format("jdbc").options(**options).load()
            _ = frame.schema
        except Exception as error:  # noqa: BLE001 - a class that is not there comes as errors of many kinds
            missing = any(word in str(error) for word in _NO_CLASS)
            if not missing:
                raise
    if missing:
        raise MissingDependencyError(
            f"{link.where}: the Spark session has no JDBC driver {options['driver']}; start it with spark_session(packages=[database.jdbc_package]), "
            f"or spark-submit with SYNTHOHIVE_PACKAGES={driver_of(link).package}"
        )
    columns = []
    for column in table.columns:
        value = F.col(quoted(column.name))
        value = F.rtrim(value) if column.read.trimmed else value
        columns.append(value.cast(from_arrow_type(column.read.arrow)).alias(column.name))
    return frame.select(*columns)
