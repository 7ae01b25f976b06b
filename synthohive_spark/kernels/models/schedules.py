"""Shares of the peak learning rate, step by step."""

from __future__ import annotations

import math

WARM_UP = 0.1  # share of the steps in which the learning rate rises
RATE_RANGE = 100  # the peak learning rate over the first and the last


def one_cycle(step: int, *, steps: int) -> float:
    """Up over the first steps and down over the rest, both along half a cosine (Smith, Topin 2018, arXiv 1708.07120)."""
    share = step / max(steps, 1)
    height = share / WARM_UP if share < WARM_UP else (1 - min(share, 1.0)) / (1 - WARM_UP)
    return 1 / RATE_RANGE + (1 - 1 / RATE_RANGE) * (1 - math.cos(math.pi * height)) / 2


def linear(step: int, *, first: int, steps: int, height: float) -> float:
    """From `height` at the step `first` to nothing."""
    return height * max(0.0, 1 - (step - first) / max(steps, 1))
