"""Children per parent."""

from __future__ import annotations

import numpy as np
import pytest

from synthohive_spark.kernels.cardinality import MAX_VALUES, draw_counts, fit_linkage


def test_empirical_draws_the_real_histogram_up_to_rounding() -> None:
    linkage = fit_linkage([0, 3, 1], [50, 20, 30], method="empirical")
    drawn = draw_counts(linkage, 1000, np.random.default_rng(1))
    values, counts = np.unique(drawn, return_counts=True)
    assert values.tolist() == [0, 1, 3]
    assert np.abs(counts - [500, 300, 200]).max() <= 1


def test_negative_binomial_has_the_real_mean_and_variance() -> None:
    rng = np.random.default_rng(0)
    real = rng.negative_binomial(2.0, 0.2, size=20_000)
    linkage = fit_linkage(*np.unique(real, return_counts=True), method="negbinom")
    drawn = draw_counts(linkage, 20_000, rng)
    assert drawn.mean() == pytest.approx(real.mean(), rel=0.02)
    assert drawn.var() == pytest.approx(real.var(), rel=0.06)


def test_underdispersed_counts_become_a_poisson() -> None:
    linkage = fit_linkage([2], [100], method="negbinom")
    drawn = draw_counts(linkage, 10_000, np.random.default_rng(0))
    assert drawn.mean() == pytest.approx(2.0, abs=0.05)
    assert drawn.var() == pytest.approx(2.0, abs=0.15)


def test_a_key_that_is_the_primary_key_gives_one_child_at_most() -> None:
    linkage = fit_linkage([0, 1], [10, 90], method="negbinom", at_most=1)
    assert set(draw_counts(linkage, 5000, np.random.default_rng(0))) == {0, 1}


def test_many_different_counts_are_pooled_and_keep_the_mean() -> None:
    values = np.arange(5000)
    linkage = fit_linkage(values.tolist(), [1] * 5000, method="empirical")
    assert len(linkage.values) <= MAX_VALUES
    assert float(np.dot(linkage.values, linkage.weights)) == pytest.approx(values.mean(), rel=0.001)


@pytest.mark.parametrize("parents", [0, 1])
def test_no_parents_and_no_children_are_fine(parents: int) -> None:
    assert draw_counts(fit_linkage([], [], method="empirical"), parents, np.random.default_rng(0)).tolist() == [0] * parents
