"""Rows of both sides as numpy columns.

They arrive as one Arrow table per table of the schema, whose rows have one form for all tables (`SAMPLE_FIELDS`), so that many tables share a Spark job.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..statistics import Kind

SAMPLE_FIELDS = {
    "table": "int",
    "synthetic": "boolean",
    "role": "int",  # `OWN`, a key's number for the rows of its parent, `FAMILY` + a key's number for whole families of it
    "id": "bigint",  # hash of an own row; of a parent's row the hash of its key
    "links": "array<bigint>",  # hashes of the keys of the row
    "rank": "double",  # what orders the rows of one parent, where it is declared
    "held": "int",  # of an own real row: 1 where it was held out of training, 0 where it trained, -1 where that is not known
    "numbers": "array<double>",
    "labels": "array<string>",
}
OWN, FAMILY = -1, 1000


@dataclass(frozen=True)
class Values:
    """A column: float64 with NaN for null (`labels` is 0), or int codes of `labels` sorted labels with -1 for null."""

    data: np.ndarray
    labels: int = 0
    kind: Kind = "number"

    def take(self, places: np.ndarray) -> Values:
        """The values of some rows; null where a place is -1."""
        missing = -1 if self.labels else np.nan
        if not len(self.data):
            return Values(np.full(len(places), missing, dtype=self.data.dtype), self.labels, self.kind)
        return Values(np.where(places < 0, missing, self.data[places]).astype(self.data.dtype, copy=False), self.labels, self.kind)


@dataclass(frozen=True)
class Rows:
    """Rows of one side, by the names of their columns.

    Attributes:
        ids: (N,) hashes; ascending, so that the order of the rows is one that says nothing, and the same under any partitioning.
        links: (N, keys) hashes, 0 where a key has a null.
        rank: (N,) or None.
        held: (N,) as `SAMPLE_FIELDS` has it.
    """

    columns: Mapping[str, Values]
    ids: np.ndarray
    links: np.ndarray
    rank: np.ndarray | None = None
    held: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    def __len__(self) -> int:
        return len(self.ids)

    def link(self, key: int) -> np.ndarray:
        """(N,) hashes of one key. No rows do not tell how many keys they have."""
        return self.links[:, key] if len(self) else np.zeros(0, dtype=np.int64)

    def take(self, places: np.ndarray) -> Rows:
        """Some of the rows."""
        columns = {name: values.take(places) for name, values in self.columns.items()}
        return Rows(
            columns, self.ids[places], self.links[places], None if self.rank is None else self.rank[places], self.held[places] if len(self.held) else self.held
        )


def two_sides(group: pa.Table, role: int, names: Sequence[str], kinds: Sequence[Kind]) -> tuple[Rows, Rows]:
    """The real and the synthetic rows of one role; labels have the same codes on both sides."""
    chosen = group.filter(pc.equal(group["role"], role)).combine_chunks()
    ids = chosen["id"].to_numpy()
    order = np.argsort(ids, kind="stable")
    synthetic = chosen["synthetic"].to_numpy()[order]
    links = _matrix(chosen["links"], len(ids)).astype("int64")[order]
    rank = chosen["rank"].to_numpy(zero_copy_only=False).astype("float64")[order]
    columns = {name: values.take(order) for name, values in zip(names, _columns(chosen, kinds), strict=True)}
    held = chosen["held"].to_numpy().astype("int64")[order]
    whole = Rows(columns, ids[order], links, None if np.isnan(rank).all() else rank, held)
    return whole.take(np.flatnonzero(~synthetic)), whole.take(np.flatnonzero(synthetic))


def _columns(rows: pa.Table, kinds: Sequence[Kind]) -> list[Values]:
    numbers = iter(_matrix(rows["numbers"], rows.num_rows).T)
    strings = _flat(rows["labels"])
    width = len(strings) // max(rows.num_rows, 1)
    places = iter(range(width if rows.num_rows else sum(k == "label" for k in kinds)))
    found = []
    for kind in kinds:
        if kind == "label":
            found.append(_labels(strings.take(pa.array(np.arange(next(places), len(strings), max(width, 1))))))
        else:
            found.append(Values(next(numbers) if rows.num_rows else np.empty(0), 0, kind))
    return found


def _labels(column: pa.Array) -> Values:
    coded = column.dictionary_encode()
    labels = coded.dictionary.to_numpy(zero_copy_only=False)
    order = np.argsort(labels.astype(str), kind="stable")
    place = np.empty(len(labels) + 1, dtype="int64")
    place[order], place[-1] = np.arange(len(labels)), -1
    codes = coded.indices.fill_null(len(labels)).to_numpy(zero_copy_only=False)
    return Values(place[codes], max(len(labels), 1), "label")


def _matrix(column: pa.ChunkedArray, rows: int) -> np.ndarray:
    values = _flat(column)
    fill = 0 if pa.types.is_integer(values.type) else float("nan")
    return values.fill_null(fill).to_numpy(zero_copy_only=False).reshape(rows, -1) if rows else np.empty((0, 0))


def _flat(column: pa.ChunkedArray) -> pa.Array:
    whole = column.combine_chunks()
    lists = whole if isinstance(whole, pa.ListArray) else pa.concat_arrays(whole.chunks) if whole.num_chunks else pa.array([], type=column.type)
    return lists.flatten()
