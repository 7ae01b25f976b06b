"""Structs that can be null: how columns lie in the data, the step that settles their fields, and conditions on what is inside."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from synthohive_spark.errors import GenerationError
from synthohive_spark.kernels.block import ROWS, Block, GenerationPlan
from synthohive_spark.kernels.given import Given, GivenValues
from synthohive_spark.kernels.steps.settle import apply
from synthohive_spark.spec.dependencies import Copy
from synthohive_spark.spec.encoding import CategoryEncoding, NumberEncoding, TableEncoding
from synthohive_spark.spec.fitted import FittedSchema, FittedTable
from synthohive_spark.spec.graph import SchemaGraph
from synthohive_spark.spec.hidden import status_column
from synthohive_spark.spec.layout import OutputColumn
from synthohive_spark.spec.metadata import ForeignKey, Metadata
from synthohive_spark.spec.planning.structs import with_structs
from synthohive_spark.spec.program import Match, Phase, TableProgram
from synthohive_spark.spec.steps import Derive, Draw, Settle
from synthohive_spark.stages.conditions import plan_conditions

N = 2_000
COLUMNS = {"a": "boolean", "a.x": "int", "a.y": "int", "a.b": "boolean", "a.b.z": "int"}
LAYOUT = (
    OutputColumn(
        name="a",
        source="a",
        fields=(
            OutputColumn(name="x", source="a.x", required=True),
            OutputColumn(name="y", source="a.y"),
            OutputColumn(name="b", source="a.b", fields=(OutputColumn(name="z", source="a.b.z", required=True),)),
            OutputColumn(name="list", empty="{}"),
        ),
    ),
)


def encoding(name: str, spark_type: str) -> CategoryEncoding | NumberEncoding:
    if spark_type == "boolean":
        return CategoryEncoding(name=name, spark_type=spark_type, has_null=False, weights=(0.5, 0.5), values=(True, False), counts=(5, 5), starts=(0, 1))
    return NumberEncoding(name=name, spark_type=spark_type, has_null=True, weights=(0.5, 0.1, 0.4), tokens=(1.0, 2.0), step=1.0)


def fitted_table(key: str | None = None, status: bool = False, dependency: Copy | None = None) -> FittedTable:
    keys = (ForeignKey(columns=(key,), parent_table="parents", parent_columns=("id",)),) if key else ()
    steps = (Draw(columns=tuple(COLUMNS)), *((Derive(dependencies=(dependency,)),) if dependency else ()))
    program = TableProgram(
        table="t",
        rows=10,
        columns=tuple((name, kind, True) for name, kind in COLUMNS.items()),
        foreign_keys=keys,
        phases=(Phase(steps=steps, matches=(Match(key=0, status=status),) if keys else ()),),
    )
    encodings = TableEncoding(table="t", rows=10, columns=tuple(encoding(*item) for item in COLUMNS.items()))
    return FittedTable(with_structs(program, LAYOUT), encodings)


def settled(table: FittedTable, given: Given | None = None, **columns: pa.Array) -> dict[str, np.ndarray]:
    """Columns drawn without a look at each other, and settled."""
    block = Block(GenerationPlan(table, 1, N, given=given), 0, ROWS, np.arange(N))
    rng = np.random.default_rng(0)
    for name, kind in COLUMNS.items():
        drawn = rng.random(N) < 0.5
        block.columns[name] = pa.array(drawn) if kind == "boolean" else pa.array(rng.integers(1, 3, N), pa.int32(), mask=drawn)
    block.columns |= columns
    for step in table.program.of_kind(Settle):
        apply(step, block)  # type: ignore[arg-type]
    return {
        n: v.to_numpy(zero_copy_only=False) if pa.types.is_boolean(v.type) else v.is_valid().to_numpy(zero_copy_only=False) for n, v in block.columns.items()
    }


def test_fields_are_there_where_their_struct_is() -> None:
    made = settled(fitted_table())
    assert 0.4 < made["a"].mean() < 0.6 and (made["a.x"] == made["a"]).all()
    assert not made["a.y"][~made["a"]].any() and 0.3 < made["a.y"][made["a"]].mean() < 0.7
    assert not made["a.b"][~made["a"]].any() and made["a.b"].any() and (made["a.b.z"] == made["a.b"]).all()


def test_what_fills_a_field_has_its_distribution() -> None:
    table = fitted_table()
    block = Block(GenerationPlan(table, 1, N), 0, ROWS, np.arange(N))
    block.columns = {"a": pa.array(np.ones(N, dtype=bool)), "a.b": pa.array(np.zeros(N, dtype=bool))}
    block.columns |= {name: pa.nulls(N, pa.int32()) for name in ("a.x", "a.y", "a.b.z")}
    apply(next(table.program.of_kind(Settle)), block)  # type: ignore[arg-type]
    filled = np.array(block.columns["a.x"].to_pylist())
    assert abs((filled == 2).mean() - 0.8) < 0.05 and block.columns["a.y"].null_count == N


@pytest.mark.parametrize(("key", "holds"), [("a.x", lambda m: m["a"] == m["a.x"]), ("a.y", lambda m: m["a"] | ~m["a.y"])])
def test_a_struct_with_a_key_is_there_where_the_key_is(key: str, holds: Any) -> None:
    valid = np.random.default_rng(5).random(N) < 0.5
    made = settled(fitted_table(key, status=True), **{key: pa.array(np.ones(N), pa.int32(), mask=~valid), status_column(0): pa.array(valid)})
    assert holds(made).all() and (made[key] == valid).all()


def test_a_key_that_is_matched_later_keeps_its_struct() -> None:
    table = fitted_table("a.b.z", status=True)
    (settle,) = table.program.of_kind(Settle)
    assert [s.statuses for s in settle.structs] == [(settle.structs[0].statuses[0],)] * 2  # type: ignore[union-attr]
    will = np.random.default_rng(5).random(N) < 0.5
    made = settled(table, **{str(settle.structs[0].statuses[0]): pa.array(will), "a.b.z": pa.nulls(N, pa.int32())})  # type: ignore[union-attr]
    assert made["a"][will].all()


def test_a_flag_that_follows_from_others_is_settled_after_them() -> None:
    program = fitted_table(dependency=Copy(target="a.b", determinants=("a",))).program
    kinds = [(step.kind, [s.flag for s in getattr(step, "structs", ())]) for step in program.steps]
    assert kinds == [("draw", []), ("settle", ["a"]), ("derive", []), ("settle", ["a.b"])]


def conditions(table: FittedTable, **values: Any) -> Given:
    metadata = Metadata().add_table("t")
    fitted = FittedSchema(metadata=metadata, graph=SchemaGraph.from_metadata(metadata), tables={"t": table}, references={}, seed=1, version="0")
    return plan_conditions(fitted, [{"table": "t", "values": values, "rows": 500}], "UTC", lambda *_: True, lambda *_: [])["t"]


@pytest.mark.parametrize(
    ("values", "flags"), [({"a.b.z": 2}, {"a": True, "a.b": True}), ({"a.y": 1}, {"a": True}), ({"a.b": True}, {"a": True}), ({"a.x": None}, {"a": False})]
)
def test_a_value_inside_a_struct_asks_for_the_struct(values: dict[str, Any], flags: dict[str, bool]) -> None:
    table = fitted_table()
    given = conditions(table, **values)
    (asked,) = given.conditions
    assert {c: v[0].as_py() for c, v in asked.values.items() if c not in values} == {c: v for c, v in flags.items() if c not in values}
    only = Given((GivenValues(500, {}, {c: asked.values[c] for c in values}),))  # even where the flag follows from other columns
    column = next(iter(values))
    made = settled(table, only, **{column: pa.concat_arrays([asked.values[column]] * N)})
    assert all((made[flag][:500] == there).all() for flag, there in flags.items())


@pytest.mark.parametrize("values", [{"a": False, "a.y": 1}, {"a.x": None, "a.y": 1}, {"a": True, "a.x": None}])
def test_values_that_contradict_each_other_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(GenerationError, match="the struct 'a' must be there for some"):
        conditions(fitted_table(), **values)


def test_whether_a_struct_with_a_key_is_there_cannot_be_asked() -> None:
    with pytest.raises(GenerationError, match="says whether a struct is there that holds a key"):
        conditions(fitted_table("a.y"), a=True)
