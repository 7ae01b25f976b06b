"""Children per parent: the real histogram in the order in which they were drawn, with the total that is asked for."""

from __future__ import annotations

import numpy as np
import pytest

from synthohive_spark.kernels.cardinality import CountRule, evenly, quantiles, settled, within_groups
from synthohive_spark.spec.planning.linkages import MAX_VALUES, fit_linkage


def histogram(values: np.ndarray) -> list[tuple[int, int]]:
    return [(int(v), int(n)) for v, n in zip(*np.unique(values, return_counts=True), strict=True)]


def test_the_real_histogram_comes_back_at_any_scale() -> None:
    linkage = fit_linkage([(0, 50), (3, 20), (1, 30)], method="empirical")
    assert histogram(settled(linkage, 100, None)) == [(0, 50), (1, 30), (3, 20)]
    assert histogram(settled(linkage, 1000, 900)) == [(0, 500), (1, 300), (3, 200)]


def test_negative_binomial_has_the_real_mean_and_variance() -> None:
    real = np.random.default_rng(0).negative_binomial(2.0, 0.2, size=20_000)
    drawn = settled(fit_linkage(histogram(real), method="negbinom"), 20_000, None)
    assert drawn.mean() == pytest.approx(real.mean(), rel=0.02)
    assert drawn.var() == pytest.approx(real.var(), rel=0.06)


@pytest.mark.parametrize(("real", "variance"), [([(2, 100)], 0.0), ([(1, 50), (2, 50), (3, 50)], 2 / 3)])
def test_counts_that_vary_less_than_a_poisson_become_a_binomial(real: list[tuple[int, int]], variance: float) -> None:
    drawn = settled(fit_linkage(real, method="negbinom"), 10_000, None)
    assert drawn.mean() == pytest.approx(2.0, abs=0.05)
    assert drawn.var() == pytest.approx(variance, abs=0.02)


def test_many_different_counts_are_pooled_and_keep_the_mean() -> None:
    linkage = fit_linkage([(n, 1) for n in range(5000)], method="empirical")
    assert len(linkage.values) <= MAX_VALUES
    assert float(np.dot(linkage.values, linkage.weights)) == pytest.approx(2499.5, rel=0.001)


@pytest.mark.parametrize("parents", [0, 1])
def test_no_parents_and_no_children_are_fine(parents: int) -> None:
    assert settled(fit_linkage([], method="empirical"), parents, 0).tolist() == [0] * parents


@pytest.mark.parametrize("total", [0, 7, 100, 250, 1234, 5000])
def test_other_totals_are_met_in_the_proportions_of_the_histogram(total: int) -> None:
    counts = settled(fit_linkage([(0, 5), (1, 3), (4, 2)], method="empirical"), 100, total)
    assert abs(int(counts.sum()) - total) <= 0.01 * total
    assert (np.diff(counts) >= -1).all()  # more for those that have more


def test_nobody_gets_more_than_there_is_room_for() -> None:
    linkage = fit_linkage([(0, 1), (9, 1)], method="empirical")
    assert settled(linkage, 10, 45, 5).max() <= 5
    assert settled(linkage, 10, 45, 5).sum() == 45  # childless parents make up for it
    assert settled(linkage, 10, 45, np.array([0, 9] * 5)).tolist() == [0, 9] * 5
    assert settled(linkage, 10, 99, 3).tolist() == [3] * 10


@pytest.mark.parametrize("total", [None, 32_767, 33_000, 40_000])
def test_all_together_stay_within_the_room(total: int | None) -> None:
    """A total that nearly is what the histogram gives is not taken for it where a key ends there."""
    assert settled(fit_linkage([(3, 10)], method="empirical"), 11_000, total, room=32_767).sum() == 32_767


def test_at_most_one_stays_at_most_one_where_the_total_is_a_little_off() -> None:
    linkage = fit_linkage([(0, 3), (1, 1)], method="empirical")
    assert settled(linkage, 30, 8).max() == 1


def test_many_parents_get_their_numbers_by_level() -> None:
    linkage = fit_linkage([(0, 40), (1, 40), (10, 20)], method="conditional")
    rows = np.arange(100_000)
    drawn = (rows % 5).astype(np.int64)
    levels = {v: (v / 5, 0.2) for v in range(5)}
    counts = CountRule(linkage=linkage, levels=levels, salt=3).of(rows, drawn)
    assert counts.mean() == pytest.approx(2.4, rel=0.01)
    assert [counts[drawn == v].mean() for v in range(5)] == pytest.approx([0, 0, 1, 1, 10], abs=0.01)
    assert CountRule(linkage=linkage, levels=levels, salt=3, factor=0.5).of(rows, drawn).mean() == pytest.approx(1.2, rel=0.02)
    assert CountRule(linkage=linkage, levels=levels, salt=3, at_most=4).of(rows, drawn).max() == 4


def test_levels_are_even_over_every_run_and_functions_of_the_row() -> None:
    levels = evenly(np.arange(1_000, 3_000), salt=11)
    assert np.abs(np.sort(levels) - (np.arange(2_000) + 0.5) / 2_000).max() < 0.01
    assert np.array_equal(levels[500:], evenly(np.arange(1_500, 3_000), salt=11))


def test_quantiles_do_not_fall_off_the_end() -> None:
    linkage = fit_linkage([(1, 1), (2, 2)], method="empirical")
    assert quantiles(linkage, np.array([0.0, 0.33, 0.34, 1.0 - 1e-16])).tolist() == [1, 1, 2, 2]


def test_what_a_group_has_no_room_for_goes_to_others() -> None:
    counts, groups = np.array([5, 3, 1, 0, 2]), np.array([9, 9, 4, 4, 7])
    assert within_groups(counts, groups, 100).tolist() == counts.tolist()
    capped = within_groups(counts, groups, 4)
    assert [capped[groups == g].sum() for g in (9, 4, 7)] == [4, 3, 4] and capped.sum() == 11
    assert within_groups(counts, groups, 3).tolist() == [2, 1, 3, 0, 3]
    assert within_groups(counts, groups, 4, limit=2).max() == 2
    assert within_groups(np.array([9, 0]), np.array([1, 2]), 2).tolist() == [2, 2]  # a group without children, too
    assert within_groups(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), 3).tolist() == []
