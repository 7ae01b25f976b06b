"""Formulas turned round: the value of one determinant that gives the target, where there is one."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from ...spec.dependencies import AnyDependency, Linear, Product
from ..columns.types import decimal_scale, is_integer
from .formulas import evaluate, unit_factor
from .units import LARGEST, MAX_DIGITS, from_units, plain, to_floats


def can_turn(formula: AnyDependency, name: str) -> bool:
    """Whether `turned_formula` gives values of the determinant `name`."""
    if isinstance(formula, Product):
        return formula.determinants.count(name) == 1
    if not isinstance(formula, Linear) or formula.determinants.count(name) != 1:
        return False
    place = formula.determinants.index(name)
    own, digits = formula.digits[0], formula.digits[place + 1]
    if own is None or digits is None:
        return formula.factors[place] != 0
    return abs(unit_factor(formula.factors[place], own, digits)) == 1 if own >= digits else abs(formula.factors[place]) == 1


def turned_formula(formula: Linear | Product, name: str, columns: Mapping[str, pa.Array], types: Mapping[str, str]) -> pa.Array:
    """The determinant `name`, (n,), given the target and the other determinants; null where one of them is, or where none gives the target.

    What comes out is rounded as the column is, so that the formula need not give just the target.
    """
    place = formula.determinants.index(name)
    if isinstance(formula, Product):
        return _factor(formula, place, columns, types)
    factor = formula.factors[place]
    others = [i for i in range(len(formula.determinants)) if i != place]
    turned = Linear(
        target=name,
        determinants=(formula.target, *(formula.determinants[i] for i in others)),
        factors=(1 / factor, *(-formula.factors[i] / factor for i in others)),
        constant=-formula.constant / factor,
        digits=(formula.digits[place + 1], formula.digits[0], *(formula.digits[i + 1] for i in others)),
        as_zero=tuple(n for n in formula.as_zero if n != name),
    )
    return evaluate(turned, columns, types)


def _factor(product: Product, place: int, columns: Mapping[str, pa.Array], types: Mapping[str, str]) -> pa.Array:
    name, last = product.determinants[place], len(product.determinants) - 1
    target, *values = (to_floats(plain(columns[n])) for n in (product.target, *(n for n in product.determinants if n != name)))
    whole = target / product.scale if product.scale else np.full(len(target), np.nan)
    second = values.pop() if place < last else np.full(len(target), np.nan)
    first = math.prod(values) if values else np.ones(len(target))  # the other ones before the last
    with np.errstate(divide="ignore", invalid="ignore"):
        if product.way == "times":
            value = whole / first / (second if place < last else 1.0)
        elif product.way == "over":
            value = whole * second / first if place < last else first / whole
        else:
            sign = 1.0 if product.way == "more" else -1.0
            value = whole / (1 + sign * second) / first if place < last else sign * (whole / first - 1)
    scale = 0 if is_integer(types[name]) else decimal_scale(types[name])
    if scale is None:
        return pa.array(np.round(value, MAX_DIGITS), pa.float64(), from_pandas=True).cast(pa.float32() if types[name] == "float" else pa.float64())
    null = ~np.isfinite(value) | (np.abs(value) * 10.0**scale > LARGEST)
    return from_units(np.rint(np.where(null, 0.0, value) * 10.0**scale).astype(np.int64), null, types[name], scale)
