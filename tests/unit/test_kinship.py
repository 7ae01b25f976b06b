"""How often columns of a row and of its parent are equal, and which of the parent's say most about the row."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from synthohive_spark.kernels.kinship import LEAST_ROWS, LEAST_TO_CARRY, LINK, MINE, NULL, PAIRING, THEIRS, WEIGHT, Asked, Candidate, kinship
from synthohive_spark.kernels.traits import ROWS_PER_CELL, quantile_edges
from synthohive_spark.spec.date_forms import MICROS_PER_DAY

Values = list[list[int | None]]


def pairing(mine: Values, theirs: Values, weights: list[float] | None = None, link: list[int] | None = None) -> pd.DataFrame:
    frame = pd.DataFrame({PAIRING: 3, LINK: link or range(len(mine)), WEIGHT: weights or [1.0] * len(mine)})
    for names, values in ((MINE, mine), (THEIRS, theirs)):
        frame[names[0]] = [np.array([NULL if v is None else v + 1 for v in row]) for row in values]
        frame[names[1]] = [np.array([np.nan if v is None else float(v) for v in row]) for row in values]
    return frame


def copies(frame: pd.DataFrame, *candidates: Candidate) -> pd.DataFrame:
    return kinship(frame, asked={3: Asked(candidates, (), (), ((), ()))})


def traits(frame: pd.DataFrame, numeric: tuple[tuple[bool, ...], tuple[bool, ...]], candidates: tuple[Candidate, ...] = ()) -> pd.DataFrame:
    places = tuple(range(len(numeric[0]))), tuple(range(len(numeric[1])))
    found = kinship(frame, asked={3: Asked(candidates, *places, numeric)})
    return found[found["trait"] >= 0].reset_index(drop=True)


def test_equal_rows_are_counted_with_their_weight() -> None:
    frame = pairing([[1], [2], [3]], [[1], [2], [4]], [50.0, 20.0, 30.0])
    found = copies(frame, Candidate((0,), (0,))).iloc[0]
    assert (found["pairing"], found["candidate"], found["rows"], found["equal"], found["trait"]) == (3, 0, 100.0, 70.0, -1)
    assert found["chance"] == pytest.approx(0.5 * 0.5 + 0.2 * 0.2)
    assert copies(pairing([[1]], [[1]], [LEAST_ROWS - 1.0]), Candidate((0,), (0,))).empty


def test_nulls_are_equal_to_each_other_and_to_nothing_else() -> None:
    frame = pairing([[None], [None], [0]], [[None], [0], [0]], [20.0, 20.0, 20.0])
    found = copies(frame, Candidate((0,), (0,))).iloc[0]
    assert found["equal"] == 40 and found["chance"] == pytest.approx(2 / 3 * 1 / 3 + 1 / 3 * 2 / 3)


def test_columns_of_one_key_are_equal_together() -> None:
    frame = pairing([[1, 2], [1, 2], [2, 1]], [[2, 1], [1, 1], [2, 1]], [20.0, 20.0, 20.0])
    found = copies(frame, Candidate((0, 1), (1, 0)), Candidate((1,), (1,)))
    assert found["equal"].tolist() == [20.0, 20.0] and found["candidate"].tolist() == [0, 1]


def test_chance_is_what_random_pairs_share() -> None:
    rng = np.random.default_rng(0)
    mine, theirs = rng.choice(5, 20_000, p=[0.6, 0.1, 0.1, 0.1, 0.1]), rng.choice(5, 20_000, p=[0.2, 0.5, 0.1, 0.1, 0.1])
    found = copies(pairing(mine[:, None].tolist(), theirs[:, None].tolist()), Candidate((0,), (0,))).iloc[0]
    assert found["equal"] / found["rows"] == pytest.approx(found["chance"], abs=0.01)


def suited(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows whose first column follows a label of their parent's, their second a number; parents have a number that says nothing, too."""
    rng = np.random.default_rng(seed)
    parents = np.stack([rng.integers(0, 1000, 200), rng.integers(0, 4, 200), rng.integers(0, 500, 200)], 1)
    link = rng.integers(0, 200, rows)
    theirs = parents[link]
    mine = np.stack([np.where(rng.random(rows) < 0.8, theirs[:, 1], rng.integers(0, 4, rows)), theirs[:, 2] + rng.integers(-20, 20, rows)], 1)
    return mine, theirs, link


def test_what_says_most_about_rows_is_found_best_first() -> None:
    mine, theirs, link = suited(5000, 0)
    found = traits(pairing(mine.tolist(), theirs.tolist(), link=link.tolist()), ((False, True), (True, False, True)))
    assert found["trait"].tolist() == [2, 1]
    assert found["gain"][0] > found["gain"][1] > 0.4  # of 0.8 * log(4) and so on
    assert found["edges"][1] is None and len(found["edges"][0]) == int((5000 / ROWS_PER_CELL) ** 0.5) - 1
    assert np.bincount(np.searchsorted(found["edges"][0], theirs[:, 2], side="right")).min() > 200


def test_what_says_nothing_or_is_copied_or_is_a_name_is_not_carried() -> None:
    mine, theirs, link = suited(5000, 1)
    random = np.random.default_rng(2).permutation(5000)
    assert traits(pairing(mine[random].tolist(), theirs.tolist(), link=link[random].tolist()), ((False, True), (True, False, True))).empty
    copied = pairing(theirs[:, [2]].tolist(), theirs.tolist(), link=link.tolist())
    assert traits(copied, ((True,), (True, True, True)), (Candidate((0,), (2,)),)).empty
    names = pairing(mine.tolist(), link[:, None].tolist(), link=link.tolist())
    assert traits(names, ((False, True), (False,))).empty
    few = suited(LEAST_TO_CARRY - 1, 3)
    assert traits(pairing(few[0].tolist(), few[1].tolist(), link=few[2].tolist()), ((False, True), (True, False, True))).empty


def test_chance_in_a_small_sample_is_no_kinship() -> None:
    rng = np.random.default_rng(4)
    for _ in range(20):
        mine, theirs = rng.integers(0, 40, (300, 10)), rng.integers(0, 40, (300, 5))
        assert traits(pairing(mine.tolist(), theirs.tolist()), ((True,) * 10, (True,) * 5)).empty


def test_edges_cut_groups_of_the_same_weight() -> None:
    assert quantile_edges(np.array([3.0, 1.0, 2.0, np.nan, np.inf]), np.array([1.0, 1.0, 2.0, 9.0, 9.0]), 4).tolist() == [2.0]
    assert quantile_edges(np.arange(100.0), np.ones(100), 4).tolist() == [24.0, 49.0, 74.0]
    assert quantile_edges(np.array([np.nan]), np.ones(1), 4).tolist() == []


def test_times_in_order_say_nothing_of_copies() -> None:
    """What tells of the parent is looked for beside them, also where no column may be a copy."""
    mine, theirs, link = suited(5000, 6)
    times = ((1, 2, 1, 1),)
    frame = pairing((mine + [0, 100]).tolist(), theirs.tolist(), link=link.tolist())
    for candidates in ((), (Candidate((1,), (0,)),)):
        found = kinship(frame, asked={3: Asked(candidates, (0, 1), (0, 1, 2), ((False, True), (True, False, True)), times)})
        assert (found["since"] >= 0).sum() == 1 and set(found["trait"]) == {-1, 1, 2}


def test_times_that_are_never_before_the_parents_are_found() -> None:
    rng = np.random.default_rng(5)
    begins, rows = rng.integers(0, 10**6, 200), rng.integers(0, 200, 2000)
    theirs = np.stack([begins, begins // 2, rng.integers(0, 10**6, 200)], 1)[rows].astype(float)
    mine = np.stack([theirs[:, 0] + rng.integers(0, 1000, 2000), rng.integers(0, 10**6, 2000)], 1).astype(float)
    told = [[None if place == 0 and i % 50 == 0 else value for place, value in enumerate(row)] for i, row in enumerate(mine.astype(int).tolist())]
    frame = pairing(told, theirs.astype(int).tolist(), link=rows.tolist())
    asked = Asked((), (), (), ((True, True), (True, True, True)), times=tuple((i, j, 1, 1) for i in range(2) for j in range(3)))
    found = kinship(frame, asked={3: asked})
    found = found[found["since"] >= 0]
    assert {asked.times[i][:2] for i in found["since"]} == {(0, 0), (0, 1)}, "both of what began before, nothing of what only often did"
    assert found["rows"].tolist() == [1960, 1960] and found["gain"].iloc[0] == pytest.approx(500, abs=20) and found["gain"].iloc[1] > 100_000
    assert all(grain.tolist() == [1.0] for grain in map(np.asarray, found["edges"]))
    days = kinship(frame, asked={3: Asked((), (), (), asked.numeric, times=((0, 0, 1, 7),))})
    assert days.empty, "numbers in steps of seven would be later"


def test_days_are_not_before_times_of_theirs() -> None:
    rng = np.random.default_rng(6)
    theirs = rng.integers(0, 900 * MICROS_PER_DAY, 1000)
    mine = (theirs // MICROS_PER_DAY + rng.integers(0, 9, 1000)) * MICROS_PER_DAY
    frame = pairing([[int(x)] for x in mine], [[int(x)] for x in theirs])
    found = kinship(frame, asked={3: Asked((), (), (), ((True,), (True,)), times=((0, 0, 1, 1),))})
    assert found["equal"].tolist() == [1000.0] and list(found["edges"].iloc[0]) == [float(MICROS_PER_DAY)]
    frame["my_numbers"] = [x // MICROS_PER_DAY for x in frame["my_numbers"]]
    same = kinship(frame, asked={3: Asked((), (), (), ((True,), (True,)), times=((0, 0, MICROS_PER_DAY, 1),))})
    assert same["equal"].tolist() == [1000.0] and same["gain"].iloc[0] == found["gain"].iloc[0]
