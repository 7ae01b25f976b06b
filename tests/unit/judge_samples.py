"""Rows of made-up tables in the form in which the tasks of the report get them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from synthohive_spark.kernels.judge.rows import OWN

SCHEMA = pa.schema(
    [
        ("table", pa.int32()),
        ("synthetic", pa.bool_()),
        ("role", pa.int32()),
        ("id", pa.int64()),
        ("links", pa.list_(pa.int64())),
        ("rank", pa.float64()),
        ("held", pa.int32()),
        ("numbers", pa.list_(pa.float64())),
        ("labels", pa.list_(pa.string())),
    ]
)


def sample_rows(
    synthetic: bool,
    numbers: Sequence[np.ndarray] = (),
    labels: Sequence[np.ndarray] = (),
    links: Sequence[np.ndarray] = (),
    *,
    role: int = OWN,
    ids: np.ndarray | None = None,
    rank: np.ndarray | None = None,
    held: np.ndarray | None = None,
    seed: int = 0,
) -> pa.Table:
    """Rows of one side and role, columns given one by one; NaN and None are nulls, a link of 0 is one to nobody."""
    n = len([*numbers, *labels, *links, *([ids] if ids is not None else [])][0])
    ids = np.random.default_rng([seed, synthetic]).integers(1, 2**62, n) if ids is None else ids
    cells = {
        "table": np.zeros(n, dtype="int32"),
        "synthetic": np.full(n, synthetic),
        "role": np.full(n, role, dtype="int32"),
        "id": ids,
        "links": [[int(x[i]) for x in links] for i in range(n)],
        "rank": [None if rank is None else float(rank[i]) for i in range(n)],
        "held": np.full(n, -1, dtype="int32") if held is None else held.astype("int32"),
        "numbers": [[None if np.isnan(x[i]) else float(x[i]) for x in numbers] for i in range(n)],
        "labels": [[None if x[i] is None else str(x[i]) for x in labels] for i in range(n)],
    }
    return pa.table(cells, schema=SCHEMA)
