"""Columns that are null exactly where another one says so: found where it is no accident, told in words, and kept on every generated row."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from test_dependencies_derive import counted, encoding, program

from synthohive_spark.kernels.dependencies.choose_absences import with_absences
from synthohive_spark.kernels.dependencies.derive import derive_columns
from synthohive_spark.kernels.dependencies.find import find_candidates
from synthohive_spark.kernels.dependencies.find_absences import find_absences
from synthohive_spark.kernels.dependencies.sample import Sample, Search
from synthohive_spark.spec.dependencies import Absence, AnyDependency, Linear, Lookup, Order, described

N = 4_000
RNG = np.random.default_rng(11)
STATUS = RNG.choice(["open", "closed", "lost", "new"], N, p=[0.3, 0.4, 0.2, 0.1])
NUMBERS = pd.Series(RNG.integers(0, 1_000, N)).astype("Int64")


def chosen(columns: dict[str, tuple[str, object]], absent: tuple[str, ...] | None = None, others: tuple[AnyDependency, ...] = ()) -> list[str]:
    """What is found and chosen, in words."""
    types = {name: kind for name, (kind, _) in columns.items()}
    arrays = {name: values if isinstance(values, pa.Array) else pa.array(values, from_pandas=True) for name, (_, values) in columns.items()}
    names = tuple(types)
    search = Search(types=types, targets=names, inputs=(), discrete=(), absent=names if absent is None else absent, watched=names, valued=names)
    found = find_absences(Sample(arrays, types, len(next(iter(arrays.values())))), search)
    return [described(d, types) for d in with_absences(others, found, search) if isinstance(d, Absence)]


def masked(where: np.ndarray, shuffled: int = 0) -> tuple[str, pd.Series]:
    """Numbers that are null there, but for a few rows."""
    where = where.copy()
    where[:shuffled] = ~where[:shuffled]
    return "bigint", NUMBERS.mask(where)


@pytest.mark.parametrize(
    ("where", "told"),
    [
        (STATUS == "open", "closed_at is null exactly when status = 'open'"),
        (STATUS != "open", "closed_at is null exactly when status != 'open'"),
        (np.isin(STATUS, ["open", "new"]), "closed_at is null exactly when status in ('new', 'open')"),
        (RNG.random(N) < 0.3, None),
        ((STATUS == "open") & (RNG.random(N) < 0.9), None),
        (np.arange(N) < 15, None),
    ],
)
def test_values_that_say_so(where: np.ndarray, told: str | None) -> None:
    assert chosen({"status": ("string", STATUS), "closed_at": masked(where)}) == ([told] if told else [])


def test_half_a_percent_of_exceptions_is_allowed_and_no_more() -> None:
    for shuffled, count in ((19, 1), (25, 0)):
        assert len(chosen({"status": ("string", STATUS), "closed_at": masked(STATUS == "open", shuffled)})) == count
    rare = np.arange(N) % 100 == 7
    assert len(chosen({"flag": ("boolean", rare), "x": masked(rare)})) == 1
    assert chosen({"flag": ("boolean", rare), "x": masked(rare, shuffled=8)}) == []  # eight exceptions to forty nulls


def test_booleans_numbers_and_nulls_say_so_too() -> None:
    flag = STATUS == "lost"
    assert chosen({"flag": ("boolean", flag), "x": masked(flag)}) == ["x is null exactly when flag = true"]
    assert chosen({"flag": ("boolean", flag), "x": masked(~flag)}) == ["x is null exactly when flag = false"]
    amount = np.where(flag, 0.0, RNG.gamma(2, 20, N))
    assert chosen({"amount": ("double", amount), "x": masked(flag)}) == ["x is null exactly when amount = 0"]
    code = pd.Series(RNG.integers(0, 3_000, N)).astype("Int64").mask(flag)
    assert chosen({"code": ("bigint", code), "x": masked(flag)}) == ["x is null exactly when code is null"]
    assert chosen({"code": ("bigint", code), "x": masked(~flag)}, absent=("x",)) == ["x is null exactly when code is not null"]
    level = pd.Series(np.where(STATUS == "new", None, STATUS))
    assert chosen({"level": ("string", level), "x": masked(np.isin(STATUS, ["new", "open"]))}) == ["x is null exactly when level in ('open', null)"]


def test_words_name_few_values() -> None:
    rule = Absence(target="x", determinants=("n",), values=(1_234_567, 2.5, True, "it's", None, 6, 7), within=False)
    assert described(rule, {}) == 'x is null exactly when n not in (1234567, 2.5, true, "it\'s", null and 2 more)'


def test_a_key_that_is_matched_later_says_so_by_its_status() -> None:
    types = {"x": "bigint", "flag": "boolean", "has": "boolean"}
    there = STATUS != "open"
    arrays = {"x": pa.array(masked(~there)[1], from_pandas=True), "flag": pa.array(there), "has": pa.array(there)}
    search = Search(types=types, targets=("x", "flag"), inputs=(), discrete=(), absent=("x",), watched=("has",), valued=("has",), said={"has": "agent"})
    found = find_candidates(Sample(arrays, types, N), search)
    assert [described(d, types) for d in found] == ["x is null exactly when agent is null"]
    opposite = Absence(target="x", determinants=("has",), values=(True,), said="agent")
    assert described(opposite, types) == "x is null exactly when agent is not null"


def test_columns_that_are_null_together_follow_the_first() -> None:
    where = RNG.random(N) < 0.4
    columns = {name: masked(where) for name in ("delivered_at", "delivered_by", "signature")}
    assert sorted(chosen(columns)) == [f"{name} is null exactly when delivered_at is null" for name in ("delivered_by", "signature")]
    status = {"status": ("string", STATUS), **{name: masked(STATUS == "open") for name in ("a", "b")}}
    assert sorted(chosen(status)) == [f"{name} is null exactly when status = 'open'" for name in ("a", "b")]


def test_many_values_of_few_rows_are_an_accident() -> None:
    ids = np.arange(N) // 2
    assert chosen({"id": ("bigint", ids), "x": masked(ids % 3 == 0)}) == []  # a value for every two rows
    names = np.array([f"n{i}" for i in RNG.integers(0, 3_000, N)])
    assert chosen({"name": ("string", names), "x": masked(np.isin(names, names[:300]))}) == []


def test_what_a_formula_tells_is_not_told_again_and_nothing_goes_round() -> None:
    where = RNG.random(N) < 0.4
    columns = {"a": masked(where), "b": masked(where)}
    follows = Linear(target="b", determinants=("a",), factors=(1.0,), digits=(0, 0))
    assert chosen(columns, others=(follows,)) == []
    assert chosen(columns, absent=("b",), others=(follows.model_copy(update={"gaps": True}),)) == ["b is null exactly when a is null"]
    status = Lookup(target="a", determinants=("status",))
    assert chosen({"status": masked(where), "a": columns["a"]}, others=(status,)) == []


def test_all_rows_decide() -> None:
    rule = Absence(target="x", determinants=("status",), values=("open",))
    types = {"status": "string", "x": "bigint"}
    for shuffled, holds in ((20, True), (21, False)):
        columns = {"status": pa.array(STATUS), "x": pa.array(masked(STATUS == "open", shuffled)[1], from_pandas=True)}
        found = counted(rule, columns, types)
        assert (found is not None) == holds and (found is None or found.share == pytest.approx(1 - shuffled / N))


TYPES = {"status": "string", "x": "int", "y": "int"}


def made(columns: dict[str, pa.Array], *rules: AnyDependency, held: dict[str, np.ndarray] | None = None) -> dict[str, pa.Array]:
    drawn = program(TYPES, ())
    return columns | derive_columns(columns, rules, drawn, encoding(TYPES), np.random.default_rng(0), held)


OPEN = Absence(target="x", determinants=("status",), values=("open",))
ROWS = {
    "status": pa.array(["open", "open", "x", "x", None, None]),
    "x": pa.array([1, None, 2, None, None, 3], pa.int32()),
    "y": pa.array([None, 5, None, 5, 5, None], pa.int32()),
}


def test_every_row_agrees_afterwards() -> None:
    out = made(ROWS, OPEN)["x"]
    assert out.is_null().to_pylist() == [True, True, False, False, False, False] and (out[2].as_py(), out[5].as_py()) == (2, 3)
    others = made(ROWS, OPEN.model_copy(update={"within": False}))["x"]
    assert others.is_null().to_pylist() == [False, False, True, True, True, True]
    with_null = made(ROWS, OPEN.model_copy(update={"values": ("open", None)}))["x"]
    assert with_null.is_null().to_pylist() == [True, True, False, False, True, True]
    together = made(ROWS, Absence(target="y", determinants=("x",)))["y"]
    assert together.is_null().to_pylist() == ROWS["x"].is_null().to_pylist()


def test_a_rule_gives_the_value_where_there_is_one() -> None:
    follows = Linear(target="x", determinants=("y",), factors=(2.0,), digits=(0, 0), gaps=True)
    columns = ROWS | {"y": pa.array([1, 2, 3, 4, 5, 6], pa.int32())}
    rules = with_absences([follows], [OPEN], Search(types=TYPES, targets=(), inputs=(), discrete=()))
    assert [d.kind for d in rules] == ["absence", "linear"]
    assert made(columns, *rules)["x"].to_pylist() == [None, None, 6, 8, 10, 12]


def test_distances_are_null_where_their_target_is() -> None:
    order = Order(target="y", determinants=("d", "x"), at_least=("x",), base="x")
    order = order.model_copy(update={"determinants": (str(order.distance), "x")})
    rules = with_absences([order], [Absence(target="y", determinants=("status",), values=("open",))], Search(types=TYPES, targets=(), inputs=(), discrete=()))
    assert [d.kind for d in rules] == ["absence", "order"] and isinstance(rules[0], Absence) and rules[0].drawn_as == order.distance


def test_asked_values_stay_and_their_determinant_turns() -> None:
    held = {"x": np.array([True, False, False, True, False, False])}
    out = made(ROWS, OPEN, held=held)
    assert out["x"].to_pylist()[0] == 1 and out["x"].to_pylist()[3] is None
    together = made(ROWS, Absence(target="x", determinants=("y",)), held={"x": np.array([True, True] + [False] * 4)})
    assert together["y"].is_null().to_pylist()[:2] == [False, True]
    # Row 0 keeps its value and is no longer open; row 3 keeps its null, and the column has no other value that would let it be.
    assert out["status"].to_pylist()[0] == "x" and out["status"].to_pylist()[1] == "open"
