"""Where output tables go: a schema of the catalog, or a folder with one Delta table per sub-folder."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from ..errors import SchemaError
from ..spec.identifiers import checked_path, checked_qualified_name, safe_name

# Those of SQLAlchemy and of its known dialects, and whatever names a driver: folders have schemes without one.
_DIALECTS = (
    "postgres(ql)?|mysql|mariadb|sqlite|snowflake|bigquery|oracle|mssql|redshift|databricks|trino|presto|hive|impala|cockroachdb|clickhouse(db)?|duckdb"
    "|db2|ibm_db_sa|hana|teradatasql|vertica|exa|awsathena|firebird|access|crate|starrocks|doris"
)
_DATABASE = re.compile(rf"\$|({_DIALECTS}|\w+\+\w+):///?")
_SAME_STORE = {"s3a": "s3", "s3n": "s3", "gcs": "gs", "abfs": "abfss", "wasb": "wasbs"}


def is_path(text: str) -> bool:
    """Whether `text` names a place in a file system rather than in the catalog: it holds a slash, or starts with a dot or a tilde."""
    return "/" in text or os.sep in text or text.startswith((".", "~"))


def names_database(text: str) -> bool:
    """Whether `text` is the URL of a database, or `$NAME` of a variable that holds one; those of folders (`s3://...`) have other schemes."""
    return bool(_DATABASE.match(text))


def absolute_path(path: str) -> str:
    """A local path made absolute; one with a protocol as it is.

    The JVM resolves relative paths against the directory that it was started in, Python against the current one: both must mean the same folder.
    """
    return path if "://" in path else os.path.abspath(os.path.expanduser(path))


def plain_location(location: str) -> str:
    """A place as Spark and catalogs name it, without the scheme of local files (`file:/x`, `file:///x`) and the slash at the end."""
    if location.startswith("file:"):
        location = "/" + location.removeprefix("file:").lstrip("/")
    return location.rstrip("/") or "/"


def canonical_location(location: str) -> str:
    """One spelling for every name of a place: links followed, schemes that mean the same store alike."""
    plain = plain_location(location)
    scheme, separator, rest = plain.partition("://")
    return f"{_SAME_STORE.get(scheme.lower(), scheme.lower())}://{rest}" if separator else os.path.realpath(absolute_path(plain))


@dataclass(frozen=True)
class Target:
    """A place for tables; exactly one of the two is set.

    Attributes:
        folder: absolute path or URL.
        database: `schema` or `catalog.schema`, checked and not quoted.
    """

    folder: str | None = None
    database: str | None = None

    @classmethod
    def parse(cls, output: str | os.PathLike[str]) -> Target:
        """Read what a user names as output.

        Args:
            output: `catalog.schema` or `schema` for tables of the catalog; anything with a slash (or a `Path`) for a folder.

        Raises:
            SchemaError: a name is not on the allow-list, or the path cannot be one.
        """
        if isinstance(output, os.PathLike):
            return cls(folder=absolute_path(checked_path(os.fspath(output))))
        if isinstance(output, str) and is_path(output):
            return cls(folder=absolute_path(checked_path(output)).rstrip("/") or "/")
        try:
            checked_qualified_name(output)
        except SchemaError as error:
            raise SchemaError(f"output: {error}; write it as schema or catalog.schema, or with a slash for a folder (./name)") from error
        if output.count(".") > 1:
            raise SchemaError(f"output {output!r}: expected schema or catalog.schema; the tables get their own names below it")
        return cls(database=output)

    def address(self, table: str) -> str:
        """The path of `table`, or its full name, not quoted; a name that folders or catalogs do not take becomes a safe one.

        Raises:
            SchemaError: it cannot name a table.
        """
        name = safe_name(table)
        return f"{self.database}.{name}" if self.folder is None else f"{self.folder.rstrip('/')}/{name}"

    def describe(self, table: str) -> str:
        """Where `table` lies, for messages.

        Raises:
            SchemaError: it cannot name a table.
        """
        return f"{'table' if self.folder is None else 'folder'} {self.address(table)}"
