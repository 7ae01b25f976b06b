"""Load a saved model and write synthetic Delta tables."""

from __future__ import annotations

import sys
from argparse import ArgumentParser

from synthohive_spark import Synthesizer, SynthoHiveError, spark_session
from synthohive_spark.spec.run_config import RunConfig


def main(arguments: list[str]) -> int:
    """Sample as the configuration says."""
    parser = ArgumentParser(prog="sample.py", description=__doc__)
    parser.add_argument("--config", required=True, help="YAML file with `tables`, `source` and `sample`")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.FIELD=VALUE", help="override a field, such as sample.scale=10; may be repeated")
    options = parser.parse_args(arguments)
    try:
        run = RunConfig.from_yaml(options.config, options.set)
        job = run.sample
        spark = spark_session("synthohive_spark sample")
        tables = Synthesizer.load(run.model_path, spark=spark, work_dir=job.work_dir).sample(
            num_rows=job.num_rows,
            conditions=job.conditions,
            scale=job.scale,
            seed=job.seed,
            output=job.output,
            enforce_constraints=job.enforce_constraints,
            quality_threshold=job.quality_threshold,
            on_write_failure=job.on_write_failure,
        )
        rows = {name: frame.count() for name, frame in tables.items()}
    except SynthoHiveError as error:
        sys.stderr.write(f"sample failed: {error}\n")
        return 1
    sys.stdout.write(f"tables: {job.output}\n" + "".join(f"  {name:<24} {count:>12,} rows\n" for name, count in rows.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
