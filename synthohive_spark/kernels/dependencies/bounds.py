"""Rules that say what a column can be beside others: on which rows they hold. Legend: `n` rows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from ...spec.dependencies import Calendar, Order, Unequal
from .calendars import on_calendar
from .orders import in_order
from .unequal import is_apart


def keeps_bound(bound: Order | Unequal | Calendar, columns: Mapping[str, pa.Array], types: Mapping[str, str]) -> np.ndarray:
    """On which rows nothing breaks the bound, bool (n,)."""
    if isinstance(bound, Calendar):
        return on_calendar(bound, columns)
    return in_order(bound, columns, types) if isinstance(bound, Order) else is_apart(bound, columns, types)
