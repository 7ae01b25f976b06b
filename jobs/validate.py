"""Compare the synthetic tables with the real ones and write the report."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

from pyspark.sql import SparkSession

from synthohive_spark import SerializationError, Synthesizer
from synthohive_spark.job import run_job
from synthohive_spark.spec.run_config import RunConfig
from synthohive_spark.storage.files import read_sources
from synthohive_spark.storage.folders import Folder
from synthohive_spark.storage.targets import Target


def _synthesizer(run: RunConfig, spark: SparkSession) -> Synthesizer:
    """The saved model where it can be read, whose rules are counted too; a report needs none."""
    if Folder.open(run.model_path).is_folder():
        try:
            return Synthesizer.load(run.model_path, spark=spark, verify=run.sample.verify)
        except SerializationError as error:
            warnings.warn(f"the report does without the model's rules: {error}", stacklevel=2)
    return Synthesizer(run.metadata, spark=spark)


def validate(run: RunConfig, spark: SparkSession) -> str:
    """Validate as the configuration says."""
    job = run.validate_
    target = Target.parse(run.synthetic_path)
    synthetic = {name: target.address(name) for name in run.metadata.tables}
    real = read_sources(spark, run.source)
    report = _synthesizer(run, spark).generate_validation_report(real, synthetic, job.output, seed=job.seed, target=job.target)
    return f"{report}\n{report.summary()}\nreport: {Path(job.output).resolve()}\n"


if __name__ == "__main__":
    sys.exit(run_job("validate", __doc__, "validate.output=r.html", validate, sys.argv[1:]))
