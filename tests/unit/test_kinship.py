"""How often columns of a row and of its parent are equal, and how often by chance."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from synthohive_spark.kernels.kinship import MINE, PAIRING, THEIRS, WEIGHT, Candidate, shared_values


def pairing(mine: list[list[int | None]], theirs: list[list[int | None]], weights: list[float] | None = None) -> pd.DataFrame:
    return pd.DataFrame({PAIRING: 3, MINE: mine, THEIRS: theirs, WEIGHT: weights or [1.0] * len(mine)})


def test_equal_rows_are_counted_with_their_weight() -> None:
    frame = pairing([[1], [2], [3]], [[1], [2], [4]], [5.0, 2.0, 3.0])
    found = shared_values(frame, candidates={3: [Candidate((0,), (0,))]}).iloc[0]
    assert found.to_dict() == {"pairing": 3, "candidate": 0, "rows": 10.0, "equal": 7.0, "chance": pytest.approx(0.5 * 0.5 + 0.2 * 0.2)}


def test_nulls_are_equal_to_each_other_and_to_nothing_else() -> None:
    frame = pairing([[None], [None], [0]], [[None], [0], [0]])
    found = shared_values(frame, candidates={3: [Candidate((0,), (0,))]}).iloc[0]
    assert found["equal"] == 2 and found["chance"] == pytest.approx(2 / 3 * 1 / 3 + 1 / 3 * 2 / 3)


def test_columns_of_one_key_are_equal_together() -> None:
    frame = pairing([[1, 2], [1, 2], [2, 1]], [[2, 1], [1, 1], [2, 1]])
    found = shared_values(frame, candidates={3: [Candidate((0, 1), (1, 0)), Candidate((1,), (1,))]})
    assert found["equal"].tolist() == [1.0, 1.0] and found["candidate"].tolist() == [0, 1]


def test_chance_is_what_random_pairs_share() -> None:
    rng = np.random.default_rng(0)
    mine, theirs = rng.choice(5, 20_000, p=[0.6, 0.1, 0.1, 0.1, 0.1]), rng.choice(5, 20_000, p=[0.2, 0.5, 0.1, 0.1, 0.1])
    found = shared_values(pairing(mine[:, None].tolist(), theirs[:, None].tolist()), candidates={3: [Candidate((0,), (0,))]}).iloc[0]
    assert found["equal"] / found["rows"] == pytest.approx(found["chance"], abs=0.01)
