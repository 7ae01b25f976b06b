"""How much siblings tell of each other."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from synthohive_spark.kernels.intraclass import FAMILY, HASHES, KEY, MOST_NATS, NUMBERS, ROW, intraclass

FAMILIES, EACH = 500, 4


def sampled(labels: np.ndarray, numbers: np.ndarray, families: int = FAMILIES) -> pd.DataFrame:
    """Two columns: labels (n,) and numbers (n,), family by family."""
    n = len(labels)
    hashes = list(np.stack([labels, np.arange(n)], axis=1).astype("int64"))
    values = list(np.stack([np.full(n, np.nan), numbers], axis=1))
    rng = np.random.default_rng(9)
    frame = pd.DataFrame({KEY: 2, FAMILY: np.repeat(np.arange(families), n // families), ROW: rng.permutation(n), HASHES: hashes, NUMBERS: values})
    return frame.sample(frac=1, random_state=1)


def nats(frame: pd.DataFrame) -> dict[int, float]:
    found = intraclass(frame, least=5)
    assert (found["key"] == 2).all()
    return dict(zip(found["place"], found["nats"], strict=True))


def test_siblings_without_anything_in_common_tell_nothing() -> None:
    rng = np.random.default_rng(0)
    assert nats(sampled(rng.integers(0, 5, FAMILIES * EACH), rng.normal(size=FAMILIES * EACH))) == {}


def test_what_siblings_tell_of_numbers_is_what_their_correlation_says() -> None:
    rng = np.random.default_rng(0)
    family = np.repeat(rng.normal(size=FAMILIES), EACH)
    numbers = np.sqrt(0.8) * family + np.sqrt(0.2) * rng.normal(size=FAMILIES * EACH)
    found = nats(sampled(rng.integers(0, 5, FAMILIES * EACH), numbers))
    assert found == {1: pytest.approx(-0.5 * np.log(1 - 0.8**2), abs=0.1)}


def test_a_label_of_the_family_tells_all_of_the_next_one() -> None:
    rng = np.random.default_rng(0)
    same = np.repeat(rng.integers(0, 5, FAMILIES), EACH)
    half = np.where(rng.random(FAMILIES * EACH) < 0.5, same, rng.integers(0, 5, FAMILIES * EACH))
    assert nats(sampled(same, np.zeros(FAMILIES * EACH)))[0] == pytest.approx(np.log(5), abs=0.05)
    assert 0.05 < nats(sampled(half, np.zeros(FAMILIES * EACH)))[0] < 0.5


def test_no_column_tells_more_than_all_and_few_pairs_tell_nothing() -> None:
    times = np.repeat(np.arange(FAMILIES) * 1e6, EACH) + np.tile(np.arange(EACH), FAMILIES)
    assert nats(sampled(np.zeros(FAMILIES * EACH), times))[1] == MOST_NATS
    assert intraclass(sampled(np.zeros(120), np.arange(120.0), families=30), least=5).empty


def test_how_often_siblings_repeat_a_value_is_told_beside_chance() -> None:
    same = np.repeat(np.random.default_rng(0).integers(0, 5, FAMILIES), EACH)
    found = intraclass(sampled(same, np.zeros(FAMILIES * EACH)), least=5).set_index("place")
    assert found["repeated"][0] == 1.0 and found["chance"][0] == pytest.approx(0.2, abs=0.01)


def test_values_can_be_told_where_each_family_counts_once_if_many_have_them_or_few_rows() -> None:
    names = np.repeat(np.arange(FAMILIES), EACH)
    zeros = np.zeros(FAMILIES * EACH)
    kinds = intraclass(sampled(names % 7, zeros), least=EACH).set_index("place")["told"][0]
    alone = [intraclass(sampled(names, zeros), least=least).set_index("place")["told"][0] for least in (EACH, EACH + 1)]
    assert (kinds, *alone) == (1.0, 0.0, 1.0)
