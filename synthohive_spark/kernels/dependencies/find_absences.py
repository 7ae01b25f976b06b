"""Find columns that are null exactly where another column is null, or has certain values. Legend: `n` rows of the sample, `V` values of the other column."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from ...spec.dependencies import Absence
from ...spec.encoding import Scalar
from .absences import broken
from .combinations import to_scalar
from .find_lookups import group_fit
from .measures import HOLDS
from .sample import FEWER_ERRORS, MIN_SURPRISES, Sample, Search
from .units import plain

MAX_GROUPS = 100  # values of the other column that may each say whether the target is null
MAX_VALUES = 20  # of them that are named
PER_TARGET = 4  # rules that are counted on all rows, those that hold best first
LEAST_ROWS = 3  # of the sample with a value that is named, beside `min_rows` of the table


def find_absences(sample: Sample, search: Search) -> list[Absence]:
    """Rules `target is null exactly when ...` that hold on the sample.

    Both sides must be no accident: 20 rows or more with a null, and as many without, and ten times as many on either side as there are exceptions; a value that
    is there once says nothing.
    """
    found: list[Absence] = []
    for target in search.absent:
        null = sample.nulls(target)
        if min(null.sum(), (~null).sum()) < MIN_SURPRISES:
            continue
        rules = [rule for other in search.watched if other != target and search.may_give_way(target, other) for rule in _rules(sample, search, target, other)]
        found += sorted(rules, key=lambda rule: (-round(rule.share, 4), len(rule.values), None in rule.values))[:PER_TARGET]
    return found


def _rules(sample: Sample, search: Search, target: str, other: str) -> Iterator[Absence]:
    """By the other's nulls; by a few values of which each says something; by one value."""
    null = sample.nulls(target)
    if _errors(null, sample.nulls(other), sample.nulls(other)) is not None:
        yield _rule(sample, search, target, other, (None,), True)
    elif _errors(null, ~sample.nulls(other), sample.nulls(other)) is not None:
        yield _rule(sample, search, target, other, (None,), False)
    elif other in search.valued:
        codes = sample.codes(other)
        counts = np.bincount(codes)
        nulls = np.bincount(codes, weights=null)
        few = np.flatnonzero(counts > 0)
        sides = [nulls > counts / 2] if len(few) <= MAX_GROUPS else []
        sides += [np.arange(len(counts)) == nulls.argmax(), np.arange(len(counts)) != (counts - nulls).argmax()]
        for side in sides:
            if _errors(null, side[codes], codes if len(few) <= MAX_GROUPS else side[codes]) is not None:
                within = (side & (counts > 0)).sum() <= (~side & (counts > 0)).sum()
                named = np.flatnonzero((side if within else ~side) & (counts > 0))
                if len(named) <= MAX_VALUES and counts[named].min() >= max(LEAST_ROWS, search.min_rows):
                    values = sorted((_value(sample, other, codes, int(code)) for code in named), key=lambda v: (v is None, str(v)))
                    yield _rule(sample, search, target, other, tuple(values), bool(within))
                return


def _errors(null: np.ndarray, expected: np.ndarray, groups: np.ndarray) -> int | None:
    """Rows that break the rule, where they are few; None where they are not, or where it could be chance. All (n,)."""
    errors = int((null != expected).sum())
    smaller = int(min(null.sum(), (~null).sum()))
    if errors > (1 - HOLDS) * len(null) or errors > FEWER_ERRORS * smaller:
        return None
    fit = group_fit(groups.astype(np.int64), null.astype(np.int64))
    return errors if fit.supported >= HOLDS * len(null) and fit.errors <= FEWER_ERRORS * smaller else None


def _rule(sample: Sample, search: Search, target: str, other: str, values: tuple[Scalar | None, ...], within: bool) -> Absence:
    rule = Absence(target=target, determinants=(other,), values=values, within=within, said=search.said.get(other, ""))
    share = 1 - float(broken(rule, sample.columns, sample.types).mean())
    return rule.model_copy(update={"share": share})


def _value(sample: Sample, name: str, codes: np.ndarray, code: int) -> Scalar | None:
    first = int(np.flatnonzero(codes == code)[0])
    return to_scalar(plain(sample.columns[name])[first].cast(pa.string()).as_py(), sample.types[name])
