"""A server of each kind for the whole suite, and fresh databases for each test."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pymysql
import pytest
import servers
import sqlalchemy as sa
from pyspark.sql import SparkSession

from synthohive_spark import Database, spark_session

_NUMBERS = itertools.count()


@contextmanager
def _started(kind: str) -> Iterator[str]:
    try:
        with getattr(servers, kind)() as address:
            yield address
    except FileNotFoundError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """`user:password@host:port` of a server."""
    with _started("postgresql") as address:
        yield address


@pytest.fixture(scope="session")
def mariadb() -> Iterator[str]:
    """`user:password@host:port` of a server."""
    with _started("mariadb") as address:
        yield address


class Fresh:
    """A database of its own: statements run in it, and the `Database` that is tested."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.database = Database(url)

    def run(self, *statements: str) -> list[tuple]:
        """Run SQL; the rows of the last statement."""
        engine = sa.create_engine(self.url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            for statement in statements:
                answer = connection.exec_driver_sql(statement.replace("%", "%%"))
            rows = [tuple(row) for row in answer.fetchall()] if answer.returns_rows else []
        engine.dispose()
        return rows


@pytest.fixture
def fresh_postgresql(postgresql: str) -> Callable[..., Fresh]:
    """Makes a database of PostgreSQL."""

    def make(driver: str = "psycopg2") -> Fresh:
        name = f"test{next(_NUMBERS)}"
        Fresh(f"postgresql+psycopg2://{postgresql}/postgres").run(f"CREATE DATABASE {name}")
        return Fresh(f"postgresql+{driver}://{postgresql}/{name}")

    return make


@pytest.fixture
def fresh_mariadb(mariadb: str) -> Callable[..., Fresh]:
    """Makes a database of MariaDB."""

    def make(dialect: str = "mysql") -> Fresh:
        name = f"test{next(_NUMBERS)}"
        user, _, place = mariadb.partition("@")
        host, _, port = place.partition(":")
        with pymysql.connect(host=host, port=int(port), user=user.split(":")[0], password=user.split(":")[1]) as connection:
            connection.cursor().execute(f"CREATE DATABASE {name}")
        return Fresh(f"{dialect}+pymysql://{mariadb}/{name}")

    return make


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    """A session with both JDBC drivers."""
    packages = [Database(f"{dialect}://host/name").jdbc_package for dialect in ("postgresql+psycopg2", "mariadb+pymysql")]
    session = spark_session("tests", packages=packages)
    yield session
    session.stop()
