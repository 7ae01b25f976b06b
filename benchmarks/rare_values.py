"""What the rule of rare values leaves: the real rows with other values in place of those texts that fewer than `min_category_rows` rows have.

Such a copy is as good as one can be that never reproduces a rare text; a judge's score of it is a bound for copies by this package, and no fault of theirs.
"""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from synthohive_spark.spec.config import EncodingConfig
from synthohive_spark.spec.metadata import Metadata

MIN_ROWS = EncodingConfig().min_category_rows


def without_rare_texts(frame: pd.DataFrame, keys: frozenset[str] = frozenset(), min_rows: int = MIN_ROWS) -> pd.DataFrame:
    """The rows with a made-up text in each cell whose text is rare; keys, numbers and times stay."""
    out = frame.copy()
    for name in frame.columns:
        known = frame[name].dropna()
        if name in keys or not len(known) or not isinstance(known.iloc[0], str):
            continue
        rare = frame[name].notna() & (frame[name].map(known.value_counts()) < min_rows)
        made = pd.Series([f"\x00{row}" for row in range(len(frame))], index=frame.index, dtype=object)  # no real text begins like that
        out[name] = frame[name].where(~rare, made)
    return out


def write_bound(folder: Path, metadata: Metadata, target: Path) -> None:
    """Write the copy of a schema's folder below `target`, one Parquet file per table. Reference tables are copied as they are."""
    target.mkdir(parents=True, exist_ok=True)
    files = json.loads((folder / "metadata.json").read_text(encoding="utf-8"))["tables"]
    for name, table in metadata.tables.items():
        rows = pd.read_parquet(folder / files[name]["file"])
        pointed = {c for other in metadata.tables.values() for key in other.foreign_keys if key.parent_table == name for c in key.parent_columns}
        kept = rows if table.role == "reference" else without_rare_texts(rows, table.key_columns | pointed)
        kept.to_parquet(target / f"{name}.parquet")
