"""Deriving columns: exact in every type, nulls where they belong, and only combinations that the real table has."""

from __future__ import annotations

import datetime
from collections import Counter
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from synthohive_spark.kernels.columns.types import arrow_type
from synthohive_spark.kernels.dependencies.combinations import confirmed_lookup, summed_keys, with_combinations
from synthohive_spark.kernels.dependencies.count import COUNTS, confirmed, count_batches
from synthohive_spark.kernels.dependencies.derive import derive_columns
from synthohive_spark.kernels.dependencies.formulas import evaluate, holds
from synthohive_spark.kernels.dependencies.inverse import turned_formula
from synthohive_spark.spec.dependencies import AnyDependency, Copy, DatePart, Linear, Lookup, Product, Quotient, Remainder, described
from synthohive_spark.spec.encoding import CategoryEncoding, NumberEncoding, TableEncoding
from synthohive_spark.spec.planning.derived import split_early, with_dependencies
from synthohive_spark.spec.program import Phase, TableProgram
from synthohive_spark.spec.steps import Derive, Draw, Series

ROUTES = Lookup(
    target="distance",
    determinants=("origin", "dest"),
    keys=(("E", "E", "J", "J", "L", None), ("x", "y", "x", None, "z", "x")),
    values=(10, 20, 30, 40, 50, 60),
    counts=(90, 10, 50, 5, 20, 5),
)


def program(types: dict[str, str], dependencies: tuple[AnyDependency, ...], known: tuple[str, ...] = ()) -> TableProgram:
    targets = {d.target for d in dependencies}
    drawn = tuple(n for n in types if n not in targets and n not in known)
    steps = (*(Series(columns=(n,)) for n in known), Draw(columns=drawn))
    return TableProgram(table="t", rows=100, columns=tuple((n, t, True) for n, t in types.items()), phases=(Phase(steps=steps),))


def encoding(types: dict[str, str], without_nulls: tuple[str, ...] = ()) -> TableEncoding:
    columns = []
    for name, kind in types.items():
        null = name not in without_nulls
        weights = (0.5, 0.5) if null else (1.0,)
        if kind == "string":
            columns.append(CategoryEncoding(name=name, spark_type=kind, has_null=null, weights=weights, values=("x",), counts=(1,), starts=(0,)))
        else:
            columns.append(NumberEncoding(name=name, spark_type=kind, has_null=null, weights=weights, tokens=(86_400_000_000.0 * 19_000,), step=1.0))
    return TableEncoding(table="t", rows=100, columns=tuple(columns))


def derive(columns: dict[str, pa.Array], types: dict[str, str], *dependencies: AnyDependency, known: tuple[str, ...] = (), seed: int = 0) -> pd.DataFrame:
    found = derive_columns(columns, dependencies, program(types, dependencies, known), encoding(types), np.random.default_rng(seed))
    assert all(array.type == arrow_type(types[name]) for name, array in found.items())
    return pd.DataFrame({name: array.to_pylist() for name, array in (columns | found).items()}, dtype=object)


def strings(values: list[str | None]) -> pa.Array:
    return pa.array(values, pa.string())


def test_real_combinations_stay_and_others_give_way() -> None:
    types = {"origin": "string", "dest": "string", "distance": "int"}
    origin, dest = ["E", "J", "J", "L", "E", "Q", "Q", None] * 200, ["x", None, "x", "z", "z", "x", "q", "x"] * 200
    out = derive({"origin": strings(origin), "dest": strings(dest)}, types, ROUTES)
    rule = dict(zip(zip(*ROUTES.keys, strict=True), ROUTES.values, strict=True))
    assert all(rule[(o, d)] == x for o, d, x in zip(out.origin, out.dest, out.distance, strict=True))
    rows = out.index % 8
    assert out.origin[rows < 5].tolist() == [o for i, o in enumerate(origin) if i % 8 < 5]  # what is known of the first stays
    redrawn = out.dest[rows == 4].value_counts(normalize=True)
    assert redrawn["x"] == pytest.approx(0.9, abs=0.08)  # (E, z) is no route: x or y by their counts
    assert out.origin[rows == 5].value_counts(normalize=True)["E"] == pytest.approx(100 / 180, abs=0.12)  # Q was never seen: both are redrawn


def test_a_known_first_or_second_column_stays() -> None:
    types = {"origin": "string", "dest": "string", "distance": "int"}
    columns = {"origin": strings(["E", "Q", "J"] * 50), "dest": strings(["z", "z", "z"] * 50)}
    out = derive(columns, types, ROUTES, known=("dest",))
    assert set(out.dest) == {"z"} and set(out.origin) == {"L"} and set(out.distance) == {50}
    both = derive(columns, types, ROUTES, known=("origin", "dest"))
    assert both.origin.tolist() == columns["origin"].to_pylist() and both.dest.tolist() == columns["dest"].to_pylist()
    assert both.groupby(["origin", "dest"]).distance.nunique().tolist() == [1, 1, 1]  # never seen, and still one value each
    again = derive(columns, types, ROUTES, known=("origin", "dest"), seed=99)
    assert again.distance.tolist() == both.distance.tolist()


def test_given_values_stay_in_their_rows() -> None:
    types = {"origin": "string", "dest": "string", "distance": "int"}
    columns = {"origin": strings(["E"] * 400), "dest": strings(["z"] * 400)}
    held = {"dest": np.arange(400) < 100, "origin": np.arange(400) < 50}
    found = derive_columns(columns, (ROUTES,), program(types, (ROUTES,)), encoding(types), np.random.default_rng(0), held)
    origin, dest = found["origin"].to_pylist(), found["dest"].to_pylist()
    assert origin[:50] == ["E"] * 50 and dest[:100] == ["z"] * 100 and len(set(found["distance"].to_pylist()[:50])) == 1
    assert set(origin[50:100]) == {"L"} and set(found["distance"].to_pylist()[50:100]) == {50}
    assert set(origin[100:]) == {"E"} and set(dest[100:]) == {"x", "y"}


def test_a_determinant_that_one_lookup_used_is_not_redrawn_by_the_next() -> None:
    types = {"origin": "string", "dest": "string", "distance": "int", "region": "string"}
    regions = Lookup(target="region", determinants=("dest",), keys=(("x", "y"),), values=("west", "east"), counts=(5, 5))
    columns = {"origin": strings(["E", "L", "J", "Q"] * 50), "dest": strings(["z", "z", "x", "y"] * 50)}
    out = derive(columns, types, ROUTES, regions)
    rule = dict(zip(zip(*ROUTES.keys, strict=True), ROUTES.values, strict=True))
    assert all(rule[(o, d)] == x for o, d, x in zip(out.origin, out.dest, out.distance, strict=True))
    assert out.groupby("dest", dropna=False).region.nunique().max() == 1


@pytest.mark.parametrize(
    ("kind", "values", "stored"),
    [
        ("boolean", [True, False], (True, False)),
        ("date", [datetime.date(2024, 2, 29), datetime.date(1969, 1, 1)], ("2024-02-29", "1969-01-01")),
        (
            "timestamp",
            [datetime.datetime(y, 2, 28, 1, 2, 3, 4, datetime.timezone.utc) for y in (2024, 1960)],
            tuple(f"{y}-02-28T01:02:03.000004" for y in (2024, 1960)),
        ),
        ("timestamp_ntz", [datetime.datetime(2024, 2, 29, 1), datetime.datetime(1960, 1, 1)], ("2024-02-29T01:00:00", "1960-01-01T00:00:00")),
        ("decimal(8,2)", [Decimal("1.50"), Decimal("-2.00")], ("1.50", "-2.00")),
        ("double", [0.1, 2.0], (0.1, 2.0)),
        ("tinyint", [1, -1], (1, -1)),
    ],
)
def test_lookups_give_every_type(kind: str, values: list[object], stored: tuple[object, ...]) -> None:
    lookup = Lookup.model_validate({"target": "v", "determinants": ("k",), "keys": (("a", "b"),), "values": stored, "counts": (1, 1)})
    out = derive({"k": strings(["a", "b"])}, {"k": "string", "v": kind}, lookup)
    assert out.v.tolist() == values
    lookup = Lookup.model_validate({"target": "v", "determinants": ("k",), "keys": (stored,), "values": ("x", "y"), "counts": (1, 1)})
    back = derive({"k": pa.array(values, arrow_type(kind))}, {"k": kind, "v": "string"}, lookup)
    assert back.v.tolist() == ["x", "y"]


def test_formulas_are_exact_and_null_where_a_determinant_is() -> None:
    types = {"net": "decimal(10,2)", "tax": "decimal(10,1)", "gross": "decimal(12,2)", "cents": "bigint", "euros": "double", "hour": "tinyint", "minute": "int"}
    columns = {
        "net": pa.array([Decimal("-1.05"), Decimal("10.10"), None], pa.decimal128(10, 2)),
        "tax": pa.array([Decimal("0.1"), Decimal("2.2"), Decimal("1.0")], pa.decimal128(10, 1)),
        "cents": pa.array([1959, 29, 30]),
    }
    formulas: tuple[AnyDependency, ...] = (
        Linear(target="gross", determinants=("net", "tax"), factors=(1, 1), digits=(2, 2, 1)),
        Linear(target="euros", determinants=("cents",), factors=(0.01,), digits=(2, 0)),
        Quotient(target="hour", determinants=("cents",), divisor=100),
        Remainder(target="minute", determinants=("cents",), divisor=100),
    )
    out = derive(columns, types, *formulas)
    assert out.gross.tolist() == [Decimal("-0.95"), Decimal("12.30"), None]
    assert out.euros.tolist() == [19.59, 0.29, 0.3] and out.hour.tolist() == [19, 0, 0] and out.minute.tolist() == [59, 29, 30]
    assert all(holds(f, columns | {n: pa.array(out[n].tolist(), arrow_type(types[n])) for n in out}, types).all() for f in formulas)


def test_dates_and_times_count_in_days_and_microseconds() -> None:
    types = {"start": "date", "days": "int", "end": "date", "at": "timestamp", "until": "timestamp", "copy": "timestamp"}
    at = datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc)
    columns = {
        "start": pa.array([datetime.date(2024, 2, 28), None]),
        "days": pa.array([2, 3], pa.int32()),
        "at": pa.array([at, at], pa.timestamp("us", "UTC")),
    }
    formulas = (
        Linear(target="end", determinants=("start", "days"), factors=(1, 1), digits=(0, 0, 0)),
        Linear(target="until", determinants=("at", "days"), factors=(1, 3_600_000_000), constant=1_000_000, digits=(0, 0, 0)),
        Copy(target="copy", determinants=("at",)),
    )
    out = derive(columns, types, *formulas)
    assert out.end.tolist() == [datetime.date(2024, 3, 1), None] and out["copy"].tolist() == [at, at]
    assert out.until.tolist() == [at + datetime.timedelta(hours=h, seconds=1) for h in (2, 3)]
    assert described(formulas[1], types) == "until = at + 1 h * days + 1 s"


def test_parts_are_those_of_the_local_clock() -> None:
    stamps = [
        datetime.datetime(2013, 3, 10, 6, 59, 59),
        datetime.datetime(2013, 3, 10, 7),
        datetime.datetime(2013, 1, 1, 4, 59),
        datetime.datetime(1969, 12, 31, 23),
    ]
    micros = pa.array(stamps, pa.timestamp("us", "UTC"))
    parts = {}
    for part in ("year", "hour", "day", "ISO week", "weekday from Monday 0", "day of year", "date"):
        formula = DatePart.model_validate({"target": "p", "determinants": ("at",), "part": part, "zone": "America/New_York"})
        parts[part] = evaluate(formula, {"at": micros}, {"at": "timestamp", "p": "date" if part == "date" else "smallint"}).to_pylist()
    assert parts["hour"] == [1, 3, 23, 18] and parts["year"] == [2013, 2013, 2012, 1969] and parts["day"] == [10, 10, 31, 31]
    local = [datetime.date(2013, 3, 10), datetime.date(2013, 3, 10), datetime.date(2012, 12, 31), datetime.date(1969, 12, 31)]
    assert parts["date"] == local and parts["ISO week"] == [d.isocalendar()[1] for d in local]
    assert parts["weekday from Monday 0"] == [d.weekday() for d in local] and parts["day of year"] == [d.timetuple().tm_yday for d in local]


def test_targets_that_are_never_null_stay_so() -> None:
    types = {"at": "timestamp", "month": "int", "hour": "int"}
    formulas = tuple(DatePart(target=p, determinants=("at",), part=p, zone="UTC") for p in ("month", "hour"))  # type: ignore[arg-type]
    columns = {"at": pa.array([None] * 5, pa.timestamp("us", "UTC"))}
    whole = derive_columns(columns, formulas, program(types, formulas), encoding(types, without_nulls=("month", "hour")), np.random.default_rng(0))
    assert whole["month"].to_pylist() == [1] * 5 and whole["hour"].to_pylist() == [0] * 5 and "at" not in whole  # of the one time that the column has
    empty = derive_columns(columns, formulas, program(types, formulas), encoding(types), np.random.default_rng(0))
    assert empty["month"].null_count == 5


def test_what_follows_from_known_columns_comes_first() -> None:
    types = {"at": "timestamp", "hour": "int", "minute": "int", "clock": "int"}
    clock = Linear(target="clock", determinants=("hour", "minute"), factors=(100, 1), digits=(0, 0, 0))
    hour = DatePart(target="hour", determinants=("at",), part="hour", zone="UTC")
    assert split_early(program(types, (hour, clock), known=("at",)), (hour, clock)) == ((hour,), (clock,))
    assert split_early(program(types, (hour, clock)), (hour, clock)) == ((), (hour, clock))


def counted(candidate: AnyDependency, columns: dict[str, pa.Array], types: dict[str, str], min_rows: int = 3, limit: int = 100) -> AnyDependency | None:
    """What is confirmed on all rows, counted as by several tasks."""
    table = pa.table(columns)
    parts = [
        b
        for i in range(0, len(table), 70)
        for b in count_batches(iter(table[i : i + 70].to_batches()), names=list(columns), candidates=[candidate], types=types)
    ]
    lines = pa.Table.from_batches(parts, COUNTS).to_pandas()
    if not isinstance(candidate, Lookup):
        return confirmed(candidate, lines.groupby("measure").n.sum().to_dict())
    summed = lines.groupby(["candidate", "first", "second", "value"], dropna=False, as_index=False).n.sum()
    sorted_lines = pa.Table.from_pandas(summed, preserve_index=False)
    facts = pa.Table.from_batches(summed_keys(iter(sorted_lines.to_batches(max_chunksize=7)), candidates=[candidate], min_rows=min_rows, entries=False))
    sums = facts.to_pandas().groupby(["measure", "value"], dropna=False, as_index=False).n.sum().groupby("measure").n.max()
    found = confirmed_lookup(candidate, Counter(sums.to_dict()), rows=len(table), max_pairs=limit, max_values=limit)
    if found is None:
        return None
    entries = summed_keys(iter(sorted_lines.to_batches(max_chunksize=7)), candidates=[found], min_rows=min_rows, entries=True)
    return with_combinations(found, pa.Table.from_batches(entries), types)


def test_rare_combinations_are_never_stored() -> None:
    names = ["a"] * 300 + ["b"] * 300 + ["secret"] * 2
    types = {"name": "string", "level": "int"}
    columns = {"name": strings(names), "level": pa.array([1] * 300 + [2] * 300 + [9] * 2, pa.int32())}
    found = counted(Lookup(target="level", determinants=("name",)), columns, types)
    assert isinstance(found, Lookup) and found.keys == (("a", "b"),) and found.values == (1, 2) and found.counts == (300, 300) and found.combinations == 2
    assert "secret" not in found.model_dump_json() and "9" not in str(found.values)


@pytest.mark.parametrize(("broken", "holds_still"), [(4, True), (6, False)])
def test_the_whole_table_decides_at_half_a_percent(broken: int, holds_still: bool) -> None:
    types = {"clock": "int", "hour": "int", "name": "string"}
    clock = np.arange(1000) % 24 * 100
    hour = clock // 100
    hour[:broken] += 1
    columns = {"clock": pa.array(clock, pa.int32()), "hour": pa.array(hour, pa.int32()), "name": pa.array([f"n{c}" for c in clock])}
    quotient = counted(Quotient(target="hour", determinants=("clock",), divisor=100), columns, types)
    lookup = counted(Lookup(target="hour", determinants=("name",)), columns, types)
    assert (quotient is not None, lookup is not None) == (holds_still, holds_still)
    if quotient is not None and lookup is not None:
        assert quotient.share == lookup.share == pytest.approx(1 - broken / 1000)


def test_more_combinations_than_the_limit_are_no_lookup() -> None:
    types = {"name": "string", "level": "int"}
    codes = np.arange(5000) % 500
    columns = {"name": pa.array([f"n{c}" for c in codes]), "level": pa.array(codes % 7, pa.int32())}
    assert counted(Lookup(target="level", determinants=("name",)), columns, types, limit=499) is None
    assert counted(Lookup(target="level", determinants=("name",)), columns, types, limit=500) is not None
    assert counted(Lookup(target="level", determinants=("name",)), {n: a[:1500] for n, a in columns.items()}, types, limit=500) is not None  # three rows each
    few = {"a": columns["name"][:1500], "b": columns["name"][:1500], "level": columns["level"][:1500]}
    assert counted(Lookup(target="level", determinants=("a", "b")), few, {"a": "string", "b": "string", "level": "int"}, limit=500) is None


HOUR = DatePart(target="hour", determinants=("at",), part="hour", zone="UTC")


def hours(rows: int, without: int = 0, empty: int = 0, wrong: int = 0) -> dict[str, pa.Array]:
    """Times and their hours: the first rows without a time, the last without an hour, and wrong ones in the middle."""
    micros, place = np.arange(rows) * 3_600_000_000, np.arange(rows)
    hour = micros // 3_600_000_000 % 24
    hour[rows // 2 : rows // 2 + wrong] += 1
    return {"at": pa.array(micros, mask=place < without), "hour": pa.array(hour.astype("int32"), mask=place >= rows - empty)}


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({}, (1, False, False)),
        ({"without": 1}, (1, True, False)),  # never null: the hour of a row without a time must be drawn
        ({"without": 400}, (1, True, False)),
        ({"without": 600}, None),  # it tells fewer than half of the hours
        ({"empty": 4}, (0.996, False, False)),  # exceptions
        ({"empty": 400}, (1, False, True)),
        ({"without": 3, "empty": 2}, (0.995, False, False)),
        ({"without": 300, "empty": 100}, (1, True, True)),
        ({"without": 300, "wrong": 3}, (1 - 3 / 700, True, False)),
        ({"without": 300, "wrong": 4}, None),  # of 700 rows
    ],
)
def test_what_a_formula_leaves_to_the_row_model(counts: dict[str, int], expected: tuple[float, bool, bool] | None) -> None:
    found = counted(HOUR, hours(1_000, **counts), {"at": "timestamp", "hour": "int"})
    assert found is None or expected is not None
    assert (None if found is None else (pytest.approx(found.share), found.loose, found.gaps)) == expected


def test_rows_without_determinants_keep_what_was_drawn() -> None:
    types = {"at": "timestamp", "hour": "int"}
    at = pa.array([7_200_000_000, None, 7_200_000_000, None])
    hour = pa.array([9, 9, None, None], pa.int32())
    expected = {(False, False): [2, None, 2, None], (True, False): [2, 9, 2, None], (False, True): [2, None, None, None], (True, True): [2, 9, None, None]}
    for (loose, gaps), values in expected.items():
        rule = HOUR.model_copy(update={"loose": loose, "gaps": gaps})
        out = derive_columns({"at": at, "hour": hour}, (rule,), program(types, (rule,)), encoding(types), np.random.default_rng(0))
        assert out["hour"].to_pylist() == values
    lookup = Lookup(target="hour", determinants=("name",), keys=(("a", "b"),), values=(1, 2), counts=(9, 9), loose=True, gaps=True)
    columns = {"name": strings(["a", "a", None, None]), "hour": pa.array([5, None, 5, None], pa.int32())}
    kinds = {"name": "string", "hour": "int"}
    out = derive_columns(columns, (lookup,), program(kinds, (lookup,)), encoding(kinds), np.random.default_rng(0))
    assert out["hour"].to_pylist() == [1, None, 5, None]


def test_loose_targets_are_drawn_last_and_early_ones_given() -> None:
    types = {"at": "timestamp", "hour": "int", "minute": "int", "clock": "int"}
    clock = Linear(target="clock", determinants=("hour", "minute"), factors=(100, 1), digits=(0, 0, 0))
    loose = HOUR.model_copy(update={"loose": True})
    steps = (Series(columns=("at",)), Draw(columns=("hour", "minute", "clock")))
    before = TableProgram(table="t", rows=100, columns=tuple((n, t, True) for n, t in types.items()), phases=(Phase(steps=steps),))
    made = with_dependencies(before, (loose, clock), encoding(types), None)
    assert made.draw.columns == ("minute", "hour") == (*made.draw.columns[:1], *made.draw.last) and made.conditions == ()  # it is given where it is known
    assert [[d.target for d in step.dependencies] for step in made.of_kind(Derive)] == [["hour"], ["clock"]]  # the clock waits for drawn hours
    assert with_dependencies(before, (HOUR, clock), encoding(types), None).conditions == ("hour",)
    gaps = with_dependencies(before, (HOUR.model_copy(update={"gaps": True}), clock), encoding(types), None)
    assert [[d.target for d in step.dependencies] for step in gaps.of_kind(Derive)] == [["hour", "clock"]] and gaps.draw.last == ("hour",)


def test_nulls_without_stored_values_stay_null() -> None:
    lookup = Lookup(target="level", determinants=("name",), keys=(("a", "b"),), values=(1, 2), counts=(30, 10))
    out = derive({"name": strings(["a", None] * 1000)}, {"name": "string", "level": "int"}, lookup)
    assert out.name.isna().sum() == 1000 and set(out.level[out.name.notna()]) == {1}
    assert out.level[out.name.isna()].nunique() == 1
    loose = derive({"name": strings(["a", None] * 10)}, {"name": "string", "level": "int"}, lookup.model_copy(update={"loose": True}))
    assert loose.level[loose.name.isna()].isna().all()
    pairs = derive({"origin": strings(["E"] * 100), "dest": strings([None] * 100)}, {"origin": "string", "dest": "string", "distance": "int"}, ROUTES)
    assert pairs.dest.isna().all() and set(pairs.origin) == {"J"} and set(pairs.distance) == {40}


def test_what_does_not_fit_is_not_equal() -> None:
    types = {"x": "decimal(38,18)", "n": "bigint", "m": "bigint"}
    wrapped = (100 * 10**18 + 2**63) % 2**64 - 2**63
    columns = {"n": pa.array([200, 3]), "x": pa.array([Decimal(wrapped).scaleb(-18), Decimal(1)], pa.decimal128(38, 18)), "m": pa.array([200, 3])}
    assert holds(Quotient(target="x", determinants=("n",), divisor=2), columns, types).tolist() == [False, True]
    columns["x"] = pa.array([Decimal(100), Decimal(1)], pa.decimal128(38, 18))
    assert holds(Quotient(target="x", determinants=("n",), divisor=2), columns, types).tolist() == [True, True]
    double = Linear(target="x", determinants=("n",), factors=(0.5,), digits=(18, 0))
    assert holds(double, columns, types).tolist() == [True, False]
    large = pa.array([2**62, 1])
    assert evaluate(Linear(target="m", determinants=("n", "n"), factors=(1, 1), digits=(0, 0, 0)), {"n": large}, types).to_pylist() == [2**63 - 1, 2]


def test_two_calls_take_a_null_for_the_same() -> None:
    types = {"at": "int", "tens": "int", "ones": "int"}
    formulas = (Quotient(target="tens", determinants=("at",), divisor=10), Remainder(target="ones", determinants=("at",), divisor=10))
    column = NumberEncoding(name="at", spark_type="int", has_null=True, weights=(0.5, *[0.005] * 100), tokens=tuple(11.0 * i for i in range(100)), step=1.0)
    whole = encoding(types, without_nulls=("tens", "ones"))
    whole = whole.model_copy(update={"columns": (column, *whole.columns[1:])})
    rng, stand_ins = np.random.default_rng(0), {}
    columns = {"at": pa.nulls(50, pa.int32())}
    tens, ones = (derive_columns(columns, (f,), program(types, formulas), whole, rng, stand_ins=stand_ins)[f.target].to_numpy() for f in formulas)
    assert len(set(tens)) > 10 and ((tens * 10 + ones) % 11 == 0).all()


def test_products_are_rounded_in_the_type_of_their_target() -> None:
    types = {"price": "decimal(8,2)", "count": "int", "amount": "decimal(10,2)", "half": "double", "whole": "int"}
    columns = {"price": pa.array([Decimal("1.25"), None, Decimal("2.00")], pa.decimal128(8, 2)), "count": pa.array([3, 2, 0], pa.int32())}
    out = derive(
        columns,
        types,
        Product(target="amount", determinants=("price", "count"), digits=2),
        Product(target="half", determinants=("price", "count"), way="over", digits=1),
        Product(target="whole", determinants=("price", "count"), digits=0),
    )
    assert out["amount"].tolist() == [Decimal("3.75"), None, Decimal("0.00")]
    assert out["half"].tolist() == [0.4, None, None]
    assert out["whole"].tolist() == [4, None, 0]


def test_products_of_one_and_three_columns_are_exact_and_can_be_turned_round() -> None:
    types = {"price": "decimal(8,2)", "count": "int", "less": "double", "amount": "decimal(10,2)", "tax": "decimal(30,2)", "all": "decimal(30,2)"}
    columns = {
        "price": pa.array([Decimal("12.50"), Decimal("3.99"), None], pa.decimal128(8, 2)),
        "count": pa.array([3, 2, 1], pa.int32()),
        "less": pa.array([0.1, 0.25, 0.0]),
    }
    amount = Product(target="amount", determinants=("price", "count", "less"), way="less", digits=2)
    tax = Product(target="tax", determinants=("all",), scale=0.19, digits=2)
    assert derive(columns, types, amount)["amount"].tolist() == [Decimal("33.75"), Decimal("5.99"), None]
    large = pa.array([Decimal("100000000000000000000000.51"), Decimal("-0.50"), None], pa.decimal128(30, 2))
    assert derive({"all": large}, types, tax)["tax"].tolist() == [Decimal("19000000000000000000000.10"), Decimal("-0.10"), None]
    there = columns | {"amount": pa.array([Decimal("33.75"), Decimal("5.99"), None], pa.decimal128(10, 2))}
    for name, values in {"price": [Decimal("12.50"), Decimal("3.99")], "count": [3, 2], "less": [0.1, 0.25]}.items():
        turned = turned_formula(amount, name, {n: a for n, a in there.items() if n != name}, types).to_pylist()
        assert np.allclose(np.array(turned[:2], dtype=float), np.array(values, dtype=float), atol=0.002) and turned[2] is None
    assert turned_formula(tax, "all", {"tax": pa.array([Decimal("0.19")], pa.decimal128(30, 2))}, types).to_pylist() == [Decimal("1.00")]
