"""Does the data fit its metadata? All faults are found before any is raised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pyspark.sql import DataFrame

from ..causes import step
from ..errors import SchemaError, SchemaValidationError
from ..kernels.columns.texts import provider_fault
from ..spec.config import FitConfig
from ..spec.graph import SchemaGraph
from ..spec.joint import JointKey, with_joint_keys
from ..spec.metadata import Metadata
from ..spec.planning.denormalized import denormalized_columns
from ..spec.planning.faults import data_faults, rows_to_leave_out
from ..spec.planning.lookups import lookup_hint, lookup_tables
from ..spec.planning.programs import SchemaPlan, plan_schema
from ..spec.structure import structural_faults
from ..spec.survey import Survey
from .denormalized import HeldValues, values_of_children, with_values
from .duplicates import Aside, without_duplicates
from .joint import find_joint_keys, with_pairs
from .survey import shape_of, survey_schema, surveyed_again


@dataclass(frozen=True)
class Examined:
    """What is known of a schema before anything is learnt.

    Attributes:
        metadata: with the keys that lead to rows together.
        joint: these keys.
        graph: the order of its tables.
        plan: their programs.
        data: the tables without rows that repeat keys.
        hint: what the metadata had better say; None where it is fine.
        denormalized: what belongs to rows of parents, which have it in `data`.
    """

    metadata: Metadata
    joint: tuple[JointKey, ...]
    graph: SchemaGraph
    plan: SchemaPlan
    data: dict[str, DataFrame]
    hint: str | None = None
    denormalized: tuple[HeldValues, ...] = ()


@step("examining the data")
def examine(metadata: Metadata, data: Mapping[str, DataFrame], *, min_rows: int, aside: Aside) -> Examined:
    """Check names, types, keys and orphans, and plan how rows come about: what passes can be fitted and sampled.

    Names and types are checked without a Spark job; the rest by the survey's few aggregates, where the columns that they need are in order.

    Args:
        min_rows: values of text that fewer rows have are never told.
        aside: a folder for rows of a table, where some repeat keys.

    Raises:
        SchemaValidationError: with every fault that was found, one sentence each. No sentence holds a value of the data.
    """
    faults = structural_faults(metadata, {name: shape_of(frame) for name, frame in data.items()})
    survey = survey_schema(metadata, data, min_rows=min_rows)
    if not faults and (dirty := rows_to_leave_out(metadata, survey)):
        data = without_duplicates(metadata, data, dirty, aside)
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
    hint = lookup_hint(lookup_tables(metadata, survey))
    found = _Looked(Examined(metadata, (), graph, plan, dict(data), hint), survey)
    if joint := find_joint_keys(metadata, data, survey):
        asked, tables = with_joint_keys(metadata, joint), with_pairs(data, joint, aside)
        found = _planned_again(found, survey_schema(asked, tables, min_rows=min_rows), metadata=asked, joint=joint, data=tables)
    seen = found.examined
    if columns := denormalized_columns(seen.metadata, seen.graph, found.survey, seen.plan):
        held = values_of_children(seen.metadata, seen.data, columns, aside)
        tables = with_values(seen.data, held)
        survey = surveyed_again(found.survey, seen.metadata, tables, {values.parent for values in held}, min_rows=min_rows)
        found = _planned_again(found, survey, data=tables, denormalized=held)
    return found.examined


@dataclass(frozen=True)
class _Looked:
    """A schema, and the facts by which it was planned."""

    examined: Examined
    survey: Survey


def _planned_again(before: _Looked, survey: Survey, **changes: Any) -> _Looked:
    """A schema with what nobody declared, fields of `Examined`, planned anew; as it was before, where it could not be carried out with that."""
    examined = replace(before.examined, **changes)
    graph = SchemaGraph.from_metadata(examined.metadata)
    plan = plan_schema(examined.metadata, graph, survey)
    if data_faults(examined.metadata, survey) or plan.faults:
        return before
    return _Looked(replace(examined, graph=graph, plan=plan), survey)


def check_switches(metadata: Metadata, config: FitConfig) -> None:
    """Refuse settings for tables that are not there.

    Raises:
        SchemaError: `exact_dependencies` names some.
    """
    switches = config.exact_dependencies
    unknown = sorted(set(switches) - set(metadata.tables)) if not isinstance(switches, bool) else []
    if unknown:
        raise SchemaError(f"exact_dependencies: no tables named {unknown} in the metadata, which has {sorted(metadata.tables)}")


def _provider_faults(plan: SchemaPlan) -> list[str]:
    faults = []
    for table, hints in plan.hints.items():
        for hint in hints:
            fault = provider_fault(hint.provider, hint.spark_type) if hint.kind == "text" and hint.provider is not None else None
            faults += [f"table {table!r}: pii_cols: the column {hint.name!r}: {fault}"] if fault else []
    return faults
