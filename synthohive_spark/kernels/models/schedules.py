"""How long models train, in batches of what size, and shares of the peak learning rate, step by step."""

from __future__ import annotations

import math

BATCH, LEAST_BATCH = 256, 32  # rows of a step: states of the largest stay in the processor's cache
STEPS = 1_000  # of a training run, and one more for every so many rows
MOST_EPOCHS = 100  # what is seen more often is learnt by heart: of tables of 30 to 150 rows, other rows are told worse by every further step
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


def batch_size(rows: int) -> int:
    """Small tables take small batches, or they would see few steps per epoch."""
    return min(max(rows // 20, LEAST_BATCH), BATCH)


def epochs(rows: int, rows_per_step: int) -> int:
    """As many as `STEPS` take, and one more for every `rows_per_step` rows, in batches of `batch_size`."""
    steps = STEPS + rows // rows_per_step
    return min(max(round(steps / max(1, -(-rows // batch_size(rows)))), 1), MOST_EPOCHS)
