"""The folder for what a run passes between driver and executors: training codes, states, staged rows."""

from __future__ import annotations

import atexit
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import fsspec
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from ..errors import SynthoHiveError
from ..spec.identifiers import checked_path, safe_name
from ..storage.targets import absolute_path
from .session import is_connect


class WorkspaceError(SynthoHiveError, ValueError):
    """No folder that both driver and executors can reach is known."""


class Workspace:
    """A folder that driver and executors share, gone with the process.

    Args:
        spark: the session.
        root: a folder on storage that all machines reach (`s3://...`, `/Volumes/...`, a shared mount); where Spark runs on this machine one is made.

    It stays until the process ends: DataFrames that read from it outlive the object that made it.

    Raises:
        WorkspaceError: the session runs on a cluster, or on a Connect server that does not see this machine's files, and no folder was named.
    """

    def __init__(self, spark: SparkSession, root: str | None = None) -> None:
        if root is None:
            self.path = tempfile.mkdtemp(prefix="synthohive_")
            if not is_local(spark) or (is_connect(spark) and not _seen_by_spark(spark, self.path)):
                _remove(self.path)
                raise WorkspaceError(
                    "this session runs on a cluster, or on a server that does not see the files of this machine: name a folder that the driver and all "
                    'executors can reach, as in Synthesizer(..., work_dir="s3://bucket/tmp") or a mounted path'
                )
        else:
            root = absolute_path(checked_path(root))
            self.path = f"{root.rstrip('/')}/synthohive_{uuid.uuid4().hex}"
            file_system, folder = fsspec.core.url_to_fs(self.path)
            if not file_system.exists(folder.rpartition("/")[0]):  # the root goes with the process, too, if nothing else is in it then
                atexit.register(_remove_empty, root)
            file_system.makedirs(folder, exist_ok=True)
        atexit.register(_remove, self.path)  # before what was registered earlier

    def folder(self, *names: str) -> str:
        """A path below the workspace; a name that is not safe becomes one."""
        return "/".join([self.path, *(safe_name(n) for n in names)])

    def make_folder(self, *names: str) -> str:
        """The same, made."""
        path = self.folder(*names)
        file_system, folder = fsspec.core.url_to_fs(path)
        file_system.makedirs(folder, exist_ok=True)
        return path

    def remove(self, *names: str) -> None:
        """Remove a folder below the workspace, if it is there."""
        _remove(self.folder(*names))


@contextmanager
def rows_aside(work: Callable[[], Workspace]) -> Iterator[Callable[[str], str]]:
    """Gives folders for rows of tables, which go at the end; the workspace is made with the first one."""
    name = f"look{uuid.uuid4().hex}"
    asked: list[str] = []

    def folder(table: str) -> str:
        asked.append(table)
        return work().folder("aside", name, table)

    try:
        yield folder
    finally:
        if asked:
            work().remove("aside", name)


def is_local(spark: SparkSession) -> bool:
    """Whether the executors run in the process of Spark's own driver (`local[...]`); that of a Connect server may be on another machine."""
    master = str(spark.conf.get("spark.master", ""))
    return master.startswith("local") and not master.startswith("local-cluster")


def _remove_empty(path: str) -> None:
    file_system, folder = fsspec.core.url_to_fs(path)
    if file_system.exists(folder) and not file_system.ls(folder):
        file_system.rmdir(folder)


def _seen_by_spark(spark: SparkSession, folder: str) -> bool:
    """Whether Spark reads what Python writes there. An address cannot tell: a tunnel or a container looks as if it were here."""
    token, file = uuid.uuid4().hex, Path(folder) / "token"
    file.write_text(token)
    try:
        return [row[0] for row in spark.read.text(str(file)).collect()] == [token]
    except PySparkException:
        return False
    finally:
        file.unlink()


def _remove(path: str) -> None:
    file_system, folder = fsspec.core.url_to_fs(path)
    if file_system.exists(folder):
        file_system.rm(folder, recursive=True)
