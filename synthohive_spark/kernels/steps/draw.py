"""Columns that the row model draws."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch

from ...spec.hidden import GAP
from ...spec.steps import Draw
from ..block import MODEL, Block
from ..columns import decode_codes, encode_frame
from ..columns.rows import Rows
from ..conditioning import context_codes
from ..given import draw_given, given_codes, with_given_values
from ..models import restore_model
from ..models.base import ConditionalGenerativeModel
from ..siblings import Steps, draw_in_turns

BATCH = 10_000  # rows that the model draws at once


def apply(step: Draw, block: Block) -> None:
    """Draw the codes of the step's columns given what is known, decode them. What is there already (a phase before has drawn it) stays, but for open rows."""
    encoding = block.plan.fitted.encoding.select(step.columns)
    codes, ordered = _codes(step, block)
    rows = Rows(block.rows, block.plan.total, block.salt("distinct"))
    decoded = with_given_values(decode_codes(codes, encoding, block.rng("values"), rows) | ordered, block.plan.given, block.which)
    for name in step.columns:
        block.columns.setdefault(name, decoded[name])
        if name in block.open:
            block.columns[name] = pc.if_else(pa.array(block.open.pop(name)), decoded[name], block.columns[name])


def _codes(step: Draw, block: Block) -> tuple[np.ndarray, dict[str, pa.Array]]:
    """Codes int64 (n, columns), and the values of the column that orders siblings where they are exact already; columns with one code have 0."""
    fitted, n = block.plan.fitted, len(block)
    codes = np.zeros((n, len(step.columns)), dtype=np.int64)
    modelled = fitted.model_columns
    wanted = [i for i, name in enumerate(step.columns) if name in modelled]
    if fitted.model is None or not wanted or not n:
        return codes, {}
    marginals = tuple(fitted.encoding.column(name).weights for name in modelled)
    model = restore_model(fitted.model, fitted.weights, marginals, block.plan.row_model)
    torch.set_num_threads(1)  # more would fight over the cores with the other tasks, and sum in another order
    places = [modelled.index(step.columns[i]) for i in wanted]
    context, given = _context(step, block), _given(modelled, model, block)
    steps = _steps(step, block, modelled)
    if block.parents is not None and block.plan.is_last and (steps or model.layout.siblings):
        drawn, values = draw_in_turns(model, context, given, block.parents, steps, block.rng(MODEL))
        codes[:, wanted] = drawn[:, places]
        return codes, {} if values is None or step.ordered_by is None else {step.ordered_by: values}
    last = [modelled.index(name) for name in step.last if name in modelled]
    others = [place for place in places if place not in last]
    if last and others and model.any_order:
        given = np.full((n, len(modelled)), -1, dtype=np.int64) if given is None else given
        given[:, others] = np.where(given[:, others] < 0, _draw(model, others, context, given, block), given[:, others])
    codes[:, wanted] = _draw(model, places, context, given, block)
    return codes, {}


def _steps(step: Draw, block: Block, modelled: tuple[str, ...]) -> Steps | None:
    if not step.stepwise or step.ordered_by is None or block.parents is None or not {GAP, step.ordered_by} <= set(modelled):
        return None
    encoding = block.plan.fitted.encoding.select((GAP, step.ordered_by))
    return Steps(encoding, len(block.parents.frame), modelled, block.rng("steps"))


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


def _given(modelled: tuple[str, ...], model: ConditionalGenerativeModel, block: Block) -> np.ndarray | None:
    """Codes that rows must have, int64 (n, M), -1 where the model draws; None where it draws all."""
    given = given_codes(block.plan.given, block.which, modelled)
    there = [name for name in modelled if name in block.columns]
    if not there or not model.any_order:
        return given
    codes = np.full((len(block), len(modelled)), -1, dtype=np.int64) if given is None else given
    known = encode_frame(block.frame(tuple(there)), block.plan.fitted.encoding.select(tuple(there)))
    for i, name in enumerate(there):
        codes[:, modelled.index(name)] = np.where(block.open[name], -1, known[:, i]) if name in block.open else known[:, i]
    return codes


def _context(step: Draw, block: Block) -> np.ndarray:
    """What the model is told, int64 (n, C): own known columns, then the driving parent's row."""
    fitted, n = block.plan.fitted, len(block)
    conditions = fitted.encoding.select(step.conditions)
    own = block.frame(conditions.names) if conditions.columns else None
    if block.parents is None:
        return context_codes(own, conditions, None, fitted.context_encoding, n)
    # Parents are encoded once each, and their codes repeated for every child.
    parents = block.parents
    above = context_codes(None, conditions.select(()), parents.frame, fitted.context_encoding, len(parents.frame))[parents.of_child]
    return np.concatenate([context_codes(own, conditions, None, None, n), above], axis=1)
