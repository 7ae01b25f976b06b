"""What a task is told of the table that it judges, and what it tells: plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..statistics import Kind

HASH_RANGE = 1_000_000_000


@dataclass(frozen=True)
class JudgedKey:
    """A foreign key.

    Attributes:
        label: how its parent's columns are told from others of the row: `planes`, or `airports by dest`.
        names, kinds: the parent's compared columns.
        itself: the parent is the table itself: its rows are siblings and children, and no context.
        copied: the parent is a reference table: its rows are the same on both sides.
        families: share of the families whose rows are there, on each side; 1 where all rows are.
        few: they are too few to speak of.
        parents: share of the parents that are described by their children, on each side.
    """

    label: str
    names: tuple[str, ...]
    kinds: tuple[Kind, ...]
    itself: bool
    copied: bool
    families: tuple[float, float] = (1.0, 1.0)
    few: bool = False
    parents: tuple[float, float] = (1.0, 1.0)


@dataclass(frozen=True)
class JudgedPath:
    """A key that leads where two others lead: `direct`, and `first` to a parent whose key number `second` goes on; numbers of keys."""

    direct: int
    first: int
    second: int


@dataclass(frozen=True)
class JudgedTable:
    """A table.

    Attributes:
        whole: all of its rows are there; else a sample, and families apart.
        target: a column to be predicted from the others; None for none.
        alone: rows were held out of training one by one, and not in families.
        finest: the key with the most parents that are made anew, whose families halves are split by; None without one.
    """

    name: str
    names: tuple[str, ...]
    kinds: tuple[Kind, ...]
    keys: tuple[JudgedKey, ...]
    paths: tuple[JudgedPath, ...] = ()
    whole: bool = True
    finest: int | None = None
    target: str | None = None
    alone: bool = True


@dataclass
class Verdicts:
    """What was found of a table, as plain data that travels as JSON."""

    c2st: dict[str, Any] | None = None
    c2st_parent: dict[str, Any] | None = None
    nearest: dict[str, Any] | None = None
    tstr: dict[str, Any] | None = None
    keys: list[dict[str, Any]] = field(default_factory=list)
    paths: list[dict[str, float] | None] = field(default_factory=list)
