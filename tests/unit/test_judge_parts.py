"""Contingency tables, classifiers, siblings and aggregates of the report, each against numbers worked out another way."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from judge_samples import sample_rows

from synthohive_spark.kernels.judge.classifier import LEAST_ROWS, shuffled, told_apart
from synthohive_spark.kernels.judge.contingency import apart, binned, compared, joint, total_variation
from synthohive_spark.kernels.judge.families import found, halves, orderings, sibling_pairs, with_children
from synthohive_spark.kernels.judge.parents import coarse, first_of_each, places
from synthohive_spark.kernels.judge.rows import OWN, Rows, Values, two_sides

NAN = float("nan")


def rows_of(numbers: dict[str, np.ndarray], links: np.ndarray, kinds: dict[str, str] | None = None) -> Rows:
    columns = {name: Values(np.asarray(x, dtype="float64"), 0, (kinds or {}).get(name, "number")) for name, x in numbers.items()}
    return Rows(columns, np.arange(1, len(links) + 1), links.reshape(len(links), -1))


def test_both_sides_share_codes_and_are_sorted_by_their_hashes() -> None:
    real = sample_rows(False, [np.array([1.0, NAN, 3.0])], [np.array(["b", None, "a"], dtype=object)], ids=np.array([30, 10, 20]))
    fake = sample_rows(True, [np.array([4.0])], [np.array(["c"], dtype=object)], ids=np.array([5]))
    group = pa.concat_tables([fake, real.slice(1), real.slice(0, 1)])
    mine, theirs = two_sides(group, OWN, ("word", "size"), ("label", "number"))
    assert mine.ids.tolist() == [10, 20, 30] and theirs.ids.tolist() == [5]
    assert mine.columns["word"].data.tolist() == [-1, 0, 1] and theirs.columns["word"].data.tolist() == [2]
    assert np.isnan(mine.columns["size"].data[0]) and mine.columns["size"].data[1:].tolist() == [3.0, 1.0]
    assert mine.rank is None
    none = two_sides(group, 7, ("word", "size"), ("label", "number"))
    assert [len(side) for side in none] == [0, 0] and list(none[0].columns) == ["word", "size"]


def test_a_row_that_is_not_there_is_null() -> None:
    assert Values(np.array([1.0, 2.0])).take(np.array([1, 0])).data.tolist() == [2.0, 1.0]
    assert np.isnan(Values(np.array([1.0])).take(np.array([-1])).data[0])
    assert Values(np.array([0, 1]), 2, "label").take(np.array([-1, 1])).data.tolist() == [-1, 1]
    assert Values(np.empty(0)).take(np.array([-1, -1])).data.shape == (2,)


def test_bins_are_quantiles_of_the_real_side_and_nulls_are_a_value() -> None:
    real, fake = Values(np.r_[np.arange(100.0), NAN]), Values(np.array([-5.0, 1000.0, NAN]))
    codes = binned(real, fake)
    assert codes.synthetic.tolist() == [1, 10, 0] and codes.k == 11
    assert np.bincount(codes.real).tolist() == [1, *[10] * 10]


def test_labels_are_the_commonest_and_the_rest() -> None:
    real = Values(np.r_[np.repeat(np.arange(60), 2), -1, -1, -1], 60, "label")
    codes = binned(real, Values(np.array([-1, 0, 59]), 60, "label"))
    assert codes.k == 51 and codes.synthetic.tolist() == [1, 2, 0]


def test_distances_ceilings_and_floors() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 3, 9_000), rng.integers(0, 4, 9_000)
    same, other = joint(a, a, 3), joint(a, rng.permutation(a), 3)
    assert total_variation(same, same, 9) == 0 and total_variation(same[:0], same, 9) == 1.0 and total_variation(same[:0], same[:0], 9) == 0.0
    assert apart(same, 3, 3) == pytest.approx(2 / 3, abs=0.01), "of a column with itself"
    assert apart(joint(a, b, 4), 3, 4) < 0.03
    d = compared(same, other, 3, 3, [rng.random(9_000) < 0.5])
    assert d.distance == pytest.approx(2 / 3, abs=0.02) and d.ceiling < 0.03 and d.floor == pytest.approx(d.distance, abs=0.02)


def test_a_classifier_has_to_guess_where_nothing_differs_and_names_what_does() -> None:
    def side(shift: float, seed: int) -> dict[str, Values]:
        rng = np.random.default_rng(seed)
        return {
            "id": Values(rng.permutation(3_000).astype(float)),
            "plain": Values(rng.normal(size=3_000)),
            "odd": Values(rng.normal(size=3_000) + shift),
            "word": Values(rng.integers(0, 5, 3_000), 5, "label"),
        }

    same = told_apart(side(0, 1), side(0, 2), 7)
    assert same is not None and same.auc < 0.53 and same.rows == 3_000
    apart = told_apart(side(2.0, 1), side(0, 2), 7)
    assert apart is not None and apart.auc == pytest.approx(0.92, abs=0.02), "of two normals two deviations apart"
    assert [name for name, _ in apart.features] == ["odd"] and apart.features[0][1] > 0.3
    assert told_apart(side(2.0, 1), side(0, 2), 7) == apart
    few = {name: v.take(np.arange(LEAST_ROWS - 1)) for name, v in side(0, 1).items()}
    assert told_apart(few, side(0, 2), 7) is None and told_apart({}, {}, 7) is None


def test_a_classifier_bears_columns_that_say_nothing() -> None:
    constant = {"one": Values(np.full(200, 3.0)), "none": Values(np.full(200, NAN)), "same": Values(np.zeros(200, dtype=int), 1, "label")}
    told = told_apart(constant, constant, 0)
    assert told is not None and told.auc == 0.5 and not told.features
    half = Values(np.where(np.arange(200) % 2, 3.0, NAN))
    seen = told_apart({"one": half}, {"one": Values(np.full(200, 3.0))}, 0)
    assert seen is not None and seen.auc == pytest.approx(0.75, abs=0.05), "one value and nulls: where it is missing can tell"


def test_shuffled_columns_lose_what_goes_together() -> None:
    x = np.random.default_rng(0).normal(size=4_000)
    real = {"x": Values(x), "y": Values(x)}
    mixed = shuffled(real, 3)
    assert sorted(mixed["y"].data) == sorted(x) and abs(np.corrcoef(mixed["x"].data, mixed["y"].data)[0, 1]) < 0.1
    told = told_apart(real, mixed, 0, explain=False, quick=True)
    assert told is not None and told.auc > 0.9


def test_siblings_are_of_one_family_and_the_next_follows() -> None:
    rng = np.random.default_rng(0)
    links = rng.integers(0, 40, 500)
    order = rng.permutation(500).astype(float)
    order[7] = NAN
    rows = rows_of({"order": order}, links, {"order": "time"})
    left, right = sibling_pairs(rows, 0, None, 1, "k")
    assert (links[left] == links[right]).all() and (left != right).all() and len(left) == sum(n - 1 for k, n in enumerate(np.bincount(links)) if k and n)
    assert len(np.unique(left)) == len(left) and 0 not in links[left]
    (rank,) = orderings([rows]) or ()
    left, right = sibling_pairs(rows, 0, rank, 1, "k")
    frame = pd.DataFrame({"k": links, "o": order}).query("k > 0").sort_values(["k", "o"])
    expected = {(a, b) for k, g in frame.groupby("k") for a, b in zip(g.index[:-1], g.index[1:], strict=True) if k}
    assert set(zip(left.tolist(), right.tolist(), strict=True)) == expected
    assert len(sibling_pairs(rows, 0, None, 1, "k", at_most=10)[0]) == 10


def test_halves_keep_families_whole_and_are_halves() -> None:
    links = np.repeat(np.random.default_rng(0).integers(-(2**62), 2**62, 2_000), 3)
    for half in halves(links, 3):
        assert (half.reshape(-1, 3).min(axis=1) == half.reshape(-1, 3).max(axis=1)).all() and 0.45 < half.mean() < 0.55


def test_a_declared_order_wins_over_the_time_with_most_values() -> None:
    rows = rows_of({"t": np.array([1.0, 1, 2]), "u": np.array([3.0, 2, 1])}, np.ones(3, dtype=int), {"t": "time", "u": "time"})
    other = rows_of({"t": np.array([1.0, 2, 3]), "u": np.array([1.0, 1, 1])}, np.ones(3, dtype=int), {"t": "time", "u": "time"})
    assert orderings([rows, other]) == [rows.columns["u"].data, other.columns["u"].data], "one column orders both sides"
    declared = Rows(rows.columns, rows.ids, rows.links, np.array([9.0, 8, 7]))
    assert [rank.tolist() for rank in orderings([declared, declared]) or ()] == [[9, 8, 7]] * 2
    assert orderings([rows_of({"t": np.zeros(3)}, np.ones(3, dtype=int))]) is None


def test_a_parents_own_column_keeps_its_name_beside_those_of_its_children() -> None:
    parents = Rows({"rows": Values(np.arange(3.0))}, np.arange(1, 4), np.zeros((3, 0), dtype=int))
    found = with_children(parents, Rows({"y": Values(np.ones(4))}, np.arange(4), np.array([[1], [1], [2], [0]])), 0)
    assert found["rows"].data.tolist() == [0, 1, 2] and found["rows (children)"].data.tolist() == [2, 1, 0]


def test_aggregates_agree_with_pandas() -> None:
    rng = np.random.default_rng(0)
    parents = Rows({"own": Values(np.arange(5.0))}, np.array([2, 4, 6, 8, 9]), np.zeros((5, 0), dtype=int))
    links, x, word = rng.choice([2, 4, 6, 8, 7, 0], 200), rng.normal(1e9, 1, 200), rng.integers(-1, 3, 200)
    links[links == 8] = 6
    links[0] = 8  # one child: no spread
    x[5] = NAN
    children = Rows({"x": Values(x), "word": Values(word, 3, "label")}, np.arange(200), links.reshape(-1, 1))
    told = with_children(parents, children, 0)
    groups = pd.DataFrame({"k": links, "x": x, "w": word}).groupby("k")
    assert list(told) == ["own", "rows", "mean of x", "spread of x", "different word"]
    for i, key in enumerate(parents.ids[:4]):
        assert told["rows"].data[i] == len(groups.get_group(key)) and told["different word"].data[i] == groups["w"].nunique()[key]
        assert told["mean of x"].data[i] == pytest.approx(groups["x"].mean()[key], rel=1e-12)
        assert told["spread of x"].data[i] == pytest.approx(groups["x"].std()[key], rel=1e-6, nan_ok=True)
    assert told["rows"].data[4] == 0 and np.isnan(told["mean of x"].data[4]) and np.isnan(told["different word"].data[4])


def test_parents_are_found_once_and_do_not_tell_who_they_are() -> None:
    parents = Rows({"x": Values(np.array([2.0, 1.0, 3.0]))}, np.array([5, 5, 7]), np.zeros((3, 0), dtype=int))
    one = first_of_each(parents)
    assert one.ids.tolist() == [5, 7] and one.columns["x"].data.tolist() == [1.0, 3.0]
    assert places(rows_of({}, np.array([7, 0, 5, 6])), 0, one).tolist() == [1, -1, 0, -1]
    assert found(np.empty(0, dtype=int), np.array([1])).tolist() == [-1]
    many = coarse(Values(np.arange(1_000.0)), Values(np.array([-1.0, 499.0, 2_000.0, NAN])))
    assert many.data[:3].tolist() == [0, 9, 19] and np.isnan(many.data[3])
    labels = coarse(Values(np.array([0, 0, 0, 1, 2, 2]), 3, "label"), Values(np.array([0, 1, 2, -1]), 3, "label")).data
    assert labels[0] not in labels[1:] and len(set(labels[1:].tolist())) == 1, "what fewer than three parents have is one label"
