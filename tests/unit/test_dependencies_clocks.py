"""Sums on clocks: hhmm, text, minutes of the day, hours and weekdays; found, kept, and told."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from synthohive_spark.kernels.columns.types import arrow_type
from synthohive_spark.kernels.dependencies.choose import choose
from synthohive_spark.kernels.dependencies.count import confirmed, count_batches
from synthohive_spark.kernels.dependencies.find import CANDIDATES, find_candidates
from synthohive_spark.kernels.dependencies.find_clocks import find_clocks
from synthohive_spark.kernels.dependencies.formulas import evaluate, holds
from synthohive_spark.kernels.dependencies.sample import Sample, Search
from synthohive_spark.spec.dependencies import Clock, Linear, described

ROWS = 4_000
Columns = dict[str, tuple[str, object]]


def sample(columns: Columns, **more: object) -> tuple[Sample, Search]:
    types = {name: kind for name, (kind, _) in columns.items()}
    arrays = {name: pa.array(values, from_pandas=True).cast(arrow_type(types[name])) for name, (_, values) in columns.items()}
    inputs = tuple(n for n, t in types.items() if t != "string")
    fields = {"targets": tuple(types), "inputs": inputs, "discrete": (), **more}
    return Sample(arrays, types, len(next(iter(arrays.values())))), Search(types=types, **fields)  # type: ignore[arg-type]


def found(columns: Columns, **more: object) -> list[str]:
    drawn, search = sample(columns, **more)
    return [described(c, search.types) for c in find_clocks(drawn, search)]


def hhmm(minutes: np.ndarray, midnight: int = 0) -> np.ndarray:
    shown = minutes % 1440
    return np.where(shown == 0, midnight, shown // 60 * 100 + shown % 60)


def flights(seed: int = 0, rows: int = ROWS) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 1440, rows), np.maximum(rng.gamma(1, 40, rows).astype(int) - 20, -20)


def masked(values: np.ndarray, every: int) -> np.ndarray:
    return np.where(np.arange(len(values)) % every == 0, np.nan, values.astype(float))


def text(seconds: np.ndarray, form: str) -> pa.Array:
    return pa.compute.strftime(pa.array(seconds % 86_400).cast(pa.timestamp("s")), format=form)


def test_times_as_hhmm_past_midnight() -> None:
    planned, delay = flights()
    late = masked(delay, 40)
    columns: Columns = {
        "sched": ("int", hhmm(planned)),
        "delay": ("double", late),
        "dep": ("double", np.where(np.isnan(late), np.nan, hhmm(planned + delay, 2400))),
    }
    told = "dep = sched + delay min (clock hhmm)"
    assert set(found(columns)) == {told, "sched = dep - delay min (clock hhmm)", "delay = dep - sched (clock hhmm)"}
    drawn, search = sample(columns)
    (rule,) = [c for c in choose(find_candidates(drawn, search), (), search.types) if isinstance(c, Clock)]
    assert described(rule, search.types) == told and rule.first == 1
    assert CANDIDATES.validate_json(CANDIDATES.dump_json([rule])) == [rule]
    made = evaluate(rule, drawn.columns, search.types)
    assert made.equals(drawn.columns["dep"]) and made.null_count == ROWS // 40
    inputs = {"sched": pa.array([2355, 2355, 517, 0, 2400], pa.int32()), "delay": pa.array([5.0, 10, -20, None, 1441])}
    assert evaluate(rule, inputs, search.types).to_pylist() == [2400, 5, 457, None, 1]
    assert evaluate(rule.model_copy(update={"first": 0}), inputs, search.types).to_pylist() == [0, 5, 457, None, 1]
    wrong = {**inputs, "dep": pa.array([0.0, 2405, 457, None, 2])}
    assert holds(rule, wrong, search.types).tolist() == [True, False, True, True, False]


@pytest.mark.parametrize(
    ("kind", "unit", "form", "words"),
    [
        ("HH:MM", 60, "%H:%M", "end = start + late min"),
        ("HH:MM:SS", 1, "%H:%M:%S", "end = start + late s"),
        ("HH:MM:SS", 60, "%H:%M:%S", "end = start + late min"),
    ],
)
def test_times_as_text(kind: str, unit: int, form: str, words: str) -> None:
    rng = np.random.default_rng(1)
    start, late = rng.integers(0, 1440, ROWS) * 60, rng.integers(0, 300, ROWS)
    end = start + late * unit
    columns: Columns = {"start": ("string", text(start, form)), "late": ("int", late), "end": ("string", text(end, form))}
    forms = dict.fromkeys(("start", "end"), form)
    assert f"{words} (clock {kind})" in found(columns, forms=forms)
    drawn, search = sample(columns, forms=forms)
    rule = next(c for c in find_clocks(drawn, search) if c.target == "end")
    assert evaluate(rule, drawn.columns, search.types).equals(drawn.columns["end"])
    assert found(columns) == []  # without their forms they are only text


@pytest.mark.parametrize(
    ("cycle", "first", "words"),
    [
        (1440, 0, "b = a + n min (clock 1440)"),
        (1440, 1, "b = a + n min (clock 1440)"),
        (24, 0, "b = a + n h (clock 24)"),
        (7, 0, "b = a + n (clock 7)"),
        (7, 1, "b = a + n (clock 7)"),
        (12, 1, "b = a + n (clock 12)"),
        (360, 0, "b = a + n (clock 360)"),
        (86_400, 0, "b = a + n s (clock 86400)"),
    ],
)
def test_numbers_that_start_again(cycle: int, first: int, words: str) -> None:
    rng = np.random.default_rng(2)
    a, n = rng.integers(0, cycle, 20_000) + first, rng.integers(-100, 10**6, 20_000)
    b = (a + n - first) % cycle + first
    columns: Columns = {"a": ("int", a), "n": ("bigint", n), "b": ("smallint" if cycle < 2**15 else "int", b), "other": ("int", rng.integers(0, 7, 20_000))}
    assert words in found(columns)
    drawn, search = sample(columns)
    rule = next(c for c in find_clocks(drawn, search) if c.target == "b")
    assert rule.first == first and evaluate(rule, drawn.columns, search.types).equals(drawn.columns["b"])


def test_what_never_passes_the_end_is_a_plain_sum() -> None:
    rng = np.random.default_rng(3)
    a, n = rng.integers(0, 18, ROWS), rng.integers(0, 6, ROWS)
    columns: Columns = {"a": ("int", a), "n": ("int", n), "b": ("int", a + n), "c": ("int", rng.integers(0, 24, ROWS)), "d": ("int", rng.integers(0, 24, ROWS))}
    assert found(columns) == []
    drawn, search = sample(columns)
    assert [described(c, search.types) for c in choose(find_candidates(drawn, search), (), search.types)] == ["b = a + n"]


def test_another_zone_is_a_constant() -> None:
    planned, _ = flights(4)
    columns: Columns = {"local": ("int", hhmm(planned)), "utc": ("int", hhmm(planned + 330)), "n": ("int", planned % 7)}
    assert set(found(columns)) == {"local = utc + 1110 min (clock hhmm)", "utc = local + 330 min (clock hhmm)"}
    assert evaluate(
        Clock(target="utc", determinants=("local",), factors=(1,), constant=90, cycle=1440, readings=("hhmm", "hhmm")),
        {"local": pa.array([2300, None], pa.int32())},
        {"local": "int", "utc": "int"},
    ).to_pylist() == [30, None]


def test_times_in_two_writings() -> None:
    planned, delay = flights(5)
    columns: Columns = {"sched": ("string", text(planned * 60, "%H:%M")), "delay": ("int", delay), "dep": ("int", hhmm(planned + delay))}
    words = found(columns, forms={"sched": "%H:%M"})
    assert {"dep = sched + delay min (clock hhmm)", "sched = dep - delay min (clock HH:MM)"} <= set(words)
    same: Columns = {"told": ("string", text(planned * 60, "%H:%M")), "sched": ("int", hhmm(planned))}
    assert found(same, forms={"told": "%H:%M"}) == ["told = sched (clock HH:MM)", "sched = told (clock hhmm)"]


def test_a_duration_past_midnight_has_no_negative_values() -> None:
    rng = np.random.default_rng(6)
    start, minutes = rng.integers(0, 1440, ROWS), rng.integers(20, 700, ROWS)
    columns: Columns = {"start": ("int", hhmm(start)), "end": ("int", hhmm(start + minutes)), "took": ("int", minutes)}
    drawn, search = sample(columns, targets=("took",))
    (rule,) = find_clocks(drawn, search)
    assert described(rule, search.types) == "took = end - start (clock hhmm)"
    assert evaluate(rule, drawn.columns, search.types).equals(drawn.columns["took"])
    assert not holds(rule, {**drawn.columns, "took": pa.compute.add(drawn.columns["took"], 1440).cast(pa.int32())}, search.types).any()


def test_errors_are_counted_and_chance_is_none() -> None:
    planned, delay = flights(7)
    for errors, there in ((10, True), (60, False)):
        dep = hhmm(planned + delay)
        dep[:errors] = hhmm(planned[:errors] + delay[:errors] + 7)
        words = found({"sched": ("int", hhmm(planned)), "delay": ("int", delay), "dep": ("int", dep)})
        assert ("dep = sched + delay min (clock hhmm)" in words) is there
    rng = np.random.default_rng(8)
    noise: Columns = {f"c{i}": ("int", hhmm(rng.integers(0, 1440, ROWS))) for i in range(4)} | {f"n{i}": ("int", rng.integers(0, 9, ROWS)) for i in range(4)}
    noise |= {f"w{i}": ("int", rng.integers(0, 7, ROWS)) for i in range(4)} | {"null": ("double", np.full(ROWS, np.nan))}
    assert found(noise) == []
    assert found({"sched": ("int", hhmm(planned)), "year": ("int", np.full(ROWS, 2013)), "dep": ("int", hhmm(planned * 7))}) == []


def test_how_midnight_is_told_is_counted_on_all_rows() -> None:
    rule = Clock(target="dep", determinants=("sched", "delay"), factors=(1, 1), cycle=1440, readings=("hhmm", "hhmm", "number"))
    types = {"dep": "int", "sched": "int", "delay": "int"}
    planned, delay = flights(9)
    for midnight, first in ((2400, 1), (0, 0)):
        arrays = [pa.array(v, pa.int32()) for v in (hhmm(planned + delay, midnight), hhmm(planned), delay)]
        batch = pa.record_batch(arrays, names=["x", "y", "z"])
        lines = list(count_batches(iter([batch]), names=tuple(types), candidates=(rule,), types=types))
        counts = pa.Table.from_batches(lines)
        kept = confirmed(rule, dict(zip(counts.column("measure").to_pylist(), counts.column("n").to_pylist(), strict=True)))
        assert isinstance(kept, Clock) and (kept.share, kept.first) == (1.0, first)


def test_a_clock_goes_before_the_sum_that_nearly_holds() -> None:
    rng = np.random.default_rng(10)
    a = rng.integers(0, 1440, 20_000)
    n = np.where(np.arange(20_000) % 300 == 0, 1440 - a + 3, rng.integers(0, 1440, 20_000) % (1440 - a))
    columns: Columns = {"a": ("int", a), "n": ("int", n), "b": ("int", (a + n) % 1440)}
    drawn, search = sample(columns)
    candidates = find_candidates(drawn, search)
    assert any(isinstance(c, Linear) for c in candidates)
    assert [described(c, search.types) for c in choose(candidates, (), search.types)] == ["b = a + n min (clock 1440)"]


def test_four_digits_as_text() -> None:
    planned, delay = flights(11)
    digits = [f"{v:04d}" for v in hhmm(planned + delay, 2400)]
    columns: Columns = {"sched": ("int", hhmm(planned)), "delay": ("int", delay), "dep": ("string", digits), "code": ("string", ["2599"] * ROWS)}
    assert "dep = sched + delay min (clock HHMM)" in found(columns)
    drawn, search = sample(columns)
    rule = next(c for c in find_clocks(drawn, search) if c.target == "dep" and len(c.determinants) == 2)
    assert rule.first == 1 and evaluate(rule, drawn.columns, search.types).equals(drawn.columns["dep"])
    wrong = {**drawn.columns, "dep": pa.array(["9999"] * ROWS)}
    assert not holds(rule, wrong, search.types).any()
