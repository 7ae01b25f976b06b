"""`Metadata` and data from the `metadata.json` beside each real dataset."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

from synthohive_spark.spec.metadata import Metadata


def metadata_from_judge(path: str | Path, reference: Collection[str] = (), orphans: str | Mapping[str, str] = "error") -> Metadata:
    """Read `metadata.json` in the folder `path`.

    Args:
        path: the dataset's folder.
        reference: tables that get the role `reference`.
        orphans: one policy for all keys, or one per key, named "table.column" ("flights.origin,time_hour" where composite); the rest are `error`.
    """
    raw = json.loads((Path(path) / "metadata.json").read_text(encoding="utf-8"))
    metadata = Metadata()
    for name, table in raw["tables"].items():
        keys = []
        for key in (k for k in raw["foreign_keys"] if k["table"] == name):
            label = f"{name}.{','.join(key['columns'])}"
            policy = orphans if isinstance(orphans, str) else orphans.get(label, "error")
            keys.append({**{k: key[k] for k in ("columns", "parent_table", "parent_columns")}, "orphans": policy})
        metadata.add_table(name, pk=table["primary_key"], foreign_keys=keys, role="reference" if name in reference else None)
    return metadata


def frames_from_judge(spark: SparkSession, path: str | Path) -> dict[str, DataFrame]:
    """The tables of the dataset in the folder `path`."""
    raw = json.loads((Path(path) / "metadata.json").read_text(encoding="utf-8"))
    return {name: spark.read.parquet(str(Path(path) / table["file"])) for name, table in raw["tables"].items()}
