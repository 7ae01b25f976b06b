"""Look for what always holds between the rows of one parent: the body of the one task that `stages/across_rows.py` runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import permutations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import TypeAdapter

from ...spec.across_rows import AcrossRule, Ascending, Lagged, Shared
from ...spec.family_shapes import Apart, Following, Separate
from .families import FAMILY, SIZE, AcrossSearch, Families, holding_share, orders_of, same_by_chance, whole_families
from .family_order import order_of, ranks_by
from .find_mirrored import find_mirrored
from .find_running import find_running
from .find_shapes import find_shapes
from .held import count_held_across, held_lines
from .measures import HOLDS
from .units import plain

RULES: TypeAdapter[list[AcrossRule]] = TypeAdapter(list[AcrossRule])


def find_across_rows_in_batches(batches: Iterator[pa.RecordBatch], *, search: AcrossSearch) -> Iterator[pa.RecordBatch]:
    """One batch of one column `found`: the rules as JSON; all rows must come to one task.

    Columns come in the order of `search.types`, under other names, then `FAMILY` and `SIZE`.
    """
    parts = list(batches)
    if parts:
        table = pa.Table.from_batches(parts).rename_columns([*search.types, FAMILY, SIZE])
        found = find_across_rows(table, search)
        yield pa.record_batch({"found": pa.array([RULES.dump_json(found).decode()])})


def count_across_in_batches(batches: Iterator[pa.RecordBatch], *, search: AcrossSearch, rules: Sequence[AcrossRule]) -> Iterator[pa.RecordBatch]:
    """Rows that rules speak of and those that break them, as `held.HELD` has it, in the same columns."""
    parts = list(batches)
    if parts:
        families = whole_families(pa.Table.from_batches(parts).rename_columns([*search.types, FAMILY, SIZE]), search)
        yield held_lines(count_held_across(families.columns, rules, search.types, families.rows))


def find_across_rows(table: pa.Table, search: AcrossSearch) -> list[AcrossRule]:
    """At most one rule for each column; what is the same in the family goes first, then what mirrors, and what adds up."""
    families = whole_families(table, search)
    found: dict[str, AcrossRule] = {}
    shapes = find_shapes(families)
    led = {(rule.of, rule.column) for rule in shapes if isinstance(rule, Following)}  # the same said of the row before
    before: list[AcrossRule] = [*find_running(families), *_lagged(families)]
    adding = [rule for rule in before if not isinstance(rule, Lagged) or (rule.column, rule.of) not in led]
    # Beside any order of theirs.
    times: list[AcrossRule] = [rule for rule in shapes if isinstance(rule, Separate) and (rule.column, rule.stop) not in led]
    moved = {name for rule in times for name in rule.made}
    weak: list[AcrossRule] = [rule for rule in shapes if isinstance(rule, Apart) and rule.column not in moved]
    strong: list[AcrossRule] = [rule for rule in shapes if not isinstance(rule, Apart | Separate)]
    mirrored: list[AcrossRule] = list(find_mirrored(families))
    # What holds in families of any size says more than what two rows have of each other, unless all have two.
    first: list[AcrossRule] = [*mirrored, *strong] if _only_pairs(families) else [*strong, *mirrored]
    rules: list[AcrossRule] = [*_shared(families), *first, *adding, *_ascending(families), *weak]
    for rule in rules:
        if rule.column not in found:
            found[rule.column] = rule
    return [*found.values(), *times]


def _only_pairs(families: Families) -> bool:
    size = families.rows.size[families.rows.size > 1]
    return len(size) > 0 and bool((size == 2).mean() >= HOLDS)


def _shared(families: Families) -> Iterator[Shared]:
    rows = families.rows
    later = np.flatnonzero(rows.start != np.arange(len(rows.family)))
    large = int((rows.size[np.unique(rows.start)] > 1).sum()) if len(later) else 0
    for name in families.search.targets if large else ():
        codes = families.codes(name)
        errors = int((codes[later] != codes[rows.start[later]]).sum())
        first = codes[np.unique(rows.start)]
        share = holding_share(errors, len(later), large * (1 - same_by_chance(first, first)))
        if share is not None:
            yield Shared(column=name, share=share)


def _lagged(families: Families) -> Iterator[Lagged]:
    search = families.search
    best: dict[str, Lagged] = {}
    for order in orders_of(search):
        before = families.rows.before(ranks_by(order, families.columns))
        later = np.flatnonzero(before >= 0)
        for name, of in permutations(search.targets, 2):
            if search.types[name] != search.types[of] or order == name or (of in search.nullable and name not in search.nullable) or not len(later):
                continue
            mine, theirs = families.codes(name), families.codes(of)
            quick = later[:: max(1, len(later) // 256)]
            if (mine[quick] != theirs[before[quick]]).mean() > 0.05:
                continue
            errors = int((mine[later] != theirs[before[later]]).sum())
            share = holding_share(errors, len(later), len(later) * (1 - same_by_chance(mine, theirs)))
            if share is not None and (name not in best or share > best[name].share):
                empty = plain(families.columns[name]).is_null().to_numpy(zero_copy_only=False)[before < 0]
                best[name] = Lagged(column=name, of=of, ordered_by=order, share=share, first="null" if empty.mean() >= HOLDS else "drawn")
    yield from _without_circles(best.values())


def _without_circles(found: Iterable[Lagged]) -> Iterator[Lagged]:
    """A column that says what another was cannot itself be what a third was: such chains wait for one another."""
    targets: set[str] = set()
    sources: set[str] = set()
    for rule in sorted(found, key=lambda r: (-r.share, r.column)):
        if rule.of not in targets and rule.column not in sources:
            targets.add(rule.column)
            sources.add(rule.of)
            yield rule


def _ascending(families: Families) -> Iterator[Ascending]:
    if families.search.number is None:
        return
    before = families.rows.before(None)
    later = np.flatnonzero(before >= 0)
    texts: list[pa.Array] = []
    for name in families.search.sortable:
        x, null = order_of(families.columns[name]), families.columns[name].null_count
        fallen, risen = (int(n) for n in ((x[later] < x[before[later]]).sum(), (x[later] > x[before[later]]).sum()))
        share = holding_share(fallen + null, max(len(later), 1), (fallen + risen) / 2)
        own = [families.columns[name]] if families.search.types[name] == "string" else []
        # Sorted each by itself, a departure would no longer be after its own arrival: that is drawn as a distance.
        follows = any((pc.mean(pc.greater_equal(mine, other).cast("float64")).as_py() or 0.0) >= HOLDS for mine in own for other in texts)
        if share is not None and not follows:
            texts += own
            yield Ascending(column=name, share=share)
