"""Formulas: what they give for arrays, and on which rows of real data they hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from ...spec.dependencies import AnyDependency, Bands, Clock, Copy, DatePart, Linear, Pick, Product, Quotient, Remainder, Written
from ..columns.types import decimal_scale, is_time
from .bands import banded
from .clocks import on_clock, shows_sum
from .picks import nothing_there, picked
from .products import NEARLY, is_product, multiplied
from .times import DAY, local_micros, part_of
from .units import LARGEST, from_units, plain, to_floats, to_units, with_zeros
from .written import written

Formula = Bands | Clock | Copy | DatePart | Linear | Pick | Product | Quotient | Remainder | Written

INT64_MAX = 2**63 - 1


def evaluate(formula: Formula, columns: Mapping[str, pa.Array], types: Mapping[str, str]) -> pa.Array:
    """The target in its exact type, (N,)."""
    if isinstance(formula, Clock):
        return on_clock(formula, columns, types)
    if isinstance(formula, Bands):
        return banded(formula, columns, types)
    if isinstance(formula, Written):
        return written(formula, columns, types)
    if isinstance(formula, Pick):
        return picked(formula, columns, types)
    arrays = terms_of(formula, columns)
    spark_type = types[formula.target]
    if isinstance(formula, Copy):
        return columns[formula.determinants[0]]
    if isinstance(formula, DatePart):
        micros, null = to_units(arrays[0], 0)
        micros = micros * DAY if types[formula.determinants[0]] == "date" else micros
        return _whole(part_of(local_micros(micros, formula.zone), formula.part), null, spark_type)
    if isinstance(formula, Product):
        return multiplied(formula, columns, types)
    if isinstance(formula, Linear):
        return _linear(formula, arrays, spark_type)
    units, null = to_units(arrays[0], 0)
    return _whole(units // formula.divisor if isinstance(formula, Quotient) else units % formula.divisor, null, spark_type)


def terms_of(formula: Formula, columns: Mapping[str, pa.Array]) -> list[pa.Array]:
    """The determinants, plain, (N,) each; with 0 in place of the nulls that count as such."""
    zeros = formula.as_zero if isinstance(formula, Linear) else ()
    arrays = [plain(columns[name]) for name in formula.determinants]
    return [with_zeros(array) if name in zeros else array for name, array in zip(formula.determinants, arrays, strict=True)]


def _whole(values: np.ndarray, null: np.ndarray, spark_type: str) -> pa.Array:
    scale = decimal_scale(spark_type) or 0
    if values.dtype == object or scale > 17:
        return from_units(values.astype(object) * 10**scale, null, spark_type, scale)
    most = INT64_MAX // 10**scale
    units = np.where(np.abs(values) <= most, values, 0) * (10**scale if most else 1)
    return from_units(_saturated(units, values, most), null, spark_type, scale)


def _saturated(units: np.ndarray, sizes: np.ndarray, most: float) -> np.ndarray:
    """The largest int64 of the right sign where sizes are above `most`: a sum that wraps round would be compared by its low bits."""
    return np.where(np.abs(sizes) > most, np.where(sizes < 0, -INT64_MAX, INT64_MAX), units)


def _linear(formula: Linear, arrays: list[pa.Array], spark_type: str) -> pa.Array:
    own, *others = formula.digits
    if own is None or None in others:
        total = sum(f * to_floats(a) for f, a in zip(formula.factors, arrays, strict=True)) + np.full(len(arrays[0]), formula.constant)
        return pa.array(total, type=pa.float64(), from_pandas=True).cast(pa.float32() if spark_type == "float" else pa.float64())
    terms = [(unit_factor(f, own, digits or 0), *to_units(array, digits or 0)) for f, array, digits in zip(formula.factors, arrays, others, strict=True)]
    constant, null = round(formula.constant * 10**own), np.logical_or.reduce([missing for _, _, missing in terms])
    size = np.full(len(arrays[0]), float(constant)) + sum(float(unit) * units.astype(np.float64) for unit, units, _ in terms)
    most = abs(constant) + sum(abs(unit) * int(np.abs(units).max(initial=0)) for unit, units, _ in terms)
    if spark_type.startswith("decimal") and max(most, *(abs(unit) for unit, _, _ in terms)) > LARGEST:
        return from_units(np.full(len(size), constant, dtype=object) + sum(unit * units.astype(object) for unit, units, _ in terms), null, spark_type, own)
    total = np.full(len(size), constant if abs(constant) <= LARGEST else 0) + sum(np.int64(unit) * units for unit, units, _ in terms)
    return from_units(_saturated(total, size, LARGEST), null, spark_type, own)


def unit_factor(factor: float, own: int, digits: int) -> int:
    """The factor between units of a determinant with `digits` and units of a target with `own` digits after the point."""
    if factor == round(factor) and own >= digits:
        return round(factor) * 10 ** (own - digits)
    return round(factor * 10.0 ** (own - digits))


class Verdict(NamedTuple):
    """What a formula says of rows, bool (N,) each.

    Attributes:
        made: the formula gives a value.
        there: the target has one.
        right: they are the same, where both are there.
    """

    made: np.ndarray
    there: np.ndarray
    right: np.ndarray


def judge(formula: Formula, columns: Mapping[str, pa.Array], types: Mapping[str, str]) -> Verdict:
    """Whether the target is what the formula gives, row by row."""
    found, actual = plain(evaluate(formula, columns, types)), plain(columns[formula.target])
    made, there = (a.is_valid().to_numpy(zero_copy_only=False) for a in (found, actual))
    if isinstance(formula, Product):
        right = is_product(formula, columns, types)
    elif isinstance(formula, Clock):
        right = shows_sum(formula, columns)
    elif isinstance(formula, Linear) and types[formula.target] in NEARLY:
        size = sum(np.abs(f * to_floats(a)) for f, a in zip(formula.factors, terms_of(formula, columns), strict=True)) + abs(formula.constant)
        right = np.abs(to_floats(found) - to_floats(actual)) <= NEARLY[types[formula.target]] * size
    elif pa.types.is_decimal(found.type):
        right = to_units(found, 0)[0] == to_units(actual, 0)[0]
    else:
        # Arrow's view of time stamps without a null buffer, and text, compare alike.
        right = pa.compute.equal(found.cast(actual.type), actual).fill_null(False).to_numpy(zero_copy_only=False)
    return Verdict(made, there, right)


def holds(formula: Formula, columns: Mapping[str, pa.Array], types: Mapping[str, str]) -> np.ndarray:
    """On which rows the target is what the formula gives, or both are null; bool (N,)."""
    made, there, right = judge(formula, columns, types)
    return np.where(made & there, right, made == there)


def incomplete(names: Iterable[str], columns: Mapping[str, pa.Array]) -> np.ndarray:
    """On which rows one of the columns is null; bool (N,)."""
    nulls = [plain(columns[name]).is_null().to_numpy(zero_copy_only=False) for name in names]
    return np.logical_or.reduce(nulls) if nulls else np.zeros(len(next(iter(columns.values()))), dtype=bool)


def unanswered(rule: AnyDependency, columns: Mapping[str, pa.Array]) -> np.ndarray:
    """On which rows the rule says nothing, as it lacks a determinant: of those of which it picks one, all; bool (N,)."""
    return nothing_there(rule.determinants, columns) if isinstance(rule, Pick) else incomplete(rule.required, columns)


def is_formula_input(spark_type: str) -> bool:
    """Whether columns of the type can be added, divided or split into parts."""
    return spark_type not in ("string", "boolean")


def is_clock(spark_type: str) -> bool:
    """A date or time stamp."""
    return spark_type == "date" or is_time(spark_type)
