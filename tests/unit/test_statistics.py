"""Counts on grids: exact where they must be, additive, and close to the textbook distances."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp

from synthohive_spark.kernels import comparison
from synthohive_spark.kernels.grids import plot_edges, round_step
from synthohive_spark.kernels.statistics import CODE, LABEL, MOMENT, PAIR, ColumnPlan, Kind, TablePlan, partial_counts, plan_column, plan_columns


def counted(plan: ColumnPlan, values: pd.Series) -> np.ndarray:
    return np.bincount(plan.encode(values), minlength=plan.codes)


def plan_of(frame: pd.DataFrame, kinds: list[str]) -> TablePlan:
    columns = tuple(plan_column(frame[f"c{i}"], kind) for i, kind in enumerate(kinds))
    return TablePlan(table=3, columns=columns, pairs=tuple(combinations(range(len(kinds)), 2)))


def totals(frames: list[pd.DataFrame], plan: TablePlan) -> pd.DataFrame:
    parts = pd.concat(partial_counts(iter(frames), plan=plan, synthetic=False))
    return parts.groupby(["table", "what", "item", "code"])["real"].sum().reset_index()


@pytest.fixture
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    x = rng.normal(10, 3, 3000)
    x[rng.random(3000) < 0.1] = np.nan
    labels = rng.choice([f"v{i}" for i in range(200)], 3000, p=np.arange(200, 0, -1) / 20100)
    return pd.DataFrame({"c0": x, "c1": np.where(np.isnan(x), 4.0, 2 * x + rng.normal(0, 1, 3000)), "c2": np.where(rng.random(3000) < 0.05, None, labels)})


@pytest.mark.parametrize("shift", [0.0, 0.2, 3.0])
def test_ks_on_the_grid_is_close_to_the_exact_one(shift: float) -> None:
    rng = np.random.default_rng(0)
    real, synthetic = pd.Series(rng.normal(size=5000)), pd.Series(rng.normal(shift, 1.3, size=3000))
    plan = plan_column(real, "number")
    assert comparison.ks(counted(plan, real)[1:], counted(plan, synthetic)[1:]) == pytest.approx(ks_2samp(real, synthetic).statistic, abs=1 / 400)


def test_ks_sees_an_atom_that_synthetic_rows_only_come_close_to() -> None:
    rng = np.random.default_rng(1)
    real = pd.Series(np.where(rng.random(1000) < 0.9, 0.0, rng.random(1000) + 1))
    synthetic = pd.Series(np.where(real == 0, -rng.random(1000) - 0.001, real))
    plan = plan_column(real, "number")
    exact = ks_2samp(real, synthetic).statistic
    assert exact > 0.85
    assert comparison.ks(counted(plan, real)[1:], counted(plan, synthetic)[1:]) == pytest.approx(exact, abs=0.003)


def test_contingency_codes_are_the_quantile_bins_of_numpy(frame: pd.DataFrame) -> None:
    plan = plan_column(frame["c0"], "number")
    known = frame["c0"].dropna().to_numpy()
    edges = np.unique(np.quantile(known, np.linspace(0, 1, 11)[1:-1]))
    assert (plan.coarse_codes[plan.encode(pd.Series(known))] == 1 + np.searchsorted(edges, known, side="right")).all()
    assert plan.coarse_codes[plan.encode(pd.Series([np.nan]))].tolist() == [0]


def test_plot_intervals_hold_every_row_once(frame: pd.DataFrame) -> None:
    plan = plan_column(frame["c0"], "number")
    known = frame["c0"].dropna().to_numpy()
    inner, _ = np.histogram(known[known < plan.plot[-1]], bins=plan.plot)
    spread = plan.intervals(counted(plan, frame["c0"]))
    assert spread.sum() == len(known)
    assert spread[1:-1].tolist() == inner.tolist()


def test_counts_of_any_cut_add_up_to_the_same(frame: pd.DataFrame) -> None:
    plan = plan_of(frame, ["number", "number", "label"])
    whole = totals([frame], plan)
    shuffled = frame.sample(frac=1, random_state=2)
    pieces = pd.concat([part for cut in range(7) for part in partial_counts(iter([shuffled[cut::7]]), plan=plan, synthetic=False)])
    added = pieces.groupby(["table", "what", "item", "code"])["real"].sum().reset_index()
    pd.testing.assert_frame_equal(whole, added)


def test_counts_are_right(frame: pd.DataFrame) -> None:
    plan = plan_of(frame, ["number", "number", "label"])
    rows = totals([frame[:1000], frame[1000:]], plan)
    by = {what: rows[rows["what"] == what] for what in (CODE, LABEL, PAIR, MOMENT)}
    nulls = by[CODE][(by[CODE]["code"] == 0)].set_index("item")["real"]
    assert nulls[0] == frame["c0"].isna().sum() and nulls[2] == frame["c2"].isna().sum() and 1 not in nulls
    common = set(plan.columns[2].labels)
    rare = frame["c2"].dropna().loc[lambda s: ~s.isin(common)].value_counts()
    assert len(common) == 50
    assert sorted(by[LABEL]["real"]) == sorted(rare)
    assert by[PAIR].groupby("item")["real"].sum().tolist() == [3000, 3000, 3000]
    n = len(plan.numbers)
    forth, back = (by[MOMENT][by[MOMENT]["item"] == i * n + j].set_index("code")["real"] for i, j in ((0, 1), (1, 0)))
    r = comparison.pearson(int(forth[0]), (int(forth.get(1, 0)), int(back.get(1, 0))), (int(forth[2]), int(back[2])), int(forth[3]))
    assert r == pytest.approx(frame["c0"].corr(frame["c1"]), abs=1e-4)


def test_plan_does_not_depend_on_the_order_of_the_rows(frame: pd.DataFrame) -> None:
    kinds: tuple[Kind, ...] = ("number", "number", "label")
    plans = [plan_columns(chunk_of(f), kinds={3: kinds}) for f in (frame, frame.sample(frac=1, random_state=3))]
    pd.testing.assert_frame_equal(*plans)
    assert plans[0]["distinct"].tolist() == [0, 0, frame["c2"].nunique()]
    assert plans[0]["table"].tolist() == [3, 3, 3]


def test_a_row_of_weight_two_counts_twice(frame: pd.DataFrame) -> None:
    twice = pd.concat([frame, frame])
    kinds: dict[int, tuple[Kind, ...]] = {3: ("number", "number", "label")}
    pd.testing.assert_frame_equal(plan_columns(chunk_of(frame, weight=2), kinds=kinds), plan_columns(chunk_of(twice), kinds=kinds))


def chunk_of(frame: pd.DataFrame, weight: int = 1) -> pd.DataFrame:
    """Rows as the stage hands them to `plan_columns`: two numbers and a label, of table 3."""
    numbers, labels = list(frame[["c0", "c1"]].astype("float64").to_numpy()), list(frame[["c2"]].to_numpy())
    return pd.DataFrame({"table": 3, "chunk": 0, "weight": weight, "numbers": numbers, "labels": labels})


@pytest.mark.parametrize("values", [[], [np.nan, np.nan], [np.inf, -np.inf], [7.0], [1e308, -1e308], [1e308], [1e17], [1e15, 1e15 + 1]])
def test_odd_columns_have_a_grid(values: list[float]) -> None:
    column = pd.Series(values, dtype="float64")
    plan = plan_column(column, "number")
    counts = counted(plan, column)
    assert counts.sum() == len(values) and len(counts) == plan.codes
    assert plan.intervals(counts).sum() == column.notna().sum()
    assert len(plan.coarse_codes) == plan.codes
    assert np.isfinite(plan.scale)


def test_distances_of_empty_sides() -> None:
    none, some = np.zeros(3, dtype="int64"), np.array([0, 2, 1])
    assert (comparison.ks(none, none), comparison.ks(none, some)) == (0.0, 1.0)
    assert comparison.ks_with_nulls(np.array([5, 0, 0]), np.array([0, 3, 2])) == 1.0
    assert comparison.ks_with_nulls(np.array([5, 5, 5]), np.array([0, 5, 5])) == pytest.approx(1 / 3)


@pytest.mark.parametrize("counts", [[5, 50, 1, 1, 3, 200], [1] * 40, [1000, 1000], [10, 0, 7]])
def test_expected_gap_agrees_with_drawn_halves(counts: list[int]) -> None:
    cells = np.array(counts)
    total = int(cells.sum())
    halves = np.random.default_rng(0).multivariate_hypergeometric(cells, total // 2, size=4000)
    drawn = np.abs(2 * halves - cells).mean(axis=0)
    assert comparison.half_gap(cells, total) == pytest.approx(drawn, rel=0.06, abs=0.02)


def test_ceiling_is_what_halves_of_the_rows_give() -> None:
    rng = np.random.default_rng(4)
    rows = rng.integers(0, 30, 500)
    by_rows = []
    for _ in range(200):
        order = rng.permutation(500)
        a, b = (np.bincount(rows[part], minlength=31) for part in (order[:250], order[250:]))
        by_rows.append(comparison.ks(a, b))
    assert comparison.half_distance(np.bincount(rows, minlength=31), comparison.ks, seed=1, name="x") == pytest.approx(np.mean(by_rows), rel=0.3)
    assert comparison.half_distance(np.array([1, 0]), comparison.ks, seed=1, name="x") == 0.0
    huge = comparison.half_distance(np.array([3_000_000_000, 2_000_000_000]), comparison.ks, seed=1, name="x")
    assert 0 < huge < 1e-4


def test_pearson_without_variance_is_none_and_is_safe_far_from_zero() -> None:
    assert comparison.pearson(3, (6, 9), (12, 29), 18) is None
    x, y = [10**9 + i for i in range(5)], [10**9 - i for i in range(5)]
    products = sum(a * b for a, b in zip(x, y, strict=True))
    assert comparison.pearson(5, (sum(x), sum(y)), (sum(a * a for a in x), sum(b * b for b in y)), products) == pytest.approx(-1.0)


@pytest.mark.parametrize(
    ("low", "high", "whole", "time", "step"),
    [
        (1, 12, True, False, 1),
        (0, 1000, True, False, 50),
        (0.0, 0.99, False, False, 0.05),
        (0, 3600 * 24 * 30, True, True, 86400),
        (2013, 2013, True, False, 1),
    ],
)
def test_plot_edges_are_round_and_cover_the_range(low: float, high: float, whole: bool, time: bool, step: float) -> None:
    edges = plot_edges(low, high, whole=whole, time=time)
    assert np.diff(edges) == pytest.approx(step)
    assert edges[0] <= low and edges[-1] > high and 2 <= len(edges) <= 43


def test_round_step_of_nothing() -> None:
    assert round_step(0.0, 40, whole=True, time=False) == 1.0
    assert round_step(1.0, 4, whole=False, time=False) == 0.5
