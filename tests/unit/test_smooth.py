"""Vectors of ordered codes that are learnt as a smooth curve and a part of their own."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from synthohive_spark.kernels.models.autoregressive import Autoregressive
from synthohive_spark.kernels.models.base import CodeLayout, no_reduction
from synthohive_spark.kernels.models.smooth import LEAST_CODES, SHARE, Smooth, smooth

torch.set_num_threads(1)
WIDTH = 400


class Vectors(nn.Module):
    def __init__(self, codes: int) -> None:
        super().__init__()
        self.vectors = nn.Parameter(torch.randn(codes, WIDTH))


def likeness(first: torch.Tensor, second: torch.Tensor) -> float:
    return float(nn.functional.cosine_similarity(first, second).mean())


def test_near_codes_start_alike_and_far_ones_apart() -> None:
    torch.manual_seed(0)
    network = Vectors(60)
    plain = network.vectors.detach().clone()
    order = np.random.default_rng(0).permutation(50) + 5
    smooth(network, "vectors", [order])
    vectors = network.vectors.detach()
    assert likeness(vectors[order[:-1]], vectors[order[1:]]) > 0.9 * SHARE
    assert likeness(vectors[order[:10]], vectors[order[-10:]]) < 0.5  # the constant wave is common to all
    assert 0.8 < float(vectors[order].std() / plain[order].std()) < 1.2
    assert torch.equal(vectors[:5], plain[:5]) and torch.equal(vectors[55:], plain[55:])  # codes without an order keep theirs


def test_one_code_teaches_its_neighbours() -> None:
    torch.manual_seed(0)
    network = Vectors(40)
    smooth(network, "vectors", [np.arange(20), np.arange(20, 40)])
    before = network.vectors.detach().clone()
    network.vectors[3].sum().backward()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter -= 0.1 * parameter.grad
    moved = (before - network.vectors.detach()).mean(1)
    assert moved[3] > moved[4] > moved[5] > 0.5 * moved[3]
    assert abs(float(moved[15])) < 0.5 * float(moved[3])
    assert (moved[20:] == 0).all()  # the other column


def test_the_sum_is_what_is_kept() -> None:
    rng = np.random.default_rng(0)
    codes = LEAST_CODES + 8
    rows = np.stack([rng.integers(0, codes, 500), rng.integers(0, 3, 500)], 1)
    layout = CodeLayout((codes, 3), (), (np.full(codes, 1 / codes), np.full(3, 1 / 3)), orders=(rng.permutation(codes), np.zeros(0, dtype=np.int64)))
    torch.manual_seed(0)
    model = Autoregressive(layout, {"state": 16, "head": 16})
    context = np.zeros((500, 0), dtype=np.int64)
    model.prepare(rows, context, 10, 500)
    assert any(isinstance(part, Smooth) for part in model.network.modules())
    for _ in range(10):
        model.training_step(torch.from_numpy(rows), torch.from_numpy(context), no_reduction)
    held = torch.from_numpy(rows), torch.from_numpy(context)
    again = Autoregressive(layout, {"state": 16, "head": 16})
    again.load_state(model.state())
    assert not any(isinstance(part, Smooth) for part in again.network.modules())
    assert abs(again.held_out_loss(*held) - model.held_out_loss(*held)) < 1e-5
