"""Columns that are the greatest, the least or the first of others: found where rows show it, and kept."""

from __future__ import annotations

import datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from synthohive_spark.kernels.columns.types import arrow_type
from synthohive_spark.kernels.dependencies.choose import choose
from synthohive_spark.kernels.dependencies.derive import derive_columns
from synthohive_spark.kernels.dependencies.find import find_candidates
from synthohive_spark.kernels.dependencies.formulas import evaluate, holds
from synthohive_spark.kernels.dependencies.sample import Sample, Search
from synthohive_spark.spec.dependencies import Pick, described
from synthohive_spark.spec.encoding import NumberEncoding, TableEncoding
from synthohive_spark.spec.program import Phase, TableProgram
from synthohive_spark.spec.steps import Derive, Draw

ROWS = 4_000


def rules(columns: dict[str, pa.Array], types: dict[str, str], **limits: object) -> set[str]:
    """What is found and chosen, in words."""
    sample = Sample({n: a.cast(arrow_type(types[n])) for n, a in columns.items()}, types, ROWS)
    numbers = tuple(n for n, kind in types.items() if kind not in ("string", "boolean"))
    found = find_candidates(sample, Search(types=types, targets=tuple(types), inputs=numbers, discrete=()).model_copy(update=limits))
    return {described(f, types) for f in choose([f for f in found if f.kind not in ("order", "unequal", "absence")], (), types)}


def drawn(seed: int, high: int, null: float = 0.0) -> list[int | None]:
    rng = np.random.default_rng(seed)
    values, gone = rng.integers(0, high, ROWS), rng.random(ROWS) < null
    return [None if away else int(value) for value, away in zip(values, gone, strict=True)]


def ends(*columns: list[int | None], way: object = max) -> list[int | None]:
    rows = ([v for v in row if v is not None] for row in zip(*columns, strict=True))
    return [way(row) if row else None for row in rows]  # type: ignore[operator]


@pytest.mark.parametrize("kind", ["bigint", "decimal(20,2)", "double", "date", "timestamp", "timestamp_ntz"])
def test_the_greatest_and_the_least_of_some_pass_over_nulls(kind: str) -> None:
    a, b, c, other = drawn(0, 9_000), drawn(1, 9_000, 0.4), drawn(2, 9_000, 0.7), drawn(3, 9_000)
    columns = {"a": a, "b": b, "c": c, "other": other, "last": ends(a, b, c), "first": ends(b, c, way=min)}
    start = datetime.datetime(2020, 1, 1)
    made = {
        "date": lambda v: start.date() + datetime.timedelta(days=v),
        "timestamp": lambda v: start + datetime.timedelta(minutes=v),
        "timestamp_ntz": lambda v: start + datetime.timedelta(minutes=v),
        "decimal(20,2)": lambda v: Decimal(v).scaleb(-2),
        "double": lambda v: v / 8,
    }.get(kind, lambda v: v)
    arrays = {n: pa.array([None if v is None else made(v) for v in values], arrow_type(kind)) for n, values in columns.items()}
    types = dict.fromkeys(columns, kind)
    assert rules(arrays, types) == {"last = greatest(a, b, c)", "first = least(b, c)"}
    rule = Pick(target="last", determinants=("a", "b", "c"), way="greatest")
    assert evaluate(rule, arrays, types).equals(arrays["last"])
    assert holds(rule, arrays, types).all()


def test_the_first_that_is_there_in_the_order_that_rows_show() -> None:
    nick, first, mobile, landline, office = drawn(0, 900, 0.6), drawn(1, 900), drawn(2, 900, 0.5), drawn(3, 900, 0.5), drawn(4, 900, 0.5)
    columns = {"mobile": mobile, "landline": landline, "office": office, "nick": nick, "first": first}
    columns["shown"] = [f if n is None else n for n, f in zip(nick, first, strict=True)]
    columns["phone"] = [next((v for v in row if v is not None), None) for row in zip(office, mobile, landline, strict=True)]
    texts = {n: pa.array([None if v is None else f"{n[0] if n not in ('shown', 'phone') else ''}{v}x" for v in values]) for n, values in columns.items()}
    texts |= {n: pa.array([None if v is None else f"{v}x" for v in values]) for n, values in columns.items()}
    assert rules(texts, dict.fromkeys(columns, "string")) == {"shown = coalesce(nick, first)", "phone = coalesce(office, mobile, landline)"}


def test_what_chance_makes_is_none() -> None:
    a, b = drawn(0, 900), drawn(1, 900)
    broken = [v + 1 if i % 50 == 0 else v for i, v in enumerate(ends(a, b)) if v is not None]
    always = [v + 900 for v in a if v is not None]  # is the greatest of both, by itself
    columns = {"a": pa.array(a), "b": pa.array(b), "broken": pa.array(broken)}
    assert rules(columns, dict.fromkeys(columns, "bigint")) == set()
    columns = {"a": pa.array(a), "b": pa.array(always), "last": pa.array(always)}
    assert not any("greatest" in rule for rule in rules(columns, dict.fromkeys(columns, "bigint")))
    columns = {"a": pa.array(a), "b": pa.array(b), "last": pa.array(ends(a, b))}
    assert rules(columns, dict.fromkeys(columns, "bigint"), bounded=("last",)) == set()


def test_orders_between_the_columns_that_are_picked_from_stay() -> None:
    rng = np.random.default_rng(0)
    made, seen = rng.integers(0, 9_000, ROWS), rng.integers(0, 9_000, ROWS)
    changed = pa.array(made + rng.integers(0, 3_000, ROWS), mask=rng.random(ROWS) < 0.3)
    columns = {"made": pa.array(made), "changed": changed, "seen": pa.array(seen)}
    columns["last"] = pa.array(ends(*(a.to_pylist() for a in columns.values())))
    types = dict.fromkeys(columns, "bigint")
    found = find_candidates(Sample(columns, types, ROWS), Search(types=types, targets=tuple(types), inputs=tuple(types), discrete=(), ordered=tuple(types)))
    assert {described(f, types) for f in found if f.kind == "order"} == {"changed >= made"}


def test_a_target_that_is_never_null_has_one_to_pick_from() -> None:
    """Drawn on their own, both can be null: then the last is drawn there once more, unless it is a key."""
    rule = Pick(target="phone", determinants=("mobile", "landline"), way="first")
    columns = (("mobile", "bigint", True), ("landline", "bigint", True), ("phone", "bigint", True))
    phase = Phase(steps=(Draw(columns=("mobile", "landline")), Derive(dependencies=(rule,))))
    program = TableProgram(table="t", rows=9, columns=columns, phases=(phase,))
    number = [NumberEncoding(name=n, spark_type="bigint", has_null=n != "phone", weights=(0.5, 0.5)[n == "phone" :], tokens=(7.0,)) for n, _, _ in columns]
    encoding = TableEncoding(table="t", rows=9, columns=tuple(number))
    there = {"mobile": pa.array([1, None, None]), "landline": pa.array([2, 3, None])}
    made = derive_columns(there, [rule], program, encoding, np.random.default_rng(0))
    assert made["phone"].to_pylist() == [1, 3, 7]
    assert made["landline"].to_pylist() == [2, 3, 7]
    held = derive_columns(there, [rule], program, encoding, np.random.default_rng(0), held={"landline": np.array([False, False, True])})
    assert held["phone"].to_pylist() == [1, 3, 7]
    assert "landline" not in held
