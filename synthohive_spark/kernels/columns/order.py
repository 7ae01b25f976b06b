"""The order of a column's codes by value."""

from __future__ import annotations

import numpy as np

from ...spec.encoding import ColumnEncoding, NumberEncoding


def ordered_codes(encoding: ColumnEncoding) -> np.ndarray:
    """The codes of values from the lowest to the highest, int64, without that of null; none where values have no order."""
    return value_order(encoding)[encoding.has_null :] if isinstance(encoding, NumberEncoding) else np.empty(0, dtype=np.int64)


def value_order(encoding: ColumnEncoding) -> np.ndarray:
    """The codes from the lowest value to the highest, int64 (K,): null first, a bin by its median; as they are where there is no order."""
    if not isinstance(encoding, NumberEncoding):
        return np.arange(encoding.cardinality)
    knots = np.asarray(encoding.knots, dtype=np.float64)
    quantiles = knots[:-1].reshape(encoding.bins, encoding.knots_per_bin) if encoding.bins else np.empty((0, 2))  # (bins, 1 + I)
    values = np.concatenate([np.asarray(encoding.tokens, dtype=np.float64), np.median(quantiles[:, 1:], axis=1)])
    first = encoding.cardinality - len(values)  # null, or the one code of a column without values
    return np.concatenate([np.arange(first), first + np.argsort(values, kind="stable")]).astype(np.int64)
