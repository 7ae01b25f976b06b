"""What the rule of rare values leaves: the real rows with other values in place of those texts that fewer than `min_category_rows` rows have.

A column that repeats texts of a parent's row repeats what was made up for that row, too. Such a copy is as good as one can be that never reproduces a rare
text; a judge's score of it is a bound for copies by this package, and no fault of theirs.
"""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from synthohive_spark.spec.config import EncodingConfig
from synthohive_spark.spec.graph import SchemaGraph
from synthohive_spark.spec.metadata import ForeignKey, Metadata

MIN_ROWS = EncodingConfig().min_category_rows
COPIES = 0.5  # of the rows of a column that have their parent's text, from which on it is taken for a copy
_PLACE = "\x00place"


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
    real = {name: pd.read_parquet(folder / files[name]["file"]) for name in metadata.tables}
    made: dict[str, pd.DataFrame] = {}
    for name in SchemaGraph.from_metadata(metadata).order:
        table, rows = metadata.tables[name], real[name]
        pointed = {c for other in metadata.tables.values() for key in other.foreign_keys if key.parent_table == name for c in key.parent_columns}
        made[name] = rows if table.role == "reference" else without_rare_texts(rows, table.key_columns | pointed)
        for key in (key for key in table.foreign_keys if key.parent_table in made and key.parent_table != name and table.role != "reference"):
            _repeat_parents(made[name], rows, real[key.parent_table], made[key.parent_table], key)
        made[name].to_parquet(target / f"{name}.parquet")


def _repeat_parents(made: pd.DataFrame, rows: pd.DataFrame, parents: pd.DataFrame, made_parents: pd.DataFrame, key: ForeignKey) -> None:
    """Changes `made`: texts that repeat the parent's are made up where its own are, however many rows have them."""
    parents = parents.reset_index(drop=True).assign(**{_PLACE: range(len(parents))})
    links = rows[list(key.columns)].merge(parents, how="left", left_on=list(key.columns), right_on=list(key.parent_columns), suffixes=("\x00", ""))
    there = links[_PLACE].notna().to_numpy()
    place = links[_PLACE].fillna(0).astype("int64").to_numpy()
    for theirs in (c for c in parents if c not in key.parent_columns and parents[c].map(type).eq(str).any()):
        value, stand_in = parents[theirs].to_numpy(dtype=object)[place], made_parents[theirs].to_numpy(dtype=object)[place]
        for mine in (c for c in rows if c not in key.columns and rows[c].map(type).eq(str).any()):
            same = there & (rows[mine].to_numpy(dtype=object) == value)
            if same.sum() >= COPIES * rows[mine].notna().sum():
                made[mine] = made[mine].where(~same, pd.Series(stand_in, index=made.index))
