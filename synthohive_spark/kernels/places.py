"""Parents of a match, told with their free places to the buckets in which seekers wait."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..spec.hidden import ROW
from .cardinality import CountRule
from .match_rule import BUCKET, COPIES
from .spread import hashed


@dataclass(frozen=True)
class PlaceRule:
    """How parents and their free places are told to buckets.

    Attributes:
        counts: how many places each parent has.
        drawn: the parents' column with the number that was drawn; None where none was.
        keep: columns that go along.
        buckets: how many.
        salt: of where a parent's places begin.
        everybody: parents without places are told to all buckets, too.
        once: each parent is told to one bucket only.
        own: columns of the parents with their first bucket, how many there are in place of all `buckets`, and how many of them they are told to at least.
    """

    counts: CountRule
    drawn: str | None
    keep: tuple[str, ...]
    buckets: int
    salt: int
    everybody: bool
    once: bool
    own: tuple[str, str, str] | None = None


def place_frames(frames: Iterator[pd.DataFrame], *, rule: PlaceRule) -> Iterator[pd.DataFrame]:
    """Parents in, one line for each bucket that a parent has places in out. Its places go to consecutive buckets, so that all buckets have about the same."""
    for frame in frames:
        rows = frame[ROW].to_numpy(dtype="int64")
        n = rule.counts.of(rows, None if rule.drawn is None else frame[rule.drawn].to_numpy(dtype="int64"))
        if rule.once:
            yield frame[list(rule.keep)].assign(**{BUCKET: rows % rule.buckets, COPIES: n})
            continue
        begin, buckets, least = np.zeros(len(frame), dtype=np.int64), np.full(len(frame), rule.buckets), np.zeros(len(frame), dtype=np.int64)
        if rule.own is not None:
            begin, buckets, least = (frame[name].to_numpy(dtype="int64") for name in rule.own)
        first = (hashed(rows, rule.salt) * buckets).astype(np.int64)
        told = buckets if rule.everybody else np.clip(n, least, buckets)
        parent = np.repeat(np.arange(len(frame)), told)
        number = np.arange(len(parent)) - np.repeat(np.cumsum(told) - told, told)
        copies = n[parent] // buckets[parent] + (number < n[parent] % buckets[parent])
        place = begin[parent] + (first[parent] + number) % buckets[parent]
        yield frame[list(rule.keep)].iloc[parent].reset_index(drop=True).assign(**{BUCKET: place, COPIES: copies})
