"""Whatever the schema: with the keys that lead to rows together it can be carried out, or it is planned without them."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from generated_schemas import GeneratedSchema, generated_schema, kept_rows, keys_of
from program_walk import program_faults
from test_planning_properties import PLANS, ROWS, planned

from synthohive_spark.spec.graph import SchemaGraph
from synthohive_spark.spec.joint import JointKey, with_joint_keys, without_joint_keys
from synthohive_spark.spec.planning import joint
from synthohive_spark.spec.planning.joint import Counted, chosen_joint_keys, joint_candidates


@pytest.fixture
def any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables of any size, and pairs however many there are."""
    for name, value in {"LEAST_ROWS": 1, "LEAST_PAIRS": 1, "FULL": math.inf, "COMPLETE": math.inf, "SEVERAL": 1.0}.items():
        monkeypatch.setattr(joint, name, value)


def counted(schema: GeneratedSchema, candidate: JointKey) -> Counted:
    rows = kept_rows(schema)
    mine = keys_of(rows[candidate.table], candidate.columns)
    if candidate.made:
        return Counted(pairs=len(mine))
    theirs = keys_of(rows[candidate.parent], candidate.parent_columns)
    repeats = theirs.total() - len(theirs) + len(rows[candidate.parent]) - theirs.total()
    return Counted(repeats=repeats, orphans=sum(n for pair, n in mine.items() if pair not in theirs))


def with_pairs(schema: GeneratedSchema, found: tuple[JointKey, ...]) -> GeneratedSchema:
    columns, rows = dict(schema.columns), dict(schema.rows)
    for key in found:
        if key.made:
            columns[key.parent] = tuple(c for c in columns[key.table] if c[0] in key.columns)
            rows[key.parent] = [dict(zip(key.columns, pair, strict=True)) for pair in keys_of(kept_rows(schema)[key.table], key.columns)]
    return replace(schema, metadata=with_joint_keys(schema.metadata, found), columns=columns, rows=rows)


@pytest.mark.usefixtures("any_size")
def test_what_is_planned_with_joint_keys_can_be_carried_out() -> None:
    wrong, found, without = {}, 0, 0
    for seed in range(PLANS):
        before = planned(seed, generated_schema(seed, ROWS))
        if not before.accepted:
            continue
        schema, survey = before.schema, before.schema.survey()
        keys = chosen_joint_keys(schema.metadata, survey, {c: counted(schema, c) for c in joint_candidates(schema.metadata, survey)})
        if not keys:
            continue
        found += 1
        joined = with_pairs(schema, keys)
        assert without_joint_keys(joined.metadata, keys).tables == schema.metadata.tables
        after = planned(seed, joined)
        without += after.accepted is None
        if after.accepted:
            faults = program_faults(joined.metadata, SchemaGraph.from_metadata(joined.metadata), after.accepted)
            wrong[seed] = [*faults, *(key.table for key in keys if key.table not in after.accepted.programs)]
    assert {seed: faults for seed, faults in wrong.items() if faults} == {}
    assert found > PLANS // 50 and without < found // 2
