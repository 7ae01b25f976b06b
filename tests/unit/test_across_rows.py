"""What always holds between the rows of one parent: found in samples of families, and kept in blocks of generated rows."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from synthohive_spark.kernels.dependencies.across_rows import across_rows
from synthohive_spark.kernels.dependencies.families import FAMILY, SIZE, AcrossSearch
from synthohive_spark.kernels.dependencies.family_order import FamilyRows
from synthohive_spark.kernels.dependencies.find_across_rows import find_across_rows
from synthohive_spark.spec.across_rows import AcrossRule, Ascending, Lagged, Mirrored, Running, Shared, described_across
from synthohive_spark.spec.family_shapes import Numbered

RNG = np.random.default_rng(3)


def _search(types: dict[str, str], **more: object) -> AcrossSearch:
    numbers = tuple(n for n, t in types.items() if t not in ("string", "boolean", "date", "timestamp"))
    return AcrossSearch.model_validate({"types": types, "targets": tuple(types), "summed": numbers, "terms": numbers} | more)


def _found(frame: pd.DataFrame, family: np.ndarray, search: AcrossSearch) -> dict[str, AcrossRule]:
    counts = pd.Series(family).map(pd.Series(family).value_counts()).to_numpy()
    table = pa.table({name: pa.array(frame[name], from_pandas=True) for name in search.types} | {FAMILY: family, SIZE: counts})
    mixed = RNG.permutation(len(frame))
    return {rule.column: rule for rule in find_across_rows(table.take(mixed), search)}


def _families(count: int, size: int) -> np.ndarray:
    return np.repeat(RNG.permutation(count * 7)[:count], size)


def test_one_value_per_family_is_found_and_chance_is_not() -> None:
    family = _families(200, 4)
    currency = np.repeat(RNG.choice(["EUR", "USD", "JPY"], 200), 4)
    frame = pd.DataFrame({"currency": currency, "country": RNG.choice(["a", "b"], 800), "constant": "x", "rare": np.where(np.arange(800) < 8, "y", "x")})
    found = _found(frame, family, _search(dict.fromkeys(frame, "string")))
    assert list(found) == ["currency"]
    assert isinstance(found["currency"], Shared)
    assert described_across(found["currency"], "accounts") == "currency is the same in each row of accounts"


def test_two_rows_of_a_match_mirror_each_other() -> None:
    family = _families(300, 2)
    home, away = RNG.poisson(1.5, 300), RNG.poisson(1.2, 300)
    teams = np.array([RNG.permutation(20)[:2] for _ in range(300)])
    share = RNG.integers(30, 70, 300)
    frame = pd.DataFrame(
        {
            "scored": np.stack([home, away], axis=1).ravel(),
            "against": np.stack([away, home], axis=1).ravel(),
            "team": teams.ravel(),
            "opponent": teams[:, ::-1].ravel(),
            "possession": np.stack([share, 100 - share], axis=1).ravel(),
            "at_home": np.tile([True, False], 300),
            "result": np.stack([np.sign(home - away), np.sign(away - home)], axis=1).ravel(),
            "shots": RNG.poisson(10, 600),
        }
    )
    frame["result"] = frame["result"].map({1: "won", 0: "drawn", -1: "lost"})
    types = dict.fromkeys(frame, "bigint") | {"at_home": "boolean", "result": "string"}
    found = _found(frame, family, _search(types))
    mirrored = {name: rule for name, rule in found.items() if isinstance(rule, Mirrored)}
    assert set(mirrored) == {"scored", "against", "team", "opponent", "possession", "at_home", "result"}
    assert mirrored["scored"].of == "against"
    assert mirrored["possession"].total == 100
    assert dict(zip(mirrored["result"].keys, mirrored["result"].values, strict=True)) == {"won": "lost", "lost": "won", "drawn": "drawn"}
    assert "shots" not in found


def test_mirrored_columns_of_generated_rows() -> None:
    rules = [Mirrored(column="a", of="b"), Mirrored(column="b", of="a"), Mirrored(column="side", of="side", keys=("h", "w"), values=("w", "h"))]
    columns = {"a": pa.array([1, 2, 3, 4, 5]), "b": pa.array([6, 7, 8, 9, 0]), "side": pa.array(["h", "h", "w", "w", "h"])}
    rows = FamilyRows(np.array([0, 0, 1, 2, 2]))
    types = {"a": "bigint", "b": "bigint", "side": "string"}
    out = across_rows(columns, rules, types, rows, {})
    assert out["a"].to_pylist() == [1, 6, 3, 4, 9]
    assert out["b"].to_pylist() == [6, 1, 8, 9, 4]
    assert out["side"].to_pylist() == ["h", "w", "w", "w", "h"]
    held = across_rows(columns, rules, types, rows, {"a": np.array([False, True, False, False, False])})
    assert held["a"].to_pylist() == [7, 2, 3, 4, 9], "the row with a given value leads"
    assert held["b"].to_pylist() == [2, 7, 8, 9, 4]


def test_a_key_holds_one_side_fast() -> None:
    rule = Mirrored(column="opponent", of="team", both=True)
    columns = {"team": pa.array([1, 2, 3]), "opponent": pa.array([9, 9, 9])}
    out = across_rows(columns, [rule], {"team": "bigint", "opponent": "bigint"}, FamilyRows(np.array([0, 0, 1])), {})
    assert out["opponent"].to_pylist() == [2, 1, 9]


def _ledger(count: int, size: int) -> tuple[np.ndarray, pd.DataFrame]:
    family = _families(count, size)
    amount = RNG.integers(-5_000, 5_000, count * size) / 100
    when = np.tile(np.arange(size), count) * 86_400_000_000 + RNG.integers(0, 80_000_000_000, count * size)
    balance = pd.Series(np.round(amount, 2)).groupby(family).cumsum().round(2).to_numpy()
    return family, pd.DataFrame({"when": when, "amount": amount, "balance": balance, "note": RNG.choice(["x", "y"], count * size)})


@pytest.mark.parametrize("orders", [("when",), ()])
def test_a_balance_that_adds_up(orders: tuple[str, ...]) -> None:
    family, frame = _ledger(60, 12)
    frame["id"] = np.arange(len(frame))
    types = {"when": "timestamp", "amount": "double", "balance": "double", "note": "string", "id": "bigint"}
    search = _search(types, orders=orders, number=None if orders else "id", summed=("amount", "balance"), terms=("amount", "balance"))
    rule = _found(frame, family, search)["balance"]
    assert isinstance(rule, Running)
    assert (rule.terms, rule.factors, rule.first, rule.digits) == (("amount",), (1,), "zero", 2)
    assert rule.ordered_by == (orders[0] if orders else None)


def test_debits_and_credits() -> None:
    family = _families(60, 10)
    kind = RNG.choice(["in", "out"], 600)
    amount = RNG.integers(1, 500, 600)
    signed = np.where(kind == "in", amount, -amount)
    opening = np.repeat(RNG.integers(1_000, 9_000, 60), 10)
    balance = opening + pd.Series(signed).groupby(family).cumsum().to_numpy()
    frame = pd.DataFrame({"id": np.arange(600), "kind": kind, "amount": amount, "balance": balance, "before": balance - signed})
    frame["credit"] = pd.Series(amount).where(kind == "in").astype("Int64")
    frame["debit"] = pd.Series(amount).where(kind == "out").astype("Int64")
    types = dict.fromkeys(frame, "bigint") | {"kind": "string"}
    two = _found(frame.drop(columns=["amount"]), family, _search({n: t for n, t in types.items() if n not in ("amount", "before")}, number="id"))["balance"]
    assert isinstance(two, Running)
    assert (two.terms, two.factors, two.first) == (("credit", "debit"), (1, -1), "drawn")
    by = _found(frame, family, _search({n: types[n] for n in ("id", "kind", "amount", "balance")}, number="id"))["balance"]
    assert isinstance(by, Running)
    assert (by.by, dict(zip(by.keys, by.signs, strict=True))) == ("kind", {"in": 1, "out": -1})
    assert described_across(by, "accounts") == "balance = balance before + amount (signs by kind) in each row of accounts"


def test_running_values_are_exact_and_follow_the_order() -> None:
    rule = Running(column="balance", terms=("amount",), factors=(1,), digits=2, ordered_by="when", first="zero")
    amount = pa.array([Decimal("0.10"), Decimal("0.20"), Decimal("-0.05"), Decimal("7.00"), None], type=pa.decimal128(10, 2))
    columns = {"when": pa.array([3, 1, 2, 5, 6]), "amount": amount, "balance": pa.nulls(5, pa.decimal128(12, 2))}
    types = {"when": "bigint", "amount": "decimal(10,2)", "balance": "decimal(12,2)"}
    out = across_rows(columns, [rule], types, FamilyRows(np.array([0, 0, 0, 1, 1])), {})
    assert [str(v) for v in out["balance"].to_pylist()] == ["0.25", "0.20", "0.15", "7.00", "7.00"]
    drawn = rule.model_copy(update={"first": "drawn", "ordered_by": None})
    started = columns | {"balance": pa.array([Decimal("5"), Decimal(0), Decimal(0), Decimal("1.50"), None], type=pa.decimal128(12, 2))}
    out = across_rows(started, [drawn], types, FamilyRows(np.array([0, 0, 0, 1, 1])), {})
    assert [str(v) for v in out["balance"].to_pylist()] == ["5.00", "5.20", "5.15", "1.50", "1.50"]


def test_legs_of_a_journey() -> None:
    size, count = 5, 120
    family = _families(count, size)
    stops = RNG.integers(0, 30, (count, size + 1))
    frame = pd.DataFrame({"leg": np.tile(np.arange(size), count), "start": stops[:, :-1].ravel(), "end": stops[:, 1:].ravel()})
    found = _found(frame, family, _search(dict.fromkeys(frame, "bigint"), orders=("leg",), targets=("start", "end"), summed=()))
    assert list(found) == ["start"]
    rule = found["start"]
    assert isinstance(rule, Lagged)
    assert (rule.of, rule.ordered_by, rule.first) == ("end", "leg", "drawn")
    columns = {"leg": pa.array([1, 0, 2]), "start": pa.array([7, 8, 9]), "end": pa.array([1, 2, 3])}
    out = across_rows(columns, [rule], dict.fromkeys(frame, "bigint"), FamilyRows(np.zeros(3, dtype=np.int64)), {})
    assert out["start"].to_pylist() == [2, 8, 1]


def test_a_counter_of_rows() -> None:
    family = _families(80, 6)
    frame = pd.DataFrame({"id": np.arange(480), "line": np.tile(np.arange(1, 7), 80), "other": RNG.integers(0, 9, 480)})
    rule = _found(frame, family, _search(dict.fromkeys(frame, "bigint"), number="id", targets=("line", "other"), summed=("line", "other")))["line"]
    assert rule == Numbered(column="line")


def test_times_that_rise_with_the_numbers_of_the_rows() -> None:
    family, frame = _ledger(60, 12)
    frame["id"] = np.arange(len(frame))
    types = {"when": "timestamp", "amount": "double", "id": "bigint"}
    search = _search(types, orders=("when", "amount"), sortable=("when", "amount"), number="id", targets=(), summed=())
    assert _found(frame, family, search) == {"when": Ascending(column="when")}
    columns = {"when": pa.array([3, 1, 2, None, 6, 4])}
    rows = FamilyRows(np.array([0, 0, 0, 1, 1, 1]))
    out = across_rows(columns, [Ascending(column="when")], {"when": "bigint"}, rows, {})
    assert out["when"].to_pylist() == [1, 2, 3, 4, 6, None]
    held = {"when": np.array([True, False, False, False, False, False])}
    assert across_rows(columns, [Ascending(column="when")], {"when": "bigint"}, rows, held)["when"].to_pylist() == [3, 1, 2, 4, 6, None]


def test_times_in_text_that_rise_with_the_places_of_the_rows() -> None:
    family = _families(200, 5)
    minutes = np.cumsum(RNG.integers(1, 30, (200, 5)), axis=1) + RNG.integers(300, 1400, (200, 1))
    times = [f"{m // 60:02d}:{m % 60:02d}:00" for m in minutes.ravel()]
    frame = pd.DataFrame(
        {
            "place": np.tile(np.arange(5), 200),
            "at": times,
            "left": [f"{m // 60:02d}:{m % 60:02d}:30" for m in minutes.ravel()],
            "note": RNG.choice(list("abcdef"), 1000),
        }
    )
    search = _search(
        {"place": "int", "at": "string", "left": "string", "note": "string"}, targets=(), summed=(), terms=(), sortable=("at", "left", "note"), number="place"
    )
    found = _found(frame, family, search)
    assert {name: rule.kind for name, rule in found.items()} == {"at": "ascending"}
    assert _found(frame.assign(left=None), family, search).keys() == {"at"}
    drawn = {"at": pa.array(["09:00:00", "08:00:00", None, "25:10:00", "24:00:00"])}
    made = across_rows(drawn, [found["at"]], {"at": "string"}, FamilyRows(np.array([1, 1, 1, 2, 2])), {})
    assert made["at"].to_pylist() == ["08:00:00", "09:00:00", None, "24:00:00", "25:10:00"]
