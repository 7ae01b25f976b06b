"""Values of a large category share codes with those that are alike."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from synthohive_spark.kernels.columns import encode_frame
from synthohive_spark.kernels.columns.categories import fit_categories
from synthohive_spark.kernels.columns.likeness import placed_frames, regrouped, regrouped_frames, shared_from
from synthohive_spark.spec.config import EncodingConfig
from synthohive_spark.spec.encoding import CategoryEncoding, TableEncoding

CONFIG = EncodingConfig(max_codes=40, min_category_rows=1)


def fitted(column: pd.Series) -> CategoryEncoding:
    counts = column.value_counts()
    return fit_categories(str(column.name), "string", counts.index.tolist(), counts.to_numpy(), float(column.isna().mean()), CONFIG)


def table(frame: pd.DataFrame) -> TableEncoding:
    return TableEncoding(table="t", rows=len(frame), columns=tuple(fitted(frame[name]) for name in frame))


def planes_and_carriers(rows: int = 20_000) -> pd.DataFrame:
    """600 planes of 8 carriers; names say nothing of the carrier; some planes fly once, and one in ten rows has no plane."""
    rng = np.random.default_rng(0)
    plane = rng.integers(0, 600, rows) ** 2 // 600
    of_plane = rng.integers(0, 8, 600)
    names = np.array([f"N{i:04d}" for i in rng.permutation(600)])
    frame = pd.DataFrame({"plane": names[plane], "carrier": np.array(list("ABCDEFGH"))[of_plane[plane]], "coin": rng.choice(["heads", "tails"], rows)})
    return frame.assign(plane=frame["plane"].where(rng.random(rows) > 0.1))


def through_frames(frame: pd.DataFrame, order: int | None = None) -> CategoryEncoding:
    encoding = table(frame)
    shuffled = frame if order is None else frame.sample(frac=1, random_state=order)
    large = encoding.select(("plane",))
    placed = list(placed_frames(iter([shuffled.iloc[:7_000], shuffled.iloc[7_000:]]), large=large, others=encoding))
    (found,) = regrouped_frames(iter(placed), large=large, others=encoding)
    return CategoryEncoding.model_validate_json(found["encoding"].iloc[0])


def purity(frame: pd.DataFrame, encoding: CategoryEncoding) -> float:
    """Share of the rows whose carrier is the commonest of their code."""
    seen = frame.dropna()
    codes = encode_frame(seen[["plane"]], TableEncoding(table="t", rows=1, columns=(encoding,)))[:, 0]
    return float(pd.crosstab(codes, seen["carrier"].to_numpy()).max(axis=1).sum() / len(seen))


def test_values_that_share_a_code_say_the_same_of_the_other_columns() -> None:
    frame = planes_and_carriers()
    before, after = fitted(frame["plane"]), through_frames(frame)
    assert purity(frame, before) < 0.6
    assert purity(frame, after) > 0.9


def test_nothing_is_lost_and_the_order_of_the_rows_does_not_matter() -> None:
    frame = planes_and_carriers()
    before, after = fitted(frame["plane"]), through_frames(frame)
    assert dict(zip(after.values, after.counts, strict=True)) == dict(zip(before.values, before.counts, strict=True))
    assert len(after.starts) == len(after.weights) - 1 <= CONFIG.max_codes and sum(after.weights) == pytest.approx(1)
    assert after.has_null and after.weights[0] == before.weights[0]
    first = shared_from(before)
    assert after.values[:first] == before.values[:first]
    assert through_frames(frame, order=3) == after


def test_columns_that_say_nothing_change_nothing() -> None:
    frame = planes_and_carriers()[["plane", "coin"]]
    assert through_frames(frame) == fitted(frame["plane"])


def test_a_column_without_shared_codes_and_one_without_known_rows_stay() -> None:
    small = fitted(pd.Series(["a", "b", "a"], name="x"))
    assert shared_from(small) == 2
    assert regrouped(small, np.array([0, 1]), np.array([[0], [1]]), (2,)) == small
    large = fitted(planes_and_carriers()["plane"])
    assert regrouped(large, np.full(5, -1), np.zeros((5, 1), dtype=np.int64), (2,)) == large


def test_values_that_the_sample_does_not_hold_have_a_code() -> None:
    frame = planes_and_carriers()
    encoding = table(frame)
    place = np.arange(len(encoding.columns[0].values) // 2) if isinstance(encoding.columns[0], CategoryEncoding) else np.empty(0)
    after = regrouped(fitted(frame["plane"]), np.tile(place, 50), np.tile((place % 2)[:, None], (50, 1)), (2,))
    assert sorted(after.values) == sorted(fitted(frame["plane"]).values)
