"""Does the data fit its metadata, and do the executors have what the driver has? All faults are found before any is raised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from weakref import WeakSet

from pyspark.sql import DataFrame, SparkSession

from ..errors import MissingDependencyError, SchemaValidationError
from ..kernels import versions
from ..kernels.columns.texts import provider_fault
from ..spec.graph import SchemaGraph
from ..spec.metadata import Metadata
from ..spec.planning.faults import data_faults
from ..spec.planning.programs import SchemaPlan, plan_schema
from ..spec.structure import structural_faults
from .survey import shape_of, survey_schema

PROBE_TASKS = 16  # tasks that report versions; enough that every executor of a small cluster gets one
_checked_sessions: WeakSet[SparkSession] = WeakSet()


@dataclass(frozen=True)
class Examined:
    """What is known of a schema before anything is learnt: the order of its tables, and their programs."""

    graph: SchemaGraph
    plan: SchemaPlan


def examine(metadata: Metadata, data: Mapping[str, DataFrame], *, min_rows: int) -> Examined:
    """Check names, types, keys and orphans, and plan how rows come about: what passes can be fitted and sampled.

    Names and types are checked without a Spark job; the rest by the survey's few aggregates, where the columns that they need are in order.

    Args:
        min_rows: values of text that fewer rows have are never told.

    Raises:
        SchemaValidationError: with every fault that was found, one sentence each. No sentence holds a value of the data.
    """
    faults = structural_faults(metadata, {name: shape_of(frame) for name, frame in data.items()})
    survey = survey_schema(metadata, data, min_rows=min_rows)
    sound = not faults
    faults += data_faults(metadata, survey)
    if not sound:
        raise SchemaValidationError(faults)
    graph = SchemaGraph.from_metadata(metadata)
    plan = plan_schema(metadata, graph, survey)
    faults += plan.faults + _provider_faults(plan)
    if faults:
        raise SchemaValidationError(faults)
    return Examined(graph, plan)


def _provider_faults(plan: SchemaPlan) -> list[str]:
    faults = []
    for table, hints in plan.hints.items():
        for hint in hints:
            fault = provider_fault(hint.provider, hint.spark_type) if hint.kind == "text" and hint.provider is not None else None
            faults += [f"table {table!r}: pii_cols: the column {hint.name!r}: {fault}"] if fault else []
    return faults


def check_executors(spark: SparkSession) -> None:
    """Compare Python and package versions of driver and executors; once per session.

    Raises:
        MissingDependencyError: an executor lacks a package, or has another version; the message names all of them.
    """
    if spark in _checked_sessions:
        return
    try:
        rows = spark.range(0, PROBE_TASKS, 1, PROBE_TASKS).mapInPandas(versions.report_versions, versions.REPORT_DDL).distinct().collect()
    except Exception as error:
        reason = _probe_failure(str(error))
        if reason is None:
            raise
        raise MissingDependencyError(f"the executors cannot run the package: {reason}; {_WAY_OUT}") from error
    mine = versions.installed_versions()
    faults = sorted(
        {
            f"{r['package']} is {r['version']} on {r['host']} and {mine[r['package']]} on the driver"
            for r in rows
            if versions.differ(r["package"], r["version"], mine[r["package"]])
        }
    )
    if faults:
        raise MissingDependencyError(f"driver and executors differ: {'; '.join(faults)}; {_WAY_OUT}")
    _checked_sessions.add(spark)


_WAY_OUT = "submit the job with ./spark-submit.sh, which ships the package and its dependencies, or install the same versions on every node"


def _probe_failure(text: str) -> str | None:
    """Why the probe failed, in words, where the reason is the environment."""
    if "PYTHON_VERSION_MISMATCH" in text:
        return "their Python is another version than the driver's"
    if "ModuleNotFoundError" in text or "No module named" in text:
        missing = text.partition("No module named '")[2].partition("'")[0]
        return f"the Python module {missing.partition('.')[0] or 'needed'} is missing there"
    return None
