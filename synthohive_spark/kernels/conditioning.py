"""What the row model is told: the codes of the known columns and of the driving parent's row."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..spec.encoding import TableEncoding
from .columns import encode_frame


def context_cardinalities(conditions: TableEncoding, parent: TableEncoding | None) -> tuple[int, ...]:
    """Codes per context column; the last of each means "there is no parent"."""
    return tuple(c + 1 for c in (*conditions.cardinalities, *(parent.cardinalities if parent else ())))


def context_codes(own: pd.DataFrame | None, conditions: TableEncoding, parents: pd.DataFrame | None, parent: TableEncoding | None, rows: int) -> np.ndarray:
    """The context of `rows` rows, int64 (rows, C).

    Args:
        own: the rows' own known columns, or None where there are none.
        parents: the driving parents' rows, aligned with the rows; None where there is no driving parent.
    """
    parts = []
    if conditions.columns:
        parts.append(_no_parent(conditions, rows) if own is None else encode_frame(own, conditions))
    if parent is not None and parent.columns:
        parts.append(_no_parent(parent, rows) if parents is None else encode_frame(parents, parent))
    return np.concatenate(parts, axis=1) if parts else np.zeros((rows, 0), dtype="int64")


def _no_parent(encoding: TableEncoding, rows: int) -> np.ndarray:
    return np.tile(np.asarray(encoding.cardinalities, dtype="int64"), (rows, 1))
