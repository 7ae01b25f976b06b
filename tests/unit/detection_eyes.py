"""Detection over pandas frames: facts as Spark would count them, without Spark."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from synthohive_spark.spec.detection.decide import Decision
from synthohive_spark.spec.detection.facts import Column, ColumnSeen, DeclaredKey, TableSeen
from synthohive_spark.spec.detection.findings import Finding
from synthohive_spark.spec.detection.foreign import ForeignProposal
from synthohive_spark.spec.detection.inclusion import threshold
from synthohive_spark.spec.detection.names import Names
from synthohive_spark.spec.detection.personal import FITTING, FORMS
from synthohive_spark.spec.metadata import Metadata

VALUES = 512
Frames = Mapping[str, pd.DataFrame]


def detected(
    frames: Frames, declared: Mapping[str, Sequence[DeclaredKey]] | None = None, *, references: bool = True, not_null: Collection[str] = ()
) -> tuple[Metadata, list[Finding]]:
    seen = {name: _table(name, frame, (declared or {}).get(name, ()), not_null) for name, frame in frames.items()}
    return Decision(seen, Names.of({name: list(frame) for name, frame in frames.items()}), references, _Eyes(frames)).made()


def keys_of(metadata: Metadata) -> tuple[dict[str, str], set[str]]:
    """Primary keys by table, and foreign keys, as text."""
    primary = {name: ", ".join(table.primary_key) for name, table in metadata.tables.items() if table.primary_key}
    return primary, {f"{name}{key}" for name, table in metadata.tables.items() for key in table.foreign_keys}


def _table(name: str, frame: pd.DataFrame, declared: Sequence[DeclaredKey], not_null: Collection[str]) -> TableSeen:
    columns = tuple(replace(_column(frame[c]), nullable=c not in not_null) for c in frame)
    return TableSeen(name, len(frame), columns, declared=tuple(declared))


def _type(values: pd.Series) -> str:
    kind = values.dtype.kind
    if kind in "iu" or str(values.dtype) == "Int64":
        return "bigint"
    return {"f": "double", "b": "boolean", "M": "timestamp_ntz"}.get(kind, "string")


def _hash(value: object) -> int:
    return int.from_bytes(hashlib.blake2b(str(value).encode(), digest_size=8).digest(), "big", signed=True)


def _column(values: pd.Series) -> ColumnSeen:
    there, spark_type = values.dropna(), _type(values)
    distinct = there.nunique()
    whole, text = spark_type == "bigint", spark_type == "string"
    share = min(1.0, VALUES / max(1, distinct))
    hashed = there if whole or text else there.iloc[:0]
    hashes = pd.Series([_hash(value) for value in hashed], index=hashed.index, dtype="int64")
    kept = hashes < threshold(share) if share < 1 else pd.Series(True, index=hashes.index)
    texts = hashed[kept].astype(str) if text else pd.Series([], dtype=str)
    return ColumnSeen(
        name=str(values.name),
        spark_type=spark_type,
        rows=len(values),
        values=len(there),
        distinct=distinct,
        low=float(there.min()) if whole and len(there) else None,
        high=float(there.max()) if whole and len(there) else None,
        length=float(there.astype(str).str.len().mean()) if text and len(there) else 0.0,
        sample=frozenset(hashes[kept]),
        share=share,
        sampled=int(kept.sum()),
        forms={form: float(texts.str.fullmatch(_python(pattern)).mean()) for form, pattern in {**FORMS, **FITTING}.items()} if len(texts) else {},
        digits=float(texts.str.fullmatch("[0-9]+").mean()) if len(texts) else 0.0,
    )


def _python(pattern: str) -> str:
    """Java's classes of letters, inside brackets or alone."""
    return pattern.replace(r"^\p{L}", "^[A-Za-zÀ-ɏ]").replace(r"\p{L}", "A-Za-zÀ-ɏ").replace(r"\p{M}", "")


@dataclass(frozen=True)
class _Eyes:
    frames: Frames

    def combinations(self, asked: Mapping[str, Sequence[tuple[str, ...]]]) -> dict[str, dict[tuple[str, ...], float]]:
        return {name: {some: len(self.frames[name].drop_duplicates(list(some))) / len(self.frames[name]) for some in sets} for name, sets in asked.items()}

    def probe(self, asked: Mapping[Column, Sequence[int]]) -> dict[Column, set[int]]:
        return {(table, column): set(self.frames[table][column].dropna().map(_hash)) & set(hashes) for (table, column), hashes in asked.items()}

    def repeats(self, keys: Sequence[tuple[str, tuple[str, ...]]]) -> list[int]:
        found = []
        for table, columns in keys:
            whole = self.frames[table][list(columns)].dropna()
            found.append(len(self.frames[table]) - len(whole) + int(whole.duplicated().sum()))
        return found

    def links(self, keys: Sequence[ForeignProposal]) -> list[tuple[int, int, int]]:
        found = []
        for key in keys:
            rows = self.frames[key.table][list(key.columns)].dropna()
            above = self.frames[key.parent_table][list(key.parent_columns)].dropna()
            parents = set(above.itertuples(index=False, name=None))
            there = np.array([row in parents for row in rows.itertuples(index=False, name=None)], dtype=bool)
            found.append((int(there.sum()), int((~there).sum()), int(above.duplicated().sum())))
        return found
