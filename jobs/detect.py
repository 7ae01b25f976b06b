"""Find out what tables are, print it, and write the YAML that the other jobs read and a person edits."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable, Sequence

from pyspark.sql import SparkSession

from synthohive_spark import detect
from synthohive_spark.job import command_parser, place, run_command
from synthohive_spark.storage.sources import TableStore


def found(options: Namespace, session: Callable[[], SparkSession]) -> str:
    """Detect as the arguments say."""
    source = place(options.source, options.schema)
    detected = detect(source, spark=session(), references=not options.learn_lookups)
    named = {"database": source.address, **({"schema": options.schema} if options.schema else {})} if isinstance(source, TableStore) else options.source
    detected.to_yaml(options.output, source=named)
    return f"{detected}\nmetadata: {options.output}\n"


def main(arguments: Sequence[str]) -> int:
    """Read the arguments and detect."""
    parser = command_parser("detect", str(__doc__))
    parser.add_argument("source", help="a folder (with a slash), a schema of the catalog, or the URL of a database; all its tables are taken")
    parser.add_argument("--schema", help="of the database")
    parser.add_argument("output", help="the YAML file to write; what is there is replaced")
    parser.add_argument("--learn-lookups", action="store_true", help="give no table `role: reference`, which copies its rows as they are")
    return run_command("detect", parser, found, arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
