"""Columns that are never equal: found where chance would make them so, and drawn again where they are."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from step_blocks import block, labels

from synthohive_spark.kernels.columns.types import arrow_type
from synthohive_spark.kernels.dependencies.derive import derive_columns
from synthohive_spark.kernels.dependencies.find_unequal import find_unequal, with_unequal
from synthohive_spark.kernels.dependencies.sample import Sample, Search
from synthohive_spark.kernels.dependencies.unequal import is_apart, keep_apart
from synthohive_spark.kernels.redraw import Redrawing
from synthohive_spark.kernels.steps import APPLY
from synthohive_spark.spec.dependencies import AnyDependency, Copy, Linear, Lookup, Order, Unequal, described
from synthohive_spark.spec.encoding import NumberEncoding, TableEncoding
from synthohive_spark.spec.program import Phase, TableProgram
from synthohive_spark.spec.steps import Derive, Draw

ROWS = 2_000
RNG = np.random.default_rng(0)


def apart(values: list, size: int = ROWS, seed: int = 1) -> tuple[list, list]:
    """Two columns of these values that are never equal."""
    rng = np.random.default_rng(seed)
    first = rng.integers(0, len(values), size)
    second = (first + rng.integers(1, len(values), size)) % len(values)
    return [values[i] for i in first], [values[i] for i in second]


def search(types: Mapping[str, str], **more: object) -> Search:
    names = tuple(types)
    fields = {"targets": names, "inputs": names, "discrete": names, "apart": names, "movable": names}
    return Search(types=dict(types), **{**fields, **more})  # type: ignore[arg-type]


def found(columns: Mapping[str, list], types: Mapping[str, str], **more: object) -> list[Unequal]:
    arrays = {n: pa.array(v, arrow_type(types[n])) for n, v in columns.items()}
    return find_unequal(Sample(arrays, types, len(next(iter(columns.values())))), search(types, **more), ())


@pytest.mark.parametrize(
    ("values", "kinds"),
    [
        (["LHR", "JFK", "é", ""], ("string", "string")),
        ([1, 2, 3], ("int", "bigint")),
        ([Decimal("1.50"), Decimal("2.00"), Decimal(3)], ("decimal(10,2)", "decimal(38,2)")),
        ([datetime.date(2024, 1, i) for i in range(1, 20)], ("date", "date")),
    ],
)
def test_what_is_never_equal_is_found(values: list, kinds: tuple[str, str]) -> None:
    first, second = apart(values)
    pairs = found({"a": first, "b": second}, {"a": kinds[0], "b": kinds[1]})
    assert [(p.share, {p.target, *p.determinants}) for p in pairs] == [(1.0, {"a", "b"})]
    assert pairs[0].chance == pytest.approx(1 / len(values), rel=0.2)


def test_nulls_differ_and_a_few_errors_are_pardoned() -> None:
    first, second = apart(list("abcd"))
    first[:300], second[200:500] = [None] * 300, [None] * 300
    for errors, there in ((5, True), (40, False)):
        columns = {"a": first[:], "b": second[:]}
        columns["a"][600 : 600 + errors] = columns["b"][600 : 600 + errors]
        assert bool(found(columns, {"a": "string", "b": "string"})) is there


def test_chance_is_no_rule() -> None:
    types = dict.fromkeys(("a", "b", "other", "rare", "x"), "string") | {"n": "bigint", "f": "boolean", "g": "boolean"}
    columns = {
        "a": RNG.choice(list("abc"), ROWS).tolist(),
        "b": RNG.choice(list("abc"), ROWS).tolist(),  # equal as often as by chance
        "other": RNG.choice(list("xyz"), ROWS).tolist(),  # never equal, and could not be
        "rare": np.where(np.arange(ROWS) < 10, "a", "w").tolist(),  # would be equal in 3 rows
        "x": [f"k{i}" for i in range(ROWS)],
        "n": list(range(ROWS)),
        "f": [True] * (ROWS // 2) + [False] * (ROWS // 2),
        "g": [False] * (ROWS // 2) + [True] * (ROWS // 2),
    }
    assert found(columns, types) == []


def test_one_of_two_gives_way_that_nothing_else_is_known_of() -> None:
    types = dict.fromkeys("abcd", "string")
    one, two = apart(list("pqrst"))
    three = [next(v for v in "pqrst" if v not in (x, y)) for x, y in zip(one, two, strict=True)]
    pairs = found({"a": one, "b": two, "c": three}, {n: "string" for n in "abc"})
    chosen = with_unequal([], pairs, search(types))
    assert sorted(n for d in chosen for n in described(d, types).split(", ")) in (
        [["a != b", "a != c", "b != c"], ["b != a", "c != a", "c != b"], ["a != b", "a != c", "c != b"], ["b != a", "b != c", "c != a"]]
        + [["a != b", "c != a", "c != b"], ["a != c", "b != a", "b != c"], ["a != c", "b != c", "b != a"]]
    )
    lone = Unequal(target="a", determinants=("b",))
    copy = Copy(target="a", determinants=("d",))
    assert [described(d, types) for d in with_unequal([copy], [lone], search(types))] == ["a = d", "b != a"]
    both: list[AnyDependency] = [copy, Copy(target="b", determinants=("c",))]
    assert with_unequal(both, [lone], search(types)) == both
    assert with_unequal([Copy(target="b", determinants=("a",))], [lone], search(types)) == [Copy(target="b", determinants=("a",))]
    order = Order(target="b", determinants=("a",), at_least=("a",))
    assert with_unequal([order], [lone], search(types)) == [order]  # what is in order differs by itself
    assert with_unequal([], [lone], search(types, movable=("b",))) == [Unequal(target="b", determinants=("a",))]
    assert with_unequal([], [lone], search(types)) == [lone.model_copy(update={"free": ("b",)})]


TYPES = {"home": "string", "away": "string", "km": "int", "twice": "int"}
TEAMS = TableEncoding(
    table="t",
    rows=ROWS,
    columns=(
        labels("home", "x", "y", "z", counts=[1, 2, 7]),
        labels("away", "x", "y", "z"),
        *(labels(name, *values, spark_type="int") for name, values in (("km", (1, 2, 3)), ("twice", (2, 4, 6)))),
    ),
)
PROGRAM = TableProgram(table="t", rows=ROWS, columns=tuple((n, t, True) for n, t in TYPES.items()), phases=(Phase(steps=(Draw(columns=tuple(TYPES)),)),))
PAIR = Unequal(target="home", determinants=("away",))


def test_only_rows_that_are_equal_change_and_what_follows_follows() -> None:
    columns = {n: pa.array(RNG.choice(list("xyz"), ROWS)) for n in ("home", "away")} | {"km": pa.array(RNG.integers(1, 4, ROWS), pa.int32())}
    columns["away"] = pa.compute.if_else(pa.array(np.arange(ROWS) % 10 > 0), columns["away"], None)
    equal = ~is_apart(PAIR, columns, TYPES)
    rules: list[AnyDependency] = [PAIR, Linear(target="twice", determinants=("km",), factors=(2.0,), digits=(0, 0))]
    out = derive_columns(columns, rules, PROGRAM, TEAMS, np.random.default_rng(1))
    assert is_apart(PAIR, columns | out, TYPES).all() and out["home"].null_count == 0
    kept = pa.compute.equal(out["home"], columns["home"]).to_numpy(zero_copy_only=False)
    assert (kept == ~equal).all()
    drawn = out["home"].filter(pa.array(equal)).to_pylist()
    assert drawn.count("z") > 2 * drawn.count("x")  # by the column's own shares


def test_a_combination_that_is_replaced_stays_apart() -> None:
    rows = 600
    columns = {"home": pa.array(["x"] * rows), "away": pa.array(["x", "y", "z"] * (rows // 3))}
    routes = Lookup(target="km", determinants=("home", "away"), keys=(("y", "z", "z"), ("x", "x", "y")), values=(1, 2, 3), counts=(10, 10, 10))
    out = derive_columns(columns, [PAIR, routes], PROGRAM, TEAMS, np.random.default_rng(1))
    assert is_apart(PAIR, columns | out, TYPES).all() and out["km"].null_count == 0
    alone = Lookup(target="km", determinants=("home", "twice"), keys=(("x", "y"), (1, 2)), values=(1, 2), counts=(10, 10))
    more = columns | {"twice": pa.array([2, 1] * (rows // 2), pa.int32())}
    out = derive_columns(more, [PAIR, alone], PROGRAM, TEAMS, np.random.default_rng(1))
    assert is_apart(PAIR, more | out, TYPES).all()


def test_given_values_stay_and_the_other_column_moves() -> None:
    columns = {"home": pa.array(["x", "x", "x"]), "away": pa.array(["x", "x", "y"])}
    held = {"home": np.array([True, False, False])}
    pair = PAIR.model_copy(update={"free": ("away",)})
    out = columns | derive_columns(columns, [pair], PROGRAM, TEAMS, np.random.default_rng(1), held=held)
    assert out["home"][0].as_py() == "x" and out["away"][1].as_py() == "x" and is_apart(pair, out, TYPES).all()


def test_the_commonest_other_label_is_taken_where_none_is_drawn() -> None:
    columns = {"home": pa.array(["z"] * 5), "away": pa.array(["z"] * 5)}
    out = keep_apart(PAIR, columns, TYPES, TEAMS, lambda name, rows, there: there[name].take(pa.array(rows)), {}, RNG)
    assert out["home"].to_pylist() == ["y"] * 5


def test_a_number_that_nearly_all_rows_have_gives_way() -> None:
    number = NumberEncoding(name="a", spark_type="int", has_null=True, weights=(0.05, 0.94, 0.01), tokens=(7.0, 8.0))
    encoding = TableEncoding(table="t", rows=50, columns=(number,))
    columns = {"a": pa.array([7] * 50, pa.int32()), "b": pa.array([7] * 50, pa.int64())}
    types = {"a": "int", "b": "bigint"}
    out = keep_apart(Unequal(target="a", determinants=("b",)), columns, types, encoding, lambda name, rows, _: pa.array([7] * len(rows), pa.int32()), {}, RNG)
    assert out["a"].to_pylist() == [8] * 50


def test_a_block_draws_again_without_a_model() -> None:
    encodings = (labels("home", "x", "y"), labels("away", "x", "y"))
    made = block({"home": "string", "away": "string"}, encodings, there={"home": ["x", "y"] * 5, "away": ["x"] * 10})
    program = made.plan.fitted.program
    assert program.draw.columns == ()
    assert set(Redrawing(made)("home", np.array([0, 3]), made.columns).to_pylist()) <= {"x", "y"}
    APPLY[Derive](Derive(dependencies=(PAIR,)), made)
    assert made.columns["home"].to_pylist() == ["y"] * 10
