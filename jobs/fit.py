"""Learn the tables of a configuration and save the model."""

from __future__ import annotations

import sys
from argparse import ArgumentParser

from synthohive_spark import FitConfig, Synthesizer, SynthoHiveError, spark_session
from synthohive_spark.spec.run_config import RunConfig
from synthohive_spark.storage.files import read_sources


def main(arguments: list[str]) -> int:
    """Fit as the configuration says."""
    parser = ArgumentParser(prog="fit.py", description=__doc__)
    parser.add_argument("--config", required=True, help="YAML file with `tables`, `source` and `fit`")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.FIELD=VALUE", help="override a field, such as fit.epochs=20; may be repeated")
    options = parser.parse_args(arguments)
    try:
        run = RunConfig.from_yaml(options.config, options.set)
        job = run.fit
        spark = spark_session("synthohive_spark fit")
        config = FitConfig(
            encoding=job.encoding,
            training=job.training,
            legacy_context_conditioning=job.legacy_context_conditioning,
            exact_dependencies=job.exact_dependencies,
        )
        synthesizer = Synthesizer(run.metadata, spark=spark, model=job.model, config=config, work_dir=job.work_dir)
        synthesizer.fit(read_sources(spark, run.source), seed=job.seed, epochs=job.epochs, batch_size=job.batch_size)
        path = synthesizer.save(job.output, overwrite=job.overwrite)
    except SynthoHiveError as error:
        sys.stderr.write(f"fit failed: {error}\n")
        return 1
    sys.stdout.write(f"model: {path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
