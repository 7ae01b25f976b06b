"""The autoregressive model: what it learns, what can be given, and that it stops in time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from row_model_samples import layout_of, none
from safetensors.torch import load

from synthohive_spark.kernels.loop import TrainJob, train
from synthohive_spark.kernels.models.any_order import RunningSum
from synthohive_spark.kernels.models.autoregressive import Autoregressive
from synthohive_spark.kernels.models.base import CodeLayout, no_reduction
from synthohive_spark.kernels.models.draws import stratified
from synthohive_spark.kernels.staging import ORDER, PLACE
from synthohive_spark.kernels.world import World
from synthohive_spark.spec.fitted import ModelSpec


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def trained(rows: np.ndarray, context: np.ndarray, row: tuple[int, ...], above: tuple[int, ...] = (), steps: int = 300) -> Autoregressive:
    torch.manual_seed(0)
    model = Autoregressive(layout_of(rows, row, above), {"state": 32, "head": 32})
    model.prepare(rows, context, steps, len(rows))
    rng = np.random.default_rng(0)
    for _ in range(steps):
        chosen = rng.integers(0, len(rows), min(100, len(rows)))
        model.training_step(torch.from_numpy(rows[chosen]), torch.from_numpy(context[chosen]), no_reduction)
    return model


def exclusive_or(count: int) -> np.ndarray:
    """The third column is told by both others together, and by neither alone."""
    rng = np.random.default_rng(1)
    a, b = rng.integers(0, 2, count), rng.integers(0, 2, count)
    return np.stack([a, b, a ^ b], axis=1)


@pytest.mark.parametrize("parts", [1, 2])
def test_running_sum_is_the_sum_of_what_came_before_and_so_is_its_slope(parts: int) -> None:
    rng = torch.Generator().manual_seed(3)
    vectors = torch.randn(7, 4, dtype=torch.float64, generator=rng, requires_grad=True)
    first = torch.randn(5, 4, dtype=torch.float64, generator=rng, requires_grad=True)
    places = torch.stack([torch.randint(0, 3, (5,), generator=rng), torch.randint(3, 5, (5,), generator=rng), torch.randint(5, 7, (5,), generator=rng)], 1)
    places = torch.stack([places, torch.randint(0, 7, (5, 3), generator=rng)], 2)[:, :, :parts]
    order = torch.rand(5, 3, generator=rng).argsort(1)
    states = RunningSum.apply(vectors, first, places, order)
    for b in range(5):
        seen = first[b]
        for step in range(3):
            column = int(order[b, step])
            torch.testing.assert_close(states[column, b], seen)
            seen = seen + vectors[places[b, column]].sum(0)
    assert torch.autograd.gradcheck(lambda v, f: RunningSum.apply(v, f, places, order), (vectors, first))


def test_a_column_that_two_others_tell_together_is_learnt() -> None:
    rows = exclusive_or(2_000)
    drawn = trained(rows, none(2_000), (2, 2, 2)).sample(none(4_000), np.random.default_rng(2))
    assert ((drawn[:, 0] ^ drawn[:, 1]) == drawn[:, 2]).mean() > 0.95  # 0.5 for any model of pairs


def test_any_columns_can_be_given_and_the_others_follow() -> None:
    model = trained(exclusive_or(2_000), none(2_000), (2, 2, 2), steps=600)
    given = np.full((3_000, 3), -1)
    given[:1_000, 0], given[:1_000, 2] = 1, 0
    given[1_000:2_000, 1] = 1
    drawn = model.sample(none(3_000), np.random.default_rng(2), given)
    assert (drawn[given >= 0] == given[given >= 0]).all()
    assert (drawn[:1_000, 1] == 1).mean() > 0.95
    assert abs(drawn[1_000:2_000, 0].mean() - 0.5) < 0.1
    assert ((drawn >= 0) & (drawn < 2)).all()


def in_turns(turns: tuple[int, ...], known: tuple[int, ...] = ()) -> Autoregressive:
    return Autoregressive(CodeLayout((2,) * len(turns), (), (np.array([0.5, 0.5]),) * len(turns), turns=turns, known=known), {"state": 8, "head": 8})


def test_columns_of_a_lower_turn_are_learnt_and_drawn_first_and_a_share_in_any_order() -> None:
    turns = np.array([2, 0, 2, 1])
    model = in_turns(tuple(turns.tolist()))
    torch.manual_seed(0)
    strict, mixed = model._orders(500).numpy(), model._orders(4_000, 0.25).numpy()
    assert (np.diff(turns[strict], axis=1) >= 0).all() and {tuple(order) for order in strict.tolist()} == {(1, 3, 0, 2), (1, 3, 2, 0)}
    assert abs((np.diff(turns[mixed], axis=1) < 0).any(axis=1).mean() - 0.25 * 22 / 24) < 0.03  # 2 of all 24 orders keep the turns
    assert len({tuple(order) for order in mixed.tolist()}) == 24
    assert [model._in_turns(np.array(columns)).tolist() for columns in ([0, 1, 2, 3], [2, 0], [2, 3])] == [[1, 3, 0, 2], [2, 0], [3, 2]]
    assert in_turns(())._in_turns(np.array([2, 0])).tolist() == [2, 0]


def test_what_most_rows_have_from_the_start_comes_first_in_half_of_the_rows_and_else_in_its_turn() -> None:
    model = in_turns((0, 1, 2, 3), known=(3, 1))
    torch.manual_seed(0)
    orders = [tuple(order) for order in model._orders(1_000).tolist()]
    assert set(orders) == {(0, 1, 2, 3), (1, 3, 0, 2), (3, 1, 0, 2)} and abs(orders.count((0, 1, 2, 3)) - 500) < 60
    assert model._in_turns(np.array([3, 2, 0])).tolist() == [0, 2, 3]


def test_what_is_always_drawn_first_tells_the_rest_as_it_does_in_the_data() -> None:
    """Three columns that say the same and a rare code that follows from them, among many others: of all orders, hardly any begins with the three."""
    rng = np.random.default_rng(1)
    told = (rng.random(6_000) < 0.15).astype(np.int64)
    rare = (rng.random(6_000) < np.where(told == 1, 0.08, 0.01)).astype(np.int64)
    rows = np.stack([told, told, told, rare, *rng.integers(0, 6, (8, 6_000))], axis=1)
    layout = CodeLayout((2, 2, 2, 2, *[6] * 8), (), tuple(np.bincount(rows[:, d]) / len(rows) for d in range(12)), turns=(0, 0, 0, *[1] * 9))
    torch.manual_seed(0)
    model = Autoregressive(layout, {"state": 32, "head": 32})
    model.prepare(rows, none(len(rows)), 400, len(rows))
    for _ in range(400):
        chosen = rng.integers(0, len(rows), 100)
        model.training_step(torch.from_numpy(rows[chosen]), torch.zeros(100, 0, dtype=torch.int64), no_reduction)
    given = np.full((20_000, 12), -1)
    given[:, :3] = (np.arange(20_000) % 2)[:, None]
    drawn = model.sample_columns(none(20_000), np.random.default_rng(2), given, [3])[:, 0]
    assert abs(drawn[1::2].mean() - rare[told == 1].mean()) < 0.03 and abs(drawn[::2].mean() - rare[told == 0].mean()) < 0.008


def test_the_context_decides_what_is_drawn() -> None:
    rng = np.random.default_rng(1)
    context = np.stack([rng.integers(0, 3, 2_000), rng.integers(0, 2, 2_000)], axis=1)
    rows = np.stack([context[:, 0], rng.integers(0, 5, 2_000)], axis=1)
    model = trained(rows, context, (3, 5), (4, 3))
    asked = np.repeat([[0, 0], [1, 1], [2, 0]], 1_000, axis=0)
    assert (model.sample(asked, np.random.default_rng(2))[:, 0] == asked[:, 0]).mean() > 0.95
    assert model.sample(np.array([[3, 2]] * 10), np.random.default_rng(2)).shape == (10, 2)  # "no parent", never seen in training


@pytest.mark.parametrize("count", [1, 2, 50])
@pytest.mark.parametrize("row", [(1,), (3,), (1, 3, 2)])
@pytest.mark.parametrize("context", [(), (1, 4)])
def test_tiny_tables_train_and_draw_codes_in_range(count: int, row: tuple[int, ...], context: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    rows = np.stack([rng.integers(0, k, count) for k in row], axis=1)
    above = np.stack([rng.integers(0, k, count) for k in context], axis=1) if context else none(count)
    model = trained(rows, above, row, context, steps=8)
    drawn = model.sample(above, rng)
    assert drawn.shape == rows.shape and drawn.dtype == np.int64
    assert (drawn >= 0).all() and (drawn < np.array(row)).all()
    assert model.sample(above[:0], rng).shape == (0, len(row))


@pytest.mark.parametrize("steps", [1, 2, 9, 10, 30])
def test_any_number_of_steps_can_be_trained(steps: int) -> None:
    rows = exclusive_or(50)
    assert np.isfinite(trained(rows, none(50), (2, 2, 2), steps=steps).held_out_loss(torch.from_numpy(rows), torch.from_numpy(none(50))))


def test_draws_come_from_the_generator_that_is_passed_and_from_the_state() -> None:
    rows = exclusive_or(500)
    model = trained(rows, none(500), (2, 2, 2), steps=30)
    again = Autoregressive(model.layout, model.settings)
    again.load_state(model.state())
    torch.manual_seed(9)
    first = model.sample(none(2_500), np.random.default_rng(5))
    assert (again.sample(none(2_500), np.random.default_rng(5)) == first).all()
    assert (model.sample(none(2_500), np.random.default_rng(6)) != first).any()


def test_held_out_loss_is_the_entropy_of_what_is_learnt() -> None:
    rows = exclusive_or(2_000)
    model = trained(rows, none(2_000), (2, 2, 2))
    before = model.held_out_loss(torch.from_numpy(rows), torch.from_numpy(none(2_000)))
    assert before == pytest.approx(2 * np.log(2), abs=0.05)
    assert model.held_out_loss(torch.from_numpy(rows), torch.from_numpy(none(2_000))) == before


def test_unknown_settings_are_named() -> None:
    with pytest.raises(ValueError, match="unknown settings depth; there are state, head"):
        Autoregressive(CodeLayout((2,), (), (np.array([0.5, 0.5]),)), {"depth": 3})


def test_draws_of_a_block_are_spread_evenly_and_each_is_uniform() -> None:
    drawn = stratified(500, np.random.default_rng(0))
    assert drawn.dtype == np.float32 and np.array_equal(np.sort((drawn * 500).astype(int)), np.arange(500))
    firsts = np.array([stratified(20, np.random.default_rng(seed))[0] for seed in range(2_000)])
    assert abs(firsts.mean() - 0.5) < 0.02 and abs((firsts < 0.1).mean() - 0.1) < 0.02
    assert 0 <= stratified(1, np.random.default_rng(0))[0] <= 1


def test_the_last_steps_grow_small() -> None:
    rng = np.random.default_rng(0)
    model = Autoregressive(CodeLayout(row=(4, 4), context=(), weights=(np.full(4, 0.25),) * 2), {})
    rows, context = rng.integers(0, 4, (200, 2)), np.zeros((200, 0), dtype=np.int64)
    model.prepare(rows, context, 1_000, 200)
    moved = []
    for step in range(60):
        if step == 40:
            assert model.anneal(20)
        before = model.network.start.detach().clone()
        model.training_step(torch.from_numpy(rows), torch.from_numpy(context), no_reduction)
        moved.append(float((model.network.start.detach() - before).abs().max()))
    assert max(moved[30:40]) > 3 * max(moved[57:])


def test_training_stops_where_the_held_out_loss_no_longer_falls(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(rng.integers(0, 8, (200, 6)).astype("int32"), columns=[f"r{i}" for i in range(6)])  # nothing to learn but by heart
    (tmp_path / "rows").mkdir()
    rows.assign(**{ORDER: np.arange(200), PLACE: 0}).to_parquet(tmp_path / "rows" / "part.parquet")
    job = TrainJob(
        table="t",
        path=str(tmp_path / "rows"),
        model=ModelSpec(name="autoregressive", row=(8,) * 6, context=()),
        weights=((1 / 8,) * 8,) * 6,
        seed=1,
        epochs=300,
        batch_size=None,
        holdout=0.2,
        evaluations=60,
        progress_path=str(tmp_path / "progress"),
        state_path=str(tmp_path / "state"),
    )
    result = train(job, World())
    losses = [entry["held_out"] for entry in result.history]
    stands = next(i for i in range(3, len(losses)) if min(losses[: i - 2]) <= min(losses[i - 2 : i + 1]))
    epoch = result.history[stands]["epoch"]
    assert result.epochs == epoch + np.ceil(0.4 * epoch) < 300  # the rest is trained with ever smaller steps
    assert min(losses) < 6 * np.log(8) + 0.1  # hardly worse than knowing that nothing depends on anything
    assert load(result.weights)["start"].shape == (128,)


def test_no_row_of_a_small_table_is_seen_more_than_a_hundred_times() -> None:
    steps = {rows: Autoregressive.default_epochs(rows) * -(-rows // Autoregressive.default_batch_size(rows)) for rows in (20, 60, 150, 400, 20_000)}
    assert steps[20] == 100
    assert steps[60] == 200
    assert steps[150] == 500
    assert 1_000 <= steps[400] <= 1_040
    assert 1_700 <= steps[20_000] <= 1_900


def test_few_rows_are_not_learnt_by_heart() -> None:
    rng = np.random.default_rng(5)
    kind = rng.integers(0, 3, 2_060)
    rows = np.stack([kind, *(np.where(rng.random(2_060) < 0.7, kind, rng.integers(0, 8, 2_060)) for _ in range(5))], axis=1)
    few, others = rows[:60], torch.from_numpy(rows[60:])
    nats = {}
    for epochs in (Autoregressive.default_epochs(60), 500):
        torch.manual_seed(0)
        sizes = (3, 8, 8, 8, 8, 8)
        model = Autoregressive(CodeLayout(sizes, (), tuple(np.bincount(few[:, d], minlength=k) / 60 for d, k in enumerate(sizes))), {})
        model.prepare(few, none(60), 2 * epochs, 60)
        for _ in range(epochs):
            order = torch.randperm(60)
            for chosen in (order[:32], order[32:]):
                model.training_step(torch.from_numpy(few)[chosen], torch.from_numpy(none(60))[chosen], no_reduction)
        nats[epochs] = model.held_out_loss(others, torch.from_numpy(none(2_000)))
    assert nats[Autoregressive.default_epochs(60)] < 0.98 * nats[500]
