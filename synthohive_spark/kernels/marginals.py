"""How often each code of each column occurs: what is compared with the learnt marginals after every sample."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from ..spec.encoding import TableEncoding
from .columns import encode_frame


def code_counts(frames: Iterator[pd.DataFrame], *, encoding: TableEncoding) -> Iterator[pd.DataFrame]:
    """One frame per task: (number of the column, code, rows)."""
    counts = [np.zeros(c, dtype="int64") for c in encoding.cardinalities]
    for frame in frames:
        codes = encode_frame(frame, encoding)
        for i, count in enumerate(counts):
            count += np.bincount(codes[:, i], minlength=len(count))
    found = [(i, code, int(count[code])) for i, count in enumerate(counts) for code in np.flatnonzero(count)]
    yield pd.DataFrame(found, columns=["column", "code", "n"])
