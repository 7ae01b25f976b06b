"""Whatever the schema: what the planner accepts can be carried out, and what it refuses it refuses helpfully. `PLANS=10000` (or `make schemas`) tries more."""

from __future__ import annotations

import os
import random
import re
from dataclasses import dataclass

import pytest
from generated_schemas import GeneratedSchema, generated_schema
from program_walk import program_faults

from synthohive_spark.spec.graph import SchemaGraph
from synthohive_spark.spec.metadata import Metadata
from synthohive_spark.spec.planning.faults import data_faults
from synthohive_spark.spec.planning.programs import SchemaPlan, plan_schema
from synthohive_spark.spec.program import TableProgram
from synthohive_spark.spec.structure import structural_faults

PLANS = int(os.environ.get("PLANS", "300"))
ROWS = 20
WAYS_OUT = re.compile(r"\b(leave|let|give|use|point|mend|remove|set)\b")


@dataclass(frozen=True)
class Planned:
    """A generated schema, and what became of it; no plan where names and types are not in order."""

    seed: int
    schema: GeneratedSchema
    faults: list[str]
    plan: SchemaPlan | None

    @property
    def accepted(self) -> SchemaPlan | None:
        return None if self.faults else self.plan


def planned(seed: int, schema: GeneratedSchema) -> Planned:
    faults = structural_faults(schema.metadata, schema.columns)
    if faults:
        return Planned(seed, schema, faults, None)
    survey = schema.survey()
    plan = plan_schema(schema.metadata, SchemaGraph.from_metadata(schema.metadata), survey)
    return Planned(seed, schema, [*data_faults(schema.metadata, survey), *plan.faults], plan)


@pytest.fixture(scope="module")
def plans() -> list[Planned]:
    return [planned(seed, generated_schema(seed, ROWS)) for seed in range(PLANS)]


def test_what_is_planned_can_be_carried_out(plans: list[Planned]) -> None:
    wrong = {}
    for found in plans:
        if found.accepted:
            metadata = found.schema.metadata
            missing = [n for n, table in metadata.tables.items() if table.role == "learnt" and n not in found.accepted.programs]
            wrong[found.seed] = [*program_faults(metadata, SchemaGraph.from_metadata(metadata), found.accepted), *missing]
    assert {seed: faults for seed, faults in wrong.items() if faults} == {}
    assert len(wrong) > 0.93 * PLANS  # what is refused must stay the exception


def test_refusals_name_table_fault_and_way_out(plans: list[Planned]) -> None:
    for found in plans:
        for fault in found.faults:
            assert any(name in fault for name in found.schema.metadata.tables), (found.seed, fault)
            assert WAYS_OUT.search(fault.rpartition(";")[2]), (found.seed, fault)


def test_programs_survive_json_and_the_order_of_tables(plans: list[Planned]) -> None:
    for found in plans[: PLANS // 3]:
        if not found.accepted:
            continue
        for program in found.accepted.programs.values():
            assert TableProgram.model_validate_json(program.model_dump_json()) == program
        tables = found.schema.metadata.tables
        names = random.Random(found.seed).sample(list(tables), len(tables))
        again = planned(found.seed, found.schema.with_metadata(Metadata(tables={name: tables[name] for name in names}))).accepted
        assert again is not None and again.programs == found.accepted.programs, found.seed
        assert again.hints == found.accepted.hints, found.seed
