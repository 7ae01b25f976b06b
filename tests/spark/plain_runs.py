"""Whole runs without Spark: a frame and a session that do just what staging and publishing ask of them, by pyarrow.

As a program it forks one process per line of input, `OUTPUT VALUE`, that stages and publishes five tables full of VALUE, and prints its process id: so each
can be killed within milliseconds of its start.
"""

from __future__ import annotations

import os
import sys
import time

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.errors import AnalysisException
from pyspark.sql import types as T

from synthohive_spark.storage.delta_log import read_state
from synthohive_spark.storage.folders import Folder
from synthohive_spark.storage.runs import RunInfo, RunWriter
from synthohive_spark.storage.targets import Target

TABLES = ("a", "b", "c", "d", "e")
FILES = 2  # per table
PAUSE = 0.002  # seconds between files, so that a kill can meet each


class PlainSession:
    """Reads nothing; only looks whether a path is there."""

    @property
    def read(self) -> PlainSession:
        return self

    def format(self, *_: object) -> PlainSession:
        return self

    schema = option = format

    def load(self, path: str) -> PlainSession:
        files, root = fsspec.url_to_fs(path)
        if not files.exists(root):
            raise AnalysisException("PATH_NOT_FOUND")
        return self

    def parquet(self, *paths: str) -> PlainSession:
        for path in paths:
            self.load(path)
        return self


class PlainFrame:
    """Rows of one value."""

    def __init__(self, value: int) -> None:
        self.value = value
        self.columns = ["id"]
        self.schema = T.StructType([T.StructField("id", T.LongType())])

    @property
    def write(self) -> PlainFrame:
        return self

    def mode(self, _: str) -> PlainFrame:
        return self

    def parquet(self, path: str) -> None:
        files, root = fsspec.url_to_fs(path)
        files.makedirs(root, exist_ok=True)
        for i in range(FILES):
            with files.open(f"{root}/part-{i:05d}.parquet", "wb") as stream:
                pq.write_table(pa.table({"id": pa.array([self.value] * 3, pa.int64())}), stream)
            time.sleep(PAUSE)


def write(output: str, value: int) -> None:
    """One run, as `save_tables` does it."""
    with RunWriter(PlainSession(), Target.parse(output), info=RunInfo.fresh(seed=value)) as writer:
        writer.prepare(TABLES)
        for table in TABLES:
            writer.stage(table, PlainFrame(value))
        writer.publish()


def settle(output: str) -> None:
    """What the next run does first, and no more."""
    with RunWriter(PlainSession(), Target.parse(output), info=RunInfo.fresh()) as writer:
        writer.prepare(TABLES)


def values(output: str, versions: dict[str, int] | None = None) -> dict[str, set[int]]:
    """The distinct values of each table that is there, at the latest or at given versions."""
    found = {}
    for table in TABLES:
        folder = Folder.open(f"{output}/{table}")
        state = read_state(folder, None if versions is None else versions[table])
        if state is not None:
            found[table] = {v for path in state.files for v in _column(folder, path)}
    return found


def _column(folder: Folder, path: str) -> list[int]:
    with folder.files.open(folder.at(path), "rb") as stream:
        return pq.ParquetFile(stream).read().column("id").to_pylist()


def main() -> None:
    """Fork a run per line of input."""
    for line in sys.stdin:
        output, value = line.rsplit(maxsplit=1)
        child = os.fork()
        if child == 0:
            try:
                write(output, int(value))
            except BaseException as error:  # noqa: BLE001 - a forked process must not go on as its parent would
                sys.stderr.write(f"{error!r}\n")
                os._exit(1)
            os._exit(0)
        print(child, flush=True)  # noqa: T201
        _, status = os.waitpid(child, 0)
        print(status, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
