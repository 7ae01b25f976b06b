"""Rows of a real table, joined with their driving parents, become training codes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pandas as pd

from ..spec.encoding import TableEncoding
from ..spec.hidden import hidden
from .columns import encode_frame
from .conditioning import context_codes

ORDER = hidden("order")  # hash of the row's family, or of the row: training sorts by it, so that file layout does not matter
PLACE = hidden("place")  # of the row in its family
STRETCH = 32  # rows of a family that see each other: a longer one is learnt in stretches, so that a batch holds many families
HAS_PARENT = hidden("has_parent")
PARENT_PREFIX = hidden("parent_")


def renamed_frames(
    frames: Iterator[pd.DataFrame], *, kernel: Callable[[Iterator[pd.DataFrame]], Iterator[pd.DataFrame]], names: Sequence[str]
) -> Iterator[pd.DataFrame]:
    """`kernel` over frames whose columns are called `names`."""
    yield from kernel(frame.set_axis(list(names), axis=1) for frame in frames)


def renamed_groups(
    left: pd.DataFrame,
    right: pd.DataFrame,
    *,
    kernel: Callable[[pd.DataFrame, pd.DataFrame], pd.DataFrame],
    names: tuple[Sequence[str], Sequence[str]],
) -> pd.DataFrame:
    """`kernel` of two cogroups whose columns are called `names`."""
    return kernel(left.set_axis(list(names[0]), axis=1), right.set_axis(list(names[1]), axis=1))


def encode_training_frames(
    frames: Iterator[pd.DataFrame], *, drawn: TableEncoding, conditions: TableEncoding, parent: TableEncoding | None
) -> Iterator[pd.DataFrame]:
    """Frames of real rows in, frames of codes out: `r0...` the drawn columns, `x0...` the context, `ORDER`, `PLACE`.

    The parent's columns come prefixed with `PARENT_PREFIX`; rows without a parent have `HAS_PARENT` false.
    """
    for frame in frames:
        rows = encode_frame(frame, drawn)
        context = _training_context(frame, conditions, parent)
        codes = {f"r{i}": rows[:, i] for i in range(rows.shape[1])} | {f"x{i}": context[:, i] for i in range(context.shape[1])}
        yield pd.DataFrame({**{k: v.astype("int32") for k, v in codes.items()}, ORDER: frame[ORDER].to_numpy(), PLACE: frame[PLACE].to_numpy()})


def _training_context(frame: pd.DataFrame, conditions: TableEncoding, parent: TableEncoding | None) -> np.ndarray:
    parents = None
    if parent is not None:
        parents = frame[[PARENT_PREFIX + name for name in parent.names]].set_axis(list(parent.names), axis=1)
    context = context_codes(frame if conditions.columns else None, conditions, parents, parent, len(frame))
    if parent is not None and parent.columns:
        alone = ~frame[HAS_PARENT].to_numpy(dtype=bool)
        context[alone] = context_codes(None, conditions, None, parent, int(alone.sum()))
    return context
