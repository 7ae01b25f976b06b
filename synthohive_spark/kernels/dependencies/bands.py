"""Columns that say in which of a few ranges a number, a date or the difference of two lies: what they are for arrays. Legend: `n` rows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from ...spec.dependencies import Bands
from .lookups import stored
from .units import plain, to_floats


def measured_by(names: tuple[str, ...], columns: Mapping[str, pa.Array]) -> np.ndarray:
    """The number, or the first less the second, float64 (n,); nulls are nan."""
    first, *others = (to_floats(plain(columns[name])) for name in names)
    return np.asarray(first - others[0] if others else first, dtype=np.float64)


def banded(rule: Bands, columns: Mapping[str, pa.Array], types: Mapping[str, str]) -> pa.Array:
    """The value of each row's range, (n,); null where a determinant is."""
    x = measured_by(rule.determinants, columns)
    place = np.searchsorted(np.asarray(rule.edges, dtype=np.float64), x, side="right")
    return stored(rule.values, types[rule.target]).take(pa.array(np.minimum(place, len(rule.values) - 1), mask=np.isnan(x)))
