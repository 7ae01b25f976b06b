"""What the jobs share: their arguments, the session, and how a failure is told."""

from __future__ import annotations

import os
import sys
import traceback
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence

from pyspark.logger import PySparkLogger
from pyspark.sql import SparkSession

from .causes import chain, failure
from .errors import SchemaError, SynthoHiveError
from .spec.run_config import RunConfig
from .stages.session import spark_session
from .stages.workspace import is_local
from .storage.files import database
from .storage.sources import TableStore
from .storage.targets import is_path, names_database

TRACEBACK = "SYNTHOHIVE_TRACEBACK"
# They write Spark's errors to stderr as they arise, also those that are caught, with the cells that are in them.
_SPARKS_OWN_LOGS = ("DataFrameQueryContextLogger", "SQLQueryContextLogger")


def run_job(name: str, about: str, override: str, work: Callable[[RunConfig, SparkSession], str], arguments: Sequence[str]) -> int:
    """Run `work` as a command line program: its result goes to stdout, and a failure to stderr, one line per cause.

    Args:
        name: of the job and of its section in the configuration.
        about: what it does, for `--help`.
        override: an example of a field that can be overridden, `fit.epochs=20`.
        work: takes the configuration and the session; what it gives is printed.
        arguments: without the program's name.

    Returns:
        The exit status: 0, or 1 after a failure.
    """
    parser = command_parser(name, about)
    parser.add_argument("--config", required=True, help=f"YAML file with `tables`, `source` and `{name}`")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.FIELD=VALUE", help=f"override a field, such as {override}; may be repeated")
    return run_command(name, parser, lambda options, spark: work(RunConfig.from_yaml(options.config, options.set), spark()), arguments)


def run_command(name: str, parser: ArgumentParser, work: Callable[[Namespace, Callable[[], SparkSession]], str], arguments: Sequence[str]) -> int:
    """Run `work` with the arguments that `parser` reads; ends as `run_job` does.

    Args:
        parser: as `command_parser` gives it, with the arguments of the job.
        work: takes the options and what makes the session; what it gives is printed.
    """
    options = parser.parse_args(arguments)
    whole = options.traceback or bool(os.environ.get(TRACEBACK))
    if not whole:
        for logger in _SPARKS_OWN_LOGS:
            PySparkLogger.getLogger(logger).disabled = True
    try:
        sys.stdout.write(work(options, lambda: spark_session(f"synthohive_spark {name}")))
    except Exception as error:  # noqa: BLE001 - a job ends with a line and a status, whatever it met
        sys.stderr.write(_told(name, error))
        if whole:
            traceback.print_exception(error)
        return 1
    return 0


def work_dir(spark: SparkSession, asked: str | None, output: str, *, stays: bool = False) -> str | None:
    """The folder that driver and executors share: the one that was asked for; on a cluster one beside the output, which all machines reach anyway.

    Args:
        stays: whether a later process is to find there what this one has left.

    Raises:
        SchemaError: it is to stay, and none can be told.
    """
    if asked is None and stays and not is_path(output):
        raise SchemaError(f"resume: true needs work_dir, a folder that driver and executors reach, as the output {output!r} is a schema of the catalog")
    return f"{output.rstrip('/')}.work" if asked is None and is_path(output) and (stays or not is_local(spark)) else asked


def place(text: str, schema: str | None) -> str | TableStore:
    """What an argument names: a database where it is one's URL, `$NAME` of an environment variable that holds one, or comes with a schema; else as it is."""
    return database(text, schema) if schema is not None or names_database(text) else text


def command_parser(name: str, about: str) -> ArgumentParser:
    """A parser with the options that all jobs have."""
    parser = ArgumentParser(prog=f"{name}.py", description=about)
    parser.add_argument(
        "--traceback",
        action="store_true",
        help=f"on failure print all of Python's and Java's traceback, which can hold values of the data (or set {TRACEBACK}=1)",
    )
    return parser


def _told(name: str, error: Exception) -> str:
    ours = isinstance(error, SynthoHiveError)
    head = f"{name} failed: {error}" if ours else failure(name, error)
    links = [str(link) for link in chain(error)][1 if ours else 0 :]
    lines = [head, *(f"  caused by {link}" for link in links if link not in head)]
    return "\n".join([*lines, *([f"  (the whole traceback: --traceback, or {TRACEBACK}=1)"] if links else []), ""])
