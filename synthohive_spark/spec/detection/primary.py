"""Which columns may be a table's primary key, best first."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import combinations
from math import prod

from ..column_names import kind_of, listed, words
from .facts import FEW_REPEATS, TIMES, ColumnSeen, Seen, TableSeen, is_time
from .names import SAME_ELSEWHERE, Names

LEAST = 0.5  # confidence of what is taken into the metadata
MOST_PARTS, MOST_COLUMNS, MOST_COMBINATIONS = 4, 8, 64  # of composite keys that are looked at: columns of one, of all, and how many in one pass
CODE_LENGTH = 12  # characters; codes are shorter, names are longer
_PLACES = listed("line sequence seq position rank level")  # numbers that tell the rows of one parent apart
_BY_SIZE = {2: 1.0, 3: 0.9, 4: 0.75}  # that several columns are unique together happens the more easily the more they are


@dataclass(frozen=True)
class KeyProposal:
    """Columns that may be a key of their table.

    Attributes:
        columns: in the table's order, or as they are declared.
        confidence: in [0, 1].
        reason: in words.
        declared: whether the table says so itself, rather than names and values.
        faulty: rows that repeat it or have a null in it, once they are counted.
    """

    columns: tuple[str, ...]
    confidence: float
    reason: str
    declared: bool = False
    faulty: int = 0


def single_keys(table: TableSeen, names: Names, seen: Seen) -> list[KeyProposal]:
    """Columns that seem unique and may be the primary key by their names and places, best first."""
    found = [_single(table, place, names, seen) for place, column in enumerate(table.columns) if column.may_be_unique and column.can_be_key]
    return sorted((one for one in found if one.confidence > 0), key=lambda one: -one.confidence)


def _single(table: TableSeen, place: int, names: Names, seen: Seen) -> KeyProposal:
    column = table.columns[place]
    sure, why = _by_name(table, place, names)
    used = _used_elsewhere(table.name, column, names, seen, first=place == 0)
    if used:
        sure, why = 1 - (1 - sure) * 0.35, f"{why}, and {used} has a column of this name, with repeats"
    if not column.nullable:
        sure, why = 1 - (1 - sure) * 0.8, f"{why}, declared not null"
    if not column.rows:
        sure, why = sure * 0.7, f"{why}; the table is empty"
    return KeyProposal((column.name,), sure, why)


def _by_name(table: TableSeen, place: int, names: Names) -> tuple[float, str]:
    column = table.columns[place]
    name = column.name
    first = "; it comes first" if place == 0 else ""
    if names.of_other_table(table.name, name):
        return 0.3, f"unique, but called after another table{first}"
    if names.keyed(table.name, name) and names.of_own_table(table.name, name):
        return 0.97, f"unique, and called after its table{first}"
    if names.bare(table.name, name):
        return 0.95, f"unique, and its name says key{first}"
    if kind_of(name, table.name) is not None and not names.of_own_table(table.name, name):
        return 0.15 + 0.15 * (place == 0), "unique, but it sounds like what it describes"
    if names.measures(table.name, name):
        return 0.1 + 0.3 * (place == 0), f"unique, but it sounds like a measure{first}"
    if names.counts_rows(table.name, name):
        return 0.65, f"unique, and it numbers the rows{first}"
    if names.keyed(table.name, name):
        return (0.9 if place == 0 else 0.6), f"unique, and its name has a word for keys{first}"
    if place == 0:
        return (0.8, "unique, and the first column") if column.whole or column.length <= CODE_LENGTH else (0.55, "unique text, and the first column")
    return (0.4, "unique, and short") if not column.whole and column.length <= CODE_LENGTH else (0.2, "unique")


def _used_elsewhere(table: str, column: ColumnSeen, names: Names, seen: Seen, *, first: bool) -> str | None:
    """A table that has a column of the same specific name that is no key there; of a `first` column, of the same name."""
    for other, its in seen.items():
        for its_column in its.columns:
            if other == table or its_column.name.casefold() != column.name.casefold() or its_column.may_be_unique or not its_column.values:
                continue
            if names.affinity((other, its_column.name), (table, column.name))[0] >= (0.5 if first else SAME_ELSEWHERE):
                return other
    return None


def parts_of_keys(table: TableSeen, pointing: Mapping[str, float], names: Names) -> dict[str, float]:
    """Columns that may be part of a composite key, each with how much it looks like one, in [0, 1]; the likeliest first.

    Args:
        pointing: columns that may point at other tables, with the confidence.
    """
    found = {}
    for column in table.columns:
        if column.values < table.rows or column.distinct < 2 or not (column.can_be_key or column.family in TIMES):
            continue
        found[column.name] = max(_part(table, column, names), 0.95 * pointing.get(column.name, 0.0))
    best = sorted(found, key=lambda name: -found[name])[:MOST_COLUMNS]
    return {name: found[name] for name in best}


def _part(table: TableSeen, column: ColumnSeen, names: Names) -> float:
    if names.measures(table.name, column.name) and not is_time(column):
        return 0.5 if _PLACES & set(words(column.name)) else 0.1
    if names.keyed(table.name, column.name):
        return 0.85
    if is_time(column):
        return 0.75
    if kind_of(column.name, table.name) is not None:
        return 0.2
    return 0.6 if column.whole or column.length <= CODE_LENGTH else 0.2


def combinations_to_count(table: TableSeen, parts: Mapping[str, float]) -> list[tuple[str, ...]]:
    """Sets of columns that can be unique together, the likeliest first."""
    distinct = {name: table[name].distinct for name in parts}
    sets = [some for size in range(2, MOST_PARTS + 1) for some in combinations(parts, size)]
    able = [some for some in sets if 2 * prod(distinct[c] for c in some) >= table.rows]  # numbers of times are rough
    return sorted(able, key=lambda some: -_together(some, parts))[:MOST_COMBINATIONS]


def composite_keys(table: TableSeen, counted: Mapping[tuple[str, ...], float], parts: Mapping[str, float]) -> list[KeyProposal]:
    """Composite keys that seem unique, best first; none that holds another one.

    Args:
        counted: different combinations per row of some sets of columns, about.
    """
    unique = [some for some, share in counted.items() if share >= 1 - FEW_REPEATS]
    least = [some for some in unique if not any(set(other) < set(some) for other in unique)]
    order = {name: place for place, name in enumerate(table.names)}
    found = [KeyProposal(tuple(sorted(some, key=order.__getitem__)), _together(some, parts), "unique together") for some in least]
    return sorted((one for one in found if one.confidence >= LEAST), key=lambda one: (-one.confidence, [order[c] for c in one.columns]))


def _together(some: Collection[str], parts: Mapping[str, float]) -> float:
    return _BY_SIZE[len(some)] * sum(parts[c] for c in some) / len(some)


def junction_key(table: TableSeen, key: tuple[str, ...], pointing: Mapping[tuple[str, ...], tuple[str, float]], names: Names) -> KeyProposal | None:
    """The key of a table that only joins two others and is called after both, where one of its columns happens to be unique.

    Args:
        key: the primary key that was found.
        pointing: the table's foreign keys of one column, with their parents and confidences.
    """
    columns = [c for (c,) in (k for k in pointing if len(k) == 1)]
    others = [c for c in table.columns if c.name not in columns and not is_time(c)]
    if len(key) != 1 or key[0] not in columns or len(columns) < 2 or len(others) > 1:
        return None
    about, called = names.subjects[table.name], []
    for column in columns:
        parent = names.subjects[pointing[column,][0]]
        if parent and any(word in parent for word in about):
            called.append(column)
    if len({pointing[c,][0] for c in called}) < 2:
        return None
    order = {name: place for place, name in enumerate(table.names)}
    both = tuple(sorted(called, key=order.__getitem__))
    return KeyProposal(both, 0.8, "it joins the tables that it is called after")
