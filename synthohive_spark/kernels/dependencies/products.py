"""Products and quotients of up to three columns, rounded as their target is. Legend: `n` rows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction

import numpy as np
import pyarrow as pa

from ...spec.dependencies import Product, Way
from ..columns.types import decimal_scale, is_integer
from .units import LARGEST, from_units, plain, to_floats, to_units

EXACT = 2.0**53  # a float64 counts no further by ones
MOST_PARTS = 1_000_000  # of one, in the scale of a product: 0.01 is no binary fraction
NEARLY = {"float": 1e-6, "double": 1e-9}  # two floats that are this near, relative to their size, differ by rounding


def combined(first: np.ndarray, second: np.ndarray, way: Way, scale: float) -> np.ndarray:
    """The unrounded values, float64 (n,); nan where one is, or where the second is 0 and divides."""
    if way == "over":
        return np.divide(first, second, out=np.full(len(first), np.nan), where=second != 0) * scale
    return first * {"times": second, "less": 1.0 - second, "more": 1.0 + second}[way] * scale


def multiplied(product: Product, columns: Mapping[str, pa.Array], types: Mapping[str, str]) -> pa.Array:
    """The target in its exact type, (n,): half a unit is rounded away from zero."""
    values, spark_type = _values(product, columns), types[product.target]
    null = np.isnan(values)
    if product.digits is None:
        return pa.array(values, type=pa.float64(), from_pandas=True).cast(pa.float32() if spark_type == "float" else pa.float64())
    # A half that is not exact in binary would fall to the wrong side by its last bit.
    units = np.nan_to_num(np.floor(np.abs(values) * 10.0**product.digits * (1 + 1e-13) + 0.5) * np.sign(values))
    own = decimal_scale(spark_type)
    units = units * 10.0 ** ((product.digits if own is None else own) - product.digits)
    if own is not None and np.abs(units).max(initial=0.0) > EXACT:
        return _multiplied_exactly(product, columns, types, null, values)
    return from_units(np.clip(units, -LARGEST, LARGEST).astype(np.int64), null, spark_type, product.digits if own is None else own)


def _multiplied_exactly(product: Product, columns: Mapping[str, pa.Array], types: Mapping[str, str], null: np.ndarray, values: np.ndarray) -> pa.Array:
    """Decimals past what a float64 holds, (n,): as fractions of whole numbers where all determinants have a fixed point, else as near as floats are."""
    own, digits = decimal_scale(types[product.target]) or 0, product.digits or 0
    scales = [0 if is_integer(types[n]) else decimal_scale(types[n]) for n in product.determinants]
    if None in scales:
        made = np.array([int(v) for v in np.rint(np.nan_to_num(values) * 10.0**digits)], dtype=object)
        return from_units(made * 10 ** (own - digits), null, types[product.target], own)
    units = [to_units(plain(columns[n]), scale or 0)[0].astype(object) for n, scale in zip(product.determinants, scales, strict=True)]
    if len(units) == 1:
        units, scales, one = [*units, np.ones(len(values), dtype=object)], [*scales, 0], 1
    first, second = math.prod(units[:-1]), units[-1]
    one, factor = 10 ** (scales[-1] or 0), Fraction(product.scale).limit_denominator(MOST_PARTS)
    top = first * {"times": second, "over": one, "less": one - second, "more": one + second}[product.way] * (factor.numerator * 10**digits)
    below = 10 ** sum(scale or 0 for scale in scales[:-1]) * factor.denominator * (np.where(null, 1, np.abs(second)) if product.way == "over" else one)
    top = np.where(second < 0, -top, top) if product.way == "over" else top
    rounded = (2 * np.abs(top) + below) // (2 * below)  # half a unit goes away from zero
    return from_units(np.where(top < 0, -rounded, rounded) * 10 ** (own - digits), null, types[product.target], own)


def is_product(product: Product, columns: Mapping[str, pa.Array], types: Mapping[str, str]) -> np.ndarray:
    """On which rows the target is the product, however it was rounded, or both are null; bool (n,)."""
    made, actual = _values(product, columns), to_floats(plain(columns[product.target]))
    null = np.isnan(made), np.isnan(actual)
    half = 0.0 if product.digits is None else 0.5 * 10.0**-product.digits * (1 + 1e-6)
    near = 1e-9 if product.digits is not None else NEARLY.get(types[product.target], 1e-9)
    made = np.nan_to_num(made)
    return np.where(null[0] | null[1], null[0] & null[1], np.abs(made - np.nan_to_num(actual)) <= half + near * np.abs(made))


def _values(product: Product, columns: Mapping[str, pa.Array]) -> np.ndarray:
    *others, second = (to_floats(plain(columns[name])) for name in product.determinants)
    return combined(np.prod(others, axis=0), second, product.way, product.scale) if others else second * product.scale
