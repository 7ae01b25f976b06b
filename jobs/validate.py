"""Compare the synthetic tables with the real ones and write the report."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path

from synthohive_spark import Synthesizer, SynthoHiveError, spark_session
from synthohive_spark.spec.findings import Findings
from synthohive_spark.spec.run_config import RunConfig
from synthohive_spark.storage.files import read_sources
from synthohive_spark.storage.targets import Target


def headline(findings: Findings) -> str:
    """The scores, each beside its ceiling, and what is broken."""
    scores = (
        ("column shapes", findings.shapes, findings.shapes_ceiling),
        ("column pairs", findings.pairs, findings.pairs_ceiling),
        ("children per parent", findings.cardinality, findings.cardinality_ceiling),
    )
    lines = [f"  {name:<24} {score:.3f}  (a second half of the real data: {ceiling or 0:.3f})" for name, score, ceiling in scores if score is not None]
    faults = [f"  broken: {fault}" for fault in findings.faults] or ["  broken keys              0"]
    return "\n".join([*lines, *faults])


def main(arguments: list[str]) -> int:
    """Validate as the configuration says."""
    parser = ArgumentParser(prog="validate.py", description=__doc__)
    parser.add_argument("--config", required=True, help="YAML file with `tables`, `source` and `validate`")
    parser.add_argument(
        "--set", action="append", default=[], metavar="SECTION.FIELD=VALUE", help="override a field, such as validate.output=r.html; may be repeated"
    )
    options = parser.parse_args(arguments)
    try:
        run = RunConfig.from_yaml(options.config, options.set)
        job = run.validate_
        spark = spark_session("synthohive_spark validate")
        target = Target.parse(run.synthetic_path)
        synthetic = {name: target.address(name) for name in run.metadata.tables}
        report = Synthesizer(run.metadata, spark=spark).generate_validation_report(read_sources(spark, run.source), synthetic, job.output, seed=job.seed)
    except SynthoHiveError as error:
        sys.stderr.write(f"validate failed: {error}\n")
        return 1
    sys.stdout.write(f"scores, 1 is best:\n{headline(report.findings)}\nreport: {Path(job.output).resolve()}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
