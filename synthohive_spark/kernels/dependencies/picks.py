"""Columns that take the value of one of others: the greatest, the least, or the first that is there. Legend: `n` rows."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...spec.dependencies import Pick
from ..columns.types import arrow_type
from .units import plain


def picked(rule: Pick, columns: Mapping[str, pa.Array], types: Mapping[str, str]) -> pa.Array:
    """The target in its exact type, (n,): nulls are passed over, as SQL does, and null where all are."""
    target = arrow_type(types[rule.target])
    kind = plain(pa.nulls(0, target)).type
    arrays = [plain(columns[name]).cast(kind) for name in rule.determinants]
    either = pc.max_element_wise if rule.way == "greatest" else pc.min_element_wise
    found = pc.coalesce(*arrays) if rule.way == "first" else reduce(either, arrays)
    return found.view(target) if pa.types.is_temporal(target) else found


def nothing_there(names: tuple[str, ...], columns: Mapping[str, pa.Array]) -> np.ndarray:
    """On which rows all the columns are null; bool (n,)."""
    return np.logical_and.reduce([plain(columns[name]).is_null().to_numpy(zero_copy_only=False) for name in names])
