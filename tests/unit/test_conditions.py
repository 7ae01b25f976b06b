"""Conditions against a fitted schema: every fault in one error, none of which shows a real value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synthohive_spark.errors import GenerationError, SchemaError
from synthohive_spark.kernels.given import Given
from synthohive_spark.spec.condition import Condition
from synthohive_spark.spec.dependencies import Unequal
from synthohive_spark.spec.encoding import CategoryEncoding, NumberEncoding, TableEncoding, TextEncoding
from synthohive_spark.spec.fitted import FittedSchema, FittedTable
from synthohive_spark.spec.graph import SchemaGraph
from synthohive_spark.spec.metadata import Metadata
from synthohive_spark.spec.program import Match, Phase, TableProgram
from synthohive_spark.spec.run_config import RunConfig
from synthohive_spark.spec.steps import Derive, Draw, NumberKey, ParentKey, Position, Step
from synthohive_spark.stages.conditions import plan_conditions, spread_over

KNOWN = {"id": "bigint", "customer": "bigint", "line": "int"}
DRAWN = {"part": "int", "region": "string", "zone.cöde": "string", "status.x": "string", "total": "double", "mail": "string", "__has_1": "boolean"}
COLUMNS = {**KNOWN, "store": "bigint", **DRAWN}
STEPS: tuple[Step, ...] = (
    NumberKey(column="id", pattern={}),  # type: ignore[arg-type]
    ParentKey(columns=("customer",), parent_columns=("id",)),
    Position(column="line", start=1),
    Draw(columns=tuple(DRAWN)),
)


def encoding(name: str, spark_type: str) -> Any:
    if name == "mail":
        return TextEncoding(name=name, spark_type=spark_type, has_null=True, weights=(0.5, 0.5))
    shared = {"name": name, "spark_type": spark_type, "weights": (0.5, 0.5)}
    if spark_type == "string":
        return CategoryEncoding(**shared, has_null=name == "status.x", values=("secret", "b"), counts=(5, 5), starts=(0, 1))
    return NumberEncoding(**shared, has_null=False, tokens=(0.0,), knots=(10.0, 10.0, 4711.0, 4711.0), knots_per_bin=3)


@pytest.fixture
def fitted() -> FittedSchema:
    metadata = Metadata().add_table("customers", pk="id").add_table("stores", pk="id").add_table("zones", pk=["region", "zone.cöde"], role="reference")
    keys = [
        {"columns": ["customer"], "parent_table": "customers", "parent_columns": ["id"]},
        {"columns": ["store"], "parent_table": "stores", "parent_columns": ["id"]},
        {"columns": ["region", "zone.cöde"], "parent_table": "zones", "parent_columns": ["region", "zone.cöde"]},
    ]
    metadata.add_table("orders", pk=["customer", "part"], foreign_keys=keys)
    program = TableProgram(
        table="orders",
        rows=10,
        columns=tuple((name, spark_type, True) for name, spark_type in COLUMNS.items() if not name.startswith("__")),
        primary_key=("customer", "part"),
        foreign_keys=metadata.tables["orders"].foreign_keys,
        phases=(Phase(steps=STEPS, matches=(Match(key=1, emptied=("store",)),)),),
        driving=0,
    )
    encodings = TableEncoding(table="orders", rows=10, columns=tuple(encoding(n, t) for n, t in DRAWN.items()))
    graph = SchemaGraph.from_metadata(metadata)
    return FittedSchema(metadata=metadata, graph=graph, tables={"orders": FittedTable(program, encodings)}, references={"zones": "x"}, seed=1, version="0")


def plan(fitted: FittedSchema, asked: Sequence[Any], has: bool = True, broken: tuple[str, ...] = ()) -> dict[str, Given]:
    return plan_conditions(fitted, asked, "UTC", lambda key, values: has, lambda table, values: list(broken))


def order(rows: int = 1, **values: Any) -> dict[str, Any]:
    return {"table": "orders", "values": values, "rows": rows}


def test_conditions_become_codes_and_values(fitted: FittedSchema) -> None:
    asked = [order(3, **{"status.x": None, "total": 99}), Condition(table="orders", values={"status.x": "b"}, rows=np.int64(2))]  # type: ignore[arg-type]
    given = plan(fitted, asked)["orders"]
    assert [(c.rows, dict(c.codes)) for c in given.conditions] == [(3, {"status.x": 0, "total": 1}), (2, {"status.x": 2})]
    assert given.conditions[0].values["total"].to_pylist() == [99.0]
    assert plan(fitted, []) == {}


def test_every_fault_comes_in_one_error_without_real_values(fitted: FittedSchema) -> None:
    closed = {"id": 1, "customer": 1, "line": 1, "store": 1, "part": 10, "mail": "x@y", "__has_1": True}
    asked = [
        {"table": "order", "values": {"a": 1}, "rows": 1},
        {"table": "zones", "values": {"region": "b"}, "rows": 1},
        order(**closed),
        order(1, **{"status.x": "never", "total": 5000, "region": None, "zone.cöde": 7, "statuss.x": "b"}),
        order(0, total=5),
        order(True, total=11),  # type: ignore[arg-type]
        {"table": "orders", "values": {}, "rows": 2, "row": 3},
        {"table": "orders", "values": {"nothing": 1}},
        order(1, total=float("nan"), region=["b"]),
        "orders",
    ]
    with pytest.raises(GenerationError) as caught:
        plan(fitted, asked)
    text = str(caught.value)
    for part in (
        "conditions[0]: table 'order' is not there; did you mean 'orders'?",
        "conditions[1]: table 'zones' is a reference table",
        "conditions[2]: table 'orders': column 'id' is a generated key; columns that can be conditioned on: 'region', 'zone.cöde', 'status.x', 'total'",
        "column 'customer' is the key of the parent",
        "column 'line' counts the rows of a parent",
        "column 'store' is a key that is matched",
        "column 'part' is part of the primary key",
        "column 'mail' holds text or pii",
        "column '__has_1' is not there",
        "conditions[3]: table 'orders': column 'status.x': 'never' was never seen",
        "column 'total': 5000 is outside the range",
        "column 'region': the column has no nulls",
        "column 'zone.cöde': 7 (int) does not fit the column's type string: expected text",
        "column 'statuss.x' is not there; did you mean 'status.x'?",
        "conditions[4]: rows must be a whole number above 0, got 0",
        "conditions[5]: rows must be a whole number above 0, got True",
        "conditions[6]: 'row' is no key of a condition; there are table, values, rows",
        "conditions[6]: values is empty",
        "conditions[7]: 'rows' is missing",
        "conditions[7]: table 'orders': column 'nothing' is not there",
        "conditions[8]: values: 'total': nan is no value; write None for null; 'region': a list is no value",
        "conditions[9]: expected a dict with table, values, rows, found a str",
    ):
        assert part in text
    assert "secret" not in text and "4711" not in text


@pytest.mark.parametrize("asked", [order(1, total=11), "orders", None, 5, iter([])])
def test_conditions_are_a_list(fitted: FittedSchema, asked: Any) -> None:
    with pytest.raises(GenerationError, match="expected a list of dicts"):
        plan(fitted, asked)


def test_a_key_of_several_columns_must_exist_and_constraints_must_hold(fitted: FittedSchema) -> None:
    both = order(1, **{"region": "b", "zone.cöde": "b"})
    assert plan(fitted, [both])
    with pytest.raises(GenerationError, match="'region', 'zone.cöde': the reference table 'zones' has no row with these values together"):
        plan(fitted, [both], has=False)
    assert plan(fitted, [order(1, region="b")], has=False)  # the other column follows
    with pytest.raises(GenerationError, match="1 fault in the conditions: .*limits"):
        plan(fitted, [order(1, total=11)], broken=("limits",))


def test_a_child_table_needs_the_rows(fitted: FittedSchema) -> None:
    given = plan(fitted, [order(600, total=11), order(500, total=12)])["orders"]
    assert spread_over(given, 1100, "orders").among == 1100
    with pytest.raises(GenerationError, match="'orders' gets 1,099 rows from its parents, fewer than the 1,100 asked for; raise scale"):
        spread_over(given, 1099, "orders")


def test_conditions_in_yaml(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    text = "tables: {a: {pk: id}}\nsource: {a: lake.a}\nsample:\n  conditions:\n    - {table: a, values: {x: '>50K', day: 2024-01-31, none: null}, rows: 10}\n"
    path.write_text(text, encoding="utf-8")
    (condition,) = RunConfig.from_yaml(path).sample.conditions
    assert (condition.table, condition.rows, str(condition.values["day"]), condition.values["none"]) == ("a", 10, "2024-01-31", None)
    with pytest.raises(SchemaError, match=r"sample\.conditions\.0\.rows.*sample\.conditions\.0\.row: "):
        RunConfig.from_yaml(path, ["sample.conditions=[{table: a, values: {x: 1}, rows: 0, row: 1}]"])


def test_names_are_those_of_the_data_whatever_their_capitals(fitted: FittedSchema) -> None:
    exact = plan(fitted, [order(2, **{"total": 20, "status.x": "b"})])
    assert plan(fitted, [{"table": "ORDERS", "values": {"Total": 20, "Status.X": "b"}, "rows": 2}]) == exact
    with pytest.raises(GenerationError, match="column 'total' is named twice"):
        plan(fitted, [order(2, total=20, TOTAL=30)])


def test_values_that_are_never_equal_are_not_asked_to_be(fitted: FittedSchema) -> None:
    table = fitted.tables["orders"]
    step = Derive(dependencies=(Unequal(target="status.x", determinants=("region",), share=1.0),))
    last = table.program.phases[0]
    program = table.program.model_copy(update={"phases": (last.model_copy(update={"steps": (*last.steps, step)}),)})
    changed = replace(fitted, tables={"orders": replace(table, program=program)})
    with pytest.raises(GenerationError, match="the values break status.x != region") as error:
        plan(changed, [order(**{"status.x": "b", "region": "b", "total": "x"}), order(**{"status.x": "b", "region": "b"})])
    assert "2 faults" in str(error.value)
    assert plan(changed, [order(**{"status.x": "b", "region": "secret"}), order(**{"status.x": None})])
