"""Columns that are always in order: found where chance would break it, drawn as a distance or moved, and turned round where a value is asked for."""

from __future__ import annotations

import datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from synthohive_spark.kernels.columns.types import arrow_type
from synthohive_spark.kernels.dependencies.choose_orders import with_orders
from synthohive_spark.kernels.dependencies.find_orders import find_orders
from synthohive_spark.kernels.dependencies.orders import in_order, keep_order
from synthohive_spark.kernels.dependencies.sample import Sample, Search
from synthohive_spark.kernels.dependencies.turned import turn_round
from synthohive_spark.spec.dependencies import Linear, Order, described
from synthohive_spark.spec.encoding import NumberEncoding
from synthohive_spark.spec.hidden import distance_column

ROWS = 2_000
DAY = datetime.date(2024, 1, 1)
NOON = datetime.datetime(2024, 1, 1, 12)


def search(types: dict[str, str], **more: object) -> Search:
    return Search(types=types, targets=tuple(types), inputs=tuple(types), discrete=(), ordered=tuple(types), zone="Europe/Berlin", **more)  # type: ignore[arg-type]


def found(columns: dict[str, pa.Array], types: dict[str, str], **more: object) -> list[Order]:
    sample = Sample({n: a.cast(arrow_type(types[n])) for n, a in columns.items()}, types, len(next(iter(columns.values()))))
    return find_orders(sample, search(types, **more), ())


def numbers(*names: str, seed: int = 0) -> tuple[np.random.Generator, dict[str, str]]:
    return np.random.default_rng(seed), dict.fromkeys(names, "bigint")


def number_encoding(name: str, kind: str, low: float, high: float) -> NumberEncoding:
    return NumberEncoding(name=name, spark_type=kind, has_null=True, weights=(0.5, 0.5), knots=(low, high))


def test_columns_in_order_are_found_and_chance_is_not() -> None:
    rng, types = numbers("low", "high", "other", "size")
    low = rng.integers(0, 1000, ROWS)
    columns = {"low": low, "high": low + rng.integers(0, 50, ROWS), "other": rng.integers(0, 1000, ROWS), "size": rng.integers(50_000, 90_000, ROWS)}
    pairs = found({n: pa.array(v) for n, v in columns.items()}, types)
    assert [(p.determinants, p.target) for p in pairs] == [(("low",), "high")]  # `size` is above all others in any row: no rule
    assert pairs[0].spreads is not None and pairs[0].spreads[0] < 0.1


def test_a_few_rows_out_of_order_are_pardoned_and_more_are_not() -> None:
    rng, types = numbers("low", "high")
    low = rng.integers(0, 1000, ROWS)
    for broken, holds in ((8, True), (40, False)):
        high = low + 10 - 20 * (np.arange(ROWS) < broken)
        assert bool(found({"low": pa.array(low), "high": pa.array(high)}, types)) is holds


def test_a_date_and_a_time_are_compared_on_the_clock_of_the_zone() -> None:
    rng = np.random.default_rng(1)
    days = rng.integers(19_000, 19_700, ROWS)
    types = {"ordered": "date", "sent": "timestamp"}
    sent = days * 86_400_000_000 - 3_600_000_000 + rng.integers(0, 10**11, ROWS)  # midnight in Berlin is an hour or two before that of UTC
    pairs = found({"ordered": pa.array(days, pa.int32()), "sent": pa.array(sent)}, types)
    assert [(p.target, p.unit, p.zone) for p in pairs] == [("sent", "clock", "Europe/Berlin")]


def test_chains_are_drawn_as_distances_from_the_nearest() -> None:
    rng, types = numbers("a", "b", "c")
    a = rng.integers(0, 1000, ROWS)
    b = a + rng.integers(0, 30, ROWS)
    c = b + rng.integers(0, 30, ROWS)
    pairs = found({"a": pa.array(a), "b": pa.array(b), "c": pa.array(c)}, types)
    chosen = with_orders([], pairs, search(types))
    assert sorted(described(d, types) for d in chosen) in (["b >= a", "c >= b"], ["a <= b", "c >= b"], ["a <= b", "b <= c"], ["b <= c", "c >= a"])
    assert all(isinstance(d, Order) and d.base is not None for d in chosen)


def test_columns_that_follow_from_others_are_never_moved() -> None:
    rng, types = numbers("a", "b", "c")
    a = rng.integers(0, 1000, ROWS)
    pairs = found({"a": pa.array(a), "b": pa.array(a + rng.integers(0, 30, ROWS)), "c": pa.array(rng.integers(0, 9, ROWS))}, types)
    rule = Linear(target="b", determinants=("c",), factors=(2.0,), digits=(0, 0))
    chosen = with_orders([rule], pairs, search(types))
    assert [(d.kind, d.target) for d in chosen] == [("linear", "b"), ("order", "a")]
    assert with_orders([rule, rule.model_copy(update={"target": "a"})], pairs, search(types)) == [rule, rule.model_copy(update={"target": "a"})]


def test_a_column_far_from_the_other_is_moved_only_where_it_breaks_the_order() -> None:
    order = Order(target="part", determinants=("whole",), at_most=("whole",))
    columns = {"part": pa.array([5, 80, None, 70, 9]), "whole": pa.array([50, 60, 10, None, 3])}
    types = dict.fromkeys(columns, "bigint")
    kept = keep_order(order, columns, types, number_encoding("part", "bigint", 0, 100)).to_pylist()
    assert kept == [5, 5, None, 70, 3]  # the nearest drawn value below 60, and the bound where there is none
    held = keep_order(order, columns, types, number_encoding("part", "bigint", 0, 100), np.array([False, True, False, False, False]))
    assert held.to_pylist()[1] == 80


@pytest.mark.parametrize(
    ("kind", "base", "far", "expected"),
    [
        ("bigint", [10, None], [3, 4], [13, None]),
        ("date", [DAY, None], [3, 4], [DAY + datetime.timedelta(days=3), None]),
        ("timestamp_ntz", [NOON, NOON], [60_000_000, None], [NOON + datetime.timedelta(minutes=1), None]),
        ("decimal(9,2)", [Decimal("1.25"), None], [150, 1], [Decimal("2.75"), None]),
        ("double", [1.25, None], [150, 1], [2.75, None]),
    ],
)
def test_a_distance_is_added_exactly(kind: str, base: list[object], far: list[int | None], expected: list[object]) -> None:
    distance = distance_column("end")
    digits = 2 if kind in ("decimal(9,2)", "double") else 0
    order = Order(target="end", determinants=(distance, "start"), at_least=("start",), base="start", digits=digits)
    columns = {"start": pa.array(base, arrow_type(kind)), distance: pa.array(far, pa.int64())}
    wide = number_encoding("end", kind, -1e17, 1e17)
    assert keep_order(order, columns, {"start": kind, "end": kind}, wide).to_pylist() == expected


def test_a_time_never_falls_before_its_date_where_the_clock_changes() -> None:
    distance = distance_column("sent")
    order = Order(target="sent", determinants=(distance, "day"), at_least=("day",), base="day", unit="clock", zone="Europe/Berlin")
    days = pa.array(np.arange(19_700, 20_100), pa.int32()).cast(pa.date32())
    columns = {"day": days, distance: pa.array(np.arange(400) * 300_000_000)}
    types = {"day": "date", "sent": "timestamp"}
    sent = keep_order(order, columns, types, number_encoding("sent", "timestamp", -1e18, 1e18))
    assert in_order(order, columns | {"sent": sent}, types).all()


def test_the_real_range_is_kept_where_the_order_lets_it() -> None:
    distance = distance_column("end")
    order = Order(target="end", determinants=(distance, "start"), at_least=("start",), base="start")
    columns = {"start": pa.array([90, 120]), distance: pa.array([30, 30])}
    kept = keep_order(order, columns, dict.fromkeys(("start", "end"), "bigint"), number_encoding("end", "bigint", 0, 100))
    assert kept.to_pylist() == [100, 120]


def test_asked_values_move_what_they_are_drawn_from() -> None:
    b, c = distance_column("b"), distance_column("c")
    chain = [
        Order(target="b", determinants=(b, "a"), at_least=("a",), base="a"),
        Order(target="c", determinants=(c, "b"), at_least=("b",), base="b"),
    ]
    columns = {"a": pa.array([1, 2, 3]), b: pa.array([10, 20, 30]), c: pa.array([100, 200, 300])}
    asked = {"c": (pa.array([500, 500, 500]), np.array([True, False, True])), "a": (pa.array([1, 2, 390]), np.array([False, False, True]))}
    changed = turn_round(columns, chain, asked, dict.fromkeys("abc", "bigint"))
    there = columns | changed
    assert there["a"].to_pylist() == [390, 2, 390]
    assert there[b].to_pylist() == [10, 20, 0]  # 500 less 300 is before 390
    assert there[c].to_pylist() == [100, 200, 300]


FORMS = {
    "%Y%m%d": ("int", 86_400),
    "%d/%m/%Y": ("string", 86_400),
    "%d-%b-%Y": ("string", 86_400),
    "%Y-%m-%dT%H:%M:%SZ": ("string", 1),
    "%d.%m.%Y %H:%M": ("string", 60),
    "%Y%m%d%H%M%S": ("string", 1),
    "%H:%M": ("string", 60),
}


def in_text(seconds: np.ndarray, form: str) -> pa.Array:
    """Times that `seconds` after the beginning of 2023 are, in the type of their form; the first is null."""
    start = 0 if "%Y" not in form else 1_672_531_200
    texts = pa.compute.strftime(pa.array(start + seconds).cast(pa.timestamp("s")), format=form)
    return pa.compute.if_else(pa.array(np.arange(len(seconds)) > 0), texts, None).cast(arrow_type(FORMS[form][0]))


@pytest.mark.parametrize("form", FORMS)
def test_dates_and_times_in_text_are_in_order_like_real_ones(form: str) -> None:
    kind, unit = FORMS[form]
    rng = np.random.default_rng(4)
    span = 86_400 // 2 if "%Y" not in form else 300 * 86_400
    first = rng.integers(0, span // unit, ROWS) * unit
    later = first + rng.integers(0, 12 if "%Y" not in form else 40, ROWS) * (3_600 if "%Y" not in form else 86_400)
    types, forms = {"first": kind, "later": kind}, dict.fromkeys(("first", "later"), form)
    columns = {"first": in_text(first, form), "later": in_text(np.minimum(later, 2 * span - unit), form)}
    pairs = found(columns, types, forms=forms)
    assert [(p.determinants, p.target, p.unit) for p in pairs] == [(("first",), "later", "clock")]
    (order,) = with_orders([], pairs, search(types, forms=forms))
    assert isinstance(order, Order) and order.forms == forms and described(order, types) in ("later >= first", "first <= later")
    low, high = (float(v) for v in ((0, 2 * span * 10**6) if "%Y" not in form else (19_000 * 10**6 * 86_400, 20_500 * 10**6 * 86_400)))
    per = 1 if "%H" in form else 86_400 * 10**6
    encoding = number_encoding(order.target, kind, low / per, high / per).model_copy(update={"form": form})
    other = "first" if order.target == "later" else "later"
    if order.distance is not None:
        drawn = {other: columns[other], order.distance: pa.array(rng.integers(0, span // 4, ROWS) * 10**6 + 1)}
        made = keep_order(order, drawn, types, encoding)
        assert in_order(order, {other: columns[other], order.target: made}, types).all() and made.type == arrow_type(kind)
        shown = in_text_again(made, form)
        assert shown.equals(made.cast(pa.string())) and made.null_count == 1
    moved = keep_order(order.model_copy(update={"base": None}), {"first": columns["later"], "later": columns["first"]}, types, encoding)
    assert in_order(order, {**{"first": columns["later"], "later": columns["first"]}, order.target: moved}, types).all()


def in_text_again(array: pa.Array, form: str) -> pa.Array:
    return pa.compute.strftime(pa.compute.strptime(array.cast(pa.string()), format=form, unit="s"), format=form)


def test_dates_in_text_beside_a_real_date_and_a_moment() -> None:
    rng = np.random.default_rng(5)
    days = rng.integers(19_000, 19_700, ROWS)
    types = {"on": "date", "sent": "timestamp", "told": "string", "number": "int"}
    forms = {"told": "%d/%m/%Y", "number": "%Y%m%d"}
    later = days + rng.integers(0, 20, ROWS)
    text = pa.array(later * 86_400).cast(pa.timestamp("s"))
    columns = {
        "on": pa.array(days, pa.int32()),
        "sent": pa.array(later * 86_400_000_000 + 10**11),  # past 24 hours on any clock
        "told": pa.compute.strftime(text, format="%d/%m/%Y"),
        "number": pa.compute.strftime(text, format="%Y%m%d").cast(pa.int32()),
    }
    pairs = found(columns, types, forms=forms)
    assert {(p.determinants[0], p.target) for p in pairs} >= {("on", "sent"), ("on", "told"), ("on", "number"), ("told", "sent"), ("number", "sent")}
    chosen = with_orders([], pairs, search(types, forms=forms))
    assert {d.target for d in chosen if isinstance(d, Order) and d.base} == set(types) - {next(n for n in types if n not in {d.target for d in chosen})}
    for order in (d for d in chosen if isinstance(d, Order)):
        asked = columns[order.target]
        out = turn_round({**columns, order.distance or "": pa.array([10**9] * ROWS)}, [order], {order.target: (asked, np.ones(ROWS, dtype=bool))}, types)
        assert in_order(order, {**columns, **out}, types).all()


def test_times_of_the_day_and_dates_are_not_compared() -> None:
    rng = np.random.default_rng(6)
    types = {"at": "string", "on": "date"}
    minutes = pa.array(rng.integers(0, 1440, ROWS) * 60).cast(pa.timestamp("s"))
    columns = {"at": pa.compute.strftime(minutes, format="%H:%M"), "on": pa.array(rng.integers(19_000, 19_700, ROWS), pa.int32())}
    assert found(columns, types, forms={"at": "%H:%M"}) == []
