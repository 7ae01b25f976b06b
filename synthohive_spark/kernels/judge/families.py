"""Rows of one parent: pairs of siblings, and what a parent's rows come to together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..seeds import generator
from .rows import Rows, Values

PAIRS = 20_000  # of siblings: a table of ten times ten cells is exact to 0.03 then
LEAST_PAIRS = 100
DESCRIBED = 12  # of the rows' columns, as aggregates of their parent


def sibling_pairs(rows: Rows, key: int, rank: np.ndarray | None, seed: int, name: str, at_most: int = PAIRS) -> tuple[np.ndarray, np.ndarray]:
    """Places of some rows, and each one's sibling: the next in `rank` (nulls last), or any other where that is None; each row once on either side at most."""
    family, random = rows.link(key), generator(seed, "siblings", name)
    order = random.permutation(len(rows)) if rank is None else np.argsort(np.argsort(rank, kind="stable"), kind="stable")
    line = np.lexsort((order, family))
    line = line[family[line] != 0]
    same = family[line[1:]] == family[line[:-1]]
    left, right = line[:-1][same], line[1:][same]
    keep = random.permutation(len(left))[:at_most]
    return left[keep], right[keep]


def orderings(sides: Sequence[Rows]) -> list[np.ndarray] | None:
    """What orders the rows of one parent on each side: what is declared, else the time that has the most different values on the first; None for neither."""
    ranks = [rows.rank for rows in sides if rows.rank is not None]
    if len(ranks) == len(sides):
        return ranks
    times = {name: v.data for name, v in sides[0].columns.items() if v.kind == "time"}
    chosen = max(times, key=lambda name: len(np.unique(times[name][~np.isnan(times[name])])), default=None)
    return None if chosen is None else [rows.columns[chosen].data for rows in sides]


def halves(links: np.ndarray, splits: int) -> list[np.ndarray]:
    """Masks (N,) of random halves of the families: bits of the hashes."""
    mixed = links.astype("uint64") * np.uint64(0x9E3779B97F4A7C15)
    return [(mixed >> np.uint64(63 - split)) & np.uint64(1) == 1 for split in range(splits)]


def found(ids: np.ndarray, links: np.ndarray) -> np.ndarray:
    """Place of each link in `ids`, ascending; -1 where it is not there."""
    if not len(ids):
        return np.full(len(links), -1)
    place = np.minimum(np.searchsorted(ids, links), len(ids) - 1)
    return np.where(ids[place] == links, place, -1)


def with_children(parents: Rows, children: Rows, key: int) -> dict[str, Values]:
    """The columns of parents, and beside them the number, means, spreads and different labels of their children."""
    n = len(parents)
    place = found(parents.ids, children.link(key))
    place = np.where(children.link(key) == 0, -1, place)
    there = place >= 0
    index = place[there]
    below = {"rows": Values(np.bincount(index, minlength=n).astype("float64"))}
    for name, values in list(children.columns.items())[:DESCRIBED]:
        below |= _described(name, values.take(np.flatnonzero(there)), index, n)
    # A parent may have a column of such a name itself.
    return {**parents.columns, **{f"{name} (children)" if name in parents.columns else name: values for name, values in below.items()}}


def _described(name: str, values: Values, index: np.ndarray, n: int) -> Mapping[str, Values]:
    if values.labels:
        pairs = np.unique(index * (values.labels + 1) + values.data + 1) // (values.labels + 1)
        different = np.bincount(pairs, minlength=n).astype("float64")
        return {f"different {name}": Values(np.where(different, different, np.nan))}
    known = np.isfinite(values.data)
    index, x = index[known], values.data[known]
    count = np.bincount(index, minlength=n)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(index, weights=x, minlength=n) / count
        # Around the mean: a difference of squares of seconds since 1970 has no digits left.
        squares = np.bincount(index, weights=(x - mean[index]) ** 2, minlength=n)
        spread = np.sqrt(squares / np.where(count > 1, count - 1, np.nan))
    return {f"mean of {name}": Values(mean), f"spread of {name}": Values(spread)}
