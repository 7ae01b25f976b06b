"""Find columns that are never below others: dates, times and numbers. Legend: `m` rows in which both are there."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import combinations

import numpy as np

from ...spec.date_forms import has_date
from ...spec.dependencies import Order
from ..columns.types import decimal_scale
from .formulas import is_clock
from .measures import HOLDS
from .sample import FEWER_ERRORS, MIN_SURPRISES, Sample, Search
from .times import DAY, local_micros
from .units import LARGEST, MAX_DIGITS

MOST = 0.97  # of a few rows must be in order for a closer look
CHANCE = 0.02  # share of the pairs of numbers that must break the order where rows are mixed: numbers of unlike size are always in order
MOST_SCALE = 38  # of decimals
MAX_COLUMNS = 200  # that are compared with one another: the search is quadratic
MAX_PAIRS = 200  # that are looked at on all rows, those first that chance would break most often


def find_orders(sample: Sample, search: Search, related: Collection[frozenset[str]]) -> list[Order]:
    """Pairs `target >= determinant` that hold on the sample, where chance would break them.

    That is judged by mixing the rows: were both columns independent, so many rows would be out of order; at least `MIN_SURPRISES` of them, and ten times as
    many as really are.

    Args:
        related: columns of formulas: two of one are in order because of it.
    """
    names = [n for n in search.ordered if sample.varies(n)][:MAX_COLUMNS]
    pairs = ((a, b) for a, b in combinations(names, 2) if kind_of(a, search) == kind_of(b, search))
    found: list[tuple[float, Order]] = []
    for a, b in pairs:
        if {a, b} & set(search.targets) and not any({a, b} <= columns for columns in related):
            found += _ordered(sample, search, a, b)
    found.sort(key=lambda f: -f[0])
    return [order for _, order in found[:MAX_PAIRS]]


def _ordered(sample: Sample, search: Search, a: str, b: str) -> Iterator[tuple[float, Order]]:
    """The pair in its order, and the share of rows that chance would break."""
    x, y = (_values(sample, search, n)[sample.quick] for n in (a, b))
    known = ~(np.isnan(x) | np.isnan(y))
    if known.any() and ((x > y)[known].mean() <= 1 - MOST or (x < y)[known].mean() <= 1 - MOST):
        low, high = (a, b) if (x > y)[known].sum() <= (x < y)[known].sum() else (b, a)
        yield from _held(sample, search, low, high)


def _held(sample: Sample, search: Search, low: str, high: str) -> Iterator[tuple[float, Order]]:
    x, y = _values(sample, search, low), _values(sample, search, high)
    there = ~np.isnan(x), ~np.isnan(y)
    both = there[0] & there[1]
    x, y = x[both], y[both]
    rows = len(x)
    errors = int((x > y).sum())
    if rows < MIN_SURPRISES or errors > (1 - HOLDS) * rows or (x == y).mean() > HOLDS:
        return
    chance = rows - np.searchsorted(np.sort(x), y, side="right").sum() / rows
    least = MIN_SURPRISES if kind_of(low, search) != "number" else max(MIN_SURPRISES, CHANCE * rows)
    if chance < least or errors > FEWER_ERRORS * chance:
        return
    between = _spread(y - x)
    apart = (there[1] & ~there[0]).sum(), (there[0] & ~there[1]).sum()
    order = Order(
        target=high,
        determinants=(low,),
        at_least=(low,),
        share=1 - errors / rows,
        spreads=(between / _spread(y), between / _spread(x)),
        separable=(bool(apart[0] <= (1 - HOLDS) * rows), bool(apart[1] <= (1 - HOLDS) * rows)),
    )
    order = with_unit(order, search)
    if order.unit == "whole" and max(np.abs(x).max(), np.abs(y).max()) * 10.0**order.digits > LARGEST:
        order = order.model_copy(update={"separable": (False, False)})  # no distance of theirs is an int64
    yield chance / rows, order


def kind_of(name: str, search: Search) -> str:
    """What a column can be compared with: dates and times among themselves, times of the day, and numbers."""
    if name in search.forms:
        return "clock" if has_date(search.forms[name]) else "time of day"
    return "clock" if is_clock(search.types[name]) else "number"


def with_unit(order: Order, search: Search) -> Order:
    """The order, and in what its columns are compared."""
    names = (order.target, *order.at_least, *order.at_most)
    types = {search.types[n] for n in names}
    if forms := {n: search.forms[n] for n in names if n in search.forms}:
        zone = search.zone if any(search.types[n] == "timestamp" for n in names) else None
        return order.model_copy(update={"unit": "clock", "zone": zone, "forms": forms})
    if any(is_clock(t) for t in types):
        mixed = {"unit": "clock", "zone": search.zone if "timestamp" in types else None}
        return order if len(types) == 1 else order.model_copy(update=mixed)
    digits = [search.digits.get(n) if search.types[n] in ("float", "double") else decimal_scale(search.types[n]) or 0 for n in names]
    most = MAX_DIGITS if types & {"float", "double"} else MOST_SCALE
    known = [d for d in digits if d is not None and d <= most]
    return order.model_copy(update={"digits": max(known)} if len(known) == len(names) else {"unit": "float"})


def _values(sample: Sample, search: Search, name: str) -> np.ndarray:
    """Numbers, or microseconds on the clock of the session's zone, float64 (n,); nulls are nan."""
    if name in search.forms:
        return sample.form_numbers(name, search.forms[name])
    values, spark_type = sample.numbers(name), search.types[name]
    if spark_type == "date":
        return values * DAY
    if spark_type != "timestamp":
        return values
    return sample.once("clock", name, lambda _: np.where(np.isnan(values), np.nan, local_micros(np.nan_to_num(values).astype(np.int64), search.zone)))


def _spread(values: np.ndarray) -> float:
    low, high = np.quantile(values, (0.05, 0.95))
    return max(float(high - low), 1e-300)
