"""Columns that say in which range a number lies, texts put together of other columns, and sums of many."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from synthohive_spark.kernels.dependencies.find import find_candidates
from synthohive_spark.kernels.dependencies.find_totals import find_totals
from synthohive_spark.kernels.dependencies.formulas import evaluate
from synthohive_spark.kernels.dependencies.parts_of_whole import within_whole
from synthohive_spark.kernels.dependencies.sample import Sample, Search
from synthohive_spark.spec.dependencies import AnyDependency, Bands, Linear, Written, described
from synthohive_spark.spec.encoding import NumberEncoding, TableEncoding

RNG = np.random.default_rng(4)
N = 2_000


def _found(columns: Mapping[str, pa.Array], types: dict[str, str], *targets: str) -> dict[str, AnyDependency]:
    texts = tuple(n for n, t in types.items() if t in ("string", "boolean"))
    inputs = tuple(n for n in types if n not in texts)
    search = Search(types=types, targets=targets, inputs=inputs, discrete=texts, watched=tuple(types))
    kinds = ("bands", "written", "linear")
    return {c.target: c for c in find_candidates(Sample(columns, types, N), search) if c.kind in kinds}


def test_a_bracket_of_an_income() -> None:
    income = RNG.integers(0, 200_000, N)
    bracket = np.where(income < 20_000, "low", np.where(income < 80_000, "middle", "high"))
    types = {"income": "int", "bracket": "string"}
    columns = {"income": pa.array(income, pa.int32()), "bracket": pa.array(bracket)}
    rule = _found(columns, types, "bracket")["bracket"]
    assert isinstance(rule, Bands)
    assert rule.values == ("low", "middle", "high")
    assert np.allclose(rule.edges, (20_000, 80_000), rtol=0.01)
    assert described(rule, types) == "bracket by the range of income (3 ranges)"
    made = evaluate(rule, {"income": pa.array([0, 50_000, None, 190_000], pa.int32())}, types)
    assert made.to_pylist() == ["low", "middle", None, "high"]


def test_which_of_two_is_larger() -> None:
    home, away = RNG.integers(0, 6, (2, N))
    types = {"home": "int", "away": "int", "result": "string"}
    columns = {"home": pa.array(home, pa.int32()), "away": pa.array(away, pa.int32()), "result": pa.array(np.array(["A", "D", "H"])[np.sign(home - away) + 1])}
    rule = _found(columns, types, "result")["result"]
    assert isinstance(rule, Bands)
    assert (rule.determinants, rule.values) == (("home", "away"), ("A", "D", "H"))
    goals = {"home": pa.array([5, 0, 1], pa.int32()), "away": pa.array([0, 5, 1], pa.int32())}
    assert evaluate(rule, goals, types).to_pylist() == ["H", "A", "D"]


def test_chance_has_no_ranges() -> None:
    columns = {"x": pa.array(RNG.random(N)), "label": pa.array(RNG.choice(["a", "b"], N))}
    assert not _found(columns, {"x": "double", "label": "string"}, "label")


def test_a_code_of_year_region_and_number() -> None:
    year, number, region = RNG.integers(2019, 2024, N), np.arange(N), RNG.choice(["eu", "us"], N)
    code = [f"{y}-{r.upper()}-{n:05d}" for y, r, n in zip(year, region, number, strict=True)]
    types = {"year": "int", "region": "string", "number": "bigint", "code": "string"}
    columns = {"year": pa.array(year, pa.int32()), "region": pa.array(region), "number": pa.array(number), "code": pa.array(code)}
    rule = _found(columns, types, "code")["code"]
    assert isinstance(rule, Written)
    assert described(rule, types) == "code = year + '-' + region + '-' + number"
    rows = {"year": pa.array([2020, None], pa.int32()), "region": pa.array(["us", "eu"]), "number": pa.array([7, 8])}
    assert evaluate(rule, rows, types).to_pylist() == ["2020-US-00007", None]


def test_amounts_and_dates_in_text() -> None:
    days, amount = RNG.integers(18_000, 20_000, N).astype("datetime64[D]"), np.round(RNG.uniform(1, 9_000, N), 2)
    types = {"day": "date", "amount": "double", "day_text": "string", "price": "string"}
    columns = {
        "day": pa.array(days),
        "amount": pa.array(amount),
        "day_text": pa.array([d.strftime("%A, %d.%m.%Y") for d in days.tolist()]),
        "price": pa.array([f"{a:,.2f} EUR" for a in amount]),
    }
    found = _found(columns, types, "day_text", "price")
    rows = {"day": pa.array([19_000], pa.int32()).cast(pa.date32()), "amount": pa.array([1234.5])}
    assert [evaluate(found[n], rows, types).to_pylist() for n in ("day_text", "price")] == [["Saturday, 08.01.2022"], ["1,234.50 EUR"]]  # type: ignore[arg-type]


def test_totals_of_many_and_shares_of_a_whole() -> None:
    parts = RNG.integers(0, 50, (N, 6))
    columns = {f"q{i}": pa.array(parts[:, i]) for i in range(6)}
    columns |= {"total": pa.array(parts.sum(axis=1)), "rest": pa.array(400 - parts.sum(axis=1) - parts[:, 0])}
    found = _found(columns, dict.fromkeys(columns, "bigint"), "total")
    assert isinstance(found["total"], Linear)
    assert (set(found["total"].determinants), set(found["total"].factors)) == ({f"q{i}" for i in range(6)}, {1.0})


def test_days_that_count_the_first() -> None:
    first, days = RNG.integers(18_000, 20_000, N), RNG.integers(1, 15, N)
    types = {"first": "date", "days": "int", "last": "date"}
    columns = {"first": pa.array(first, pa.int32()).cast(pa.date32()), "days": pa.array(days, pa.int32())}
    columns["last"] = pa.array(first + days - 1, pa.int32()).cast(pa.date32())
    rule = _found(columns, types, "last")["last"]
    assert isinstance(rule, Linear)
    assert rule.constant == -1


def test_parts_leave_the_last_one_nothing_less_than_nothing() -> None:
    rule = Linear(target="cash", determinants=("stocks", "bonds"), factors=(-1.0, -1.0), constant=100.0, digits=(0, 0, 0))
    cash = NumberEncoding(name="cash", spark_type="bigint", has_null=False, weights=(1.0,), tokens=(0.0,))
    columns = {"stocks": pa.array([90, 20]), "bonds": pa.array([60, 30])}
    encoding = TableEncoding(table="t", rows=2, columns=(cash,))
    made = within_whole(rule, columns, dict.fromkeys(("stocks", "bonds", "cash"), "bigint"), encoding, (), ())
    assert {n: a.to_pylist() for n, a in made.items()} == {"stocks": [60, 20], "bonds": [40, 30]}
    assert not within_whole(rule, columns, {}, encoding, ("bonds",), ())


def test_zero_and_its_negative_are_one_value() -> None:
    zero = pa.array(np.where(np.arange(N) % 3, -0.0, 0.0))
    assert not _found({"zero": zero, "x": pa.array(RNG.random(N)), "y": pa.array(RNG.random(N) + 1)}, dict.fromkeys(("zero", "x", "y"), "double"), "zero")


def test_a_greatest_date_is_not_zero_without_rows() -> None:
    rows = RNG.integers(1, 5, 500)
    greatest = RNG.integers(18_000, 20_000, 500).astype(float)
    found = find_totals(greatest[:, None], greatest[:, None], rows, (False,), (0,), (False,))
    assert [f.empty for f in found] == ["drawn"]


def test_a_label_of_few_rows_is_in_no_range() -> None:
    income = np.sort(RNG.integers(0, 200_000, N))
    label = np.where(income < 90_000, "low", "high").astype(object)
    label[-3:] = "one of us"
    columns, types = {"income": pa.array(income, pa.int32()), "label": pa.array(label)}, {"income": "int", "label": "string"}
    search = Search(types=types, targets=("label",), inputs=("income",), discrete=("label",), watched=("income", "label"), min_rows=10)
    found = find_candidates(Sample(columns, types, N), search)
    assert [c.values for c in found if isinstance(c, Bands)] in ([], [("low", "high")])


def test_a_large_column_hides_no_sum_of_small_ones() -> None:
    parts = RNG.integers(0, 10, (4, N))
    columns = {f"q{i}": pa.array(part) for i, part in enumerate(parts)} | {"t": pa.array(parts.sum(axis=0)), "revenue": pa.array(RNG.integers(0, 10**10, N))}
    rule = _found(columns, dict.fromkeys(columns, "bigint"), "t")["t"]
    assert isinstance(rule, Linear) and set(rule.determinants) == {"q0", "q1", "q2", "q3"}


def test_dates_at_the_ends_of_the_calendar_have_texts() -> None:
    days = pa.array([-719_162, 2_932_896, 2_932_897, None], pa.int32())
    rule = Written(target="t", determinants=("day",), pieces=(("day", "", "%Y"), ("", "-", ""), ("day", "", "%m")))
    made = evaluate(rule, {"day": days.view(pa.date32())}, {"day": "date", "t": "string"})
    assert made.to_pylist() == ["0001-01", "9999-12", None, None]


def test_a_name_and_its_capitals_are_both_put_together() -> None:
    first, last = RNG.choice(["Ann", "Bob", "Cleo", "Dan"], N), RNG.choice(["Ito", "Kim", "Lee", "Moss"], N)
    full = [f"{f} {n}" for f, n in zip(first, last, strict=True)]
    columns = {"first": pa.array(first), "last": pa.array(last), "full": pa.array(full), "caps": pa.array([text.upper() for text in full])}
    found = _found(columns, dict.fromkeys(columns, "string"), "full", "caps")
    assert {name: rule.determinants for name, rule in found.items()} == {"full": ("first", "last"), "caps": ("first", "last")}
    alone = {name: columns[name] for name in ("full", "caps")}
    assert _found(alone, dict.fromkeys(alone, "string"), "caps")["caps"].determinants == ("full",)
