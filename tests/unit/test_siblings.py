"""Rows of one family: what a model sees of siblings in training and in sampling, and how their order comes about."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from synthohive_spark.kernels.block import Parents
from synthohive_spark.kernels.columns.marks import INFINITE, NAN
from synthohive_spark.kernels.models.any_order import Network, VectorMemory
from synthohive_spark.kernels.models.autoregressive import Autoregressive
from synthohive_spark.kernels.models.base import CodeLayout, no_reduction
from synthohive_spark.kernels.models.history import Past
from synthohive_spark.kernels.repeats import settle_repeats
from synthohive_spark.kernels.siblings import STEPS, Steps, Turns, draw_in_turns
from synthohive_spark.kernels.splits import order_of_epoch, read_rows
from synthohive_spark.kernels.staging import ORDER, PLACE, STRETCH
from synthohive_spark.spec.encoding import NumberEncoding, TableEncoding
from synthohive_spark.spec.fitted import ModelSpec
from synthohive_spark.spec.hidden import GAP

torch.set_num_threads(1)


def even(*sizes: int) -> tuple[np.ndarray, ...]:
    return tuple(np.full(k, 1 / k) for k in sizes)


def families(*sizes: int) -> Parents:
    counts = np.array(sizes)
    of_child = np.repeat(np.arange(len(counts)), counts)
    return Parents(pd.DataFrame(index=range(len(counts))), of_child, np.arange(len(of_child)) - (np.cumsum(counts) - counts)[of_child], counts[of_child])


def steps(parents: int, years: int = 40) -> Steps:
    """A column of years from 2000 on; gaps of one or two."""
    year = NumberEncoding(name="year", spark_type="int", has_null=False, weights=(1 / years,) * years, tokens=tuple(2000.0 + i for i in range(years)), step=1.0)
    gap = NumberEncoding(name=GAP, spark_type="bigint", has_null=True, weights=(0.2, 0.4, 0.4), tokens=(1.0, 2.0), step=1.0)
    return Steps(TableEncoding(table="t", rows=100, columns=(year, gap)), np.full(parents, np.nan), ("year", GAP), np.random.default_rng(0))


def test_sampling_remembers_what_training_sees() -> None:
    torch.manual_seed(1)
    network = Network(CodeLayout((3, 4), (), even(3, 4), siblings=True), 8, 8)
    offsets = torch.tensor([0, 3])
    codes = torch.stack([torch.randint(0, 3, (9,)), torch.randint(0, 4, (9,))], 1)
    place = torch.tensor([0, 1, 2, 3, 0, 0, 1, 2, 3])
    seen = network.history(codes, offsets, place)
    memory = VectorMemory(network, offsets, 3)
    for turn in range(4):
        rows = torch.nonzero(place == turn).flatten()
        stretches = (torch.cumsum(place == 0, 0) - 1)[rows].numpy()
        now = memory.recall(stretches)
        torch.testing.assert_close(now.vectors, seen.vectors[rows])
        assert torch.equal(now.before, seen.before[rows])
        for mine, theirs, size in zip(now.pasts(), seen.of(rows).pasts(), (3, 4), strict=True):
            torch.testing.assert_close(shares(mine, size), shares(theirs, size))
        memory.remember(stretches, codes[rows].numpy())
    before = seen.before
    assert (before[place == 0] == -1).all() and torch.equal(before[place > 0], codes[torch.nonzero(place > 0).flatten() - 1])


def shares(past: Past, size: int) -> torch.Tensor:
    """Of the codes among the earlier rows, (B, codes)."""
    none, whole = torch.zeros(len(past.last), 1), torch.ones(len(past.last), 1)
    found = past.lifted(torch.zeros(len(past.last), size), none, none, whole)
    assert torch.equal(found > 0, past.lifted(torch.zeros_like(found), none, whole, none) == 1)  # each code that is there once, whatever its share
    return found


def test_history_knows_which_share_of_the_earlier_rows_has_a_code() -> None:
    network = Network(CodeLayout((3, 2), (), even(3, 2), siblings=True), 8, 8)
    codes = torch.tensor([[2, 0], [1, 0], [2, 1], [0, 1], [0, 0]])
    history = network.history(codes, torch.tensor([0, 3]), torch.tensor([0, 1, 2, 3, 0]))
    first, second = history.pasts()
    torch.testing.assert_close(shares(first, 3), torch.tensor([[0, 0, 0], [0, 0, 1], [0, 1 / 2, 1 / 2], [0, 1 / 3, 2 / 3], [0, 0, 0]]))
    torch.testing.assert_close(shares(second, 2)[3], torch.tensor([2 / 3, 1 / 3]))
    assert first.last.tolist() == [-1, 2, 1, 2, -1]


def trained_on_families(rows: np.ndarray, place: np.ndarray, sizes: tuple[int, ...], steps: int) -> Autoregressive:
    torch.manual_seed(0)
    model = Autoregressive(CodeLayout(sizes, (), even(*sizes), siblings=True), {"state": 32, "head": 32})
    context = np.zeros((len(rows), 0), dtype=np.int64)
    model.prepare(rows, context, steps, len(rows))
    for step in range(steps):
        chosen = order_of_epoch(place, np.random.default_rng(step), True)[:160]
        model.training_step(torch.from_numpy(rows[chosen]), torch.from_numpy(context[chosen]), no_reduction, torch.from_numpy(place[chosen]))
    model.load_state(model.state())
    return model


def drawn_families(model: Autoregressive, count: int, size: int) -> np.ndarray:
    """Codes int64 (count, size, D)."""
    codes, _ = draw_in_turns(model, np.zeros((count * size, 0), dtype=np.int64), None, families(*(size,) * count), None, np.random.default_rng(1))
    return codes.reshape(count, size, -1)


def test_a_family_comes_back_to_a_code_that_it_had_before_the_last() -> None:
    """Two of twenty codes per family, in turns: neither the row before nor their mean as one vector tells well which."""
    rng = np.random.default_rng(0)
    pairs = np.argsort(rng.random((500, 20)), 1)[:, :2]
    rows = np.tile(pairs, 3).reshape(-1, 1)
    codes = drawn_families(trained_on_families(rows, np.tile(np.arange(6), 500), (20,), 400), 200, 6)[:, :, 0]
    assert (codes[:, 2:] == codes[:, :-2]).mean() > 0.9


def test_what_follows_a_code_knows_whether_the_sibling_before_has_it() -> None:
    """The second column says whether the first one is that of the row before: of thirty codes, too many pairs to learn each."""
    rng = np.random.default_rng(0)
    same = rng.random((400, 5)) < 0.5
    codes = rng.integers(0, 30, (400, 5))
    for i in range(1, 5):
        codes[:, i] = np.where(same[:, i], codes[:, i - 1], codes[:, i])
    rows = np.stack([codes, np.pad(codes[:, 1:] == codes[:, :-1], ((0, 0), (1, 0)))], 2).reshape(-1, 2).astype(np.int64)
    drawn = drawn_families(trained_on_families(rows, np.tile(np.arange(5), 400), (30, 2), 400), 300, 5)
    assert ((drawn[:, 1:, 0] == drawn[:, :-1, 0]) == (drawn[:, 1:, 1] == 1)).mean() > 0.9


def test_drawn_families_repeat_labels_as_often_as_real_ones_once_settled() -> None:
    rng = np.random.default_rng(0)
    stay = rng.random((600, 6)) < 0.7
    codes = rng.integers(0, 5, (600, 6))
    for i in range(1, 6):
        codes[:, i] = np.where(stay[:, i], codes[:, i - 1], codes[:, i])
    rows, place = np.stack([codes.ravel(), rng.integers(0, 9, 3600)], 1), np.tile(np.arange(6), 600)
    model = trained_on_families(rows, place, (5, 9), 150)
    model.lift_repeats(np.array([-0.8, 0.0]), np.array([0.3, 0.0]))  # as if drawn families strayed
    context = np.zeros((3600, 0), dtype=np.int64)

    def repeats() -> tuple[float, float]:
        drawn = drawn_families(model, 600, 6)[:, :, 0]
        return float((drawn[:, 1:] == drawn[:, :-1]).mean()), float(np.mean([len(set(f)) for f in drawn.tolist()]))

    real = float((codes[:, 1:] == codes[:, :-1]).mean()), float(np.mean([len(set(f)) for f in codes.tolist()]))
    numbers = model.state()["lifts"][1]
    assert repeats()[0] < real[0] - 0.08
    settle_repeats(model, rows, context, place, np.array([True, False]), np.random.default_rng(2))
    assert repeats() == pytest.approx(real, abs=0.05)
    assert torch.equal(model.state()["lifts"][1], numbers)  # numbers are left alone


def test_rows_without_siblings_need_no_settling() -> None:
    model = Autoregressive(CodeLayout((3,), (), even(3), siblings=True), {"state": 8, "head": 8})
    settle_repeats(
        model, np.zeros((5, 1), dtype=np.int64), np.zeros((5, 0), dtype=np.int64), np.zeros(5, dtype=np.int64), np.array([True]), np.random.default_rng(0)
    )
    assert not model.state()["lifts"].any()


def test_a_model_that_sees_siblings_repeats_what_families_repeat() -> None:
    rng = np.random.default_rng(0)
    mine = rng.integers(0, 6, 400)
    rows = np.stack([np.repeat(mine, 4), rng.integers(0, 3, 1600)], 1)
    place = np.tile(np.arange(4), 400)
    torch.manual_seed(0)
    model = Autoregressive(CodeLayout((6, 3), (), even(6, 3), siblings=True), {"state": 32, "head": 32})
    context = np.zeros((1600, 0), dtype=np.int64)
    model.prepare(rows, context, 300, 1600)
    for step in range(300):
        chosen = order_of_epoch(place, np.random.default_rng(step), True)[:100]
        model.training_step(torch.from_numpy(rows[chosen]), torch.from_numpy(context[chosen]), no_reduction, torch.from_numpy(place[chosen]))
    parents = families(*(4,) * 200)
    codes, values = draw_in_turns(model, np.zeros((800, 0), dtype=np.int64), None, parents, None, np.random.default_rng(1))
    assert values is None and (codes[:, 0].reshape(200, 4) == codes[::4, :1]).mean() > 0.9  # a quarter and a sixth of the rest, drawn one by one
    assert len(np.unique(codes[::4, 0])) == 6
    held = torch.from_numpy(rows[:400]), torch.from_numpy(context[:400])
    assert model.held_out_loss(*held, torch.from_numpy(place[:400])) < model.held_out_loss(*held) - 0.5
    model.forget_siblings()
    again = Autoregressive(CodeLayout((6, 3), (), even(6, 3)), {"state": 32, "head": 32})
    again.load_state(model.state())
    assert again.held_out_loss(*held) == pytest.approx(model.held_out_loss(*held))


def test_each_value_follows_from_the_one_before() -> None:
    model = Autoregressive(CodeLayout((40, 3), (), even(40, 3)), {"state": 8, "head": 8})
    parents = families(5, 1, 0, 3)
    codes, values = draw_in_turns(model, np.zeros((9, 0), dtype=np.int64), None, parents, steps(4), np.random.default_rng(2))
    years = np.array(values.to_pylist())
    follows = parents.position > 0
    gaps = np.diff(years, prepend=0)[follows]
    told = codes[follows, 1]
    assert (codes[~follows, 1] == 0).all()  # the first of a family has no distance
    assert (gaps[told > 0] == np.minimum(told[told > 0], 2039 - years[np.flatnonzero(follows) - 1][told > 0])).all()
    assert (codes[:, 0] == years - 2000).all()  # the rest of the row is drawn for the value that it gets


def test_the_first_of_a_family_follows_its_parent_where_that_has_a_time() -> None:
    model = Autoregressive(CodeLayout((40, 3), (), even(40, 3)), {"state": 8, "head": 8})
    parents, own = families(3, 2, 4), steps(3)
    own.last = np.array([2011.0, np.nan, 2020.0])
    codes, values = draw_in_turns(model, np.zeros((9, 0), dtype=np.int64), None, parents, own, np.random.default_rng(2))
    years, first = np.array(values.to_pylist()), np.flatnonzero(parents.position == 0)
    told = codes[first, 1]
    assert told[1] == 0, "no distance without a time of the parent"
    assert [(years[f] - start) for f, start in zip(first[[0, 2]], (2011, 2020), strict=True)] == told[[0, 2]].tolist() and (told[[0, 2]] > 0).all()


def in_days(*gaps: float, weights: tuple[float, ...]) -> Steps:
    """Days from 0 to 1000; gaps of the given ones."""
    day = NumberEncoding(name="t", spark_type="date", has_null=False, weights=(1.0,), knots=(-0.5, -0.5, 1000.5, 1000.5), knots_per_bin=3, step=1.0)
    gap = NumberEncoding(name=GAP, spark_type="bigint", has_null=True, weights=weights, tokens=gaps, step=1.0)
    return Steps(TableEncoding(table="t", rows=100, columns=(day, gap)), np.full(1, np.nan), ("t", GAP), np.random.default_rng(0))


def walked(steps: Steps, rows: int, gaps: np.ndarray) -> np.ndarray:
    steps.last[0] = 100
    values = [100.0]
    for position in range(1, rows):
        values.append(steps.next(np.array([0]), gaps[[position]], np.array([position]), np.array([rows]))[0])
        steps.last[0] = values[-1]
    return np.array(values)


def test_a_long_family_that_goes_too_fast_is_slowed_down_before_the_end() -> None:
    gaps = np.random.default_rng(1).integers(1, 4, 300)  # of 4, 5 or 15 days: 2,400 days in all, of which 900 are left
    values = walked(in_days(4.0, 5.0, 15.0, weights=(0.1, 0.3, 0.3, 0.3)), 300, gaps)
    assert (np.diff(values) >= 0).all() and values.max() < 1001 and (values[values < 1000] == values[values < 1000].round()).all()
    assert (values >= 999).sum() < 15, "rows do not pile up at the greatest real value"
    assert 300 < np.median(values) < 700
    short = walked(in_days(4.0, 5.0, 15.0, weights=(0.1, 0.3, 0.3, 0.3)), 60, gaps)
    assert np.isin(np.diff(short), (4.0, 5.0, 15.0)).all(), "who is in time keeps its gaps"


def test_a_regular_series_keeps_its_step() -> None:
    values = walked(in_days(7.0, 14.0, weights=(0.1, 0.8, 0.1)), 300, np.ones(300, dtype=int))
    assert set(np.diff(values[:120])) == {7.0} and np.unique(np.diff(values)).size == 3  # as far as there is room


def test_a_given_value_stays_and_the_next_one_follows_it() -> None:
    model = Autoregressive(CodeLayout((40, 3), (), even(40, 3)), {"state": 8, "head": 8})
    given = np.full((3, 2), -1)
    given[1, 0], given[2, 1] = 7, 2
    codes, values = draw_in_turns(model, np.zeros((3, 0), dtype=np.int64), given, families(3), steps(1), np.random.default_rng(2))
    assert values.to_pylist()[1:] == [2007, 2009] and codes[1:, 0].tolist() == [7, 9]


def test_stretches_of_long_families_are_drawn_side_by_side() -> None:
    parents = families(3 * STRETCH + 1, 2)
    turns = Turns.of(parents, None)
    assert len(turns.rows) == STRETCH and turns.stretch.max() == 4
    for rows in turns.rows:
        assert len(np.unique(turns.stretch[rows])) == len(rows)
    ordered = Turns.of(families(STEPS + 2 * STRETCH), steps(1))
    assert len(ordered.rows) == STEPS and ordered.stepped.sum() == STEPS


def test_families_are_on_one_side_and_their_rows_in_order(tmp_path: object) -> None:
    sizes = np.random.default_rng(3).integers(1, 90, 60)
    family = np.repeat(np.arange(60) * 1_000_003, sizes)
    place = np.concatenate([np.arange(n) for n in sizes])
    frame = pd.DataFrame({"r0": family % 7, ORDER: family, PLACE: place}).sample(frac=1, random_state=1)
    frame.to_parquet(f"{tmp_path}/rows.parquet")
    split = read_rows(str(tmp_path), "t", ModelSpec(name="autoregressive", row=(7,), context=()), 0.2)
    held = len(split.held_rows)
    assert held in np.cumsum(sizes) and len(split.rows) + held == len(family)
    assert np.array_equal(np.concatenate([split.held_place, split.place]), place % STRETCH)
    order = order_of_epoch(split.place, np.random.default_rng(0), True)
    assert sorted(order) == list(range(len(split.rows))) and not np.array_equal(order, np.sort(order))
    inside = split.place[order] > 0
    assert (np.diff(order)[inside[1:]] == 1).all() and not inside[0]


def test_marks_limit_no_steps_and_lead_nowhere() -> None:
    order = NumberEncoding(name="t", spark_type="double", has_null=False, weights=(0.2, 0.4, 0.4), tokens=(1.0, 9.0, NAN), step=1.0)
    gap = NumberEncoding(name=GAP, spark_type="double", has_null=True, weights=(0.2, 0.4, 0.4), tokens=(5.0, INFINITE), step=1.0)
    steps = Steps(TableEncoding(table="t", rows=100, columns=(order, gap)), np.full(2, np.nan), ("t", GAP), np.random.default_rng(0))
    assert np.isnan(steps.values(np.array([2]))[0])
    steps.last = np.array([6.0, 6.0])
    values = steps.next(np.array([0, 1]), np.array([1, 2]), np.ones(2, dtype=int), np.full(2, 3))
    assert values[0] == 9 and np.isnan(values[1])


@pytest.mark.parametrize(("kind", "form", "first", "next_day"), [("int", "%Y%m%d", 20240131, 20240201), ("string", "%d/%m/%Y", "31/12/2023", "01/01/2024")])
def test_dates_in_text_or_whole_numbers_go_on_by_days(kind: str, form: str, first: object, next_day: object) -> None:
    order = NumberEncoding(name="t", spark_type=kind, has_null=False, weights=(0.5, 0.5), knots=(19_000.0, 20_000.0), step=1.0, form=form)
    gap = NumberEncoding(name=GAP, spark_type="bigint", has_null=True, weights=(0.5, 0.5), tokens=(1.0,))
    steps = Steps(TableEncoding(table="t", rows=100, columns=(order, gap)), np.full(1, np.nan), ("t", GAP), np.random.default_rng(0))
    day = (np.datetime64("2024-01-31") if kind == "int" else np.datetime64("2023-12-31")).astype(float)
    steps.last[0] = day
    values = steps.next(np.array([0]), np.array([1]), np.ones(1, dtype=int), np.full(1, 3))
    assert values.tolist() == [day + 1] and steps.array(values).to_pylist() == [next_day] and steps.array(np.array([day])).to_pylist() == [first]
    assert steps.codes(values).tolist() == [0]
