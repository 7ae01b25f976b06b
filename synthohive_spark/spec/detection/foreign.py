"""Which columns may be foreign keys: pairs worth a look, what names and values say together, and which of them to keep."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ..column_names import kind_of
from ..types import key_types_match
from .facts import TIMES, Column, ColumnSeen, Seen, TableSeen
from .inclusion import Inclusion, alike, surprise, within
from .names import HINT, SAME_ELSEWHERE, Names
from .primary import LEAST

CLEAR = 0.8  # of a name: it alone makes a key where there is nothing to compare, or where values are missing in the parent
MOST_MISSING = 0.4  # of different values, of a key that its name makes clear
TOLD = 0.3  # confidence from which on a key that is not taken is told
SPARSE = 0.5  # of the range of a key is taken at most, where only values tell that a column points at rows of its own table
_FEW_MISSING = 0.1  # without a clear name
_ALTERNATE = 0.7  # affinity of a key to a unique column that is not the primary key


@dataclass(frozen=True)
class Pair:
    """A column that may point at a unique one.

    Attributes:
        child, parent: (table, column).
        name: affinity of the names.
        why: in words.
        primary: whether the parent's column is its primary key.
        inclusion: of the child's values; None where it was not looked at.
    """

    child: Column
    parent: Column
    name: float
    why: str
    primary: bool = True
    inclusion: Inclusion | None = None


@dataclass(frozen=True)
class ForeignProposal:
    """A foreign key, how sure it is, in [0, 1], and why."""

    table: str
    columns: tuple[str, ...]
    parent_table: str
    parent_columns: tuple[str, ...]
    confidence: float
    reason: str
    name: float = 0.0


def pairs_to_look_at(seen: Seen, names: Names, keys: Mapping[str, tuple[str, ...]]) -> list[Pair]:
    """Pairs that types, names, ranges and numbers of values allow.

    Args:
        keys: the primary key of each table that has one.
    """
    children = [(name, c) for name, table in seen.items() for c in table.columns if c.can_be_key]
    found = []
    for name, table in seen.items():
        for column in _pointed(table, keys.get(name, ()), names):
            primary = keys.get(name) == (column.name,)
            found += [
                pair
                for owner, child in children
                if (owner, child.name) != (name, column.name) and (pair := _pair((owner, child), (name, column), names, primary)) is not None
            ]
    return found


def _pointed(table: TableSeen, key: tuple[str, ...], names: Names) -> list[ColumnSeen]:
    """The columns of a table that others may point at: its key, and codes that are unique beside it."""
    own = [c for c in table.columns if (c.name,) == key]
    codes = [
        c
        for c in table.columns
        if (c.name,) != key and c.rows and c.can_be_key and c.may_be_unique and kind_of(c.name, table.name) is None and names.keyed(table.name, c.name)
    ]
    return own + [c for c in codes if not names.of_other_table(table.name, c.name)]


def _pair(child: tuple[str, ColumnSeen], parent: tuple[str, ColumnSeen], names: Names, primary: bool) -> Pair | None:
    (owner, own), (table, key) = child, parent
    if not key_types_match(own.spark_type, key.spark_type):
        return None
    name, why = names.affinity((owner, own.name), (table, key.name))
    if owner == table and name < HINT and (not name or own.may_be_unique or (own.whole and key.density > SPARSE)):
        return None
    if not own.values or not key.values:
        return Pair((owner, own.name), (table, key.name), name, why, primary) if name >= CLEAR else None
    if (not primary and name < _ALTERNATE) or (name < HINT and not _by_values(own, key)) or (name < CLEAR and not alike(own, key)):
        return None
    return Pair((owner, own.name), (table, key.name), name, why, primary)


def _by_values(child: ColumnSeen, parent: ColumnSeen) -> bool:
    """Whether values alone could make a key."""
    if not alike(child, parent):
        return False
    if child.whole and parent.density == 1:
        return not child.may_be_unique and within(child, parent) and child.distinct >= 10
    return True


def judged(pair: Pair, seen: Seen, names: Names) -> ForeignProposal | None:
    """What a pair is worth, once its values were compared; None for nothing."""
    (owner, own_name), (table, key_name) = pair.child, pair.parent
    own, key = seen[owner][own_name], seen[table][key_name]
    inclusion = pair.inclusion or Inclusion(0, 0, True)
    fits = _fits(inclusion, pair)
    if not fits:
        return None
    worth = surprise(own, key, inclusion) * _prior(pair, own, key, names)
    confidence = (1 - (1 - pair.name) * (1 - worth)) * fits
    if not inclusion.compared:
        confidence *= 0.7
    said = [pair.why] if pair.why else ["no name tells it"]
    if inclusion.compared:
        all_there = inclusion.found == inclusion.compared
        said.append(f"{'all' if all_there else f'{inclusion.share:.0%}'} of {inclusion.compared} values compared are there")
        said += ["which is unlikely by chance"] if worth >= LEAST else []
    else:
        said.append("there are no values to compare")
    return ForeignProposal(owner, (own_name,), table, (key_name,), round(confidence, 3), "; ".join(said), pair.name)


def _fits(inclusion: Inclusion, pair: Pair) -> float:
    """What missing values leave of the confidence; 0 for nothing."""
    missing = 1 - inclusion.share
    if not pair.primary and missing > 0.01:
        return 0.0
    if missing <= 0.001:
        return 1.0
    if missing <= _FEW_MISSING:
        return 0.95
    return 0.8 if missing <= MOST_MISSING and pair.name >= CLEAR else 0.0


def _prior(pair: Pair, own: ColumnSeen, key: ColumnSeen, names: Names) -> float:
    """What names say against a key that values suggest."""
    prior, dense = 1.0, own.whole and key.density == 1
    if pair.name >= HINT:
        return prior
    if names.measures(*pair.child):
        prior *= 0.3
    if dense and own.may_be_unique:
        prior *= 0.3
    # Where keys are called keys, a column that is not is none, unless its values cannot be there by chance.
    if dense and names.keyed(*pair.parent) and not names.keyed(*pair.child):
        prior *= 0.5
    if names.of_own_table(*pair.child) or (dense and names.bare(*pair.child)):
        prior *= 0.5
    if kind_of(pair.child[1], pair.child[0]) is not None and kind_of(pair.parent[1], pair.parent[0]) is None:
        prior *= 0.7
    return prior


def chosen(proposals: Iterable[ForeignProposal], seen: Seen, keys: Mapping[str, tuple[str, ...]], names: Names) -> list[ForeignProposal]:
    """One parent for each column, and one direction between two keys; the surest first, in the order of the tables."""
    best: dict[Column, ForeignProposal] = {}
    for one in sorted(proposals, key=lambda p: _rank(p, seen, keys)):
        best.setdefault((one.table, one.columns[0]), one)
    kept = [one for one in best.values() if one.confidence >= TOLD and _may_point(one, best, seen, keys, names)]
    taken = {(p.table, p.parent_table) for p in kept if p.confidence >= LEAST and keys.get(p.parent_table) == p.parent_columns}
    # A code of a parent that the row points at already is a copy of its column.
    kept = [p for p in kept if keys.get(p.parent_table) == p.parent_columns or (p.table, p.parent_table) not in taken]
    order = {name: place for place, name in enumerate(seen)}
    return sorted(kept, key=lambda p: (order[p.table], seen[p.table].names.index(p.columns[0])))


def _rank(one: ForeignProposal, seen: Seen, keys: Mapping[str, tuple[str, ...]]) -> tuple[object, ...]:
    parent = seen[one.parent_table][one.parent_columns[0]]
    return -one.confidence, keys.get(one.parent_table) != one.parent_columns, parent.distinct, list(seen).index(one.parent_table)


def _may_point(one: ForeignProposal, best: Mapping[Column, ForeignProposal], seen: Seen, keys: Mapping[str, tuple[str, ...]], names: Names) -> bool:
    """Whether a primary key may be this foreign key: it must be clear, and not point where it is pointed from."""
    if keys.get(one.table) != one.columns:
        return True
    own, parent = seen[one.table][one.columns[0]], seen[one.parent_table][one.parent_columns[0]]
    by_values = not own.whole or parent.density < 1
    # `a` of t1 and `a` of t2 are no keys to each other only because both count from 1.
    above = (one.parent_table, one.parent_columns[0])
    called = one.columns != one.parent_columns or names.of_own_table(*above) or names.keyed(*above) and not names.bare(*above)
    if not by_values and not (called and one.name >= _ALTERNATE):
        return False
    back = best.get((one.parent_table, one.parent_columns[0]))
    if back is None or back.parent_table != one.table:
        return True

    def weight(p: ForeignProposal) -> tuple[bool, float, int, int]:
        return not names.of_own_table(p.table, p.columns[0]), p.confidence, -seen[p.table].rows, list(seen).index(p.table)

    return weight(one) > weight(back)


def composite_candidates(seen: Seen, names: Names, keys: Mapping[str, tuple[str, ...]]) -> list[ForeignProposal]:
    """Sets of columns that are called like a composite key of another table."""
    found = []
    for parent, key in keys.items():
        for child, table in seen.items():
            columns = _called_like(table, seen[parent], key, names) if len(key) > 1 and child != parent else None
            if columns is None or (set(keys.get(child, ())) == set(columns) and not _smaller(child, parent, seen)):
                continue
            name = min(names.affinity((child, c), (parent, p))[0] if c.casefold() != p.casefold() else 1.0 for c, p in zip(columns, key, strict=True))
            found.append(ForeignProposal(child, columns, parent, key, round(0.6 + 0.35 * name, 3), "the columns are called like those of the key", name))
    return found


def _smaller(child: str, parent: str, seen: Seen) -> bool:
    order = list(seen)
    return (seen[child].rows, -order.index(child)) < (seen[parent].rows, -order.index(parent))


def _called_like(table: TableSeen, parent: TableSeen, key: Sequence[str], names: Names) -> tuple[str, ...] | None:
    """The column of a table for each one of a composite key; None where one has none."""
    found: list[str] = []
    for part in key:
        there = [
            c for c in table.columns if c.name not in found and (c.can_be_key or c.family in TIMES) and key_types_match(c.spark_type, parent[part].spark_type)
        ]
        close = {c.name: 2.0 if c.name.casefold() == part.casefold() else names.affinity((table.name, c.name), (parent.name, part))[0] for c in there}
        best = max(close, key=lambda name: close[name], default=None)
        if best is None or close[best] < SAME_ELSEWHERE:
            return None
        found.append(best)
    return tuple(found)


def confirmed(one: ForeignProposal, matched: int, orphans: int) -> ForeignProposal | None:
    """A key with what counting all rows says; None where too many rows have no parent."""
    whole = matched + orphans
    missing = orphans / whole if whole else 0.0
    if missing > (0.5 if one.name >= CLEAR else 2 * _FEW_MISSING):
        return None
    said = f"{one.reason}; {orphans:,} of {whole:,} rows have no parent" if orphans else one.reason
    return replace(one, confidence=round(one.confidence * (1 - missing / 2), 3), reason=said)
