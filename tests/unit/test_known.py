"""What drawn rows know: layers that are added up are those of their states."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import synthohive_spark.kernels.models.autoregressive as autoregressive
from synthohive_spark.kernels.models.autoregressive import Autoregressive
from synthohive_spark.kernels.models.base import CodeLayout
from synthohive_spark.kernels.models.known import MOST_ADDED, States, Sums

CONTEXT, ROW, WIDTH, HEAD = (4, 6, 50), (3, 5, 7), 16, 8
CODES = sum(CONTEXT) + sum(ROW)
STARTS = np.cumsum([0, *CONTEXT, *ROW])


@pytest.fixture
def sums() -> Sums:
    random = torch.Generator().manual_seed(1)
    sizes = ((CODES, WIDTH), (WIDTH,), (len(ROW), WIDTH, HEAD), (len(ROW), HEAD))
    return Sums(*(torch.randn(size, generator=random) for size in sizes))


def states(sums: Sums, context: torch.Tensor) -> States:
    return States(sums.start + sums.vectors[context].sum(1), sums.vectors, sums.hidden, sums.bias)


def contexts(rng: np.random.Generator, rows: int, steady: tuple[int, ...]) -> torch.Tensor:
    """Places (rows, C); those of the columns `steady` change every fourth row."""
    codes = np.stack([rng.integers(0, k, rows) for k in CONTEXT], axis=1)
    codes[:, list(steady)] = np.repeat(codes[::4, list(steady)], 4, axis=0)[:rows]
    return torch.from_numpy(codes + STARTS[: len(CONTEXT)])


@pytest.mark.parametrize("steady", [(), (0,), (1, 2), (0, 1, 2)])
@pytest.mark.parametrize("rows", [1, 2, 41])
def test_layers_are_those_of_the_states(sums: Sums, steady: tuple[int, ...], rows: int) -> None:
    rng = np.random.default_rng(rows)
    context = contexts(rng, rows, steady)
    added, known = sums.of(context, len(ROW)), states(sums, context)
    assert added is not None
    for column in (2, 0, 1):
        torch.testing.assert_close(added.layer(column), known.layer(column), rtol=1e-4, atol=1e-4)
        places = torch.from_numpy(rng.integers(0, ROW[column], rows) + STARTS[len(CONTEXT) + column])
        added.add(places)
        known.add(places)


def test_a_layer_is_the_callers_to_change(sums: Sums) -> None:
    added = sums.of(torch.zeros(3, 0, dtype=torch.int64), 1)
    assert added is not None
    before = added.layer(0).clone()
    added.layer(0).zero_()
    assert torch.equal(added.layer(0), before)


def test_rows_that_know_too_much_are_left_to_their_states(sums: Sums) -> None:
    context = torch.from_numpy(np.random.default_rng(1).integers(0, CODES, (20, MOST_ADDED + 1)))
    assert sums.of(context, 1) is None
    assert sums.of(context[:1].repeat(20, 1), 1) is not None  # the same in all rows
    assert Sums.fit(1_000, 16, 128) and not Sums.fit(20_000, 100, 128)


def test_both_ways_draw_the_same_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(3)
    layout = CodeLayout(row=ROW, context=CONTEXT, weights=tuple(np.full(k, 1 / k) for k in ROW))
    model = Autoregressive(layout, {})
    model.network.odds.data *= 20
    model.network.odds_bias.data += 300  # common to all codes, and past what exp can take
    rng = np.random.default_rng(5)
    context = np.stack([rng.integers(0, k, 4_000) for k in CONTEXT], axis=1)
    rows = [model.sample(context, np.random.Generator(np.random.Philox(7)))]
    monkeypatch.setattr(autoregressive.Sums, "fit", lambda *_: False)
    model.load_state(model.state())
    rows.append(model.sample(context, np.random.Generator(np.random.Philox(7))))
    assert (rows[0] == rows[1]).all(1).mean() > 0.99  # a draw can lie within rounding of a code's edge
    assert all((np.bincount(rows[0][:, d], minlength=k) > 0).all() for d, k in enumerate(ROW))


def test_what_was_computed_once_is_forgotten_with_its_weights() -> None:
    torch.manual_seed(3)
    layout = CodeLayout(row=ROW, context=(), weights=tuple(np.full(k, 1 / k) for k in ROW))
    model, other = Autoregressive(layout, {}), Autoregressive(layout, {})
    empty, draw = np.zeros((500, 0), dtype=np.int64), lambda m: m.sample(empty, np.random.Generator(np.random.Philox(7)))
    other.network.odds.data *= 100
    first, second = draw(model), draw(other)
    assert not np.array_equal(first, second)
    model.load_state(other.state())
    assert np.array_equal(draw(model), second)
