"""Look for what holds of all rows of a family together: numbers without gaps, one marked row, rows that follow one another, totals, steps.

Everything is a few passes over each column in each of few orders. Legend: `n` rows, those of a family together.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...spec.family_shapes import Apart, FamilyShape, Following, Forward, Marked, Numbered, Separate, Split
from ..columns.types import is_integer
from .families import Families, holding_share, orders_of
from .family_order import order_of, ranks_by
from .family_shapes import places, repeated
from .formulas import is_clock
from .measures import HOLDS
from .sample import MIN_SURPRISES
from .units import plain

QUICK = 256  # rows that are looked at before all others are
MOST_BY = 6  # columns of numbers in whose order rows may be numbered
MOST_MARKS = 4  # values of a column that may mark a row
MOST_DIGITS = 6  # after the point of what adds up
MOST_STEPS = 24  # values of a column that rows may go through
NEAR = 1 - HOLDS


def find_shapes(families: Families) -> list[FamilyShape]:
    """At most one rule for each column, those that say the most first; times that do not overlap beside them."""
    rows = families.rows
    first = np.flatnonzero(rows.place == 0)
    if int((rows.size[first] > 1).sum()) < MIN_SURPRISES:
        return []
    found: dict[tuple[str, bool], FamilyShape] = {}
    for find in (_numbered, _split, _following, _separate, _forward, _marked, _apart):
        rules: Iterator[FamilyShape] = find(families)
        for rule in rules:
            found.setdefault((rule.column, isinstance(rule, Separate)), rule)
    return list(found.values())


def _numbered(families: Families) -> Iterator[Numbered]:
    rows, search = families.rows, families.search
    for name in search.targets:
        if not is_integer(search.types[name]):
            continue
        x = families.numbers(name)
        values, counts = np.unique(x[rows.sorted_by(order_of(families.columns[name]))][rows.place == 0], return_counts=True)
        start = values[counts.argmax()]
        if np.isnan(start) or counts.max() < HOLDS * counts.sum():
            continue
        rule = Numbered(column=name, start=int(start))
        own = rows.sorted_by(order_of(families.columns[name]))
        gapless = x[own] - start == rows.place
        by = _orders_for(families, name)
        surprises = float((rows.size > 1).sum()) / 2
        ways = [rule.model_copy(update={"ordered_by": n, "falling": falling}) for n in by for falling in ((False, True) if n else (False,))]
        ties = [w.model_copy(update={"tied": True}) for w in ways if w.ordered_by]
        holds = [*(w for w in ways if (~gapless).mean() <= NEAR), *ties]
        for way in holds:
            errors = int((x - start != places(way, families.columns, rows)).sum())
            share = holding_share(errors, len(x), surprises)
            if share is not None:
                yield way.model_copy(update={"share": share})
                break
        else:
            share = holding_share(int((~gapless).sum()), len(x), surprises)
            if share is not None:
                yield rule.model_copy(update={"share": share})


def _orders_for(families: Families, name: str) -> list[str | None]:
    """In whose order the rows may be numbered."""
    search = families.search
    numbers = [n for n in search.terms if n != name and families.numbers(n).size and len(np.unique(families.numbers(n)[:256])) > 2]
    return list(dict.fromkeys([*orders_of(search), *numbers[:MOST_BY]]))


def _split(families: Families) -> Iterator[Split]:
    rows = families.rows
    first = np.flatnonzero(rows.place == 0)
    for name in families.search.summed:
        x = families.numbers(name)
        digits = families.digits(name)
        if digits:  # a decimal has more than its values need
            digits = next((d for d in range(min(digits, MOST_DIGITS) + 1) if (np.round(x, d) == x).all()), min(digits, MOST_DIGITS))
        if digits is None or np.isnan(x).any() or (x < 0).any():
            continue
        sums = np.round(np.add.reduceat(x, first), digits)
        values, counts = np.unique(sums, return_counts=True)
        if set(np.unique(x)) <= {0.0, float(values[counts.argmax()])}:  # it marks a row
            continue
        errors = len(sums) - int(counts.max())
        mixed = np.round(np.add.reduceat(x[np.random.default_rng(0).permutation(len(x))], first), digits)
        share = holding_share(errors, len(sums), int((mixed != values[counts.argmax()]).sum()))
        if share is not None and 0 < values[counts.argmax()] * 10**digits < 2**53:
            yield Split(column=name, total=float(values[counts.argmax()]), digits=digits, share=share)


def _following(families: Families) -> Iterator[Following]:
    search, rows = families.search, families.rows
    told: set[tuple[str, str]] = set()
    whole = {n: search.types[n] for n in search.types if is_clock(search.types[n]) or is_integer(search.types[n])}
    for of in [n for n in dict.fromkeys((*search.orders, *search.targets)) if n in whole]:
        for order in [None, of] if search.number else [of]:
            before = rows.before(ranks_by(order, families.columns))
            later = np.flatnonzero(before >= 0)
            for name in (n for n in (*search.targets, *search.repeating) if n != of and whole.get(n) == search.types[of]):
                if (of, name) not in told:  # each would wait for the other
                    for rule in _next(families, name, of, order, before, later):
                        told.add((name, of))
                        yield rule


def _next(families: Families, name: str, of: str, order: str | None, before: np.ndarray, later: np.ndarray) -> Iterator[Following]:
    x, y = families.numbers(name), families.numbers(of)
    few = later[:QUICK]
    _, quick = np.unique(y[few] - x[before[few]], return_counts=True)
    if quick.max(initial=0) < 0.9 * len(few):
        return
    gaps = y[later] - x[before[later]]
    values, counts = np.unique(gaps[~np.isnan(gaps)], return_counts=True)
    if not len(values) or counts.max() < HOLDS * len(later) or _are_steady(x - y):
        return
    plus = -float(values[counts.argmax()])
    errors = len(later) - int(counts.max())
    mixed = y[later] - np.roll(x[before[later]], len(later) // 2 + 1)
    share = holding_share(errors, len(later), int((mixed != -plus).sum()))
    last = np.setdiff1d(np.arange(len(x)), before[later])
    codes, seen = np.unique(families.codes(name)[last], return_counts=True)
    if share is None or abs(plus) >= 2**53:
        return
    ends = bool(seen.max(initial=0) >= max(HOLDS * len(last), families.search.rare)) and len(last) >= MIN_SURPRISES
    place = last[families.codes(name)[last] == codes[seen.argmax()]][:1]
    end = families.scalars(name, place)[0] if ends else None
    rising = bool(not (x[last] < y[last]).any())
    yield Following(column=name, of=of, plus=int(plus), ordered_by=order, end=end, ends=ends, rising=rising, share=share)


def _are_steady(differences: np.ndarray) -> bool:
    """Whether two columns are as far apart in each row: then one follows from the other there."""
    _, counts = np.unique(differences[~np.isnan(differences)], return_counts=True)
    return bool(counts.max(initial=0) >= HOLDS * len(differences))


def _separate(families: Families) -> Iterator[Separate]:
    search, rows = families.search, families.rows
    found: list[tuple[float, Separate]] = []
    first, group = np.flatnonzero(rows.place == 0), np.cumsum(rows.place == 0) - 1
    clocks = [n for n in search.types if is_clock(search.types[n])]
    for start in (n for n in dict.fromkeys((*search.targets, *search.sortable)) if n in clocks):
        before = rows.before(order_of(families.columns[start]))
        later = np.flatnonzero(before >= 0)
        for stop in (n for n in clocks if n != start and search.types[n] == search.types[start] and n in search.targets):
            x, y = families.numbers(start), families.numbers(stop)
            if not (y[~np.isnan(y - x)] >= x[~np.isnan(y - x)]).all():
                continue
            lengths = np.nan_to_num(y - x)
            mixed = np.roll(lengths[before[later]], len(later) // 2 + 1)
            gaps = x[later] - x[before[later]]
            # Or with other starts in the same time: all may be as long.
            begin, end = (way.reduceat(np.nan_to_num(z, nan=fill), first)[group] for way, z, fill in ((np.minimum, x, np.inf), (np.maximum, y, -np.inf)))
            part = np.clip(lengths[later] / np.maximum(end - begin, 1)[later], 0, 1)
            shifted = float(np.nan_to_num(1 - (1 - part) ** (rows.size[later] - 1)).sum())
            share = holding_share(int((gaps < lengths[before[later]]).sum()), len(later), max(float((gaps < mixed).sum()), shifted))
            if share is not None:
                found.append((float(np.nanmean(y - x)), Separate(column=start, stop=stop, share=share)))
    taken: set[str] = set()
    for _, rule in sorted(found, key=lambda f: f[0]):  # the shortest times: moved for one rule, a column would break another
        if taken.isdisjoint(rule.made):
            taken |= set(rule.made)
            yield rule


def _forward(families: Families) -> Iterator[Forward]:
    search, rows = families.search, families.rows
    for name in (n for n in search.targets if search.types[n] == "string"):
        where, counts, which = families.values(name)
        if not 2 < len(where) <= MOST_STEPS or counts.min() < search.rare or plain(families.columns[name]).null_count:
            continue
        for order in orders_of(search):
            before = rows.before(ranks_by(order, families.columns))
            later = np.flatnonzero(before >= 0)
            moves = np.zeros((len(where), len(where)), dtype=np.int64)
            np.add.at(moves, (which[before[later]], which[later]), 1)
            ranks = _ranks(moves)
            if ranks is None:
                continue
            changed = int(moves.sum() - np.trace(moves))
            back = int(moves[ranks[:, None] > ranks[None, :]].sum())
            share = holding_share(back, len(later), changed / 2)
            if share is None:
                continue
            place = np.empty(len(which), dtype=np.int64)
            place[rows.sorted_by(ranks_by(order, families.columns))] = rows.place
            each = bool((ranks[which] == place).mean() >= HOLDS)
            skips = np.trace(moves) <= NEAR * len(later)
            steps = tuple(s for s in families.scalars(name, where[np.argsort(ranks)]) if s is not None)
            yield Forward(column=name, steps=steps, ordered_by=order, way="each" if each else "skip" if skips else "repeat", share=share)
            break


def _ranks(moves: np.ndarray) -> np.ndarray | None:
    """The place of each value in an order in which most moves go forward, int64 (V,); None where they go round in a circle."""
    forward = moves > moves.T
    ranks = np.full(len(moves), -1)
    for place in range(len(moves)):
        free = np.flatnonzero((ranks < 0) & ~forward[ranks < 0].any(axis=0))
        if not len(free):
            return None
        ranks[free[0]] = place
    return ranks


def _marked(families: Families) -> Iterator[Marked]:
    search, rows = families.search, families.rows
    first = np.flatnonzero(rows.place == 0)
    several = rows.size[first] > 1
    for name in search.targets:
        codes, where, counts = np.unique(families.codes(name), return_index=True, return_counts=True)
        if len(codes) < 2:
            continue
        many = np.flatnonzero((counts >= max(MIN_SURPRISES, search.rare)) & (counts <= len(first) * (1 + NEAR)) & (counts < len(rows.family)))
        for i in many[np.argsort(-counts[many])][:MOST_MARKS].tolist():
            yield from _mark(families, name, families.codes(name) == codes[i], int(where[i]), first, several)


def _mark(families: Families, name: str, there: np.ndarray, where: int, first: np.ndarray, several: np.ndarray) -> Iterator[Marked]:
    rows = families.rows
    each = np.add.reduceat(there.astype(np.int64), first)
    always = int((each != 1).sum()) <= NEAR * len(first)
    errors = int(((each != 1) if always else (each > 1)).sum())
    chance = there.mean()
    size = rows.size[first]
    none, one = (1 - chance) ** size, size * chance * (1 - chance) ** (size - 1)
    share = holding_share(errors, int(several.sum()), float((1 - one if always else 1 - one - none)[several].sum()))
    if share is None:
        return
    rest = np.flatnonzero(~there)
    _, others, counts = np.unique(families.codes(name)[rest], return_index=True, return_counts=True)
    common = rest[others[counts.argmax()]][None] if counts.max(initial=0) >= families.search.rare else rest[:0]
    value = families.scalars(name, np.array([where]))[0]
    rule = Marked(column=name, value=value, others=tuple(families.scalars(name, common)), always=always, share=share)
    for order in orders_of(families.search):
        by = rows.sorted_by(ranks_by(order, families.columns))
        last = np.append(rows.place[1:] == 0, True)
        for at, ends in (("first", rows.place == 0), ("last", last)):
            if int((there[by] & ~ends).sum()) <= NEAR * int(there.sum()) and order != name:
                yield rule.model_copy(update={"at": at, "ordered_by": order})
                return
    yield rule


def _apart(families: Families) -> Iterator[Apart]:
    """Not of times, which hardly ever repeat: moved, they would no longer be in order with others."""
    rows = families.rows
    for name in (n for n in families.search.targets if not is_clock(families.search.types[n])):
        codes = np.unique(families.codes(name), return_inverse=True)[1]
        again = int(repeated(codes, rows).sum())
        share = holding_share(again, len(codes), int(repeated(codes[np.random.default_rng(0).permutation(len(codes))], rows).sum()))
        if share is not None and families.columns[name].null_count == 0:
            yield Apart(column=name, share=share)
