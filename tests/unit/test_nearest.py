"""How near synthetic rows are to real ones."""

from __future__ import annotations

import numpy as np
import pytest

from synthohive_spark.kernels.judge.nearest import nearest_rows
from synthohive_spark.kernels.judge.rows import Rows, Values

N, HELD = 4_000, 600


def rows_of(x: np.ndarray, labels: np.ndarray) -> Rows:
    """(N, 3) numbers and (N,) labels."""
    columns = {f"x{i}": Values(column) for i, column in enumerate(x.T)} | {"label": Values(labels, 5, "label")}
    return Rows(columns, np.arange(len(x)), np.empty((len(x), 0), dtype=np.int64))


def drawn(seed: int, n: int = N) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return np.where(rng.random((n, 3)) < 0.05, np.nan, rng.normal(size=(n, 3))), rng.integers(0, 5, n)


HOLD = (np.random.default_rng(9).permutation(N) < HELD).astype(np.int64)


def test_rows_of_one_distribution_are_as_near_to_those_that_trained_as_to_others() -> None:
    found = nearest_rows(rows_of(*drawn(0)), rows_of(*drawn(1)), HOLD)
    assert found is not None and found.nearness == pytest.approx(0.5, abs=0.03) and found.same == (0, 0)
    assert found.distance[0] == pytest.approx(found.distance[1], rel=0.1) and found.rows == N


@pytest.mark.parametrize("copied", [0.1, 0.5, 1.0])
def test_copies_of_rows_that_trained_are_told(copied: float) -> None:
    x, labels = drawn(0)
    some = np.random.default_rng(3).choice(np.flatnonzero(HOLD == 0), N)
    y, others = drawn(1)
    take = np.random.default_rng(4).random(N) < copied
    y[take], others[take] = x[some][take], labels[some][take]
    found = nearest_rows(rows_of(x, labels), rows_of(y, others), HOLD)
    assert found is not None and found.nearness is not None
    assert found.nearness > (0.7 if copied == 1 else 0.6 if copied == 0.5 else 0.54) and found.same[0] == pytest.approx(copied, abs=0.03)
    assert found.same[1] == 0 and found.distance[0] < found.distance[1]


def test_without_rows_that_were_held_out_halves_are_compared() -> None:
    for held in (np.full(N, -1), np.where(np.arange(N) < 50, 1, 0)):
        found = nearest_rows(rows_of(*drawn(0)), rows_of(*drawn(1)), held)
        assert found is not None and found.nearness is None and found.distance[0] == pytest.approx(found.distance[1], rel=0.1)


def test_rows_that_are_alike_by_chance_are_no_copies() -> None:
    """Few values: most rows are there many times, on both sides of the training."""
    x, labels = np.random.default_rng(0).integers(0, 3, (N, 3)).astype(float), np.zeros(N, dtype=np.int64)
    y = np.random.default_rng(1).integers(0, 3, (N, 3)).astype(float)
    found = nearest_rows(rows_of(x, labels), rows_of(y, labels), HOLD)
    assert found is not None and found.nearness == pytest.approx(0.5, abs=0.02) and found.same == (1, 1)


def test_few_rows_tell_nothing() -> None:
    assert nearest_rows(rows_of(*drawn(0, 60)), rows_of(*drawn(1)), np.full(60, -1)) is None
    nothing = Rows({}, np.arange(N), np.empty((N, 0), dtype=np.int64))
    assert nearest_rows(nothing, nothing, np.full(N, -1)) is None


@pytest.fixture(scope="module")
def halves() -> np.ndarray:
    return (np.random.default_rng(5).permutation(N) < N // 2).astype(np.int64)


def test_who_trained_cannot_be_guessed_of_rows_of_one_distribution(halves: np.ndarray) -> None:
    found = nearest_rows(rows_of(*drawn(0)), rows_of(*drawn(1)), halves)
    assert found is not None and found.membership is not None and found.membership < 0.53


def test_who_trained_is_told_by_rows_near_them(halves: np.ndarray) -> None:
    x, labels = drawn(0)
    some = np.random.default_rng(3).choice(np.flatnonzero(halves == 0), N)
    noise = 0.05 * np.random.default_rng(6).normal(size=x[some].shape)
    found = nearest_rows(rows_of(x, labels), rows_of(x[some] + noise, labels[some]), halves)
    assert found is not None and found.membership is not None and found.membership > 0.75


def test_too_few_rows_that_were_held_out_tell_nothing_of_membership() -> None:
    few = np.where(np.arange(N) < 500, 1, 0)
    found = nearest_rows(rows_of(*drawn(0)), rows_of(*drawn(1)), few)
    assert found is not None and found.nearness is not None and found.membership is None


def test_who_trained_is_not_asked_where_families_were_held_out(halves: np.ndarray) -> None:
    found = nearest_rows(rows_of(*drawn(0)), rows_of(*drawn(1)), halves, alone=False)
    assert found is not None and found.nearness is not None and found.membership is None
