"""Counting on which rows rules hold."""

from __future__ import annotations

import pyarrow as pa

from synthohive_spark.kernels.dependencies.held import count_held
from synthohive_spark.spec.dependencies import Absence, AnyDependency, Linear, Lookup, Order, Unequal


def test_rows_that_rules_speak_of_and_that_break_them() -> None:
    types = {"a": "int", "b": "int", "c": "string", "d": "string"}
    columns = {"a": [1, 2, 3, None], "b": [2, 4, 7, 8], "c": ["x", "y", "x", "z"], "d": ["p", "q", "q", None]}
    batch = pa.record_batch([pa.array(columns[n], pa.int32() if types[n] == "int" else pa.string()) for n in types], names=["0", "1", "2", "3"])
    rules: list[AnyDependency] = [
        Linear(target="b", determinants=("a",), factors=(2.0,), digits=(0, 0)),
        Order(target="b", determinants=("a",), at_least=("a",)),
        Lookup(target="d", determinants=("c",), keys=(("x", "y"),), values=("p", "q"), counts=(5, 5)),
        Absence(target="d", determinants=("c",), values=("z",)),
        Unequal(target="d", determinants=("c",)),
    ]
    (lines,) = count_held(iter([batch, batch]), names=tuple(types), rules=rules, types=types)
    found = list(zip(lines.column("rows").to_pylist(), lines.column("broken").to_pylist(), strict=True))
    assert found == [(6, 2), (6, 0), (6, 2), (8, 0), (6, 0)]
