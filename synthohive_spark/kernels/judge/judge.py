"""All figures of one table that speak of its rows together, of their parents and their siblings. One executor task."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from ..seeds import derive_seed
from .asked import HASH_RANGE, JudgedKey, JudgedTable, Verdicts
from .classifier import Columns, first, shuffled, told_apart
from .contingency import Binned, Distance, binned, compared, joint
from .families import LEAST_PAIRS, PAIRS, halves, orderings, sibling_pairs, with_children
from .nearest import nearest_rows
from .parents import coarse, first_of_each, places
from .rows import FAMILY, OWN, Rows, Values, two_sides
from .utility import useful

RESULT_DDL = "table int, found string"
SPLITS = 2  # halves; the mean of more changes little
MOST_PAIRS = 2_000  # of columns of a row and of its parent
WORST = 12  # of them that are told one by one
LEAST_BOTH = 50  # rows that both ways lead somewhere


def judge_tables(group: pa.Table, *, tables: Mapping[int, JudgedTable], seed: int) -> pa.Table:
    """The verdicts on one table, as JSON.

    Args:
        group: its rows, as `SAMPLE_FIELDS` has them.
        tables: by number.
    """
    number = group["table"][0].as_py()
    found = Judge(group, tables[number], seed).verdicts()
    return pa.table({"table": pa.array([number], pa.int32()), "found": [json.dumps(asdict(found))]})


class Judge:
    """One table with its rows on both sides (real, synthetic)."""

    def __init__(self, group: pa.Table, table: JudgedTable, seed: int) -> None:
        self.table, self._group = table, group
        self.seed = derive_seed(seed, "judge", table.name)
        self.own = two_sides(group, OWN, table.names, table.kinds)
        # The labels of a table's own rows and of its parents' rows have codes of their own, each the same on both sides.
        self.parents = [tuple(map(first_of_each, two_sides(group, i, key.names, key.kinds))) for i, key in enumerate(table.keys)]
        self.halves = self._halves()

    def verdicts(self) -> Verdicts:
        """All of them."""
        real, synthetic = self._joined(0), self._joined(1)
        return Verdicts(
            c2st=self._c2st(self.own[0].columns, self.own[1].columns),
            c2st_parent=self._c2st(real, synthetic, block=self.table.names) if any(not key.itself for key in self.table.keys) else None,
            nearest=None if (near := nearest_rows(*self.own, self.own[0].held, alone=self.table.alone)) is None else asdict(near),
            tstr=self._tstr(real, synthetic),
            keys=[self._key(i, key) for i, key in enumerate(self.table.keys)],
            paths=[self._path(p.direct, p.first, p.second) for p in self.table.paths],
        )

    def _tstr(self, real: Columns, synthetic: Columns) -> dict[str, Any] | None:
        """How well the asked column is predicted, from the row and its parents."""
        if self.table.target is None:
            return None
        found = useful(real, synthetic, self.table.target, self.own[0].held, self.halves[0], self.seed)
        return None if found is None else asdict(found)

    def _halves(self) -> list[np.ndarray]:
        """Random halves of the real rows, whole families of the finest key: rows of one parent are no news to each other."""
        rows, key = self.own[0], self.table.finest
        family = rows.ids if key is None else np.where(rows.link(key) == 0, rows.ids, rows.link(key))
        return halves(family, SPLITS)

    def _joined(self, side: int) -> dict[str, Values]:
        """The table's columns and those of all parents, the parents' made coarse."""
        columns = dict(self.own[side].columns)
        for i, key in enumerate(self.table.keys):
            if not key.itself:
                place = places(self.own[side], i, self.parents[i][side])
                for name, values in self.parents[i][side].columns.items():
                    columns[f"{key.label}.{name}"] = coarse(self.parents[i][0].columns[name], values.take(place))
        return columns

    def _c2st(self, real: Columns, synthetic: Columns, block: Sequence[str] | None = None, half: np.ndarray | None = None) -> dict[str, Any] | None:
        """The AUC with ceiling and floor.

        Args:
            block: columns that stay together in the floor, in which the others do as well: rows with a random parent; each column on its own where None.
            half: of the real rows; those of the table where None.
        """
        found = told_apart(real, synthetic, self.seed)
        if found is None:
            return None
        half = self.halves[0] if half is None else half
        ceiling = told_apart(first(real, np.flatnonzero(half)), first(real, np.flatnonzero(~half)), self.seed, explain=False, quick=True)
        floor = told_apart(real, _mixed(real, block, self.seed), self.seed, explain=False, quick=True)
        told = {"value": found.auc, "rows": found.rows, "features": found.features}
        return told | {name: None if other is None else other.auc for name, other in (("ceiling", ceiling), ("floor", floor))}

    def _key(self, index: int, key: JudgedKey) -> dict[str, Any]:
        found: dict[str, Any] = {"parent_pairs": None if key.itself else self._parent_pairs(index, key)}
        family = self.own if self.table.whole else two_sides(self._group, FAMILY + index, self.table.names, self.table.kinds)
        few = key.few or not min(map(len, family))  # all families of the sample can be too large to be there
        shown = self.own if few else family
        found["siblings"] = self._siblings(index, key, shown, None)
        ranks = None if few else orderings(shown)
        found["sequence"] = None if ranks is None else self._siblings(index, key, shown, ranks)
        found["c2st_agg"] = None if few else self._aggregates(index, key, family)
        return found

    def _parent_pairs(self, index: int, key: JudgedKey) -> dict[str, Any] | None:
        """Pairs of a column of the rows and one of their parents: the mean, and the worst of them."""
        place = [places(rows, index, above) for rows, above in zip(self.own, self.parents[index], strict=True)]
        sides = list(zip(self.parents[index], place, strict=True))
        above = {n: binned(*(p.columns[n].take(at) for p, at in sides)) for n in key.names}
        below = self._bins
        pairs = [(a, b) for a in below for b in above]
        chosen = sorted(pairs, key=lambda p: derive_seed(self.seed, *p))[:MOST_PAIRS] if len(pairs) > MOST_PAIRS else pairs
        if not chosen or not len(self.own[0]):
            return None
        split = self._split(self.own[0].link(index), self.own[0].ids, copied=key.copied)
        found = {pair: _pair(below[pair[0]], above[pair[1]], split) for pair in chosen}
        worst = sorted(found, key=lambda p: (found[p].ceiling - found[p].distance, p))[:WORST]
        return {"mean": _mean(found.values()), "count": len(found), "possible": len(pairs), "worst": [(*pair, *found[pair]) for pair in worst]}

    def _siblings(self, index: int, key: JudgedKey, rows: tuple[Rows, Rows], ranks: Sequence[np.ndarray] | None) -> list[tuple[str, float, float, float]]:
        """Per column, the value with a sibling's: the next in the order of `ranks`, any where that is None."""
        asked = [(side, index, None if ranks is None else ranks[i], self.seed, key.label, 2 * PAIRS) for i, side in enumerate(rows)]
        pairs = [sibling_pairs(*one) for one in asked]
        if min(len(left) for left, _ in pairs) < LEAST_PAIRS:
            return []
        one = pairs[0][0]
        split = self._split(rows[0].link(index)[one], rows[0].ids[one], copied=key.copied)
        found, bins = [], self._bins if rows is self.own else _binned(rows)
        for name, codes in bins.items():
            real, synthetic = (joint(side[left], side[right], codes.k) for side, (left, right) in zip(codes[:2], pairs, strict=True))
            # Of halves as large as what is compared: small tables of pairs are further apart by chance.
            near = compared(real[:PAIRS], synthetic[:PAIRS], codes.k, codes.k, [])
            found.append((name, near.distance, compared(real, real, codes.k, codes.k, split).ceiling, near.floor))
        return found

    def _aggregates(self, index: int, key: JudgedKey, family: tuple[Rows, Rows]) -> dict[str, Any] | None:
        chosen = [_share(above, share) for above, share in zip(self.parents[index], key.parents, strict=True)]
        real, synthetic = (with_children(above, rows, index) for above, rows in zip(chosen, family, strict=True))
        return self._c2st(real, synthetic, block=key.names, half=halves(chosen[0].ids, 1)[0])

    @cached_property
    def _bins(self) -> dict[str, Binned]:
        """The codes of the table's own columns: every key asks for them."""
        return _binned(self.own)

    def _split(self, links: np.ndarray, ids: np.ndarray, *, copied: bool) -> list[np.ndarray]:
        """Halves by the parent of a key; by row where the parents are the same on both sides."""
        return halves(ids if copied else np.where(links == 0, ids, links), SPLITS)

    def _path(self, direct: int, through: int, second: int) -> dict[str, float] | None:
        """How often a key and two others lead to the same row, on both sides."""
        agreed = [self._agreed(side, direct, through, second) for side in (0, 1)]
        if min(n for _, n in agreed) < LEAST_BOTH:
            return None
        return {"real": agreed[0][0], "synthetic": agreed[1][0], "rows": agreed[0][1]}

    def _agreed(self, side: int, direct: int, through: int, second: int) -> tuple[float, int]:
        rows, middle = self.own[side], self.parents[through][side]
        at = places(rows, through, middle)
        both = (places(rows, direct, self.parents[direct][side]) >= 0) & (at >= 0)
        n = int(both.sum())
        return (float((rows.link(direct)[both] == middle.link(second)[at[both]]).mean()) if n else 0.0), n


def _binned(rows: tuple[Rows, Rows]) -> dict[str, Binned]:
    return {name: binned(values, rows[1].columns[name]) for name, values in rows[0].columns.items()}


def _pair(a: Binned, b: Binned, split: list[np.ndarray]) -> Distance:
    return compared(joint(a.real, b.real, b.k), joint(a.synthetic, b.synthetic, b.k), a.k, b.k, split)


def _mean(found: Any) -> list[float]:
    return [float(x) for x in np.mean(list(found), axis=0)]


def _mixed(columns: Columns, block: Sequence[str] | None, seed: int) -> dict[str, Values]:
    if block is None:
        return shuffled(columns, seed)
    others = {name: values for name, values in columns.items() if name not in block}
    n = len(next(iter(columns.values())).data)
    return {name: columns[name] for name in columns if name not in others} | first(others, np.random.default_rng(seed).permutation(n))


def _share(parents: Rows, share: float) -> Rows:
    return parents if share >= 1 else parents.take(np.flatnonzero(np.mod(parents.ids, HASH_RANGE) < int(share * HASH_RANGE)))
