"""Make a synthetic copy of all tables of a folder, schema or database: detect, fit, sample, check, report."""

# Not `copy.py`: Python looks for modules beside the script first, and each job would import this one for the standard library's `copy`.
from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable, Sequence

from pyspark.sql import SparkSession

from synthohive_spark import Metadata, copy
from synthohive_spark.job import command_parser, place, run_command, work_dir


def copied(options: Namespace, session: Callable[[], SparkSession]) -> str:
    """Copy as the arguments say."""
    spark, target = session(), place(options.target, options.target_schema)
    made = copy(
        place(options.source, options.source_schema),
        target,
        metadata=Metadata.from_yaml(options.metadata) if options.metadata else None,
        references=options.references,
        spark=spark,
        model=options.model,
        seed=options.seed,
        scale=options.scale,
        overwrite=options.overwrite,
        report=options.report,
        work_dir=work_dir(spark, options.work_dir, target) if isinstance(target, str) else options.work_dir,
    )
    said = f"{made.detected}\n" if made.detected else ""
    return f"{said}{made.report.summary()}\ntables: {target}\n"


def main(arguments: Sequence[str]) -> int:
    """Read the arguments and copy."""
    parser = command_parser("copy_tables", str(__doc__))
    parser.add_argument("source", help="a folder (with a slash), a schema of the catalog, or the URL of a database ($NAME: of a variable that holds it)")
    parser.add_argument("target", help="folder, URL, schema or catalog.schema for the Delta tables; or the URL of a database")
    parser.add_argument("--source-schema", help="of the database to read")
    parser.add_argument("--target-schema", help="of the database to write")
    parser.add_argument("--overwrite", action="store_true", help="replace tables of a database")
    parser.add_argument("--metadata", help="YAML that says what the tables are; detected where it is not given")
    parser.add_argument("--references", action="store_true", help="copy detected lookup tables as they are, real rows and all")
    parser.add_argument("--model", default="autoregressive")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--report", help="where to write the report (.html or .json)")
    parser.add_argument("--work-dir", help="a folder that driver and executors share; on a cluster, one beside the target where it is not given")
    return run_command("copy_tables", parser, copied, arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
