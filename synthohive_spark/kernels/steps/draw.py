"""Columns that the row model draws."""

from __future__ import annotations

from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...spec.date_forms import step_micros
from ...spec.hidden import GAP
from ...spec.steps import Draw, Position
from ..block import MODEL, Block, Parents
from ..columns import decode_codes, encode_frame
from ..columns.marks import is_mark
from ..columns.rows import Rows
from ..columns.types import to_float64
from ..family_guide import FamilyGuide
from ..given import draw_given, given_codes
from ..models.base import ConditionalGenerativeModel
from ..redraw import BATCH, context_of, model_of
from ..siblings import Steps, draw_in_turns
from ..sought import choose


def apply(step: Draw, block: Block) -> None:
    """Draw the codes of the step's columns given what is known, decode them. What is there already (a phase before has drawn it) stays, but for open rows."""
    encoding = block.plan.fitted.encoding.select(step.columns)
    codes, exact = _codes(step, block)
    rows = Rows(block.rows, block.plan.total, block.salt("distinct"))
    decoded = block.with_given(decode_codes(codes, encoding, block.rng("values"), rows) | exact)
    for name in step.columns:
        block.columns.setdefault(name, decoded[name])
        if name in block.open:
            block.columns[name] = pc.if_else(pa.array(block.open.pop(name)), decoded[name], block.columns[name])


def _codes(step: Draw, block: Block) -> tuple[np.ndarray, dict[str, pa.Array]]:
    """Codes int64 (n, columns), and the values of columns where they are exact already; columns with one code have 0."""
    fitted, n = block.plan.fitted, len(block)
    codes = np.zeros((n, len(step.columns)), dtype=np.int64)
    modelled = fitted.model_columns
    wanted = [i for i, name in enumerate(step.columns) if name in modelled]
    model = model_of(block)
    context = context_of(step, block) if model is not None and n else np.zeros((n, 0), dtype=np.int64)
    given = choose(step, block, _given(modelled, model, block), partial(_shares, model, context, block))
    if model is None or not wanted or not n:
        return codes, {}
    places = [modelled.index(step.columns[i]) for i in wanted]
    steps = _steps(step, block, modelled)
    guide = _guide(step, block, model, steps is not None)
    if block.parents is not None and block.plan.is_last and (steps or model.layout.siblings or guide):
        drawn, values = draw_in_turns(model, context, given, block.parents, steps, block.rng(MODEL), guide)
        codes[:, wanted] = drawn[:, places]
        exact = {} if guide is None else {name: array for name, array in guide.values().items() if name in step.columns}
        return codes, exact | ({} if values is None or step.ordered_by is None else {step.ordered_by: values})
    codes[:, wanted] = _draw(model, places, context, given, block)
    return codes, {}


def _steps(step: Draw, block: Block, modelled: tuple[str, ...]) -> Steps | None:
    if not step.stepwise or step.ordered_by is None or block.parents is None or not {GAP, step.ordered_by} <= set(modelled):
        return None
    encoding = block.plan.fitted.encoding.select((GAP, step.ordered_by))
    return Steps(encoding, _start(step, block, block.parents), modelled, block.rng("steps"))


def _start(step: Draw, block: Block, parents: Parents) -> np.ndarray:
    """The time of each parent that none of its rows is before, float64 (p,), in the units of the column that orders them; nan for none."""
    if step.since is None or step.ordered_by is None:
        return np.full(len(parents.frame), np.nan)
    name, spark_type, grain = step.since
    x = to_float64(parents.frame[name], name, spark_type)
    grains = np.floor(x * step_micros(spark_type) / grain)
    return np.where(is_mark(x), np.nan, grains * (grain / step_micros(block.types[step.ordered_by])))


def _guide(step: Draw, block: Block, model: ConditionalGenerativeModel, in_order: bool) -> FamilyGuide | None:
    """What tells rows of a family of those before them; None where nothing follows from those, or the model cannot be told."""
    fitted = block.plan.fitted
    if block.parents is None or not fitted.program.across or not model.any_order:
        return None
    counted = next((s.column for s in fitted.program.of_kind(Position) if isinstance(s, Position)), None)
    order = step.ordered_by if in_order else counted
    encoding = fitted.encoding.select(fitted.model_columns)
    guide = FamilyGuide(fitted.program.across, order, encoding, fitted.program.types, block.parents, block.rng("across rows"))
    return guide if guide.is_needed else None


def _draw(model: ConditionalGenerativeModel, wanted: list[int], context: np.ndarray, given: np.ndarray | None, block: Block) -> np.ndarray:
    """The codes of some of the model's columns, int64 (n, wanted).

    A model that can draw any columns first does so with a generator of its own: with the one of the phase that draws the rest, both would share their luck. Any
    other draws the whole row in each phase with the same generator, and so the same row.
    """
    if model.any_order and (not block.plan.is_last or len(wanted) < len(model.layout.row)):
        rng = block.rng(MODEL if block.plan.is_last else "structure")
        parts = [
            model.sample_columns(context[i : i + BATCH], rng, None if given is None else given[i : i + BATCH], wanted) for i in range(0, len(block), BATCH)
        ]
        return np.concatenate(parts)
    return draw_given(model, context, block.rng(MODEL), given, BATCH)[:, wanted]


def _shares(model: ConditionalGenerativeModel | None, context: np.ndarray, block: Block, rows: np.ndarray, known: np.ndarray, name: str) -> np.ndarray:
    """Shares of a column's codes, float64 (m, codes), given what is known of some rows; those of all real rows where no model can tell."""
    modelled = block.plan.fitted.model_columns
    found = model.shares(context[rows], known, modelled.index(name)) if model is not None and name in modelled else None
    weights = np.asarray(block.plan.fitted.encoding.column(name).weights)
    return np.broadcast_to(weights, (len(rows), len(weights))) if found is None else found


def _given(modelled: tuple[str, ...], model: ConditionalGenerativeModel | None, block: Block) -> np.ndarray | None:
    """Codes that rows must have, int64 (n, M), -1 where the model draws; None where it draws all."""
    given = given_codes(block.plan.given, block.which, modelled)
    there = [name for name in modelled if name in block.columns]
    if not there or model is None or not model.any_order:
        return given
    codes = np.full((len(block), len(modelled)), -1, dtype=np.int64) if given is None else given
    known = encode_frame(block.frame(tuple(there)), block.plan.fitted.encoding.select(tuple(there)))
    for i, name in enumerate(there):
        codes[:, modelled.index(name)] = np.where(block.open[name], -1, known[:, i]) if name in block.open else known[:, i]
    return codes
