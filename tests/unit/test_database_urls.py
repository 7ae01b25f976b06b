"""URLs of databases: secrets come from the environment, and are shown nowhere. No server is asked."""

from __future__ import annotations

import subprocess
import sys
import traceback

import pytest

from synthohive_spark import Database, MissingDependencyError, SchemaError
from synthohive_spark.storage.databases.connection import Link, address, checked_url
from synthohive_spark.storage.targets import names_database

SECRET = "p@ss/w:ord"


def test_parts_and_wholes_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_PASSWORD", SECRET)
    monkeypatch.setenv("SHOP", "sqlite:///x.db")
    assert checked_url("postgresql+psycopg2://me:${SHOP_PASSWORD}@host/db").password == SECRET
    assert checked_url("$SHOP").database == "x.db"
    with pytest.raises(SchemaError, match="environment variable .*which is not set"):
        checked_url("postgresql+psycopg2://me:$GONE@host/db")


def test_nothing_shows_user_password_or_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_PASSWORD", SECRET)
    database = Database("postgresql+psycopg2://someone:$SHOP_PASSWORD@127.0.0.1:1/db?application_name=token123", schema="s")
    assert repr(database) == "Database(postgresql://127.0.0.1:1/db, schema='s')"
    with pytest.raises(SchemaError, match="looking at its tables failed: OperationalError.*refused") as caught:
        database.metadata()
    told = "".join(traceback.format_exception(caught.value)) + repr(vars(database))
    assert not [word for word in (SECRET, "someone", "token123") if word in told]


@pytest.mark.parametrize(
    ("url", "written"),
    [
        ("postgresql+psycopg2://bob:secret@h:5432/db?sslpassword=x", "postgresql+psycopg2://$DATABASE_USERNAME:$DATABASE_PASSWORD@h:5432/db"),
        ("postgresql://$U:$P@h/db", "postgresql://$U:$P@h/db"),
        ("$SHOP", "$SHOP"),
        ("sqlite:///x.db", "sqlite:///x.db"),
    ],
)
def test_an_address_can_be_written_into_a_file(url: str, written: str) -> None:
    assert address(url) == written


@pytest.mark.parametrize("url", ["secret", "://secret", 7, "postgresql+psycopg2://me:secret@host:port/db"])
def test_what_is_no_url_is_not_shown(url: object) -> None:
    with pytest.raises(SchemaError) as caught:
        Database(url)  # type: ignore[arg-type]
    assert "secret" not in "".join(traceback.format_exception(caught.value))


def test_missing_drivers_and_dialects_are_named() -> None:
    with pytest.raises(SchemaError, match="no dialect 'nosuch'"):
        Link.to("nosuch://host/db")
    with pytest.raises(MissingDependencyError, match="needs the Python package"):
        Link.to("mssql+pyodbc://host/db")


def test_without_sqlalchemy_the_package_works_and_says_what_is_missing() -> None:
    script = (
        "import sys; sys.modules['sqlalchemy'] = None\n"
        "import synthohive_spark\n"
        "try: synthohive_spark.Database\n"
        "except synthohive_spark.MissingDependencyError as error: print(error)"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert answer.stdout.strip() == 'Database needs SQLAlchemy: pip install "synthohive_spark[databases]"', answer.stderr


@pytest.mark.parametrize(
    ("text", "is_one"),
    [("$SHOP", True), ("postgresql+psycopg2://h/d", True), ("sqlite:///x.db", True), ("s3://bucket/x", False), ("lake/", False), ("catalog.schema", False)],
)
def test_arguments_of_jobs_that_name_databases(text: str, is_one: bool) -> None:
    assert names_database(text) is is_one


def test_a_dollar_sign_can_be_part_of_a_password_and_no_part_of_one_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHOLE", "postgresql+psycopg2://me:$ecret123@host/db")
    assert checked_url("$WHOLE").password == "$ecret123" == checked_url("postgresql+psycopg2://me:%24ecret123@host/db").password
    with pytest.raises(SchemaError) as caught:
        checked_url("postgresql+psycopg2://me:$ecret123@host/db")
    assert "ecret123" not in str(caught.value) and "%24" in str(caught.value)
    assert "ecret123" not in address("postgresql+psycopg2://me:%24ecret123@host/db")


def test_what_hosts_call_postgres_is_postgresql() -> None:
    assert checked_url("postgres://me:x@host/db").drivername == "postgresql"
    assert checked_url("postgres+psycopg2://me:x@host/db").drivername == "postgresql+psycopg2"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("postgres://u:p@h/d", True), ("trino://h/d", True), ("some+driver://h/d", True), ("s3a://bucket/x", False), ("hdfs://h/x", False), ("/tmp/x", False)],
)
def test_urls_of_databases_are_told_from_folders(text: str, expected: bool) -> None:
    assert names_database(text) is expected


def test_schemas_of_one_mysql_server_are_one_place_by_whatever_url() -> None:
    one, other = (Link.to(f"mysql+pymysql://u:p@127.0.0.1/{name}") for name in ("db1", "db2"))
    assert one.place == other.place
    assert Link.to("postgresql+psycopg2://u:p@127.0.0.1/db1").place != Link.to("postgresql+psycopg2://u:p@127.0.0.1/db2").place
