"""Connections: the URL with its secrets, the engine, and errors without either secrets or values of rows."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DataError, IntegrityError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from ...causes import describe
from ...errors import MissingDependencyError, SchemaError, SynthoHiveError
from ...spec.identifiers import MYSQL_SESSION_SQL, SQLITE_BEGIN_SQL, SQLITE_KEYS_SQL
from .column_types import MYSQL, TextDecimal

_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_EXTRAS = {"psycopg2": "psycopg2", "psycopg": "psycopg", "pymysql": "pymysql"}  # of this package, by the module that is missing
_WORDS = {IntegrityError: "rows break a key or a column that must not be null", DataError: "a value does not fit the type of its column"}
_LONGEST = 300
_DOLLAR = "\ue000"  # of no use in a name
_PORTS: dict[str, int] = {"postgresql": 5432, "mysql": 3306}


def checked_url(text: object) -> sa.URL:
    """The URL of a database; `$NAME` or `${NAME}` as one of its parts, or as the whole, is taken from the environment, and needs no escapes there.

    A part that begins with a dollar sign itself is written with `%24`. `postgres://`, as some hosts write it, is `postgresql://`.

    Raises:
        SchemaError: it is no URL, or names a variable that is not set. The message shows neither.
    """
    if not isinstance(text, str | sa.URL):
        raise SchemaError(f"the URL of a database must be text such as postgresql+psycopg2://$USER:$PASSWORD@host/name, not {type(text).__name__}")
    whole = isinstance(text, str) and bool(_VARIABLE.fullmatch(text))
    try:
        url = sa.make_url(_readable(_expanded(text, "") if whole else text) if isinstance(text, str) else text)
    except (ArgumentError, ValueError):  # its message is the URL
        url = None
    if url is None:
        raise SchemaError(
            "the URL of the database cannot be read (it is not shown, as it can hold a password); expected dialect+driver://user:password@host/name"
        )
    part_of = _literal if whole else _expanded  # what came from the environment is meant as it is
    query = {key: tuple(part_of(v, "option") for v in value) if isinstance(value, tuple) else part_of(value, "option") for key, value in url.query.items()}
    named = {part: getattr(url, part) for part in ("username", "password", "host", "database")}
    parts: dict[str, Any] = {part: part_of(value, part) for part, value in named.items() if isinstance(value, str)}
    return url.set(query=query, **parts)


def _readable(text: str) -> str:
    """The URL as SQLAlchemy takes it, in which an escaped dollar sign can still be told from one that begins the name of a variable."""
    scheme, separator, rest = text.partition(":")
    dialect, plus, driver = scheme.partition("+")
    named = f"postgresql{plus}{driver}" if dialect == "postgres" else scheme
    return f"{named}{separator}{rest.replace(quote('$'), quote(_DOLLAR))}"


def _literal(text: str, part: str) -> str:
    return text.replace(_DOLLAR, "$")


def _expanded(text: str, part: str) -> str:
    match = _VARIABLE.fullmatch(text)
    if match is None:
        return _literal(text, part)
    name = match[1] or match[2]
    if name not in os.environ:
        # A password may begin with a dollar sign.
        which = "of its password" if part == "password" else name
        raise SchemaError(f"the URL of the database names the environment variable {which}, which is not set; a dollar sign itself is written as %24")
    return os.environ[name]


def address(text: str) -> str:
    """A URL without secrets that are written in it: in their place stand variables of the environment."""
    if _VARIABLE.fullmatch(text):
        return text
    url = sa.make_url(_readable(text))
    kept = {part: None if value is None else value if _VARIABLE.fullmatch(value) else f"$DATABASE_{part.upper()}" for part, value in _secrets(url).items()}
    bare = sa.URL.create(url.drivername, host=url.host, port=url.port, database=url.database).render_as_string()
    scheme, _, rest = bare.partition("://")
    who = f"{kept['username'] or ''}{':' + kept['password'] if kept['password'] else ''}@" if kept["username"] or kept["password"] else ""
    return f"{scheme}://{who}{rest}"


def _secrets(url: sa.URL) -> dict[str, str | None]:
    return {"username": url.username, "password": None if url.password is None else str(url.password)}


def shown(url: sa.URL) -> str:
    """A URL that can be shown: without user, password and options."""
    place = f"{url.host or ''}{f':{url.port}' if url.port else ''}"
    return f"{url.get_backend_name()}://{place}/{url.database or ''}"


def engine_of(url: sa.URL) -> sa.Engine:
    """An engine whose errors and logs hold no values.

    Raises:
        SchemaError: no such dialect.
        MissingDependencyError: its driver is not installed.
    """
    fault: SynthoHiveError | None = None
    extra = {"init_command": MYSQL_SESSION_SQL} if url.get_backend_name() in MYSQL and url.get_driver_name() in ("pymysql", "mysqldb") else {}
    try:
        pool = {} if url.get_backend_name() == "sqlite" else {"poolclass": NullPool}  # no connection stays open between two calls
        engine = sa.create_engine(url, hide_parameters=True, connect_args=extra, **pool)
    except NoSuchModuleError:
        fault = SchemaError(f"SQLAlchemy knows no dialect {url.drivername!r}; install the package that brings it")
    except ModuleNotFoundError as error:
        missing = str(error.name)
        way = f'pip install "synthohive_spark[{_EXTRAS[missing]}]"' if missing in _EXTRAS else f"install the driver {missing}"
        fault = MissingDependencyError(f"{shown(url)} needs the Python package {missing}: {way}")
    except (SQLAlchemyError, TypeError, ValueError) as error:
        fault = SchemaError(f"{shown(url)}: no connection can be made with this URL ({type(error).__name__})")
    if fault is not None:
        raise fault
    if engine.dialect.name == "sqlite":
        _mend_sqlite(engine)
    return engine


def _mend_sqlite(engine: sa.Engine) -> None:
    """Python's driver begins no transaction before `CREATE TABLE`, and SQLite leaves keys unchecked, unless both are told."""
    names = getattr(engine.dialect, "ischema_names", {})
    setattr(engine.dialect, "ischema_names", {**names, TextDecimal.NAME: sa.Numeric})  # noqa: B010 - of this engine only, and of no public type

    @sa.event.listens_for(engine, "connect")
    def connected(connection: Any, _: object) -> None:
        connection.isolation_level = None
        connection.execute(SQLITE_KEYS_SQL)

    @sa.event.listens_for(engine, "begin")
    def begun(connection: sa.Connection) -> None:
        connection.exec_driver_sql(SQLITE_BEGIN_SQL)


@dataclass(frozen=True)
class Link:
    """A way to one database.

    Attributes:
        url: with its secrets.
        engine: that opens connections.
    """

    url: sa.URL = field(repr=False)
    engine: sa.Engine = field(repr=False)

    @classmethod
    def to(cls, text: object) -> Link:
        """The link for a URL, which is not opened yet.

        Raises:
            SchemaError: it is no URL, or of an unknown dialect.
            MissingDependencyError: its driver is not installed.
        """
        url = checked_url(text)
        return cls(url, engine_of(url))

    @property
    def where(self) -> str:
        return shown(self.url)

    @property
    def place(self) -> tuple[str, ...]:
        """Server and database, whatever they are called; of MySQL, where a schema is a database, only the server."""
        host, name = self.url.host or "localhost", "" if self.dialect == "mysql" else self.url.database or ""
        with suppress(OSError):
            host = socket.gethostbyname(host)
        name = os.path.realpath(name) if self.dialect == "sqlite" and name not in ("", ":memory:") else name
        return (self.dialect, host, str(self.url.port or _PORTS.get(self.dialect) or ""), name)

    @property
    def dialect(self) -> str:
        """`mysql` for MariaDB too."""
        return "mysql" if self.engine.dialect.name in MYSQL else self.engine.dialect.name

    def greet(self) -> None:
        """Ask a server of MySQL whether it is one of MariaDB, which the URL need not tell."""
        if self.engine.dialect.name == "mysql":
            with self.told("connecting", SchemaError, texts=True), self.engine.connect():
                pass

    @contextmanager
    def told(self, doing: str, wrapper: type[SynthoHiveError], *, texts: bool = False) -> Iterator[None]:
        """Turn errors of the database and its driver into ours.

        Args:
            doing: what was going on, in words.
            wrapper: the class to raise.
            texts: whether the database's own text is told: where no row was on its way.

        Raises:
            SynthoHiveError: ours as they are, any other as `wrapper`, without what it came from: that has values of rows in it.
        """
        try:
            yield
        except SynthoHiveError:
            raise
        except Exception as error:  # noqa: BLE001 - drivers raise what they like
            raise wrapper(f"{self.where}: {doing} failed: {self._described(error, texts)}") from None

    def _described(self, error: Exception, texts: bool) -> str:
        if not isinstance(error, SQLAlchemyError):
            return describe(error)
        cause = getattr(error, "orig", None) or error
        code = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None) or getattr(cause, "sqlite_errorname", None)
        if code is None and cause.args and isinstance(cause.args[0], int):
            code = cause.args[0]  # MySQL's number
        named = type(cause).__name__ + (f" ({code})" if code else "") + next((f", {word}" for kind, word in _WORDS.items() if isinstance(error, kind)), "")
        text = " ".join(str(cause).split())[:_LONGEST] if texts else ""
        for secret in (self.url.password, self.url.username, *self.url.query.values()):
            text = text.replace(secret, "...") if isinstance(secret, str) and secret else text
        return f"{named}: {text}" if text else named
