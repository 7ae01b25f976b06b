"""Distances against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from synthohive_spark.kernels import distances
from synthohive_spark.kernels.distances import HeldOutDistance, choose_pairs, coarse_codes, marginal_distance, pair_distance, total_variation


def test_total_variation_of_known_shares() -> None:
    assert total_variation(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]), 3) == pytest.approx(0.25)
    assert total_variation(np.array([0, 0]), np.array([2, 2, 2]), 3) == pytest.approx(1.0)


def test_pairs_see_what_marginals_do_not() -> None:
    real = np.array([[0, 0], [1, 1]] * 50)
    crossed = np.array([[0, 1], [1, 0]] * 50)
    assert marginal_distance(real, crossed, (2, 2)) == 0
    assert pair_distance(real, crossed, (2, 2), [(0, 1)]) == pytest.approx(1.0)


def test_no_pairs_are_no_distance() -> None:
    assert pair_distance(np.zeros((3, 1), dtype=int), np.zeros((3, 1), dtype=int), (1,), []) == 0


def test_choice_of_pairs_is_bounded_and_seeded() -> None:
    assert choose_pairs(3, 0) == [(0, 1), (0, 2), (1, 2)]
    many = choose_pairs(40, 5)
    assert len(set(many)) == distances.MAX_PAIRS
    assert many == choose_pairs(40, 5)
    assert many != choose_pairs(40, 6)
    assert all(a < b for a, b in many)


def test_coarse_codes_keep_order_and_split_the_mass() -> None:
    groups = coarse_codes(60, np.full(60, 1 / 60))
    assert (np.diff(groups) >= 0).all()
    assert np.bincount(groups).tolist() == [5] * 12
    assert coarse_codes(4, np.ones(4)).tolist() == [0, 1, 2, 3]


def test_coarse_codes_of_a_column_without_rows() -> None:
    assert coarse_codes(20, np.zeros(20)).max() < distances.PAIR_CODES


def test_held_out_distance_is_zero_for_the_same_rows_and_sees_the_context() -> None:
    rng = np.random.default_rng(0)
    context = rng.integers(0, 3, (500, 1))
    rows = np.concatenate([context, rng.integers(0, 40, (500, 1))], axis=1)
    score = HeldOutDistance(rows, context, (3, 40), (4,), seed=1)
    assert score(rows, context) == pytest.approx(0.0)
    shuffled = rows[rng.permutation(500)]
    assert score(shuffled, context) > 0.15  # marginals and inner pairs agree, pairs with the context do not


def test_held_out_distance_of_one_column_without_context() -> None:
    rows = np.array([[0], [0], [1]])
    score = HeldOutDistance(rows, np.zeros((3, 0), dtype=int), (2,), (), seed=0)
    assert score(np.array([[1]] * 3), np.zeros((3, 0), dtype=int)) == pytest.approx(2 / 3)
