"""Load a saved model and write synthetic Delta tables."""

from __future__ import annotations

import sys

from pyspark.sql import SparkSession

from synthohive_spark import Synthesizer
from synthohive_spark.job import run_job, work_dir
from synthohive_spark.spec.run_config import RunConfig


def sample(run: RunConfig, spark: SparkSession) -> str:
    """Sample as the configuration says."""
    job = run.sample
    folder = work_dir(spark, job.work_dir, job.output, stays=job.resume)
    synthesizer = Synthesizer.load(run.model_path, spark=spark, work_dir=folder, verify=job.verify)
    tables = synthesizer.sample(
        num_rows=job.num_rows,
        conditions=job.conditions,
        scale=job.scale,
        seed=job.seed,
        output=job.output,
        enforce_constraints=job.enforce_constraints,
        quality_threshold=job.quality_threshold,
        on_write_failure=job.on_write_failure,
        strict=job.strict,
        resume=job.resume,
        tags=job.tags,
    )
    return f"tables: {job.output}\n" + "".join(f"  {name:<24} {frame.count():>12,} rows\n" for name, frame in tables.items())


if __name__ == "__main__":
    sys.exit(run_job("sample", __doc__, "sample.scale=10", sample, sys.argv[1:]))
