"""Rows of families drawn one after the other, each knowing those before it. Legend: `n` rows of a block, `p` its parents, `M` modelled columns.

A turn draws the next row of all families at once. What a row knows begins anew with each stretch of `STRETCH` rows, as in training: so the stretches of a
long family are drawn side by side, unless a column orders them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ..spec.decimal_forms import decimal_form, is_decimal_form
from ..spec.encoding import NumberEncoding, TableEncoding
from ..spec.hidden import GAP
from .block import Parents, as_series
from .columns import decode_codes, encode_frame
from .columns.marks import EVERY_MARK, is_mark
from .columns.types import from_float64, to_float64
from .family_guide import FamilyGuide
from .models.base import ConditionalGenerativeModel
from .staging import STRETCH

PACED = 16  # rows of a family from which on its pace is told: that of a few is luck
REGULAR = 0.5  # share of one gap from which on it is the step of a regular series
STEPS = 512  # rows of a family that are put in order one by one; the rest of a longer one are drawn side by side


class Steps:
    """The column that orders the rows of a family: each value is the one before it and a gap.

    A long family that goes faster than the real ones would reach the greatest real value long before its end, and all rows after that would have it: its gaps
    are shortened by as much as it is ahead.

    Args:
        encoding: of that column and of `GAP`.
        start: the value that the first row of each parent follows, float64 (p,); nan for none.
        modelled: the model's columns.
    """

    def __init__(self, encoding: TableEncoding, start: np.ndarray, modelled: Sequence[str], rng: np.random.Generator) -> None:
        self.gap, self.order = encoding.select((GAP,)), encoding.select(tuple(c for c in encoding.names if c != GAP))
        self.places = modelled.index(GAP), modelled.index(self.order.names[0])
        self.last = start.copy()
        self._went = np.zeros(len(start))  # the sum of the gaps that were drawn
        self._rng = rng
        column = self.order.columns[0]
        seen = _seen(column) if isinstance(column, NumberEncoding) else []
        # Gaps are those of the numbers themselves, in whatever unit the column counts.
        self._form = column.form if isinstance(column, NumberEncoding) and not is_decimal_form(column.form) else ""
        self._limits = min(seen, default=-np.inf), max(seen, default=np.inf)
        column = self.gap.columns[0]
        # Rows of each day, or of each hour, have gaps of their own, which no other can take the place of.
        self._grid = max(column.step, 0.0) if isinstance(column, NumberEncoding) and max(column.weights) < REGULAR else None

    def settled(self, gaps: np.ndarray) -> np.ndarray:
        """Codes of gaps, int64 (B,), without null where every real row has a value: else a row would start anew in the midst of its family."""
        shares = np.asarray(self.gap.columns[0].weights[1:], dtype=np.float64)
        empty = np.flatnonzero(gaps == 0)
        if self.order.columns[0].has_null or not self.gap.columns[0].has_null or not len(empty) or not shares.sum():
            return gaps
        out = gaps.copy()
        out[empty] = 1 + self._rng.choice(len(shares), size=len(empty), p=shares / shares.sum())
        return out

    def next(self, families: np.ndarray, gaps: np.ndarray, position: np.ndarray, siblings: np.ndarray) -> np.ndarray:
        """Values float64 (B,) of next rows of these families; nan where there is no gap.

        Args:
            gaps: codes, int64 (B,).
            position: of each of the rows in its family, int64 (B,).
            siblings: rows of that family, int64 (B,).
        """
        distance = _floats(decode_codes(gaps[:, None], self.gap, self._rng)[GAP], GAP, self.gap)
        return np.clip(self.last[families] + self._in_time(families, distance, position, siblings), *self._limits)

    def _in_time(self, families: np.ndarray, distance: np.ndarray, position: np.ndarray, siblings: np.ndarray) -> np.ndarray:
        """The distances, float64 (B,), shortened in families that would go on past the greatest real value at the pace of all that was drawn for them."""
        if self._grid is None:
            return distance
        self._went[families] += np.where((position > 0) & (distance > 0), distance, 0.0)
        if (position < PACED).all():
            return distance
        room = np.maximum(self._limits[1] - self.last[families], 0.0)
        expected = self._went[families] / np.maximum(position, 1) * (siblings - position)
        ahead = (position >= PACED) & (expected > room) & (distance > 0)
        share = np.where(ahead, room / np.where(ahead, expected, 1.0), 1.0)
        if not self._grid:
            return distance * share
        steps = np.where(ahead, distance * share / self._grid, 0.0)
        return np.where(ahead, np.floor(steps + self._rng.random(len(steps))) * self._grid, distance)

    def codes(self, values: np.ndarray) -> np.ndarray:
        return encode_frame(as_series(self.array(values)).to_frame(self.order.names[0]), self.order)[:, 0]

    def values(self, codes: np.ndarray) -> np.ndarray:
        name = self.order.names[0]
        return _floats(decode_codes(codes[:, None], self.order, self._rng)[name], name, self.order, self._form)

    def array(self, values: np.ndarray) -> pa.Array:
        return from_float64(values, np.isnan(values), self.order.columns[0].spark_type, self._form)


def _seen(column: NumberEncoding) -> list[float]:
    """Real values, the least and the greatest among them."""
    if is_decimal_form(column.form):
        runs = decimal_form(column.form)
        return [float(runs.starts[0]), float(runs.ends[-1])]
    return [x for x in (*column.tokens, *column.knots) if x not in EVERY_MARK]


def _floats(array: pa.Array, name: str, encoding: TableEncoding, form: str = "") -> np.ndarray:
    """Nan where no distance can be told from or by a value."""
    x = to_float64(as_series(array), name, encoding.columns[0].spark_type, form)
    return np.where(is_mark(x), np.nan, x)


@dataclass(frozen=True)
class Turns:
    """Which rows are drawn at the same time.

    Attributes:
        rows: of each turn, int64, together (n,).
        stretch: of each row, int64 (n,).
        stepped: rows that take the column of the order from the row before, bool (n,).
    """

    rows: list[np.ndarray]
    stretch: np.ndarray
    stepped: np.ndarray

    @classmethod
    def of(cls, parents: Parents, steps: Steps | None) -> Turns:
        position = parents.position
        stepped = position < (STEPS if steps else 0)
        turn = np.where(stepped, position, position % STRETCH)
        runs = position.max(initial=0) // STRETCH + 1
        stretch = np.unique(parents.of_child * runs + position // STRETCH, return_inverse=True)[1]
        order = np.argsort(turn, kind="stable")
        return cls(np.split(order, np.cumsum(np.bincount(turn))[:-1]), stretch, stepped)


def draw_in_turns(
    model: ConditionalGenerativeModel,
    context: np.ndarray,
    given: np.ndarray | None,
    parents: Parents,
    steps: Steps | None,
    rng: np.random.Generator,
    guide: FamilyGuide | None = None,
) -> tuple[np.ndarray, pa.Array | None]:
    """Codes int64 (n, M), and the values of the column of the order where there are `steps`.

    Args:
        context: int64 (n, C).
        given: codes that rows have, int64 (n, M), -1 where the model draws; None where it draws all.
        guide: tells rows what follows from those before them.
    """
    n, columns = len(context), len(model.layout.row)
    codes = np.full((n, columns), -1, dtype=np.int64) if given is None else given.copy()
    values = np.full(n, np.nan)
    turns = Turns.of(parents, steps)
    memory = model.memory(int(turns.stretch.max(initial=-1)) + 1) if model.layout.siblings else None
    for rows in turns.rows:
        history = {} if memory is None else {"history": memory.recall(turns.stretch[rows])}
        known, families = codes[rows], parents.of_child[rows]
        if steps is not None:
            gap, order = steps.places
            stepped = turns.stepped[rows] & ~np.isnan(steps.last[families]) & (known[:, order] < 0)
            first = np.where(known[:, gap] < 0, 0, known[:, gap])  # code 0 is null: a first row has no distance
            drawn = steps.settled(model.sample_columns(context[rows], rng, known, [gap], **history)[:, 0]) if stepped.any() else first
            known[:, gap] = np.where(stepped, np.where(known[:, gap] < 0, drawn, known[:, gap]), first)
            ahead = rows[stepped]
            values[ahead] = steps.next(families[stepped], known[stepped, gap], parents.position[ahead], parents.siblings[ahead])
            found = stepped & ~np.isnan(values[rows])
            known[found, order] = steps.codes(values[rows[found]])
        if guide is not None:
            guide.tell(rows, known, codes, lambda known, places: model.sample_columns(context[rows], rng, known, places, **history))  # noqa: B023 - called at once
        drawn = model.sample_columns(context[rows], rng, known, range(columns), **history)
        codes[rows] = np.where(known < 0, drawn, known)
        if guide is not None:
            guide.remember(codes[rows])
        if steps is not None:
            free = np.isnan(values[rows])
            values[rows[free]] = steps.values(codes[rows[free], order])
            going = turns.stepped[rows]
            steps.last[families[going]] = values[rows[going]]
        if memory is not None:
            memory.remember(turns.stretch[rows], codes[rows])
    return codes, None if steps is None else steps.array(values)
