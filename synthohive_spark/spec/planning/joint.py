"""Which keys of a table may lead to rows together, and which of what was counted are taken. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import prod

from ...errors import SchemaError
from ..graph import SchemaGraph
from ..identifiers import table_name_faults
from ..joint import JointKey, with_joint_keys
from ..metadata import ForeignKey, Metadata
from ..survey import KeyFacts, Survey

LEAST_ROWS = 200  # of a table: fewer could all be pairs of another one by chance
LEAST_PAIRS = 50
FULL = 0.5  # share of all pairs of both parents' rows: a table that has so many holds any pair by chance
COMPLETE = 0.9  # the same, from which on each row of one parent goes with each of the other
SEVERAL = 2.0  # rows per pair, from which on pairs get a table of their own
MOST_ASKED = 64  # keys that are counted
BY_CHANCE = (0.5, 2.0)  # dispersion of pairs that have rows or none each by itself: else all pairs of a parent have some, or as many of them always


@dataclass(frozen=True)
class Counted:
    """What the data says of a candidate.

    Attributes:
        pairs: different ones, of a key whose table would be made.
        repeats, orphans: rows of the other table that repeat a pair, rows whose pair it does not have.
        dispersion: for the parents of each key, the variance of how many of their pairs in the other table have rows, as a multiple of what chance gives.
    """

    pairs: int = 0
    repeats: int = 0
    orphans: int = 0
    dispersion: tuple[float, ...] = ()


def joint_candidates(metadata: Metadata, survey: Survey) -> list[JointKey]:
    """What is worth counting: at most `MOST_ASKED`."""
    found = [c for name in sorted(survey.tables) if _able(metadata, survey, name) for c in (*_within(metadata, survey, name), *_inside(metadata, survey, name))]
    return found[:MOST_ASKED]


def chosen_joint_keys(metadata: Metadata, survey: Survey, counted: Mapping[JointKey, Counted]) -> tuple[JointKey, ...]:
    """At most one for each table: the other table with the fewest rows, else a table made for it. None closes a circle of tables."""
    chosen: list[JointKey] = []
    by_table: dict[str, list[JointKey]] = {}
    for candidate, found in counted.items():
        if holds(metadata, survey, candidate, found):
            by_table.setdefault(candidate.table, []).append(candidate)
    for table in sorted(by_table):
        for candidate in sorted(by_table[table], key=lambda c: (c.made, 0 if c.made else survey.tables[c.parent].rows, c.parent, c.keys)):
            if _is_open(with_joint_keys(metadata, [*chosen, candidate]), metadata):
                chosen.append(candidate)
                break
    return tuple(chosen)


def _able(metadata: Metadata, survey: Survey, name: str) -> bool:
    table = metadata.tables[name]
    facts = survey.tables[name]
    return table.role == "learnt" and table.parent_context_cols is None and facts.rows == facts.read >= LEAST_ROWS


def _keys(metadata: Metadata, survey: Survey, name: str) -> dict[int, ForeignKey]:
    """Keys to other learnt tables that every row has."""
    seen = survey.tables[name].keys
    every = enumerate(metadata.tables[name].foreign_keys)
    learnt = {i: key for i, key in every if key.parent_table in survey.tables and metadata.tables[key.parent_table].role == "learnt"}
    return {i: key for i, key in learnt.items() if key.parent_table != name and _is_whole(seen[i])}


def _is_whole(facts: KeyFacts | None) -> bool:
    return facts is not None and not facts.orphans and not facts.nulls


def _inside(metadata: Metadata, survey: Survey, name: str) -> Iterator[JointKey]:
    """All keys inside the primary key, where it has more than them."""
    table = metadata.tables[name]
    keys = {i: key for i, key in _keys(metadata, survey, name).items() if set(key.columns) <= set(table.primary_key)}
    columns = tuple(c for key in keys.values() for c in key.columns)
    joined = f"{name} ({', '.join(columns)})"
    distinct = len(keys) > 1 and len(set(columns)) == len(columns) and set(table.primary_key) - set(columns)
    if distinct and not _is_declared(metadata, name, columns) and joined not in metadata.tables and not table_name_faults(joined):
        yield JointKey(table=name, keys=tuple(keys), columns=columns, parent=joined, parent_columns=columns, made=True)


def _within(metadata: Metadata, survey: Survey, name: str) -> Iterator[JointKey]:
    """Two keys that another table has, too."""
    types = survey.tables[name].types
    for (i, one), (j, two) in combinations(_keys(metadata, survey, name).items(), 2):
        columns = (*one.columns, *two.columns)
        if len(set(columns)) < len(columns) or _is_declared(metadata, name, columns):
            continue
        for other in sorted(set(survey.tables) - {name, one.parent_table, two.parent_table}):
            for theirs in _counterparts(metadata, survey, other, one, two):
                if tuple(types[c] for c in columns) == tuple(survey.tables[other].types[c] for c in theirs) and not _are_linked(metadata, name, other):
                    yield JointKey(table=name, keys=(i, j), columns=columns, parent=other, parent_columns=theirs)


def _counterparts(metadata: Metadata, survey: Survey, other: str, one: ForeignKey, two: ForeignKey) -> Iterator[tuple[str, ...]]:
    facts = survey.tables[other]
    if metadata.tables[other].role != "learnt" or not LEAST_PAIRS <= facts.rows == facts.read:
        return
    keys = _keys(metadata, survey, other)
    ways = [[(i, own) for i, key in keys.items() if (own := _same_parent(key, wanted))] for wanted in (one, two)]
    places = [(i, j) for i, own in ways[0] for j, theirs in ways[1] if i != j and not set(own) & set(theirs)]
    if len(places) == 1:  # of two keys to one parent nobody knows which is meant
        i, j = places[0]
        columns = (*dict(ways[0])[i], *dict(ways[1])[j])
        if not set(columns) < set(metadata.tables[other].primary_key):  # its pairs come back
            yield columns


def _same_parent(key: ForeignKey, wanted: ForeignKey) -> tuple[str, ...]:
    """The columns of `key` in the order of `wanted`, where both lead to the same columns of one table."""
    if key.parent_table != wanted.parent_table or set(key.parent_columns) != set(wanted.parent_columns):
        return ()
    own = dict(zip(key.parent_columns, key.columns, strict=True))
    return tuple(own[p] for p in wanted.parent_columns)


def _is_declared(metadata: Metadata, name: str, columns: Sequence[str]) -> bool:
    """Whether some declared key has all the columns, or all that is unique is among them."""
    return any(set(columns) <= set(key.columns) for key in metadata.tables[name].foreign_keys)


def _are_linked(metadata: Metadata, name: str, other: str) -> bool:
    return any(key.parent_table == b for a, b in ((name, other), (other, name)) for key in metadata.tables[a].foreign_keys)


def holds(metadata: Metadata, survey: Survey, candidate: JointKey, found: Counted) -> bool:
    """Whether a candidate is a key of its table, and tells something."""
    facts = survey.tables[candidate.table]
    if candidate.made:
        keys = [facts.keys[i] or KeyFacts() for i in candidate.keys]
        return LEAST_PAIRS <= found.pairs <= facts.rows / SEVERAL and found.pairs <= COMPLETE * prod(_with_rows(key) for key in keys)
    if not all(BY_CHANCE[0] <= index <= BY_CHANCE[1] for index in found.dispersion):
        return False
    other, declared = survey.tables[candidate.parent], metadata.tables[candidate.parent].foreign_keys
    theirs = [seen for key, seen in zip(declared, other.keys, strict=True) if seen is not None and set(key.columns) <= set(candidate.parent_columns)]
    return not found.repeats and not found.orphans and other.rows <= FULL * prod(_with_rows(key) for key in theirs)


def _with_rows(key: KeyFacts) -> int:
    """Parents that have rows."""
    return sum(n for children, n in key.children if children)


def _is_open(metadata: Metadata, before: Metadata) -> bool:
    """Whether no circle of tables is closed that was open before."""
    try:
        return len(SchemaGraph.from_metadata(metadata).deferred) == len(SchemaGraph.from_metadata(before).deferred)
    except SchemaError:
        return False
