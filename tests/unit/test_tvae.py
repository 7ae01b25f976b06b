"""TVAE: what it learns, what it draws, how it travels."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from row_model_samples import layout_of, none, trained
from safetensors.torch import load, save

from synthohive_spark.errors import SerializationError
from synthohive_spark.kernels.models import model_class, restore_model
from synthohive_spark.kernels.models.base import CodeLayout, no_reduction
from synthohive_spark.kernels.models.tvae import TVAE
from synthohive_spark.spec.fitted import ModelSpec


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def chained() -> tuple[np.ndarray, TVAE]:
    """Three columns: the second nearly always equals the first, the third is by itself."""
    torch.set_num_threads(1)
    rng = np.random.default_rng(1)
    first = rng.choice(4, 2000, p=[0.1, 0.2, 0.3, 0.4])
    rows = np.stack([first, (first + (rng.random(2000) < 0.1)) % 4, rng.integers(0, 2, 2000)], axis=1)
    return rows, trained(TVAE, layout_of(rows, (4, 4, 2)), rows, none(2000), 700, learning_rate=5e-3)


def test_columns_that_depend_on_each_other_are_learnt(chained: tuple[np.ndarray, TVAE]) -> None:
    drawn = chained[1].sample(none(5000), np.random.default_rng(2))
    assert np.abs(np.bincount(drawn[:, 0], minlength=4) / 5000 - [0.1, 0.2, 0.3, 0.4]).max() < 0.05
    assert (drawn[:, 0] == drawn[:, 1]).mean() > 0.65  # 0.9 in truth, 0.29 if they were drawn apart


def test_given_codes_are_kept_and_the_others_follow_them(chained: tuple[np.ndarray, TVAE]) -> None:
    rare = np.tile([0, -1, 1], (300, 1))
    drawn = chained[1].sample(none(300), np.random.default_rng(4), rare)
    assert (drawn[:, 0] == 0).all() and (drawn[:, 2] == 1).all()
    assert (drawn[:, 1] == 0).mean() > 0.6
    some = np.tile([-1, -1, -1], (300, 1))
    some[::3] = [2, -1, -1]
    mixed = chained[1].sample(none(300), np.random.default_rng(4), some)
    assert (mixed[::3, 0] == 2).all() and len(np.unique(mixed[1::3, 0])) == 4
    assert (some[1::3] == -1).all()  # what was asked for is left as it was


def test_the_context_decides_what_is_drawn() -> None:
    rng = np.random.default_rng(1)
    context = rng.integers(0, 3, (2000, 1))
    rows = np.concatenate([context, rng.integers(0, 5, (2000, 1))], axis=1)
    model = trained(TVAE, layout_of(rows, (3, 5), (4,)), rows, context, 250)
    asked = np.repeat([[0], [1], [2]], 1000, axis=0)
    drawn = model.sample(asked, np.random.default_rng(2))
    assert (drawn[:, 0] == asked[:, 0]).mean() > 0.9
    given = np.tile([-1, 4], (30, 1))
    assert (model.sample(asked[:30], np.random.default_rng(2), given)[:, 0] == 0).mean() > 0.9
    assert model.sample(np.full((10, 1), 3), np.random.default_rng(2)).shape == (10, 2)  # "no parent", never seen in training


@pytest.mark.parametrize("count", [1, 7, 50])
@pytest.mark.parametrize("row", [(1,), (3,), (1, 3, 2)])
@pytest.mark.parametrize("context", [(), (1, 4)])
def test_tiny_tables_train_and_draw_codes_in_range(count: int, row: tuple[int, ...], context: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    rows = np.stack([rng.integers(0, k, count) for k in row], axis=1)
    above = np.stack([rng.integers(0, k, count) for k in context], axis=1) if context else none(count)
    model = trained(TVAE, layout_of(rows, row, context), rows, above, 8)
    drawn = model.sample(above, rng)
    assert drawn.shape == rows.shape and drawn.dtype == np.int64
    assert (drawn >= 0).all() and (drawn < np.array(row)).all()
    assert model.sample(above[:0], rng).shape == (0, len(row))
    whole = model.sample(above, rng, rows)
    assert (whole == rows).all()


def test_draws_come_from_the_generator_and_judging_leaves_training_alone() -> None:
    rows = np.random.default_rng(0).integers(0, 5, (100, 3))
    model = trained(TVAE, layout_of(rows, (5, 5, 5)), rows, none(100), 3)
    before, weights = torch.get_rng_state(), {k: v.clone() for k, v in model.decoder.state_dict().items()}
    first, second, other = (model.sample(none(100), np.random.default_rng(s)) for s in (1, 1, 2))
    held = [model.held_out_loss(torch.from_numpy(rows), torch.from_numpy(none(100))) for _ in range(2)]
    assert (first == second).all() and (first != other).any() and held[0] == held[1]
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(weights[k], v) for k, v in model.decoder.state_dict().items())
    assert any(not torch.equal(weights[k], v) for k, v in model.state().items())  # what is kept is the average


def test_the_held_out_bound_falls_and_the_last_steps_become_small() -> None:
    rng = np.random.default_rng(1)
    first = rng.integers(0, 6, 2000)
    rows = np.stack([first, first, first], axis=1)
    short, long = (trained(TVAE, layout_of(rows, (6, 6, 6)), rows, none(2000), steps) for steps in (10, 300))
    bounds = [model.held_out_loss(torch.from_numpy(rows), torch.from_numpy(none(2000))) for model in (short, long)]
    assert bounds[1] < 0.7 * bounds[0]  # columns by themselves stay at 5.4, the real rows have 1.8
    assert long.anneal(10)
    for _ in range(11):
        long.training_step(torch.from_numpy(rows[:50]), torch.from_numpy(none(50)), no_reduction)
    assert long._optimiser.param_groups[0]["lr"] == 0.0


def test_same_seed_same_bytes_and_a_restored_model_draws_the_same() -> None:
    rows = np.random.default_rng(0).integers(0, 4, (100, 2))
    layout = layout_of(rows, (4, 4))
    model, again = (trained(TVAE, layout, rows, none(100), 4, hidden=16, latent=4) for _ in range(2))
    assert save(model.state()) == save(again.state())
    assert not any(name.startswith("encoder") for name in load(save(model.state())))  # what reads real rows is not kept
    marginals = tuple(tuple(w.tolist()) for w in layout.weights)
    spec = ModelSpec(name="tvae", settings={"hidden": 16, "latent": 4}, row=(4, 4), context=())
    restored = restore_model(spec, save(model.state()), marginals)
    assert (restored.sample(none(50), np.random.default_rng(3)) == model.sample(none(50), np.random.default_rng(3))).all()
    other = ModelSpec(name="tvae", settings={"hidden": 32, "latent": 4}, row=(4, 4), context=())
    with pytest.raises(SerializationError, match="other columns"):
        restore_model(other, save(model.state()), marginals)


def test_it_is_found_by_name_and_names_unknown_settings() -> None:
    assert model_class("tvae") is TVAE
    with pytest.raises(ValueError, match="unknown settings loss_factor"):
        TVAE(CodeLayout((2,), (), (np.array([0.5, 0.5]),)), {"loss_factor": 2})
