"""Learn the tables of a configuration and save the model."""

from __future__ import annotations

import sys

from pyspark.sql import SparkSession

from synthohive_spark import FitConfig, Synthesizer
from synthohive_spark.job import run_job, work_dir
from synthohive_spark.spec.run_config import RunConfig
from synthohive_spark.storage.artifacts import check_free
from synthohive_spark.storage.files import read_sources
from synthohive_spark.storage.signature import check_key
from synthohive_spark.storage.targets import absolute_path


def fit(run: RunConfig, spark: SparkSession) -> str:
    """Fit as the configuration says."""
    job = run.fit
    check_free(job.output, overwrite=job.overwrite)
    if job.sign:
        check_key()
    config = FitConfig(
        encoding=job.encoding,
        training=job.training,
        legacy_context_conditioning=job.legacy_context_conditioning,
        exact_dependencies=job.exact_dependencies,
    )
    synthesizer = Synthesizer(
        run.metadata, spark=spark, model=job.model, config=config, work_dir=work_dir(spark, job.work_dir, absolute_path(job.output), stays=job.resume)
    )
    synthesizer.fit(read_sources(spark, run.source), seed=job.seed, epochs=job.epochs, batch_size=job.batch_size, resume=job.resume)
    return f"model: {synthesizer.save(job.output, overwrite=job.overwrite, sign=job.sign)}\n"


if __name__ == "__main__":
    sys.exit(run_job("fit", __doc__, "fit.epochs=20", fit, sys.argv[1:]))
