"""Dependencies found on a sample: each kind where it is there, nothing where there is chance, one per target and no circles."""

from __future__ import annotations

import decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from synthohive_spark.kernels.dependencies.choose import choose
from synthohive_spark.kernels.dependencies.find import ORDER, find_candidates, find_in_batches
from synthohive_spark.kernels.dependencies.formulas import evaluate
from synthohive_spark.kernels.dependencies.sample import Sample, Search, read_sample
from synthohive_spark.kernels.dependencies.times import all_zones, local_micros, part_of
from synthohive_spark.spec.dependencies import Linear, described

N = 4_000
RNG = np.random.default_rng(0)


def sample(columns: dict[str, tuple[str, object]]) -> tuple[Sample, Search]:
    """Columns by name: (Spark type, values)."""
    types = {name: kind for name, (kind, _) in columns.items()}
    arrays = {name: values if isinstance(values, pa.Array) else pa.array(values, from_pandas=True) for name, (_, values) in columns.items()}
    clocks = tuple(n for n, t in types.items() if t not in ("string", "boolean"))
    few = tuple(n for n, a in arrays.items() if len(a.unique()) < 500)
    return Sample(arrays, types, len(next(iter(arrays.values())))), Search(types=types, targets=tuple(types), inputs=clocks, discrete=few)


def found(columns: dict[str, tuple[str, object]], known: tuple[str, ...] = (), **limits: object) -> list[str]:
    """What is chosen, in words and without the number of combinations."""
    drawn, search = sample(columns)
    search = search.model_copy(update={"targets": tuple(n for n in search.targets if n not in known), **limits})
    return [described(d, search.types).replace(" (0 combinations)", "") for d in choose(find_candidates(drawn, search), known, search.types)]


def whole(high: int, n: int = N) -> np.ndarray:
    return RNG.integers(0, high, n)


def micros(start: str, hours: np.ndarray) -> pa.Array:
    return pa.array(pd.Timestamp(start).value // 1000 + np.rint(hours * 3_600_000_000).astype("int64"))


def test_independent_columns_have_none() -> None:
    columns: dict[str, tuple[str, object]] = {f"n{i}": ("bigint", whole(10 ** (i + 1))) for i in range(5)}
    columns |= {f"s{i}": ("string", RNG.choice(list("abcdefgh")[: i + 2], N)) for i in range(4)}
    columns |= {"rare": ("boolean", RNG.random(N) < 0.003), "zeros": ("int", np.where(RNG.random(N) < 0.02, whole(50), 0)), "x": ("double", RNG.normal(size=N))}
    assert found(columns) == []


def test_copies_multiples_and_complements() -> None:
    euros = pa.array([decimal.Decimal(int(v)) / 100 for v in whole(100_000)], pa.decimal128(10, 2))
    cents = pa.array([int(v.as_py() * 100) for v in euros])
    miles = RNG.normal(100, 20, N)
    columns = {"euros": ("decimal(10,2)", euros), "cents": ("bigint", cents), "miles": ("double", miles), "km": ("double", miles * 1.609344)}
    columns |= {"name": ("string", RNG.choice(list("abc"), N))}
    columns |= {"name again": ("string", columns["name"][1]), "rest": ("int", 7 - whole(0 + 5).astype("int32"))}
    columns |= {"part": ("int", pa.array(7 - np.asarray(columns["rest"][1])))}
    assert sorted(found(columns)) == ["cents = 100 * euros", "km = 1.609344 * miles", "name again = name", "part = - rest + 7"]


def test_sums_of_two_and_three_with_nulls() -> None:
    net, tax, fee = (pd.Series(whole(1000)).astype("Int64") for _ in range(3))
    tax[::7] = None
    columns = {"net": ("bigint", net), "tax": ("bigint", tax), "fee": ("bigint", fee), "gross": ("bigint", net + tax)}
    assert found(columns) == ["gross = net + tax"]
    total = net + fee + whole(500)
    three = {"a": ("bigint", net), "b": ("bigint", fee), "c": ("bigint", total - net - fee), "total": ("bigint", total)}
    assert found(three) == ["total = a + b + c"]
    assert found(three, bounded=("total",)) == ["c = total - a - b"] or found(three, bounded=("total",))[0].count("-") == 2


def test_floats_add_up_in_cents() -> None:
    a, b = whole(10_000) / 100, whole(10_000) / 100
    assert found({"a": ("double", a), "b": ("double", b), "c": ("double", np.round(a + b, 2))}) == ["c = a + b"]


def test_clock_times_of_one_column_or_by_a_known_hour() -> None:
    hour, minute = whole(24), whole(60)
    columns = {"clock": ("int", hour * 100 + minute), "hour": ("int", hour), "minute": ("int", minute)}
    assert sorted(found(columns)) == ["hour = clock // 100", "minute = clock % 100"]
    assert found(columns, known=("hour",)) == ["clock = 100 * hour + minute"]
    start = micros("2024-03-01", np.cumsum(whole(3)))
    local = np.asarray(part_of(local_micros(start.to_numpy(), "America/New_York"), "hour"))
    columns |= {"clock": ("int", local * 100 + minute), "hour": ("int", local), "at": ("timestamp", start)}
    assert found(columns, known=("at",)) == ["hour = hour of at (America/New_York)", "clock = 100 * hour + minute"]


def test_a_multiple_is_preferred_to_the_quotient_that_would_lose_it() -> None:
    a = whole(50)
    assert found({"a": ("bigint", a), "b": ("bigint", 3 * a), "x": ("int", whole(9))}) == ["b = 3 * a"]


def test_any_factor_without_a_quotient() -> None:
    b, c = whole(50), whole(5000)
    assert found({"a": ("bigint", 12 * b + c), "b": ("bigint", b), "c": ("bigint", c)}) == ["a = 12 * b + c"]


@pytest.mark.parametrize(("kind", "zone"), [("timestamp", "Asia/Kolkata"), ("timestamp", "UTC"), ("timestamp_ntz", None)])
def test_parts_in_the_zone_of_the_clock(kind: str, zone: str | None) -> None:
    at = micros("2022-01-01", whole(24 * 900 * 60) / 60)
    local = local_micros(at.to_numpy(), zone)
    columns: dict[str, tuple[str, object]] = {"at": (kind, at)}
    for part in ("year", "month", "day", "hour", "weekday from Sunday 1", "ISO week", "yyyymmdd"):
        columns[part] = ("int", part_of(local, part))  # type: ignore[arg-type]
    columns["on"] = ("date", pa.array(part_of(local, "date").astype("int32"), pa.int32()).view(pa.date32()))
    expected = {f"{name} = {'date' if name == 'on' else name} of at{f' ({zone})' if zone else ''}" for name in columns if name != "at"}
    assert set(found(columns, known=("at",))) == expected


def test_days_between_dates_and_hours_between_times() -> None:
    start, days = 19_000 + whole(700), whole(30)
    to_date = lambda values: pa.array(values.astype("int32")).view(pa.date32())  # noqa: E731
    dates = {"start": ("date", to_date(start)), "end": ("date", to_date(start + days)), "days": ("int", days)}
    assert found(dates) == ["end = start + days"] or found(dates) == ["days = end - start"]
    at, hours = micros("2022-01-01", whole(5000)), whole(48)
    times = {"at": ("timestamp", at), "until": ("timestamp", pa.array(at.to_numpy() + hours * 3_600_000_000)), "hours": ("int", hours)}
    assert found(times) == ["until = at + 1 h * hours"]


def test_lookups_of_one_and_two_columns() -> None:
    origin, dest = RNG.choice(["E", "J", "L"], N), RNG.choice([f"d{i}" for i in range(30)], N)
    table = RNG.integers(1, 10, (3, 30)) * 100
    distance = table[pd.Series(origin).map({"E": 0, "J": 1, "L": 2}), pd.Series(dest).str[1:].astype(int)]
    region = pd.Series(dest).str[1:].astype(int) % 7
    columns = {"origin": ("string", origin), "dest": ("string", dest), "distance": ("int", distance), "region": ("int", region.to_numpy())}
    assert found(columns) == ["distance by origin, dest", "region by dest"], found(columns)


def test_half_a_percent_may_break_a_rule_and_more_may_not() -> None:
    for share, expected in ((0.003, ["level by name"]), (0.02, [])):
        name = RNG.choice(list("abcdefgh"), 20_000)
        level = pd.Series(name).map({c: i for i, c in enumerate("abcdefgh")}).to_numpy()
        level = np.where(RNG.random(20_000) < share, RNG.integers(0, 8, 20_000), level)
        assert found({"name": ("string", name), "level": ("int", level)}) == expected


def test_values_that_name_their_row_determine_nothing() -> None:
    code = np.array([f"c{i}" for i in range(N)])
    drawn, search = sample({"code": ("string", code), "x": ("int", whole(5)), "y": ("string", RNG.choice(list("ab"), N))})
    assert find_candidates(drawn, search.model_copy(update={"discrete": ("code", "x", "y")})) == []


def test_a_mostly_null_column_can_be_copied() -> None:
    sparse = pd.Series(np.where(RNG.random(N) < 0.05, whole(100), np.nan)).astype("Int64")
    assert found({"a": ("int", sparse), "b": ("int", sparse), "x": ("int", whole(9))}) == ["b = a"]


def test_the_order_of_rows_and_batches_changes_nothing() -> None:
    hour, minute = whole(24), whole(60)
    table = pa.table({"clock": hour * 100 + minute, "hour": hour, "minute": minute, ORDER: RNG.permutation(N)})
    search = Search(types=dict.fromkeys(("clock", "hour", "minute"), "bigint"), targets=("hour", "minute"), inputs=("clock", "hour", "minute"), discrete=())
    shuffled = table.take(RNG.permutation(N))
    (one,) = find_in_batches(iter(table.to_batches()), search=search)
    (other,) = find_in_batches(iter(shuffled.to_batches(max_chunksize=100)), search=search)
    assert one == other and one.num_rows == 1
    assert read_sample(shuffled, search.types, ORDER).numbers("hour").tolist() == read_sample(table, search.types, ORDER).numbers("hour").tolist()


def test_a_wide_table_stays_cheap() -> None:
    import time

    columns: dict[str, tuple[str, object]] = {f"n{i}": ("bigint", whole(10 + 30 * i, 2_000)) for i in range(80)}
    columns |= {f"s{i}": ("string", RNG.choice([f"v{j}" for j in range(2 + i)], 2_000)) for i in range(40)}
    begin = time.process_time()
    assert found(columns) == []
    assert time.process_time() - begin < 60


def test_circles_are_broken_and_known_columns_decide() -> None:
    columns = {"a": ("int", whole(50)), "x": ("double", RNG.normal(size=N))}
    columns |= {"b": ("int", columns["a"][1]), "c": ("bigint", np.asarray(columns["a"][1]) * 2)}
    chosen = found(columns)
    assert len(chosen) == 2 and {text.split(" = ")[0] for text in chosen} < {"a", "b", "c"}
    assert found(columns, known=("c",)) == ["b = c // 2", "a = b"]


def test_zones_that_share_a_clock_are_told_by_the_known_one() -> None:
    zones = all_zones()
    assert zones[0] == "America/New_York" and zones.index("America/New_York") < zones.index("US/Eastern")
    summer = np.array([pd.Timestamp("2013-07-01 12:00").value // 1000])
    assert part_of(local_micros(summer, "America/New_York"), "hour").tolist() == [8]


def test_a_time_can_follow_another_by_a_constant() -> None:
    at = micros("2022-01-01", whole(5000))
    later = pa.array(at.to_numpy() + 86_400_000_000)
    assert found({"at": ("timestamp", at), "gap": ("int", whole(3)), "later": ("timestamp", later)}) == ["later = at + 1 d"]


def test_digits_are_those_of_generated_values_and_not_of_the_sample() -> None:
    net, tax = whole(100_000) / 100, whole(10_000) / 100
    columns = {"net": ("double", net), "tax": ("double", tax), "gross": ("double", np.round(net + tax, 2))}
    columns |= {"clock": ("double", whole(24) * 100.0 + whole(60))}
    columns |= {"hour": ("double", np.asarray(columns["clock"][1]) // 100)}
    drawn, search = sample(columns)
    formulas = find_candidates(drawn, search.model_copy(update={"digits": {"net": None, "clock": None}}))
    (gross,) = [f for f in formulas if f.target == "gross"]
    assert isinstance(gross, Linear) and gross.digits == (None, None, None)
    assert not [f for f in formulas if f.kind in ("quotient", "remainder")]
    synthetic = {"net": pa.array([0.123456789]), "tax": pa.array([1.25])}
    assert evaluate(gross, synthetic, search.types).to_pylist() == [pytest.approx(1.373456789, abs=1e-12)]
    exact = [f for f in find_candidates(drawn, search) if f.target == "gross"]
    assert isinstance(exact[0], Linear) and exact[0].digits == (2, 2, 2)


def test_sums_that_could_leave_their_type_are_none() -> None:
    a = whole(2_000_000_000)
    b = np.where(a < 100_000_000, whole(2_000_000_000), whole(100_000_000))
    columns = {"a": ("int", a.astype("int32")), "b": ("int", b.astype("int32")), "c": ("int", (a + b).astype("int32"))}
    drawn, search = sample(columns)
    assert "c" not in {f.target for f in find_candidates(drawn, search)}
    wide, search = sample(columns | {"c": ("bigint", a + b)})
    assert "c" in {f.target for f in find_candidates(wide, search)}


def test_sums_of_three_sparse_columns_are_found_among_many() -> None:
    sparse = {f"s{i}": ("int", (RNG.random(N) < 0.02).astype("int32")) for i in range(30)}
    sparse["sum"] = ("int", np.asarray(sparse["s3"][1]) + sparse["s4"][1] + sparse["s5"][1])
    assert found(sparse, known=("s3", "s4", "s5")) == ["sum = s3 + s4 + s5"]


def test_amounts_shares_and_prices_with_tax() -> None:
    count, price = whole(9) + 1, np.round(RNG.uniform(1, 50, N), 2)
    tax = RNG.choice([0.07, 0.19], N)
    assert found({"price": ("double", price), "count": ("int", count), "amount": ("double", np.round(price * count, 2))}) == ["amount = price * count"]
    assert found({"net": ("double", price), "tax": ("double", tax), "gross": ("double", np.round(price * (1 + tax), 2))}) == ["gross = net * (1 + tax)"]
    part, all_of = whole(50), whole(100) + 51
    shares = {"part": ("int", part), "all_of": ("int", all_of), "percent": ("double", np.round(100 * part / all_of, 1))}
    assert found(shares) == ["percent = 100 * part / all_of"]
    assert found({"a": ("double", RNG.random(N)), "b": ("double", RNG.random(N)), "c": ("double", RNG.random(N))}) == []


def test_three_columns_make_an_amount_where_two_do_not() -> None:
    count, price, less = whole(9) + 1, np.round(RNG.uniform(1, 50, N), 2), RNG.choice([0.0, 0.1, 0.25], N)
    amount = ("double", np.round(price * count * (1 - less), 2))
    assert found({"price": ("double", price), "count": ("int", count), "less": ("double", less), "amount": amount}) == ["amount = price * count * (1 - less)"]
    volume = ("double", np.round(price * count * (less + 1), 2))
    assert found({"a": ("double", price), "b": ("int", count), "c": ("double", less + 1), "volume": volume}) == ["volume = a * b * c"]


def test_fixed_shares_are_rounded() -> None:
    net = np.round(RNG.uniform(1, 500, N), 2)
    assert found({"net": ("double", net), "tax": ("double", np.round(net * 0.19, 2))}, known=("net",)) == ["tax = 0.19 * net"]
    (rule,) = found({"gross": ("double", net), "net": ("double", np.round(net / 1.19, 2))}, known=("gross",))
    assert rule == "net = 0.840336134454 * gross"
    assert found({"a": ("double", net), "b": ("double", np.round(RNG.permutation(net) * 0.19, 2))}) == []
