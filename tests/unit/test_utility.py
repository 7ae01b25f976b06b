"""Train on synthetic, test on real: good copies teach what real rows teach, bad ones nothing."""

from __future__ import annotations

import numpy as np
import pytest

from synthohive_spark.kernels.judge.rows import Values
from synthohive_spark.kernels.judge.utility import useful

N = 3_000
HELD = np.r_[np.ones(600), np.zeros(N - 600)].astype(np.int64)
HALF = np.arange(N) % 2 == 0


def rows(seed: int, noise: float = 0.3) -> dict[str, Values]:
    rng = np.random.default_rng(seed)
    x, kind = rng.normal(size=N), rng.integers(0, 3, N)
    y = x + kind + noise * rng.normal(size=N)
    return {
        "x": Values(x),
        "kind": Values(kind, 3, "label"),
        "y": Values(y),
        "flag": Values((y > 1).astype(np.int64), 2, "label"),
        "third": Values(kind, 3, "label"),
    }


def mixed(columns: dict[str, Values]) -> dict[str, Values]:
    return {name: v.take(np.random.default_rng(sum(map(ord, name))).permutation(N)) for name, v in columns.items()}


@pytest.mark.parametrize(("target", "metric", "least", "guess"), [("flag", "auc", 0.95, 0.65), ("third", "accuracy", 0.95, 0.45), ("y", "r2", 0.85, 0.05)])
def test_good_copies_teach_and_bad_ones_do_not(target: str, metric: str, least: float, guess: float) -> None:
    real, kept = rows(1), [n for n in rows(1) if target != "flag" or n != "y"]
    real, good = ({n: side[n] for n in kept} for side in (real, rows(2)))
    found = useful(real, good, target, HELD, HALF, 0)
    assert found is not None and found.metric == metric and (found.trained, found.tested) == (N - 600, 600)
    assert found.synthetic > least and abs(found.synthetic - found.real) < 0.02
    bad = useful(real, mixed(good), target, HELD, HALF, 0)
    assert bad is not None and bad.real == found.real and bad.synthetic < guess


def test_halves_are_tested_where_it_is_not_known_which_rows_trained() -> None:
    found = useful(rows(1), rows(2), "y", np.full(N, -1), HALF, 0)
    assert found is not None and (found.trained, found.tested) == (N // 2, N // 2)


def test_what_says_nothing() -> None:
    constant = rows(1) | {"y": Values(np.zeros(N))}
    assert useful(constant, constant, "y", HELD, HALF, 0) is None
    empty = rows(1) | {"y": Values(np.full(N, np.nan))}
    assert useful(rows(1), empty, "y", HELD, HALF, 0) is None
    alone = {"y": rows(1)["y"]}
    assert useful(alone, alone, "y", HELD, HALF, 0) is None


def test_numbers_that_stand_for_something_else_are_left_out() -> None:
    real = rows(1)
    real["y"] = Values(np.where(np.arange(N) % 100 == 0, 1.7e308, real["y"].data))
    found = useful(real, rows(2), "y", HELD, HALF, 0)
    assert found is not None and found.tested == 594 and found.synthetic > 0.85


def test_a_copy_of_one_class_knows_no_other() -> None:
    one = rows(2) | {"flag": Values(np.zeros(N, dtype=np.int64), 2, "label")}
    found = useful(rows(1), one, "flag", HELD, HALF, 0)
    assert found is not None and found.synthetic == 0.5 and found.real > 0.9


def test_labels_that_only_the_copy_has_are_the_rest() -> None:
    odd = rows(2) | {"kind": Values(np.full(N, 3, dtype=np.int64), 4, "label")}
    real = rows(1) | {"kind": Values(rows(1)["kind"].data, 4, "label")}
    assert useful(real, odd, "y", HELD, HALF, 0) is not None
