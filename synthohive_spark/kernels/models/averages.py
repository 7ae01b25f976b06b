"""An exponential average of a network's weights: it moves less from step to step than they do, and is what sampling uses."""

from __future__ import annotations

from functools import partial

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

FIRST_STEPS = 10  # the average leans on the newest weights that much longer: the first ones are no part of any average worth keeping


def averaged(network: nn.Module, keep: float) -> AveragedModel:
    """A copy of `network` whose weights keep the share `keep` of themselves at each `update_parameters(network)`."""
    return AveragedModel(network, multi_avg_fn=partial(_towards, keep=keep))


@torch.no_grad()
def _towards(averages: list[torch.Tensor], weights: list[torch.Tensor], steps: torch.Tensor | int, *, keep: float) -> None:
    share = 1 - min(keep, int(steps) / (int(steps) + FIRST_STEPS))
    torch._foreach_lerp_(averages, weights, share)
