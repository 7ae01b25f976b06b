"""What rows of one parent have together: found in families, and kept in generated rows that break it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from synthohive_spark.kernels.dependencies.across_rows import across_rows
from synthohive_spark.kernels.dependencies.families import FAMILY, SIZE, AcrossSearch
from synthohive_spark.kernels.dependencies.family_order import FamilyRows
from synthohive_spark.kernels.dependencies.find_across_rows import find_across_rows
from synthohive_spark.spec.across_rows import AcrossRule, described_across
from synthohive_spark.spec.family_shapes import Apart, Following, Forward, Marked, Numbered, Separate, Split

RNG = np.random.default_rng(5)
STEPS = np.array(["placed", "paid", "packed", "sent"])


def _sizes(least: int = 1) -> np.ndarray:
    return RNG.integers(least, 5, 300)


def _found(columns: Mapping[str, object], sizes: np.ndarray, types: dict[str, str], **more: object) -> dict[str, AcrossRule]:
    frame = pd.DataFrame(columns)
    numbers = tuple(n for n, t in types.items() if t in ("int", "double"))
    targets = tuple(n for n in types if n not in more.get("orders", ()))  # type: ignore[operator]
    search = AcrossSearch.model_validate({"types": types, "targets": targets, "summed": numbers, "terms": numbers} | more)
    made = {n: pa.array(frame[n], from_pandas=True) for n in types}
    made = {n: a.cast(pa.date32()) if types[n] == "date" else a for n, a in made.items()}
    table = pa.table(made | {FAMILY: np.repeat(np.arange(len(sizes)) * 3, sizes), SIZE: np.repeat(sizes, sizes)})
    return {rule.column: rule for rule in find_across_rows(table.take(RNG.permutation(len(table))), search)}


def _kept(rule: AcrossRule, columns: dict[str, pa.Array], types: dict[str, str], family: list[int], name: str = "") -> list[object]:
    rows = FamilyRows(np.array(family))
    found: list[object] = across_rows(columns, [rule], types, rows, {})[name or rule.column].to_pylist()
    return found


def test_ranks_by_another_column() -> None:
    sizes = _sizes()
    score = np.concatenate([np.sort(RNG.choice(1000, n, replace=False))[::-1] for n in sizes])
    rank = np.concatenate([np.arange(1, n + 1) for n in sizes])
    found = _found({"rank": rank, "score": score}, sizes, {"rank": "int", "score": "int"})
    assert found["rank"] == Numbered(column="rank", ordered_by="score", falling=True)
    assert described_across(found["rank"], "races") == "rank = 1, 2, ... by score falling in each row of races"
    columns = {"rank": pa.array([3, 3, 9, 1], pa.int32()), "score": pa.array([10, 30, 20, 5], pa.int32())}
    assert _kept(found["rank"], columns, {"rank": "int", "score": "int"}, [1, 1, 1, 2]) == [3, 1, 2, 1]


def test_ranks_that_are_shared() -> None:
    rule = Numbered(column="rank", ordered_by="score", falling=True, tied=True)
    columns = {"rank": pa.array([0, 0, 0], pa.int32()), "score": pa.array([7, 9, 9], pa.int32())}
    assert _kept(rule, columns, {"rank": "int", "score": "int"}, [1, 1, 1]) == [3, 1, 1]


def test_one_row_is_marked() -> None:
    sizes = _sizes()
    default = np.concatenate([np.arange(n) == RNG.integers(n) for n in sizes])
    found = _found({"default": default}, sizes, {"default": "boolean"})
    assert found["default"] == Marked(column="default", value=True, others=(False,))
    columns = {"default": pa.array([True, True, False, False, True])}
    assert _kept(found["default"], columns, {"default": "boolean"}, [1, 1, 1, 2, 3])[:3] == [True, False, False]
    assert _kept(found["default"], columns, {"default": "boolean"}, [1, 1, 1, 2, 3])[3:] == [True, True]


def test_versions_follow_one_another() -> None:
    sizes = _sizes(2)
    start = np.concatenate([np.cumsum(RNG.integers(1, 50, n)) for n in sizes])
    last = np.concatenate([np.arange(n) == n - 1 for n in sizes])
    end = np.where(last, np.nan, np.roll(start, -1) - 1)
    types = {"valid_from": "date", "valid_to": "date", "current": "boolean"}
    days = {"valid_from": pd.array(start, dtype="Int32"), "valid_to": pd.array(end, dtype="Int32"), "current": last}
    found = _found(days, sizes, types, orders=("valid_from",))
    assert found["valid_to"] == Following(column="valid_to", of="valid_from", plus=-1, ends=True, rising=True, ordered_by="valid_from")
    assert found["current"] == Marked(column="current", value=True, others=(False,), at="last", ordered_by="valid_from")
    columns = {"valid_from": pa.array([9, 3], pa.int32()).cast(pa.date32()), "valid_to": pa.array([None, 4], pa.int32()).cast(pa.date32())}
    kept = pa.array(_kept(found["valid_to"], columns, types, [1, 1]), pa.date32()).cast(pa.int32()).to_pylist()
    assert kept == [None, 8]


def test_values_that_never_repeat() -> None:
    sizes = _sizes(2)
    product = np.concatenate([RNG.choice(12, n, replace=False) for n in sizes]).astype(str)
    assert _found({"product": product}, sizes, {"product": "string"})["product"] == Apart(column="product")
    kept = _kept(Apart(column="product"), {"product": pa.array(["a", "a", "b", "c", "a"])}, {"product": "string"}, [1, 1, 1, 2, 2])
    assert len(set(kept[:3])) == 3
    assert kept[3:] == ["c", "a"]


def test_times_that_do_not_overlap() -> None:
    sizes = _sizes(2) + 3
    gaps, lengths = RNG.integers(0, 30, sizes.sum()), RNG.integers(5, 60, sizes.sum())
    start = np.cumsum(gaps + np.concatenate([[0], lengths[:-1]]))
    types = {"start": "date", "stop": "date"}
    found = _found({"start": start.astype("int32"), "stop": (start + lengths).astype("int32")}, sizes, types)
    assert found["start"] == Separate(column="start", stop="stop")
    columns = {"start": pa.array([4, 0], pa.int32()).cast(pa.date32()), "stop": pa.array([6, 5], pa.int32()).cast(pa.date32())}
    assert [d.day for d in _kept(found["start"], columns, types, [1, 1])] == [6, 1]  # type: ignore[attr-defined]
    assert [d.day for d in _kept(found["start"], columns, types, [1, 1], "stop")] == [8, 6]  # type: ignore[attr-defined]


def test_shares_add_up() -> None:
    sizes = _sizes()
    share = np.concatenate([np.diff(np.r_[0, np.sort(RNG.choice(np.arange(1, 100), n - 1, replace=False)), 100]) for n in sizes])
    assert _found({"share": share}, sizes, {"share": "int"})["share"] == Split(column="share", total=100)
    kept = _kept(Split(column="share", total=100), {"share": pa.array([1, 1, 1, 0], pa.int32())}, {"share": "int"}, [1, 1, 1, 2])
    assert sorted(kept[:3]) == [33, 33, 34]  # type: ignore[type-var]
    assert kept[3] == 100


@pytest.mark.parametrize("way", ["each", "skip", "repeat"])
def test_steps_that_only_go_forward(way: str) -> None:
    sizes = _sizes(2)
    sizes = np.minimum(sizes, 3) if way == "skip" else sizes
    draw = {
        "each": lambda n: np.arange(n),
        "skip": lambda n: np.sort(RNG.choice(4, n, replace=False)),
        "repeat": lambda n: np.sort(RNG.choice(4, n)),
    }[way]
    status = np.concatenate([STEPS[draw(n)] for n in sizes])
    when = np.concatenate([np.arange(n) for n in sizes])
    found = _found({"status": status, "when": when}, sizes, {"status": "string", "when": "int"}, orders=("when",))
    assert found["status"] == Forward(column="status", steps=tuple(STEPS), ordered_by="when", way=way)  # type: ignore[arg-type]
    columns = {"status": pa.array(["sent", "paid", "placed"]), "when": pa.array([3, 1, 2], pa.int32())}
    kept = _kept(found["status"], columns, {"status": "string", "when": "int"}, [1, 1, 1])
    assert kept == (["packed", "placed", "paid"] if way == "each" else ["sent", "placed", "paid"])


def test_chance_is_no_shape() -> None:
    sizes = _sizes()
    n = int(sizes.sum())
    frame = {"flag": RNG.random(n) < 0.4, "kind": RNG.choice(list("abcd"), n), "number": RNG.integers(0, 9, n)}
    assert not _found(frame, sizes, {"flag": "boolean", "kind": "string", "number": "int"})


def test_a_flag_of_numbers_marks_a_row_and_is_no_total() -> None:
    at = np.tile(np.arange(4), 60)
    found = _found({"at": at, "flag": (at == 3).astype(int)}, np.full(60, 4), {"at": "int", "flag": "int"}, orders=("at",))
    assert isinstance(found["flag"], Marked) and found["flag"].at == "last"


def test_columns_that_both_count_do_not_wait_for_each_other() -> None:
    week = np.repeat(RNG.integers(1, 40, 80), 5) + np.tile(np.arange(5), 80)
    columns = {"id": np.arange(400), "week": week, "period": week + 100}
    found = _found(columns, np.full(80, 5), dict.fromkeys(columns, "int"), number="id", orders=("id",))
    assert found and not any(isinstance(rule, Following) for rule in found.values())


def test_given_values_lead() -> None:
    rows, held = FamilyRows(np.zeros(3, dtype=np.int64)), {"c": np.array([False, False, True])}

    def made(rule: AcrossRule, *values: object) -> list[object]:
        found: list[object] = across_rows({"c": pa.array(values)}, [rule], {"c": "boolean" if isinstance(values[0], bool) else "string"}, rows, held)[
            "c"
        ].to_pylist()
        return found

    assert made(Apart(column="c"), "x", "y", "x")[2] == "x" != made(Apart(column="c"), "x", "y", "x")[0]
    assert made(Marked(column="c", value=True), True, False, True) == [False, False, True]
    assert made(Forward(column="c", steps=("a", "b", "c")), "c", "b", "a") == ["c", "b", "a"]


def test_the_open_row_is_the_current_one_whatever_was_drawn() -> None:
    rules = [Marked(column="now", value=True, at="last", ordered_by="to"), Following(column="to", of="since", ends=True, ordered_by="since")]
    columns = {"to": pa.array([5, 9, 7]), "since": pa.array([1, 2, 3]), "now": pa.array([False, True, False])}
    made = across_rows(columns, rules, {"to": "bigint", "since": "bigint", "now": "boolean"}, FamilyRows(np.zeros(3, dtype=np.int64)), {})
    assert made["to"].to_pylist() == [2, 3, None] and made["now"].to_pylist() == [False, False, True]


def test_shares_in_decimals_of_many_digits() -> None:
    shares = [x + Decimal("0.01") * (i % 7) for i in range(60) for x in (Decimal("33.33"), Decimal("26.67"), Decimal("40"))]
    flat = pa.array(shares, pa.decimal128(38, 18))
    rule = Split(column="share", total=100.0, digits=2)
    made = across_rows({"share": flat}, [rule], {"share": "decimal(38,18)"}, FamilyRows(np.repeat(np.arange(60), 3)), {})["share"]
    sums = pd.Series(made.to_pylist()).groupby(np.repeat(np.arange(60), 3)).sum()
    assert (sums == 100).all() and made.type == flat.type


def test_slots_of_one_length_that_never_overlap() -> None:
    starts = np.concatenate([np.sort(RNG.choice(60, 5, replace=False)) for _ in range(200)]) * 30
    found = _found(
        {"start": starts, "stop": starts + 30, "n": np.arange(1000)}, np.full(200, 5), {"start": "timestamp", "stop": "timestamp", "n": "int"}, orders=("n",)
    )
    assert isinstance(found["start"], Separate)


def test_last_rows_end_after_they_begin() -> None:
    rule = Following(column="to", of="since", ordered_by="since", rising=True)
    columns = {"since": pa.array([1, 5, 9, 3]), "to": pa.array([0, 0, 4, 99])}
    made = across_rows(columns, [rule], {"since": "bigint", "to": "bigint"}, FamilyRows(np.array([0, 0, 0, 1])), {})
    assert made["to"].to_pylist() == [5, 9, 99, 99]


def test_where_every_row_is_marked_the_others_take_what_is_most_frequent() -> None:
    at = np.tile(np.arange(4), 60)
    found = _found({"at": at, "flag": (at == 3).astype(int)}, np.full(60, 4), {"at": "int", "flag": "int"}, orders=("at",))
    rule = found["flag"]
    assert isinstance(rule, Marked) and rule.others == (0,)
    columns = {"at": pa.array([1, 2, 3], pa.int32()), "flag": pa.array([1, 1, 1], pa.int32())}
    assert _kept(rule, columns, {"at": "int", "flag": "int"}, [1, 1, 1]) == [0, 0, 1]
