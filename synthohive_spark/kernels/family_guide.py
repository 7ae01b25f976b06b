"""Rows of families drawn one after the other know at once what follows from the rows before them.

The values themselves are settled by `dependencies/across_rows.py` when all rows are there; here the row model is told their codes, so that the rest of a row
fits to them. Legend: `n` rows of a block, `M` modelled columns, `B` rows of a turn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from ..spec.across_rows import AcrossRule, Lagged, Mirrored, Running, Shared
from ..spec.encoding import CategoryEncoding, NumberEncoding, TableEncoding, TextEncoding
from .block import Parents, as_series
from .columns import decode_codes, encode_frame
from .columns.types import from_float64
from .dependencies.across_rows import counterpart, step_of
from .dependencies.units import plain, to_floats


@dataclass
class _Turn:
    """Rows that are drawn at once, int64 (B,), ascending: the values that later ones are told of, and how high running columns are, float64 (B,)."""

    rows: np.ndarray = field(repr=False)
    values: dict[str, pa.Array] = field(default_factory=dict)
    levels: dict[str, np.ndarray] = field(default_factory=dict)


Draw = Callable[[np.ndarray, Sequence[int]], np.ndarray]  # known codes (B, M) and places in the row -> codes (B, len(places))


class FamilyGuide:
    """What turns know of each other.

    Args:
        rules: of the table.
        ordered_by: the column by which rows come in their order within a family; None where only their numbers say it.
        encoding: of the model's columns, in its order.
        types: Spark types of all columns.
        rng: values are decoded with it.
    """

    def __init__(
        self, rules: Sequence[AcrossRule], ordered_by: str | None, encoding: TableEncoding, types: Mapping[str, str], parents: Parents, rng: np.random.Generator
    ) -> None:
        self._encoding, self._types, self._parents, self._rng = encoding, types, parents, rng
        self._places = {c.name: i for i, c in enumerate(encoding.columns)}
        known = [r for r in rules if {r.column, *_values_of(r)} <= {c.name for c in encoding.columns if _is_plain(c)}]
        self._rules = [r for r in known if _can_be_told(r, ordered_by)]
        self._read = tuple(dict.fromkeys(name for rule in self._rules for name in _values_of(rule)))
        self._turn = _Turn(np.zeros(0, dtype=np.int64))
        self._turns: list[_Turn] = []

    @property
    def is_needed(self) -> bool:
        return bool(self._rules)

    def tell(self, rows: np.ndarray, known: np.ndarray, codes: np.ndarray, draw: Draw) -> None:
        """Fills `known`, int64 (B, M), -1 where nothing is known, with what follows for `rows`, int64 (B,), from the `codes` of all rows, int64 (n, M)."""
        turn = _Turn(rows)
        for rule in self._rules:
            if isinstance(rule, Shared):
                place = self._places[rule.column]
                theirs = codes[rows - self._parents.position[rows], place]
                known[:, place] = np.where(known[:, place] < 0, theirs, known[:, place])
            elif isinstance(rule, Running):
                self._add_up(rule, turn, known, draw)
            elif isinstance(rule, Mirrored | Lagged):
                self._follow(rule, rows, known)
        self._turn = turn

    def remember(self, codes: np.ndarray) -> None:
        """The codes, int64 (B, M), of the rows that were told last."""
        turn = self._turn
        turn.values |= self._decoded(codes, [name for name in self._read if name not in turn.values])
        for name, levels in turn.levels.items():
            turn.levels[name] = np.where(np.isnan(levels), np.nan_to_num(to_floats(plain(turn.values[name]))), levels)
        self._turns.append(turn)

    def values(self) -> dict[str, pa.Array]:
        """The values that other rows were told of, (n,): those that their rows must come back with."""
        if not self._turns or not self._read:
            return {}
        order = pa.array(np.argsort(np.concatenate([turn.rows for turn in self._turns]), kind="stable"))
        return {name: pa.concat_arrays([turn.values[name] for turn in self._turns]).take(order) for name in self._read}

    def _add_up(self, rule: Running, turn: _Turn, known: np.ndarray, draw: Draw) -> None:
        """Draws what is added, and then knows the sum."""
        terms = [name for name in (*rule.terms, *([rule.by] if rule.by else [])) if name not in turn.values]
        places = [self._places[name] for name in terms]
        if places:
            drawn = draw(known, places)
            known[:, places] = np.where(known[:, places] < 0, drawn, known[:, places])
            turn.values |= self._decoded(known, terms)
        step = step_of(rule, turn.values, self._types, len(turn.rows)).astype(np.float64) / (1 if rule.digits is None else 10.0**rule.digits)
        there, at = self._earlier(turn.rows)
        first = self._parents.position[turn.rows] == 0
        before = self._turn.levels[rule.column][at] if there.any() else np.full(len(first), np.nan)
        levels = np.where(there, before, np.where(first & (rule.first == "zero"), 0.0, np.nan)) + step
        turn.levels[rule.column] = levels
        self._know(rule.column, from_float64(levels, np.isnan(levels), self._types[rule.column]), ~np.isnan(levels), known)

    def _follow(self, rule: Mirrored | Lagged, rows: np.ndarray, known: np.ndarray) -> None:
        there, at = self._earlier(rows)
        there &= (self._parents.siblings[rows] == 2) if isinstance(rule, Mirrored) else True
        if there.any():
            theirs = self._turn.values[rule.of].take(pa.array(at))
            self._know(rule.column, counterpart(rule, theirs, self._types) if isinstance(rule, Mirrored) else theirs, there, known)

    def _earlier(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of which rows the one before in the family was drawn in the turn before, bool (B,), and its place there, int64 (B,)."""
        earlier = self._turn.rows
        if not len(earlier):
            return np.zeros(len(rows), dtype=bool), np.zeros(len(rows), dtype=np.int64)
        at = np.minimum(np.searchsorted(earlier, rows - 1), len(earlier) - 1)
        return (earlier[at] == rows - 1) & (self._parents.position[rows] > 0), at

    def _know(self, column: str, values: pa.Array, there: np.ndarray, known: np.ndarray) -> None:
        place = self._places[column]
        codes = encode_frame(as_series(values).to_frame(column), self._encoding.select((column,)))[:, 0]
        known[:, place] = np.where(there & (known[:, place] < 0), codes, known[:, place])

    def _decoded(self, codes: np.ndarray, names: Sequence[str]) -> dict[str, pa.Array]:
        return decode_codes(codes[:, [self._places[n] for n in names]], self._encoding.select(tuple(names)), self._rng) if names else {}


def _can_be_told(rule: AcrossRule, ordered_by: str | None) -> bool:
    return isinstance(rule, Shared | Mirrored) or (isinstance(rule, Lagged | Running) and rule.ordered_by in (None, ordered_by))


def _values_of(rule: AcrossRule) -> tuple[str, ...]:
    """The columns whose exact values later rows are told of."""
    if isinstance(rule, Running):
        return (*rule.terms, *([rule.by] if rule.by else []), rule.column)
    return (rule.of,) if isinstance(rule, Mirrored | Lagged) else ()


def _is_plain(column: NumberEncoding | CategoryEncoding | TextEncoding) -> bool:
    """Whether the values of a code do not depend on which row they are for."""
    if isinstance(column, CategoryEncoding):
        return column.rare is None or not column.rare.distinct
    return isinstance(column, NumberEncoding) and not column.distinct
