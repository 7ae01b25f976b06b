"""Find copies, multiples, quotients and remainders of one column, and sums and differences of two or three.

The search works in float64 and on a few rows; what it proposes is then counted exactly on the whole sample.
Legend: `m` rows of a first look, `W` columns.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import combinations

import numpy as np

from ...spec.dependencies import Copy, Linear, Quotient, Remainder
from ..columns.types import is_integer, is_time
from .formulas import NEARLY, Formula, is_clock, is_formula_input, unit_factor
from .probes import PROBES, Numbers, may_be_equal, spaced
from .sample import Sample, Search, fits
from .units import LARGEST

FEW = 12  # rows that a first look needs at least
MOST = 0.97  # of them must agree
NICE = (2, 7, 10, 12, 24, 60, 100, 365, 1000, 3600, 10_000, 86_400, 1_000_000)  # divisors to prefer where several fit
UNITS = (1, 1_000, 1_000_000, 60_000_000, 3_600_000_000, 86_400_000_000)  # microseconds that a number can count
MAX_FOR_FACTORS = 40  # columns up to which `a = k * b + c` is looked for with any k: the search is cubic
MAX_FOR_THREE = 60  # columns up to which sums of three are looked for
MAX_PROPOSED = 20_000  # sums of three that are looked at more closely


def find_single(sample: Sample, search: Search) -> list[Formula]:
    """Formulas of one determinant."""
    found: list[Formula] = []
    targets, others = [n for n in search.targets if sample.varies(n)], [n for n in search.types if n not in search.said and sample.varies(n)]
    copies, ways = _copies(sample, targets, others), _ways(sample, search, targets, others)
    for target in targets:
        for other in others:
            pair = target, other
            copied = _copy(sample, target, other) if pair in copies else None
            if copied is not None:
                found.append(copied)
            elif pair in ways:
                found += [f for f in _arithmetic(sample, search, target, other, ways[pair]) if f is not None]
    return found


def _copies(sample: Sample, targets: list[str], others: list[str]) -> set[tuple[str, str]]:
    """Pairs that a few rows do not tell apart."""
    found: set[tuple[str, str]] = set()
    for kind in {sample.types[n] for n in targets}:
        names = [n for n in others if sample.types[n] == kind]
        if len(names) < 2:
            continue
        rows = spaced(len(sample.quick), PROBES)
        hashes = np.stack([sample.quick_hashes(n)[rows] for n in names], axis=1)
        nulls = np.stack([sample.nulls(n)[sample.quick][rows] for n in names], axis=1)
        for target in set(targets).intersection(names):
            alike = may_be_equal(hashes, nulls, names.index(target))
            found |= {(target, names[i]) for i in np.flatnonzero(alike) if names[i] != target}
    return found


def _ways(sample: Sample, search: Search, targets: list[str], others: list[str]) -> dict[tuple[str, str], set[str]]:
    """Which formulas of one determinant a few rows do not rule out, by target and determinant."""
    names = [n for n in others if is_formula_input(search.types[n])]
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    wanted = set(targets)
    values = Numbers(_look(sample, names))
    for place, other in enumerate(names):
        if other not in search.inputs:
            continue
        for way, left in (("line", values.lines(place)), ("quotient", values.quotients(place)), ("remainder", values.remainders(place))):
            for i in np.flatnonzero(left):
                if names[i] != other and names[i] in wanted:
                    found[names[i], other].add(way)
    return found


def _copy(sample: Sample, target: str, other: str) -> Formula | None:
    if sample.types[target] != sample.types[other]:
        return None
    known = ~(sample.nulls(target) | sample.nulls(other))[sample.quick]
    same = (sample.quick_hashes(target) == sample.quick_hashes(other))[known]
    return sample.judged(Copy(target=target, determinants=(other,))) if not len(same) or same.mean() >= MOST else None


def _arithmetic(sample: Sample, search: Search, target: str, other: str, ways: set[str]) -> Iterator[Formula | None]:
    y, x = _first_look(sample, target, other)
    if len(y) < FEW:
        return
    multiple = None if target in search.bounded or "line" not in ways else _multiple(sample, target, other, y, x)
    yield multiple
    whole = all(is_integer(sample.types[n]) or (not is_clock(sample.types[n]) and sample.digits(n) == 0) for n in (target, other))
    if multiple is None and whole:
        yield _quotient(sample, target, other, y, x) if "quotient" in ways else None
        yield _remainder(sample, target, other, y, x) if "remainder" in ways else None


def _first_look(sample: Sample, *names: str) -> tuple[np.ndarray, ...]:
    """Values of a few rows where none is null, float64 (m,) each."""
    arrays = [sample.quick_numbers(n) for n in names]
    if (~np.isnan(arrays).any(axis=0)).sum() < FEW:
        arrays = [sample.numbers(n) for n in names]  # mostly null: look at all rows
    known = ~np.isnan(arrays).any(axis=0)
    return tuple(a[known] for a in arrays)


def _multiple(sample: Sample, target: str, other: str, y: np.ndarray, x: np.ndarray) -> Formula | None:
    """`target = k * other + constant`."""
    order = np.argsort(x, kind="stable")
    dx, dy = np.diff(x[order]), np.diff(y[order])
    moved = dx != 0
    if not moved.any():
        return None
    factor = float(np.median(dy[moved] / dx[moved]))
    if factor == 0 or (np.abs(dy[moved] / dx[moved] - factor) <= 1e-6 * abs(factor)).mean() < MOST - 0.1:
        return None
    return linear(sample, target, {other: factor}, float(np.median(y - factor * x)))


def linear(sample: Sample, target: str, terms: Mapping[str, float], constant: float = 0.0, as_zero: tuple[str, ...] = ()) -> Formula | None:
    """The linear formula, if its factors are whole numbers of units and it holds on the sample."""
    names = tuple(terms)
    digits = (sample.digits(target), *(sample.digits(n) for n in names))
    types = [sample.types[n] for n in (target, *names)]
    if not _kinds_add_up(types, tuple(terms.values())):
        return None
    if None in digits:
        if types[0] not in NEARLY:
            return None
        digits = (None,) * len(digits)
    own = digits[0]
    if own is None:
        factors = tuple(float(f"{f:.12g}") for f in terms.values())
        size = max(float(np.nanmax(np.abs(sample.numbers(target)), initial=0.0)), 1e-300)
        constant = 0.0 if abs(constant) < 1e-9 * size else float(f"{constant:.12g}")
    else:
        units = [unit_factor(f, own, d or 0) for f, d in zip(terms.values(), digits[1:], strict=True)]
        if any(u == 0 or abs(u - f * 10.0 ** (own - (d or 0))) > 1e-6 * abs(u) for u, f, d in zip(units, terms.values(), digits[1:], strict=True)):
            return None
        factors = tuple(float(f"{u / 10.0 ** (own - (d or 0)):.15g}") for u, d in zip(units, digits[1:], strict=True))
        constant = round(constant, own)
        if any(abs(u) > LARGEST for u in units) or not fits(sample, target, dict(zip(names, factors, strict=True)), constant, own):
            return None
    if any(abs(f) > LARGEST for f in (*factors, constant)):
        return None
    return sample.judged(Linear(target=target, determinants=names, factors=factors, constant=constant, digits=digits, as_zero=as_zero))


def _kinds_add_up(types: list[str], factors: tuple[float, ...]) -> bool:
    """Whether the target's type can come out: a clock from one clock of its own type and numbers, a number from numbers or from the days between two dates."""
    clocks = [(t, f) for t, f in zip(types[1:], factors, strict=True) if is_clock(t)]
    if is_clock(types[0]):
        return clocks == [(types[0], 1.0)]
    return not clocks or sorted(clocks) == [("date", -1.0), ("date", 1.0)]


def _quotient(sample: Sample, target: str, other: str, y: np.ndarray, x: np.ndarray) -> Formula | None:
    """`target = other // k`: each row says that `other / (target + 1) < k <= other / target`."""
    if y.min() < 0 or (x < 2 * y).mean() > 1 - MOST:
        return None
    y, x = _values_of_all_rows(sample, target, other)
    some = y > 0
    if some.sum() < FEW:
        return None
    low, high = np.quantile(x / (y + 1), 0.99), np.quantile(x[some] / y[some], 0.01)
    first, last = int(np.floor(low)), int(np.floor(high))
    if last < max(2, first) or last - first > 1000:
        return None
    divisors = [k for k in NICE if first <= k <= last] + [last, first + 1, first]
    held = (sample.judged(Quotient(target=target, determinants=(other,), divisor=k)) for k in dict.fromkeys(divisors) if k > 1)
    return next((f for f in held if f is not None), None)


def _values_of_all_rows(sample: Sample, *names: str) -> tuple[np.ndarray, ...]:
    arrays = [sample.numbers(n) for n in names]
    known = ~np.isnan(arrays).any(axis=0)
    return tuple(a[known] for a in arrays)


def _remainder(sample: Sample, target: str, other: str, y: np.ndarray, x: np.ndarray) -> Formula | None:
    """`target = other % k`: k divides all differences and is above all values of the target."""
    if y.min() < 0 or len(np.unique(y)) < 2 or np.abs(x).max() > LARGEST:
        return None
    different = (x - y).astype(np.int64)
    if (different == 0).mean() > 0.9:
        return None
    common = {int(np.gcd.reduce(different[i::8])) for i in range(8)} - {0, 1}  # rows that break the rule spoil few of the eight
    if not common:
        return None
    top = float(np.nanmax(sample.numbers(target)))
    divisors = sorted({k for g in common for k in (g, *(n for n in NICE if g % n == 0)) if k > max(1.0, np.median(y), np.quantile(y, 0.99))})
    held = (sample.judged(Remainder(target=target, determinants=(other,), divisor=k)) for k in divisors if k > top or k in NICE)
    return next((f for f in held if f is not None), None)


def find_sums(sample: Sample, search: Search, quotients: list[Quotient]) -> list[Formula]:
    """Formulas of two or three determinants."""
    numeric = [n for n in search.inputs if is_formula_input(search.types[n]) and not is_clock(search.types[n]) and sample.varies(n)]
    relations: dict[frozenset[str], dict[str, float]] = {}
    for relation in (
        *twos(sample, numeric),
        *_factors(sample, numeric, quotients),
        *_dates(sample, [n for n in search.inputs if is_clock(search.types[n]) and sample.varies(n)], numeric),
        *(threes(sample, numeric) if len(numeric) <= MAX_FOR_THREE else ()),
    ):
        relations.setdefault(frozenset(relation), relation)
    place = {n: i for i, n in enumerate(search.types)}
    found = []
    for unordered in relations.values():
        order = sorted(unordered, key=lambda n: (not is_clock(search.types[n]), -abs(unordered[n]), place[n]))
        relation = {n: unordered[n] for n in order}
        for target in (n for n in relation if n in search.targets and n not in search.bounded):
            terms = {n: -c / relation[target] for n, c in relation.items() if n != target}
            found.append(linear(sample, target, terms, _left_over(sample, target, terms)))
    return [f for f in found if f is not None]


def _left_over(sample: Sample, target: str, terms: Mapping[str, float]) -> float:
    """What the terms lack of a date: the first of the days counts, too."""
    if not any(sample.types[n] == "date" for n in (target, *terms)):
        return 0.0
    rest = sample.quick_numbers(target) - np.sum([f * sample.quick_numbers(n) for n, f in terms.items()], axis=0)
    return float(np.rint(np.nanmedian(rest))) if np.isfinite(rest).any() else 0.0


def _look(sample: Sample, names: list[str]) -> np.ndarray:
    """Values of a few rows, float64 (m, W)."""
    return np.stack([sample.quick_numbers(n) for n in names], axis=1) if names else np.zeros((len(sample.quick), 0))


def _agree(differences: np.ndarray, size: np.ndarray | float) -> np.ndarray:
    """Columns of differences (m, W) that are zero on most rows where they are known, bool (W,)."""
    known = ~np.isnan(differences)
    near = np.abs(np.where(known, differences, 0.0)) <= 1e-9 * np.where(known, size, 1.0)
    return (known.sum(axis=0) >= FEW) & ((near & known).sum(axis=0) >= MOST * known.sum(axis=0))


def twos(sample: Sample, names: list[str]) -> Iterator[dict[str, float]]:
    """`a = b + c`, as coefficients that sum to zero."""
    values = _look(sample, names)
    probes = Numbers(values)
    for i in range(len(names)):
        places, sums = np.nonzero(probes.sums(i))
        for j in np.unique(places) + i + 1:
            some = sums[places == j - i - 1]
            total = (values[:, i] + values[:, j])[:, None]
            with np.errstate(invalid="ignore"):
                found = _agree(values[:, some] - total, np.abs(values[:, some]) + np.abs(total) + 1e-300)
            for k in some[found]:
                if k not in (i, j):
                    yield {names[k]: 1.0, names[i]: -1.0, names[j]: -1.0}


def _factors(sample: Sample, names: list[str], quotients: list[Quotient]) -> Iterator[dict[str, float]]:
    """`a = k * b + c` with a whole number k of 2 or more."""
    values = _look(sample, names)
    place = {n: i for i, n in enumerate(names)}
    for quotient in quotients:
        a, b = place.get(quotient.determinants[0]), place.get(quotient.target)
        if a is not None and b is not None:
            rest = values - (values[:, a] - quotient.divisor * values[:, b])[:, None]
            for c in set(np.flatnonzero(_agree(rest, np.abs(values) + 1.0))) - {a, b}:
                yield {names[a]: 1.0, names[b]: -float(quotient.divisor), names[c]: -1.0}
    if len(names) <= MAX_FOR_FACTORS:
        for b in range(len(names)):
            yield from _any_factor(values, names, b)


def _any_factor(values: np.ndarray, names: list[str], b: int) -> Iterator[dict[str, float]]:
    order = np.argsort(values[:, b], kind="stable")
    step = max(1, len(order) // 3)
    change = values[order][step:] - values[order][:-step]  # far apart, so that noise in others does not hide it
    change = change[np.abs(change[:, b]) > 0]
    if len(change) < FEW:
        return
    for a in range(len(names)):
        if a == b:
            continue
        with np.errstate(invalid="ignore", all="ignore"):
            factors = (change[:, [a]] - change) / change[:, [b]]  # (m, W)
        known = ~np.isnan(factors)
        enough = known.sum(axis=0) >= FEW
        factor = np.full(len(names), np.nan)
        if enough.any():
            factor[enough] = np.nanmedian(factors[:, enough], axis=0)
        whole = enough & (np.abs(factor - np.rint(factor)) < 1e-6) & (np.abs(factor) >= 1.5)
        for c in set(np.flatnonzero(whole)) - {a, b}:
            same = np.abs(factors[known[:, c], c] - factor[c]) < 1e-6
            if same.mean() >= MOST:
                yield {names[a]: 1.0, names[b]: -float(np.rint(factor[c])), names[c]: -1.0}


def _dates(sample: Sample, clocks: list[str], numeric: list[str]) -> Iterator[dict[str, float]]:
    """`end = start + k * number`, with k days or units of time."""
    numbers = _look(sample, numeric)
    for end, start in combinations(clocks, 2):
        if sample.types[end] != sample.types[start] or not numeric:
            continue
        between = (sample.numbers(end) - sample.numbers(start))[sample.quick]
        for unit in UNITS if is_time(sample.types[end]) else (1, 7):
            for sign in (1.0, -1.0):
                rest = numbers * unit * sign - between[:, None]
                if sample.types[end] == "date" and np.isfinite(rest).any(axis=0).all():
                    rest = rest - np.rint(np.nanmedian(rest, axis=0))
                for k in np.flatnonzero(_agree(rest, np.abs(between)[:, None] + 1e-300)):
                    yield {end: 1.0, start: -1.0, numeric[k]: -unit * sign}


def threes(sample: Sample, names: list[str]) -> Iterator[dict[str, float]]:
    """`a + b = c + d` and `a = b + c + d`, by a table of the sums of pairs on a few rows."""
    rows = _full_rows(sample, names)
    if rows is None:
        return
    usable = [n for n in names if not np.isnan(sample.numbers(n)[rows]).any() and np.ptp(sample.numbers(n)[rows]) > 0]
    values = {n: sample.numbers(n)[rows] for n in usable}
    sums: dict[bytes, list[tuple[str, str]]] = {}
    for b, c in combinations(usable, 2):
        sums.setdefault(_key(values[b] + values[c]), []).append((b, c))
    proposed = 0
    for a in usable:
        for d in usable:
            if a != d and proposed < MAX_PROPOSED:
                for b, c in sums.get(_key(values[a] - values[d]), []):
                    if len({a, b, c, d}) == 4:
                        proposed += 1
                        yield {a: 1.0, b: -1.0, c: -1.0, d: -1.0}
    for pairs in sums.values():
        for (a, b), (c, d) in combinations(pairs, 2):
            if len({a, b, c, d}) == 4 and proposed < MAX_PROPOSED:
                proposed += 1
                yield {a: 1.0, b: 1.0, c: -1.0, d: -1.0}


def _full_rows(sample: Sample, names: list[str], count: int = 24) -> np.ndarray | None:
    """Rows with the fewest nulls, and of those the ones in which most columns show another value than their commonest: sparse columns all look alike."""
    if len(names) < 4 or sample.rows < count:
        return None
    nulls = np.isnan(np.stack([sample.numbers(n) for n in names], axis=1)).sum(axis=1)
    different = np.sum([sample.surprises(n) for n in names], axis=0)
    return np.lexsort((-different, nulls))[:count]


def _key(values: np.ndarray) -> bytes:
    return (np.round(values, 6) + 0.0).tobytes()
