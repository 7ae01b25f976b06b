"""The row models: what they learn, what they draw, how they travel."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from row_model_samples import layout_of, none, trained
from safetensors.torch import save

from synthohive_spark.errors import SchemaError, SerializationError
from synthohive_spark.kernels.models import model_class, register_model, restore_model
from synthohive_spark.kernels.models.base import CodeLayout, no_reduction
from synthohive_spark.kernels.models.conditions import ConditionSampler, TrueConditions
from synthohive_spark.kernels.models.ctgan import CTGAN
from synthohive_spark.kernels.models.independent import Independent
from synthohive_spark.kernels.models.moments import MomentLoss
from synthohive_spark.spec.fitted import ModelSpec


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def test_two_columns_that_depend_on_each_other_are_learnt() -> None:
    rng = np.random.default_rng(1)
    first = rng.choice(4, 2000, p=[0.1, 0.2, 0.3, 0.4])
    rows = np.stack([first, (first + (rng.random(2000) < 0.1)) % 4], axis=1)
    model = trained(CTGAN, layout_of(rows, (4, 4)), rows, none(len(rows)), 250)
    drawn = model.sample(np.zeros((5000, 0), dtype=np.int64), np.random.default_rng(2))
    shares = np.bincount(drawn[:, 0], minlength=4) / 5000
    assert np.abs(shares - [0.1, 0.2, 0.3, 0.4]).max() < 0.05
    assert (drawn[:, 0] == drawn[:, 1]).mean() > 0.75  # 0.9 in truth, 0.29 if they were drawn apart


def test_the_context_decides_what_is_drawn() -> None:
    rng = np.random.default_rng(1)
    context = rng.integers(0, 3, (2000, 1))
    rows = np.concatenate([context, rng.integers(0, 5, (2000, 1))], axis=1)
    model = trained(CTGAN, layout_of(rows, (3, 5), (4,)), rows, context, 250)
    asked = np.repeat([[0], [1], [2]], 1000, axis=0)
    drawn = model.sample(asked, np.random.default_rng(2))
    assert (drawn[:, 0] == asked[:, 0]).mean() > 0.85
    assert model.sample(np.full((10, 1), 3), np.random.default_rng(2)).shape == (10, 2)  # "no parent", never seen in training


def test_given_codes_are_kept_and_the_others_follow_them() -> None:
    rng = np.random.default_rng(3)
    first = rng.integers(0, 3, 2_000)
    rows = np.stack([first, first, rng.integers(0, 2, 2_000)], axis=1)
    model = trained(CTGAN, layout_of(rows, (3, 3, 2)), rows, none(len(rows)), 300)
    given = np.tile([2, -1, 1], (500, 1))
    drawn = model.sample(none(len(rows))[:500], np.random.default_rng(4), given)
    assert (drawn[:, 0] == 2).all() and (drawn[:, 2] == 1).all()
    assert (drawn[:, 1] == 2).mean() > 0.8
    free = model.sample(none(len(rows))[:500], np.random.default_rng(4), np.full((500, 3), -1))
    assert len(np.unique(free[:, 0])) == 3


@pytest.mark.parametrize("count", [1, 2, 7, 50])
@pytest.mark.parametrize("row", [(1,), (3,), (1, 1), (1, 3, 2)])
@pytest.mark.parametrize("context", [(), (1, 4)])
def test_tiny_tables_train_and_draw_codes_in_range(count: int, row: tuple[int, ...], context: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    rows = np.stack([rng.integers(0, k, count) for k in row], axis=1)
    given = np.stack([rng.integers(0, k, count) for k in context], axis=1) if context else none(len(rows))
    model = trained(CTGAN, layout_of(rows, row, context), rows, given, 8, penalty_every=2)
    drawn = model.sample(given, rng)
    assert drawn.shape == rows.shape and drawn.dtype == np.int64
    assert (drawn >= 0).all() and (drawn < np.array(row)).all()
    assert model.sample(given[:0], rng).shape == (0, len(row))


def test_draws_come_from_the_generator_that_is_passed() -> None:
    rows = np.random.default_rng(0).integers(0, 5, (100, 3))
    model = trained(CTGAN, layout_of(rows, (5, 5, 5)), rows, none(len(rows)), 2)
    before = torch.get_rng_state()
    first, second, other = (model.sample(none(len(rows)), np.random.default_rng(s)) for s in (1, 1, 2))
    assert (first == second).all() and (first != other).any()
    assert torch.equal(before, torch.get_rng_state())


def test_sampling_in_the_middle_of_training_does_not_change_it() -> None:
    rows = np.random.default_rng(0).integers(0, 5, (100, 2))
    model = trained(CTGAN, layout_of(rows, (5, 5)), rows, none(len(rows)), 5)
    before = {k: v.clone() for k, v in model.generator.state_dict().items()}
    model.sample(none(len(rows)), np.random.default_rng(0))
    assert all(torch.equal(before[k], v) for k, v in model.generator.state_dict().items())
    assert any(not torch.equal(before[k], v) for k, v in model.state().items())  # what is kept is the average


def test_the_generator_step_has_its_own_context_unless_legacy() -> None:
    rows = np.random.default_rng(0).integers(0, 5, (300, 2))
    context = np.random.default_rng(1).integers(0, 7, (300, 1))
    seen: dict[bool, list[bool]] = {}
    for legacy in (False, True):
        model = CTGAN(layout_of(rows, (5, 5), (7,)), {"legacy_context_conditioning": legacy, "critic_every": 1})
        model.prepare(rows, context, 5, len(rows))
        passed: list[torch.Tensor] = []
        model.critic.register_forward_hook(lambda _, inputs, __, passed=passed: passed.append(inputs[2]))
        model.training_step(torch.from_numpy(rows), torch.from_numpy(context), no_reduction)
        real, fake, generators = passed
        seen[legacy] = [torch.equal(real, fake), torch.equal(real, generators)]
    assert seen == {False: [True, False], True: [True, True]}


def test_unknown_settings_are_named() -> None:
    with pytest.raises(ValueError, match="unknown settings pac"):
        CTGAN(CodeLayout((2,), (), (np.array([0.5, 0.5]),)), {"pac": 10})


def test_conditions_match_their_rows_and_favour_rare_codes() -> None:
    rows = np.array([[0, 1]] * 990 + [[2, 0]] * 10)
    torch.manual_seed(0)
    places, numbers = ConditionSampler(rows, (3, 2)).draw(4000)
    column = (places >= 3).long()
    code = places - 3 * column
    assert (torch.from_numpy(rows)[numbers, column] == code).all()
    first = code[column == 0]
    assert not (first == 1).any()  # a code without rows
    assert 0.2 < float((first == 2).float().mean()) < 0.3  # log(11) / (log(11) + log(991)); one row in a hundred in truth


def test_true_conditions_have_true_shares() -> None:
    drawn = TrueConditions((np.array([0.9, 0.1]), np.array([0.0, 1.0]))).draw(20_000, np.random.default_rng(0))
    assert (np.bincount(drawn, minlength=4) / 20_000) == pytest.approx([0.45, 0.05, 0.0, 0.5], abs=0.02)


def test_moment_loss_is_near_zero_for_real_rows_and_not_for_shuffled_ones() -> None:
    rng = np.random.default_rng(0)
    context = rng.integers(0, 2, (4000, 1))
    rows = np.concatenate([context, 1 - context], axis=1)
    loss = MomentLoss(layout_of(rows, (2, 2), (2,)), rows, context)
    one_hot = torch.nn.functional.one_hot(torch.from_numpy(rows), 2).reshape(4000, 4).float()
    right = float(loss(one_hot, torch.from_numpy(context)))
    apart = float(loss(one_hot[torch.randperm(4000)], torch.from_numpy(context)))
    halves = float(loss(torch.full((4000, 4), 0.5), torch.from_numpy(context)))
    assert abs(right) < 0.01 and apart > 0.2 and halves > 0.5


def test_moment_loss_of_a_wide_table_takes_some_columns() -> None:
    rows = np.random.default_rng(0).integers(0, 100, (200, 12))
    model = trained(CTGAN, layout_of(rows, (100,) * 12, (300,)), rows, np.random.default_rng(1).integers(0, 300, (200, 1)), 3)
    kept = model._moments._columns()
    assert kept is not None and len(kept) <= 400


def test_independent_has_the_real_shares_and_no_code_of_weight_zero() -> None:
    model = Independent(CodeLayout((3, 1), (), (np.array([0.75, 0.25, 0.0]), np.array([1.0]))), {})
    drawn = model.sample(np.zeros((20_000, 0), dtype=np.int64), np.random.default_rng(0))
    assert np.bincount(drawn[:, 0], minlength=3) / 20_000 == pytest.approx([0.75, 0.25, 0.0], abs=0.02)
    assert drawn.shape == (20_000, 2) and not drawn[:, 1].any()


def test_independent_keeps_given_codes() -> None:
    layout = CodeLayout(row=(2, 3), context=(), weights=(np.array([0.5, 0.5]), np.array([0.2, 0.3, 0.5])))
    given = np.array([[-1, 0]] * 100)
    drawn = Independent(layout, {}).sample(np.zeros((100, 0), dtype=np.int64), np.random.default_rng(0), given)
    assert (drawn[:, 1] == 0).all() and len(np.unique(drawn[:, 0])) == 2


def test_restored_model_draws_the_same_and_is_kept() -> None:
    rows = np.random.default_rng(0).integers(0, 4, (100, 2))
    layout = layout_of(rows, (4, 4))
    model = trained(CTGAN, layout, rows, none(len(rows)), 4, hidden=16)
    spec = ModelSpec(name="ctgan", settings={"hidden": 16}, row=(4, 4), context=())
    marginals = tuple(tuple(w.tolist()) for w in layout.weights)
    restored = restore_model(spec, save(model.state()), marginals)
    assert (restored.sample(none(len(rows)), np.random.default_rng(3)) == model.sample(none(len(rows)), np.random.default_rng(3))).all()
    assert restore_model(spec, save(model.state()), marginals) is restored
    other = ModelSpec(name="ctgan", settings={"hidden": 32}, row=(4, 4), context=())
    with pytest.raises(SerializationError, match="other columns"):
        restore_model(other, save(model.state()), marginals)
    with pytest.raises(SerializationError):
        restore_model(spec, save(model.state())[:50], marginals)


def test_models_are_found_by_name() -> None:
    assert model_class("ctgan") is CTGAN and model_class("independent") is Independent
    with pytest.raises(SchemaError, match="there are .*ctgan, .*independent"):
        model_class("gpt")
    with pytest.raises(SchemaError, match="another name"):
        register_model(type("Fake", (Independent,), {"name": "ctgan"}))
    assert register_model(CTGAN) is CTGAN
